//! `objects/X.object`: an object of one's own, or fields on one that is there.

use roxmltree::{Document, Node};

use super::{
    Component,
    xml::{child, children, is_true, line, text},
};
use crate::schema::{Entry, Field, Kind, Object, OnDelete, Schema};

/// Reads a file; what it holds is added to `schema` as far as nothing is wrong with it.
pub(super) fn read(file: &str, xml: &str, schema: &mut Schema, found: &mut Vec<Component>) {
    let name = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".object").to_owned();
    let component = |name: String, kind: &str, line: u32, problem: Option<String>| Component {
        name,
        kind: kind.to_owned(),
        file: file.to_owned(),
        line,
        problem,
    };
    let document = match Document::parse(xml) {
        Ok(document) => document,
        Err(error) => {
            let row = error.pos().row;
            found.push(component(name, "CustomObject", row, Some(error.to_string())));
            return;
        }
    };
    let root = document.root_element();
    let custom = name.ends_with("__c");
    if schema.object(&name).is_none() {
        let problem = if custom {
            missing(root).map(|missing| format!("Required field is missing: {missing}"))
        } else {
            Some(format!("Cannot create a standard object: {name}"))
        };
        let failed = problem.is_some();
        found.push(component(name.clone(), "CustomObject", 2, problem));
        if failed {
            return;
        }
        let prefix = format!("a{:02}", 2 + schema.objects.len() % 90);
        schema.objects.push(Object::deployed(
            &name,
            &text(root, "label"),
            &prefix,
            root_number(root),
        ));
    } else if custom {
        found.push(component(name.clone(), "CustomObject", 2, None));
    }
    for node in children(root, "fields") {
        let own = text(node, "fullName");
        let full = format!("{name}.{own}");
        let made = field(node, schema);
        let problem = made.as_ref().err().cloned();
        found.push(component(full, "CustomField", line(node), problem));
        if let (Ok(field), Some(object)) = (made, schema.object_mut(&name)) {
            match object.fields.iter_mut().find(|known| known.name == field.name) {
                Some(known) => *known = field,
                None => object.fields.push(field),
            }
        }
    }
}

fn root_number(root: Node<'_, '_>) -> Option<String> {
    let name = child(root, "nameField")?;
    (text(name, "type") == "AutoNumber").then(|| text(name, "displayFormat"))
}

fn missing(root: Node<'_, '_>) -> Option<&'static str> {
    let needed = ["label", "pluralLabel", "nameField", "sharingModel", "deploymentStatus"];
    needed.into_iter().find(|name| child(root, name).is_none())
}

/// A field, or what is wrong with it.
fn field(node: Node<'_, '_>, schema: &Schema) -> Result<Field, String> {
    let name = text(node, "fullName");
    if !name.ends_with("__c") {
        return Err(format!("The name of a custom field ends with __c: {name}"));
    }
    let kind = match text(node, "type").as_str() {
        "Text" | "AutoNumber" => Kind::String,
        "TextArea" | "LongTextArea" | "Html" => Kind::TextArea,
        "Picklist" => Kind::Picklist,
        "Checkbox" => Kind::Boolean,
        "Number" | "Currency" | "Percent" => Kind::Double,
        "Date" => Kind::Date,
        "DateTime" => Kind::DateTime,
        "Email" => Kind::Email,
        "Phone" => Kind::Phone,
        "Url" => Kind::Url,
        "Lookup" | "MasterDetail" => Kind::Reference,
        other => return Err(format!("Unknown type of a field: '{other}'")),
    };
    if text(node, "label").is_empty() {
        return Err("Required field is missing: label".to_owned());
    }
    let mut field = Field::new(&name, kind);
    field.label = text(node, "label");
    field.nillable = !is_true(node, "required") && kind != Kind::Boolean;
    field.external_id = is_true(node, "externalId");
    field.unique = is_true(node, "unique");
    field.case_sensitive = is_true(node, "caseSensitive");
    let length: Option<u32> = text(node, "length").parse().ok();
    field.length = match (kind, text(node, "type").as_str()) {
        (Kind::String, "AutoNumber") => 30,
        (Kind::String, _) => match length {
            Some(length @ 1..=255) => length,
            _ => return Err("A text has a length of 1 to 255".to_owned()),
        },
        (Kind::TextArea, "TextArea") | (Kind::Picklist | Kind::Url, _) => 255,
        (Kind::TextArea, _) => match length {
            Some(length @ 256..=131_072) => length,
            _ => return Err("A long text has a length of 256 to 131072".to_owned()),
        },
        (Kind::Email, _) => 80,
        (Kind::Phone, _) => 40,
        (Kind::Reference, _) => 18,
        _ => 0,
    };
    field.filterable = !(kind == Kind::TextArea && field.length > 255);
    field.html = text(node, "type") == "Html";
    if text(node, "type") == "AutoNumber" {
        field.auto_number = Some(text(node, "displayFormat"));
        (field.createable, field.updateable, field.defaulted_on_create) = (false, false, true);
    }
    if kind == Kind::Reference {
        parent(node, schema, &mut field)?;
    }
    if kind == Kind::Picklist {
        values(node, &mut field)?;
    }
    if (field.unique || field.external_id)
        && !matches!(kind, Kind::String | Kind::Double | Kind::Email)
    {
        return Err(format!("A field of type {} is no external id", text(node, "type")));
    }
    Ok(field)
}

fn parent(node: Node<'_, '_>, schema: &Schema, field: &mut Field) -> Result<(), String> {
    let to = text(node, "referenceTo");
    if schema.object(&to).is_none() {
        return Err(format!(
            "referenceTo value of '{to}' does not resolve to a valid sObject type"
        ));
    }
    field.reference_to = vec![to];
    let stem = field.name.trim_end_matches("__c");
    field.relationship = Some(format!("{stem}__r"));
    let children = text(node, "relationshipName");
    field.children = (!children.is_empty()).then(|| format!("{children}__r"));
    field.on_parent_delete = match text(node, "deleteConstraint").as_str() {
        "" | "SetNull" => OnDelete::SetNull,
        "Restrict" => OnDelete::Restrict,
        "Cascade" => OnDelete::Cascade,
        other => return Err(format!("Unknown deleteConstraint: '{other}'")),
    };
    if field.on_parent_delete == OnDelete::SetNull && !field.nillable {
        return Err("A required lookup cannot be set to null".to_owned());
    }
    if text(node, "type") == "MasterDetail" {
        field.on_parent_delete = OnDelete::Cascade;
        field.nillable = false;
    }
    Ok(())
}

fn values(node: Node<'_, '_>, field: &mut Field) -> Result<(), String> {
    let set = child(node, "valueSet").ok_or("Required field is missing: valueSet")?;
    field.restricted = is_true(set, "restricted");
    let Some(definition) = child(set, "valueSetDefinition") else {
        return Err("Required field is missing: valueSetDefinition".to_owned());
    };
    for value in children(definition, "value") {
        let entry = Entry {
            value: text(value, "fullName"),
            active: text(value, "isActive") != "false",
            default: is_true(value, "default"),
            closed: false,
        };
        if entry.default {
            field.default = Some(entry.value.clone().into());
            field.defaulted_on_create = true;
        }
        field.values.push(entry);
    }
    Ok(())
}
