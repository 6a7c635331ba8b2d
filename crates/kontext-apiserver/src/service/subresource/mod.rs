//! Subresources whose body is not the object itself.

pub(super) mod binding;
pub(super) mod eviction;
pub(super) mod scale;
