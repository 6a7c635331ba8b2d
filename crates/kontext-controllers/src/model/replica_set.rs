use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::{Value, value::RawValue};

use super::{
    Annotations, Condition, Labels, Meta, Object, Owner, RawObject, Selector, SelectorError, Text, condition,
    meta::WireMeta,
    raw::{non_zero, object_at, put, set_annotations},
    selector::{WireSelector, selector},
};
use crate::template::Template;

/// What the loops need of a ReplicaSet, and its full JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaSet {
    /// Metadata.
    pub meta: Meta,
    /// All annotations.
    pub annotations: Annotations,
    /// Pods wanted (`spec.replicas`).
    pub replicas: i32,
    /// Seconds a pod must be ready to count as available.
    pub min_ready_seconds: i32,
    /// Which pods belong to it.
    pub selector: Result<Selector, SelectorError>,
    /// The pod template, for comparing.
    pub template: Template,
    /// Labels of the pod template.
    pub template_labels: Labels,
    /// Status.
    pub status: ReplicaSetStatus,
    /// The full JSON.
    pub raw: RawObject,
}

/// Status of a ReplicaSet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReplicaSetStatus {
    /// Active pods.
    pub replicas: i32,
    /// Active pods that carry all labels of the template.
    pub fully_labeled_replicas: i32,
    /// Active pods that are ready.
    pub ready_replicas: i32,
    /// Active pods that have been ready for `minReadySeconds`.
    pub available_replicas: i32,
    /// Pods that are being deleted; absent from an older controller.
    pub terminating_replicas: Option<i32>,
    /// The generation this status speaks of.
    pub observed_generation: i64,
    /// Conditions.
    pub conditions: Vec<Condition>,
}

/// What a PUT of a ReplicaSet changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicaSetChange {
    /// New `spec.replicas`.
    pub replicas: Option<i32>,
    /// New `spec.minReadySeconds`.
    pub min_ready_seconds: Option<i32>,
    /// Annotations to set; others stay.
    pub annotations: Annotations,
}

impl ReplicaSet {
    /// The condition of this type.
    #[must_use]
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        condition(&self.status.conditions, kind)
    }

    /// This ReplicaSet as an owner.
    #[must_use]
    pub fn as_owner(&self) -> Owner {
        Owner {
            api_version: super::intern("apps/v1"),
            kind: super::intern("ReplicaSet"),
            name: Text::clone(&self.meta.name),
            uid: Text::clone(&self.meta.uid),
        }
    }

    /// Whether it wants pods.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.replicas > 0
    }

    /// The full object with changes, as the body of a PUT. Fields we do not know are kept.
    #[must_use]
    pub fn body(&self, change: &ReplicaSetChange) -> Value {
        let mut object = self.raw.to_value("ReplicaSet");
        set_annotations(&mut object, &change.annotations);
        let spec = object_at(&mut object, "spec");
        if let Some(replicas) = change.replicas {
            spec.insert("replicas".to_owned(), replicas.into());
        }
        if let Some(seconds) = change.min_ready_seconds {
            put(spec, "minReadySeconds", non_zero(seconds));
        }
        Value::Object(object)
    }

    /// The full object with a new status, as the body of a PUT to `/status`.
    #[must_use]
    pub fn status_body(&self, status: &ReplicaSetStatus) -> Value {
        let mut object = self.raw.to_value("ReplicaSet");
        let fields = object_at(&mut object, "status");
        let conditions = super::condition::to_json(&status.conditions, fields.get("conditions"));
        put(fields, "replicas", Some(status.replicas));
        put(fields, "fullyLabeledReplicas", non_zero(status.fully_labeled_replicas));
        put(fields, "readyReplicas", non_zero(status.ready_replicas));
        put(fields, "availableReplicas", non_zero(status.available_replicas));
        put(fields, "terminatingReplicas", status.terminating_replicas);
        put(fields, "observedGeneration", non_zero(status.observed_generation));
        put(fields, "conditions", (!status.conditions.is_empty()).then_some(conditions));
        Value::Object(object)
    }

    /// The pod template as it stands in the object.
    #[must_use]
    pub fn template_json(&self) -> Value {
        self.raw.template()
    }

    /// Reads one from JSON text.
    pub fn parse(json: &str) -> serde_json::Result<Self> {
        let raw = RawObject::parse(json)?;
        let wire: Wire<'_> = serde_json::from_str(raw.as_str())?;
        let (meta, annotations) = wire.metadata.split();
        let (template, template_labels) = Template::parse(wire.spec.template)?;
        let wire_spec = wire.spec;
        Ok(Self {
            meta,
            annotations: annotations.unwrap_or_default(),
            replicas: wire_spec.replicas.unwrap_or(1),
            min_ready_seconds: wire_spec.min_ready_seconds.unwrap_or(0),
            selector: selector(wire_spec.selector),
            template,
            template_labels,
            status: wire.status.unwrap_or_default(),
            raw,
        })
    }
}

impl Object for ReplicaSet {
    fn meta(&self) -> &Meta {
        &self.meta
    }
}

#[derive(Deserialize)]
struct Wire<'a> {
    metadata: WireMeta<Annotations>,
    #[serde(borrow)]
    spec: WireSpec<'a>,
    status: Option<ReplicaSetStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSpec<'a> {
    replicas: Option<i32>,
    min_ready_seconds: Option<i32>,
    selector: Option<WireSelector>,
    #[serde(borrow)]
    template: Option<&'a RawValue>,
}

impl<'de> Deserialize<'de> for ReplicaSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::parse(raw.get()).map_err(D::Error::custom)
    }
}
