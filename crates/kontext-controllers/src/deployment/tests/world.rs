//! A small API server, ReplicaSet controller and kubelet, for driving the loop without I/O. Writes are checked the way the
//! real server does: a stale resourceVersion is a conflict; a write that changes nothing is a failure of the test.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde_json::{Value, json};

use crate::{
    Failure, FailureKind,
    deployment::{
        AnnotationRules, DESIRED_REPLICAS, Done, MAX_REPLICAS, Next, Observed, REVISION, Step, StepResult,
        journal::Halt, next, sets::Sets, sync::Sync,
    },
    fixtures::{self, at, time},
    model::{Deployment, ReplicaSet, Text},
};

pub(super) type Fault = Box<dyn FnMut(&Step) -> Option<Failure>>;

pub(super) struct World {
    pub(super) deployment: Value,
    pub(super) sets: BTreeMap<String, Value>,
    /// ReplicaSets that exist and that the cache does not show.
    pub(super) hidden: BTreeMap<String, Value>,
    pub(super) unfinished: HashMap<Text, usize>,
    pub(super) now: i64,
    pub(super) log: Vec<String>,
    pub(super) fault: Option<Fault>,
    cache: Option<Cache>,
    versions: u64,
}

/// Strategy with absolute numbers.
pub(super) fn rolling(wanted: i32, surge: i32, unavailable: i32) -> World {
    let mut deployment = fixtures::deployment_json(wanted);
    deployment["spec"]["strategy"]["rollingUpdate"] =
        json!({"maxSurge": surge, "maxUnavailable": unavailable});
    World::new(deployment)
}

impl World {
    pub(super) fn new(deployment: Value) -> Self {
        Self {
            deployment,
            sets: BTreeMap::new(),
            hidden: BTreeMap::new(),
            unfinished: HashMap::new(),
            now: 0,
            log: Vec::new(),
            fault: None,
            cache: None,
            versions: 100,
        }
    }

