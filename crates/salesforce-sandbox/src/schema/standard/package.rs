//! What the bridge's package adds, and the external ids of a migration.

use super::super::{
    Kind, Object, Schema,
    build::{long_text, object, of, owner, picklist, reference, text},
};

/// The objects that a migration loads, each of which has the key of its source.
const LOADED: &[&str] = &[
    "Account",
    "Contact",
    "Case",
    "Asset",
    "Product2",
    "Entitlement",
    "CI__c",
    "Change_Request__c",
    "Knowledge__kav",
    "ContentVersion",
];

pub(super) fn add(schema: &mut Schema) {
    schema.objects.push(ci());
    schema.objects.push(change());
    for object in &mut schema.objects {
        if LOADED.contains(&object.name.as_str()) {
            object.fields.push(text("Itop_Id__c", 255).external_id());
        }
    }
    if let Some(case) = schema.object_mut("Case") {
        case.fields.push(text("Bridge_Ack__c", 255).external_id());
        case.fields.push(reference("CI__c", &["CI__c"]).children("Cases__r"));
    }
}

fn ci() -> Object {
    object(
        "CI__c",
        "a00",
        vec![
            text("Name", 80).required(),
            picklist("CI_Type__c", &["Server", "VirtualMachine", "NetworkDevice", "Application"])
                .restricted(),
            reference("Account__c", &["Account"]).children("CIs__r"),
            picklist("Status__c", &["Production", "Implementation", "Obsolete"]),
            long_text("Description__c", 32_768),
            of("Last_Seen__c", Kind::DateTime),
            owner(&["User", "Group"]),
        ],
    )
}

fn change() -> Object {
    object(
        "Change_Request__c",
        "a01",
        vec![
            text("Name", 80).numbered("CR-{00000}"),
            text("Title__c", 255),
            reference("Account__c", &["Account"]).children("Change_Requests__r"),
            picklist("Status__c", &["*New", "Planned", "Implemented", "Closed"]),
            of("Start__c", Kind::DateTime),
            long_text("Description__c", 32_768),
            owner(&["User", "Group"]),
        ],
    )
}
