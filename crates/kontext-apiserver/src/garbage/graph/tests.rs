use super::*;

fn node(uid: &str, owners: &[&str]) -> Node {
    let owner = |uid: &&str| Owner {
        uid: (*uid).to_owned(),
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        name: (*uid).to_owned(),
        controller: true,
        blocks: true,
    };
    Node {
        uid: uid.to_owned(),
        table: TableId(0),
        namespace: "default".to_owned(),
        name: uid.to_owned(),
        version: "1".to_owned(),
        owners: owners.iter().map(owner).collect(),
        finalizers: Vec::new(),
        deleting: false,
        is_namespace: false,
    }
}

fn deleting(uid: &str, owners: &[&str], finalizer: &str) -> Node {
    Node { deleting: true, finalizers: vec![finalizer.to_owned()], ..node(uid, owners) }
}

fn decide(nodes: Vec<Node>, key: &str, absent: &[&str]) -> Vec<String> {
    let mut graph = Graph::default();
    for node in nodes {
        graph.apply(node);
    }
    let absent = absent.iter().map(|a| (*a).to_owned()).collect();
    let describe = |action: Action| match action {
        Action::Delete { node, policy } => format!("delete {} {policy:?}", node.uid),
        Action::DropOwners { node, uids } => format!("{} drops owners {uids:?}", node.uid),
        Action::Unblock { node } => format!("unblock {}", node.uid),
        Action::DropFinalizer { node, finalizer } => format!("{} drops {finalizer}", node.uid),
        Action::EndNamespace { node } => format!("end namespace {}", node.uid),
    };
    graph.decide(&key.to_owned(), &absent).into_iter().map(describe).collect()
}

#[test]
fn what_has_an_owner_stays() {
    assert!(decide(vec![node("a", &[]), node("b", &["a"])], "b", &[]).is_empty());
}

#[test]
fn what_has_lost_all_owners_goes() {
    assert_eq!(decide(vec![node("b", &["a"])], "b", &["a"]), ["delete b Background"]);
}

#[test]
fn what_has_lost_one_of_two_owners_names_the_other_only() {
    assert_eq!(decide(vec![node("c", &[]), node("b", &["a", "c"])], "b", &["a"]), ["b drops owners [\"a\"]"]);
}

#[test]
fn an_owner_that_waits_for_its_dependents_takes_them_and_then_goes() {
    let owner = deleting("a", &[], FOREGROUND);
    assert_eq!(decide(vec![owner.clone(), node("b", &["a"])], "b", &[]), ["delete b Background"]);
    assert!(decide(vec![owner.clone(), node("b", &["a"])], "a", &[]).is_empty());
    assert_eq!(decide(vec![owner.clone()], "a", &[]), ["a drops foregroundDeletion"]);
    let middle = vec![owner, node("b", &["a"]), node("c", &["b"])];
    assert_eq!(decide(middle, "b", &[]), ["delete b Foreground"]);
}

#[test]
fn an_owner_that_orphans_lets_its_dependents_go_before_its_finalizer() {
    let owner = deleting("a", &[], ORPHAN);
    assert_eq!(decide(vec![owner.clone(), node("b", &["a"])], "a", &[]), ["b drops owners [\"a\"]"]);
    assert_eq!(decide(vec![owner], "a", &[]), ["a drops orphan"]);
}

#[test]
fn a_circle_of_owners_that_wait_for_each_other_ends() {
    let circle = vec![deleting("a", &["b"], FOREGROUND), node("b", &["a"])];
    assert_eq!(decide(circle, "b", &[]), ["unblock b", "delete b Foreground"]);
}

#[test]
fn removing_an_owner_touches_its_dependents_and_a_dependent_its_owner() {
    let mut graph = Graph::default();
    graph.apply(node("a", &[]));
    graph.apply(node("b", &["a"]));
    assert_eq!(graph.remove(&"b".to_owned()), ["a"]);
    graph.apply(node("b", &["a"]));
    assert_eq!(graph.remove(&"a".to_owned()), ["b"]);
}

#[test]
fn a_list_forgets_what_is_not_in_it() {
    let mut graph = Graph::default();
    graph.apply(node("a", &[]));
    graph.apply(node("b", &["a"]));
    assert_eq!(graph.remove_all_but(TableId(0), &[node("b", &["a"])]), ["b"]);
}
