//! What `check` tells an administrator, for each thing that can be wrong. What people read is
//! snapshotted.

use crate::world::World;
use itop_sandbox::{Fault, FaultKind, Flavour, Operations, Options};
use serde_json::json;
use servicenav_itop_bridge::{
    check::{Examined, Finding, Told, Verdict, examine},
    clock::Clock,
    config::{Config, LoginKind, TicketClass},
    secret::Secret,
};

/// The report, without what differs from run to run.
pub async fn report(world: &World, create_ticket: bool) -> String {
    let findings = findings(&world.config, &world.clock, Some("Demo"), create_ticket).await;
    let lines: Vec<_> = findings.iter().map(ToString::to_string).collect();
    let database = world.database().display().to_string();
    lines
        .join("\n")
        .replace(&world.itop.url(), "http://itop.example")
        .replace(&database, "bridge.db")
}

pub async fn findings(
    config: &Config,
    clock: &Clock,
    company: Option<&str>,
    create_ticket: bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut take = |told| match told {
        Told::Found(finding) => findings.push(finding),
        Told::Examining(_) => {}
    };
    let examined = Examined { company, create_ticket, ..Examined::of(config, clock) };
    examine(examined, &mut take).await;
    findings
}

/// The report of a world that differs in its configuration.
async fn with_config(create_ticket: bool, change: impl FnOnce(&mut Config)) -> String {
    let mut world = World::start().await;
    change(&mut world.config);
    let report = report(&world, create_ticket).await;
    assert!(create_ticket || world.itop.tickets().await.unwrap().is_empty());
    world.finish().await;
    report
}

async fn with_fault(kind: FaultKind) -> String {
    let world = World::start().await;
    world.itop.faults().switch_on(Fault::new(kind));
    let report = report(&world, false).await;
    world.finish().await;
    report
}

