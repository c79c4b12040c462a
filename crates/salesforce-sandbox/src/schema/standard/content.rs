//! Files and articles.

use serde_json::json;

use super::super::{
    Kind, Object,
    build::{flag, long_text, object, of, owner, picklist, reference, text},
};

pub(super) fn objects(knowledge: bool) -> Vec<Object> {
    let mut objects = vec![version(), document(), link(), attachment()];
    if knowledge {
        objects.push(article());
    }
    objects
}

fn version() -> Object {
    object(
        "ContentVersion",
        "068",
        vec![
            reference("ContentDocumentId", &["ContentDocument"]).once().cascade("ContentVersions"),
            text("Title", 255),
            long_text("Description", 1_000),
            text("PathOnClient", 500).once(),
            of("VersionData", Kind::Base64),
            reference("FirstPublishLocationId", PARENTS).once(),
            text("FileType", 20).computed(),
            text("FileExtension", 40).computed(),
            of("ContentSize", Kind::Int).computed(),
            text("Checksum", 50).computed(),
            flag("IsLatest").given(),
            of("ContentModifiedDate", Kind::DateTime).once(),
            owner(&["User"]),
        ],
    )
    .not_deletable()
}

fn document() -> Object {
    let mut object = object(
        "ContentDocument",
        "069",
        vec![
            text("Title", 255),
            reference("LatestPublishedVersionId", &["ContentVersion"]).computed(),
            text("FileExtension", 40).computed(),
            of("ContentSize", Kind::Int).computed(),
            owner(&["User"]).given(),
        ],
    );
    object.createable = false;
    object
}

/// What a file can hang on.
const PARENTS: &[&str] =
    &["Case", "Account", "Contact", "User", "CI__c", "Change_Request__c", "Knowledge__kav"];

fn link() -> Object {
    object(
        "ContentDocumentLink",
        "06A",
        vec![
            reference("LinkedEntityId", PARENTS).required().once().cascade("ContentDocumentLinks"),
            reference("ContentDocumentId", &["ContentDocument"])
                .required()
                .once()
                .cascade("ContentDocumentLinks"),
            picklist("ShareType", &["*V", "C", "I"]).restricted(),
            picklist("Visibility", &["*AllUsers", "InternalUsers", "SharedUsers"]).restricted(),
        ],
    )
}

fn attachment() -> Object {
    object(
        "Attachment",
        "00P",
        vec![
            reference("ParentId", &["Case", "Account", "Contact"])
                .required()
                .once()
                .cascade("Attachments"),
            text("Name", 255).required(),
            of("Body", Kind::Base64).required(),
            text("ContentType", 120),
            of("BodyLength", Kind::Int).computed(),
        ],
    )
}

fn article() -> Object {
    object(
        "Knowledge__kav",
        "ka0",
        vec![
            text("KnowledgeArticleId", 18).given(),
            text("ArticleNumber", 15).numbered("{000000000}"),
            text("Title", 255).required(),
            text("UrlName", 255).required(),
            long_text("Summary", 1_000),
            picklist("Language", &["*en_US", "fr", "de"]).restricted().once(),
            picklist("PublishStatus", &["*Draft", "Online", "Archived"]).given(),
            of("VersionNumber", Kind::Int).given().default(json!(1)),
            flag("IsLatestVersion").given().default(json!(true)),
            flag("IsVisibleInApp").default(json!(true)),
            flag("IsVisibleInPkb"),
            flag("IsVisibleInCsp"),
            reference("RecordTypeId", &["RecordType"]),
            owner(&["User"]),
        ],
    )
}
