//! From watch events to queued keys with causes: what the informers' handlers of all loops share.

mod cause;
mod intents;

pub(crate) use cause::{Causes, owned_change, reference};
pub(crate) use intents::Intents;

use std::sync::Arc;

use kontext::informer::Store;

use crate::{
    informers::namespace_of,
    model::{Meta, Object, Owner, Selector},
};

/// The owner that `reference` names, if the cache has exactly that one: kind, name and uid.
pub(crate) fn resolve<K>(
    store: &Store<K>,
    kind: &str,
    namespace: &str,
    reference: Option<&Owner>,
) -> Option<Arc<K>>
where
    K: kontext::informer::Watched + Object,
{
    let reference = reference.filter(|reference| &*reference.kind == kind)?;
    let owner = store.object(&format!("{namespace}/{}", reference.name))?;
    (owner.meta().uid == reference.uid).then_some(owner)
}

/// The owners of `child`'s namespace whose selector matches it: one of them will adopt the orphan. An empty selector
/// matches nothing here.
pub(crate) fn matching<K>(
    store: &Store<K>,
    child: &Meta,
    selector: impl Fn(&K) -> Option<&Selector>,
) -> Vec<Arc<K>>
where
    K: kontext::informer::Watched + Object,
{
    let mut owners = store.indexed(&namespace_of(&child.namespace));
    owners.retain(|owner| {
        selector(owner).is_some_and(|selector| !selector.is_empty() && selector.matches(&child.labels))
    });
    owners
}
