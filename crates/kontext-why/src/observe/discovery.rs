//! Which resource somebody means: the names that the server gives its resources.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;

use crate::query::KindName;

/// A resource of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// `apps`; empty for the core group.
    pub group: String,
    /// `v1`.
    pub version: String,
    /// `Deployment`.
    pub kind: String,
    /// `deployments`.
    pub plural: String,
    /// `deployment`.
    pub singular: String,
    /// `deploy`.
    pub short_names: Vec<String>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

impl Resource {
    /// `apps/v1`, `v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `deployments.apps`, `pods`.
    pub fn full_name(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    fn goes_by(&self, kind: &KindName) -> bool {
        let same = |name: &str| name.eq_ignore_ascii_case(&kind.word);
        let named = same(&self.kind)
            || same(&self.plural)
            || same(&self.singular)
            || self.short_names.iter().any(|name| same(name));
        // `deploy.apps`, and like kubectl `ingress.networking` for networking.k8s.io.
        let in_group = kind.group.as_deref().is_none_or(|group| {
            self.group == group || (!group.is_empty() && self.group.starts_with(&format!("{group}.")))
        });
        named && in_group && kind.version.as_deref().is_none_or(|version| self.version == version)
    }

    /// Whether Kubernetes itself serves it; its own names win over those of custom resources, as in kubectl.
    fn is_built_in(&self) -> bool {
        matches!(self.group.as_str(), "" | "apps" | "batch" | "autoscaling" | "policy")
            || (self.group.ends_with(".k8s.io") && self.group.split('.').count() == 3)
    }
}

/// The readable resources of one API version, without subresources.
pub(super) fn resources(list: &APIResourceList) -> Vec<Resource> {
    let (group, version) = list.group_version.rsplit_once('/').unwrap_or(("", &list.group_version));
    let readable = list
        .resources
        .iter()
        .filter(|resource| !resource.name.contains('/') && resource.verbs.iter().any(|verb| verb == "get"));
    readable
        .map(|resource| Resource {
            group: resource.group.as_deref().filter(|group| !group.is_empty()).unwrap_or(group).into(),
            version: resource.version.as_deref().filter(|v| !v.is_empty()).unwrap_or(version).into(),
            kind: resource.kind.clone(),
            plural: resource.name.clone(),
            singular: resource.singular_name.clone(),
            short_names: resource.short_names.clone().unwrap_or_default(),
            namespaced: resource.namespaced,
        })
        .collect()
}

/// What a name may mean.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice<'a> {
    One(&'a Resource),
    /// As `plural.group`, at least two.
    Several(Vec<String>),
    None,
}

/// The resource that `kind` means; `resources` are in the order of the server's groups.
pub(super) fn choose<'a>(resources: &'a [Resource], kind: &KindName) -> Choice<'a> {
    let mut found: Vec<&Resource> = resources.iter().filter(|resource| resource.goes_by(kind)).collect();
    // A full name wins over a short name of something else.
    if found.iter().any(|resource| !resource.short_names.iter().any(|n| n.eq_ignore_ascii_case(&kind.word))) {
        found.retain(|resource| !resource.short_names.iter().any(|n| n.eq_ignore_ascii_case(&kind.word)));
    }
    if let Some(exact) = kind.group.as_deref().and_then(|group| found.iter().find(|r| r.group == group)) {
        return Choice::One(exact);
    }
    if let Some(own) = found.iter().find(|resource| resource.is_built_in()) {
        return Choice::One(own);
    }
    found.dedup_by(|a, b| a.full_name() == b.full_name());
    match found.as_slice() {
        [] => Choice::None,
        [one] => Choice::One(one),
        several => Choice::Several(several.iter().map(|resource| resource.full_name()).collect()),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn resource(group: &str, kind: &str, plural: &str, short: &[&str]) -> Resource {
        Resource {
            group: group.into(),
            version: "v1".into(),
            kind: kind.into(),
            plural: plural.into(),
            singular: kind.to_ascii_lowercase(),
            short_names: short.iter().map(|&name| name.into()).collect(),
            namespaced: true,
        }
    }

    fn check(word: &str, expected: Expect) {
        let all = [
            resource("", "Pod", "pods", &["po"]),
            resource("", "Service", "services", &["svc"]),
            resource("apps", "Deployment", "deployments", &["deploy"]),
            resource("networking.k8s.io", "Ingress", "ingresses", &["ing"]),
            resource("serving.knative.dev", "Service", "services", &["kservice", "ksvc"]),
            resource("a.example", "Topic", "topics", &["tp"]),
            resource("b.example", "Topic", "topics", &["po"]),
        ];
        let kind = KindName::parse(word).expect("a kind");
        expected.assert_eq(&match choose(&all, &kind) {
            Choice::One(resource) => resource.full_name(),
            Choice::Several(names) => format!("one of {}", names.join(", ")),
            Choice::None => "none".into(),
        });
    }

    #[test]
    fn a_resource_goes_by_kind_plural_singular_and_short_name_with_and_without_group() {
        for word in
            ["deploy", "deployment", "deployments", "Deployment", "deploy.apps", "deployments.v1.apps"]
        {
            check(word, expect!["deployments.apps"]);
        }
        check("ingress.networking", expect!["ingresses.networking.k8s.io"]);
        check("deploy.extensions", expect!["none"]);
        check("deployments.v2.apps", expect!["none"]);
    }

    #[test]
    fn kubernetes_own_names_win_over_custom_ones() {
        check("service", expect!["services"]);
        check("po", expect!["pods"]);
        check("services.serving.knative.dev", expect!["services.serving.knative.dev"]);
    }

    #[test]
    fn a_name_of_several_custom_resources_is_not_guessed() {
        check("topic", expect!["one of topics.a.example, topics.b.example"]);
        check("topic.b.example", expect!["topics.b.example"]);
        check("tp", expect!["topics.a.example"]);
    }
}
