//! A webhook that writes down what it is asked, and scripts of requests that are told to both servers.

#![allow(clippy::unwrap_used, unreachable_pub, dead_code, reason = "tests")]

mod server;
mod transcript;

pub use server::Hook;
pub use transcript::{Step, compare, step};
