use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::{Map, Value, value::RawValue};

use super::{
    Annotations, Condition, IntOrString, Labels, Meta, Object, Owner, RawObject, Selector, SelectorError,
    Text, condition,
    meta::WireMeta,
    raw::{non_zero, object_at, put, set_annotations},
    selector::{WireSelector, selector},
};
use crate::template::Template;

/// What the loop needs of a Deployment, and its full JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Metadata.
    pub meta: Meta,
    /// All annotations.
    pub annotations: Annotations,
    /// Pods wanted (`spec.replicas`).
    pub replicas: i32,
    /// Seconds a pod must be ready to count as available.
    pub min_ready_seconds: i32,
    /// No rollout while this is set.
    pub paused: bool,
    /// How many old ReplicaSets are kept; `None` keeps all.
    pub revision_history_limit: Option<i32>,
    /// Seconds without progress after which a rollout counts as stuck; `None` never.
    pub progress_deadline_seconds: Option<i32>,
    /// How old pods are replaced.
    pub strategy: Strategy,
    /// Which ReplicaSets belong to it.
    pub selector: Result<Selector, SelectorError>,
    /// The pod template, for comparing.
    pub template: Template,
    /// Labels of the pod template.
    pub template_labels: Labels,
    /// Status.
    pub status: DeploymentStatus,
    /// The full JSON.
    pub raw: RawObject,
}

/// How old pods are replaced by new ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// First all old ones go, then the new ones come.
    Recreate,
    /// Step by step.
    RollingUpdate {
        /// Pods above the wanted number, absolute or in percent (rounded up).
        max_surge: Option<IntOrString>,
        /// Pods that may be missing, absolute or in percent (rounded down).
        max_unavailable: Option<IntOrString>,
    },
    /// A strategy this version does not know.
    Unknown(Text),
}

/// Status of a Deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeploymentStatus {
    /// The generation this status speaks of.
    pub observed_generation: i64,
    /// Pods of all its ReplicaSets.
    pub replicas: i32,
    /// Pods of the new ReplicaSet.
    pub updated_replicas: i32,
    /// Ready pods.
    pub ready_replicas: i32,
    /// Available pods.
    pub available_replicas: i32,
    /// Pods that are wanted by its ReplicaSets and not available.
    pub unavailable_replicas: i32,
    /// Pods that are being deleted; absent while a ReplicaSet does not report it.
    pub terminating_replicas: Option<i32>,
    /// How often the name of a new ReplicaSet was already taken.
    pub collision_count: Option<i32>,
    /// Conditions.
    pub conditions: Vec<Condition>,
}

/// What a PUT of a Deployment changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeploymentChange {
    /// New pod template.
    pub template: Option<Value>,
    /// All annotations as they are to be afterwards.
    pub annotations: Option<Annotations>,
}

