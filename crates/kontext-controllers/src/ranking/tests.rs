use proptest::prelude::*;

use super::*;
use crate::fixtures::{PodSpec, at};

const NOW: i64 = 1_000_000;

fn pod(uid: &str) -> Pod {
    let mut pod = PodSpec::new("web-1").pod();
    pod.meta.uid = Text::from(uid);
    pod.meta.created = Some(at(0));
    pod.ready_changed = Some(at(10));
    pod
}

fn with(change: impl FnOnce(&mut Pod)) -> Pod {
    // The UID speaks against the change, so that only the rule can explain the outcome.
    let mut pod = pod("z");
    change(&mut pod);
    pod
}

fn victim_rule(first: &Pod, stays: &Pod, neighbours: &Neighbours) -> Rule {
    for pods in [vec![first.clone(), stays.clone()], vec![stays.clone(), first.clone()]] {
        let pods: Vec<_> = pods.into_iter().map(Arc::new).collect();
        let picked = victims(&pods, 1, neighbours, at(NOW));
        assert_eq!(&*picked[0].pod, first);
        if let Some(rule) = picked[0].rule {
            return rule;
        }
    }
    unreachable!("one of two pods stays")
}

#[test]
fn each_rule_decides_where_the_earlier_ones_are_silent() {
    let stays = || pod("a");
    let none = Neighbours::default();
    let rule = |change: &dyn Fn(&mut Pod)| victim_rule(&with(change), &stays(), &none);
    assert_eq!(rule(&|p| p.node = None), Rule::Unassigned);
    assert_eq!(rule(&|p| p.phase = Phase::Pending), Rule::Phase);
    assert_eq!(rule(&|p| p.phase = Phase::Unknown), Rule::Phase);
    assert_eq!(rule(&|p| p.ready = false), Rule::NotReady);
    assert_eq!(rule(&|p| p.deletion_cost = -1), Rule::DeletionCost);
    assert_eq!(rule(&|p| p.ready_changed = None), Rule::ReadyTime);
    assert_eq!(rule(&|p| p.ready_changed = Some(at(NOW - 10))), Rule::ReadyTime);
    assert_eq!(rule(&|p| p.restarts = 1), Rule::Restarts);
    assert_eq!(rule(&|p| p.sidecar_restarts = 1), Rule::Restarts);
    assert_eq!(rule(&|p| p.meta.created = None), Rule::Age);
    assert_eq!(rule(&|p| p.meta.created = Some(at(NOW - 10))), Rule::Age);
    assert_eq!(victim_rule(&pod("a"), &pod("b"), &none), Rule::Uid);
    let crowded = Neighbours(HashMap::from([(Text::from("node-1"), 1), (Text::from("node-2"), 2)]));
    assert_eq!(
        victim_rule(&with(|p| p.node = Some(Text::from("node-2"))), &stays(), &crowded),
        Rule::CrowdedNode
    );
}

#[test]
fn an_earlier_rule_beats_all_later_ones() {
    let none = Neighbours::default();
    let pending = with(|p| {
        p.phase = Phase::Pending;
        p.deletion_cost = 100;
    });
    assert_eq!(victim_rule(&pending, &with(|p| p.restarts = 99), &none), Rule::Phase);
    let cheap = with(|p| p.deletion_cost = 1);
    let dear_and_young = with(|p| {
        p.deletion_cost = 2;
        p.ready_changed = Some(at(NOW - 1));
        p.restarts = 5;
    });
    assert_eq!(victim_rule(&cheap, &dear_and_young, &none), Rule::DeletionCost);
    let restarting = with(|p| p.restarts = 2);
    assert_eq!(
        victim_rule(&restarting, &with(|p| (p.restarts, p.sidecar_restarts) = (1, 9)), &none),
        Rule::Restarts
    );
}

#[test]
fn pods_ready_for_a_similar_time_are_told_apart_by_uid() {
    // 600 000 s and 900 000 s lie between the same powers of two of nanoseconds.
    let older = Pod { ready_changed: Some(at(NOW - 900_000)), ..pod("a") };
    let younger = Pod { ready_changed: Some(at(NOW - 600_000)), ..pod("b") };
    assert_eq!(victim_rule(&older, &younger, &Neighbours::default()), Rule::Uid);
}

#[test]
fn a_time_in_the_future_counts_as_the_shortest() {
    let skewed = with(|p| p.ready_changed = Some(at(NOW + 5)));
    let just_now = Pod { ready_changed: Some(at(NOW - 1)), ..pod("a") };
    assert_eq!(victim_rule(&skewed, &just_now, &Neighbours::default()), Rule::ReadyTime);
}

