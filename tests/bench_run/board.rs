//! The board of 50,000 controls: its first page, searching it, and its figures.

use std::path::Path;

use rusqlite::Connection;
use serde_json::Value;

use crate::{
    measure::{PERIOD, ROUNDS, Round, Rounds},
    processes::{Process, folder},
    report::Line,
    requests::{self, Cycle},
    starts::fill,
    wire,
};

const CONTROLS: u32 = 50_000;

/// The board as a dashboard and a person's browser ask for it, one at a time.
pub async fn board() -> Vec<Line> {
    let folder = folder();
    let itop = Process::itop(folder.path(), &[]).await;
    fill(&itop, folder.path(), CONTROLS).await;
    vary(folder.path());
    let bridge = Process::bridge(folder.path(), itop.address).await;
    let board = "/api/v1/tickets?details=true&pending=true&count=true&limit=50";
    let all = wire::ask_well(bridge.address, &requests::get(&format!("{board}&group=all"))).await;
    let all: Value = serde_json::from_slice(&all).expect("JSON");
    assert_eq!(all["total"], CONTROLS, "not all of them");
    let mut lines = Vec::new();
    let open = vec![format!("{board}&group=open")];
    lines.push(line(&bridge, "first page, API", &open).await.at_most(50.0));
    lines.push(line(&bridge, "first page, HTML", &["/".to_owned()]).await.at_most(50.0));
    let orders = ["priority", "control", "company", "status", "agent", "ticket"];
    let orders = orders.map(|order| format!("{board}&group=all&sort={order}"));
    lines.push(line(&bridge, "any other order", &orders).await.at_most(100.0));
    // They match all, one, a hundredth, none, and a person's half.
    let terms = ["critical", "svc-00012345", "company+17", "no+such+thing", "anna+gavalda+disk"];
    let terms = terms.map(|term| format!("{board}&group=all&q={term}"));
    lines.push(line(&bridge, "search", &terms).await.at_most(100.0));
    let summary = vec!["/api/v1/tickets/summary".to_owned()];
    lines.push(line(&bridge, "figures", &summary).await.at_most(5.0));
    lines
}

async fn line(bridge: &Process, what: &str, paths: &[String]) -> Line {
    let asked: Vec<_> = paths.iter().map(|path| requests::get(path)).collect();
    let mut rounds = Rounds::default();
    for round in 0..=ROUNDS {
        let of_bridge = Round::of(bridge, Cycle::each(asked.clone(), 1), PERIOD).await;
        if round > 0 {
            rounds.add(of_bridge);
        }
    }
    Line::new(format!("board of 50,000, {what}: p99"), rounds.median(|r| r.p99), "ms")
        .cpu(rounds.median(|r| r.cpu))
}

/// Gives what was filled in companies, ages and words of its own, and half of it open tickets, of which
/// all is known for a day: iTop has none of them.
fn vary(folder: &Path) {
    let database = Connection::open(folder.join("bridge.db")).expect("the database");
    database
        .execute_batch(
            "BEGIN;
             UPDATE tickets SET as_of = as_of + 86400000, priority = 1 + id % 4,
                 title = '[CRITICAL] srv-' || id || ' – Disk C:',
                 status = iif(id % 2, 'assigned', 'closed'),
                 operational_status = iif(id % 2, 'ongoing', 'closed');
             UPDATE control_tickets SET received_at = mapped_at - 60000 * acknowledgement_id,
                 company_key = 'id:' || (acknowledgement_id % 300),
                 company_name = 'Company ' || (acknowledgement_id % 300),
                 company_words = 'company ' || (acknowledgement_id % 300),
                 equipment_name = 'srv-' || ticket_id, control_state = 'CRITICAL',
                 element_type = 'service', author = 'Jean Dupont', author_login = 'jdupont',
                 author_words = 'jean dupont', login_words = 'jdupont',
                 team_words = 'helpdesk', agent_words = 'anna gavalda',
                 control_words = 'disk c: ' || control_id || ' srv-' || ticket_id || ' company '
                     || (acknowledgement_id % 300) || ' jean dupont jdupont',
                 ticket_words = lower(ticket_number) || ' [critical] srv-' || ticket_id
                     || ' – disk c: helpdesk anna gavalda';
             COMMIT;",
        )
        .expect("the tables have these columns");
}
