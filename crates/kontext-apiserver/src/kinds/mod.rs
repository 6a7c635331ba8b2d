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

use crate::crd::{CustomKind, Definition, Version};
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
    /// What a CustomResourceDefinition says; nothing for the kinds that are built in.
    pub(crate) custom: Option<Box<CustomKind>>,
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

    /// The kind of lists.
    pub(crate) fn list_kind(&self) -> String {
        match &self.custom {
            Some(custom) => custom.list_kind().to_owned(),
            None => format!("{}List", self.kind),
        }
    }

    pub(crate) fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|s| s.name == name)
    }

    /// Whether its objects define custom resources.
    pub(crate) fn is_definition(&self) -> bool {
        self.storage_group == crate::crd::GROUP && self.plural == crate::crd::PLURAL
    }

    /// Whether requests see the stored form as it is.
    pub(crate) fn is_storage_form(&self) -> bool {
        self.conversion.is_none() && self.custom.as_ref().is_none_or(|custom| custom.is_as_stored())
    }

    /// Turns an object from the form of this resource into the stored one.
    pub(crate) fn decode(&self, object: &mut Value) {
        if let Some(conversion) = &self.conversion {
            (conversion.to_storage)(object);
        } else if let Some(custom) = &self.custom {
            custom.store(object);
        }
    }

    /// Turns a stored object into the form of this resource.
    pub(crate) fn encode(&self, object: &mut Value) {
        if let Some(conversion) = &self.conversion {
            (conversion.from_storage)(object);
        } else if let Some(custom) = &self.custom {
            custom.show(object);
        }
    }
}

const GET_PATCH_UPDATE: [&str; 3] = ["get", "patch", "update"];

impl Resource {
    /// One served version of a custom resource.
    pub(crate) fn custom(
        definition: &Definition,
        version: &Version,
        custom: CustomKind,
        table: TableId,
    ) -> Self {
        let subresource = |name: &str, group: &str, version: &str, kind: &str| Subresource {
            name: name.to_owned(),
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            verbs: owned(&GET_PATCH_UPDATE),
        };
        let mut subresources = Vec::new();
        if version.status {
            subresources.push(subresource("status", &definition.group, &version.name, &definition.kind));
        }
        if version.scale.is_some() {
            subresources.push(subresource("scale", "autoscaling", "v1", "Scale"));
        }
        let verbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
        Self {
            group: definition.group.clone(),
            version: version.name.clone(),
            kind: definition.kind.clone(),
            plural: definition.plural.clone(),
            singular: definition.singular.clone(),
            short_names: definition.short_names.clone(),
            categories: definition.categories.clone(),
            namespaced: definition.namespaced,
            verbs: owned(&verbs),
            subresources,
            table,
            rules: Rules::custom(version.status),
            storage_group: definition.group.clone(),
            merge_type: schema::from_open_api(&version.schema),
            conversion: None,
            custom: Some(Box::new(custom)),
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
                custom: None,
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
            !(resource.custom.is_some() && resource.group == group && resource.plural == plural)
        };
        let mut kept: Vec<Arc<Resource>> = self.resources.iter().filter(replaced).cloned().collect();
        kept.extend(versions.into_iter().map(Arc::new));
        let built_in = kept.partition_point(|resource| resource.custom.is_none());
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

    /// One resource for each table: the one that shows its objects as they are stored, where one does.
    pub(crate) fn stored(&self) -> Vec<&Arc<Resource>> {
        let mut stored: Vec<&Arc<Resource>> = Vec::new();
        // What cannot be listed is not kept.
        let kept = |resource: &&Arc<Resource>| resource.verbs.iter().any(|verb| verb == "list");
        for resource in self.resources.iter().filter(kept) {
            match stored.iter_mut().find(|other| other.table == resource.table) {
                None => stored.push(resource),
                Some(other) if !other.is_storage_form() && resource.is_storage_form() => *other = resource,
                Some(_) => {}
            }
        }
        stored
    }

    /// The one of a table, while it is served.
    pub(crate) fn stored_in(&self, table: TableId) -> Option<&Arc<Resource>> {
        let mut all = self.resources.iter().filter(|resource| resource.table == table);
        let first = all.next()?;
        Some(std::iter::once(first).chain(all).find(|resource| resource.is_storage_form()).unwrap_or(first))
    }

    /// The served versions of a custom resource, most preferred first.
    pub(crate) fn custom(&self, group: &str, plural: &str) -> impl Iterator<Item = &Arc<Resource>> {
        let versions = self.by_path.get(group).into_iter().flat_map(HashMap::values);
        let mut indexes: Vec<usize> = versions.filter_map(|plurals| plurals.get(plural).copied()).collect();
        indexes.sort_unstable();
        indexes.into_iter().map(|index| &self.resources[index]).filter(|resource| resource.custom.is_some())
    }

    /// Group and plural name of each custom resource.
    pub(crate) fn custom_names(&self) -> Vec<(String, String)> {
        let custom = self.resources.iter().filter(|resource| resource.custom.is_some());
        let mut names: Vec<_> =
            custom.map(|resource| (resource.group.clone(), resource.plural.clone())).collect();
        names.dedup();
        names
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
    use serde_json::json;

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

    fn widget(group: &str, versions: &[&str]) -> Vec<Resource> {
        let versions: Vec<Value> = versions
            .iter()
            .map(|name| json!({"name": name, "served": true, "storage": *name == "v1"}))
            .collect();
        let names =
            json!({"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"});
        let definition = json!({
            "spec": {"group": group, "scope": "Namespaced", "versions": versions},
            "status": {"acceptedNames": names},
        });
        crate::crd::served(&definition, TableId(100))
    }

    #[test]
    fn custom_resources_come_and_go_and_requests_keep_what_they_began_with() {
        let catalog = Catalog::new(Registry::built_in());
        let before = catalog.registry();
        catalog.serve_custom("b.example", "widgets", widget("b.example", &["v1"]));
        catalog.serve_custom("a.example", "widgets", widget("a.example", &["v1", "v2"]));
        let now = catalog.registry();
        assert!(before.find("b.example", "v1", "widgets").is_none());
        assert!(now.find("b.example", "v1", "widgets").is_some() && now.serves("a.example", "v2"));
        let groups = now.groups();
        assert_eq!(groups[groups.len() - 2], ("a.example", vec!["v2", "v1"]));
        catalog.serve_custom("a.example", "widgets", widget("a.example", &["v1"]));
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
