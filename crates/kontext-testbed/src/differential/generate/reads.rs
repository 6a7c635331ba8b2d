//! Gets, lists and watches.

use super::super::script::{Request, Watch};
use super::kinds::Kind;
use super::writer::{Writer, object, with_body};

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
const METADATA: &str = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";

/// Reads one object, in one of the forms.
pub(super) fn get(writer: &mut Writer, kind: &Kind) {
    let name = writer.name(kind);
    let accept = form(writer, METADATA);
    let mut query = Vec::new();
    if accept.as_deref() == Some(TABLE) && writer.dice.chance(40) {
        let include = if writer.frontier { "Other" } else { writer.dice.word(&["None", "Metadata"]) };
        query.push(("includeObject".to_owned(), include.to_owned()));
    }
    writer.send(Request {
        method: "GET".into(),
        path: kind.path(&name),
        query,
        accept,
        ..Request::default()
    });
}

fn form(writer: &mut Writer, metadata: &str) -> Option<String> {
    match writer.dice.weighted(&[60, 20, 18, 2]) {
        0 => None,
        1 => Some(TABLE.to_owned()),
        2 => Some(metadata.to_owned()),
        _ => Some("application/json;as=Other;v=v1;g=meta.k8s.io, application/json".to_owned()),
    }
}

/// Draws the selectors of a list, a watch or a deletecollection. Cluster-scoped collections have other scripts' objects
/// too, and so are always selected from.
pub(super) fn selector(writer: &mut Writer, kind: &Kind) -> Vec<(String, String)> {
    let mut query = Vec::new();
    let mut labels = Vec::new();
    if !kind.namespaced {
        labels.push("script=$NS");
    }
    if writer.dice.chance(40) {
        labels.push(writer.dice.word(&[
            "app=a",
            "app",
            "!app",
            "app!=a",
            "app in (a,b)",
            "app notin (a)",
            "app=a,tier=x",
            "app==b",
            "tier",
        ]));
    }
    if writer.frontier && writer.dice.chance(2) {
        labels.push(writer.dice.word(&["app=", "a b", "=", "app in", "app in ()", "app>1", "x/y/z"]));
    }
    if !labels.is_empty() {
        query.push(("labelSelector".to_owned(), labels.join(",")));
    }
    if writer.dice.chance(12) {
        let name = writer.name(kind);
        let selector = match if writer.frontier { writer.dice.below(5) } else { 3 * writer.dice.below(2) } {
            0 => format!("metadata.name!={name}"),
            1 => "metadata.namespace=$NS".to_owned(),
            2 => "unknown=x".to_owned(),
            _ => format!("metadata.name={name}"),
        };
        query.push(("fieldSelector".to_owned(), selector));
    }
    query
}

/// Lists, whole or in chunks.
pub(super) fn list(writer: &mut Writer, kind: &Kind) {
    let mut query = selector(writer, kind);
    let accept = form(writer, METADATA_LIST);
    let path = kind.collection();
    let request = |query: &[(String, String)]| Request {
        method: "GET".into(),
        path: path.clone(),
        query: query.to_vec(),
        accept: accept.clone(),
        ..Request::default()
    };
    // What others have between the objects of a script shows in chunks.
    let chunks = if kind.namespaced { 20 } else { 0 };
    match writer.dice.weighted(&[50, chunks, 15, 15]) {
        0 => {
            writer.send(request(&query));
        }
        1 => {
            // Whether there is more is told before anything is selected.
            query.retain(|_| writer.frontier);
            query.push(("limit".into(), writer.dice.word(&["1", "2", "500", "0"]).into()));
            let first = writer.send(request(&query));
            for _ in 0..writer.dice.below(3) {
                let mut query = query.clone();
                query.push(("continue".into(), format!("${{{first}:/metadata/continue}}")));
                writer.send(request(&query));
            }
        }
        2 => {
            // At an earlier version: the list that was just made.
            let first = writer.send(request(&query));
            query.push(("resourceVersion".into(), format!("${{{first}:/metadata/resourceVersion}}")));
            if writer.dice.chance(70) {
                let wish = writer.dice.word(&["Exact", "NotOlderThan", "Exact", "Other"]);
                query.push(("resourceVersionMatch".into(), wish.into()));
            }
            writer.send(request(&query));
        }
        _ => {
            // A cached read may be old on the real server, but not older than the list before it.
            writer.send(request(&query));
            let version = writer.dice.word(&["0", "0", "0", "abc"]);
            query.push(("resourceVersion".into(), version.into()));
            if writer.dice.chance(40) {
                let wish = writer.dice.word(&["NotOlderThan", "Exact", "NotOlderThan", "Other"]);
                query.push(("resourceVersionMatch".into(), wish.into()));
            }
            writer.send(request(&query));
        }
    }
}

/// Opens a watch: from now, from a version, or with the initial events. It is closed at the end of the script.
pub(super) fn watch(writer: &mut Writer, kind: &Kind) {
    let path = kind.collection();
    let mut query = Vec::new();
    if !kind.namespaced {
        query.push(("labelSelector".to_owned(), "script=$NS".to_owned()));
    } else if writer.dice.chance(40) {
        // The last object of the watch has this label.
        query.push((
            "labelSelector".to_owned(),
            writer.dice.word(&["app=a", "app!=b", "app in (a)"]).to_owned(),
        ));
    }
    let list =
        Request { method: "GET".into(), path: path.clone(), query: query.clone(), ..Request::default() };
    let list = writer.send(list);
    match writer.dice.below(4) {
        0 => query.push(("resourceVersion".into(), format!("${{{list}:/metadata/resourceVersion}}"))),
        1 => query.push(("resourceVersion".into(), "0".into())),
        2 => {
            query.push(("sendInitialEvents".into(), "true".into()));
            query.push(("resourceVersionMatch".into(), "NotOlderThan".into()));
            query.push(("allowWatchBookmarks".into(), "true".into()));
        }
        _ => {}
    }
    // Tables in watches are at the frontier.
    let accept = form(writer, METADATA).filter(|accept| writer.frontier || accept != TABLE);
    if writer.terminating {
        // Nothing more can be created, so the stream must end by itself.
        query.push(("timeoutSeconds".into(), "1".into()));
        writer.open(Watch { path, query, accept, last: None });
        return;
    }
    let name = writer.last_name(kind);
    let mut body = object(kind, &name);
    body["metadata"]["labels"]["app"] = "a".into();
    let last = Some((with_body("POST", path.clone(), Vec::new(), body), name));
    writer.open(Watch { path, query, accept, last });
}
