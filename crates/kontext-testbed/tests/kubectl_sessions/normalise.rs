//! What differs between two runs on the same server is replaced; everything else is compared.

use std::sync::LazyLock;

use regex::Regex;

/// Patterns and what they become, in this order.
static REPLACED: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let rows: &[(&str, &str)] = &[
        (r"https://127\.0\.0\.1:\d+", "https://SERVER"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
        (r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", "TIME"),
        (r#"(resourceVersion"?: ?)"\d+""#, r#"$1"VERSION""#),
        (r"(resourceVersion[=:] ?)\d+", "${1}VERSION"),
        (r"(Resource Version: +)\d+", "${1}VERSION"),
        // Where kubectl diff keeps what it compares.
        (r"/tmp/(LIVE|MERGED)-\d+", "/tmp/$1"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0000", "TIME"),
        (r"(too old resource version: )\d+ \(\d+\)", "$1 VERSION"),
        (r"\b10\.(96|0)\.\d+\.\d+\b", "CLUSTER-IP"),
        (r"\b(nodePort: |[0-9]+:)3[0-2]\d{3}\b", "${1}NODE-PORT"),
        // Ages, in tables and descriptions: nothing else in a session is so short a time in seconds.
        (r"\b\d+s ago\b", "AGE ago"),
        (r"(^|\s)\d{1,2}s(\s|$)", "${1}AGE$2"),
        (r"<invalid>", "AGE"),
        (r"\b(generated-)[bcdfghjklmnpqrstvwxz2456789]{5}\b", "${1}RANDOM"),
    ];
    rows.iter().map(|(pattern, with)| (Regex::new(pattern).expect("a pattern"), *with)).collect()
});

/// The width of a column follows its content, ages and random names among it.
static GAP: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(\S) {2,}").expect("a pattern"));

/// One line of what a command said.
pub(crate) fn normalise(line: &str) -> String {
    let mut line = line.to_owned();
    for (pattern, with) in REPLACED.iter() {
        line = pattern.replace_all(&line, *with).into_owned();
    }
    GAP.replace_all(line.trim_end(), "$1  ").into_owned()
}

#[test]
fn what_changes_from_run_to_run_is_replaced_and_nothing_else() {
    assert_eq!(normalise("settings   1      12s"), "settings  1  AGE");
    assert_eq!(normalise("  creationTimestamp: \"2026-01-02T03:04:05Z\""), "  creationTimestamp: \"TIME\"");
    assert_eq!(normalise("    resourceVersion: \"1234\""), "    resourceVersion: \"VERSION\"");
    assert_eq!(normalise("web   10.96.3.7   <none>   80/TCP   5s"), "web  CLUSTER-IP  <none>  80/TCP  AGE");
    assert_eq!(normalise("configmap/generated-x7k2b created"), "configmap/generated-RANDOM created");
    assert_eq!(normalise("terminationGracePeriodSeconds: 30"), "terminationGracePeriodSeconds: 30");
}
