use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;

fn definition(schema: &Value) -> Value {
    json!({
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "conversion": {"strategy": "None"},
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
        },
        "status": {"acceptedNames": {"kind": "", "plural": ""}, "storedVersions": ["v1"]},
    })
}

fn check(definition: &Value, expected: &Expect) {
    let lines: Vec<String> =
        validate(definition, None, "").iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
    expected.assert_eq(&lines.join("\n"));
}

#[test]
fn a_good_definition_is_accepted() {
    check(
        &definition(&json!({"type": "object", "properties": {"spec": {"type": "object"}}})),
        &expect![[""]],
    );
}

#[test]
fn names_and_versions_must_agree() {
    let mut bad = definition(&json!({"type": "object"}));
    bad["metadata"]["name"] = json!("widget.example.com");
    bad["spec"]["group"] = json!("example");
    bad["spec"]["scope"] = json!("Galaxy");
    bad["spec"]["versions"][0]["storage"] = json!(false);
    bad["spec"]["versions"][0]["schema"] = json!(null);
    check(
        &bad,
        &expect![[r#"
            metadata.name: Invalid value: "widget.example.com": must be spec.names.plural+"."+spec.group
            spec.group: Invalid value: "example": should be a domain with at least one dot
            spec.scope: Unsupported value: "Galaxy": supported values: "Cluster", "Namespaced"
            spec.versions[0].schema.openAPIV3Schema: Required value
            spec.versions: Invalid value: [{"name":"v1","schema":null,"served":true,"storage":false}]: must have exactly one version marked as storage version"#]],
    );
}

#[test]
fn a_schema_must_be_structural() {
    let schema = json!({"type": "object", "properties": {
        "spec": {"type": "object", "properties": {"a": {}, "b": {"type": "array"}},
                 "anyOf": [{"properties": {"c": {"type": "string"}}}]},
        "metadata": {"type": "object", "properties": {"labels": {"type": "object"}}},
    }});
    check(
        &definition(&schema),
        &expect![[r#"
            spec.validation.openAPIV3Schema.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified
            spec.validation.openAPIV3Schema.properties[spec].anyOf[0].properties[c].type: Forbidden: must be empty to be structural
            spec.validation.openAPIV3Schema.properties[spec].properties[a].type: Required value: must not be empty for specified object fields
            spec.validation.openAPIV3Schema.properties[spec].properties[b].items: Required value: must be specified
            spec.validation.openAPIV3Schema.properties[spec].properties[c]: Required value: because it is defined in spec.validation.openAPIV3Schema.properties[spec].anyOf[0].properties[c]"#]],
    );
}

#[test]
fn lists_that_are_maps_need_keys_that_are_there() {
    let schema = json!({"type": "object", "properties": {
        "list": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name", "none"],
                 "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
        "size": {"type": "integer", "default": "many"},
        "strange": {"type": "string", "pattern": "("},
    }});
    check(
        &definition(&schema),
        &expect![[r#"
            spec.validation.openAPIV3Schema.properties[strange].pattern: Invalid value: "(": must be a valid regular expression, but isn't: unclosed group
            spec.validation.openAPIV3Schema.properties[list].items.properties[name].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property
            spec.validation.openAPIV3Schema.properties[list].x-kubernetes-list-map-keys: Invalid value: ["name","none"]: entries must all be names of item properties"#]],
    );
}

#[test]
fn rules_that_are_not_evaluated_are_spoken_of() {
    let schema = json!({"type": "object", "x-kubernetes-validations": [{"rule": "true"}],
                        "properties": {"a": {"type": "string", "format": "strange"}}});
    let warnings = warnings(&definition(&schema), None);
    assert_eq!(warnings[0], r#"unrecognized format "strange""#);
    assert!(warnings[1].contains("does not evaluate x-kubernetes-validations"));
}
