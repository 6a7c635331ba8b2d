//! Reading one object: its metadata, its stamp, its managed fields, its state.

mod managers;
mod stamp;
mod state;
mod view;

pub(crate) use managers::{Entry, entries};
pub(crate) use stamp::{Read, Reading, WRITE_TAKES, is_after, reading};
pub(crate) use state::state;
pub(crate) use view::View;
