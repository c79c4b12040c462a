//! Permission sets: who sees fields that were deployed.

use roxmltree::Document;
use rusqlite::Connection;

use super::{
    Component,
    xml::{children, is_true, line, text},
};
use crate::{schema::Schema, store::State};

/// Whether a permission set lets a field be read and written.
#[derive(Clone, Debug)]
pub(super) struct Permission {
    pub(super) object: String,
    pub(super) field: String,
    pub(super) editable: bool,
}

/// A permission set: its name, its label, and what it allows.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) permissions: Vec<Permission>,
}

/// The tables: fields that were deployed, and what permission sets say of them.
pub(crate) fn begin(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "CREATE TABLE IF NOT EXISTS _deployed (object TEXT, field TEXT, PRIMARY KEY (object, field));
         CREATE TABLE IF NOT EXISTS _permission (
             permission_set TEXT, object TEXT, field TEXT, editable INTEGER,
             PRIMARY KEY (permission_set, object, field));
         CREATE TABLE IF NOT EXISTS _deploy (id TEXT PRIMARY KEY, json TEXT NOT NULL);",
    )
}

/// Lets the user of the API see of the deployed fields those that assigned permission sets allow.
pub(crate) fn secure(state: &mut State) -> rusqlite::Result<()> {
    let mut statement = state.db.prepare(
        "SELECT d.object, d.field, (
             SELECT MAX(p.editable) FROM _permission p
             JOIN \"PermissionSet\" s ON s.\"Name\" = p.permission_set AND s.\"IsDeleted\" = 0
             JOIN \"PermissionSetAssignment\" a
                 ON a.\"PermissionSetId\" = s.\"Id\" AND a.\"IsDeleted\" = 0
             WHERE p.object = d.object AND p.field = d.field)
         FROM _deployed d",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let rows: Vec<(String, String, Option<bool>)> = rows.collect::<Result<_, _>>()?;
    drop(statement);
    state.access.set_deployed(rows);
    Ok(())
}

/// Reads `permissionsets/X.permissionset`.
pub(super) fn read(
    file: &str,
    xml: &str,
    schema: &Schema,
    found: &mut Vec<Component>,
) -> Option<Set> {
    let name = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".permissionset");
    let mut own = Component {
        name: name.to_owned(),
        kind: "PermissionSet".to_owned(),
        file: file.to_owned(),
        line: 2,
        problem: None,
    };
    let document = match Document::parse(xml) {
        Ok(document) => document,
        Err(error) => {
            (own.line, own.problem) = (error.pos().row, Some(error.to_string()));
            found.push(own);
            return None;
        }
    };
    let root = document.root_element();
    let mut permissions = Vec::new();
    for node in children(root, "fieldPermissions") {
        let full = text(node, "field");
        let (object, field) = full.split_once('.').unwrap_or((&full, ""));
        let known = schema.object(object).and_then(|object| object.field(field));
        let problem = match known {
            None => Some(format!("In field: field - no CustomField named {full} found")),
            Some(field) if field.is_required() => {
                Some(format!("You cannot deploy to a required field: {full}"))
            }
            Some(_) => None,
        };
        if problem.is_some() {
            (own.line, own.problem) = (line(node), problem);
        }
        if is_true(node, "readable") {
            permissions.push(Permission {
                object: object.to_owned(),
                field: field.to_owned(),
                editable: is_true(node, "editable"),
            });
        }
    }
    for node in children(root, "objectPermissions") {
        let object = text(node, "object");
        if schema.object(&object).is_none() {
            own.line = line(node);
            own.problem = Some(format!("In field: object - no CustomObject named {object} found"));
        }
    }
    let label = text(root, "label");
    if label.is_empty() {
        own.problem = Some("Required field is missing: label".to_owned());
    }
    let failed = own.problem.is_some();
    let set = Set { name: name.to_owned(), label, permissions };
    found.push(own);
    (!failed).then_some(set)
}
