//! Reading lists and watch events without building trees: the items stay slices of the answer.

use serde::Deserialize;
use serde_json::value::RawValue;

/// One page of a list.
#[derive(Deserialize)]
pub(super) struct Page<'a> {
    pub(super) metadata: PageMeta,
    #[serde(borrow, default)]
    pub(super) items: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageMeta {
    #[serde(default)]
    pub(super) resource_version: String,
    #[serde(default, rename = "continue")]
    pub(super) next: Option<String>,
}

/// One line of a watch.
#[derive(Deserialize)]
pub(super) struct Line<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    #[serde(borrow)]
    pub(super) object: &'a RawValue,
}

/// The little that is read of bookmarks, and of objects that could not be read whole.
#[derive(Deserialize, Default)]
pub(super) struct Partial {
    #[serde(default)]
    pub(super) metadata: PartialMeta,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PartialMeta {
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    pub(super) resource_version: Option<String>,
}

/// The `Status` of an ERROR line.
#[derive(Debug, Deserialize)]
pub(super) struct Failure {
    #[serde(default)]
    pub(super) code: u16,
    #[serde(default)]
    pub(super) reason: String,
    #[serde(default)]
    pub(super) message: String,
}
