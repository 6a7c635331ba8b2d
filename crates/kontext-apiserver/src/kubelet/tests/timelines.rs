//! What is done for a Pod, and when: the state machine alone, with a clock of the test's own.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::pod;
use crate::kubelet::config::Config;
use crate::kubelet::lifecycle::Stage;
use crate::kubelet::schedule::NodeView;
use crate::kubelet::state::{Outcome, State, Step};

const AT_MOST: usize = 12;

/// A kubelet with one node, and the time since it began.
struct Sim {
    state: State,
    begin: Instant,
    now: Instant,
}

impl Sim {
    fn new(config: Config) -> Sim {
        let begin = Instant::now();
        let mut state = State::new(config);
        let view = NodeView { name: "sim-node-0".to_owned(), ..NodeView::default() };
        state.observe_node(view, "192.168.0.1".to_owned(), false);
        state.nodes_listed(&["sim-node-0".to_owned()].into(), begin);
        Sim { state, begin, now: begin }
    }

    /// Shows a Pod and does what is to be done until nothing is, or so many steps. All succeed.
    fn run(&mut self, mut pod: Pod, steps: usize) -> Vec<String> {
        let uid = pod.metadata.uid.clone().expect("a uid");
        let mut lines = Vec::new();
        self.state.observe(pod.clone(), self.now);
        while lines.len() < steps {
            let step = self.state.next(&uid, self.now);
            match &step {
                Step::Nothing => break,
                Step::Wait(time) => {
                    assert!(*time > self.now, "no waiting for the past");
                    self.now = *time;
                    continue;
                }
                Step::Bind(node) => {
                    pod.spec.as_mut().expect("a spec").node_name = Some(node.clone());
                    self.state.observe(pod.clone(), self.now);
                }
                _ => {}
            }
            lines.push(format!("{:?} {}", self.now - self.begin, show(&step)));
            self.state.finished(&uid, &step, Outcome::Done, self.now);
        }
        lines
    }
}

fn show(step: &Step) -> String {
    match step {
        Step::Report { stage, .. } => match stage {
            Stage::Creating => "creating".to_owned(),
            Stage::Initializing(number) => format!("init {number}"),
            Stage::Running { ready, restarts } => {
                format!("running{}{}", if *ready { " ready" } else { "" }, again(*restarts))
            }
            Stage::BackOff { code, restarts } => format!("exit {code}, back-off{}", again(*restarts)),
            Stage::Ended { code, restarts } => format!("ended {code}{}", again(*restarts)),
        },
        Step::Bind(_) => "bind".to_owned(),
        Step::Remove => "remove".to_owned(),
        other => format!("{other:?}"),
    }
}

fn again(restarts: i32) -> String {
    if restarts == 0 { String::new() } else { format!(" ({restarts} restarts)") }
}

fn timeline(annotations: &Value, spec: &Value) -> String {
    Sim::new(Config::default()).run(pod("p", annotations, spec), AT_MOST).join("; ")
}

