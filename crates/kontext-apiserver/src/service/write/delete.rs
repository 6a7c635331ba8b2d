//! `DELETE` of one object or of many: grace, finalizers, preconditions.

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::ROUNDS;
use super::delete_options::Options;
use crate::admission::{Admission, Attributes, Operation};
use crate::crd;
use crate::error::ApiError;
use crate::kinds::{Propagation, Resource};
use crate::object;
use crate::server::Shared;
use crate::service::{Call, Reply, admission, read};
use crate::store::{Key, Stored};

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";
const DEFAULT_POD_GRACE_SECONDS: i64 = 30;

/// What a delete came to.
pub(in crate::service) struct Outcome {
    pub(in crate::service) object: std::sync::Arc<Stored>,
    /// The object is gone, and not only marked.
    pub(in crate::service) gone: bool,
    pub(in crate::service) changed: bool,
}

/// One step of a delete, computed from what is stored.
#[derive(Debug, PartialEq)]
enum Step {
    /// It is being deleted already, and this request asks for nothing sooner.
    Pending,
    /// It is being deleted already, and still held: webhooks are asked, nothing is written.
    Held,
    /// Marked for deletion, and there until somebody finishes it.
    Mark(Value),
    /// Marked and then removed at once, in two steps that watchers see.
    MarkAndRemove(Value),
    Remove,
}

/// Deletes one object.
pub(in crate::service) async fn delete(call: &Call<'_>) -> Result<Reply, ApiError> {
    let target = call.target;
    let resource = &target.resource;
    let options = Options::of_request(call)?;
    warn_of_orphans(call, &options);
    admission::may_be_deleted(call, &target.name)?;
    let asking = Asking { call, name: &target.name, shows_grace: true };
    let outcome =
        delete_object(call, resource, &target.namespace, &target.name, &options, Some(&asking)).await?;
    let accepted = !outcome.gone && options.orphan == Some(false);
    let status = if accepted { StatusCode::ACCEPTED } else { StatusCode::OK };
    if outcome.gone && !resource.rules.returns_deleted {
        let mut details = json!({
            "name": target.name, "kind": resource.plural, "uid": object::uid(&outcome.object.value()),
        });
        if !resource.group.is_empty() {
            details["group"] = json!(resource.group);
        }
        let status_object = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
        });
        return Ok(Reply::json(status, &status_object, outcome.changed));
    }
    call.object_reply(status, &outcome.object, outcome.changed)
}

/// Deletes everything that the selectors match, and answers with the list.
pub(in crate::service) async fn delete_collection(call: &Call<'_>) -> Result<Reply, ApiError> {
    let resource = &call.target.resource;
    let options = Options::of_request(call)?;
    warn_of_orphans(call, &options);
    let list = read::matching(call)?;
    let asking = Asking { call, name: "", shows_grace: false };
    let mut changed = false;
    let mut deleted = Vec::with_capacity(list.objects.len());
    for (key, stored) in list.objects {
        match delete_object(call, resource, key.namespace(), key.name(), &options, Some(&asking)).await {
            Ok(outcome) => changed |= outcome.changed,
            Err(error) if error.code == StatusCode::NOT_FOUND => {}
            Err(error) => return Err(error),
        }
        deleted.push(stored);
    }
    let mut metadata = json!({"resourceVersion": list.revision.to_string()});
    if resource.custom.is_some() {
        metadata["continue"] = json!("");
    }
    let mut reply = call.list_reply(&deleted, &metadata)?;
    reply.changed = changed;
    Ok(reply)
}

/// Jobs leave their pods behind where nothing else is asked for, which surprises people.
fn warn_of_orphans(call: &Call<'_>, options: &Options) {
    let orphans = call.target.resource.rules.propagation == Propagation::Orphan;
    if orphans
        && call.target.resource.plural == "jobs"
        && options.policy.is_none()
        && options.orphan.is_none()
    {
        call.warnings.add(
            "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning",
        );
    }
}

/// How webhooks hear of a delete.
pub(in crate::service) struct Asking<'a> {
    call: &'a Call<'a>,
    /// Empty for the objects of a collection.
    name: &'a str,
    /// The options that webhooks see name the grace period that was decided on.
    shows_grace: bool,
}

impl Asking<'_> {
    async fn ask(&self, options: &Options, decided: Option<i64>, old: &Value) -> Result<(), ApiError> {
        let call = self.call;
        let admission = Admission::of(call.shared, call.headers, call.warnings, || {
            let shown = options.shown(decided.filter(|_| self.shows_grace));
            let (target, dry_run) = (call.target, options.dry_run);
            Ok(Attributes::new(Operation::Delete, target, self.name, call.user, shown, dry_run))
        })?;
        let Some(admission) = admission else { return Ok(()) };
        let mut old = old.clone();
        call.target.resource.encode(&mut old);
        admission.mutate(None, Some(&old), &|_| {}).await?;
        admission.validate(None, Some(&old)).await
    }
}

