//! Who gets what.

use std::{sync::Arc, time::Duration};

use kontext::{
    Controller, Observer,
    client::{Builder, Unbound},
    informer::{Informer, InformerOptions},
    queue::{Limits, QueueMetricFamilies, WorkQueue},
    runner::{Runner, RunnerMetricFamilies},
};
use prometheus_client::registry::Registry;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    config::{Config, LoopConfig, LoopName, StartError},
    known::Known,
};
use crate::{
    cluster::Cluster,
    deployment::{self, AnnotationRules, DeploymentLoop},
    informers::{DEPLOYMENTS, PODS, REPLICA_SETS},
    metrics::LoopMetrics,
    model::{Deployment, Pod, ReplicaSet},
    recorder::{KubeEventSink, Recorder, RecorderMetricFamilies, RecorderTask},
    replicaset::{self, ReplicaSetLoop},
    watch::{Causes, Intents},
};

/// Deployments are given up after this many retries until their next event; ReplicaSets never (Kubernetes 1.36).
const DEPLOYMENT_RETRIES: u32 = 15;
/// How long after a create of unknown outcome the server is asked which pods there are.
const UNCERTAIN_RECHECK: Duration = Duration::from_secs(1);

/// What the loops write back as a request answered it. Of pods they create hundreds at a time and look at none again.
const WRITTEN_BACK: &[&str] = &[REPLICA_SETS.plural, DEPLOYMENTS.plural];

/// Informers and loops, ready to run.
pub struct Manager {
    pub(super) informers: Informers,
    pub(super) replica_set: Option<(Runner, ReplicaSetLoop)>,
    pub(super) deployment: Option<(Runner, DeploymentLoop)>,
    pub(super) recorders: Vec<RecorderTask>,
    handle: Handle,
}

pub(super) struct Informers {
    pub(super) pods: Arc<Informer<Pod>>,
    pub(super) sets: Arc<Informer<ReplicaSet>>,
    pub(super) deployments: Arc<Informer<Deployment>>,
}

/// What others may ask of a manager while it runs.
#[derive(Clone)]
pub struct Handle {
    queues: Vec<WorkQueue>,
    synced: Vec<watch::Receiver<bool>>,
    informers: Arc<dyn Fn() + Send + Sync>,
}

impl Handle {
    /// Whether all caches are filled, so that the loops work.
    pub fn is_synced(&self) -> bool {
        self.synced.iter().all(|synced| *synced.borrow())
    }

