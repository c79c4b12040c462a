//! What a real org answers, where one is named by `BRIDGE_LIVE_SALESFORCE_LOGIN_URL`,
//! `BRIDGE_LIVE_SALESFORCE_CLIENT_ID` and either `BRIDGE_LIVE_SALESFORCE_USER` with
//! `BRIDGE_LIVE_SALESFORCE_KEY_FILE` or `BRIDGE_LIVE_SALESFORCE_CLIENT_SECRET`. It makes one Case there, for
//! the Account `BRIDGE_LIVE_SALESFORCE_ACCOUNT` (an id), in the first queue: **in a sandbox alone**, after
//! what docs/salesforce.md says of e-mails.

use std::{collections::BTreeMap, io::Write as _, path::PathBuf};

use servicenav_itop_bridge::{
    clock::Clock,
    config::{SalesforceLogin, SalesforceSection},
    desk::{NewNotes, Noted},
    domain::{
        keys::OrgId,
        marker::Marker,
        new_ticket::{Chosen, NewTicket, Refs},
        priority::Priority,
    },
    salesforce::{Client, Error},
    secret::{Secret, random_key},
};

fn variable(name: &str) -> Option<String> {
    std::env::var(format!("BRIDGE_LIVE_SALESFORCE_{name}")).ok()
}

/// The org that the environment names, and the Account there; or a loud word that there is none.
fn named() -> Option<(SalesforceSection, OrgId)> {
    let found = (variable("LOGIN_URL"), variable("CLIENT_ID"), variable("ACCOUNT"));
    let (Some(login_url), Some(client_id), Some(account)) = found else {
        // Not `eprintln!`: the test runner would keep that to itself.
        let _ = writeln!(
            std::io::stderr(),
            "\n*** SKIPPED: no real Salesforce. Set BRIDGE_LIVE_SALESFORCE_LOGIN_URL, _CLIENT_ID, _ACCOUNT, \
             and _USER with _KEY_FILE or _CLIENT_SECRET, to test against a sandbox. ***\n"
        );
        return None;
    };
    let client_secret = variable("CLIENT_SECRET").map(Secret::new);
    let login = match client_secret {
        Some(_) => SalesforceLogin::ClientCredentials,
        None => SalesforceLogin::Jwt,
    };
    let section = SalesforceSection {
        login_url,
        login,
        client_id,
        client_secret,
        user: variable("USER").unwrap_or_default(),
        key_file: variable("KEY_FILE").map(PathBuf::from),
        ..SalesforceSection::default()
    };
    Some((section, OrgId::new(account)))
}

#[tokio::test]
async fn a_real_org_makes_one_case_of_a_marker_and_takes_a_note() {
    let Some((section, org)) = named() else { return };
    let client = Client::new(&section.settings().unwrap(), Clock::system()).unwrap();
    assert!(client.may_create().await.unwrap(), "run 'check' first");
    assert!(client.company_exists(&org).await.unwrap());
    let queue = client.teams().await.unwrap().into_iter().next().expect("a queue for Cases");
    let marker = Marker::from_digits(&random_key()[..32]).unwrap();
    let ticket = NewTicket {
        org: org.clone(),
        refs: Refs {
            team: Chosen::Key { id: queue.id, name: queue.name },
            contact: None,
            service: None,
            service_element: None,
            ci: None,
        },
        title: "Test of servicenav-itop-bridge: please delete".to_owned(),
        description: "<p>first line<br/>second line: äöü 漢字 🙂</p>".to_owned(),
        priority: Priority::Low,
        started_at: Clock::system().now(),
        fields: BTreeMap::new(),
        marker: marker.clone(),
    };
    assert_eq!(client.by_ack(&marker).await.unwrap(), None);
    let made = client.create(&ticket).await.unwrap().status;
    assert_eq!(client.create(&ticket).await, Err(Error::DuplicateValue));
    let found = client.by_ack(&marker).await.unwrap().unwrap();
    assert_eq!((&found.key, &found.number, &found.org), (&made.key, &made.number, &org));
    assert!(found.is_open() && found.team.is_some());
    let statuses = client.statuses(std::slice::from_ref(&made.key.id)).await.unwrap();
    assert_eq!(statuses.len(), 1);
    let by_number = client.by_number(&made.number).await.unwrap();
    assert!(by_number.iter().any(|status| status.key == made.key));
    let line = (&marker, "a line of a test");
    let new = NewNotes { ticket: &made.key, org: &org, only_if_open: true, lines: vec![line] };
    assert!(matches!(client.note(&new).await.unwrap(), Noted::Added(_)));
    let noted = client.noted(&made.key, std::slice::from_ref(&marker)).await.unwrap();
    assert_eq!(noted, [marker]);
}