/// Deletes one object of any resource; also how an eviction ends, of which webhooks have been told before.
pub(in crate::service) async fn delete_object(
    call: &Call<'_>,
    resource: &Resource,
    namespace: &str,
    name: &str,
    options: &Options,
    asking: Option<&Asking<'_>>,
) -> Result<Outcome, ApiError> {
    let store = &call.shared.store;
    let key = Key::new(namespace, name);
    let ask = async |decided: Option<i64>, old: &Value| match asking {
        Some(asking) => asking.ask(options, decided, old).await,
        None => Ok(()),
    };
    for _ in 0..ROUNDS {
        let old = store.find(resource.table, &key).ok_or_else(|| ApiError::not_found(resource, name))?;
        let current = old.value();
        options.check(resource, name, &current)?;
        let step = step(resource, options, &current, call.now);
        let decided = match &step {
            Step::Pending => return Ok(Outcome { object: old, gone: false, changed: false }),
            Step::Mark(object) | Step::MarkAndRemove(object) if resource.rules.graceful => {
                object["metadata"]["deletionGracePeriodSeconds"].as_i64()
            }
            _ => None,
        };
        ask(decided, &current).await?;
        if options.dry_run {
            let (object, gone) = match step {
                Step::Pending | Step::Held => (old, false),
                Step::Mark(object) => (Stored::unsaved(object), false),
                Step::MarkAndRemove(object) => (Stored::unsaved(object), true),
                Step::Remove => (old, true),
            };
            return Ok(Outcome { object, gone, changed: false });
        }
        let (committed, gone) = match step {
            Step::Pending | Step::Held => return Ok(Outcome { object: old, gone: false, changed: false }),
            Step::Mark(object) => (store.replace(resource.table, &key, &old, object), false),
            Step::MarkAndRemove(object) => {
                let Ok(marked) = store.replace(resource.table, &key, &old, object) else { continue };
                let object = marked.value();
                // Removal is a step of its own, which webhooks are asked about too.
                ask(decided, &object).await?;
                match store.remove(resource.table, &key, &marked, object) {
                    // Somebody else has finished it, or goes on with it.
                    Err(_) if store.find(resource.table, &key).is_none() => (Ok(marked), true),
                    removed => (removed, true),
                }
            }
            Step::Remove => {
                if drops_finalizers(&current) {
                    ask(decided, &current).await?;
                }
                (store.remove(resource.table, &key, &old, current), true)
            }
        };
        if let Ok(object) = committed {
            if gone {
                call.shared.addresses.release(resource, &object.value());
            }
            return Ok(Outcome { object, gone, changed: true });
        }
    }
    Err(ApiError::modified(resource, name))
}

/// Deletes an object as far as its finalizers let it go, without being asked how.
pub(crate) fn mark_or_remove(
    shared: &Shared,
    resource: &Resource,
    key: &Key,
    stored: &std::sync::Arc<Stored>,
) {
    let (store, old) = (&shared.store, stored.value());
    // Who was faster will be seen by those that look again.
    match step(resource, &Options::default(), &old, shared.clock.now()) {
        Step::Pending | Step::Held => {}
        Step::Mark(new) => drop(store.replace(resource.table, key, stored, new)),
        Step::MarkAndRemove(_) | Step::Remove => drop(store.remove(resource.table, key, stored, old)),
    }
}

/// Whether a removal is preceded by an attempt to write the finalizers, in which webhooks are asked as well.
fn drops_finalizers(old: &Value) -> bool {
    !object::finalizers(old).is_empty()
}

/// Decides what a delete does to an object. Pure.
fn step(resource: &Resource, options: &Options, old: &Value, now: Timestamp) -> Step {
    if resource.storage_group.is_empty() && resource.plural == "namespaces" {
        return namespace_step(resource, options, old, now);
    }
    if resource.is_definition() && !object::is_deleting(old) {
        let mut new = old.clone();
        crd::mark_terminating(&mut new, &object::seconds(now));
        return Step::Mark(new);
    }
    let mut new = old.clone();
    let graceful = match graceful_period(resource, options, old, now) {
        Grace::Pending => return Step::Pending,
        Grace::None => None,
        Grace::Period { seconds, deletion } => {
            let first = !object::is_deleting(old);
            mark(&mut new, deletion, seconds, first);
            Some(seconds)
        }
    };
    let finalizers = finalizers_after(resource, options, old);
    object::set_finalizers(&mut new, &finalizers);
    match graceful {
        Some(0) if finalizers.is_empty() => Step::MarkAndRemove(new),
        Some(_) => Step::Mark(new),
        None if finalizers.is_empty() => Step::Remove,
        None => {
            if !object::is_deleting(old) {
                mark(&mut new, now, 0, true);
            }
            if new == *old { Step::Held } else { Step::Mark(new) }
        }
    }
}

