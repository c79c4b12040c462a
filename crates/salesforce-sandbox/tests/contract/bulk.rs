//! Bulk jobs.

use salesforce_sandbox::Options;
use serde_json::{Value, json};

use crate::{
    examples::Scene,
    org::{BASE, Org, Said, pause},
};

const JOB: &str = "750xx0000000001AAA";

/// The scenes of examples 42 to 51.
pub async fn scene(number: u32) -> Scene {
    let scene = Scene::new().await;
    if matches!(number, 42 | 51) {
        return scene;
    }
    let org = &scene.org;
    org.sandbox.seed("Account", json!({"Name": "Three", "Itop_Id__c": "3"})).unwrap();
    // What the example shows as failed is an insert, where it is upserted.
    let operation = if matches!(number, 49) { "insert" } else { "upsert" };
    let job = new_job(org, "Account", operation).await;
    let (data, state) = match number {
        43 => (None, None),
        44 => (Some("Itop_Id__c,Name\n1,Demo\n"), None),
        45 => (Some("Itop_Id__c,Name\n1,Demo\n2,\n"), Some("UploadComplete")),
        46 => (Some("Itop_Id__c,Name\r\n1,Demo\r\n"), Some("UploadComplete")),
        47 => (Some("Itop_Id__c,Nmae\n1,Demo\n"), Some("UploadComplete")),
        48 => (Some("Itop_Id__c,Name\n1,Demo\n"), Some("UploadComplete")),
        // Results come in no order that the rows have.
        49 => (Some("Itop_Id__c,Name\n3,X\n2,\n"), Some("UploadComplete")),
        _ => (Some("Itop_Id__c,Name\n4,Y\n"), Some("Aborted")),
    };
    if let Some(data) = data {
        upload(org, &job, data).await;
    }
    if let Some(state) = state {
        org.patch(&format!("/jobs/ingest/{job}"), json!({"state": state})).await;
        ended(org, &job).await;
    }
    scene.instead(JOB, &job)
}

async fn new_job(org: &Org, object: &str, operation: &str) -> String {
    let mut body = json!({"object": object, "operation": operation, "contentType": "CSV"});
    if operation == "upsert" {
        body["externalIdFieldName"] = json!("Itop_Id__c");
    }
    let said = org.post("/jobs/ingest", body).await;
    assert_eq!(said.status, 200, "{}", said.text);
    said.json()["id"].as_str().unwrap().to_owned()
}

async fn upload(org: &Org, job: &str, data: &str) -> Said {
    let url = format!("{}{BASE}/jobs/ingest/{job}/batches", org.url);
    let request = org.client.put(url).bearer_auth(&org.token).header("Content-Type", "text/csv");
    let said = Said::of(request.body(data.to_owned()).send().await.unwrap()).await;
    assert_eq!(said.status, 201, "{}", said.text);
    said
}

/// The job when it has ended.
async fn ended(org: &Org, job: &str) -> Value {
    loop {
        let said = org.get(&format!("/jobs/ingest/{job}")).await.json();
        if ["JobComplete", "Failed", "Aborted"].contains(&said["state"].as_str().unwrap()) {
            return said;
        }
        pause().await;
    }
}

/// A job from its begin to its end.
async fn done(org: &Org, object: &str, operation: &str, data: &str) -> (String, Value) {
    let job = new_job(org, object, operation).await;
    upload(org, &job, data).await;
    let said = org.patch(&format!("/jobs/ingest/{job}"), json!({"state": "UploadComplete"})).await;
    assert_eq!(said.status, 200, "{}", said.text);
    let said = ended(org, &job).await;
    (job, said)
}