impl Deployment {
    /// The condition of this type.
    #[must_use]
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        condition(&self.status.conditions, kind)
    }

    /// The progress deadline in seconds, if there is one; the largest 32-bit number also means none.
    #[must_use]
    pub fn progress_deadline(&self) -> Option<i32> {
        self.progress_deadline_seconds.filter(|seconds| *seconds != i32::MAX)
    }

    /// This Deployment as an owner.
    #[must_use]
    pub fn as_owner(&self) -> Owner {
        Owner {
            api_version: super::intern("apps/v1"),
            kind: super::intern("Deployment"),
            name: Text::clone(&self.meta.name),
            uid: Text::clone(&self.meta.uid),
        }
    }

    /// The full object with a new spec or new annotations, as the body of a PUT.
    #[must_use]
    pub fn body(&self, change: &DeploymentChange) -> Value {
        let mut object = self.raw.to_value("Deployment");
        if let Some(template) = &change.template {
            object_at(&mut object, "spec").insert("template".to_owned(), template.clone());
        }
        if let Some(annotations) = &change.annotations {
            let all: Map<String, Value> =
                annotations.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
            put(object_at(&mut object, "metadata"), "annotations", (!all.is_empty()).then_some(all));
        }
        Value::Object(object)
    }

    /// The full object with a new status and more annotations, as the body of a PUT to `/status`.
    ///
    /// The API server takes annotations from such a write too (it resets spec and labels only), and that is the only
    /// way in which the revision reaches the Deployment: a patch of `.status` alone would lose it.
    #[must_use]
    pub fn status_body(&self, status: &DeploymentStatus, annotations: &Annotations) -> Value {
        let mut object = self.raw.to_value("Deployment");
        set_annotations(&mut object, annotations);
        let fields = object_at(&mut object, "status");
        let conditions = super::condition::to_json(&status.conditions, fields.get("conditions"));
        put(fields, "observedGeneration", non_zero(status.observed_generation));
        put(fields, "replicas", non_zero(status.replicas));
        put(fields, "updatedReplicas", non_zero(status.updated_replicas));
        put(fields, "readyReplicas", non_zero(status.ready_replicas));
        put(fields, "availableReplicas", non_zero(status.available_replicas));
        put(fields, "unavailableReplicas", non_zero(status.unavailable_replicas));
        put(fields, "terminatingReplicas", status.terminating_replicas);
        put(fields, "collisionCount", status.collision_count);
        put(fields, "conditions", (!status.conditions.is_empty()).then_some(conditions));
        Value::Object(object)
    }

    /// The pod template as it stands in the object.
    #[must_use]
    pub fn template_json(&self) -> Value {
        self.raw.template()
    }

    /// `spec.selector` as it stands in the object.
    #[must_use]
    pub fn selector_json(&self) -> Value {
        self.raw
            .to_value("Deployment")
            .get("spec")
            .and_then(|spec| spec.get("selector"))
            .cloned()
            .unwrap_or(Value::Null)
    }

    /// Reads one from JSON text.
    pub fn parse(json: &str) -> serde_json::Result<Self> {
        let raw = RawObject::parse(json)?;
        let wire: Wire<'_> = serde_json::from_str(raw.as_str())?;
        let (meta, annotations) = wire.metadata.split();
        let spec = wire.spec;
        let (template, template_labels) = Template::parse(spec.template)?;
        Ok(Self {
            meta,
            annotations: annotations.unwrap_or_default(),
            replicas: spec.replicas.unwrap_or(1),
            min_ready_seconds: spec.min_ready_seconds.unwrap_or(0),
            paused: spec.paused.unwrap_or(false),
            revision_history_limit: spec.revision_history_limit,
            progress_deadline_seconds: spec.progress_deadline_seconds,
            strategy: spec.strategy.into(),
            selector: selector(spec.selector),
            template,
            template_labels,
            status: wire.status.unwrap_or_default(),
            raw,
        })
    }
}

impl Object for Deployment {
    fn meta(&self) -> &Meta {
        &self.meta
    }
}

#[derive(Deserialize)]
struct Wire<'a> {
    metadata: WireMeta<Annotations>,
    #[serde(borrow)]
    spec: WireSpec<'a>,
    status: Option<DeploymentStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSpec<'a> {
    replicas: Option<i32>,
    min_ready_seconds: Option<i32>,
    paused: Option<bool>,
    revision_history_limit: Option<i32>,
    progress_deadline_seconds: Option<i32>,
    #[serde(default)]
    strategy: WireStrategy,
    selector: Option<WireSelector>,
    #[serde(borrow)]
    template: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireStrategy {
    #[serde(default)]
    r#type: String,
    rolling_update: Option<WireRolling>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRolling {
    max_surge: Option<IntOrString>,
    max_unavailable: Option<IntOrString>,
}

impl From<WireStrategy> for Strategy {
    fn from(wire: WireStrategy) -> Self {
        let WireRolling { max_surge, max_unavailable } = wire.rolling_update.unwrap_or_default();
        match wire.r#type.as_str() {
            "Recreate" => Self::Recreate,
            "RollingUpdate" => Self::RollingUpdate { max_surge, max_unavailable },
            other => Self::Unknown(super::intern(other)),
        }
    }
}

impl<'de> Deserialize<'de> for Deployment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::parse(raw.get()).map_err(D::Error::custom)
    }
}
