//! Volumes, claims, classes.

use serde_json::{Value, json};

use super::cells::{at, items, joined, text, text_or};

fn access_modes(object: &Value, pointer: &str) -> String {
    let modes = items(object, pointer);
    let short = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    joined(short.into_iter().filter(|(mode, _)| modes.iter().any(|m| m == mode)).map(|(_, short)| short))
}

pub(super) fn claim(object: &Value, age: Value) -> Vec<Value> {
    let bound = !text(object, "/spec/volumeName").is_empty();
    let phase = if at(object, "/metadata/deletionTimestamp").is_null() {
        text(object, "/status/phase")
    } else {
        "Terminating"
    };
    let (capacity, modes) = if bound {
        (text(object, "/status/capacity/storage"), access_modes(object, "/status/accessModes"))
    } else {
        ("", String::new())
    };
    vec![
        json!(phase),
        json!(text(object, "/spec/volumeName")),
        json!(capacity),
        json!(modes),
        json!(text(object, "/spec/storageClassName")),
        json!(text_or(object, "/spec/volumeAttributesClassName", "<unset>")),
        age,
        json!(text_or(object, "/spec/volumeMode", "<unset>")),
    ]
}

pub(super) fn volume(object: &Value, age: Value) -> Vec<Value> {
    let claim = match at(object, "/spec/claimRef") {
        Value::Null => String::new(),
        claim => format!("{}/{}", text(claim, "/namespace"), text(claim, "/name")),
    };
    let phase = if at(object, "/metadata/deletionTimestamp").is_null() {
        text(object, "/status/phase")
    } else {
        "Terminating"
    };
    vec![
        json!(text(object, "/spec/capacity/storage")),
        json!(access_modes(object, "/spec/accessModes")),
        json!(text(object, "/spec/persistentVolumeReclaimPolicy")),
        json!(phase),
        json!(claim),
        json!(text(object, "/spec/storageClassName")),
        json!(text_or(object, "/spec/volumeAttributesClassName", "<unset>")),
        json!(text(object, "/status/reason")),
        age,
        json!(text_or(object, "/spec/volumeMode", "<unset>")),
    ]
}

pub(super) fn class(object: &Value, age: Value) -> Vec<Value> {
    vec![
        json!(text(object, "/provisioner")),
        json!(text_or(object, "/reclaimPolicy", "Delete")),
        json!(text_or(object, "/volumeBindingMode", "<unset>")),
        json!(at(object, "/allowVolumeExpansion").as_bool().unwrap_or_default()),
        age,
    ]
}

pub(super) fn driver(object: &Value, age: Value) -> Vec<Value> {
    let flag = |pointer: &str| json!(at(object, pointer).as_bool().unwrap_or_default());
    let modes = joined(items(object, "/spec/volumeLifecycleModes").iter().filter_map(Value::as_str));
    let audiences = match at(object, "/spec/tokenRequests") {
        Value::Null => "<unset>".to_owned(),
        _ => joined(items(object, "/spec/tokenRequests").iter().map(|request| text(request, "/audience"))),
    };
    vec![
        json!(at(object, "/spec/attachRequired").as_bool().unwrap_or(true)),
        flag("/spec/podInfoOnMount"),
        flag("/spec/storageCapacity"),
        json!(audiences),
        flag("/spec/requiresRepublish"),
        json!(if modes.is_empty() { "<none>" } else { &modes }),
        age,
    ]
}

pub(super) fn attachment(object: &Value, age: Value) -> Vec<Value> {
    vec![
        json!(text(object, "/spec/attacher")),
        json!(text(object, "/spec/source/persistentVolumeName")),
        json!(text(object, "/spec/nodeName")),
        json!(at(object, "/status/attached").as_bool().unwrap_or_default()),
        age,
    ]
}
