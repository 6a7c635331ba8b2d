use std::fmt;

use jiff::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};

use super::{Interned, Meta, Object, Plain, Text, meta::WireMeta};

/// Annotation by which a user says how dear a pod is: the cheapest goes first when pods are deleted.
pub const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// Longest annotation that is kept, in bytes: anybody can write a quarter of a megabyte under these keys.
const MAX_KEPT: usize = 1024;

/// What the loops need of a pod; a few hundred bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// Metadata.
    pub meta: Meta,
    /// Annotations that carry trace context or a cause: keys that end in `/traceparent`, `/tracestate` or `/baggage`
    /// and `kontext.dev/cause`, of at most a kilobyte each. Kept because the reconcile that sees the deletion links the last stamp it knew.
    pub trace_annotations: Box<[(Text, Text)]>,
    /// Value of [`DELETION_COST`]; missing or invalid is 0.
    pub deletion_cost: i32,
    /// Node it is bound to.
    pub node: Option<Text>,
    /// Phase.
    pub phase: Phase,
    /// Whether the condition `Ready` is True.
    pub ready: bool,
    /// When the condition `Ready` last changed.
    pub ready_changed: Option<Timestamp>,
    /// Largest restart count of a regular container.
    pub restarts: i32,
    /// Largest restart count of a sidecar (an init container with restartPolicy Always).
    pub sidecar_restarts: i32,
}

/// A pod's phase, in the order in which pods are given up when there are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Not started; also any phase we do not know.
    Pending,
    /// The node has not been heard from.
    Unknown,
    /// At least one container runs.
    Running,
    /// All containers ended well.
    Succeeded,
    /// A container ended badly and none will be restarted.
    Failed,
}

impl Pod {
    /// Neither finished nor being deleted: counts as a replica.
    #[must_use]
    pub fn is_active(&self) -> bool {
        !self.is_finished() && !self.meta.is_deleting()
    }

    /// Being deleted but not finished yet.
    #[must_use]
    pub fn is_terminating(&self) -> bool {
        !self.is_finished() && self.meta.is_deleting()
    }

    /// Phase Succeeded or Failed.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        matches!(self.phase, Phase::Succeeded | Phase::Failed)
    }
}

impl Object for Pod {
    fn meta(&self) -> &Meta {
        &self.meta
    }
}

#[derive(Deserialize)]
struct Wire {
    metadata: WireMeta<PodAnnotations>,
    #[serde(default)]
    spec: WireSpec,
    #[serde(default)]
    status: WireStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireSpec {
    node_name: Option<Interned>,
    init_containers: Option<Vec<WireContainer>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireContainer {
    name: Interned,
    restart_policy: Option<Interned>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireStatus {
    phase: Option<Interned>,
    conditions: Option<Vec<WireCondition>>,
    container_statuses: Option<Vec<WireContainerStatus>>,
    init_container_statuses: Option<Vec<WireContainerStatus>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCondition {
    r#type: Interned,
    status: Interned,
    last_transition_time: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireContainerStatus {
    name: Interned,
    #[serde(default)]
    restart_count: i32,
}

impl<'de> Deserialize<'de> for Pod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Wire::deserialize(deserializer).map(Pod::from)
    }
}

impl From<Wire> for Pod {
    fn from(wire: Wire) -> Self {
        let (meta, annotations) = wire.metadata.split();
        let annotations = annotations.unwrap_or_default();
        let sidecars: Vec<Text> = (wire.spec.init_containers.into_iter().flatten())
            .filter(|container| {
                container.restart_policy.as_ref().is_some_and(|policy| &*policy.0 == "Always")
            })
            .map(|container| container.name.0)
            .collect();
        let ready = wire.status.conditions.into_iter().flatten().find(|c| &*c.r#type.0 == "Ready");
        let restarts = |statuses: Option<Vec<WireContainerStatus>>, counts: &dyn Fn(&Text) -> bool| {
            (statuses.into_iter().flatten().filter(|status| counts(&status.name.0)))
                .map(|status| status.restart_count)
                .max()
                .unwrap_or(0)
        };
        Self {
            meta,
            trace_annotations: annotations.trace.into_boxed_slice(),
            deletion_cost: annotations.deletion_cost,
            node: wire.spec.node_name.map(|node| node.0).filter(|node| !node.is_empty()),
            phase: match wire.status.phase.as_ref().map(|phase| &*phase.0) {
                Some("Running") => Phase::Running,
                Some("Succeeded") => Phase::Succeeded,
                Some("Failed") => Phase::Failed,
                Some("Unknown") => Phase::Unknown,
                _ => Phase::Pending,
            },
            ready: ready.as_ref().is_some_and(|condition| &*condition.status.0 == "True"),
            ready_changed: ready.and_then(|condition| condition.last_transition_time),
            restarts: restarts(wire.status.container_statuses, &|_| true),
            sidecar_restarts: restarts(wire.status.init_container_statuses, &|name| sidecars.contains(name)),
        }
    }
}

/// The annotations that are kept of a pod.
#[derive(Default)]
struct PodAnnotations {
    deletion_cost: i32,
    trace: Vec<(Text, Text)>,
}

fn carries_context(key: &str) -> bool {
    key == "kontext.dev/cause"
        || ["/traceparent", "/tracestate", "/baggage"].iter().any(|suffix| key.ends_with(suffix))
}

/// A 32-bit integer without plus sign or leading zeros; anything else counts as no cost, as upstream has it.
fn deletion_cost(text: &str) -> i32 {
    let well_formed = text == "0" || text.starts_with(|c: char| c == '-' || ('1'..='9').contains(&c));
    if well_formed { text.parse().unwrap_or(0) } else { 0 }
}

impl<'de> Deserialize<'de> for PodAnnotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnnotationsVisitor;
        impl<'de> Visitor<'de> for AnnotationsVisitor {
            type Value = PodAnnotations;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of annotations")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PodAnnotations, A::Error> {
                let mut kept = PodAnnotations::default();
                while let Some(Plain(key)) = map.next_key()? {
                    if &*key == DELETION_COST {
                        kept.deletion_cost = deletion_cost(&map.next_value::<Plain>()?.0);
                    } else if carries_context(&key) {
                        let Plain(value) = map.next_value()?;
                        if value.len() <= MAX_KEPT {
                            kept.trace.push((super::intern(&key), value));
                        }
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(kept)
            }
        }
        deserializer.deserialize_map(AnnotationsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deletion_cost_is_a_plain_32_bit_integer_or_nothing() {
        for (text, cost) in [
            ("10", 10),
            ("-10", -10),
            ("0", 0),
            ("+10", 0),
            ("008", 0),
            ("-08", -8),
            ("", 0),
            ("1.5", 0),
            ("2147483647", i32::MAX),
            ("2147483648", 0),
            ("ten", 0),
        ] {
            assert_eq!(deletion_cost(text), cost, "{text:?}");
        }
    }
}
