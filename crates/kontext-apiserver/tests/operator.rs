//! The example of the crate's documentation: a small operator on kube's `Controller`, and its tests.
//!
//! Each ConfigMap with the label `example.dev/kind: site` is a site. The operator publishes its page as a ConfigMap of
//! its own, `<name>-page`, and announces it in a directory outside of the cluster, which a finalizer cleans up. All
//! tests run under a paused clock: waiting for a minute costs nothing, and each run is the same.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod operator {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use futures::StreamExt;
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::api::PostParams;
    use kube::runtime::controller::Action;
    use kube::runtime::finalizer::{Error, Event, finalizer};
    use kube::runtime::{Controller, watcher};
    use kube::{Api, Client, Resource, ResourceExt};

    pub(crate) const LABEL: &str = "example.dev/kind=site";
    const FINALIZER: &str = "example.dev/announced";

    /// What is outside of the cluster.
    pub(crate) type Directory = Arc<Mutex<BTreeSet<String>>>;

    struct Context {
        client: Client,
        directory: Directory,
    }

    /// Runs until the process ends.
    pub(crate) async fn run(client: Client, directory: Directory) {
        let maps: Api<ConfigMap> = Api::all(client.clone());
        Controller::new(maps.clone(), watcher::Config::default().labels(LABEL))
            .owns(maps, watcher::Config::default())
            .run(
                reconcile,
                |_, _, _| Action::requeue(Duration::from_secs(5)),
                Arc::new(Context { client, directory }),
            )
            // A real one logs here.
            .for_each(|_| std::future::ready(()))
            .await;
    }

    async fn reconcile(site: Arc<ConfigMap>, context: Arc<Context>) -> Result<Action, Error<kube::Error>> {
        let maps: Api<ConfigMap> =
            Api::namespaced(context.client.clone(), &site.namespace().unwrap_or_default());
        finalizer(&maps, FINALIZER, site, async |event| match event {
            Event::Apply(site) => {
                context.directory.lock().unwrap().insert(site.name_any());
                publish(&maps, &site).await?;
                Ok(Action::await_change())
            }
            Event::Cleanup(site) => {
                context.directory.lock().unwrap().remove(&site.name_any());
                Ok(Action::await_change())
            }
        })
        .await
    }

    /// Makes the page as it is to be.
    async fn publish(maps: &Api<ConfigMap>, site: &ConfigMap) -> Result<(), kube::Error> {
        let title = site.data.as_ref().and_then(|data| data.get("title")).map_or("Nothing", String::as_str);
        let name = format!("{}-page", site.name_any());
        let data = BTreeMap::from([("html".to_owned(), format!("<h1>{title}</h1>"))]);
        match maps.get_opt(&name).await? {
            Some(page) if page.data.as_ref() == Some(&data) => {}
            Some(mut page) => {
                page.data = Some(data);
                // Fails with a conflict if somebody else wrote meanwhile.
                maps.replace(&name, &PostParams::default(), &page).await?;
            }
            None => {
                let mut page = ConfigMap { data: Some(data), ..ConfigMap::default() };
                page.metadata.name = Some(name);
                page.metadata.owner_references = Some(site.controller_owner_ref(&()).into_iter().collect());
                maps.create(&PostParams::default(), &page).await?;
            }
        }
        Ok(())
    }
}

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kontext_apiserver::{ApiServer, NotYet, Requests, Rule};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A server with one site, and the operator at work.
struct Scene {
    server: ApiServer,
    maps: Api<ConfigMap>,
    directory: operator::Directory,
}

impl Scene {
    async fn set() -> Scene {
        let server = ApiServer::builder().repeatable(1).collect_garbage(true).start().await;
        let site = "
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: shop, labels: {example.dev/kind: site}}
            data: {title: Open}
        ";
        server.load_yaml(site).await.unwrap();
        let maps = Api::default_namespaced(server.client_for("alice"));
        Scene { server, maps, directory: operator::Directory::default() }
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
        let patch = Patch::Merge(json!({"data": {"title": title}}));
        self.maps.patch("shop", &PatchParams::default(), &patch).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_site_gets_its_page_and_the_operator_comes_to_rest() {
    let scene = Scene::set().await;
    scene.start_operator();
    scene.shows("<h1>Open</h1>").await.unwrap();
    scene.server.settled(10 * MINUTE, HOUR).await.unwrap();
    expect_test::expect![[r#"
        operator patch configmaps default/shop -> 200 changed
        operator create configmaps default/shop-page -> 201 changed"#]]
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
async fn conflicts_lost_answers_and_stale_reads_are_survived() {
    let scene = Scene::set().await;
    let faults = scene.server.faults();
    let mine = |rule: Rule| rule.user("operator").resource("configmaps");
    let lost = faults.add(mine(Rule::commit_then_reset()).verb("create"));
    let conflict = faults.add(mine(Rule::conflict()).verb("update"));
    let stale = faults.add(mine(Rule::stale_read(1)).verb("get").after(2).times(2));
    scene.start_operator();
    scene.shows("<h1>Open</h1>").await.unwrap();
    scene.title("Closed").await;
    scene.shows("<h1>Closed</h1>").await.unwrap();
    scene.server.settled(10 * MINUTE, HOUR).await.unwrap();
    assert_eq!((lost.strikes(), conflict.strikes(), stale.strikes()), (1, 1, 2));
    assert_eq!(scene.server.requests().by("operator").verb("create").changed().len(), 1, "made once");
}

#[tokio::test(start_paused = true)]
async fn broken_and_expired_watches_are_taken_up_again() {
    let scene = Scene::set().await;
    let faults = scene.server.faults();
    let reset = faults.add(Rule::reset_watch_after(1).user("operator").times(4));
    let refused = faults.add(Rule::unavailable().user("operator").verb("list").times(2));
    scene.start_operator();
    scene.shows("<h1>Open</h1>").await.unwrap();
    scene.server.compact();
    scene.server.drop_all_watches();
    scene.title("Closed").await;
    scene.shows("<h1>Closed</h1>").await.unwrap();
    assert!(reset.strikes() > 0 && refused.strikes() == 2);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_site_takes_its_page_and_its_announcement_along() {
    let scene = Scene::set().await;
    scene.start_operator();
    scene.shows("<h1>Open</h1>").await.unwrap();
    assert!(scene.directory.lock().unwrap().contains("shop"));
    // The first attempt to take the finalizer away fails.
    let refused =
        scene.server.faults().add(Rule::internal_error().user("operator").verb("patch").name("shop"));
    scene.maps.delete("shop", &DeleteParams::default()).await.unwrap();
    let gone = async |name: &str| scene.maps.get_opt(name).await.ok()?.is_none().then_some(());
    scene.server.eventually(MINUTE, async || gone("shop").await).await.unwrap();
    assert!(scene.directory.lock().unwrap().is_empty());
    assert_eq!(refused.strikes(), 1);
    // The garbage collector follows.
    scene.server.eventually(MINUTE, async || gone("shop-page").await).await.unwrap();
}

/// Twenty changes while many a request fails in one way or another.
async fn twenty_changes_under_faults() -> Requests {
    let scene = Scene::set().await;
    for rule in [Rule::conflict(), Rule::too_many_requests(1), Rule::commit_then_reset(), Rule::timeout()] {
        // Not the watches: how long kube's watcher waits after a failure is random, and no seed can be given to it.
        let rule = rule.user("operator").verbs(["get", "create", "update", "patch"]);
        scene.server.faults().add(rule.probability(0.1));
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
