//! Whatever is sent, the answer is a Status that says what was wrong.

mod common;

use common::*;
use expect_test::expect;
use proptest::prelude::*;
use serde_json::json;

#[tokio::test]
async fn every_refusal_has_its_code_and_reason() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    client.post(DEPLOYMENTS, &deployment("web")).await.ok();
    let web = format!("{DEPLOYMENTS}/web");
    let big = vec![b'x'; 3 * 1024 * 1024 + 1];
    let mut said = Vec::new();
    for (method, path, content_type, body) in [
        ("POST", DEPLOYMENTS, "application/json", &b"{bad"[..]),
        ("POST", DEPLOYMENTS, "application/json", b"[]"),
        ("POST", DEPLOYMENTS, "application/json", b""),
        ("POST", DEPLOYMENTS, "application/json", br#"{"kind":"Pod","apiVersion":"v1"}"#),
        ("POST", DEPLOYMENTS, "application/json", br#"{"spec":{"replicas":"three"}}"#),
        ("POST", DEPLOYMENTS, "application/json", br#"{"metadata":{"name":"x","labels":{"a":1}}}"#),
        ("POST", DEPLOYMENTS, "application/json", br#"{"metadata":{"namespace":"other"}}"#),
        ("POST", DEPLOYMENTS, "application/yaml", b"a: b"),
        ("POST", DEPLOYMENTS, "application/vnd.kubernetes.protobuf", b"nonsense"),
        ("POST", DEPLOYMENTS, "application/json", &big),
        ("PATCH", &web, "application/apply-patch+yaml", b"{}"),
        ("PATCH", &web, "text/plain", b"{}"),
        ("PATCH", &web, JSON_PATCH, br#"[{"op":"test","path":"/spec/replicas","value":9}]"#),
        ("PATCH", &web, MERGE_PATCH, br#"{"metadata":{"name":"other"}}"#),
        ("PATCH", &web, MERGE_PATCH, br#"{"spec":{"selector":{"matchLabels":{"app":"other"}}}}"#),
        ("PUT", &web, "application/json", br#"{"metadata":{"name":"other"}}"#),
        ("GET", "/api/v1/namespaces/default/nothing", "", b""),
        ("GET", "/apis/nothing/v1/things", "", b""),
        ("POST", "/api/v1/pods", "", b"{}"),
        ("GET", &format!("{DEPLOYMENTS}?labelSelector=a%20in%20("), "", b""),
        ("GET", &format!("{DEPLOYMENTS}?fieldSelector=spec.replicas%3D1"), "", b""),
        ("GET", &format!("{DEPLOYMENTS}?continue=nonsense"), "", b""),
        ("GET", &format!("{DEPLOYMENTS}?limit=many"), "", b""),
        ("GET", &format!("{DEPLOYMENTS}?x=%zz"), "", b""),
        ("DELETE", &format!("{web}?propagationPolicy=Sideways"), "", b""),
    ] {
        let answer = client.send(client.request(method, path, content_type, body)).await;
        let mut line = if answer.body.is_null() {
            format!("{} {:?}", answer.status, answer.text)
        } else {
            answer.failure()
        };
        line.truncate(150);
        said.push(line);
    }
    expect![[r#"
        400 BadRequest: the object provided is unrecognized (must be of type Deployment): couldn't get version/kind; json parse error: key must be a string at
        400 BadRequest: the object provided is unrecognized (must be of type Deployment): couldn't get version/kind; json parse error: json: cannot unmarshal 
        400 BadRequest: the object provided is unrecognized (must be of type Deployment): couldn't get version/kind; json parse error: unexpected end of JSON 
        400 BadRequest: Pod in version "v1" cannot be handled as a Deployment: converting (v1.Pod) to (apps.Deployment): unknown conversion
        400 BadRequest: Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.r
        400 BadRequest: Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal number into Go struct field ObjectMeta.metadata.l
        400 BadRequest: the namespace of the provided object does not match the namespace sent on the request
        422 Invalid: Deployment.apps "" is invalid: [metadata.name: Required value: name or generateName is required, spec.selector: Required value, spec.temp
        400 BadRequest: the body is not valid protobuf: the prefix k8s\0 is missing
        413 RequestEntityTooLarge: Request entity too large: limit is 3145728
        422 Invalid: PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch
        415 UnsupportedMediaType: 415: Unsupported Media Type
        422 Invalid: the server rejected our request due to an error in our request
        400 BadRequest: the name of the object (other) does not match the name on the URL (web)
        422 Invalid: Deployment.apps "web" is invalid: [spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `label
        400 BadRequest: the name of the object (other) does not match the name on the URL (web)
        404 NotFound: the server could not find the requested resource
        404 "404 page not found\n"
        405 MethodNotAllowed: the server does not allow this method on the requested resource
        400 BadRequest: unable to parse requirement: found '', expected: ',', or identifier
        400 BadRequest: "spec.replicas" is not a known field selector: only "metadata.name", "metadata.namespace"
        400 BadRequest: invalid continue token: continue key is not valid: invalid character '\u009e' looking for beginning of value
        400 BadRequest: strconv.ParseInt: parsing "many": invalid syntax
        400 BadRequest: invalid URL escape in the query
        422 Invalid: DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Sideways": supported values: "Foreground", "Background", "#]].assert_eq(&said.join("\n"));
    assert_eq!(
        server.resource_version(),
        client.get(&web).await.ok()["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap(),
        "nothing was written"
    );
}

#[tokio::test]
async fn annotations_have_room_for_262144_bytes_and_not_one_more() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    client.post(CONFIG_MAPS, &config_map("m")).await.ok();
    let path = format!("{CONFIG_MAPS}/m");
    let with = |bytes: usize| json!({"metadata": {"annotations": {"k": "x".repeat(bytes - 1)}}});
    client.patch(&path, MERGE_PATCH, &with(262_144)).await.ok();
    let over = client.patch(&path, MERGE_PATCH, &with(262_145)).await;
    assert_eq!(
        (over.status, over.body["details"]["causes"][0]["reason"].as_str()),
        (422, Some("FieldValueTooLong"))
    );
}

#[tokio::test]
async fn fields_that_do_not_exist_are_dropped_or_refused_as_asked() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let mut object = deployment("web");
    object["spec"]["replica"] = json!(3);
    let strict = client.post(&format!("{DEPLOYMENTS}?fieldValidation=Strict"), &object).await;
    assert_eq!(
        strict.failure(),
        "400 BadRequest: Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: unknown field \"spec.replica\""
    );
    let created = client.post(DEPLOYMENTS, &object).await.ok();
    assert!(created["spec"].get("replica").is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn no_request_panics_or_goes_unanswered(
        method in prop::sample::select(vec!["GET", "POST", "PUT", "PATCH", "DELETE"]),
        tail in "[a-z0-9/%.:-]{0,20}",
        query in "[a-zA-Z]{0,16}(=[a-z0-9%(),!=]{0,12})?",
        content_type in prop::sample::select(vec!["application/json", JSON_PATCH, MERGE_PATCH, STRATEGIC, "application/vnd.kubernetes.protobuf"]),
        body in "(k8s\u{0})?[\\[{\"a-z:,0-9}\\]]{0,40}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = server().await;
            let client = Client::new(&server, "alice");
            client.post(CONFIG_MAPS, &config_map("m")).await.ok();
            for start in [CONFIG_MAPS, "/api", "/apis/apps", ""] {
                // A watch that goes on is a good answer too, so only its head is looked at.
                let path = format!("{start}/{tail}?{query}");
                let Ok(uri) = path.parse::<http::Uri>() else { continue };
                let request = client.request(method, &uri.to_string(), content_type, body.as_bytes());
                let response = client.raw(request).await.unwrap();
                assert!(response.status().as_u16() >= 200);
            }
        });
    }
}
