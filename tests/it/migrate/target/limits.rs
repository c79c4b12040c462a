//! What an org has left, and only the first few.

use std::{sync::Arc, time::Duration};

use salesforce_sandbox::{Fault, FaultKind, Operation};
use serde_json::json;
use servicenav_itop_bridge::{
    clock::Clock,
    config::{SalesforceLogin, SalesforceSection},
    migrate::{
        folder::Folder,
        mapping,
        staging::Staging,
        target::{
            Plan,
            load::{Event, How, Load},
        },
    },
    salesforce::Client,
    secret::Secret,
};

use super::Move;

#[tokio::test]
async fn it_stops_before_the_limit_of_the_org_and_goes_on() {
    let move_ = Move::of(20).await;
    move_.trial().await;
    move_.org.set_usage(9_495, 10_000);
    let told = move_.refused(&["load", "--silent-confirmed"]).await;
    assert!(told.contains("of 10000 requests of these 24 hours are used"), "{told}");
    assert!(move_.org.usage() < 9_520, "{}", move_.org.usage());
    move_.org.set_usage(0, 10_000);
    move_.org.fail(
        Fault::new(Operation::Create, FaultKind::StorageLimit).object("Case").skip(5).times(1),
    );
    let told = move_.refused(&["load", "--silent-confirmed"]).await;
    assert!(told.contains("the storage of the org is full"), "{told}");
    move_.done(&["load"]).await;
    assert_eq!(move_.org.records("Case").len(), 20);
    assert_eq!(move_.verified(&[]).await["is_sound"], true);
    move_.finish().await;
}

#[tokio::test]
async fn with_wait_it_looks_each_hour_and_goes_on_by_itself() {
    let move_ = Move::of(5).await;
    move_.trial().await;
    move_.org.set_usage(9_600, 10_000);
    let mut told = 0;
    let clock = Clock::system();
    let section = SalesforceSection {
        login_url: move_.url.clone(),
        login: SalesforceLogin::ClientCredentials,
        client_id: salesforce_sandbox::CLIENT_ID.to_owned(),
        client_secret: Some(Secret::new(salesforce_sandbox::CLIENT_SECRET.to_owned())),
        ..SalesforceSection::default()
    };
    let client = Client::new(&section.settings().unwrap(), clock.clone()).unwrap();
    let folder = Folder::of(&move_.folder()).unwrap();
    let staging = Staging::open(&folder.staging()).unwrap();
    let mapping = mapping::read(&folder.file(mapping::FILE)).unwrap();
    let plan: Arc<Plan> = Plan::read(&client, mapping).await.unwrap();
    let waits = std::cell::Cell::new(0);
    let load = Load {
        client: &client,
        staging: &staging,
        folder: &folder,
        clock: &clock,
        plan: &plan,
        how: How { waits: true, ..How::default() },
        tell: &|event| {
            if let Event::Waits(_) = event {
                waits.set(waits.get() + 1);
            }
        },
    };
    let loading = async {
        load.confirm_silence().await.unwrap();
        load.run().await.unwrap();
    };
    tokio::pin!(loading);
    loop {
        tokio::select! {
            () = &mut loading => break,
            () = tokio::task::yield_now() => {}
        }
        // It waits: an hour passes, and another one; then a new day has begun.
        if waits.get() > told {
            told = waits.get();
            if told == 2 {
                move_.org.set_usage(0, 10_000);
            }
            clock.advance(Duration::from_hours(1) + Duration::from_mins(1));
        }
    }
    assert_eq!(told, 2);
    assert_eq!(move_.org.records("Case").len(), 5);
    move_.finish().await;
}

#[tokio::test]
async fn the_first_few_come_with_what_they_refer_to() {
    let move_ = Move::of(20).await;
    move_.trial().await;
    move_.done(&["load", "--silent-confirmed", "--limit", "2"]).await;
    let cases = move_.keyed("Case", "Incident");
    assert_eq!(cases.len(), 2);
    for case in cases.values() {
        assert!(case["AccountId"].is_string() && case["ContactId"].is_string(), "{case}");
    }
    assert!(move_.keyed("Account", "Organization").contains_key("Organization::5002"));
    assert!(move_.keyed("Account", "Organization").len() < 8);
    let report = move_.verified(&[]).await;
    assert_eq!((&report["is_sound"], &report["failed"]), (&json!(false), &json!([])));
    // The same few once more are there; then all are.
    move_.org.forget_requests();
    move_.done(&["load", "--limit", "2"]).await;
    assert_eq!(move_.writes(), Vec::<String>::new());
    move_.done(&["load"]).await;
    assert_eq!(move_.verified(&[]).await["is_sound"], true);
    move_.finish().await;
}
