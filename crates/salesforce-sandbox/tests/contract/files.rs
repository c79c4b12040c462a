//! Files and articles.

use salesforce_sandbox::Sandbox;
use serde_json::json;

use crate::{examples::Scene, org::Org};

#[tokio::test]
async fn a_file_hangs_where_it_was_said() {
    let org = Org::new().await;
    let case = org.made("Case", json!({})).await;
    // "hello", as JSON.
    let version = json!({"Title": "log", "PathOnClient": "log.txt", "VersionData": "aGVsbG8=", "FirstPublishLocationId": case});
    let version = org.made("ContentVersion", version).await;
    let rows = org.rows(&format!("SELECT ContentDocumentId, Checksum, ContentSize, FileExtension FROM ContentVersion WHERE Id = '{version}'")).await;
    assert_eq!(rows[0]["Checksum"], "5d41402abc4b2a76b9719d911017c592");
    assert_eq!((&rows[0]["ContentSize"], &rows[0]["FileExtension"]), (&json!(5), &json!("txt")));
    let said = org.get(&format!("/sobjects/ContentVersion/{version}/VersionData")).await;
    assert_eq!(said.text, "hello");
    let links = org.rows(&format!("SELECT ContentDocumentId, ShareType FROM ContentDocumentLink WHERE LinkedEntityId = '{case}'")).await;
    assert_eq!(links[0]["ContentDocumentId"], rows[0]["ContentDocumentId"]);
    let said = org.post("/sobjects/ContentVersion", json!({"Title": "log"})).await;
    assert_eq!(said.code(), "REQUIRED_FIELD_MISSING");
    // Versions are not deleted by themselves; the document takes them with it.
    assert_eq!(org.delete(&format!("/sobjects/ContentVersion/{version}")).await.status, 400);
    let document = rows[0]["ContentDocumentId"].as_str().unwrap();
    assert_eq!(org.delete(&format!("/sobjects/ContentDocument/{document}")).await.status, 204);
    assert!(org.sandbox.records("ContentVersion").is_empty());
    assert!(org.sandbox.records("ContentDocumentLink").is_empty());
}

fn draft(sandbox: &Sandbox, name: &str) -> String {
    sandbox.seed("Knowledge__kav", json!({"Title": name, "UrlName": name})).unwrap()
}

/// The scene of example 52.
pub async fn file() -> Scene {
    let scene = Scene::new().await;
    let case = scene.org.sandbox.seed("Case", json!({})).unwrap();
    scene.instead("500xx000000aB1CAAU", &case)
}

/// The scene of example 53.
pub async fn articles() -> Scene {
    let scene = Scene::new().await;
    let (one, other) = (draft(&scene.org.sandbox, "one"), draft(&scene.org.sandbox, "other"));
    let body = json!({"inputs": [{"articleVersionIdList": [one], "pubAction": "PUBLISH_ARTICLE"}]});
    let said = scene.org.post("/actions/standard/publishKnowledgeArticles", body).await;
    assert_eq!(said.json()[0]["isSuccess"], true);
    // The answer names them as the example does.
    scene.instead("ka0xx00000004VeAAI", &one).instead("ka0xx00000003doAAA", &other)
}

#[tokio::test]
async fn a_public_article_is_not_changed_in_place() {
    let org = Org::new().await;
    let article = draft(&org.sandbox, "first");
    let path = format!("/sobjects/Knowledge__kav/{article}");
    assert_eq!(org.patch(&path, json!({"Summary": "x"})).await.status, 204);
    let said =
        org.post("/sobjects/Knowledge__kav", json!({"Title": "x", "UrlName": "FIRST"})).await;
    assert_eq!(said.code(), "DUPLICATE_VALUE");
    let said = org.post("/sobjects/Knowledge__kav", json!({"Title": "x", "UrlName": "a b"})).await;
    assert_eq!(said.code(), "FIELD_INTEGRITY_EXCEPTION");
    let inputs = json!({"inputs": [{"articleVersionIdList": [article]}]});
    // It has to be said how.
    let said = org.post("/actions/standard/publishKnowledgeArticles", inputs.clone()).await;
    assert_eq!(said.json()[0]["outputValues"], json!(null));
    assert_eq!(org.patch(&path, json!({"Summary": "x"})).await.status, 204);
    let how =
        json!({"inputs": [{"articleVersionIdList": [article], "pubAction": "PUBLISH_ARTICLE"}]});
    org.post("/actions/standard/publishKnowledgeArticles", how).await;
    assert_eq!(org.patch(&path, json!({"Summary": "y"})).await.status, 400);
    assert_eq!(org.delete(&path).await.code(), "INSUFFICIENT_ACCESS_OR_READONLY");
    let said = org.post("/actions/standard/deleteKnowledgeArticles", inputs.clone()).await;
    assert_eq!(said.json()[0]["isSuccess"], false);
    org.post("/actions/standard/archiveKnowledgeArticles", inputs.clone()).await;
    org.post("/actions/standard/deleteKnowledgeArticles", inputs).await;
    assert!(org.sandbox.records("Knowledge__kav").is_empty());
}
