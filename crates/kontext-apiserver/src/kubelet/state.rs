//! What is known of each Pod and what has been done for it; says what to do next. No I/O and no clock of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use tokio::time::Instant;

use super::Config;
use super::behaviour::Behaviour;
use super::status::Stage;

/// A Pod's identity: names are used again, uids are not.
pub(super) type Uid = String;

/// The next thing to do for a Pod.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// Bind it to this node.
    Bind(String),
    /// Write the status of this stage.
    Report {
        stage: Stage,
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
    busy: bool,
    /// Done and perhaps not seen yet.
    bound: Option<String>,
    reported: Option<Stage>,
    removed: bool,
    /// When the Pod was first seen bound, at its present stage, terminating.
    bound_at: Option<Instant>,
    reported_at: Option<Instant>,
    terminating_at: Option<Instant>,
    ip: Option<String>,
    failures: u32,
    not_before: Option<Instant>,
}

/// Everything that the kubelet remembers.
#[derive(Debug)]
pub(super) struct State {
    config: Config,
    pods: HashMap<Uid, Tracked>,
    /// How many Pods each node has.
    load: BTreeMap<String, usize>,
    addresses: BTreeSet<Ipv4Addr>,
    next_address: u32,
}

const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);
/// 10.128.0.0/9: eight million addresses.
const FIRST_ADDRESS: u32 = 0x0A80_0000;
const ADDRESSES: u32 = 1 << 23;

impl State {
    pub(super) fn new(config: Config) -> State {
        let load = (0..config.nodes).map(|index| (config.node(index), 0)).collect();
        State { config, pods: HashMap::new(), load, addresses: BTreeSet::new(), next_address: 0 }
    }

    /// A Pod as a list or a watch event shows it. Returns its uid if it may need something.
    pub(super) fn observe(&mut self, pod: Pod, now: Instant) -> Option<Uid> {
        let uid = pod.metadata.uid.clone()?;
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone());
        let tracked = self.pods.entry(uid.clone()).or_insert_with(|| Tracked {
            pod: Arc::new(Pod::default()),
            busy: false,
            bound: None,
            reported: None,
            removed: false,
            bound_at: None,
            reported_at: None,
            terminating_at: None,
            ip: None,
            failures: 0,
            not_before: None,
        });
        if let Some(node) = node
            && tracked.bound.as_ref() != Some(&node)
        {
            // Bound by somebody else, or before this kubelet began.
            if let Some(count) = tracked.bound.as_ref().and_then(|bound| self.load.get_mut(bound)) {
                *count -= 1;
            }
            if let Some(count) = self.load.get_mut(&node) {
                *count += 1;
            }
            tracked.bound = Some(node);
        }
        if tracked.bound.is_some() {
            tracked.bound_at.get_or_insert(now);
        }
        if tracked.reported.is_none() {
            tracked.reported = Stage::observed(&pod);
            tracked.reported_at = tracked.reported.map(|_| now);
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
        if let Some(count) = tracked.bound.and_then(|node| self.load.get_mut(&node)) {
            *count -= 1;
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
            tracked.busy |= matches!(step, Step::Bind(_) | Step::Report { .. } | Step::Remove);
            if let Step::Bind(node) = &step {
                // Counted now, so that Pods that come together spread.
                tracked.bound = Some(node.clone());
                if let Some(count) = self.load.get_mut(node) {
                    *count += 1;
                }
            }
        }
        step
    }

    fn decide(&mut self, uid: &str, now: Instant) -> Step {
        let Some(tracked) = self.pods.get(uid) else { return Step::Nothing };
        if tracked.busy || tracked.removed {
            return Step::Nothing;
        }
        if let Some(time) = tracked.not_before.filter(|time| *time > now) {
            return Step::Wait(time);
        }
        let ours = tracked.bound.as_ref().is_none_or(|node| self.load.contains_key(node));
        let spec = tracked.pod.spec.as_ref();
        let scheduler = spec.and_then(|spec| spec.scheduler_name.as_deref()).unwrap_or("default-scheduler");
        if !ours || (tracked.bound.is_none() && scheduler != "default-scheduler") {
            return Step::Nothing;
        }
        if let Some(since) = tracked.terminating_at {
            let latency = match tracked.reported {
                Some(Stage::Ended(_)) | None => Duration::ZERO,
                Some(_) => self.config.termination_latency,
            };
            return due(since + latency, now).unwrap_or(Step::Remove);
        }
        if tracked.bound.is_none() {
            let gated =
                spec.and_then(|spec| spec.scheduling_gates.as_ref()).is_some_and(|gates| !gates.is_empty());
            let node = self.load.iter().min_by_key(|(_, count)| **count).map(|(node, _)| node.clone());
            return match node {
                Some(node) if !gated => Step::Bind(node),
                _ => Step::Nothing,
            };
        }
        let Some(bound_at) = tracked.bound_at else { return Step::Nothing };
        let (stage, at) = match (Behaviour::of(&tracked.pod), tracked.reported) {
            (_, Some(Stage::Ended(_))) | (Behaviour::Pending, _) => return Step::Nothing,
            (Behaviour::Exit(code), Some(Stage::Running)) => {
                (Stage::Ended(code), tracked.reported_at.unwrap_or(now) + self.config.run_time)
            }
            (Behaviour::Run | Behaviour::Exit(_), _) => {
                (Stage::Running, bound_at + self.config.startup_latency)
            }
            (Behaviour::Unready, _) => (Stage::Unready, bound_at + self.config.startup_latency),
            (Behaviour::Crash, _) => (Stage::Crashing, bound_at + self.config.startup_latency),
        };
        if tracked.reported == Some(stage) {
            return Step::Nothing;
        }
        if let Some(wait) = due(at, now) {
            return wait;
        }
        let host_ip = tracked.bound.as_deref().and_then(|node| self.host_ip(node)).unwrap_or_default();
        let host_network = spec.is_some_and(|spec| spec.host_network == Some(true));
        let ip = if host_network { host_ip.clone() } else { self.address(uid) };
        Step::Report { stage, ip, host_ip }
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
                    if let Some(count) = self.load.get_mut(node) {
                        *count -= 1;
                    }
                }
                let wait = FIRST_BACKOFF.saturating_mul(1 << tracked.failures.min(10)).min(LONGEST_BACKOFF);
                tracked.failures += 1;
                tracked.not_before = Some(now + wait);
                return tracked.not_before;
            }
            (Outcome::Done, Step::Bind(_)) => tracked.bound_at = Some(now),
            (Outcome::Done, Step::Report { stage, .. }) => {
                tracked.reported = Some(*stage);
                tracked.reported_at = Some(now);
            }
            (Outcome::Done, Step::Remove) => tracked.removed = true,
            (Outcome::Done, Step::Wait(_) | Step::Nothing) => {}
        }
        tracked.failures = 0;
        tracked.not_before = None;
        Some(now)
    }

    /// The address of a node: its number in 192.168.0.0/16.
    fn host_ip(&self, node: &str) -> Option<String> {
        super::nodes::address(node.strip_prefix(&self.config.node_prefix)?.parse().ok()?)
    }

    /// The Pod's address: the one it has, or a free one.
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

fn due(at: Instant, now: Instant) -> Option<Step> {
    (at > now).then_some(Step::Wait(at))
}
