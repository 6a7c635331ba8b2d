//! The table of facts per kind: what is served, and the rules that a write of each kind follows.
//!
//! `table` holds what discovery says, `rules` how writes behave, `convert` the kinds that are served in two shapes
//! over one storage.

mod catalog;
mod convert;
mod rules;
mod table;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::schema::{self, MergeType};

pub(crate) use catalog::Catalog;
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
    /// How apply merges the objects of this version, and how ownership of their fields is tracked.
    pub(crate) merge_type: MergeType,
    conversion: Option<convert::Conversion>,
    /// Defined by a CustomResourceDefinition, not built in.
    pub(crate) custom: bool,
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

/// All resources served, in discovery's order: the built-in ones, then the custom ones by group.
#[derive(Clone, Debug)]
pub(crate) struct Registry {
    resources: Vec<Arc<Resource>>,
    /// Indexes into `resources`, by group, version and plural.
    by_path: HashMap<String, HashMap<String, HashMap<String, usize>>>,
    tables: usize,
}

impl Registry {
    /// The kinds that are built in.
    pub(crate) fn built_in() -> Self {
        let mut registry = Self::empty();
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
                merge_type: schema::merge_type_of(row.group, row.version, row.kind)
                    .unwrap_or_else(MergeType::deduced),
                conversion,
                custom: false,
            });
        }
        registry.tables = tables.len();
        registry
    }

    fn empty() -> Self {
        Self { resources: Vec::new(), by_path: HashMap::new(), tables: 0 }
    }

    fn add(&mut self, resource: Resource) {
        self.index(Arc::new(resource));
    }

    fn index(&mut self, resource: Arc<Resource>) {
        self.by_path
            .entry(resource.group.clone())
            .or_default()
            .entry(resource.version.clone())
            .or_default()
            .insert(resource.plural.clone(), self.resources.len());
        self.resources.push(resource);
    }

    /// The same with these versions of one custom resource, most preferred first, in place of those before.
    pub(super) fn with_custom(&self, group: &str, plural: &str, versions: Vec<Resource>) -> Self {
        let replaced = |resource: &&Arc<Resource>| {
            !(resource.custom && resource.group == group && resource.plural == plural)
        };
        let mut kept: Vec<Arc<Resource>> = self.resources.iter().filter(replaced).cloned().collect();
        kept.extend(versions.into_iter().map(Arc::new));
        let built_in = kept.partition_point(|resource| !resource.custom);
        // Stable, so that the versions of a resource stay in their order.
        kept[built_in..].sort_by(|a, b| (&a.group, &a.plural).cmp(&(&b.group, &b.plural)));
        let mut registry = Self { tables: self.tables, ..Self::empty() };
        kept.into_iter().for_each(|resource| registry.index(resource));
        registry
    }

    /// How many tables the built-in kinds need; custom ones get theirs from the store as they come.
    pub(crate) fn tables(&self) -> usize {
        self.tables
    }

    pub(crate) fn resources(&self) -> &[Arc<Resource>] {
        &self.resources
    }

    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Resource>> {
        self.by_path.get(group)?.get(version)?.get(plural).map(|index| &self.resources[*index])
    }

    /// The resource that shows a table's objects as they are stored, while one does.
    pub(crate) fn stored_in(&self, table: TableId) -> Option<&Arc<Resource>> {
        self.resources.iter().find(|resource| resource.table == table && resource.is_storage_form())
    }

    /// Whether a group has this version.
    pub(crate) fn serves(&self, group: &str, version: &str) -> bool {
        self.by_path.get(group).is_some_and(|versions| versions.contains_key(version))
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

    fn widget(group: &str, version: &str) -> Resource {
        Resource {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: "Widget".to_owned(),
            plural: "widgets".to_owned(),
            singular: "widget".to_owned(),
            short_names: Vec::new(),
            categories: Vec::new(),
            namespaced: true,
            verbs: Vec::new(),
            subresources: Vec::new(),
            table: TableId(100),
            rules: Rules::of(group, "widgets"),
            storage_group: group.to_owned(),
            merge_type: MergeType::deduced(),
            conversion: None,
            custom: true,
        }
    }

    #[test]
    fn custom_resources_come_and_go_and_requests_keep_what_they_began_with() {
        let catalog = Catalog::new(Registry::built_in());
        let before = catalog.registry();
        catalog.serve_custom("b.example", "widgets", vec![widget("b.example", "v1")]);
        catalog.serve_custom(
            "a.example",
            "widgets",
            vec![widget("a.example", "v2"), widget("a.example", "v1")],
        );
        let now = catalog.registry();
        assert!(before.find("b.example", "v1", "widgets").is_none());
        assert!(now.find("b.example", "v1", "widgets").is_some() && now.serves("a.example", "v2"));
        let groups = now.groups();
        assert_eq!(groups[groups.len() - 2], ("a.example", vec!["v2", "v1"]));
        catalog.serve_custom("a.example", "widgets", vec![widget("a.example", "v1")]);
        assert!(!catalog.registry().serves("a.example", "v2"));
        catalog.serve_custom("a.example", "widgets", Vec::new());
        assert!(!catalog.registry().serves("a.example", "v1"));
        assert_eq!(catalog.registry().find("", "v1", "pods").map(|r| r.kind.as_str()), Some("Pod"));
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
