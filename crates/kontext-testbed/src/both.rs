//! One scenario, two tests: on the in-memory server and on the real one.

use std::io::Write;
use std::sync::Arc;

use anyhow::Result;

use crate::{Assets, RealServer};

/// Defines scenarios that run on every kind of server, each as a module with one test for each kind.
///
/// ```
/// use kontext_testbed::{Server, on_both_servers};
///
/// on_both_servers! {
///     /// What the scenario shows.
///     async fn a_new_namespace_has_the_name_asked_for(server: Server) -> anyhow::Result<()> {
///         let name = server.namespace("orders").await?;
///         assert!(name.starts_with("orders-"));
///         Ok(())
///     }
/// }
/// # fn main() {}
/// ```
///
/// `a_new_…::real` fails with `KONTEXT_REQUIRE_CONTROL_PLANE=1` where the binaries are missing; else it says that it is
/// skipped. All tests of the process share one real server: keep to namespaces of your own. A scenario that cannot (it
/// runs a controller that watches all namespaces) has a server of its own, which costs three seconds each:
///
/// ```
/// # use kontext_testbed::{Server, on_both_servers};
/// on_both_servers! {
///     each with its own server:
///     async fn nobody_else_is_here(server: Server) -> anyhow::Result<()> {
///         # let _ = server;
///         Ok(())
///     }
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! on_both_servers {
    (each with its own server: $($scenarios:tt)+) => {
        $crate::on_both_servers! { @real own_real_server_or_skip, $($scenarios)+ }
    };
    (@real $real:ident, $(
        $(#[$attribute:meta])*
        async fn $name:ident($server:ident: $type:ty) -> $result:ty $body:block
    )+) => {$(
        mod $name {
            #[allow(unused_imports, reason = "a scenario need not use anything from around it")]
            use super::*;

            $(#[$attribute])*
            async fn scenario($server: $type) -> $result $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn in_memory() -> $result {
                scenario($crate::Server::InMemory($crate::InMemoryServer::start().await?)).await
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn real() -> $result {
                let test = concat!(module_path!(), "::real");
                let Some(server) = $crate::macro_support::$real(test).await else {
                    return $crate::macro_support::skipped();
                };
                scenario($crate::Server::Real(server)).await
            }
        }
    )+};
    ($($scenarios:tt)+) => {
        $crate::on_both_servers! { @real real_server_or_skip, $($scenarios)+ }
    };
}

/// The shared real server; ends the test, with a line that says so, where there is none and none is required.
///
/// For tests of what only the real control plane has. The test returns `anyhow::Result<()>`.
#[macro_export]
macro_rules! require_real_server {
    () => {
        match $crate::macro_support::real_server_or_skip(concat!(module_path!(), ", line ", line!())).await {
            Some(server) => server,
            None => return $crate::macro_support::skipped(),
        }
    };
}

/// The shared real server, or `None` where tests do without.
///
/// # Panics
///
/// Where it is required and missing, or there and does not start: a test never passes on a broken server.
pub async fn real_server_or_skip(test: &str) -> Option<Arc<RealServer>> {
    assets_or_skip(test)?;
    Some(started(test, RealServer::shared().await))
}

/// A real server for this test alone, or `None` where tests do without.
///
/// # Panics
///
/// As [`real_server_or_skip`].
pub async fn own_real_server_or_skip(test: &str) -> Option<Arc<RealServer>> {
    let assets = assets_or_skip(test)?;
    Some(started(test, RealServer::builder().assets(assets).audit().start().await.map(Arc::new)))
}

fn assets_or_skip(test: &str) -> Option<Assets> {
    let wish = std::env::var("KONTEXT_REQUIRE_CONTROL_PLANE").unwrap_or_default();
    let why = match (wish.as_str(), Assets::locate().expect("the binaries of the control plane")) {
        ("0", _) => "switched off by KONTEXT_REQUIRE_CONTROL_PLANE=0",
        (_, Some(assets)) => return Some(assets),
        ("1", None) => panic!("{test}: no control plane, and KONTEXT_REQUIRE_CONTROL_PLANE=1: {BUILD}"),
        (_, None) => BUILD,
    };
    // Past libtest's capture, which would hide the line of a test that passes.
    let _ = writeln!(std::io::stderr(), "{test}: skipped: no control plane ({why})");
    None
}

const BUILD: &str = "cargo xtask control-plane builds it";

fn started(test: &str, server: Result<Arc<RealServer>>) -> Arc<RealServer> {
    server.unwrap_or_else(|error| panic!("{test}: the real control plane does not start: {error:#}"))
}

/// The result of a test that was skipped.
pub fn skipped<T: Default, E>() -> std::result::Result<T, E> {
    Ok(T::default())
}
