//! The example of the crate's documentation: a small operator on kube's `Controller`, and its tests.
//!
//! A Site is a custom resource. The operator publishes its page as a ConfigMap by server-side apply, says so in the
//! Site's status, and announces it in a directory outside of the cluster, which a finalizer cleans up. All tests run
//! under a paused clock: waiting for a minute costs nothing, and each run is the same.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

/// The custom resource. `#[derive(CustomResource)]`, behind kube's feature `derive`, writes most of this.
mod site {
    use std::borrow::Cow;

    use k8s_openapi::NamespaceResourceScope;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use kube::Resource;
    use serde::{Deserialize, Serialize};

    pub(crate) const DEFINITION: &str = "
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: sites.example.dev}
        spec:
          group: example.dev
          scope: Namespaced
          names: {kind: Site, plural: sites, singular: site}
          versions:
          - name: v1
            served: true
            storage: true
            subresources: {status: {}}
            schema:
              openAPIV3Schema:
                type: object
                properties:
                  spec:
                    type: object
                    required: [title]
                    properties: {title: {type: string, maxLength: 40}}
                  status:
                    type: object
                    properties: {published: {type: string}}
    ";

    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub(crate) struct Site {
        metadata: ObjectMeta,
        pub(crate) spec: Spec,
        pub(crate) status: Option<Status>,
    }

    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub(crate) struct Spec {
        pub(crate) title: String,
    }

    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub(crate) struct Status {
        /// The title of the page that was published.
        pub(crate) published: Option<String>,
    }

    impl Resource for Site {
        type DynamicType = ();
        type Scope = NamespaceResourceScope;

        fn kind(_: &()) -> Cow<'_, str> {
            "Site".into()
        }

        fn group(_: &()) -> Cow<'_, str> {
            "example.dev".into()
        }

        fn version(_: &()) -> Cow<'_, str> {
            "v1".into()
        }

        fn plural(_: &()) -> Cow<'_, str> {
            "sites".into()
        }

        fn meta(&self) -> &ObjectMeta {
            &self.metadata
        }

        fn meta_mut(&mut self) -> &mut ObjectMeta {
            &mut self.metadata
        }
    }
}

mod operator {
    use std::collections::BTreeSet;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use futures::StreamExt;
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::api::{Patch, PatchParams};
    use kube::runtime::controller::Action;
    use kube::runtime::finalizer::{Error, Event, finalizer};
    use kube::runtime::{Controller, watcher};
    use kube::{Api, Client, Resource, ResourceExt};
    use serde_json::json;

    use super::site::Site;

    const FINALIZER: &str = "example.dev/announced";
    const MANAGER: &str = "site-operator";

    /// What is outside of the cluster.
    pub(crate) type Directory = Arc<Mutex<BTreeSet<String>>>;

    struct Context {
        client: Client,
        directory: Directory,
    }

    /// Runs until the process ends.
    pub(crate) async fn run(client: Client, directory: Directory) {
        let context = Arc::new(Context { client: client.clone(), directory });
        Controller::new(Api::<Site>::all(client.clone()), watcher::Config::default())
            .owns(Api::<ConfigMap>::all(client), watcher::Config::default())
            .run(reconcile, |_, _, _| Action::requeue(Duration::from_secs(5)), context)
            // A real one logs here.
            .for_each(|_| std::future::ready(()))
            .await;
    }

    async fn reconcile(site: Arc<Site>, context: Arc<Context>) -> Result<Action, Error<kube::Error>> {
        let sites: Api<Site> = Api::namespaced(context.client.clone(), &site.namespace().unwrap_or_default());
        finalizer(&sites, FINALIZER, site, async |event| {
            match event {
                Event::Apply(site) => {
                    context.directory.lock().unwrap().insert(site.name_any());
                    publish(&context.client, &site).await?;
                }
                Event::Cleanup(site) => {
                    context.directory.lock().unwrap().remove(&site.name_any());
                }
            }
            Ok(Action::await_change())
        })
        .await
    }

