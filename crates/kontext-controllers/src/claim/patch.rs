use serde_json::{Value, json};

use crate::{model::Owner, template::owner_reference};

/// Strategic merge patch that makes `owner` the controller of a child. The child's UID works as a precondition.
/// Owner references merge by UID: a reference to the same owner that is not the controller is upgraded, others stay.
#[must_use]
pub fn adoption_patch(owner: &Owner, child_uid: &str) -> Value {
    json!({"metadata": {"ownerReferences": [owner_reference(owner)], "uid": child_uid}})
}

/// Strategic merge patch that removes `owner_uid` from a child's owners. Answers 404 and 422 mean that there is nothing
/// left to release.
#[must_use]
pub fn release_patch(owner_uid: &str, child_uid: &str) -> Value {
    json!({"metadata": {"ownerReferences": [{"$patch": "delete", "uid": owner_uid}], "uid": child_uid}})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::intern;

    #[test]
    fn patches_name_the_child_by_uid() {
        let owner = Owner {
            api_version: intern("apps/v1"),
            kind: intern("ReplicaSet"),
            name: intern("web"),
            uid: intern("u-rs"),
        };
        expect_test::expect![[r#"{"metadata":{"ownerReferences":[{"apiVersion":"apps/v1","blockOwnerDeletion":true,"controller":true,"kind":"ReplicaSet","name":"web","uid":"u-rs"}],"uid":"u-pod"}}"#]]
            .assert_eq(&adoption_patch(&owner, "u-pod").to_string());
        expect_test::expect![[
            r#"{"metadata":{"ownerReferences":[{"$patch":"delete","uid":"u-rs"}],"uid":"u-pod"}}"#
        ]]
        .assert_eq(&release_patch("u-rs", "u-pod").to_string());
    }
}