#[test]
fn annotations_and_restart_policies_make_the_course() {
    let sim = |value: &str| json!({"kontext.dev/sim": value});
    let policy = |policy: &str| json!({"restartPolicy": policy});
    let mut lines = Vec::new();
    for (annotations, spec) in [
        (json!({}), json!({})),
        (sim("pending"), json!({})),
        (sim("unready"), json!({})),
        (sim("succeed"), policy("Never")),
        (sim("fail"), policy("Never")),
        (sim("fail=3"), policy("Never")),
        (sim("crash=7"), policy("Never")),
        (sim("crash"), json!({})),
        (sim("fail=3"), policy("OnFailure")),
        (sim("succeed"), policy("OnFailure")),
        (sim("boom"), json!({})),
        (json!({"kontext.dev/sim-start-delay": "5s", "kontext.dev/sim-ready-delay": "1m"}), json!({})),
        (json!({"kontext.dev/sim": "succeed", "kontext.dev/sim-run-time": "30s"}), policy("Never")),
        (json!({"kontext.dev/sim": "crash", "kontext.dev/sim-run-time": "2s"}), json!({})),
        (json!({"kontext.dev/sim-start-delay": "soon"}), json!({})),
    ] {
        lines.push(format!("{annotations} {spec}\n    {}", timeline(&annotations, &spec)));
    }
    expect_test::expect![[r#"
        {} {}
            0ns bind; 0ns running ready
        {"kontext.dev/sim":"pending"} {}
            0ns bind; 0ns creating
        {"kontext.dev/sim":"unready"} {}
            0ns bind; 0ns running
        {"kontext.dev/sim":"succeed"} {"restartPolicy":"Never"}
            0ns bind; 0ns running ready; 0ns ended 0
        {"kontext.dev/sim":"fail"} {"restartPolicy":"Never"}
            0ns bind; 0ns running ready; 0ns ended 1
        {"kontext.dev/sim":"fail=3"} {"restartPolicy":"Never"}
            0ns bind; 0ns running ready; 0ns ended 3
        {"kontext.dev/sim":"crash=7"} {"restartPolicy":"Never"}
            0ns bind; 0ns running ready; 0ns ended 7
        {"kontext.dev/sim":"crash"} {}
            0ns bind; 0ns exit 1, back-off (1 restarts); 10s exit 1, back-off (2 restarts); 30s exit 1, back-off (3 restarts); 70s exit 1, back-off (4 restarts); 150s exit 1, back-off (5 restarts); 310s exit 1, back-off (6 restarts); 610s exit 1, back-off (7 restarts); 910s exit 1, back-off (8 restarts); 1210s exit 1, back-off (9 restarts); 1510s exit 1, back-off (10 restarts); 1810s exit 1, back-off (11 restarts)
        {"kontext.dev/sim":"fail=3"} {"restartPolicy":"OnFailure"}
            0ns bind; 0ns exit 3, back-off (1 restarts); 10s exit 3, back-off (2 restarts); 30s exit 3, back-off (3 restarts); 70s exit 3, back-off (4 restarts); 150s exit 3, back-off (5 restarts); 310s exit 3, back-off (6 restarts); 610s exit 3, back-off (7 restarts); 910s exit 3, back-off (8 restarts); 1210s exit 3, back-off (9 restarts); 1510s exit 3, back-off (10 restarts); 1810s exit 3, back-off (11 restarts)
        {"kontext.dev/sim":"succeed"} {"restartPolicy":"OnFailure"}
            0ns bind; 0ns running ready; 0ns ended 0
        {"kontext.dev/sim":"boom"} {}
            0ns bind; 0ns running ready
        {"kontext.dev/sim-ready-delay":"1m","kontext.dev/sim-start-delay":"5s"} {}
            0ns bind; 0ns creating; 5s running; 65s running ready
        {"kontext.dev/sim":"succeed","kontext.dev/sim-run-time":"30s"} {"restartPolicy":"Never"}
            0ns bind; 0ns running ready; 30s ended 0
        {"kontext.dev/sim":"crash","kontext.dev/sim-run-time":"2s"} {}
            0ns bind; 0ns running ready; 2s exit 1, back-off (1 restarts); 12s running ready (1 restarts); 14s exit 1, back-off (2 restarts); 34s running ready (2 restarts); 36s exit 1, back-off (3 restarts); 76s running ready (3 restarts); 78s exit 1, back-off (4 restarts); 158s running ready (4 restarts); 160s exit 1, back-off (5 restarts); 320s running ready (5 restarts)
        {"kontext.dev/sim-start-delay":"soon"} {}
            0ns bind; 0ns running ready"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn init_containers_run_one_after_the_other() {
    let seconds = Duration::from_secs;
    let config = Config { init_time: seconds(3), startup_latency: seconds(1), ..Config::default() };
    let init = |name: &str| json!({"name": name, "image": "i:1"});
    let sidecar = json!({"name": "s", "image": "i:1", "restartPolicy": "Always"});
    let spec = json!({"initContainers": [init("a"), sidecar, init("b")]});
    let lines = Sim::new(config).run(pod("p", &json!({}), &spec), AT_MOST);
    assert_eq!(lines, ["0ns bind", "0ns creating", "1s init 0", "4s init 1", "7s running ready"]);
}

#[test]
fn a_deleted_pod_ends_in_its_time_but_within_its_grace() {
    let mut lines = Vec::new();
    for (delay, grace, finalizers) in [
        ("0", 30, json!(null)),
        ("10s", 30, json!(null)),
        ("10s", 5, json!(null)),
        ("10s", 30, json!(["example.dev/wait"])),
        ("1h", 30, json!(["example.dev/wait"])),
    ] {
        let mut sim = Sim::new(Config::default());
        let mut pod =
            pod("p", &json!({"kontext.dev/sim-end-delay": delay}), &json!({"nodeName": "sim-node-0"}));
        pod.metadata.finalizers = serde_json::from_value(finalizers.clone()).expect("finalizers");
        sim.run(pod.clone(), AT_MOST);
        pod.metadata.deletion_timestamp =
            Some(serde_json::from_value(json!("2025-01-01T00:00:00Z")).expect("a time"));
        pod.metadata.deletion_grace_period_seconds = Some(grace);
        lines.push(format!("{delay} of {grace} s {finalizers}: {}", sim.run(pod, AT_MOST).join("; ")));
    }
    expect_test::expect![[r#"
        0 of 30 s null: 0ns remove
        10s of 30 s null: 10s remove
        10s of 5 s null: 5s remove
        10s of 30 s ["example.dev/wait"]: 10s ended 143; 10s remove
        1h of 30 s ["example.dev/wait"]: 30s ended 137; 30s remove"#]]
    .assert_eq(&lines.join("\n"));
}

#[test]
fn readiness_gates_are_waited_for() {
    let mut sim = Sim::new(Config::default());
    let mut pod = pod("p", &json!({}), &json!({"readinessGates": [{"conditionType": "example.dev/linked"}]}));
    sim.run(pod.clone(), AT_MOST);
    let gates = |sim: &mut Sim, pod: &Pod| {
        sim.state.observe(pod.clone(), sim.now);
        match sim.state.next("uid-of-p", sim.now) {
            Step::Report { gates, .. } => Some(gates),
            _ => None,
        }
    };
    pod.spec.as_mut().expect("a spec").node_name = Some("sim-node-0".to_owned());
    assert_eq!(gates(&mut sim, &pod), None);
    let open = json!({"conditions": [{"type": "example.dev/linked", "status": "True"}]});
    pod.status = Some(serde_json::from_value(open).expect("a status"));
    assert_eq!(gates(&mut sim, &pod), Some(true));
}

#[test]
fn an_annotation_can_change_the_course_of_a_running_pod() {
    let mut sim = Sim::new(Config::default());
    let running = pod("p", &json!({}), &json!({"nodeName": "sim-node-0"}));
    assert_eq!(sim.run(running.clone(), AT_MOST), ["0ns running ready"]);
    let mut unready = running.clone();
    unready.metadata.annotations = Some([("kontext.dev/sim".to_owned(), "unready".to_owned())].into());
    assert_eq!(sim.run(unready, AT_MOST), ["0ns running"]);
    assert_eq!(sim.run(running, AT_MOST), ["0ns running ready"]);
}

#[test]
fn jitter_is_the_same_for_the_same_seed_and_name() {
    let config =
        |seed| Config { startup_latency: Duration::from_secs(1), jitter: 0.5, seed, ..Config::default() };
    let begins =
        |seed, name: &str| Sim::new(config(seed)).run(pod(name, &json!({}), &json!({})), AT_MOST).join(";");
    assert_eq!(begins(1, "a"), begins(1, "a"));
    assert_ne!(begins(1, "a"), begins(1, "b"));
    assert_ne!(begins(1, "a"), begins(2, "a"));
    for name in ["a", "b", "c", "d"] {
        let latency = config(1).vary(Duration::from_secs(1), &[name]);
        assert!((1.0..=1.5).contains(&latency.as_secs_f64()), "{latency:?}");
    }
}

#[test]
fn pods_of_a_deleted_node_are_removed_after_a_while() {
    let mut sim = Sim::new(Config::default());
    let pod = pod("p", &json!({}), &json!({"nodeName": "sim-node-0"}));
    sim.run(pod.clone(), AT_MOST);
    assert_eq!(sim.state.forget_node("sim-node-0", sim.now), ["uid-of-p"]);
    assert_eq!(sim.run(pod, AT_MOST), ["40s remove"]);
}
