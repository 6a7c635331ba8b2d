//! The table of facts per kind: what is served, and the rules that a write of each kind follows.
//!
//! `table` holds what discovery says, `rules` how writes behave, `convert` the kinds that are served in two shapes
//! over one storage.

mod convert;
mod rules;
mod table;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

pub(crate) use rules::{Generation, NameRule, Propagation, Rules, StatusMetadata};

/// Which table of the store holds the objects of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TableId(pub(crate) usize);

/// One served resource: a group, a version and a plural name.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) namespaced: bool,
    pub(crate) verbs: Vec<String>,
    pub(crate) subresources: Vec<Subresource>,
    pub(crate) table: TableId,
    pub(crate) rules: Rules,
    /// Group of the stored form, which decides rules, defaults and validation.
    pub(crate) storage_group: String,
    conversion: Option<convert::Conversion>,
}

/// One served subresource; its kind may be of another group (`Scale`, `Eviction`).
#[derive(Debug)]
pub(crate) struct Subresource {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) verbs: Vec<String>,
}

impl Resource {
    /// `apps/v1`, or `v1` for the core group.
    pub(crate) fn api_version(&self) -> String {
        api_version(&self.group, &self.version)
    }

    /// `deployments.apps`, or `pods` for the core group: how messages name a resource.
    pub(crate) fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    pub(crate) fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|s| s.name == name)
    }

    /// Whether requests see the stored form as it is.
    pub(crate) fn is_storage_form(&self) -> bool {
        self.conversion.is_none()
    }

    /// Turns an object from the form of this resource into the stored one.
    pub(crate) fn decode(&self, object: &mut Value) {
        if let Some(conversion) = &self.conversion {
            (conversion.to_storage)(object);
        }
    }

    /// Turns a stored object into the form of this resource.
    pub(crate) fn encode(&self, object: &mut Value) {
        if let Some(conversion) = &self.conversion {
            (conversion.from_storage)(object);
        }
    }
}

/// `group/version`, or the version alone for the core group.
pub(crate) fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// All resources served, in discovery's order.
#[derive(Debug)]
pub(crate) struct Registry {
    resources: Vec<Arc<Resource>>,
    by_path: HashMap<(String, String, String), Arc<Resource>>,
    tables: usize,
}

impl Registry {
    /// The kinds that are built in.
    pub(crate) fn built_in() -> Self {
        let mut registry = Self { resources: Vec::new(), by_path: HashMap::new(), tables: 0 };
        let mut tables: HashMap<(&str, &str), TableId> = HashMap::new();
        for row in table::ROWS {
            let conversion = convert::conversion(row.group, row.version, row.plural);
            let storage_group = conversion.as_ref().map_or(row.group, |c| c.storage_group);
            let next = TableId(tables.len());
            let id = *tables.entry((storage_group, row.plural)).or_insert(next);
            registry.add(Resource {
                group: row.group.to_owned(),
                version: row.version.to_owned(),
                kind: row.kind.to_owned(),
                plural: row.plural.to_owned(),
                singular: row.singular.to_owned(),
                short_names: owned(row.short_names),
                categories: owned(row.categories),
                namespaced: row.namespaced,
                verbs: owned(row.verbs),
                subresources: row
                    .subresources
                    .iter()
                    .map(|s| Subresource {
                        name: s.name.to_owned(),
                        group: if s.version.is_empty() { row.group } else { s.group }.to_owned(),
                        version: if s.version.is_empty() { row.version } else { s.version }.to_owned(),
                        kind: s.kind.to_owned(),
                        verbs: owned(s.verbs),
                    })
                    .collect(),
                table: id,
                rules: Rules::of(storage_group, row.plural),
                storage_group: storage_group.to_owned(),
                conversion,
            });
        }
        registry.tables = tables.len();
        registry
    }

    fn add(&mut self, resource: Resource) {
        let resource = Arc::new(resource);
        let path = (resource.group.clone(), resource.version.clone(), resource.plural.clone());
        self.resources.push(resource.clone());
        self.by_path.insert(path, resource);
    }

    /// How many tables the store needs.
    pub(crate) fn tables(&self) -> usize {
        self.tables
    }

    pub(crate) fn resources(&self) -> &[Arc<Resource>] {
        &self.resources
    }

    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Resource>> {
        self.by_path.get(&(group.to_owned(), version.to_owned(), plural.to_owned()))
    }

    /// Whether a group has this version.
    pub(crate) fn serves(&self, group: &str, version: &str) -> bool {
        self.resources.iter().any(|r| r.group == group && r.version == version)
    }

    /// The groups in discovery's order, each with its versions, preferred first. The core group comes first.
    pub(crate) fn groups(&self) -> Vec<(&str, Vec<&str>)> {
        let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
        for resource in &self.resources {
            let index = groups.iter().position(|(g, _)| *g == resource.group).unwrap_or_else(|| {
                groups.push((&resource.group, Vec::new()));
                groups.len() - 1
            });
            if !groups[index].1.contains(&resource.version.as_str()) {
                groups[index].1.push(&resource.version);
            }
        }
        groups
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_event_resources_share_one_table() {
        let registry = Registry::built_in();
        let core = registry.find("", "v1", "events").unwrap();
        let new = registry.find("events.k8s.io", "v1", "events").unwrap();
        assert_eq!(core.table, new.table);
        assert!(core.is_storage_form() && !new.is_storage_form());
    }

    #[test]
    fn every_table_id_is_below_the_count_of_tables() {
        let registry = Registry::built_in();
        assert!(registry.resources().iter().all(|r| r.table.0 < registry.tables()));
    }

    #[test]
    fn a_subresource_of_another_group_keeps_it() {
        let registry = Registry::built_in();
        let scale = registry.find("apps", "v1", "deployments").unwrap().subresource("scale").unwrap();
        assert_eq!((scale.group.as_str(), scale.version.as_str()), ("autoscaling", "v1"));
        let status = registry.find("apps", "v1", "deployments").unwrap().subresource("status").unwrap();
        assert_eq!((status.group.as_str(), status.version.as_str()), ("apps", "v1"));
    }
}