#[tokio::test]
async fn a_job_is_done_row_by_row() {
    let org = Org::new().await;
    let (_, said) = done(
        &org,
        "Account",
        "upsert",
        "Itop_Id__c,Name,Parent.Itop_Id__c,Description\n1,Demo,,\"Say \"\"hi\"\", twice\"\n2,Sub,1,#N/A\n3,Lost,99,\n",
    )
    .await;
    // The parent of the second row is in the same job, and there when its turn comes.
    assert_eq!((&said["state"], &said["numberRecordsFailed"]), (&json!("JobComplete"), &json!(1)));
    let accounts = org.sandbox.records("Account");
    let of =
        |key: &str| accounts.iter().find(|account| account["Itop_Id__c"] == json!(key)).unwrap();
    assert_eq!(of("1")["Description"], "Say \"hi\", twice");
    assert_eq!(of("2")["ParentId"], of("1")["Id"]);
    let (job, said) = done(
        &org,
        "Contact",
        "insert",
        "LastName,Account.Itop_Id__c,Email\nA,1,a@example.com\n,1,\nC,9,\nD,1,wrong\n",
    )
    .await;
    assert_eq!(said["numberRecordsFailed"], 3);
    let failed = org.get(&format!("/jobs/ingest/{job}/failedResults/")).await;
    let mut rows = csv::Reader::from_reader(failed.text.as_bytes());
    assert_eq!(
        rows.headers().unwrap(),
        vec!["sf__Id", "sf__Error", "LastName", "Account.Itop_Id__c", "Email"]
    );
    let errors: Vec<String> = rows.records().map(|row| row.unwrap()[1].to_owned()).collect();
    assert_eq!(
        errors,
        [
            "INVALID_EMAIL_ADDRESS:Email: invalid email address: wrong:Email --",
            "INVALID_FIELD:Foreign key external ID: 9 not found for field Itop_Id__c in entity Account:--",
            "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --",
        ]
    );
    let contact = org.id("Contact", "A");
    let (_, said) = done(&org, "Contact", "update", &format!("Id,Email\n{contact},#N/A\n")).await;
    assert_eq!(said["numberRecordsFailed"], 0);
    let (_, said) = done(&org, "Contact", "delete", &format!("Id\n{contact}\n{contact}\n")).await;
    assert_eq!(
        (&said["numberRecordsProcessed"], &said["numberRecordsFailed"]),
        (&json!(2), &json!(1))
    );
    let refused =
        org.post("/jobs/ingest", json!({"object": "Contact", "operation": "hardDelete"})).await;
    assert_eq!(refused.code(), "FEATURENOTENABLED");
    org.sandbox.access(|access| access.hard_deletes = true);
    let (_, said) = done(&org, "Contact", "hardDelete", &format!("Id\n{contact}\n")).await;
    assert_eq!(said["numberRecordsFailed"], 0);
    let gone = org.get(&format!("/queryAll?q=SELECT+Id+FROM+Contact+WHERE+Id='{contact}'")).await;
    assert_eq!(gone.json()["totalSize"], 0);
}

#[tokio::test]
async fn what_lies_in_a_file_goes_on_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options { file: Some(folder.path().join("org.db")), ..Options::default() };
    let org = Org::with(options()).await;
    let rows: Vec<String> = (0..2_000).map(|row| format!("{row},Name {row}")).collect();
    let rows = rows.join("\n");
    let job = new_job(&org, "Account", "upsert").await;
    upload(&org, &job, &format!("Itop_Id__c,Name\n{rows}\n")).await;
    org.patch(&format!("/jobs/ingest/{job}"), json!({"state": "UploadComplete"})).await;
    let case = org.made("Case", json!({"Bridge_Ack__c": "k"})).await;
    let token = org.token.clone();
    // As if it was killed: another one opens the file, wherever the job is.
    org.killed().await;
    let again = Org::with(options()).await;
    let bearer = format!("Bearer {token}");
    let said = again.ask("GET", "/limits", &[("Authorization", &bearer)], None).await;
    assert_eq!(said.status, 401);
    let said = ended(&again, &job).await;
    assert_eq!(
        (&said["numberRecordsProcessed"], &said["numberRecordsFailed"]),
        (&json!(2_000), &json!(0))
    );
    let keyed = again.query("SELECT COUNT() FROM Account WHERE Itop_Id__c != null").await;
    assert_eq!(keyed.json()["totalSize"], 2_000);
    let said = again.post("/sobjects/Case", json!({"Bridge_Ack__c": "k"})).await;
    assert_eq!(said.code(), "DUPLICATE_VALUE");
    assert_ne!(again.made("Case", json!({})).await, case);
}
