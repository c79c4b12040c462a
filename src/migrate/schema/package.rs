//! The package: objects, fields, and a permission set for whoever loads.

use std::fmt::Write as _;

use super::{KEY, Kind, LONG_TEXT, MOST_TEXT, Wanted, WantedField};
use crate::{
    migrate::mapping::Mapping,
    salesforce::{archive, document, element},
};

/// The name of the permission set.
pub const PERMISSION_SET: &str = "ServiceNav_Migration";

/// The zip of what is wanted, in a version of the API. The same always has the same bytes.
#[must_use]
pub fn package(mapping: &Mapping, wanted: &[Wanted], version: &str) -> Vec<u8> {
    archive(&files(mapping, wanted, version))
}

fn files(mapping: &Mapping, wanted: &[Wanted], version: &str) -> Vec<(String, String)> {
    let mut files = vec![("package.xml".to_owned(), list(wanted, version))];
    for wanted in wanted {
        files.push((format!("objects/{}.object", wanted.object), object(wanted)));
    }
    let permissions = permissions(mapping, wanted);
    files.push((format!("permissionsets/{PERMISSION_SET}.permissionset"), permissions));
    files
}

fn list(wanted: &[Wanted], version: &str) -> String {
    let fields: Vec<_> = wanted
        .iter()
        .flat_map(|wanted| {
            wanted.fields.iter().map(|field| format!("{}.{}", wanted.object, field.name))
        })
        .collect();
    let new = wanted.iter().filter(|wanted| wanted.is_new).map(|wanted| wanted.object.as_str());
    let set = [PERMISSION_SET];
    let mut inner = String::new();
    for (name, members) in [
        ("CustomField", fields.iter().map(String::as_str).collect::<Vec<_>>()),
        ("CustomObject", new.collect()),
        ("PermissionSet", set.to_vec()),
    ] {
        if !members.is_empty() {
            let mut members: Vec<_> =
                members.into_iter().map(|member| ("members", member)).collect();
            members.push(("name", name));
            inner += &element("types", &members);
        }
    }
    let _ = writeln!(inner, "    <version>{version}</version>");
    document("Package", &inner)
}

fn object(wanted: &Wanted) -> String {
    let mut inner = String::new();
    if wanted.is_new {
        let label = label(&wanted.object);
        let _ = write!(
            inner,
            "    <deploymentStatus>Deployed</deploymentStatus>\n    <label>{label}</label>\n    \
             <pluralLabel>{label}s</pluralLabel>\n    <sharingModel>ReadWrite</sharingModel>\n"
        );
        // What has a name of its own in iTop keeps it; a link has none, and takes none to be made.
        inner += &element("nameField", &[("label", "Name"), ("type", "Text")]);
    }
    for field in &wanted.fields {
        inner += &self::field(&wanted.object, field);
    }
    document("CustomObject", &inner)
}

fn field(object: &str, field: &WantedField) -> String {
    let label = label(&field.name);
    let [key, text, long] = [KEY, MOST_TEXT, LONG_TEXT].map(|length| length.to_string());
    // Names of relations are told apart among the children of one object.
    let children = format!("{}_{}s", stem(object), stem(&field.name));
    let mut members = vec![("fullName", field.name.as_str()), ("label", &label)];
    match &field.kind {
        Kind::Key => members.extend([
            (
                "description",
                "Class and id in the iTop that it came from; set by the migration alone",
            ),
            ("type", "Text"),
            ("length", &key),
            ("externalId", "true"),
            ("unique", "true"),
            ("caseSensitive", "true"),
        ]),
        Kind::Text => members.extend([("type", "Text"), ("length", text.as_str())]),
        Kind::LongText => {
            members.extend([
                ("type", "LongTextArea"),
                ("length", long.as_str()),
                ("visibleLines", "5"),
            ]);
        }
        Kind::Html => {
            members.extend([("type", "Html"), ("length", long.as_str()), ("visibleLines", "10")]);
        }
        Kind::DateTime => members.push(("type", "DateTime")),
        Kind::Date => members.push(("type", "Date")),
        Kind::Number => members.extend([("type", "Number"), ("precision", "18"), ("scale", "4")]),
        Kind::Checkbox => members.extend([("type", "Checkbox"), ("defaultValue", "false")]),
        Kind::Email => members.push(("type", "Email")),
        Kind::Lookup(to) => members.extend([
            ("type", "Lookup"),
            ("referenceTo", to),
            ("relationshipName", &children),
            ("deleteConstraint", "SetNull"),
        ]),
    }
    if field.kind != Kind::Checkbox {
        members.push(("required", "false"));
    }
    element("fields", &members)
}

fn permissions(mapping: &Mapping, wanted: &[Wanted]) -> String {
    let mut fields: Vec<String> = wanted
        .iter()
        .flat_map(|wanted| {
            wanted.fields.iter().map(|field| format!("{}.{}", wanted.object, field.name))
        })
        .collect();
    fields.sort();
    let mut inner =
        "    <description>What the user needs who loads a migration</description>\n".to_owned();
    for field in &fields {
        inner += &element(
            "fieldPermissions",
            &[("editable", "true"), ("field", field), ("readable", "true")],
        );
    }
    inner += "    <hasActivationRequired>false</hasActivationRequired>\n    \
              <label>ServiceNav Migration</label>\n";
    let files = super::FILES;
    for object in super::objects(mapping).iter().filter(|object| *object != files) {
        inner += &element(
            "objectPermissions",
            &[
                ("allowCreate", "true"),
                // For a roll back.
                ("allowDelete", "true"),
                ("allowEdit", "true"),
                ("allowRead", "true"),
                ("modifyAllRecords", "false"),
                ("object", object),
                ("viewAllRecords", "true"),
            ],
        );
    }
    inner += &element("userPermissions", &[("enabled", "true"), ("name", "ApiEnabled")]);
    if mapping.moved().any(|(class, _)| class.audit) {
        inner += &element("userPermissions", &[("enabled", "true"), ("name", "CreateAuditFields")]);
    }
    document("PermissionSet", &inner)
}

fn stem(name: &str) -> &str {
    name.trim_end_matches("__c")
}

fn label(name: &str) -> String {
    stem(name).replace('_', " ")
}
