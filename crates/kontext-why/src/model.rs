//! The chain of causes, and the schema of `-o json`.
//!
//! The document is a [`Chain`]. Fields that are not known are left out. Times are RFC 3339 in UTC. Within one
//! [`SCHEMA`], fields are only added. No string holds a control character.

use std::fmt;

use jiff::Timestamp;
use kontext_core::{ObjectRef, Who, text::harmless};
use serde::{Deserialize, Serialize};

use crate::observe::Key;

/// The version of the JSON document, in its field `apiVersion`.
pub const SCHEMA: &str = "why.kontext.dev/v1";

/// Why an object is as it is: `{"apiVersion": "why.kontext.dev/v1", "kind": "Chain", "object": …, "steps": [ … ]}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chain {
    /// [`SCHEMA`].
    pub api_version: String,
    /// `Chain`.
    pub kind: String,
    /// The object asked about.
    pub object: Object,
    /// When it was created: whole seconds, or milliseconds where its stamp tells when the create began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<At>,
    /// Its state in a few words: `running`, `ready 2/3`, `terminating`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The steps, newest first. Those marked `older` explain an earlier state of the object.
    pub steps: Vec<Step>,
    /// What else the reader should know: stamps that were ignored, objects that may not be read, cuts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// An object, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Object {
    /// `apps/v1`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// `ReplicaSet`.
    pub kind: String,
    /// Left out for cluster-scoped objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Its uid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// The generation that is spoken of; of the chain's own object, the live one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
}

impl Object {
    /// What a stamp says of an object. Stamps leave out the namespace of the object that they stand on.
    pub(crate) fn told(object: &ObjectRef, namespace: Option<&str>) -> Self {
        let text = |text: &str| harmless(text).into_owned();
        Self {
            api_version: text(&object.api_version),
            kind: text(&object.kind),
            namespace: object.namespace.as_deref().or(namespace).map(text),
            name: text(&object.name),
            uid: object.uid.as_deref().map(text),
            generation: object.generation,
        }
    }

    /// An object of which only the key is known.
    pub(crate) fn of_key(key: &Key) -> Self {
        Self {
            api_version: harmless(key.api_version()).into_owned(),
            kind: key.kind().into(),
            namespace: key.namespace().map(Into::into),
            name: key.name().into(),
            ..Self::default()
        }
    }

    /// `Pod web`, with the namespace before the name where it is not `home`.
    pub(crate) fn short(&self, home: Option<&str>) -> String {
        match &self.namespace {
            Some(namespace) if Some(&**namespace) != home => {
                format!("{} {namespace}/{}", self.kind, self.name)
            }
            _ => format!("{} {}", self.kind, self.name),
        }
    }
}

/// A time and how exact it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// When.
    pub time: Timestamp,
    /// How exact.
    pub precision: Precision,
}

/// How exact a time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Precision {
    /// From a stamp.
    Millisecond,
    /// From `creationTimestamp` or `managedFields`, cut to whole seconds.
    Second,
}

impl At {
    /// A time out of a stamp.
    pub fn millisecond(time: Timestamp) -> Self {
        Self { time, precision: Precision::Millisecond }
    }

    /// A time that the API server has cut to seconds.
    pub fn second(time: Timestamp) -> Self {
        Self { time, precision: Precision::Second }
    }
}

/// How sure it is that this step led to the one above it (of the first: to the object as it is).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Certainty {
    /// A stamp that stands on what it explains, and whose trace the step above names.
    Stamped,
    /// A later stamp says so, and the live object agrees.
    Verified,
    /// A later stamp says so; nothing is left to compare with.
    Claimed,
    /// No stamp; concluded from owner references, managed fields and times.
    Inferred,
}

impl fmt::Display for Certainty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stamped => "stamped",
            Self::Verified => "verified",
            Self::Claimed => "claimed",
            Self::Inferred => "inferred",
        })
    }
}

/// Where a step was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// The stamp on the object itself.
    Stamp,
    /// The stamp on an Event, where the object's own was overwritten or is gone.
    Event,
    /// What the stamp of the step above says of its cause or origin.
    LaterStamp,
    /// Owner references and managed fields.
    Metadata,
}

/// One step of the chain: a write, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// How sure this step is.
    pub certainty: Certainty,
    /// Where it was read.
    pub source: Source,
    /// It explains an earlier state, and not the object as it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub older: bool,
    /// The object that was written.
    pub object: Object,
    /// When the action began; of writes without a stamp, when a controller first saw them, or what `managedFields` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<At>,
    /// W3C trace id of the write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The whole W3C `traceparent`, where it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// What was done: the field `action` or the field `write`.
    #[serde(flatten)]
    pub deed: Deed,
    /// Remarks on this step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Deed {
    /// A controller acted, with context.
    Action(ActionTold),
    /// Somebody wrote, without context: the end of a chain, or a step that is inferred.
    Write(WriteTold),
}

/// An action of a controller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionTold {
    /// `replicaset-controller`; left out where only a later stamp tells of the action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controller: Option<String>,
    /// `replicaset.CreatePod`.
    pub name: String,
    /// `1 of 3 replicas missing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The object acted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Object>,
    /// What led to it, heaviest first, as far as the stamp had room.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<CauseTold>,
    /// How many causes there were beside them.
    #[serde(default)]
    pub more_causes: u64,
    /// How many stamped actions lie before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hops: Option<u16>,
}

/// One cause of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CauseTold {
    /// `created`, `modified`, `deleted`, `resync`, `requeue`, `retry`, `timer`.
    pub event: String,
    /// What it happened to.
    pub object: Object,
    /// The action behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The field manager behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// The trace of the write behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// When the controller saw it.
    pub seen: Timestamp,
    /// Changed fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// Whether the next step is this cause.
    #[serde(default)]
    pub followed: bool,
}

/// A write that carried no context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WriteTold {
    /// By whom.
    pub who: WhoTold,
    /// `created`, `changed`, `deleted`, `found`.
    pub verb: String,
    /// What it did to the generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<GenerationStep>,
    /// Changed fields, with values where they are harmless.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// Fields that the writer owns, where nobody saw which it changed: some of these, perhaps not all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owns: Vec<String>,
    /// How many more fields it owns.
    #[serde(default)]
    pub owns_more: usize,
    /// The controller owner of the object, for which it was written.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub owner: Option<Object>,
    /// The object bore a stamp, and this write came after it without one.
    #[serde(default)]
    pub unattributed: bool,
}

/// Who wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type", content = "name")]
#[non_exhaustive]
pub enum WhoTold {
    /// An authenticated user.
    User(String),
    /// A field manager, which the client chooses itself.
    FieldManager(String),
    /// A controller on its own account.
    Controller(String),
    /// Nobody knows.
    Unknown,
}

impl From<&Who> for WhoTold {
    fn from(who: &Who) -> Self {
        let text = |name: &str| harmless(name).into_owned();
        match who {
            Who::User(name) => Self::User(text(name)),
            Who::Manager(name) => Self::FieldManager(text(name)),
            Who::Controller(name) => Self::Controller(text(name)),
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for WhoTold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "user {name}"),
            Self::FieldManager(name) => write!(f, "field manager {name}"),
            Self::Controller(name) => write!(f, "controller {name}"),
            Self::Unknown => f.write_str("somebody"),
        }
    }
}

/// What a write did to `metadata.generation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerationStep {
    /// Before; left out where not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
    /// After.
    pub to: i64,
}
