//! What a load asks of an org: many records with a verdict each, jobs, reads, files.

use salesforce_sandbox::{Fault, FaultKind, Operation};
use serde_json::{Value, json};
use servicenav_itop_bridge::salesforce::{
    Error, Refusal,
    loading::{ArticleStep, Fields, JobState, Kind, Sheet, Which, outcomes},
};

use super::Org;

fn fields(json: Value) -> Fields {
    let Value::Object(fields) = json else { panic!("{json}") };
    fields
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn each_record_has_a_verdict_and_is_found_by_its_key_and_by_its_id() {
    let org = Org::new().await;
    let account = |name: &str, key: &str| fields(json!({"Name": name, "Itop_Id__c": key}));
    let sent = [account("One", "K::1"), account("", "K::2"), account("Twin", "K::1")];
    let verdicts = org.client.create_many("Account", &sent).await.unwrap();
    let [Ok(id), Err(Error::Refused(Refusal { code, .. })), Err(Error::DuplicateValue)] =
        &verdicts[..]
    else {
        panic!("{verdicts:?}")
    };
    assert_eq!(code, "REQUIRED_FIELD_MISSING");
    let keys = texts(&["K::1", "K::2", "k::1"]);
    let found = org.client.by_keys("Account", "Itop_Id__c", &keys).await.unwrap();
    assert_eq!(found, [("K::1".to_owned(), id.clone())].into());
    let change =
        [fields(json!({"Id": id, "Site": "Paris"})), fields(json!({"Id": id, "No__c": 1}))];
    let changed = org.client.update_many("Account", &change).await.unwrap();
    assert!(changed[0].is_ok() && changed[1].is_err(), "{changed:?}");
    let ids = [id.clone(), "001xx0000000999AAA".to_owned()];
    let read = org.client.read_many("Account", &ids, &texts(&["Id", "Site"])).await.unwrap();
    assert_eq!(read, [Some(fields(json!({"Id": id, "Site": "Paris"}))), None]);
    let query = "SELECT COUNT() FROM Account WHERE Itop_Id__c LIKE 'K::%'";
    assert_eq!(org.client.count(query).await, Ok(1));
    let gone = org.client.delete_many(std::slice::from_ref(id)).await.unwrap();
    let again = org.client.delete_many(std::slice::from_ref(id)).await.unwrap();
    assert!(gone[0].is_ok() && again[0].is_err(), "{gone:?} {again:?}");
    // What the call as a whole meets is told from what a record meets.
    org.sandbox.fail(Fault::new(Operation::Create, FaultKind::Cut { after: true }).times(1));
    let lost = org.client.create_many("Account", &sent[..1]).await.unwrap_err();
    assert!(!lost.had_no_effect(), "{lost:?}");
    assert_eq!(org.client.by_keys("Account", "Itop_Id__c", &keys).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_job_says_of_each_row_what_became_of_it() {
    let org = Org::new().await;
    let mut sheet = Sheet::new(texts(&["Itop_Id__c", "Name", "Description"]));
    for (key, name) in [("K::1", "One, \"two\""), ("K::2", ""), ("K::1", "Twin")] {
        let row = fields(json!({"Itop_Id__c": key, "Name": name, "Description": "a\nb"}));
        assert!(sheet.push(&row));
    }
    let job = org.client.open_job("Account", Kind::Insert).await.unwrap();
    assert_eq!(job.state, JobState::Open);
    org.client.upload_table(&job.id, sheet.bytes().into()).await.unwrap();
    org.client.begin_job(&job.id).await.unwrap();
    let ended = loop {
        let job = org.client.job(&job.id).await.unwrap().unwrap();
        if job.has_ended() {
            break job;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((ended.number_records_processed, ended.number_records_failed), (3, 2));
    let read = async |which| {
        let table = org.client.results(&job.id, which).await.unwrap();
        outcomes(&table, "Itop_Id__c").unwrap()
    };
    let made = read(Which::Successful).await;
    assert_eq!((made.len(), made[0].key.as_str()), (1, "K::1"));
    let failed = read(Which::Failed).await;
    let codes: Vec<_> =
        failed.iter().map(|row| org.client.row_error(row.error.as_deref().unwrap())).collect();
    assert!(codes.contains(&Error::DuplicateValue), "{codes:?}");
    assert!(read(Which::Unprocessed).await.is_empty());
    let (ids, asked) = ([made[0].id.clone()], texts(&["Description"]));
    let there = org.client.read_many("Account", &ids, &asked).await.unwrap();
    assert_eq!(there[0].as_ref().unwrap()["Description"], "a\nb");
    org.client.delete_job(&job.id).await.unwrap();
    assert_eq!(org.client.job(&job.id).await, Ok(None));
    org.client.delete_job(&job.id).await.unwrap();
}

#[tokio::test]
async fn a_file_hangs_on_its_record_and_an_article_is_published_and_deleted() {
    let org = Org::new().await;
    let account = org.id("Account", "Bakery Dubois");
    let file = fields(json!({
        "Title": "log", "PathOnClient": "log é.txt", "FirstPublishLocationId": account,
        "Itop_Id__c": "Attachment::1",
    }));
    let id = org.client.upload(&file, b"\0\xff--b\r\n").await.unwrap();
    let asked = texts(&["ContentSize", "PathOnClient"]);
    let read = org.client.read_many("ContentVersion", &[id], &asked).await.unwrap();
    let read = read[0].as_ref().unwrap();
    assert_eq!((&read["ContentSize"], &read["PathOnClient"]), (&json!(7), &json!("log é.txt")));
    assert_eq!(org.client.upload(&file, b"x").await, Err(Error::DuplicateValue));
    let article = fields(json!({"Title": "How", "UrlName": "how"}));
    let made = org.client.create_many("Knowledge__kav", &[article]).await.unwrap();
    let versions = [made[0].clone().unwrap()];
    for (step, is_done) in [
        (ArticleStep::Publish, true),
        (ArticleStep::Delete, false),
        (ArticleStep::Archive, true),
        (ArticleStep::Delete, true),
    ] {
        let done = org.client.articles(step, &versions).await.unwrap();
        assert_eq!(done[0].is_ok(), is_done, "{step:?}: {done:?}");
    }
}
