//! Namespaces that keep tests on a shared server apart.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};

/// Creates a namespace whose name begins with `prefix` and is new on this server. Returns the name.
///
/// It has no `default` ServiceAccount (nothing here makes one) and needs none: that admission plugin is off.
pub(crate) async fn create(client: Client, prefix: &str) -> Result<String> {
    // Unique in this process, and a server belongs to one process.
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("{prefix}-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let namespace = Namespace {
        metadata: ObjectMeta { name: Some(name.clone()), ..Default::default() },
        ..Default::default()
    };
    let created = Api::<Namespace>::all(client).create(&PostParams::default(), &namespace).await;
    created.with_context(|| format!("create namespace {name}"))?;
    Ok(name)
}