    /// Adds a ReplicaSet of the Deployment: template number `image`, created at second `created`; its pods are all
    /// there and available.
    pub(super) fn add(&mut self, name: &str, image: u32, replicas: i32, created: i64) -> &mut Value {
        let mut set = fixtures::replica_set_json(name, replicas);
        set["metadata"]["creationTimestamp"] = time(created).into();
        set["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web",
            "uid": "u-deployment", "controller": true, "blockOwnerDeletion": true}]);
        set["metadata"]["annotations"] = json!({REVISION: image.to_string()});
        set["metadata"].as_object_mut().unwrap().remove("managedFields");
        set["spec"]["template"] = fixtures::template(&format!("registry.example/web:{image}"));
        set["spec"]["template"]["metadata"]["labels"]["pod-template-hash"] = name.into();
        set["status"] = json!({"replicas": replicas, "readyReplicas": replicas, "availableReplicas": replicas,
            "terminatingReplicas": 0, "observedGeneration": 1});
        self.sets.entry(name.to_owned()).or_insert(set)
    }

    /// What the ReplicaSets remember of the Deployment's size.
    pub(super) fn remember(&mut self, desired: i32, surge: i32) {
        for set in self.sets.values_mut() {
            set["metadata"]["annotations"][DESIRED_REPLICAS] = desired.to_string().into();
            set["metadata"]["annotations"][MAX_REPLICAS] = (desired + surge).to_string().into();
        }
    }

    pub(super) fn image(&mut self, image: u32) {
        self.change_spec(|spec| {
            spec["template"] = fixtures::template(&format!("registry.example/web:{image}"));
        });
    }

    pub(super) fn change_spec(&mut self, change: impl FnOnce(&mut Value)) {
        change(&mut self.deployment["spec"]);
        bump(&mut self.deployment["metadata"]["generation"]);
        self.new_version();
    }

    fn new_version(&mut self) {
        self.versions += 1;
        self.deployment["metadata"]["resourceVersion"] = self.versions.to_string().into();
    }

    pub(super) fn deployment(&self) -> Deployment {
        fixtures::deployment(&self.deployment)
    }

    pub(super) fn set(&self, name: &str) -> ReplicaSet {
        serde_json::from_value(self.sets[name].clone()).unwrap()
    }

    pub(super) fn size(&self, name: &str) -> i32 {
        self.set(name).replicas
    }

    pub(super) fn replica_sets(&self) -> Vec<Arc<ReplicaSet>> {
        self.sets.keys().map(|name| Arc::new(self.set(name))).collect()
    }

    /// Runs one sync to its end.
    pub(super) fn sync(&mut self) -> Done {
        let mut results = Vec::new();
        for _ in 0..100 {
            match self.with_observed(|observed| next(observed, &results), &results) {
                Next::Step(step) => results.push(self.apply(&step)),
                Next::Done(done) => return done,
            }
        }
        panic!("a sync of a hundred steps:\n{}", self.log.join("\n"));
    }

    /// Runs a part of a sync to its end.
    pub(super) fn drive<T>(
        &mut self,
        part: impl Fn(&mut Sync<'_>, &Sets) -> Result<T, Halt>,
    ) -> Result<T, Failure> {
        let mut results = Vec::new();
        loop {
            let ended = self.with_observed(
                |observed| {
                    let mut sync = Sync::new(observed, &results);
                    let sets = Sets::classify(observed.deployment, observed.replica_sets);
                    part(&mut sync, &sets)
                },
                &results,
            );
            match ended {
                Ok(value) => return Ok(value),
                Err(Halt::Failed(failure) | Halt::Unfit(failure)) => return Err(failure),
                Err(Halt::Pending(step)) => results.push(self.apply(&step)),
            }
        }
    }

    /// The cache does not move during a sync: it is as it was before the first step.
    fn with_observed<T>(&mut self, run: impl FnOnce(&Observed<'_>) -> T, results: &[StepResult]) -> T {
        if results.is_empty() {
            self.cache = Some((Arc::new(self.deployment()), self.replica_sets()));
        }
        let (deployment, replica_sets) =
            self.cache.as_ref().expect("the cache was filled before the first step");
        let annotations = AnnotationRules::default();
        run(&Observed {
            deployment,
            replica_sets,
            unfinished_pods: &self.unfinished,
            now: at(self.now),
            annotations: &annotations,
        })
    }

    fn apply(&mut self, step: &Step) -> StepResult {
        let line = match step {
            Step::Event(event) => {
                format!("  {} {}: {}", event.severity.as_str(), event.reason, event.message)
            }
            Step::FindReplicaSet { name, .. } => format!("find {name}"),
            other => format!("{}: {}", other.action().unwrap(), other.reason()),
        };
        self.log.push(line);
        if let Some(failure) = self.fault.as_mut().and_then(|fault| fault(step)) {
            self.log.push(format!("  failed: {failure}"));
            return StepResult::Failed(failure);
        }
        match step {
            Step::Event(_) => StepResult::Done,
            Step::FindReplicaSet { name, .. } => self.find(name),
            Step::CreateReplicaSet { name, body, .. } => self.create(name, body.clone()),
            Step::DeleteReplicaSet { replica_set, .. } => {
                self.sets.remove(&*replica_set.meta.name);
                StepResult::Done
            }
            Step::ScaleReplicaSet { replica_set, .. } | Step::UpdateReplicaSet { replica_set, .. } => {
                self.put_set(&replica_set.meta.name, &step.body().unwrap())
            }
            Step::UpdateStatus { .. } => self.put_deployment(&step.body().unwrap(), false),
            Step::Rollback { .. } => self.put_deployment(&step.body().unwrap(), true),
        }
    }

    fn find(&self, name: &str) -> StepResult {
        match self.sets.get(name).or_else(|| self.hidden.get(name)) {
            Some(set) => StepResult::ReplicaSet(Arc::new(serde_json::from_value(set.clone()).unwrap())),
            None => StepResult::Failed(Failure::new(FailureKind::NotFound, format!("{name} not found"))),
        }
    }

    fn create(&mut self, name: &str, mut body: Value) -> StepResult {
        if self.sets.contains_key(name) || self.hidden.contains_key(name) {
            return StepResult::Failed(Failure::new(
                FailureKind::AlreadyExists,
                format!("{name} already exists"),
            ));
        }
        self.versions += 1;
        body["metadata"]["uid"] = format!("u-{name}").into();
        body["metadata"]["generation"] = 1.into();
        body["metadata"]["creationTimestamp"] = time(self.now).into();
        body["metadata"]["resourceVersion"] = self.versions.to_string().into();
        body["status"] = json!({"replicas": 0});
        self.sets.insert(name.to_owned(), body);
        self.find(name)
    }

    fn put_set(&mut self, name: &str, body: &Value) -> StepResult {
        let stored = self.sets.get_mut(name).expect("only known ReplicaSets are written");
        if body["metadata"]["resourceVersion"] != stored["metadata"]["resourceVersion"] {
            return StepResult::Failed(Failure::new(FailureKind::Conflict, format!("{name} was modified")));
        }
        assert_ne!(body, stored, "a write that changes nothing");
        assert_eq!(body["spec"].get("fieldOfTheFuture"), stored["spec"].get("fieldOfTheFuture"));
        if body["spec"] != stored["spec"] {
            bump(&mut stored["metadata"]["generation"]);
        }
        self.versions += 1;
        stored["spec"] = body["spec"].clone();
        stored["metadata"]["annotations"] = body["metadata"]["annotations"].clone();
        stored["metadata"]["resourceVersion"] = self.versions.to_string().into();
        self.find(name)
    }

    fn put_deployment(&mut self, body: &Value, spec: bool) -> StepResult {
        if body["metadata"]["resourceVersion"] != self.deployment["metadata"]["resourceVersion"] {
            return StepResult::Failed(Failure::new(FailureKind::Conflict, "web was modified"));
        }
        assert_ne!(*body, self.deployment, "a write that changes nothing");
        if body["metadata"]["annotations"] != self.deployment["metadata"]["annotations"] && spec {
            bump(&mut self.deployment["metadata"]["generation"]);
        }
        for part in if spec { &["spec"][..] } else { &["status"] } {
            self.deployment[part] = body[part].clone();
        }
        self.deployment["metadata"]["annotations"] = body["metadata"]["annotations"].clone();
        self.new_version();
        StepResult::Deployment(Arc::new(self.deployment()))
    }

    /// The ReplicaSet loop and kubelets: every ReplicaSet gets its pods; those that do not fit any more go, the ones that
    /// are not available first; of the new ones `starting` in all become available.
    pub(super) fn pods_follow(&mut self, mut starting: i32) {
        for set in self.sets.values_mut() {
            let number = |value: &Value| i32::try_from(value.as_i64().unwrap_or(0)).unwrap();
            let replicas = number(&set["spec"]["replicas"]);
            let mut available = number(&set["status"]["availableReplicas"]).min(replicas);
            let more = starting.min(replicas - available);
            available += more;
            starting -= more;
            let status = json!({"replicas": replicas, "readyReplicas": available, "availableReplicas": available,
                "terminatingReplicas": 0, "observedGeneration": set["metadata"]["generation"]});
            if set["status"] != status {
                self.versions += 1;
                set["status"] = status;
                set["metadata"]["resourceVersion"] = self.versions.to_string().into();
            }
        }
    }

    /// Syncs and lets pods follow until nothing happens any more.
    pub(super) fn settle(&mut self) {
        for _ in 0..200 {
            let (before, sets) = (self.deployment.clone(), self.sets.clone());
            self.sync().result.expect("no faults");
            self.now += 1;
            self.pods_follow(i32::MAX / 2);
            if before == self.deployment && sets == self.sets {
                return;
            }
        }
        panic!("it does not settle:\n{}", self.log.join("\n"));
    }

    /// What happened since the last call.
    pub(super) fn told(&mut self) -> String {
        self.log.drain(..).map(|line| line + "\n").collect()
    }

    /// Names and sizes, oldest first.
    pub(super) fn sizes(&self) -> String {
        let mut sets = self.replica_sets();
        sets.sort_by(|a, b| crate::deployment::sets::by_age(a, b));
        let text: Vec<_> = sets.iter().map(|set| format!("{}={}", set.meta.name, set.replicas)).collect();
        text.join(" ")
    }
}

type Cache = (Arc<Deployment>, Vec<Arc<ReplicaSet>>);

fn bump(generation: &mut Value) {
    *generation = (generation.as_i64().unwrap_or(0) + 1).into();
}
