#![allow(
    clippy::redundant_closure_for_method_calls,
    reason = "a path to a method is not general enough over the lifetimes of a sync"
)]

mod history;
mod properties;
mod rolling;
mod scaling;
mod scenarios;
mod status;
mod world;
