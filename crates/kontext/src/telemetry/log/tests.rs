use std::sync::Arc;

use expect_test::{Expect, expect};
use kontext_core::{Controller, ObjectRef};
use parking_lot::Mutex;
use tracing_subscriber::prelude::*;

use super::*;

/// A writer that keeps what is written.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn logged(events: impl Fn()) -> (String, String) {
    let (json, text) = (Kept::default(), Kept::default());
    let (json_out, text_out) = (json.clone(), text.clone());
    let subscriber = tracing_subscriber::registry()
        .with(json_layer(move || json_out.clone()))
        .with(text_layer(move || text_out.clone()));
    tracing::subscriber::with_default(subscriber, events);
    let read = |kept: Kept| String::from_utf8(kept.0.lock().clone()).expect("UTF-8");
    (read(json), read(text))
}

/// Replaces times and random ids.
fn scrubbed(text: &str) -> String {
    let id = |text: &str| text.len() >= 16 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let time = |text: &str| text.len() == 24 && text.ends_with('Z');
    let mut out = String::new();
    for part in text.split_inclusive(['"', ' ', '=', '\n']) {
        let word = part.trim_end_matches(['"', ' ', '=', '\n']);
        match word {
            word if time(word) => out.push_str(&part.replace(word, "TIME")),
            word if id(word) => out.push_str(&part.replace(word, "ID")),
            _ => out.push_str(part),
        }
    }
    out
}

fn check(events: impl Fn(), json: Expect, text: Expect) {
    let (found_json, found_text) = logged(events);
    json.assert_eq(&scrubbed(&found_json));
    text.assert_eq(&scrubbed(&found_text));
}

fn context() -> kontext_core::Context {
    let controller = Arc::new(Controller::new("replicaset-controller", "apps", "ReplicaSet"));
    kontext_core::Context::builder(controller, ObjectRef::new("ReplicaSet", Some("shop"), "web")).build()
}

#[test]
fn a_line_within_a_span_of_an_action_says_all_of_it() {
    check(
        || {
            let context = context();
            let object = ObjectRef::new("ReplicaSet", Some("shop"), "web");
            let action = context.start(&object, "replicaset.CreatePod").because("1 of 3 replicas missing");
            let span = action.context().span();
            span.in_scope(|| tracing::info!(target: "test", pods = 3, "created"));
        },
        expect![[r#"
            {"ts":"TIME","level":"info","logger":"test","msg":"created","controller":"replicaset-controller","controllerGroup":"apps","controllerKind":"ReplicaSet","ReplicaSet":{"name":"web","namespace":"shop"},"namespace":"shop","name":"web","reconcileID":"ID","trace_id":"ID","span_id":"ID","action":"replicaset.CreatePod","reason":"1 of 3 replicas missing","pods":3}
        "#]],
        expect![[r#"
            TIME INFO  created controller=replicaset-controller ReplicaSet=shop/web reconcileID=ID trace_id=ID span_id=ID action=replicaset.CreatePod reason="1 of 3 replicas missing" pods=3
        "#]],
    );
}

#[test]
fn a_bound_context_without_span_is_enough() {
    check(
        || {
            let scope = context().scope(async { tracing::warn!(target: "test", error = "no", "slow down") });
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(scope);
        },
        expect![[r#"
            {"ts":"TIME","level":"warn","logger":"test","msg":"slow down","controller":"replicaset-controller","controllerGroup":"apps","controllerKind":"ReplicaSet","ReplicaSet":{"name":"web","namespace":"shop"},"namespace":"shop","name":"web","reconcileID":"ID","error":"no"}
        "#]],
        expect![[r#"
            TIME WARN  slow down controller=replicaset-controller ReplicaSet=shop/web reconcileID=ID error=no
        "#]],
    );
}

#[test]
fn strings_from_anybody_cannot_break_a_line() {
    let evil = "a\nb\r\u{1b}[31m\u{9b}31m\u{202e}\u{2028}\u{7f}\t\"x\" \\";
    let (json, text) = logged(|| {
        let span = tracing::info_span!("s", evil, name = evil);
        span.in_scope(|| tracing::error!(target: "test", ts = evil, cause = ?evil, "{evil}"));
    });
    for line in [&json, &text] {
        assert_eq!(line.matches('\n').count(), 1, "{line:?}");
        let line = line.trim_end_matches('\n');
        assert_eq!(kontext_core::text::harmless(line), line, "{line:?}");
    }
    let parsed: serde_json::Value = serde_json::from_str(&json).expect("one JSON object");
    assert_eq!((parsed["msg"].as_str(), parsed["field.ts"].as_str()), (Some(evil), Some(evil)));
}

#[test]
fn an_error_is_written_with_its_sources() {
    let error = kontext_core::StampError::from(serde_json::from_str::<u8>("x").expect_err("no number"));
    let (json, _) = logged(|| {
        tracing::error!(error = &error as &(dyn std::error::Error + 'static), "refused");
    });
    assert!(json.contains("expected value at line 1"), "{json}");
}
