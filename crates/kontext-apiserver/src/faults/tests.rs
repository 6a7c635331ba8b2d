//! Which requests are struck, and how often.

use super::*;

fn record(verb: &str) -> RequestRecord {
    RequestRecord { verb: verb.to_owned(), resource: "pods".to_owned(), ..RequestRecord::default() }
}

fn struck(faults: &Faults, verbs: &[&str]) -> Vec<usize> {
    verbs.iter().map(|verb| faults.plan(&record(verb)).names().len()).collect()
}

#[test]
fn a_rule_strikes_as_often_as_it_says_and_only_what_it_names() {
    let faults = Faults::seeded(1);
    let handle = faults.add(Rule::reset().verb("create").after(1).times(2));
    assert_eq!(struck(&faults, &["create", "get", "create", "create", "create"]), [0, 0, 1, 1, 0]);
    assert_eq!((handle.strikes(), handle.matches()), (2, 3));
}

#[test]
fn a_fault_strikes_only_requests_that_it_means_something_to() {
    for (rule, struck_verb, verb) in [
        (Rule::reset_watch_after(1), "watch", "list"),
        (Rule::delay_events(std::time::Duration::ZERO), "watch", "get"),
        (Rule::stale_read(1), "get", "update"),
        (Rule::new(Fault::TruncatedBody), "list", "watch"),
    ] {
        let faults = Faults::seeded(1);
        let handle = faults.add(rule);
        assert_eq!(struck(&faults, &[verb, struck_verb]), [0, 1]);
        assert_eq!(handle.matches(), 1);
    }
}

#[test]
fn each_part_of_a_rule_narrows_it_down() {
    let record = RequestRecord {
        verb: "update".to_owned(),
        group: "apps".to_owned(),
        resource: "deployments".to_owned(),
        subresource: "status".to_owned(),
        namespace: "default".to_owned(),
        name: "web".to_owned(),
        user: "alice".to_owned(),
        user_agent: "kubectl/v1.36.0 (linux/amd64)".to_owned(),
        field_manager: "kubectl".to_owned(),
        ..RequestRecord::default()
    };
    let strikes = |text: &str| {
        let faults = Faults::seeded(1);
        faults.add(text.parse().expect("a rule"));
        faults.plan(&record).names().len()
    };
    for (key, right) in [
        ("verb", "patch|update"),
        ("group", "apps"),
        ("resource", "deployments"),
        ("resource", "deployments/status"),
        ("subresource", "status"),
        ("namespace", "default"),
        ("name", "web"),
        ("user", "alice"),
        ("user-agent", "kubectl/"),
        ("field-manager", "kubectl"),
    ] {
        let wrong = if key == "verb" { "get" } else { "another" };
        assert_eq!(
            (strikes(&format!("500,{key}={right}")), strikes(&format!("500,{key}={wrong}"))),
            (1, 0),
            "{key}"
        );
    }
}

#[test]
fn a_probability_comes_from_the_seed() {
    let run = |seed| {
        let faults = Faults::seeded(seed);
        faults.add(Rule::conflict().probability(0.3));
        struck(&faults, &["update"; 200])
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
    let strikes: usize = run(1).iter().sum();
    assert!((30..90).contains(&strikes), "{strikes}");
}

#[test]
fn a_rule_that_is_spent_or_disarmed_is_forgotten() {
    let faults = Faults::seeded(1);
    faults.add(Rule::conflict());
    let other = faults.add(Rule::conflict().always());
    assert_eq!(struck(&faults, &["update"]), [2]);
    other.disarm();
    assert_eq!(struck(&faults, &["update"]), [0]);
    assert_eq!(format!("{faults:?}"), "[]");
}
