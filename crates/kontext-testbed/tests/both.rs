//! A scenario runs on every kind of server.

use anyhow::Result;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kontext_testbed::{Server, on_both_servers};
use kube::Api;
use kube::api::{ListParams, ObjectMeta, PostParams};

on_both_servers! {
    async fn an_object_is_read_back_as_it_was_written(server: Server) -> Result<()> {
        let namespace = server.namespace("read-back").await?;
        let api: Api<ConfigMap> = Api::namespaced(server.client("alice").await?, &namespace);
        let metadata = ObjectMeta { name: Some("x".into()), ..Default::default() };
        let written = ConfigMap { metadata, data: Some([("k".into(), "v".into())].into()), ..Default::default() };
        let created = api.create(&PostParams::default(), &written).await?;
        let read = api.get("x").await?;
        assert_eq!(read.data, written.data);
        assert_eq!(read, created);
        Ok(())
    }

    async fn a_namespace_begins_with_the_prefix(server: Server) -> Result<()> {
        assert!(server.namespace("orders").await?.starts_with("orders-"));
        Ok(())
    }
}

on_both_servers! {
    each with its own server:

    async fn a_server_of_ones_own_begins_with_nobody_elses_namespaces(server: Server) -> Result<()> {
        let mine = server.namespace("mine").await?;
        let all = Api::<Namespace>::all(server.client("alice").await?).list(&ListParams::default()).await?;
        let names: Vec<_> = all.into_iter().filter_map(|namespace| namespace.metadata.name).collect();
        let system = ["default", "kube-node-lease", "kube-public", "kube-system"];
        assert!(names.iter().all(|name| *name == mine || system.contains(&name.as_str())), "{names:?}");
        Ok(())
    }
}
