//! Makes what is served agree with the definitions that are stored: accepts names, establishes, and ends definitions
//! together with their objects.
//!
//! The real server does this in controllers of its own; here it is part of the write that asks for it, so that a client
//! that sees its definition created finds it established right after.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;

use super::definition::{Definition, is_true};
use super::kind::CustomKind;
use super::status::{self, CLEANUP_FINALIZER};
use super::{GROUP, PLURAL};
use crate::kinds::{Resource, TableId};
use crate::managed_fields::{Versions, Writer};
use crate::object;
use crate::server::Shared;
use crate::service::{Prepared, mark_or_remove, prepare_update};
use crate::store::{Key, Stored};

/// Who writes the status of definitions.
const MANAGER: &str = "kube-apiserver";

/// How often the definitions are looked at again because one of them moved on. Each takes a few steps in its life.
const ROUNDS: usize = 10_000;

/// One reconciliation at a time.
#[derive(Debug, Default)]
pub(crate) struct Reconciler(Mutex<()>);

impl Reconciler {
    /// Brings all definitions as far as they can go.
    pub(crate) fn reconcile(&self, shared: &Shared) {
        let _one_at_a_time = self.0.lock();
        let registry = shared.registry();
        let Some(definitions) = registry.find(GROUP, "v1", PLURAL).cloned() else { return };
        for _ in 0..ROUNDS {
            if !step(shared, &definitions) {
                return;
            }
        }
    }
}

/// Moves the first definition on that can be; false where all have arrived.
fn step(shared: &Shared, definitions: &Arc<Resource>) -> bool {
    let Ok(snapshot) = shared.store.snapshot(definitions.table, "", None, None) else { return false };
    let all: Vec<(Key, Arc<Stored>, Value)> =
        snapshot.objects.into_iter().map(|(key, stored)| (key, stored.clone(), stored.value())).collect();
    serve(shared, all.iter().map(|(_, _, definition)| definition));
    all.iter().any(|(key, stored, definition)| {
        let group = &definition["spec"]["group"];
        let others: Vec<&Value> = all
            .iter()
            .filter(|(other, _, _)| other != key)
            .map(|(_, _, other)| other)
            .filter(|other| other["spec"]["group"] == *group)
            .collect();
        let now = object::seconds(shared.clock.now());
        let next = if object::is_deleting(definition) {
            end(shared, definition, &now)
        } else {
            status::next(definition, &others, &now)
        };
        next.is_some_and(|next| write(shared, definitions, key, stored, definition, next))
    })
}

/// Writes a status; a write that somebody else was faster than is tried again in the next round.
fn write(
    shared: &Shared,
    definitions: &Arc<Resource>,
    key: &Key,
    stored: &Arc<Stored>,
    old: &Value,
    new: Value,
) -> bool {
    let writer = Writer {
        manager: MANAGER.to_owned(),
        subresource: Some("status".to_owned()),
        versions: Versions::of(definitions, &shared.registry(), "status"),
        tracked: false,
    };
    match prepare_update(definitions, "status", old, new, &writer, shared.clock.now(), false) {
        Ok(Prepared::Unchanged) => false,
        Ok(Prepared::Write(new)) => {
            // The next round sees what became of a lost race.
            let _ = shared.store.replace(definitions.table, key, stored, new);
            true
        }
        Ok(Prepared::Remove(new)) => {
            let _ = shared.store.remove(definitions.table, key, stored, new);
            true
        }
        Err(error) => {
            tracing::warn!(definition = key.as_str(), why = %error.message, "the status of a definition is refused");
            false
        }
    }
}

