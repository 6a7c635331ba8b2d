//! Which form of an answer the client accepts. Everything is JSON, or YAML made of it; clients that would rather have protobuf get JSON
//! where they accept that too.

use super::call::YAML;
use crate::error::ApiError;

/// The form of objects in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Objects as they are.
    Object,
    /// `meta.k8s.io/v1` Table.
    Table,
    /// `meta.k8s.io/v1` PartialObjectMetadata, or the list of them.
    Metadata,
}

/// Chooses the first accepted media type that this server can produce.
pub(crate) fn negotiate(accept: Option<&str>, is_list: bool) -> Result<Form, ApiError> {
    let Some(accept) = accept.filter(|a| !a.trim().is_empty()) else { return Ok(Form::Object) };
    accept.split(',').filter_map(|entry| form(entry, is_list)).next().ok_or_else(ApiError::not_acceptable)
}

fn form(entry: &str, is_list: bool) -> Option<Form> {
    let mut parts = entry.split(';').map(str::trim);
    if !matches!(parts.next()?, "application/json" | YAML | "application/*" | "*/*") {
        return None;
    }
    let parameters: Vec<(&str, &str)> = parts.filter_map(|p| p.split_once('=')).collect();
    let parameter = |key: &str| parameters.iter().find(|(k, _)| *k == key).map(|(_, v)| v.trim());
    let Some(shape) = parameter("as") else { return Some(Form::Object) };
    if parameter("g") != Some("meta.k8s.io") || parameter("v") != Some("v1") {
        return None;
    }
    match shape {
        "Table" => Some(Form::Table),
        "PartialObjectMetadata" if !is_list => Some(Form::Metadata),
        "PartialObjectMetadataList" if is_list => Some(Form::Metadata),
        _ => None,
    }
}

/// Whether the first media type of those that are served is YAML.
pub(crate) fn prefers_yaml(accept: &str) -> bool {
    accept
        .split(',')
        .filter_map(|entry| entry.split(';').next().map(str::trim))
        .find(|media_type| matches!(*media_type, "application/json" | YAML | "application/*" | "*/*"))
        == Some(YAML)
}

/// Whether the client prefers aggregated discovery (`apidiscovery.k8s.io/v2`).
pub(crate) fn wants_aggregated_discovery(accept: Option<&str>) -> bool {
    accept.unwrap_or_default().split(',').any(|entry| {
        let compact: String = entry.chars().filter(|c| !c.is_whitespace()).collect();
        compact.starts_with("application/json;")
            && compact.contains("g=apidiscovery.k8s.io")
            && compact.split(';').any(|p| p == "v=v2")
            && compact.contains("as=APIGroupDiscoveryList")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_form_that_can_be_produced_wins() {
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        assert_eq!(negotiate(Some(table), true).unwrap(), Form::Table);
        let protobuf = "application/vnd.kubernetes.protobuf,application/json";
        assert_eq!(negotiate(Some(protobuf), true).unwrap(), Form::Object);
        let metadata = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
        assert_eq!(negotiate(Some(metadata), true).unwrap(), Form::Metadata);
        assert_eq!(negotiate(None, true).unwrap(), Form::Object);
    }

    #[test]
    fn a_client_that_takes_protobuf_only_is_told() {
        assert_eq!(negotiate(Some("application/vnd.kubernetes.protobuf"), false).unwrap_err().code, 406);
    }
}