enum Grace {
    /// The kind knows no grace, or its time is over.
    None,
    Pending,
    Period {
        seconds: i64,
        deletion: Timestamp,
    },
}

fn graceful_period(resource: &Resource, options: &Options, old: &Value, now: Timestamp) -> Grace {
    if !resource.rules.graceful {
        return Grace::None;
    }
    let after = |start: Timestamp, seconds: i64| {
        start.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
    };
    if !object::is_deleting(old) {
        let seconds = pod_grace(options, old);
        return Grace::Period { seconds, deletion: after(now, seconds) };
    }
    // A second delete can only shorten the grace period.
    // Marked without a period: nothing is left to wait for.
    let Some(current) = old["metadata"]["deletionGracePeriodSeconds"].as_i64() else { return Grace::None };
    match options.grace {
        // Its time is over: it is held by finalizers alone, which a delete may still change.
        _ if current == 0 => Grace::None,
        Some(seconds) if seconds < current => {
            let deletion: Timestamp =
                object::text(old, &["metadata", "deletionTimestamp"]).parse().unwrap_or(now);
            let moved = after(deletion, seconds - current);
            let (deletion, seconds) =
                if moved < now { (now, if seconds == 0 { 0 } else { 1 }) } else { (moved, seconds) };
            Grace::Period { seconds, deletion }
        }
        _ => Grace::Pending,
    }
}

/// How long a pod may take to end. Nothing runs in a pod that has no node yet or is done: it needs no time.
fn pod_grace(options: &Options, pod: &Value) -> i64 {
    let wanted = options
        .grace
        .or_else(|| pod["spec"]["terminationGracePeriodSeconds"].as_i64())
        .unwrap_or(DEFAULT_POD_GRACE_SECONDS);
    let done = matches!(pod["status"]["phase"].as_str(), Some("Failed" | "Succeeded"));
    if object::text(pod, &["spec", "nodeName"]).is_empty() || done {
        0
    } else if wanted < 0 {
        1
    } else {
        wanted
    }
}

fn mark(object: &mut Value, deletion: Timestamp, seconds: i64, first: bool) {
    let generation = object::generation(object);
    let metadata = object::metadata(object);
    metadata.insert("deletionTimestamp".to_owned(), json!(object::seconds(deletion)));
    metadata.insert("deletionGracePeriodSeconds".to_owned(), json!(seconds));
    if first && generation > 0 {
        metadata.insert("generation".to_owned(), json!(generation + 1));
    }
}

/// The finalizers with the garbage collector's two as the request asks for.
fn finalizers_after(resource: &Resource, options: &Options, old: &Value) -> Vec<String> {
    let mut finalizers = object::finalizers(old);
    if resource.rules.propagation == Propagation::Unsupported {
        return finalizers;
    }
    let has = |name: &str| finalizers.iter().any(|f| f == name);
    let policy = options.policy.as_deref();
    let orphan = match (options.orphan, policy) {
        (Some(orphan), _) => orphan,
        (None, Some(policy)) => policy == "Orphan",
        (None, None) if has(ORPHAN) => true,
        (None, None) if has(FOREGROUND) => false,
        (None, None) => resource.rules.propagation == Propagation::Orphan,
    };
    let foreground = match (options.orphan, policy) {
        (Some(_), _) => false,
        (None, Some(policy)) => policy == "Foreground",
        (None, None) => has(FOREGROUND),
    };
    let before = finalizers.clone();
    finalizers.retain(|f| f != ORPHAN && f != FOREGROUND);
    for (wanted, name) in [(orphan, ORPHAN), (foreground, FOREGROUND)] {
        if wanted {
            finalizers.push(name.to_owned());
        }
    }
    // The same set in another order is no change.
    let same = before.len() == finalizers.len() && before.iter().all(|f| finalizers.contains(f));
    if same { before } else { finalizers }
}

/// A namespace is marked and stays until its finalizers are gone.
fn namespace_step(resource: &Resource, options: &Options, old: &Value, now: Timestamp) -> Step {
    if object::is_deleting(old) {
        let held = old["spec"]["finalizers"].as_array().is_some_and(|list| !list.is_empty())
            || !object::finalizers(old).is_empty();
        return if held { Step::Pending } else { Step::Remove };
    }
    let mut new = old.clone();
    object::set_finalizers(&mut new, &finalizers_after(resource, options, old));
    object::metadata(&mut new).insert("deletionTimestamp".to_owned(), json!(object::seconds(now)));
    object::child(&mut new, "status").insert("phase".to_owned(), json!("Terminating"));
    Step::Mark(new)
}

#[cfg(test)]
mod tests;
