//! Account, Contact, User, Group.

use serde_json::json;

use super::super::{
    Kind, Object,
    build::{flag, long_text, object, of, owner, picklist, reference, text},
};

pub(super) fn objects() -> Vec<Object> {
    vec![account(), contact(), user(), group(), queue(), membership()]
}

fn account() -> Object {
    object(
        "Account",
        "001",
        vec![
            text("Name", 255).required().label("Account Name"),
            picklist("Type", &["Prospect", "Customer - Direct", "Customer - Channel", "Other"]),
            reference("ParentId", &["Account"])
                .label("Parent Account ID")
                .children("ChildAccounts"),
            text("BillingStreet", 255),
            text("BillingCity", 40),
            text("BillingPostalCode", 20),
            text("BillingCountry", 80),
            of("Phone", Kind::Phone).length(40),
            of("Website", Kind::Url).length(255),
            text("AccountNumber", 40),
            text("Site", 80),
            picklist("Industry", &["Banking", "Energy", "Healthcare", "Technology", "Other"]),
            long_text("Description", 32_000),
            owner(&["User"]),
        ],
    )
}

fn contact() -> Object {
    object(
        "Contact",
        "003",
        vec![
            reference("AccountId", &["Account"]).cascade("Contacts"),
            text("LastName", 80).required(),
            text("FirstName", 40),
            text("Name", 121).label("Full Name").given(),
            of("Phone", Kind::Phone).length(40),
            of("MobilePhone", Kind::Phone).length(40),
            of("Email", Kind::Email).length(80),
            text("Title", 128),
            text("Department", 80),
            reference("ReportsToId", &["Contact"]),
            text("MailingStreet", 255),
            text("MailingCity", 40),
            long_text("Description", 32_000),
            owner(&["User"]),
        ],
    )
}

fn user() -> Object {
    object(
        "User",
        "005",
        vec![
            text("Username", 80).required(),
            text("LastName", 80).required(),
            text("FirstName", 40),
            text("Name", 121).label("Full Name").given(),
            of("Email", Kind::Email).length(128).required(),
            text("Alias", 8),
            flag("IsActive").default(json!(true)),
            picklist("UserType", &["*Standard", "PowerPartner", "Guest"]),
            text("TimeZoneSidKey", 40).default(json!("Europe/Paris")),
            text("LocaleSidKey", 40).default(json!("en_US")),
            text("LanguageLocaleKey", 40).default(json!("en_US")),
            text("EmailEncodingKey", 40).default(json!("UTF-8")),
        ],
    )
    .not_deletable()
}

fn group() -> Object {
    object(
        "Group",
        "00G",
        vec![
            text("Name", 40).required(),
            text("DeveloperName", 80),
            picklist("Type", &["*Regular", "Queue", "Role"]).once(),
            of("Email", Kind::Email).length(255),
        ],
    )
}

fn queue() -> Object {
    object(
        "QueueSobject",
        "03g",
        vec![
            reference("QueueId", &["Group"]).required().once(),
            text("SobjectType", 40).required().once(),
        ],
    )
}

fn membership() -> Object {
    object(
        "GroupMember",
        "011",
        vec![
            reference("GroupId", &["Group"]).required().once(),
            reference("UserOrGroupId", &["User", "Group"]).required().once(),
        ],
    )
}
