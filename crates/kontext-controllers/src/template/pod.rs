use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::model::Owner;

/// Longest name of an object whose name is a DNS subdomain.
const MAX_NAME: usize = 253;

/// Why no pod can be made from a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PodTemplateError {
    /// A pod without labels would never be found again by its owner's selector.
    #[error("unable to create pods, no labels")]
    NoLabels,
    /// The owner reference lacks a kind, a name or a UID.
    #[error("unable to create pods, the owner reference is incomplete")]
    IncompleteOwner,
}

/// The body that creates a pod: labels, annotations, finalizers and spec of the template as they are, a generated name,
/// and one controller owner. The namespace is in the request's path.
pub fn pod_from_template(template: &Value, owner: &Owner) -> Result<Value, PodTemplateError> {
    if [&owner.api_version, &owner.kind, &owner.name, &owner.uid].iter().any(|text| text.is_empty()) {
        return Err(PodTemplateError::IncompleteOwner);
    }
    let from = |key: &str| template.get("metadata").and_then(|metadata| metadata.get(key)).cloned();
    let labels = from("labels").filter(|labels| labels.as_object().is_some_and(|map| !map.is_empty()));
    let mut metadata = Map::new();
    metadata.insert("generateName".to_owned(), generate_name(&owner.name).into());
    metadata.insert("labels".to_owned(), labels.ok_or(PodTemplateError::NoLabels)?);
    for key in ["annotations", "finalizers"] {
        if let Some(value) = from(key).filter(|value| !value.is_null()) {
            metadata.insert(key.to_owned(), value);
        }
    }
    metadata.insert("ownerReferences".to_owned(), json!([owner_reference(owner)]));
    let spec = template.get("spec").cloned().unwrap_or_else(|| json!({}));
    Ok(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}))
}

/// The owner reference of a controller, as it is written to a child.
#[must_use]
pub fn owner_reference(owner: &Owner) -> Value {
    json!({
        "apiVersion": &*owner.api_version,
        "kind": &*owner.kind,
        "name": &*owner.name,
        "uid": &*owner.uid,
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// `<owner>-`, or just the owner's name where the dash would make it too long for a name.
#[must_use]
pub fn generate_name(owner: &str) -> String {
    if owner.len() < MAX_NAME { format!("{owner}-") } else { owner.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::intern;

    fn owner() -> Owner {
        Owner {
            api_version: intern("apps/v1"),
            kind: intern("ReplicaSet"),
            name: intern("web-5d4f8"),
            uid: intern("u-rs"),
        }
    }

    #[test]
    fn a_pod_is_the_template_with_a_generated_name_and_one_owner() {
        let template = json!({
            "metadata": {"labels": {"app": "web"}, "annotations": {"note": "x"}, "finalizers": ["example.com/keep"],
                         "name": "ignored", "creationTimestamp": null},
            "spec": {"containers": [{"name": "app", "fieldOfTheFuture": 1}]}
        });
        let pod = pod_from_template(&template, &owner()).unwrap();
        expect_test::expect![[r#"
            {
              "apiVersion": "v1",
              "kind": "Pod",
              "metadata": {
                "annotations": {
                  "note": "x"
                },
                "finalizers": [
                  "example.com/keep"
                ],
                "generateName": "web-5d4f8-",
                "labels": {
                  "app": "web"
                },
                "ownerReferences": [
                  {
                    "apiVersion": "apps/v1",
                    "blockOwnerDeletion": true,
                    "controller": true,
                    "kind": "ReplicaSet",
                    "name": "web-5d4f8",
                    "uid": "u-rs"
                  }
                ]
              },
              "spec": {
                "containers": [
                  {
                    "fieldOfTheFuture": 1,
                    "name": "app"
                  }
                ]
              }
            }"#]]
        .assert_eq(&serde_json::to_string_pretty(&pod).unwrap());
    }

    #[test]
    fn a_template_without_labels_and_an_owner_without_uid_make_no_pod() {
        let template = json!({"metadata": {"labels": {}}, "spec": {}});
        assert_eq!(pod_from_template(&template, &owner()), Err(PodTemplateError::NoLabels));
        let nobody = Owner { uid: intern(""), ..owner() };
        assert_eq!(pod_from_template(&template, &nobody), Err(PodTemplateError::IncompleteOwner));
    }

    #[test]
    fn the_longest_name_gets_no_dash() {
        assert_eq!(generate_name("web"), "web-");
        assert_eq!(generate_name(&"a".repeat(252)).len(), 253);
        assert_eq!(generate_name(&"a".repeat(253)), "a".repeat(253));
    }
}
