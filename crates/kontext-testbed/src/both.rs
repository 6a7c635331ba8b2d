//! One scenario, two tests: on the in-memory server and on the real one.

use std::io::Write;

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
/// skipped. The real server is shared by all tests of the process: keep to namespaces of your own.
#[macro_export]
macro_rules! on_both_servers {
    ($(
        $(#[$attribute:meta])*
        async fn $name:ident($server:ident: $type:ty) -> $result:ty $body:block
    )+) => {$(
        mod $name {
            #[allow(unused_imports, reason = "a scenario need not use anything from around it")]
            use super::*;

            $(#[$attribute])*
            async fn scenario($server: $type) -> $result $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn real() -> $result {
                let Some(server) = $crate::macro_support::real_server_or_skip(concat!(module_path!(), "::real")).await else {
                    return $crate::macro_support::skipped();
                };
                scenario($crate::Server::Real(server)).await
            }
        }
    )+};
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
pub async fn real_server_or_skip(test: &str) -> Option<&'static RealServer> {
    let wish = std::env::var("KONTEXT_REQUIRE_CONTROL_PLANE").unwrap_or_default();
    let found = if wish == "0" { None } else { Assets::locate().expect("the binaries of the control plane") };
    if found.is_none() {
        assert!(wish != "1", "{test}: no control plane, and KONTEXT_REQUIRE_CONTROL_PLANE=1: {}", hint());
        // Past libtest's capture, which would hide the line of a test that passes.
        let _ = writeln!(std::io::stderr(), "{test}: skipped: no control plane ({})", hint());
        return None;
    }
    match RealServer::shared().await {
        Ok(server) => Some(server),
        Err(error) => panic!("{test}: the real control plane does not start: {error:#}"),
    }
}

/// The result of a test that was skipped.
pub fn skipped<T: Default, E>() -> Result<T, E> {
    Ok(T::default())
}

fn hint() -> &'static str {
    "cargo xtask control-plane builds it"
}