    /// Waits until all caches are filled.
    pub async fn synced(&self) {
        for synced in &self.synced {
            let mut synced = synced.clone();
            // An informer that is gone will not be synced; whoever runs the manager learns why.
            if synced.wait_for(|synced| *synced).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Brings the gauges of work under way up to date; call it before metrics are read.
    pub fn observe(&self) {
        self.queues.iter().for_each(WorkQueue::observe_unfinished);
    }

    /// Whether nothing waits and nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.queues.iter().all(WorkQueue::is_idle)
    }

    /// Looks at every object again, as upstream does every 12 to 24 hours.
    pub fn resync(&self) {
        (self.informers)();
    }
}

impl Manager {
    /// Wires a manager; nothing runs yet.
    ///
    /// # Errors
    ///
    /// Where no client can be made, or nothing would run.
    pub fn new(config: Config, registry: &mut Registry) -> Result<Self, StartError> {
        if config.loops.is_empty() {
            return Err(StartError::NoLoop);
        }
        if let Some(idle) = config.loops.iter().find(|config| config.workers == 0) {
            return Err(StartError::NoWorker(idle.name));
        }
        let mut cluster = config.cluster.clone();
        cluster.default_retry = false;
        let client = informer_client(&cluster).map_err(|error| StartError::Client(Box::new(error)))?;
        let options = || {
            let mut options = InformerOptions::default();
            options.namespace.clone_from(&config.namespace);
            options
        };
        let mut pods = Informer::<Pod>::new(client.clone(), PODS, options());
        let mut sets = Informer::<ReplicaSet>::new(client.clone(), REPLICA_SETS, options());
        let mut deployments = Informer::<Deployment>::new(client, DEPLOYMENTS, options());
        let known = Arc::new(Known { sets: sets.store().clone(), deployments: deployments.store().clone() });
        let queue_metrics = QueueMetricFamilies::default();
        queue_metrics.register(registry);
        let runner_metrics = RunnerMetricFamilies::default();
        runner_metrics.register(registry);
        let loop_metrics = LoopMetrics::default();
        loop_metrics.register(registry);

        let event_metrics = RecorderMetricFamilies::default();
        event_metrics.register(registry);
        let observer = Observer::new(config.policy.clone(), config.telemetry.clone());
        let (mut queues, mut recorders) = (Vec::new(), Vec::new());
        let mut replica_set = None;
        let mut deployment = None;
        for one in &config.loops {
            let client = Builder::new(cluster.clone(), config.policy.clone())
                .telemetry(config.telemetry.clone())
                .known_objects(known.clone())
                .answers_of(WRITTEN_BACK)
                .unbound(Unbound::Reject)
                .rate_limit(one.qps, one.burst)
                .http2()
                .build()
                .map_err(|error| StartError::Client(Box::new(error)))?;
            let queue = WorkQueue::new(Limits::default(), queue_metrics.queue(one.name.alias()));
            queues.push(queue.clone());
            let runner = runner(one, &config, queue.clone(), &runner_metrics);
            let sink = KubeEventSink::new(client.clone(), one.name.name());
            let (recorder, task) =
                Recorder::with_metrics(one.name.name(), sink, event_metrics.recorder(one.name.name()));
            recorders.push(task);
            let api = Cluster::new(client, one.name.name());
            match one.name {
                LoopName::ReplicaSet => {
                    let shared = Arc::new(replicaset::Shared {
                        sets: sets.store().clone(),
                        pods: pods.store().clone(),
                        queue,
                        causes: Causes::new(observer.clone()),
                        intents: Intents::default(),
                        expectations: parking_lot::Mutex::default(),
                        guard: parking_lot::Mutex::default(),
                        own_statuses: crate::own_status::OwnStatuses::default(),
                        uncertain_recheck: UNCERTAIN_RECHECK,
                    });
                    sets.add_handler(Arc::new(replicaset::SetEvents(shared.clone())));
                    pods.add_handler(Arc::new(replicaset::PodEvents(shared.clone())));
                    let metrics = loop_metrics.clone();
                    replica_set = Some((runner, ReplicaSetLoop { cluster: api, shared, recorder, metrics }));
                }
                LoopName::Deployment => {
                    let shared = Arc::new(deployment::Shared {
                        deployments: deployments.store().clone(),
                        sets: sets.store().clone(),
                        pods: pods.store().clone(),
                        queue,
                        causes: Causes::new(observer.clone()),
                        intents: Intents::default(),
                        own_statuses: crate::own_status::OwnStatuses::default(),
                        deleting: parking_lot::Mutex::default(),
                    });
                    deployments.add_handler(Arc::new(deployment::DeploymentEvents(shared.clone())));
                    sets.add_handler(Arc::new(deployment::SetEvents(shared.clone())));
                    pods.add_handler(Arc::new(deployment::PodEvents(shared.clone())));
                    let annotations = AnnotationRules::new(config.policy.keys().all());
                    deployment =
                        Some((runner, DeploymentLoop { cluster: api, shared, recorder, annotations }));
                }
            }
        }
        let (pods, sets, deployments) = (Arc::new(pods), Arc::new(sets), Arc::new(deployments));
        let handle = Handle {
            queues,
            synced: vec![pods.synced(), sets.synced(), deployments.synced()],
            informers: {
                let (pods, sets, deployments) = (pods.clone(), sets.clone(), deployments.clone());
                Arc::new(move || {
                    deployments.resync();
                    sets.resync();
                    pods.resync();
                })
            },
        };
        Ok(Self {
            informers: Informers { pods, sets, deployments },
            replica_set,
            deployment,
            recorders,
            handle,
        })
    }

    /// What others may ask while it runs.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

/// The client of lists and watches, which belong to no reconcile.
fn informer_client(cluster: &kube::Config) -> kube::Result<kube::Client> {
    match cluster.proxy_url {
        None => Ok(kontext::transport::http2(cluster)?.build()),
        Some(_) => kube::Client::try_from(cluster.clone()),
    }
}

fn runner(one: &LoopConfig, config: &Config, queue: WorkQueue, metrics: &RunnerMetricFamilies) -> Runner {
    let (kind, max_retries) = match one.name {
        LoopName::ReplicaSet => (REPLICA_SETS.kind, None),
        LoopName::Deployment => (DEPLOYMENTS.kind, Some(DEPLOYMENT_RETRIES)),
    };
    Runner {
        controller: Arc::new(Controller::new(one.name.name(), "apps", kind)),
        queue,
        workers: one.workers,
        max_retries,
        policy: config.policy.clone(),
        telemetry: config.telemetry.clone(),
        metrics: metrics.controller(one.name.name()),
        grace: config.grace,
    }
}

impl Informers {
    pub(super) async fn run(&self, stop: CancellationToken) {
        tokio::join!(self.pods.run(stop.clone()), self.sets.run(stop.clone()), self.deployments.run(stop));
    }
}
