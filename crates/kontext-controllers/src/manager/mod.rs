//! The manager: informers, loops and their clients, wired together and run until stopped.
//!
//! ```text
//! informers (one client, no context) -> handlers -> work queue of each loop -> reconciles -> that loop's client
//! ```

mod config;
mod known;
mod run;
mod wiring;

pub use config::{Config, LoopConfig, LoopName, RunError, StartError, UnknownLoop};
pub use wiring::{Handle, Manager};
