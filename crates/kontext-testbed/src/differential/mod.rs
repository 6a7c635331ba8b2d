//! Differential testing: the same requests to two API servers, and a comparison of everything that came back.
//!
//! ```text
//! seed -> generate -> Script -> play (real)   -> answers -> normalise --+-> compare -> differences -> kept? -> Tally
//!                        |   -> play (memory) -> answers -> normalise --+                   |
//!                        +-------------------------- shrink <------------------------------+
//! ```
//!
//! Everything but `play` is pure. A [`Script`] is data, written as JSON lines, so that a difference once found is kept
//! as a file and played again ever after. What a server makes up (times, uids, versions, addresses, random names) is
//! replaced by symbols in order of first appearance, so that "the same version again" and "another version" stay
//! apart. Differences that are kept on purpose stand in [`kept`], each with its reason and a script that shows it.

pub mod compare;
mod custom;
mod dice;
pub mod generate;
pub mod kept;
mod normalise;
mod play;
pub mod report;
mod resolve;
pub mod run;
pub mod script;
mod shrink;
mod symbols;
mod watching;

pub use compare::{Difference, Divergence};
pub use generate::Config;
pub use play::Answer;
pub use run::{Both, Played, Tally};
pub use script::{Action, Body, Edit, Request, Script, Step, Watch};
