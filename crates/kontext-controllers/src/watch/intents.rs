//! The standing wish of each owner: who wrote its spec as it is.

use std::collections::HashMap;

use kontext::{Cause, Intent, Observer};
use parking_lot::Mutex;
use serde_json::Value;

use super::cause::reference;
use crate::model::{Meta, Text};
use kontext::informer::Resource;

/// Intents by owner uid, for the generation at which they were read.
#[derive(Default)]
pub(crate) struct Intents(Mutex<HashMap<Text, (i64, Intent)>>);

impl Intents {
    /// The spec was written by the write behind `cause`.
    pub(crate) fn written(&self, meta: &Meta, cause: &Cause) {
        if let Some(origin) = cause.origin() {
            let stamped = match &cause.attribution {
                kontext::Attribution::Stamped(stamped) => Some(stamped.clone()),
                _ => None,
            };
            let intent = Intent { origin, stamped };
            self.0.lock().insert(Text::clone(&meta.uid), (meta.generation, intent));
        }
    }

    /// The object was found as it is; its stamp or its managed fields say who wrote it.
    pub(crate) fn found(&self, observer: &Observer, resource: Resource, meta: &Meta, raw: &str) {
        if let Some(intent) = read(observer, resource, meta, raw) {
            self.0.lock().insert(Text::clone(&meta.uid), (meta.generation, intent));
        }
    }

    /// The generation rose without another wish, as annotations do it for Deployments.
    pub(crate) fn carry(&self, old: &Meta, new: &Meta) {
        if let Some((generation, _)) = self.0.lock().get_mut(&new.uid)
            && *generation == old.generation
        {
            *generation = new.generation;
        }
    }

    /// The object is gone.
    pub(crate) fn forget(&self, uid: &str) {
        self.0.lock().remove(uid);
    }

    /// Who wrote the spec of the object as it is. A reconcile may see an object in the cache a moment before its event
    /// was handled; the object then tells by itself.
    pub(crate) fn standing(
        &self,
        observer: &Observer,
        resource: Resource,
        meta: &Meta,
        raw: &str,
    ) -> Option<Intent> {
        self.of(meta).or_else(|| read(observer, resource, meta, raw))
    }

    /// Who wrote the spec of the object of this uid in this generation.
    fn of(&self, meta: &Meta) -> Option<Intent> {
        let intents = self.0.lock();
        let (generation, intent) = intents.get(&meta.uid)?;
        // A deletion raises the generation and wishes nothing else.
        let same =
            *generation == meta.generation || (meta.is_deleting() && *generation + 1 == meta.generation);
        same.then(|| intent.clone())
    }
}

fn read(observer: &Observer, resource: Resource, meta: &Meta, raw: &str) -> Option<Intent> {
    if !observer.is_on() {
        return None;
    }
    let value: Value = serde_json::from_str(raw).ok()?;
    Some(observer.standing_intent(&value, &reference(resource, meta)))
}
