//! What `check` says of Salesforce, and the package.

use salesforce_sandbox::Options;
use servicenav_itop_bridge::{
    check::{Examined, Finding, Told, Verdict, examine},
    config::{Config, SalesforceSection},
    salesforce::{CiObject, Mapping, package},
};

use super::{Org, by_secret};
use crate::program::{command, output, text};

async fn findings(org: &Org, change: impl FnOnce(&mut SalesforceSection)) -> Vec<Finding> {
    let mut section = org.section.clone();
    change(&mut section);
    let config = Config { salesforce: Some(section), ..Config::default() };
    let mut found = Vec::new();
    let mut tell = |told| {
        if let Told::Found(finding) = told {
            found.push(finding);
        }
    };
    examine(Examined::of(&config, &org.clock), &mut tell).await;
    found.retain(|finding| finding.what.starts_with("salesforce"));
    found
}

/// What is said of one thing.
fn said<'f>(findings: &'f [Finding], what: &str, verdict: Verdict) -> Vec<&'f str> {
    findings
        .iter()
        .filter(|finding| {
            finding.what == format!("salesforce {what}") && finding.verdict == verdict
        })
        .map(|finding| finding.seen.as_str())
        .collect()
}

#[tokio::test]
async fn an_org_that_is_set_up_has_nothing_to_mend_but_what_nobody_can_know() {
    let org = Org::new().await;
    let findings = findings(&org, |section| {
        section.queue = Some("First line".to_owned());
        section.record_type = Some("Incident".to_owned());
    })
    .await;
    let not_fine: Vec<_> =
        findings.iter().filter(|finding| finding.verdict != Verdict::Ok).collect();
    assert!(
        matches!(not_fine.as_slice(), [only] if only.what == "salesforce e-mails"),
        "{not_fine:#?}"
    );
    assert!(findings.len() > 8, "{findings:#?}");
    assert!(org.sandbox.records("Case").is_empty(), "it writes nothing");
}

#[tokio::test]
async fn what_is_wrong_is_told_with_what_to_do() {
    let org = Org::new().await;
    org.sandbox.set_key("Case", "Bridge_Ack__c", true, false, false).unwrap();
    let found = findings(&org, |section| {
        section.origin = Some("Monitoring".to_owned());
        section.priorities.critical = "Critical".to_owned();
        section.record_type = Some("Old".to_owned());
        section.queue = Some("Nowhere".to_owned());
        section.status = Some("Closed".to_owned());
        section.fields.insert("Nothing__c".to_owned(), "x".to_owned());
    })
    .await;
    for (what, verdict, expected) in [
        ("external id", Verdict::Failure, "is not unique, and it does not tell capitals"),
        ("fields", Verdict::Failure, "Nothing__c"),
        ("values", Verdict::Warning, "Origin offers no 'Monitoring'"),
        ("values", Verdict::Warning, "Priority offers no 'Critical'"),
        ("record type", Verdict::Failure, "Old"),
        ("states", Verdict::Failure, "which is closed"),
        ("queues", Verdict::Failure, "there is no queue Nowhere"),
    ] {
        let said = said(&found, what, verdict);
        assert!(said.iter().any(|seen| seen.contains(expected)), "{what}: {said:?} of {found:#?}");
    }
    assert!(found.iter().all(|finding| finding.verdict == Verdict::Ok || finding.mend.is_some()));
}

#[tokio::test]
async fn an_org_without_the_package_is_told_to_deploy_it() {
    let org = Org::with(Options { package: false, ..Options::default() }, |_| {}).await;
    let found = findings(&org, |_| {}).await;
    let ack = said(&found, "external id", Verdict::Failure);
    assert!(ack[0].contains("Case has no field Bridge_Ack__c"), "{ack:?}");
    assert!(said(&found, "CIs", Verdict::Failure)[0].contains("no object CI__c"), "{found:#?}");
}

#[tokio::test]
async fn a_login_that_is_denied_and_a_version_that_is_not_offered_end_it() {
    let org = Org::new().await;
    org.sandbox.app(|app| app.approved = false);
    let found = findings(&org, |_| {}).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(said(&found, "login", Verdict::Failure)[0].contains("invalid_grant"), "{found:#?}");
    org.sandbox.app(|app| app.approved = true);
    let found = findings(&org, |section| {
        by_secret(section);
        section.api_version = "99.0".to_owned();
    })
    .await;
    let version = said(&found, "version", Verdict::Failure);
    assert!(version[0].contains("it offers 65.0 to 67.0"), "{found:#?}");
}

#[tokio::test]
async fn the_package_is_written_as_it_is_configured() {
    let org = Org::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (config, zip) = (path("bridge.toml"), path("package.zip"));
    let section = &org.section;
    let lines = format!(
        "[itop]\nurl = 'https://itop.example/'\nuser = 'bridge'\npassword = 'x'\n[salesforce]\n\
         login_url = '{}'\nclient_id = '{}'\nuser = '{}'\nkey_file = '{}'\n\
         external_id_field = 'Ack__c'\nci = 'asset'\n",
        section.login_url,
        section.client_id,
        section.user,
        section.key_file.as_ref().unwrap().display()
    );
    std::fs::write(&config, lines).unwrap();
    let written = output(command(&["salesforce", "package", "-c", &config, "--out", &zip])).await;
    assert!(written.status.success(), "{}", text(&written));
    assert!(text(&written).contains("ServiceNav_Bridge"), "{}", text(&written));
    let mapping = Mapping {
        external_id_field: "Ack__c".to_owned(),
        ci: CiObject::Asset,
        ..Mapping::default()
    };
    assert_eq!(std::fs::read(&zip).unwrap(), package(&mapping, "67.0"));
    std::fs::write(&config, "[itop]\nurl = 'https://itop.example/'\nuser = 'b'\npassword = 'x'\n")
        .unwrap();
    let refused = output(command(&["salesforce", "package", "-c", &config])).await;
    assert!(
        !refused.status.success() && text(&refused).contains("[salesforce]"),
        "{}",
        text(&refused)
    );
}
