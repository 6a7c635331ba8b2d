//! A garbage collector: what is owned goes with its owners, and namespaces end with their content.
//!
//! The API server itself collects nothing, as the real one does not: this is a client of it, off by default.
//!
//! Data flow: `source` (metadata of every kind: list, watch, list again) -> `graph` (who owns whom; decides, pure) ->
//! `act` (API calls). An owner that the graph does not know is looked up before anything is deleted for its absence.

mod act;
mod graph;
mod namespace;
mod source;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::kinds::{Catalog, TableId};
use crate::server::ApiServer;
use act::Actor;
use graph::{Graph, Key};
use source::Change;

/// Who the collector speaks as: the user of upstream's.
pub(crate) const USER: &str = "system:serviceaccount:kube-system:generic-garbage-collector";

/// How many changes may wait before the sources do.
const QUEUE: usize = 1024;

/// How long something that failed waits before it is tried again.
const RETRY: Duration = Duration::from_millis(100);

/// A running garbage collector of one API server.
#[derive(Debug)]
pub struct GarbageCollector {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl GarbageCollector {
    /// Starts collecting what the server holds.
    pub fn start(server: &ApiServer) -> Self {
        let stop = server.stop_signal();
        let client = server.client_for(USER);
        let task = tokio::spawn(run(client, server.catalog(), stop.clone()));
        Self { stop, task }
    }

    /// Stops, at the next step.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::warn!(%error, "the garbage collector did not end by itself");
        }
    }
}

async fn run(client: Client, catalog: Arc<Catalog>, stop: CancellationToken) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let collector = Collector {
        actor: Actor::new(client.clone(), catalog.clone()),
        graph: Graph::default(),
        dirty: BTreeSet::new(),
    };
    let unlisted = tables(&catalog);
    let follow = follow_all(client, catalog, sender);
    stop.run_until_cancelled(async {
        tokio::select! {
            () = collector.collect(receiver, unlisted) => {}
            () = follow => {}
        }
    })
    .await;
}

/// The tables whose objects can be seen.
fn tables(catalog: &Catalog) -> BTreeSet<TableId> {
    let registry = catalog.registry();
    registry.stored().into_iter().map(|resource| resource.table).collect()
}

/// Follows the objects of every table, those of kinds that come later too. A kind that goes leaves its source behind,
/// which waits for the kind to come back.
async fn follow_all(client: Client, catalog: Arc<Catalog>, changes: mpsc::Sender<Change>) {
    let mut served = catalog.subscribe();
    let mut followed = BTreeSet::new();
    // Dropped with this future, and all sources with it.
    let mut sources = JoinSet::new();
    loop {
        served.borrow_and_update();
        for table in tables(&catalog) {
            if followed.insert(table) {
                sources.spawn(source::follow(client.clone(), catalog.clone(), table, changes.clone()));
            }
        }
        if served.changed().await.is_err() {
            return;
        }
    }
}

struct Collector {
    actor: Actor,
    graph: Graph,
    /// What must be looked at.
    dirty: BTreeSet<Key>,
}

impl Collector {
    async fn collect(mut self, mut changes: mpsc::Receiver<Change>, mut unlisted: BTreeSet<TableId>) {
        loop {
            let change = if self.dirty.is_empty() || !unlisted.is_empty() {
                match changes.recv().await {
                    Some(change) => Some(change),
                    None => return,
                }
            } else {
                changes.try_recv().ok()
            };
            match change {
                Some(change) => self.apply(change, &mut unlisted),
                None => self.step().await,
            }
        }
    }

    fn apply(&mut self, change: Change, unlisted: &mut BTreeSet<TableId>) {
        let touched = match change {
            Change::Applied(node) => self.graph.apply(*node),
            Change::Deleted(key) => self.graph.remove(&key),
            Change::Listed(table, nodes) => {
                unlisted.remove(&table);
                let mut touched = self.graph.remove_all_but(table, &nodes);
                touched.extend(nodes.into_iter().flat_map(|node| self.graph.apply(node)));
                touched
            }
        };
        self.dirty.extend(touched);
    }

    /// Looks at everything that is dirty, once.
    async fn step(&mut self) {
        let mut failed = BTreeSet::new();
        // Whether an owner that the graph does not know exists is asked once a round.
        let mut looked_up = HashMap::new();
        for key in std::mem::take(&mut self.dirty) {
            let Some(node) = self.graph.node(&key) else { continue };
            let absent = match self.actor.absent_owners(&self.graph, node, &mut looked_up).await {
                Ok(absent) => absent,
                Err(error) => {
                    tracing::debug!(%error, ?key, "an owner could not be looked up");
                    failed.insert(key);
                    continue;
                }
            };
            for action in self.graph.decide(&key, &absent) {
                if let Err(error) = self.actor.act(&action).await {
                    tracing::debug!(%error, ?action, "collecting failed");
                    failed.insert(key.clone());
                }
            }
        }
        if !failed.is_empty() {
            tokio::time::sleep(RETRY).await;
            self.dirty.extend(failed);
        }
    }
}
