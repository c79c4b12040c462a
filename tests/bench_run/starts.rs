//! From the start of the process until it is ready.

use std::{path::Path, time::Duration};

use rusqlite::Connection;
use servicenav_itop_bridge::clock::Clock;

use crate::{
    load::now,
    measure::{ROUNDS, median},
    processes::{Process, folder},
    report::Line,
    requests, wire,
};

const CONTROLS: u32 = 1_000_000;

pub async fn to_ready() -> Vec<Line> {
    let folder = folder();
    let itop = Process::itop(folder.path(), &[]).await;
    fill(&itop, folder.path(), CONTROLS).await;
    // What the filling left to do is done by this one.
    Process::bridge(folder.path(), itop.address).await.stop();
    let clock = Clock::system();
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let began = now();
        let bridge = Process::spawn_bridge(folder.path(), itop.address);
        while !bridge.answers("/readyz").await {
            assert!(began.elapsed() < Duration::from_mins(1), "the bridge does not get ready");
            clock.sleep(Duration::from_millis(2)).await;
        }
        times.push(began.elapsed().as_secs_f64());
        // It must be the last of a million that it knows, else it has started with less.
        let path = format!("/api/v1/controls/{}/ticket", requests::control(CONTROLS - 1));
        wire::ask_well(bridge.address, &requests::get(&path)).await;
        bridge.stop();
    }
    vec![Line::new("start to ready, 1,000,000 mapped controls", median(times), "s").at_most(0.5)]
}

/// Writes tickets of controls into the database of a bridge that is not running. Of twenty, one
/// is still open; iTop has none of them.
pub async fn fill(itop: &Process, folder: &Path, controls: u32) {
    Process::bridge(folder, itop.address).await.stop();
    let now = Clock::system().now().as_millisecond();
    let database = Connection::open(folder.join("bridge.db")).expect("the database");
    database
        .execute_batch(&format!(
            "BEGIN;
             CREATE TEMP TABLE numbers AS
                 WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT {controls})
                 SELECT i, 1000000 + i AS ticket, i % 20 = 0 AS open FROM n;
             INSERT INTO tickets (class, id, ref, org_id, status, operational_status, priority,
                     title, last_update, team, agent, presence, as_of)
                 SELECT 'Incident', ticket, format('I-%06d', ticket), 3,
                     iif(open, 'assigned', 'closed'), iif(open, 'ongoing', 'closed'), 3,
                     '[CRITICAL] Server4 – Disk C:', {now}, 'Helpdesk', 'Anna Gavalda', 'present',
                     {now} FROM numbers;
             INSERT INTO control_tickets (instance, control_id, control_name, company_key,
                     ticket_class, ticket_id, acknowledgement_id, mapped_at, org_id,
                     ticket_status, ticket_open, received_at, ticket_group, ticket_number,
                     ticket_priority)
                 SELECT 'default', format('svc-%08d', i), 'Disk C:', 'id:42', 'Incident', ticket,
                     i, {now}, 3, iif(open, 'assigned', 'closed'), open, {now},
                     iif(open, 'open', 'closed'), format('I-%06d', ticket), 3 FROM numbers;
             COMMIT;"
        ))
        .expect("the tables have these columns");
}
