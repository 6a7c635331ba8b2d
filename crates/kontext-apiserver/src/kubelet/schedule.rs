//! Which node a Pod goes to: the one with the fewest Pods of those that it fits on. Pure.
//!
//! What is looked at is what controllers and people at a shell rely on: `unschedulable`, NoSchedule and NoExecute
//! taints, `nodeSelector`, and required node affinity (DaemonSets name their node in it). Resources, spreading rules and affinity
//! between Pods are not.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Node, NodeSelectorRequirement, NodeSelectorTerm, Pod, Taint, Toleration};

/// What the scheduler knows of a node.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct NodeView {
    pub(super) name: String,
    pub(super) unschedulable: bool,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) taints: Vec<Taint>,
}

impl NodeView {
    pub(super) fn of(node: &Node) -> NodeView {
        let spec = node.spec.as_ref();
        NodeView {
            name: node.metadata.name.clone().unwrap_or_default(),
            unschedulable: spec.and_then(|spec| spec.unschedulable).unwrap_or(false),
            labels: node.metadata.labels.clone().unwrap_or_default(),
            taints: spec.and_then(|spec| spec.taints.clone()).unwrap_or_default(),
        }
    }
}

const UNSCHEDULABLE: &str = "node(s) were unschedulable";
const UNTOLERATED: &str = "node(s) had untolerated taint(s)";
const NO_MATCH: &str = "node(s) didn't match Pod's node affinity/selector";

/// The node for a Pod, of nodes and how many Pods each has. The error is the scheduler's message.
pub(super) fn choose<'a>(
    pod: &Pod,
    nodes: impl Iterator<Item = (&'a NodeView, usize)>,
) -> Result<&'a NodeView, String> {
    let mut best: Option<(&NodeView, usize)> = None;
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    let mut all = 0;
    for (node, pods) in nodes {
        all += 1;
        match misfit(pod, node) {
            Some(reason) => *reasons.entry(reason).or_default() += 1,
            None if best.is_none_or(|(_, least)| pods < least) => best = Some((node, pods)),
            None => {}
        }
    }
    if let Some((node, _)) = best {
        return Ok(node);
    }
    if all == 0 {
        return Err("no nodes available to schedule pods".to_owned());
    }
    let mut reasons: Vec<String> =
        reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    reasons.sort();
    Err(format!(
        "0/{all} nodes are available: {}. preemption: 0/{all} nodes are available: {all} Preemption is not helpful for \
         scheduling.",
        reasons.join(", ")
    ))
}

/// Why a Pod cannot go to a node.
fn misfit(pod: &Pod, node: &NodeView) -> Option<&'static str> {
    let spec = pod.spec.as_ref()?;
    let tolerations = spec.tolerations.as_deref().unwrap_or_default();
    let tolerates = |key: &str, value: &str, effect: &str| {
        tolerations.iter().any(|t| is_tolerated(t, key, value, effect))
    };
    if node.unschedulable && !tolerates("node.kubernetes.io/unschedulable", "", "NoSchedule") {
        return Some(UNSCHEDULABLE);
    }
    let matters = |taint: &&Taint| matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute");
    let hindered = |taint: &Taint| {
        let value = taint.value.as_deref().unwrap_or_default();
        !tolerates(&taint.key, value, &taint.effect)
    };
    if node.taints.iter().filter(matters).any(hindered) {
        return Some(UNTOLERATED);
    }
    let selected =
        spec.node_selector.iter().flatten().all(|(key, value)| node.labels.get(key) == Some(value));
    let required = spec
        .affinity
        .as_ref()
        .and_then(|affinity| affinity.node_affinity.as_ref())
        .and_then(|affinity| affinity.required_during_scheduling_ignored_during_execution.as_ref());
    let wanted =
        required.is_none_or(|selector| selector.node_selector_terms.iter().any(|term| fits(term, node)));
    (!(selected && wanted)).then_some(NO_MATCH)
}

fn is_tolerated(toleration: &Toleration, key: &str, value: &str, effect: &str) -> bool {
    let effect_fits = toleration.effect.as_deref().is_none_or(|wanted| wanted.is_empty() || wanted == effect);
    let exists = toleration.operator.as_deref() == Some("Exists");
    let key_fits = match toleration.key.as_deref() {
        None | Some("") => exists,
        Some(wanted) => wanted == key,
    };
    effect_fits && key_fits && (exists || toleration.value.as_deref().unwrap_or_default() == value)
}

/// An empty term fits nothing.
fn fits(term: &NodeSelectorTerm, node: &NodeView) -> bool {
    let (labels, fields) = (term.match_expressions.as_deref(), term.match_fields.as_deref());
    let (labels, fields) = (labels.unwrap_or_default(), fields.unwrap_or_default());
    let label = |requirement: &NodeSelectorRequirement| {
        holds(requirement, node.labels.get(&requirement.key).map(String::as_str))
    };
    let field = |requirement: &NodeSelectorRequirement| {
        holds(requirement, (requirement.key == "metadata.name").then_some(node.name.as_str()))
    };
    !(labels.is_empty() && fields.is_empty()) && labels.iter().all(label) && fields.iter().all(field)
}

fn holds(requirement: &NodeSelectorRequirement, is: Option<&str>) -> bool {
    let values = requirement.values.as_deref().unwrap_or_default();
    let listed = is.is_some_and(|is| values.iter().any(|value| value == is));
    let number = |text: &str| text.parse::<i64>().ok();
    let beside = || Some((number(is?)?, number(values.first()?)?));
    match requirement.operator.as_str() {
        "In" => listed,
        "NotIn" => !listed,
        "Exists" => is.is_some(),
        "DoesNotExist" => is.is_none(),
        "Gt" => beside().is_some_and(|(is, than)| is > than),
        "Lt" => beside().is_some_and(|(is, than)| is < than),
        _ => false,
    }
}