/// The next step of a definition that was deleted: its objects go, then it does.
fn end(shared: &Shared, definition: &Value, now: &str) -> Option<Value> {
    if !object::finalizers(definition).iter().any(|finalizer| finalizer == CLEANUP_FINALIZER) {
        return None;
    }
    let mut new = definition.clone();
    if !is_true(definition, "Established") {
        status::set_terminating(&mut new, Some(("NeverEstablished", "resource was never established")), now);
    } else if status::condition(definition, "Terminating")
        .is_none_or(|condition| condition["reason"] != "InstanceDeletionInProgress")
    {
        status::set_terminating(&mut new, None, now);
        return Some(new);
    } else {
        if !delete_objects(shared, definition) {
            // Finalizers hold some of them: the write that takes the last one comes back here.
            return None;
        }
        status::set_terminating(&mut new, Some(("InstanceDeletionCompleted", "removed all instances")), now);
    }
    let finalizers: Vec<String> = object::finalizers(definition)
        .into_iter()
        .filter(|finalizer| finalizer != CLEANUP_FINALIZER)
        .collect();
    object::set_finalizers(&mut new, &finalizers);
    Some(new)
}

/// Deletes the objects of a definition; says whether all are gone.
fn delete_objects(shared: &Shared, definition: &Value) -> bool {
    let definition = Definition::parse(definition);
    let registry = shared.registry();
    let Some(resource) = registry.custom(&definition.group, &definition.plural).next() else { return true };
    let Ok(snapshot) = shared.store.snapshot(resource.table, "", None, None) else { return false };
    for (key, stored) in snapshot.objects {
        mark_or_remove(shared, resource, &key, &stored);
    }
    shared.store.snapshot(resource.table, "", None, None).is_ok_and(|left| left.objects.is_empty())
}

/// Serves what is defined and accepted, and nothing else.
fn serve<'a>(shared: &Shared, definitions: impl Iterator<Item = &'a Value>) {
    let registry = shared.registry();
    let wanted: Vec<Arc<Definition>> = definitions
        .filter(|definition| is_true(definition, "NamesAccepted") || is_true(definition, "Established"))
        .map(|definition| Arc::new(Definition::parse(definition)))
        .collect();
    for (group, plural) in registry.custom_names() {
        if !wanted.iter().any(|definition| (&definition.group, &definition.plural) == (&group, &plural)) {
            withdraw(shared, &group, &plural);
        }
    }
    for definition in wanted {
        let current = registry.custom(&definition.group, &definition.plural).next();
        let served =
            current.and_then(|resource| Some((resource.table, resource.custom.as_ref()?.definition())));
        match served {
            Some((_, current)) if **current == *definition => {}
            Some((table, current)) if current.uid == definition.uid => {
                let same_objects = current.versions == definition.versions;
                publish(shared, &definition, table, same_objects && reads_as_stored(&registry, &definition));
                if !same_objects {
                    shared.end_watches_of(&definition.group, &definition.plural);
                }
            }
            Some(_) => {
                withdraw(shared, &definition.group, &definition.plural);
                publish(shared, &definition, shared.store.add_table(), true);
            }
            None => publish(shared, &definition, shared.store.add_table(), true),
        }
    }
}

/// Whether all objects there are were written under the versions of today.
fn reads_as_stored(registry: &crate::kinds::Registry, definition: &Definition) -> bool {
    let mut versions = registry.custom(&definition.group, &definition.plural);
    versions.any(|resource| resource.custom.as_ref().is_some_and(|custom| custom.is_as_stored()))
}

fn publish(shared: &Shared, definition: &Arc<Definition>, table: TableId, as_stored: bool) {
    let resources = resources(definition, table, as_stored);
    shared.catalog.serve_custom(&definition.group, &definition.plural, resources);
}

fn resources(definition: &Arc<Definition>, table: TableId, as_stored: bool) -> Vec<Resource> {
    let kind = |version| CustomKind::new(definition, version, as_stored);
    definition
        .served()
        .into_iter()
        .map(|version| Resource::custom(definition, version, kind(version), table))
        .collect()
}

/// The served versions of a definition.
#[cfg(test)]
pub(crate) fn served(definition: &Value, table: TableId) -> Vec<Resource> {
    resources(&Arc::new(Definition::parse(definition)), table, true)
}

fn withdraw(shared: &Shared, group: &str, plural: &str) {
    let registry = shared.registry();
    let table = registry.custom(group, plural).next().map(|resource| resource.table);
    shared.catalog.serve_custom(group, plural, Vec::new());
    shared.end_watches_of(group, plural);
    if let Some(table) = table {
        shared.store.retire_table(table);
    }
}
