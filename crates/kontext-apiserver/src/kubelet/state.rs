//! What is known of each Pod and node and what has been done for it; says what to do next. No I/O and no clock of its
//! own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use tokio::time::Instant;

use super::behaviour::Behaviour;
use super::config::Config;
use super::lifecycle::{self, Known, Stage};
use super::schedule::{self, NodeView};

/// A Pod's identity: names are used again, uids are not.
pub(super) type Uid = String;

/// The next thing to do for a Pod.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// Bind it to this node.
    Bind(String),
    /// Say why it cannot be bound.
    Unschedulable(String),
    /// Write the status of this stage; `gates` says whether its readiness gates are open.
    Report {
        stage: Stage,
        gates: bool,
        ip: String,
        host_ip: String,
    },
    /// Finish its deletion.
    Remove,
    /// Look again then.
    Wait(Instant),
    Nothing,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    /// The Pod is gone or another one.
    Gone,
    Failed,
}

#[derive(Debug)]
struct Tracked {
    pod: Arc<Pod>,
    behaviour: Behaviour,
    busy: bool,
    /// Done and perhaps not seen yet.
    bound: Option<String>,
    reported: Option<(Stage, Instant)>,
    /// What was said of the readiness gates.
    gates: bool,
    unschedulable: Option<String>,
    /// The status is to be written again, as it is.
    again: bool,
    removed: bool,
    /// When the Pod was first seen bound, terminating.
    bound_at: Option<Instant>,
    terminating_at: Option<Instant>,
    ip: Option<String>,
    failures: u32,
    not_before: Option<Instant>,
}

#[derive(Debug)]
struct Place {
    view: NodeView,
    pods: usize,
    /// Taken away by the test.
    down: bool,
    address: String,
}

/// Everything that the kubelet remembers.
#[derive(Debug)]
pub(super) struct State {
    config: Config,
    pods: HashMap<Uid, Tracked>,
    nodes: BTreeMap<String, Place>,
    /// Whether the nodes have been listed; before that nothing can be said about them.
    nodes_known: bool,
    /// Nodes that were deleted, and when.
    deleted: HashMap<String, Instant>,
    addresses: BTreeSet<Ipv4Addr>,
    next_address: u32,
}

const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);
/// How long Pods outlive their deleted node, as under Pod garbage collection.
const ORPHANED_FOR: Duration = Duration::from_secs(40);
/// 10.128.0.0/9: eight million addresses.
const FIRST_ADDRESS: u32 = 0x0A80_0000;
const ADDRESSES: u32 = 1 << 23;
/// How a process ends that SIGTERM or SIGKILL ends.
const TERMINATED: i32 = 143;
const KILLED: i32 = 137;

impl State {
    pub(super) fn new(config: Config) -> State {
        State {
            config,
            pods: HashMap::new(),
            nodes: BTreeMap::new(),
            nodes_known: false,
            deleted: HashMap::new(),
            addresses: BTreeSet::new(),
            next_address: 0,
        }
    }

    /// A node that this kubelet plays. Returns the Pods that this may mean something to.
    pub(super) fn observe_node(&mut self, view: NodeView, address: String, down: bool) -> Vec<Uid> {
        let name = view.name.clone();
        self.deleted.remove(&name);
        if self.nodes.get(&name).is_some_and(|place| place.view == view && place.down == down) {
            return Vec::new();
        }
        let was_down = self.nodes.get(&name).is_some_and(|place| place.down);
        let on_it = |tracked: &&mut Tracked| tracked.bound.as_ref() == Some(&name);
        let pods =
            self.pods.values_mut().filter(on_it).map(|tracked| tracked.again |= was_down && !down).count();
        self.nodes.insert(name.clone(), Place { view, pods, down, address });
        self.concerned(&name)
    }

    /// A node is gone. Returns the Pods that this may mean something to.
    pub(super) fn forget_node(&mut self, name: &str, now: Instant) -> Vec<Uid> {
        if self.nodes.remove(name).is_none() {
            return Vec::new();
        }
        let concerned = self.concerned(name);
        // Remembered for as long as it has Pods.
        self.deleted.retain(|name, _| self.pods.values().any(|tracked| tracked.bound.as_ref() == Some(name)));
        self.deleted.insert(name.to_owned(), now);
        concerned
    }