    /// Makes the page as it is to be, and says so.
    async fn publish(client: &Client, site: &Site) -> Result<(), kube::Error> {
        let (namespace, name) = (site.namespace().unwrap_or_default(), site.name_any());
        let title = &site.spec.title;
        let page = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": format!("{name}-page"), "ownerReferences": [site.controller_owner_ref(&())]},
            "data": {"html": format!("<h1>{title}</h1>")},
        });
        let params = PatchParams::apply(MANAGER).force();
        let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &namespace);
        maps.patch(&format!("{name}-page"), &params, &Patch::Apply(page)).await?;
        let status = json!({"apiVersion": "example.dev/v1", "kind": "Site", "status": {"published": title}});
        let sites: Api<Site> = Api::namespaced(client.clone(), &namespace);
        sites.patch_status(&name, &params, &Patch::Apply(status)).await.map(drop)
    }
}

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kontext_apiserver::{ApiServer, NotYet, Requests, Rule};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;
use site::Site;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A server with one Site, and the operator at work.
struct Scene {
    server: ApiServer,
    sites: Api<Site>,
    maps: Api<ConfigMap>,
    directory: operator::Directory,
}

impl Scene {
    async fn set() -> Scene {
        let server = ApiServer::builder().repeatable(1).collect_garbage(true).start().await;
        server.load_yaml(site::DEFINITION).await.unwrap();
        server
            .load_yaml(
                "{apiVersion: example.dev/v1, kind: Site, metadata: {name: shop}, spec: {title: Open}}",
            )
            .await
            .unwrap();
        let alice = server.client_for("alice");
        let (sites, maps) = (Api::default_namespaced(alice.clone()), Api::default_namespaced(alice));
        Scene { server, sites, maps, directory: operator::Directory::default() }
    }

    fn start_operator(&self) {
        // It ends with the test.
        tokio::spawn(operator::run(self.server.client_for("operator"), self.directory.clone()));
    }

    async fn html(&self) -> Option<String> {
        self.maps.get_opt("shop-page").await.ok()??.data?.remove("html")
    }

    /// Waits for the page to say this.
    async fn shows(&self, html: &str) -> Result<(), NotYet> {
        let shown = async || self.html().await.filter(|shown| shown == html);
        self.server.eventually(MINUTE, shown).await.map(drop)
    }

