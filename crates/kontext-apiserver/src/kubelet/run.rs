//! The loop that joins watch, state and calls. One task owns the state; calls and timers are futures beside it.

use std::collections::{BTreeSet, VecDeque};

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use kube::Client;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::Config;
use super::act::act;
use super::nodes;
use super::state::{Outcome, State, Step, Uid};
use super::watch::{self, Change};

/// What a future beside the loop comes back with.
enum Back {
    Called(Uid, Step, Outcome),
    Due(Uid),
}

struct Loop {
    client: Client,
    concurrency: usize,
    state: State,
    queue: VecDeque<Uid>,
    calls: FuturesUnordered<BoxFuture<'static, Back>>,
    timers: FuturesUnordered<BoxFuture<'static, Back>>,
}

pub(super) async fn run(client: Client, config: Config, stop: CancellationToken) {
    let (changes, mut received) = mpsc::channel(256);
    let watching = tokio::spawn(watch::pods(client.clone(), changes));
    let heart = tokio::spawn(heartbeats(client.clone(), config.clone()));
    let mut this = Loop {
        client,
        concurrency: config.concurrency,
        state: State::new(config),
        queue: VecDeque::new(),
        calls: FuturesUnordered::new(),
        timers: FuturesUnordered::new(),
    };
    loop {
        this.start_calls();
        tokio::select! {
            () = stop.cancelled() => break,
            change = received.recv() => match change {
                Some(change) => this.change(change),
                None => break,
            },
            Some(back) = this.calls.next() => this.back(back),
            Some(back) = this.timers.next() => this.back(back),
        }
    }
    watching.abort();
    heart.abort();
    // What has been begun is finished; nothing new is started.
    while this.calls.next().await.is_some() {}
}

impl Loop {
    fn change(&mut self, change: Change) {
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
        while self.calls.len() < self.concurrency {
            let Some(uid) = self.queue.pop_front() else { return };
            let step = self.state.next(&uid, Instant::now());
            match step {
                Step::Nothing => {}
                Step::Wait(time) => self.look_again(uid, time),
                Step::Bind(_) | Step::Report { .. } | Step::Remove => {
                    let Some(pod) = self.state.pod(&uid) else { continue };
                    let client = self.client.clone();
                    self.calls.push(Box::pin(async move {
                        let outcome = act(&client, &pod, &step).await;
                        Back::Called(uid, step, outcome)
                    }));
                }
            }
        }
    }
}

async fn heartbeats(client: Client, config: Config) {
    let mut ticks = tokio::time::interval_at(Instant::now() + config.heartbeat, config.heartbeat);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for index in 0..config.nodes {
            let node = config.node(index);
            if let Err(error) = nodes::ensure(&client, &node).await {
                tracing::debug!(%node, %error, "the heartbeat failed and is tried again");
            }
        }
    }
}