    /// After a list: the nodes that are not in it are gone.
    pub(super) fn nodes_listed(&mut self, present: &BTreeSet<String>, now: Instant) -> Vec<Uid> {
        self.nodes_known = true;
        let gone: Vec<String> = self.nodes.keys().filter(|name| !present.contains(*name)).cloned().collect();
        let mut concerned: Vec<Uid> = gone.iter().flat_map(|name| self.forget_node(name, now)).collect();
        concerned.extend(self.concerned(""));
        concerned
    }

    /// Sorted, because the order of what is done shall be the same in each run.
    fn concerned(&self, node: &str) -> Vec<Uid> {
        let concerns = |tracked: &Tracked| tracked.bound.is_none() || tracked.bound.as_deref() == Some(node);
        let mut pods: Vec<(&Uid, &Tracked)> =
            self.pods.iter().filter(|(_, tracked)| concerns(tracked)).collect();
        let order = |tracked: &Tracked| {
            let metadata = &tracked.pod.metadata;
            (metadata.creation_timestamp.clone(), metadata.namespace.clone(), metadata.name.clone())
        };
        pods.sort_by_cached_key(|(_, tracked)| order(tracked));
        pods.into_iter().map(|(uid, _)| uid.clone()).collect()
    }

    /// A Pod as a list or a watch event shows it. Returns its uid if it may need something.
    pub(super) fn observe(&mut self, pod: Pod, now: Instant) -> Option<Uid> {
        let uid = pod.metadata.uid.clone()?;
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone());
        let (behaviour, wrong) = Behaviour::of(&pod);
        let tracked = self.pods.entry(uid.clone()).or_insert_with(|| {
            let name = pod.metadata.name.as_deref().unwrap_or_default();
            for wrong in wrong {
                tracing::warn!(pod = name, "the annotation is left out of account: {wrong}");
            }
            Tracked::new(behaviour)
        });
        tracked.behaviour = behaviour;
        if let Some(node) = node
            && tracked.bound.as_ref() != Some(&node)
        {
            // Bound by somebody else, or before this kubelet began.
            if let Some(place) = tracked.bound.as_ref().and_then(|bound| self.nodes.get_mut(bound)) {
                place.pods -= 1;
            }
            if let Some(place) = self.nodes.get_mut(&node) {
                place.pods += 1;
            }
            tracked.bound = Some(node);
        }
        if tracked.bound.is_some() {
            tracked.bound_at.get_or_insert(now);
        }
        if tracked.reported.is_none() {
            tracked.reported = Stage::observed(&pod).map(|stage| (stage, now));
            tracked.gates = gates_are_open(&pod);
        }
        if tracked.ip.is_none()
            && let Some(ip) = pod.status.as_ref().and_then(|status| status.pod_ip.clone())
        {
            if let Ok(address) = ip.parse() {
                self.addresses.insert(address);
            }
            tracked.ip = Some(ip);
        }
        if pod.metadata.deletion_timestamp.is_some() {
            tracked.terminating_at.get_or_insert(now);
        }
        tracked.pod = Arc::new(pod);
        Some(uid)
    }

    /// The Pod is gone.
    pub(super) fn forget(&mut self, uid: &str) {
        let Some(tracked) = self.pods.remove(uid) else { return };
        if let Some(place) = tracked.bound.and_then(|node| self.nodes.get_mut(&node)) {
            place.pods -= 1;
        }
        if let Some(address) = tracked.ip.and_then(|ip| ip.parse().ok()) {
            self.addresses.remove(&address);
        }
    }

    /// After a list: whoever is not in it is gone.
    pub(super) fn retain(&mut self, present: &BTreeSet<Uid>) {
        let gone: Vec<Uid> = self.pods.keys().filter(|uid| !present.contains(*uid)).cloned().collect();
        for uid in gone {
            self.forget(&uid);
        }
    }

    /// The Pod as last seen.
    pub(super) fn pod(&self, uid: &str) -> Option<Arc<Pod>> {
        self.pods.get(uid).map(|tracked| tracked.pod.clone())
    }

    /// The next step for a Pod. A step that acts makes the Pod busy until [`State::finished`] is told of it.
    pub(super) fn next(&mut self, uid: &str, now: Instant) -> Step {
        let step = self.decide(uid, now);
        if let Some(tracked) = self.pods.get_mut(uid) {
            tracked.busy |= !matches!(step, Step::Wait(_) | Step::Nothing);
            if let Step::Bind(node) = &step {
                // Counted now, so that Pods that come together spread.
                tracked.bound = Some(node.clone());
                if let Some(place) = self.nodes.get_mut(node) {
                    place.pods += 1;
                }
            }
        }
        step
    }

    fn decide(&mut self, uid: &str, now: Instant) -> Step {
        let Some(tracked) = self.pods.get(uid) else { return Step::Nothing };
        if tracked.busy || tracked.removed || !self.nodes_known {
            return Step::Nothing;
        }
        if let Some(time) = tracked.not_before.filter(|time| *time > now) {
            return Step::Wait(time);
        }
        let Some(node) = &tracked.bound else { return self.schedule(tracked) };
        let Some(place) = self.nodes.get(node) else {
            return match self.deleted.get(node) {
                Some(since) => due(*since + ORPHANED_FOR, now).unwrap_or(Step::Remove),
                // Somebody else's node.
                None => Step::Nothing,
            };
        };
        if place.down {
            return Step::Nothing;
        }
        let spec = tracked.pod.spec.as_ref();
        let gates = gates_are_open(&tracked.pod);
        let report = |stage: Stage, ip: String| {
            let host_ip = place.address.clone();
            Step::Report { stage, gates, ip, host_ip }
        };
        if let Some(since) = tracked.terminating_at {
            return self.end(tracked, since, now, report);
        }
        let Some(bound_at) = tracked.bound_at else { return Step::Nothing };
        let metadata = &tracked.pod.metadata;
        let known = Known {
            behaviour: &tracked.behaviour,
            name: (
                metadata.namespace.as_deref().unwrap_or_default(),
                metadata.name.as_deref().unwrap_or_default(),
            ),
            init_containers: spec.map_or(0, |spec| {
                let init = spec.init_containers.iter().flatten();
                init.filter(|container| container.restart_policy.as_deref() != Some("Always")).count()
            }),
            bound_at,
            reported: tracked.reported,
        };
        let next = lifecycle::next(&self.config, known);
        let stage = match (next, tracked.reported) {
            (Some((stage, at)), _) if at <= now => stage,
            // What was said is no longer so, or no longer there.
            (_, Some((stage, _))) if tracked.again || tracked.gates != gates => stage,
            (Some((_, at)), _) => return Step::Wait(at),
            (None, _) => return Step::Nothing,
        };
        let host_network = spec.is_some_and(|spec| spec.host_network == Some(true));
        let ip = match stage {
            Stage::Creating => String::new(),
            _ if host_network => place.address.clone(),
            _ => String::from("?"),
        };
        let step = report(stage, ip);
        self.with_address(uid, step)
    }

    fn schedule(&self, tracked: &Tracked) -> Step {
        if tracked.terminating_at.is_some() {
            return Step::Remove;
        }
        let spec = tracked.pod.spec.as_ref();
        let scheduler = spec.and_then(|spec| spec.scheduler_name.as_deref()).unwrap_or("default-scheduler");
        let gated =
            spec.and_then(|spec| spec.scheduling_gates.as_ref()).is_some_and(|gates| !gates.is_empty());
        if gated || scheduler != "default-scheduler" {
            return Step::Nothing;
        }
        match schedule::choose(&tracked.pod, self.nodes.values().map(|place| (&place.view, place.pods))) {
            Ok(node) => Step::Bind(node.name.clone()),
            Err(why) if tracked.unschedulable.as_ref() == Some(&why) => Step::Nothing,
            Err(why) => Step::Unschedulable(why),
        }
    }

    /// A Pod that is to end: its time to stop, then its last status if somebody waits for that, then its removal.
    fn end(
        &self,
        tracked: &Tracked,
        since: Instant,
        now: Instant,
        report: impl FnOnce(Stage, String) -> Step,
    ) -> Step {
        let metadata = &tracked.pod.metadata;
        let grace = metadata
            .deletion_grace_period_seconds
            .and_then(|s| u64::try_from(s).ok())
            .map(Duration::from_secs);
        let name = metadata.name.as_deref().unwrap_or_default();
        let latency = || self.config.vary(self.config.termination_latency, &[name, "end"]);
        let wanted = tracked.behaviour.end_delay.unwrap_or_else(latency);
        let grace = grace.unwrap_or(wanted);
        let (restarts, code) = match tracked.reported {
            None | Some((Stage::Ended { .. }, _)) => return Step::Remove,
            Some((Stage::Running { restarts, .. } | Stage::BackOff { restarts, .. }, _)) => {
                (restarts, if wanted > grace { KILLED } else { TERMINATED })
            }
            Some((Stage::Creating | Stage::Initializing(_), _)) => (0, KILLED),
        };
        if let Some(wait) = due(since + wanted.min(grace), now) {
            return wait;
        }
        match metadata.finalizers.as_ref().is_some_and(|finalizers| !finalizers.is_empty()) {
            true => report(Stage::Ended { code, restarts }, tracked.ip.clone().unwrap_or_default()),
            false => Step::Remove,
        }
    }

    /// What a step led to. Returns when to look again, if at a certain time.
    pub(super) fn finished(
        &mut self,
        uid: &str,
        step: &Step,
        outcome: Outcome,
        now: Instant,
    ) -> Option<Instant> {
        let tracked = self.pods.get_mut(uid)?;
        tracked.busy = false;
        match (outcome, step) {
            (Outcome::Gone, _) => {
                // The watch says when it is gone; until then there is nothing to do for it.
                tracked.removed = true;
                return None;
            }
            (Outcome::Failed, step) => {
                if let (Step::Bind(node), None) =
                    (step, tracked.pod.spec.as_ref().and_then(|spec| spec.node_name.as_ref()))
                {
                    tracked.bound = None;
                    if let Some(place) = self.nodes.get_mut(node) {
                        place.pods -= 1;
                    }
                }
                let wait = FIRST_BACKOFF.saturating_mul(1 << tracked.failures.min(10)).min(LONGEST_BACKOFF);
                tracked.failures += 1;
                tracked.not_before = Some(now + wait);
                return tracked.not_before;
            }
            (Outcome::Done, Step::Bind(_)) => tracked.bound_at = Some(now),
            (Outcome::Done, Step::Unschedulable(why)) => tracked.unschedulable = Some(why.clone()),
            (Outcome::Done, Step::Report { stage, gates, .. }) => {
                let since = tracked.reported.filter(|(was, _)| was == stage).map_or(now, |(_, since)| since);
                tracked.reported = Some((*stage, since));
                tracked.gates = *gates;
                tracked.again = false;
            }
            (Outcome::Done, Step::Remove) => tracked.removed = true,
            (Outcome::Done, Step::Wait(_) | Step::Nothing) => {}
        }
        tracked.failures = 0;
        tracked.not_before = None;
        Some(now)
    }

    /// Fills in the Pod's address where it is to have one of its own: the one it has, or a free one.
    fn with_address(&mut self, uid: &str, step: Step) -> Step {
        match step {
            Step::Report { stage, gates, ip, host_ip } if ip == "?" => {
                Step::Report { stage, gates, ip: self.address(uid), host_ip }
            }
            step => step,
        }
    }

    fn address(&mut self, uid: &str) -> String {
        if let Some(ip) = self.pods.get(uid).and_then(|tracked| tracked.ip.clone()) {
            return ip;
        }
        let free = (0..ADDRESSES).find_map(|_| {
            self.next_address = (self.next_address + 1) % ADDRESSES;
            let address = Ipv4Addr::from(FIRST_ADDRESS + self.next_address);
            self.addresses.insert(address).then(|| address.to_string())
        });
        // Eight million Pods at once do not fit into memory either.
        let ip = free.unwrap_or_default();
        if let Some(tracked) = self.pods.get_mut(uid) {
            tracked.ip = Some(ip.clone());
        }
        ip
    }
}

impl Tracked {
    fn new(behaviour: Behaviour) -> Tracked {
        Tracked {
            pod: Arc::new(Pod::default()),
            behaviour,
            busy: false,
            bound: None,
            reported: None,
            gates: false,
            unschedulable: None,
            again: false,
            removed: false,
            bound_at: None,
            terminating_at: None,
            ip: None,
            failures: 0,
            not_before: None,
        }
    }
}

/// Whether all readiness gates of a Pod are open.
fn gates_are_open(pod: &Pod) -> bool {
    let gates = pod.spec.iter().flat_map(|spec| spec.readiness_gates.iter().flatten());
    let conditions = || pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    gates.into_iter().all(|gate| conditions().any(|c| c.type_ == gate.condition_type && c.status == "True"))
}

fn due(at: Instant, now: Instant) -> Option<Step> {
    (at > now).then_some(Step::Wait(at))
}
