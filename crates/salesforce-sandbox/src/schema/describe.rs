//! What describe says of objects and fields to one user.

use serde_json::{Value, json};

use super::{Field, Kind, Object, OnDelete, Schema};
use crate::access::Access;

/// Of all objects that this user may see.
pub(crate) fn describe_all(schema: &Schema, access: &Access, version: &str) -> Value {
    let seen = schema.objects.iter().filter(|object| access.sees(&object.name));
    let objects: Vec<Value> = seen.map(|object| head(object, access, version)).collect();
    json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects})
}

fn head(object: &Object, access: &Access, version: &str) -> Value {
    let url = format!("/services/data/v{version}/sobjects/{}", object.name);
    let may = access.of(&object.name);
    json!({
        "activateable": false,
        "createable": object.createable && may.create,
        "custom": object.custom,
        "customSetting": false,
        "deletable": object.deletable && may.delete,
        "deprecatedAndHidden": false,
        "feedEnabled": false,
        "keyPrefix": object.prefix,
        "label": object.label,
        "labelPlural": format!("{}s", object.label),
        "layoutable": true,
        "mergeable": false,
        "name": object.name,
        "queryable": true,
        "replicateable": true,
        "retrieveable": true,
        "searchable": true,
        "triggerable": true,
        "undeletable": object.deletable,
        "updateable": object.updateable && may.update,
        "urls": {
            "sobject": url,
            "describe": format!("{url}/describe"),
            "rowTemplate": format!("{url}/{{ID}}"),
        },
    })
}

/// Of one object: its fields, record types and children. `record_types` are the rows of
/// `RecordType` for it: id, name, developer name and whether it is active.
pub(crate) fn describe(
    schema: &Schema,
    object: &Object,
    access: &Access,
    version: &str,
    record_types: &[(String, String, String, bool)],
) -> Value {
    let mut all = head(object, access, version);
    let fields: Vec<Value> = object
        .fields
        .iter()
        .filter(|field| access.sees_field(&object.name, &field.name))
        .map(|field| show(object, field, access))
        .collect();
    let children: Vec<Value> = schema
        .children(&object.name)
        .filter(|(child, field)| {
            access.sees(&child.name) && access.sees_field(&child.name, &field.name)
        })
        .map(|(child, field)| {
            json!({
                "cascadeDelete": field.on_parent_delete == OnDelete::Cascade,
                "childSObject": child.name,
                "deprecatedAndHidden": false,
                "field": field.name,
                "junctionIdListNames": [],
                "junctionReferenceTo": [],
                "relationshipName": field.children,
                "restrictedDelete": field.on_parent_delete == OnDelete::Restrict,
            })
        })
        .collect();
    all["fields"] = json!(fields);
    all["childRelationships"] = json!(children);
    all["recordTypeInfos"] = record_type_infos(record_types);
    all
}

fn record_type_infos(rows: &[(String, String, String, bool)]) -> Value {
    let info = |id: &str, name: &str, developer: &str, active: bool, master: bool| {
        json!({
            "active": active,
            "available": active,
            "defaultRecordTypeMapping": master,
            "developerName": developer,
            "master": master,
            "name": name,
            "recordTypeId": id,
        })
    };
    let mut infos = Vec::new();
    for (id, name, developer, active) in rows {
        infos.push(info(id, name, developer, *active, false));
    }
    infos.push(info("012000000000000AAA", "Master", "Master", true, true));
    json!(infos)
}

fn show(object: &Object, field: &Field, access: &Access) -> Value {
    let writable = access.writes_field(&object.name, &field.name);
    let entry = |entry: &super::Entry| {
        json!({
            "active": entry.active,
            "defaultValue": entry.default,
            "label": entry.value,
            "validFor": null,
            "value": entry.value,
        })
    };
    // Three bytes a character, as UTF-8 may take in their database.
    let textual = !matches!(
        field.kind,
        Kind::Boolean | Kind::Int | Kind::Double | Kind::Date | Kind::DateTime | Kind::Base64
    );
    let bytes = match field.kind {
        Kind::Id | Kind::Reference => field.length,
        _ if field.length_in_bytes => field.length,
        _ if textual => field.length * 3,
        _ => 0,
    };
    let extra = (field.kind == Kind::TextArea && field.length > 255).then_some(if field.html {
        "richtextarea"
    } else {
        "plaintextarea"
    });
    let is_name = object.name_field().is_some_and(|name| name.name == field.name);
    json!({
        "autoNumber": field.auto_number.is_some(),
        "byteLength": bytes,
        "calculated": false,
        "caseSensitive": field.case_sensitive,
        "controllerName": null,
        "createable": (field.createable && writable) || (field.audit && access.sets_audit_fields),
        "custom": field.custom,
        "defaultValue": field.default,
        "defaultedOnCreate": field.defaulted_on_create,
        "dependentPicklist": false,
        "digits": if field.kind == Kind::Int { 9 } else { 0 },
        "externalId": field.external_id,
        "extraTypeInfo": extra,
        "filterable": field.filterable,
        "groupable": field.filterable,
        "htmlFormatted": field.html,
        "idLookup": field.kind == Kind::Id || field.external_id || field.kind == Kind::Email,
        "label": field.label,
        "length": field.length,
        "name": field.name,
        "nameField": is_name,
        "nillable": field.nillable,
        "picklistValues": field.values.iter().map(entry).collect::<Value>(),
        "polymorphicForeignKey": field.reference_to.len() > 1,
        "precision": if field.kind == Kind::Double { 18 } else { 0 },
        "referenceTo": field.reference_to,
        "relationshipName": field.relationship,
        "restrictedPicklist": field.restricted,
        "scale": if field.kind == Kind::Double { 2 } else { 0 },
        "sortable": field.filterable,
        "type": field.kind.code(),
        "unique": field.unique,
        "updateable": field.updateable && writable,
    })
}
