//! What an archive would make of an org, and making it.

use rusqlite::params;
use serde_json::json;

use super::{Component, archive, objects, permissions, permissions::Set};
use crate::{
    record::{Body, Work},
    refusal::Refusal,
    schema::Schema,
    store::State,
};

/// A package that was read.
pub(super) struct Package {
    pub(super) components: Vec<Component>,
    schema: Schema,
    sets: Vec<Set>,
}

/// Reads an archive against what there is.
pub(super) fn read(zip: &[u8], schema: &Schema) -> Package {
    let mut package = Package { components: Vec::new(), schema: schema.clone(), sets: Vec::new() };
    let own = |problem: &str| Component {
        name: "package.xml".to_owned(),
        kind: String::new(),
        file: "package.xml".to_owned(),
        line: 1,
        problem: Some(problem.to_owned()),
    };
    let Some(files) = archive::files(zip) else {
        package.components.push(own("The archive is no zip"));
        return package;
    };
    // With or without a folder around all.
    let short = |name: &str| match name.split_once('/') {
        Some((folder, rest)) if !["objects", "permissionsets"].contains(&folder) => rest.to_owned(),
        _ => name.to_owned(),
    };
    let files: Vec<(String, String)> =
        files.into_iter().map(|(name, text)| (short(&name), text)).collect();
    if !files.iter().any(|(name, _)| name == "package.xml") {
        package.components.push(own("No package.xml found"));
        return package;
    }
    // Objects before those that point to them: once more for what is not there at first.
    let is_object = |name: &&(String, String)| name.0.starts_with("objects/");
    let mut first = Vec::new();
    for (name, text) in files.iter().filter(is_object) {
        objects::read(name, text, &mut package.schema, &mut first);
    }
    for (name, text) in files.iter().filter(is_object) {
        objects::read(name, text, &mut package.schema, &mut package.components);
    }
    // What was made in the first round is not new in the second; it is named all the same.
    for component in first {
        let known = |own: &Component| own.name == component.name && own.kind == component.kind;
        if !package.components.iter().any(known) {
            package.components.push(component);
        }
    }
    for (name, text) in files.iter().filter(|(name, _)| name.starts_with("permissionsets/")) {
        let set = permissions::read(name, text, &package.schema, &mut package.components);
        package.sets.extend(set);
    }
    for (name, _) in &files {
        if name != "package.xml"
            && !is_object(&&(name.clone(), String::new()))
            && !name.starts_with("permissionsets/")
        {
            let problem = "The sandbox deploys objects and permission sets alone";
            let mut other = own(problem);
            (other.name, other.file) = (name.clone(), name.clone());
            package.components.push(other);
        }
    }
    package
}

impl Package {
    pub(super) fn has_failed(&self) -> bool {
        self.components.iter().any(|component| component.problem.is_some())
    }

    /// Makes what was read: objects, fields, permission sets.
    pub(super) fn apply(self, state: &mut State) -> rusqlite::Result<Vec<Set>> {
        for object in self.schema.objects {
            let old = state.schema.object(&object.name);
            if old == Some(&object) {
                continue;
            }
            let known = |name: &str| old.is_some_and(|old| old.field(name).is_some());
            let new: Vec<String> = object
                .fields
                .iter()
                .filter(|field| field.custom && !known(&field.name) && !field.is_required())
                .map(|field| field.name.clone())
                .collect();
            for field in new {
                let sql = "INSERT OR IGNORE INTO _deployed VALUES (?, ?)";
                state.db.execute(sql, [&object.name, &field])?;
            }
            state.add_object(object)?;
        }
        for set in &self.sets {
            state.db.execute("DELETE FROM _permission WHERE permission_set = ?", [&set.name])?;
            for permission in &set.permissions {
                state.db.execute(
                    "INSERT OR REPLACE INTO _permission VALUES (?, ?, ?, ?)",
                    params![set.name, permission.object, permission.field, permission.editable],
                )?;
            }
        }
        Ok(self.sets)
    }
}

impl Work<'_> {
    /// Makes the record of a permission set, if there is none yet.
    pub(super) fn plant_set(&self, set: &Set) -> Result<(), Refusal> {
        let Some(object) = self.state.schema.object("PermissionSet") else { return Ok(()) };
        let Some(field) = object.field("Name") else { return Ok(()) };
        if !self.state.ids_by(object, field, &json!(set.name), crate::store::LIVE, 1)?.is_empty() {
            return Ok(());
        }
        let mut body = Body::new();
        body.insert("Name".to_owned(), json!(set.name));
        body.insert("Label".to_owned(), json!(set.label));
        self.plant("PermissionSet", &body)?;
        Ok(())
    }
}
