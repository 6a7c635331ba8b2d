//! Admission webhooks: who is asked about a request, what they are told, and what becomes of their answers.
//!
//! ```text
//! configuration objects -> hook (parsed) -> matching: is it asked, and in which version?   (pure)
//!                                         -> review: the question                          (pure)
//!                       transport: HTTPS, or a service in this process                     (I/O)
//!                                         -> answer: allowed? patched object, warnings     (pure)
//! dispatch: mutating webhooks one after the other by name, validating ones all at once
//! ```
//!
//! Restated from Kubernetes 1.36 (`apiserver/pkg/admission/plugin/webhook`). CEL match conditions are refused when the
//! configuration is written.

mod answer;
mod attributes;
mod dispatch;
mod failure;
mod hook;
mod matching;
mod patch;
mod review;
mod trace;
mod transport;

pub(crate) use attributes::{Attributes, Operation};
pub(crate) use dispatch::Admission;
pub(crate) use hook::Configured;
pub(crate) use transport::{InProcess, Transport};
