//! API servers for tests: the in-memory one, and the real control plane.
//!
//! ```text
//! on_both_servers! { async fn a_scenario(server: Server) { .. } }
//!        |                                   |
//!        |        a_scenario::in_memory -----+---- a_scenario::real
//!        |                                                |
//!        |            RealServer: etcd + kube-apiserver on free loopback ports, certificates of its own
//!        |                |
//!        |            Process: a child that cannot outlive the test process, and its folder
//!        v
//!      Assets: where the binaries are (KUBEBUILDER_ASSETS, or the cache that `cargo xtask control-plane` fills)
//! ```
//!
//! What a test usually needs is [`on_both_servers!`] and the methods of [`Server`]. A test that can only be run on
//! the real control plane starts with [`require_real_server!`].
//!
//! # Environment
//!
//! | variable | meaning |
//! |---|---|
//! | `KUBEBUILDER_ASSETS` | folder with `etcd` and `kube-apiserver`; used in place of the cache |
//! | `KONTEXT_CACHE` | where the cache is; else `$XDG_CACHE_HOME/kontext`, else `~/.cache/kontext` |
//! | `KONTEXT_REQUIRE_CONTROL_PLANE` | `1`: tests fail where the binaries are missing; `0`: they are not used; unset: used if there |
//! | `KONTEXT_TESTBED_KEEP` | not empty: the folders of the processes (logs, audit log, certificates) stay |

pub mod assets;
pub mod audit;
mod both;
pub mod differential;
mod in_memory;
pub mod kinds;
mod kubectl;
mod namespace;
mod pki;
mod port;
pub mod process;
pub mod real;
mod server;
pub mod upstream_manager;

pub use assets::Assets;
pub use in_memory::InMemoryServer;
pub use kubectl::Kubectl;
pub use process::{Process, Usage};
pub use real::{RealServer, RealServerBuilder};
pub use server::Server;
pub use upstream_manager::UpstreamManager;

/// What the macros expand to; not for direct use.
#[doc(hidden)]
pub mod macro_support {
    pub use crate::both::{own_real_server_or_skip, real_server_or_skip, skipped};
}