#[test]
fn unscheduled_then_pending_then_unready_then_doubled_up_then_ready_pods_go() {
    let named = |name: &str, change: &dyn Fn(&mut Pod)| {
        let mut pod = pod(name);
        change(&mut pod);
        Arc::new(pod)
    };
    let two = Some(Text::from("node-2"));
    let pods = [
        named("ready", &|p| p.node = Some(Text::from("node-3"))),
        named("unready", &|p| p.ready = false),
        named("doubled-up", &|p| p.node.clone_from(&two)),
        named("pending", &|p| p.phase = Phase::Pending),
        named("unscheduled", &|p| (p.phase, p.node) = (Phase::Pending, None)),
        named("doubled-up-2", &|p| p.node.clone_from(&two)),
    ];
    let neighbours = Neighbours::count(pods.iter().map(|pod| &**pod));
    let order = |count| {
        (victims(&pods, count, &neighbours, at(NOW)).iter())
            .map(|v| format!("{} ({})\n", v.pod.meta.uid, v.rule.map_or("all go", Rule::as_str)))
            .collect::<String>()
    };
    expect_test::expect![[r#"
        unscheduled (not yet on a node first)
    "#]]
    .assert_eq(&order(1));
    expect_test::expect![[r#"
        unscheduled (not yet on a node first)
        pending (not yet running first)
        unready (not ready first)
        doubled-up (from the node with most of its pods first)
        doubled-up-2 (from the node with most of its pods first)
    "#]]
    .assert_eq(&order(5));
    assert_eq!(order(0), "");
    assert!(order(6).lines().all(|line| line.ends_with("(all go)")), "{}", order(6));
}

#[test]
fn pods_that_are_going_or_finished_do_not_crowd_a_node() {
    let related = [pod("a"), with(|p| p.meta.deleted = Some(at(0))), with(|p| p.phase = Phase::Failed)];
    assert_eq!(Neighbours::count(&related).on(Some("node-1")), 1);
}

fn any_pod() -> impl Strategy<Value = Pod> {
    let time = prop_oneof![Just(None), (0..NOW + 100).prop_map(|second| Some(at(second)))];
    let node = prop_oneof![Just(None), Just(Some("node-1")), Just(Some("node-2"))];
    let phase = prop_oneof![Just(Phase::Pending), Just(Phase::Unknown), Just(Phase::Running)];
    ((0..40_u32), node, phase, any::<bool>(), (0..2_i32), time.clone(), (0..2_i32, 0..2_i32), time).prop_map(
        |(uid, node, phase, ready, cost, ready_changed, restarts, created)| {
            let mut pod = pod(&uid.to_string());
            pod.node = node.map(Text::from);
            (pod.phase, pod.ready, pod.deletion_cost, pod.ready_changed) =
                (phase, ready, cost, ready_changed);
            (pod.restarts, pod.sidecar_restarts) = restarts;
            pod.meta.created = created;
            pod
        },
    )
}

proptest! {
    #[test]
    fn the_ranking_is_a_total_order(pods in prop::collection::vec(any_pod(), 3)) {
        let neighbours = Neighbours::count(&pods);
        let [a, b, c] = [0, 1, 2].map(|i| Rank::of(&pods[i], &neighbours, at(NOW)));
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        if a <= b && b <= c {
            prop_assert!(a <= c);
        }
    }

    #[test]
    fn the_victims_do_not_depend_on_the_order_of_the_cache(
        pods in prop::collection::vec(any_pod(), 1..12),
        count in 0..12_usize,
        turn in 0..12_usize,
    ) {
        let mut unique: Vec<Arc<Pod>> = Vec::new();
        for pod in pods {
            if unique.iter().all(|have| have.meta.uid != pod.meta.uid) {
                unique.push(Arc::new(pod));
            }
        }
        let neighbours = Neighbours::count(unique.iter().map(|pod| &**pod));
        let uids = |pods: &[Arc<Pod>]| {
            let mut uids: Vec<_> =
                victims(pods, count, &neighbours, at(NOW)).iter().map(|v| v.pod.meta.uid.clone()).collect();
            uids.sort();
            uids
        };
        let before = uids(&unique);
        prop_assert_eq!(before.len(), count.min(unique.len()));
        let turn = turn % unique.len();
        unique.rotate_left(turn);
        prop_assert_eq!(before, uids(&unique));
    }
}