#[tokio::test]
async fn all_is_well() {
    let world = World::linked().await;
    insta::assert_snapshot!(report(&world, true).await);
    assert_eq!(world.itop.tickets().await.unwrap().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn without_create_ticket_nothing_is_written() {
    let world = World::linked().await;
    let findings = findings(&world.config, &world.clock, None, false).await;
    assert!(findings.iter().all(|finding| finding.verdict == Verdict::Ok), "{findings:?}");
    assert!(world.itop.tickets().await.unwrap().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn wrong_password() {
    insta::assert_snapshot!(with_fault(FaultKind::WrongPassword).await);
}

#[tokio::test]
async fn missing_profile() {
    insta::assert_snapshot!(with_fault(FaultKind::ProfileMissing).await);
}

#[tokio::test]
async fn maintenance() {
    insta::assert_snapshot!(with_fault(FaultKind::Maintenance).await);
}

#[tokio::test]
async fn read_only() {
    insta::assert_snapshot!(with_fault(FaultKind::ReadOnly).await);
}

#[tokio::test]
async fn html_answer() {
    insta::assert_snapshot!(with_fault(FaultKind::LoginPage).await);
}

#[tokio::test]
async fn database_down() {
    insta::assert_snapshot!(with_fault(FaultKind::DatabaseDown).await);
}

#[tokio::test]
async fn no_incident_class() {
    let options = Options { flavour: Flavour::Simple, ..Options::default() };
    let world = World::with(options, |config| config.ticket.class = TicketClass::Incident).await;
    insta::assert_snapshot!(report(&world, false).await);
    world.finish().await;
}

#[tokio::test]
async fn no_write_right() {
    let world = World::with(Options::default(), |config| {
        config.itop.as_mut().unwrap().user = "reader".to_owned();
    })
    .await;
    insta::assert_snapshot!(report(&world, true).await);
    world.finish().await;
}

#[tokio::test]
async fn closed_port() {
    let mut world = World::start().await;
    // Port 9 (discard) is served by nobody.
    world.config.itop.as_mut().unwrap().url = "http://127.0.0.1:9/".to_owned();
    insta::assert_snapshot!(report(&world, false).await);
    world.finish().await;
}

#[tokio::test]
async fn wrong_time_zone() {
    let mut world = World::start().await;
    world.config.itop.as_mut().unwrap().time_zone = "UTC".to_owned();
    // The sandbox lives in Europe/Paris, an hour or two ahead by the season.
    let report = report(&world, true).await.replace("is 2 h 00", "is 1 h 00");
    insta::assert_snapshot!(report);
    world.finish().await;
}

#[tokio::test]
async fn marker_lost() {
    let world = World::start().await;
    world.itop.faults().switch_on(Fault::new(FaultKind::MarkerLost).on(Operations::Create));
    insta::assert_snapshot!(report(&world, true).await);
    world.finish().await;
}

#[tokio::test]
async fn colon_in_a_basic_password() {
    let mut world = World::start().await;
    world.config.itop.as_mut().unwrap().login = LoginKind::Basic;
    world.config.itop.as_mut().unwrap().password = Some(Secret::new("with:colon".to_owned()));
    let report = report(&world, false).await;
    assert!(!report.contains("with:colon"));
    insta::assert_snapshot!(report);
    world.finish().await;
}

#[tokio::test]
async fn without_a_link_and_a_team_acknowledgements_wait() {
    insta::assert_snapshot!(with_config(false, |_| {}).await);
}

#[tokio::test]
async fn a_field_that_the_data_model_does_not_have() {
    for create_ticket in [false, true] {
        let report = with_config(create_ticket, |config| {
            config.ticket.fields.insert("no_such_attribute".to_owned(), "x".to_owned());
        });
        let report = report.await;
        assert!(
            report.contains("failure  right to create: ticket.fields.no_such_attribute: Unknown"),
            "{report}"
        );
        assert!(report.ends_with("correct or remove ticket.fields.no_such_attribute."), "{report}");
    }
}

#[tokio::test]
async fn a_title_of_which_no_ticket_can_be_made() {
    insta::assert_snapshot!(
        with_config(true, |config| config.ticket.title = Some("{{ compny }}".to_owned())).await
    );
}

#[tokio::test]
async fn a_marker_field_that_there_is_not() {
    let report =
        with_config(true, |config| config.ticket.marker_field = "external_ref".to_owned()).await;
    assert!(report.contains("failure  marker field: ticket.marker_field is external_ref, and"));
    assert!(!report.contains("right to create"), "{report}");
}

#[tokio::test]
async fn a_team_that_does_not_serve_the_company() {
    let report = with_config(true, |config| config.ticket.team = Some("Nobody".to_owned())).await;
    assert!(report.contains("failure  ticket plan: No team could be found"), "{report}");
    assert!(!report.contains("right to create"), "{report}");
}

#[tokio::test]
async fn a_company_without_a_delivery_model() {
    let world = World::start().await;
    world.itop_changes("Organization", 3, json!({"deliverymodel_id": 0})).await;
    let report = report(&world, true).await;
    assert!(report.contains("failure  list of teams: 'Demo' has none"), "{report}");
    assert!(report.contains("The company has no delivery model"), "{report}");
    // Without a company one is taken that has teams.
    let findings = findings(&world.config, &world.clock, None, false).await;
    assert!(findings.iter().all(|finding| finding.verdict != Verdict::Failure), "{findings:?}");
    world.finish().await;
}

#[tokio::test]
async fn an_account_that_sees_one_company() {
    let mut world = World::linked().await;
    world.link(51, json!({"organization": "ACME Logistics"})).await;
    world.config.itop.as_mut().unwrap().user = "limited".to_owned();
    insta::assert_snapshot!(report(&world, false).await);
    world.finish().await;
}

#[tokio::test]
async fn an_account_of_the_portal() {
    let report =
        with_config(false, |config| config.itop.as_mut().unwrap().user = "portal".to_owned()).await;
    assert!(report.contains("failure  login: the account of the bridge may not use"), "{report}");
    assert!(report.contains("not \"Portal user\""), "{report}");
}

#[tokio::test]
async fn a_token_that_is_not_accepted() {
    let report = with_config(false, |config| {
        config.itop.as_mut().unwrap().login = LoginKind::Token;
        config.itop.as_mut().unwrap().token = Some(Secret::new("other".to_owned()));
    });
    assert!(report.await.contains("-> Check itop.token. iTop reads the header Auth-Token only"));
}

#[tokio::test]
async fn a_notice_around_the_answers() {
    let report = with_fault(FaultKind::NoticeBeforeJson).await;
    assert!(report.contains("warning  answers: iTop prints text around its answers"), "{report}");
    assert!(!report.contains("failure"), "{report}");
}
