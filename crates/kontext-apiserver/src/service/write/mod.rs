//! Writes: decode, prepare (pure), commit if nobody was faster, answer.

mod apply;
mod change;
mod create;
mod decode;
mod delete;
mod delete_options;
mod metadata;
mod names;
mod patch;
mod prepare;
mod stored_form;
mod update;

use http::HeaderMap;
use serde_json::Value;

use super::Call;
use crate::error::ApiError;
use crate::object;

pub(super) use change::{Change, carry_out};
pub(super) use create::create;
pub(super) use decode::decode_object;
pub(crate) use delete::mark_or_remove;
pub(super) use delete::{delete, delete_collection, delete_object};
pub(super) use delete_options::Options as DeleteOptions;
pub(super) use patch::{Patch, patch, patch_document};
pub(super) use prepare::normalize;
pub(crate) use prepare::{Prepared, prepare_update, with_defaults};
pub(super) use update::{commit, update};

use decode::Encoded;

/// The body of a request with its media type.
pub(super) fn encoded<'a>(call: &'a Call<'_>) -> Encoded<'a> {
    let headers: &HeaderMap = call.headers;
    Encoded::new(headers, &call.body)
}

/// Refuses what could be stored and not be read again.
fn can_be_kept(object: &Value) -> Result<(), ApiError> {
    if object::depth(object) <= object::MOST_LEVELS {
        return Ok(());
    }
    let most = object::MOST_LEVELS;
    Err(ApiError::bad_request(format!(
        "the object is nested deeper than {most} levels, which this server does not keep"
    )))
}

/// How often a write is computed again because somebody else was faster. Each round means that another write got
/// through, so this is reached under absurd contention only.
const ROUNDS: usize = 1000;
