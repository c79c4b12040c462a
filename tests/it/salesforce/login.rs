//! Logging in, and sessions that end.

use futures_util::future::join_all;
use salesforce_sandbox::{Fault, FaultKind, Operation, Options};
use servicenav_itop_bridge::{
    gate::Reason,
    salesforce::{Client, Error},
    secret::Secret,
};

use super::{Org, by_secret};

#[tokio::test]
async fn both_ways_lead_in_and_the_host_is_what_salesforce_names() {
    for change in [|_: &mut _| {}, by_secret] {
        let org = Org::with(Options::default(), change).await;
        assert_eq!(org.client.instance(), None, "nothing is asked before the first call");
        org.client.ping().await.unwrap();
        org.client.ping().await.unwrap();
        assert!(org.client.instance().is_some());
        assert_eq!(org.logins(), 1);
    }
}

#[tokio::test]
async fn a_session_that_has_ended_is_exchanged_once_and_nobody_notices() {
    let org = Org::new().await;
    org.client.ping().await.unwrap();
    org.sandbox.expire_sessions();
    let pings = join_all((0..8).map(|_| org.client.ping())).await;
    assert!(pings.iter().all(Result::is_ok), "{pings:?}");
    assert_eq!(org.logins(), 2, "all share the new one");
}

#[tokio::test]
async fn a_session_that_never_works_is_not_tried_in_a_loop() {
    let org = Org::new().await;
    org.client.ping().await.unwrap();
    org.sandbox.fail(Fault::new(Operation::Query, FaultKind::SessionRefused));
    let error = org.client.ping().await.unwrap_err();
    assert!(matches!(error, Error::Session { .. }), "{error:?}");
    assert_eq!(error.reason(), Some(Reason::Credentials));
    assert_eq!(org.logins(), 2);
    org.client.ping().await.unwrap_err();
    assert_eq!(org.logins(), 3, "one for each call, and no second in any");
    org.sandbox.clear_faults();
    org.client.ping().await.unwrap();
}

#[tokio::test]
async fn a_wrong_secret_is_tried_once_by_all_who_wait_and_stands_in_no_message() {
    let org = Org::with(Options::default(), |section| {
        by_secret(section);
        section.client_secret = Some(Secret::new("not-the-secret".to_owned()));
    })
    .await;
    let slow = FaultKind::Slow { before_ms: 300, after_ms: 0 };
    org.sandbox.fail(Fault::new(Operation::Token, slow));
    let pings = join_all((0..8).map(|_| org.client.ping())).await;
    for ping in pings {
        let error = ping.unwrap_err();
        assert!(matches!(error, Error::Login { .. }), "{error:?}");
        assert!(!error.to_string().contains("not-the-secret"), "{error}");
    }
    assert_eq!(org.logins(), 1);
    // A secret that is put right is taken over.
    let mut section = org.section.clone();
    by_secret(&mut section);
    org.sandbox.clear_faults();
    assert!(org.client.renew(&section.settings().unwrap()).unwrap());
    org.client.ping().await.unwrap();
    assert!(!org.client.renew(&section.settings().unwrap()).unwrap());
}

#[tokio::test]
async fn a_key_file_that_changes_is_taken_over_and_a_bad_one_changes_nothing() {
    let org = Org::new().await;
    let settings = org.section.settings().unwrap();
    let file = org.section.key_file.clone().unwrap();
    let good = std::fs::read(&file).unwrap();
    std::fs::write(&file, "no key").unwrap();
    let error = org.client.renew(&settings).unwrap_err().to_string();
    assert!(error.contains("salesforce.key_file") && error.contains("no private key"), "{error}");
    org.client.ping().await.unwrap();
    // Another key, which the org does not know.
    std::fs::write(&file, include_str!("../../fixtures/salesforce/keys/pkcs1.pem")).unwrap();
    assert!(org.client.renew(&settings).unwrap());
    let error = org.client.ping().await.unwrap_err();
    assert!(matches!(error, Error::Login { .. }), "{error:?}");
    std::fs::write(&file, good).unwrap();
    assert!(org.client.renew(&settings).unwrap());
    org.client.ping().await.unwrap();
}

#[tokio::test]
async fn a_host_that_is_away_is_told_from_one_that_denies() {
    let org = Org::with(Options::default(), |section| {
        "http://127.0.0.1:9/".clone_into(&mut section.login_url);
    })
    .await;
    let error = org.client.ping().await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }) && error.had_no_effect(), "{error:?}");
    let answers = Org::new().await;
    answers.sandbox.fail(Fault::new(Operation::Any, FaultKind::Html { status: 503, after: false }));
    let error = answers.client.ping().await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::Unreachable), "{error:?}");
    let mut section = answers.section.clone();
    section.key_file = Some("/no/such/file".into());
    assert!(Client::new(&section.settings().unwrap(), answers.clock.clone()).is_err());
}