    async fn title(&self, title: &str) {
        let patch = Patch::Merge(json!({"spec": {"title": title}}));
        self.sites.patch("shop", &PatchParams::default(), &patch).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_site_gets_its_page_and_the_operator_comes_to_rest() {
    let scene = Scene::set().await;
    scene.start_operator();
    scene.shows("<h1>Open</h1>").await.unwrap();
    scene.server.settled(10 * MINUTE, HOUR).await.unwrap();
    let published = scene.sites.get("shop").await.unwrap().status.and_then(|status| status.published);
    assert_eq!(published.as_deref(), Some("Open"));
    // A loop that writes more than it must is seen here.
    expect_test::expect![[r#"
        operator patch sites.example.dev default/shop -> 200 changed
        operator patch configmaps default/shop-page -> 201 changed
        operator patch sites.example.dev/status default/shop -> 200 changed"#]]
    .assert_eq(&scene.server.requests().by("operator").changed().to_string());
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_changes_is_put_back() {
    let scene = Scene::set().await;
    scene.start_operator();
    scene.shows("<h1>Open</h1>").await.unwrap();
    let drift = Patch::Merge(json!({"data": {"html": "<blink>"}}));
    scene.maps.patch("shop-page", &PatchParams::default(), &drift).await.unwrap();
    scene.shows("<h1>Open</h1>").await.unwrap();
    scene.maps.delete("shop-page", &DeleteParams::default()).await.unwrap();
    scene.shows("<h1>Open</h1>").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn conflicts_and_lost_answers_are_survived() {
    let scene = Scene::set().await;
    let faults = scene.server.faults();
    let lost = faults.add(Rule::commit_then_reset().user("operator").verb("patch").resource("configmaps"));
    let conflict = faults.add(Rule::conflict().user("operator").resource("sites/status"));
    let late =
        faults.add(Rule::delay_events(Duration::from_secs(3)).user("operator").resource("sites").always());
    scene.start_operator();
    scene.shows("<h1>Open</h1>").await.unwrap();
    scene.title("Closed").await;
    scene.shows("<h1>Closed</h1>").await.unwrap();
    scene.server.settled(10 * MINUTE, HOUR).await.unwrap();
    assert_eq!((lost.strikes(), conflict.strikes(), late.strikes() > 0), (1, 1, true));
    let published = scene.sites.get("shop").await.unwrap().status.and_then(|status| status.published);
    assert_eq!(published.as_deref(), Some("Closed"));
}

#[tokio::test(start_paused = true)]
async fn broken_and_expired_watches_are_taken_up_again() {
    let scene = Scene::set().await;
    let faults = scene.server.faults();
    let reset = faults.add(Rule::reset_watch_after(1).user("operator").times(4));
    let refused = faults.add(Rule::unavailable().user("operator").verb("list").times(2));
    let stale = faults.add(Rule::stale_read(2).user("operator").verb("list"));
    scene.start_operator();
    scene.shows("<h1>Open</h1>").await.unwrap();
    scene.server.compact();
    scene.server.drop_all_watches();
    scene.title("Closed").await;
    scene.shows("<h1>Closed</h1>").await.unwrap();
    assert_eq!((reset.strikes() > 0, refused.strikes(), stale.strikes()), (true, 2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_site_takes_its_page_and_its_announcement_along() {
    let scene = Scene::set().await;
    scene.start_operator();
    scene.shows("<h1>Open</h1>").await.unwrap();
    scene.server.settled(MINUTE, HOUR).await.unwrap();
    assert!(scene.directory.lock().unwrap().contains("shop"));
    // The first attempt to take the finalizer away fails.
    let refused =
        scene.server.faults().add(Rule::internal_error().user("operator").verb("patch").name("shop"));
    scene.sites.delete("shop", &DeleteParams::default()).await.unwrap();
    let gone = async || scene.sites.get_opt("shop").await.ok()?.is_none().then_some(());
    scene.server.eventually(MINUTE, gone).await.unwrap();
    assert!(scene.directory.lock().unwrap().is_empty());
    assert_eq!(refused.strikes(), 1);
    // The garbage collector follows.
    scene.server.eventually(MINUTE, async || scene.html().await.is_none().then_some(())).await.unwrap();
}

/// Twenty changes while many a request fails in one way or another.
async fn twenty_changes_under_faults() -> Requests {
    let scene = Scene::set().await;
    for rule in [Rule::conflict(), Rule::too_many_requests(1), Rule::commit_then_reset(), Rule::timeout()] {
        // Not the watches: how long kube's watcher waits after a failure is random, and no seed can be given to it.
        scene.server.faults().add(rule.user("operator").verbs(["get", "patch"]).probability(0.1));
    }
    scene.start_operator();
    for number in 0..20 {
        scene.title(&format!("Number {number}")).await;
        scene.shows(&format!("<h1>Number {number}</h1>")).await.unwrap();
    }
    scene.server.requests()
}

#[test]
fn random_faults_are_survived_and_the_same_seed_gives_the_same_run() {
    let run = || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(twenty_changes_under_faults())
    };
    let (first, second) = (run(), run());
    assert!(!first.clone().struck().is_empty());
    let times =
        |requests: &Requests| requests.iter().map(|r| format!("{} {r}\n", r.time)).collect::<String>();
    assert_eq!(times(&first), times(&second));
}
