//! Case and what hangs on it.

use serde_json::json;

use super::super::{
    Field, Kind, Object,
    build::{flag, long_text, object, of, owner, picklist, reference, text},
};

/// The states of a Case in a new org: `#` is closed.
pub(super) fn status() -> Field {
    picklist("Status", &["*New", "Working", "Escalated", "#Closed"])
}

pub(super) fn objects() -> Vec<Object> {
    vec![case(), comment(), case_status(), feed_item(), record_type()]
}

fn case() -> Object {
    object(
        "Case",
        "500",
        vec![
            text("CaseNumber", 30).numbered("{00000000}"),
            reference("ContactId", &["Contact"]).restrict("Cases"),
            reference("AccountId", &["Account"]).restrict("Cases"),
            reference("AssetId", &["Asset"]).children("Cases"),
            reference("ProductId", &["Product2"]),
            reference("EntitlementId", &["Entitlement"]).children("Cases"),
            reference("ParentId", &["Case"]).children("Cases"),
            text("SuppliedName", 80),
            of("SuppliedEmail", Kind::Email).length(80),
            picklist("Type", &["Mechanical", "Electrical", "Electronic", "Structural", "Other"]),
            reference("RecordTypeId", &["RecordType"]).default(json!("012000000000000AAA")),
            status(),
            picklist("Reason", &["Installation", "Performance", "Breakdown", "Feedback", "Other"]),
            picklist("Origin", &["Phone", "Email", "Web"]),
            text("Subject", 255),
            picklist("Priority", &["High", "*Medium", "Low"]),
            long_text("Description", 32_000),
            flag("IsClosed").given(),
            of("ClosedDate", Kind::DateTime).computed().audit(),
            flag("IsEscalated"),
            owner(&["Group", "User"]),
            // Makes a comment in the same create; it is never read back.
            long_text("Comments", 4_000).once(),
        ],
    )
}

fn comment() -> Object {
    object(
        "CaseComment",
        "00a",
        vec![
            reference("ParentId", &["Case"]).required().once().cascade("CaseComments"),
            flag("IsPublished"),
            long_text("CommentBody", 4_000).in_bytes().label("Body"),
        ],
    )
}

fn case_status() -> Object {
    object(
        "CaseStatus",
        "01J",
        vec![
            text("MasterLabel", 255),
            text("ApiName", 255),
            of("SortOrder", Kind::Int),
            flag("IsDefault"),
            flag("IsClosed"),
        ],
    )
    .read_only()
}

fn feed_item() -> Object {
    object(
        "FeedItem",
        "0D5",
        vec![
            reference("ParentId", &["Case", "Account", "Contact"]).required().once(),
            picklist("Type", &["*TextPost", "LinkPost", "ContentPost"]).once(),
            long_text("Body", 10_000),
            flag("IsRichText"),
            picklist("Visibility", &["*InternalUsers", "AllUsers"]),
        ],
    )
}

fn record_type() -> Object {
    object(
        "RecordType",
        "012",
        vec![
            text("Name", 80).required(),
            text("DeveloperName", 80).required(),
            text("SobjectType", 40).required().once(),
            flag("IsActive").default(json!(true)),
            text("Description", 255),
        ],
    )
}
