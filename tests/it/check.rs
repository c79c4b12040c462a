//! What `check` tells an administrator, for each thing that can be wrong. What people read is
//! snapshotted.

use servicenav_itop_bridge::{
    cli::{Verdict, examine},
    config::{LoginKind, TicketClass},
    sandbox::{Fault, FaultKind, Flavour, Operations, Options},
    secret::Secret,
};

use crate::world::World;

/// The report, without what differs from run to run.
async fn report(world: &World, create_ticket: bool) -> String {
    let findings = examine(&world.config, &world.clock, Some("Demo"), create_ticket).await.unwrap();
    let lines: Vec<_> = findings.iter().map(ToString::to_string).collect();
    lines.join("\n").replace(&world.itop.url(), "http://itop.example")
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
    let world = World::start().await;
    insta::assert_snapshot!(report(&world, true).await);
    assert_eq!(world.itop.tickets().await.unwrap().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn without_create_ticket_nothing_is_written() {
    let world = World::start().await;
    let findings = examine(&world.config, &world.clock, None, false).await.unwrap();
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
    let world =
        World::with(Options::default(), |config| config.itop.user = "reader".to_owned()).await;
    insta::assert_snapshot!(report(&world, true).await);
    world.finish().await;
}

#[tokio::test]
async fn closed_port() {
    let mut world = World::start().await;
    // Port 9 (discard) is served by nobody.
    world.config.itop.url = "http://127.0.0.1:9/".to_owned();
    insta::assert_snapshot!(report(&world, false).await);
    world.finish().await;
}

#[tokio::test]
async fn wrong_time_zone() {
    let mut world = World::start().await;
    world.config.itop.time_zone = "UTC".to_owned();
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
    world.config.itop.login = LoginKind::Basic;
    world.config.itop.password = Some(Secret::new("with:colon".to_owned()));
    let report = report(&world, false).await;
    assert!(!report.contains("with:colon"));
    insta::assert_snapshot!(report);
    world.finish().await;
}
