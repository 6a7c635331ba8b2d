//! The loop that joins watch, state and calls. One task owns the state; calls and timers are futures beside it.

use std::collections::{BTreeSet, VecDeque};

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::Client;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Down;
use super::act::act;
use super::config::Config;
use super::nodes;
use super::schedule::NodeView;
use super::state::{Outcome, State, Step, Uid};
use super::watch::{self, Change};

/// What a future beside the loop comes back with.
enum Back {
    Called(Uid, Step, Outcome),
    Due(Uid),
}

struct Loop {
    client: Client,
    config: Config,
    down: Down,
    state: State,
    queue: VecDeque<Uid>,
    calls: FuturesUnordered<BoxFuture<'static, Back>>,
    timers: FuturesUnordered<BoxFuture<'static, Back>>,
}

pub(super) async fn run(client: Client, config: Config, down: Down, stop: CancellationToken) {
    let (pod_changes, mut pods) = mpsc::channel(256);
    let (node_changes, mut nodes) = mpsc::channel(256);
    let (to_keeper, seen) = mpsc::channel(256);
    let beside = [
        tokio::spawn(watch::pods(client.clone(), pod_changes)),
        tokio::spawn(watch::nodes(client.clone(), node_changes)),
        tokio::spawn(nodes::keep(client.clone(), config.clone(), down.clone(), seen)),
    ];
    let mut this = Loop {
        client,
        state: State::new(config.clone()),
        config,
        down,
        queue: VecDeque::new(),
        calls: FuturesUnordered::new(),
        timers: FuturesUnordered::new(),
    };
    loop {
        this.start_calls();
        tokio::select! {
            // In this order, so that runs can be repeated.
            biased;
            () = stop.cancelled() => break,
            change = nodes.recv() => match change {
                Some(change) => {
                    this.node_change(change.clone());
                    if to_keeper.send(change).await.is_err() {
                        break;
                    }
                }
                None => break,
            },
            change = pods.recv() => match change {
                Some(change) => this.change(change),
                None => break,
            },
            Some(back) = this.calls.next() => this.back(back),
            Some(back) = this.timers.next() => this.back(back),
        }
    }
    beside.iter().for_each(tokio::task::JoinHandle::abort);
    // What has been begun is finished; nothing new is started.
    while this.calls.next().await.is_some() {}
}

impl Loop {
    fn node_change(&mut self, change: Change<Node>) {
        let now = Instant::now();
        let name = |node: &Node| node.metadata.name.clone().unwrap_or_default();
        let seen = |this: &mut Self, node: &Node| {
            let down = this.down.lock().contains(&name(node));
            let concerned = this.state.observe_node(NodeView::of(node), nodes::address(&name(node)), down);
            this.queue.extend(concerned);
        };
        match change {
            Change::Listed(list) => {
                list.iter().for_each(|node| seen(self, node));
                let concerned = self.state.nodes_listed(&list.iter().map(name).collect(), now);
                self.queue.extend(concerned);
            }
            Change::Applied(node) => seen(self, &node),
            Change::Deleted(node) => self.queue.extend(self.state.forget_node(&name(&node), now)),
        }
    }

    fn change(&mut self, change: Change<Pod>) {
        let now = Instant::now();
        match change {
            Change::Listed(pods) => {
                let present: BTreeSet<Uid> = pods.iter().filter_map(|pod| pod.metadata.uid.clone()).collect();
                self.state.retain(&present);
                for pod in pods {
                    self.queue.extend(self.state.observe(pod, now));
                }
            }
            Change::Applied(pod) => self.queue.extend(self.state.observe(*pod, now)),
            Change::Deleted(pod) => self.state.forget(pod.metadata.uid.as_deref().unwrap_or_default()),
        }
    }

    fn back(&mut self, back: Back) {
        match back {
            Back::Due(uid) => self.queue.push_back(uid),
            Back::Called(uid, step, outcome) => {
                let now = Instant::now();
                match self.state.finished(&uid, &step, outcome, now) {
                    Some(time) if time > now => self.look_again(uid, time),
                    Some(_) => self.queue.push_back(uid),
                    None => {}
                }
            }
        }
    }

    fn look_again(&mut self, uid: Uid, time: Instant) {
        self.timers.push(Box::pin(async move {
            tokio::time::sleep_until(time).await;
            Back::Due(uid)
        }));
    }

    fn start_calls(&mut self) {
        while self.calls.len() < self.config.concurrency {
            let Some(uid) = self.queue.pop_front() else { return };
            let step = self.state.next(&uid, Instant::now());
            match step {
                Step::Nothing => {}
                Step::Wait(time) => self.look_again(uid, time),
                Step::Bind(_) | Step::Unschedulable(_) | Step::Report { .. } | Step::Remove => {
                    let Some(pod) = self.state.pod(&uid) else { continue };
                    let (client, clock) = (self.client.clone(), self.config.clock.clone());
                    self.calls.push(Box::pin(async move {
                        let outcome = act(&client, &pod, &step, clock.now()).await;
                        Back::Called(uid, step, outcome)
                    }));
                }
            }
        }
    }
}
