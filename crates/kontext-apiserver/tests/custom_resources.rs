//! Kinds that clients define, from their definition to their end.

mod common;

use common::{Client, MERGE_PATCH, STRATEGIC, generation, server};
use serde_json::{Value, json};

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";

fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"}},
                "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
                "selectableFields": [{"jsonPath": ".spec.mode"}],
                "schema": {"openAPIV3Schema": {"type": "object", "required": ["spec"], "properties": {
                    "spec": {"type": "object", "properties": {
                        "size": {"type": "integer", "minimum": 0, "default": 1},
                        "mode": {"type": "string", "enum": ["Fast", "Slow"]},
                    }},
                    "status": {"type": "object", "properties": {"size": {"type": "integer"}}},
                }}},
            }],
        },
    })
}

fn widget(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name}, "spec": spec})
}

async fn defined() -> Client {
    let client = Client::new(&server().await, "alice");
    client.post(DEFINITIONS, &definition()).await.ok();
    client
}

fn conditions(definition: &Value) -> Vec<String> {
    let conditions = definition["status"]["conditions"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    conditions.map(|c| format!("{}={}", text(&c["type"]), text(&c["status"]))).collect()
}

#[tokio::test]
async fn a_definition_is_established_and_its_kind_served() {
    let client = Client::new(&server().await, "alice");
    assert_eq!(client.get(WIDGETS).await.status, 404);
    let created = client.post(DEFINITIONS, &definition()).await.ok();
    assert_eq!(created["spec"]["names"]["listKind"], "WidgetList");
    assert_eq!(created["status"]["storedVersions"], json!(["v1"]));
    assert_eq!(created["status"]["conditions"], Value::Null);
    let now = client.get(&format!("{DEFINITIONS}/widgets.example.com")).await.ok();
    assert_eq!(conditions(&now), ["NamesAccepted=True", "Established=True"]);
    assert_eq!(generation(&now), 1);
    assert_eq!(now["status"]["acceptedNames"], now["spec"]["names"]);
    let list = client.get(WIDGETS).await.ok();
    assert_eq!((&list["kind"], &list["apiVersion"]), (&json!("WidgetList"), &json!("example.com/v1")));
    let discovered = client.get("/apis/example.com/v1").await.ok();
    let names: Vec<&str> =
        discovered["resources"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["widgets", "widgets/status", "widgets/scale"]);
}

#[tokio::test]
async fn objects_are_pruned_defaulted_and_validated() {
    let client = defined().await;
    let answer = client.post(WIDGETS, &widget("a", &json!({"colour": "red"}))).await;
    assert_eq!(answer.headers["warning"], r#"299 - "unknown field \"spec.colour\"""#);
    let created = answer.ok();
    assert_eq!(created["spec"], json!({"size": 1}));
    assert_eq!(generation(&created), 1);
    let strict = format!("{WIDGETS}?fieldValidation=Strict");
    assert_eq!(
        client.post(&strict, &widget("b", &json!({"colour": "red"}))).await.failure(),
        r#"400 BadRequest: Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.colour""#
    );
    assert_eq!(
        client.post(WIDGETS, &widget("b", &json!({"size": -1, "mode": "Odd"}))).await.failure(),
        r#"422 Invalid: Widget.example.com "b" is invalid: [spec.mode: Unsupported value: "Odd": supported values: "Fast", "Slow", spec.size: Invalid value: -1: spec.size in body should be greater than or equal to 0, .spec.size: Invalid value: -1: should be a non-negative integer]"#
    );
}

#[tokio::test]
async fn status_and_scale_are_doors_of_their_own() {
    let client = defined().await;
    client.post(WIDGETS, &widget("a", &json!({"size": 2}))).await.ok();
    let path = format!("{WIDGETS}/a");
    let patch = json!({"metadata": {"labels": {"x": "y"}}, "spec": {"size": 5}, "status": {"size": 1}});
    let after = client.patch(&format!("{path}/status"), MERGE_PATCH, &patch).await.ok();
    assert_eq!((&after["spec"]["size"], &after["status"]["size"]), (&json!(2), &json!(1)));
    assert_eq!((generation(&after), &after["metadata"]["labels"]), (1, &Value::Null));
    let after = client
        .patch(&path, MERGE_PATCH, &json!({"status": {"size": 9}, "metadata": {"labels": {"x": "y"}}}))
        .await;
    let after = after.ok();
    assert_eq!((&after["status"]["size"], generation(&after)), (&json!(1), 1));
    let scale =
        client.patch(&format!("{path}/scale"), MERGE_PATCH, &json!({"spec": {"replicas": 4}})).await.ok();
    assert_eq!(
        (&scale["kind"], &scale["spec"]["replicas"], &scale["status"]["replicas"]),
        (&json!("Scale"), &json!(4), &json!(1))
    );
    let after = client.get(&path).await.ok();
    assert_eq!((&after["spec"]["size"], generation(&after)), (&json!(4), 2));
    assert_eq!(client.patch(&path, STRATEGIC, &json!({})).await.status, 415);
}

#[tokio::test]
async fn selectable_fields_select() {
    let client = defined().await;
    for (name, mode) in [("a", "Fast"), ("b", "Slow"), ("c", "Fast")] {
        client.post(WIDGETS, &widget(name, &json!({"mode": mode}))).await.ok();
    }
    let list = client.get(&format!("{WIDGETS}?fieldSelector=spec.mode%3DFast")).await.ok();
    let names: Vec<&str> =
        list["items"].as_array().unwrap().iter().map(|i| i["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a", "c"]);
    assert_eq!(client.get(&format!("{WIDGETS}?fieldSelector=spec.size%3D1")).await.status, 400);
}

#[tokio::test]
async fn a_new_version_serves_the_objects_that_are_there() {
    let client = defined().await;
    client.post(WIDGETS, &widget("a", &json!({"size": 3}))).await.ok();
    let path = format!("{DEFINITIONS}/widgets.example.com");
    let mut changed = client.get(&path).await.ok();
    let mut next = changed["spec"]["versions"][0].clone();
    next["name"] = json!("v2");
    next["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["mode"]["default"] = json!("Slow");
    changed["spec"]["versions"][0]["storage"] = json!(false);
    changed["spec"]["versions"][0]["deprecated"] = json!(true);
    changed["spec"]["versions"].as_array_mut().unwrap().push(next);
    let after = client.put(&path, &changed).await.ok();
    assert_eq!(after["status"]["storedVersions"], json!(["v1", "v2"]));
    assert_eq!(generation(&after), 2);
    let new = client.get("/apis/example.com/v2/namespaces/default/widgets/a").await.ok();
    assert_eq!(
        (&new["apiVersion"], &new["spec"]),
        (&json!("example.com/v2"), &json!({"size": 3, "mode": "Slow"}))
    );
    let old = client.get(&format!("{WIDGETS}/a")).await;
    assert_eq!(
        old.headers["warning"],
        r#"299 - "example.com/v1 Widget is deprecated; use example.com/v2 Widget""#
    );
    assert_eq!(old.ok()["spec"], json!({"size": 3}));
    let mut without = after.clone();
    without["spec"]["versions"].as_array_mut().unwrap().remove(0);
    assert!(
        client
            .put(&path, &without)
            .await
            .failure()
            .starts_with("422 Invalid: CustomResourceDefinition.apiextensions.k8s.io")
    );
}

#[tokio::test]
async fn a_definition_that_goes_takes_its_objects_with_it() {
    let client = defined().await;
    client.post(WIDGETS, &widget("a", &json!({}))).await.ok();
    let mut held = widget("b", &json!({}));
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    client.post(WIDGETS, &held).await.ok();
    let mut watch = client.watch(&format!("{WIDGETS}?watch=1")).await;
    assert_eq!(watch.take(2).await, ["ADDED a", "ADDED b"]);
    let path = format!("{DEFINITIONS}/widgets.example.com");
    let deleted = client.delete(&path, &json!({})).await.ok();
    assert_eq!(deleted["metadata"]["finalizers"], json!(["customresourcecleanup.apiextensions.k8s.io"]));
    assert_eq!(watch.take(2).await, ["DELETED a", "MODIFIED b"]);
    assert_eq!(
        client.post(WIDGETS, &widget("c", &json!({}))).await.failure(),
        r#"403 Forbidden: widgets.example.com "c" is forbidden: create not allowed while custom resource definition is terminating"#
    );
    assert_eq!(
        conditions(&client.get(&path).await.ok()),
        ["NamesAccepted=True", "Established=True", "Terminating=True"]
    );
    client.patch(&format!("{WIDGETS}/b"), MERGE_PATCH, &json!({"metadata": {"finalizers": null}})).await.ok();
    assert_eq!(client.get(&path).await.status, 404);
    assert_eq!(client.get(WIDGETS).await.status, 404);
    assert_eq!(watch.take(1).await, ["DELETED b"]);
    assert_eq!(watch.next().await, Ok(None));
    client.post(DEFINITIONS, &definition()).await.ok();
    assert_eq!(client.get(WIDGETS).await.ok()["items"], json!([]));
}

#[tokio::test]
async fn a_table_has_the_columns_of_the_definition() {
    let client = defined().await;
    client.post(WIDGETS, &widget("a", &json!({"size": 7}))).await.ok();
    let mut request = client.request("GET", WIDGETS, "application/json", b"");
    request.headers_mut().insert("accept", "application/json;as=Table;v=v1;g=meta.k8s.io".parse().unwrap());
    let table = client.send(request).await.ok();
    assert_eq!(table["columnDefinitions"][1]["name"], "Size");
    assert_eq!(table["rows"][0]["cells"], json!(["a", 7]));
}

#[tokio::test]
async fn definitions_that_are_none_are_refused() {
    let client = Client::new(&server().await, "alice");
    let mut wrong = definition();
    wrong["metadata"]["name"] = json!("widget.example.com");
    assert_eq!(
        client.post(DEFINITIONS, &wrong).await.failure(),
        r#"422 Invalid: CustomResourceDefinition.apiextensions.k8s.io "widget.example.com" is invalid: metadata.name: Invalid value: "widget.example.com": must be spec.names.plural+"."+spec.group"#
    );
    let mut ruled = definition();
    ruled["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["x-kubernetes-validations"] =
        json!([{"rule": "self.size > 0"}]);
    let answer = client.post(DEFINITIONS, &ruled).await;
    assert!(answer.headers["warning"].to_str().unwrap().contains("x-kubernetes-validations"));
    assert_eq!(answer.status, 201);
}

#[tokio::test]
async fn a_custom_resource_says_what_it_is() {
    let client = defined().await;
    let mut body = json!({"metadata": {"name": "a"}});
    assert_eq!(
        client.post(WIDGETS, &body).await.failure(),
        r#"400 BadRequest: the object provided is unrecognized (must be of type Widget): Object 'Kind' is missing in '{"metadata":{"name":"a"}}' ({"metadata":{"name":"a"}})"#
    );
    body["kind"] = json!("Widget");
    assert_eq!(
        client.post(WIDGETS, &body).await.failure(),
        "400 BadRequest: the API version in the data () does not match the expected API version (example.com/v1)"
    );
    body["apiVersion"] = json!("example.com/v1");
    body["kind"] = json!("Gadget");
    assert_eq!(
        client.post(WIDGETS, &body).await.failure(),
        r#"422 Invalid: Gadget.example.com "a" is invalid: kind: Invalid value: "Gadget": must be Widget"#
    );
    body["kind"] = json!(3);
    let failure = client.post(WIDGETS, &body).await.failure();
    assert!(
        failure.contains("cannot unmarshal number into Go struct field .kind of type string"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_patch_does_not_change_what_an_object_is() {
    let client = defined().await;
    client.post(WIDGETS, &widget("a", &json!({}))).await.ok();
    let path = format!("{WIDGETS}/a");
    assert_eq!(
        client.patch(&path, MERGE_PATCH, &json!({"kind": "Gadget"})).await.failure(),
        r#"422 Invalid: Gadget.example.com "a" is invalid: kind: Invalid value: "Gadget": must be Widget"#
    );
    assert_eq!(
        client.patch(&path, MERGE_PATCH, &json!({"apiVersion": null})).await.failure(),
        "500 InternalError: Internal error occurred: Object 'apiVersion' is missing in 'object has no apiVersion field'"
    );
}

#[tokio::test]
async fn only_a_deletion_says_that_an_object_is_being_deleted() {
    let client = defined().await;
    client.post(WIDGETS, &widget("a", &json!({}))).await.ok();
    let path = format!("{WIDGETS}/a");
    let given = json!({"metadata": {"deletionTimestamp": "2020-01-01T00:00:00Z"}});
    assert_eq!(
        client.patch(&path, MERGE_PATCH, &given).await.failure(),
        r#"422 Invalid: Widget.example.com "a" is invalid: metadata.deletionTimestamp: Invalid value: "2020-01-01T00:00:00Z": field is immutable"#
    );
    client.patch(&path, MERGE_PATCH, &json!({"metadata": {"finalizers": ["a.b/c"]}})).await.ok();
    client.send(client.request("DELETE", &path, "application/json", b"")).await.ok();
    let kept = client.patch(&path, MERGE_PATCH, &given).await.ok();
    assert_ne!(kept["metadata"]["deletionTimestamp"], given["metadata"]["deletionTimestamp"]);
    let grace = json!({"metadata": {"deletionGracePeriodSeconds": 9}});
    assert_eq!(
        client.patch(&path, MERGE_PATCH, &grace).await.failure(),
        r#"422 Invalid: Widget.example.com "a" is invalid: metadata.deletionGracePeriodSeconds: Invalid value: 9: field is immutable"#
    );
}
