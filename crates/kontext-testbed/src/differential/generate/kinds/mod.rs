//! What objects of each kind look like, and which values are tried in them.

mod apps;
mod batch;
mod core;
mod custom;
pub(super) mod frontier;
mod policy;

use serde_json::Value;

/// One kind.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    pub(super) kind: &'static str,
    pub(super) plural: &'static str,
    pub(super) group_version: &'static str,
    pub(super) namespaced: bool,
    pub(super) delete_collection: bool,
    pub(super) scale: bool,
    /// A valid object without a name.
    pub(super) template: Value,
    /// Places (JSON pointers) and the values that are tried there, valid ones and others.
    pub(super) fields: Vec<Field>,
    /// The same for what `/status` writes; empty where there is no such subresource.
    pub(super) status: Vec<Field>,
    /// Parts of objects for merge patches and applies.
    pub(super) snippets: Vec<Value>,
}

pub(super) type Field = (&'static str, Vec<Value>);

/// All kinds; `frontier` adds the values whose judgement is not all ours yet, and kinds that have not settled.
pub(super) fn all(frontier: bool) -> Vec<Kind> {
    let mut kinds = [core::kinds(), apps::kinds(), batch::kinds(), policy::kinds(), custom::kinds()].concat();
    kinds.retain(|kind| {
        let settled = !frontier::KINDS.contains(&kind.plural) && !kind.group_version.ends_with("v1beta1");
        frontier || settled
    });
    if !frontier {
        kinds.iter_mut().for_each(frontier::without);
    }
    kinds
}

impl Kind {
    /// A namespaced kind with nothing special.
    fn new(group_version: &'static str, kind: &'static str, plural: &'static str, template: Value) -> Self {
        Self {
            kind,
            plural,
            group_version,
            namespaced: true,
            delete_collection: true,
            scale: false,
            template,
            fields: Vec::new(),
            status: Vec::new(),
            snippets: Vec::new(),
        }
    }

    fn cluster_scoped(mut self) -> Self {
        self.namespaced = false;
        self
    }

    fn scaled(mut self) -> Self {
        self.scale = true;
        self
    }

    fn fields(mut self, fields: Vec<Field>) -> Self {
        self.fields = fields;
        self
    }

    fn status(mut self, status: Vec<Field>) -> Self {
        self.status = status;
        self
    }

    fn snippets(mut self, snippets: Vec<Value>) -> Self {
        self.snippets = snippets;
        self
    }

    /// The path of the collection.
    pub(super) fn collection(&self) -> String {
        let root = if self.group_version.contains('/') { "/apis" } else { "/api" };
        let namespace = if self.namespaced { "/namespaces/$NS" } else { "" };
        format!("{root}/{}{namespace}/{}", self.group_version, self.plural)
    }

    /// The path of an object.
    pub(super) fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.collection())
    }

    /// A name that is the script's own.
    pub(super) fn scoped_name(&self, name: &str) -> String {
        if self.namespaced { name.to_owned() } else { format!("$NS-{name}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_kind_is_there_twice() {
        let all = all(true);
        for (index, kind) in all.iter().enumerate() {
            assert!(
                all[..index]
                    .iter()
                    .all(|other| (other.plural, other.group_version) != (kind.plural, kind.group_version)),
                "{}",
                kind.plural
            );
        }
    }
}
