//! A change of one stored object: compute, admit, compute on, commit; again from the start where somebody was faster.

use std::sync::Arc;

use serde_json::Value;

use super::ROUNDS;
use super::prepare::{Prepared, begin_update, finish_update};
use crate::admission::Operation;
use crate::defaults;
use crate::error::ApiError;
use crate::managed_fields::Writer;
use crate::service::Call;
use crate::store::{Key, Stored};

/// A change in the two halves that admission stands between.
pub(in crate::service) trait Change: Send + Sync {
    /// What the request makes of the stored object, in the form that webhooks are shown.
    fn wanted(&self, old: &Value) -> Result<Value, ApiError>;

    /// From what admission made of it to what shall be stored.
    fn prepare(&self, old: &Value, admitted: Value) -> Result<Prepared, ApiError>;

    /// A stored object in the form that webhooks are shown.
    fn shown(&self, stored: &Value) -> Value;

    /// A stored object in the form that validating webhooks are shown.
    fn validated(&self, stored: &Value) -> Value {
        self.shown(stored)
    }

    /// What the admission plugins that are built in add.
    fn plugins(&self, wanted: &mut Value);
}

/// A change through the object's own door, `status` or `finalize`: all that have the object's own form.
pub(in crate::service) struct Whole<'a, F> {
    pub(in crate::service) call: &'a Call<'a>,
    pub(in crate::service) writer: Writer,
    /// A patch: another uid is no precondition but a forbidden change.
    pub(in crate::service) patched: bool,
    /// The new object, made of the stored one; both in the stored form.
    pub(in crate::service) new: F,
}

impl<F> Change for Whole<'_, F>
where
    F: Fn(&Value) -> Result<Value, ApiError> + Send + Sync,
{
    fn wanted(&self, old: &Value) -> Result<Value, ApiError> {
        let target = self.call.target;
        let (resource, subresource) = (&target.resource, &target.subresource);
        let new = (self.new)(old)?;
        let mut new = begin_update(resource, subresource, old, new, &self.writer, self.call.now)?;
        resource.encode(&mut new);
        Ok(new)
    }

    fn prepare(&self, old: &Value, mut admitted: Value) -> Result<Prepared, ApiError> {
        let target = self.call.target;
        target.resource.decode(&mut admitted);
        finish_update(&target.resource, &target.subresource, old, admitted, self.patched)
    }

    fn shown(&self, stored: &Value) -> Value {
        let mut shown = stored.clone();
        self.call.target.resource.encode(&mut shown);
        shown
    }

    fn plugins(&self, wanted: &mut Value) {
        let target = self.call.target;
        if target.subresource.is_empty() {
            defaults::plugins(&target.resource.storage_group, &target.resource.kind, wanted, false);
        }
    }
}

/// Carries a change out. The flag says whether anything was written.
pub(in crate::service) async fn carry_out(
    call: &Call<'_>,
    key: &Key,
    change: &dyn Change,
) -> Result<(Arc<Stored>, bool), ApiError> {
    let resource = &call.target.resource;
    let store = &call.shared.store;
    let dry_run = call.dry_run()?;
    let admission = call.admission(Operation::Update, &call.target.name)?;
    for _ in 0..ROUNDS {
        let stored = store
            .find(resource.table, key)
            .ok_or_else(|| ApiError::not_found(resource, &call.target.name))?;
        let mut old = stored.value();
        if let Some(custom) = &resource.custom {
            custom.refresh_stale(&mut old);
        }
        let mut wanted = change.wanted(&old)?;
        change.plugins(&mut wanted);
        let shown = admission.as_ref().map(|_| change.shown(&old));
        if let Some(admission) = &admission {
            let plugins = |object: &mut Value| change.plugins(object);
            let mutated = admission.mutate(Some(wanted), shown.as_ref(), &plugins).await?;
            wanted = mutated.unwrap_or_default();
        }
        let prepared = change.prepare(&old, wanted)?;
        if let Prepared::Write(new) = &prepared {
            super::can_be_kept(new)?;
            call.warn_about(new, Some(&old));
        }
        if let Some(admission) = &admission {
            let new = match &prepared {
                Prepared::Unchanged => &old,
                Prepared::Write(new) | Prepared::Remove(new) => new,
            };
            admission.validate(Some(&change.validated(new)), Some(&change.validated(&old))).await?;
        }
        let committed = match prepared {
            Prepared::Unchanged => return Ok((stored, false)),
            Prepared::Write(new) | Prepared::Remove(new) if dry_run => {
                return Ok((Stored::unsaved(new), false));
            }
            Prepared::Write(new) => store.replace(resource.table, key, &stored, new),
            Prepared::Remove(new) => {
                // The last state that the object had is answered, at the version that it had.
                // Watchers see the last state that was stored.
                let answer = Stored::unsaved(new);
                store.remove(resource.table, key, &stored, old.clone()).map(|_| answer)
            }
        };
        if let Ok(stored) = committed {
            return Ok((stored, true));
        }
    }
    Err(ApiError::modified(resource, &call.target.name))
}
