//! Webhooks as their configuration objects describe them, parsed once per state of the configurations.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::watch;

use crate::kinds::{Registry, TableId};
use crate::store::Store;

/// One webhook of a configuration.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub(super) name: String,
    pub(super) rules: Vec<Rule>,
    /// Failures to ask it are no refusal.
    pub(super) ignore_failures: bool,
    /// It is asked about requests for other versions of what it has rules for.
    pub(super) equivalent: bool,
    pub(super) namespace_selector: Value,
    pub(super) object_selector: Value,
    pub(super) timeout: Duration,
    /// Dry runs may be sent to it.
    pub(super) dry_run: bool,
    /// It wants to see what others changed after it.
    pub(super) reinvoke: bool,
    /// `v1` or `v1beta1`; none if it reads neither.
    pub(super) review_version: Option<&'static str>,
    pub(super) endpoint: Endpoint,
    /// PEM; empty where the configuration has none.
    pub(super) ca_bundle: Vec<u8>,
}

/// Where a webhook is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Url(String),
    Service { namespace: String, name: String, path: String, port: i64 },
}

/// What a webhook is asked about.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(super) operations: Vec<String>,
    pub(super) groups: Vec<String>,
    pub(super) versions: Vec<String>,
    /// `pods`, `pods/status`, `*/scale`, ...
    pub(super) resources: Vec<String>,
    pub(super) scope: String,
}

/// The webhooks in the order in which they are called: configurations by name, and as listed within.
#[derive(Debug, Default)]
pub(crate) struct Hooks {
    pub(super) mutating: Vec<Hook>,
    pub(super) validating: Vec<Hook>,
}

impl Hooks {
    fn parse(mutating: &[Value], validating: &[Value]) -> Self {
        Self { mutating: parse_all(mutating), validating: parse_all(validating) }
    }
}

fn parse_all(configurations: &[Value]) -> Vec<Hook> {
    configurations
        .iter()
        .flat_map(|configuration| configuration["webhooks"].as_array().into_iter().flatten())
        .map(parse)
        .collect()
}

pub(super) fn parse(hook: &Value) -> Hook {
    let text = |field: &str| hook[field].as_str().unwrap_or_default();
    let client = &hook["clientConfig"];
    let service = &client["service"];
    let part = |field: &str| service[field].as_str().unwrap_or_default().to_owned();
    let endpoint = match client["url"].as_str() {
        Some(url) => Endpoint::Url(url.to_owned()),
        None => Endpoint::Service {
            namespace: part("namespace"),
            name: part("name"),
            path: part("path"),
            port: service["port"].as_i64().unwrap_or(443),
        },
    };
    let seconds = hook["timeoutSeconds"].as_u64().unwrap_or(10);
    let versions = strings(&hook["admissionReviewVersions"]);
    Hook {
        name: text("name").to_owned(),
        rules: hook["rules"].as_array().into_iter().flatten().map(rule).collect(),
        ignore_failures: text("failurePolicy") == "Ignore",
        equivalent: text("matchPolicy") == "Equivalent",
        namespace_selector: hook["namespaceSelector"].clone(),
        object_selector: hook["objectSelector"].clone(),
        timeout: Duration::from_secs(seconds),
        dry_run: matches!(text("sideEffects"), "None" | "NoneOnDryRun"),
        reinvoke: text("reinvocationPolicy") == "IfNeeded",
        review_version: versions.iter().find_map(|version| match version.as_str() {
            "v1" => Some("v1"),
            "v1beta1" => Some("v1beta1"),
            _ => None,
        }),
        endpoint,
        // Validated JSON has base64 here; anything else trusts nobody.
        ca_bundle: client["caBundle"]
            .as_str()
            .and_then(|text| STANDARD.decode(text).ok())
            .unwrap_or_default(),
    }
}

fn rule(rule: &Value) -> Rule {
    Rule {
        operations: strings(&rule["operations"]),
        groups: strings(&rule["apiGroups"]),
        versions: strings(&rule["apiVersions"]),
        resources: strings(&rule["resources"]),
        scope: rule["scope"].as_str().unwrap_or("*").to_owned(),
    }
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The webhooks that are configured now. Parsed again whenever a configuration was written.
pub(crate) struct Configured {
    mutating: Source,
    validating: Source,
    parsed: Mutex<((u64, u64), Arc<Hooks>)>,
}

struct Source {
    table: TableId,
    changed: watch::Receiver<u64>,
}

impl Source {
    fn new(store: &Store, registry: &Registry, plural: &str) -> Self {
        let resource = registry
            .find("admissionregistration.k8s.io", "v1", plural)
            .expect("the table of built-in kinds has the webhook configurations");
        Self { table: resource.table, changed: store.subscribe(resource.table) }
    }

    fn revision(&self) -> u64 {
        *self.changed.borrow()
    }

    fn read(&self, store: &Store) -> Vec<Value> {
        // The current state is always there.
        let snapshot = store.snapshot(self.table, "", None, None);
        snapshot.map(|all| all.objects.iter().map(|(_, stored)| stored.value()).collect()).unwrap_or_default()
    }
}

impl Configured {
    pub(crate) fn new(store: &Store, registry: &Registry) -> Self {
        Self {
            mutating: Source::new(store, registry, "mutatingwebhookconfigurations"),
            validating: Source::new(store, registry, "validatingwebhookconfigurations"),
            parsed: Mutex::default(),
        }
    }

    /// The webhooks of this moment; none if there are no configurations at all.
    pub(crate) fn hooks(&self, store: &Store) -> Option<Arc<Hooks>> {
        let revisions = (self.mutating.revision(), self.validating.revision());
        let mut parsed = self.parsed.lock();
        if parsed.0 != revisions {
            *parsed =
                (revisions, Arc::new(Hooks::parse(&self.mutating.read(store), &self.validating.read(store))));
        }
        let hooks = &parsed.1;
        (!hooks.mutating.is_empty() || !hooks.validating.is_empty()).then(|| hooks.clone())
    }
}
