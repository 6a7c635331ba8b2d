//! Objects as rows of a `meta.k8s.io/v1` Table: what `kubectl get` prints.
//!
//! Columns and cells are those of Kubernetes 1.36. Wide columns (priority 1) are always sent; kubectl hides them.

mod cells;
mod columns;
mod config;
mod duration;
mod network;
mod pod;
mod storage;
mod workload;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::kinds::Resource;

/// How much of each object its row carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Include {
    /// Nothing.
    None,
    /// `PartialObjectMetadata`.
    #[default]
    Metadata,
    /// The whole object.
    Object,
}

/// What the request says about the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct TableOptions {
    pub(crate) include: Include,
}

impl TableOptions {
    /// From the query parameter `includeObject`; anything unknown is the default.
    pub(crate) fn from_query(include_object: Option<&str>) -> TableOptions {
        let include = match include_object {
            Some("None") => Include::None,
            Some("Object") => Include::Object,
            _ => Include::Metadata,
        };
        TableOptions { include }
    }
}

/// How long ago a time was.
pub(crate) fn age_of(time: &Value, now: Timestamp) -> String {
    duration::since(Some(time), now)
}

/// The table of objects of a resource. The caller puts the list's metadata in.
pub(crate) fn of(resource: &Resource, objects: &[&Value], now: Timestamp, options: TableOptions) -> Value {
    let Some(custom) = &resource.custom else {
        return table(&resource.storage_group, &resource.kind, objects, now, options);
    };
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| json!({"cells": custom.cells(object, now), "object": included(object, options)}))
        .collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {},
        "columnDefinitions": custom.column_definitions(), "rows": rows,
    })
}

/// The table of objects of one built-in kind.
pub(crate) fn table(
    group: &str,
    kind: &str,
    objects: &[&Value],
    now: Timestamp,
    options: TableOptions,
) -> Value {
    let columns: Vec<Value> = columns::of(group, kind)
        .iter()
        .map(|(name, kind, format, priority)| {
            json!({"name": name, "type": kind, "format": format, "description": "", "priority": priority})
        })
        .collect();
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let mut row =
                json!({"cells": cells::of(group, kind, object, now), "object": included(object, options)});
            if (group, kind) == ("", "Pod")
                && let Some(conditions) = pod::conditions(object)
            {
                row["conditions"] = conditions;
            }
            row
        })
        .collect();
    // Kinds without a printer of their own have no list of rows where there are none.
    let plain = group == "rbac.authorization.k8s.io" && matches!(kind, "Role" | "ClusterRole");
    let rows = if rows.is_empty() && plain { Value::Null } else { Value::Array(rows) };
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {}, "columnDefinitions": columns, "rows": rows})
}

fn included(object: &Value, options: TableOptions) -> Value {
    match options.include {
        Include::None => Value::Null,
        Include::Object => object.clone(),
        Include::Metadata => json!({
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": object.get("metadata").cloned().unwrap_or_else(|| json!({})),
        }),
    }
}
