//! Requests that are held, before they are evaluated and after it.

use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinHandle;

use super::*;

const HOUR: u64 = 3_600_000;

/// Sends a request whose client waits as long as it takes.
fn sent(sandbox: &Sandbox, data: Value) -> JoinHandle<Value> {
    let url = sandbox.url();
    tokio::spawn(async move { json(post(&url, "bridge", data).await.unwrap()).await })
}

async fn until(what: impl Fn() -> bool) {
    let comes_true = async {
        while !what() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(2), comes_true).await.expect("it does not come true");
}

async fn until_held(sandbox: &Sandbox, requests: usize) {
    until(|| sandbox.requests_seen().held_inside == requests).await;
}

/// A create that is made only if no ticket has the marker.
fn conditional() -> Value {
    let mut create = create("t");
    create["fields"]["org_id"] = json!(
        "SELECT Organization WHERE id = 5002 AND id NOT IN (SELECT Organization AS o JOIN Ticket AS \
         t ON t.org_id = o.id WHERE t.private_log LIKE '%[ack 00aa]%')"
    );
    let item = json!({ "message": "[ack 00aa]", "format": "text" });
    create["fields"]["private_log"] = json!({ "add_item": item });
    create
}

fn probe() -> Value {
    json!({
        "operation": "core/create", "class": "UserRequest", "comment": "test",
        "fields": { "title": "x".repeat(256) }, "output_fields": "id",
    })
}

fn line(id: i64, marker: &str) -> Value {
    let item = json!({ "message": marker, "format": "text" });
    json!({
        "operation": "core/update", "class": "UserRequest", "comment": "test",
        "key": format!("SELECT UserRequest WHERE id = {id} AND private_log NOT LIKE '%{marker}%'"),
        "fields": { "private_log": { "add_item": item } }, "output_fields": "id",
    })
}

async fn log_of(sandbox: &Sandbox, id: i64) -> Vec<String> {
    let tickets = sandbox.tickets().await.unwrap();
    tickets.into_iter().find(|ticket| ticket.id == id).unwrap().private_log
}

#[tokio::test]
async fn what_is_held_before_it_is_evaluated_sees_what_was_done_meanwhile() {
    let sandbox = start(Options::default()).await;
    let held = Fault::new(FaultKind::HeldBefore { ms: HOUR }).times(1);
    sandbox.faults().switch_on(held);
    let late = sent(&sandbox, conditional());
    until(|| sandbox.requests_seen().creates_in_flight == 1).await;
    // The client is long gone, and a second attempt makes the ticket.
    late.abort();
    assert_eq!(call(&sandbox, "bridge", conditional()).await["code"], 0);
    sandbox.itop.clock.advance(Duration::from_millis(HOUR));
    until(|| sandbox.requests_seen().creates_in_flight == 0).await;
    assert_eq!(sandbox.tickets().await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_held_after_its_conditions_does_not_see_what_was_done_meanwhile() {
    let sandbox = start(Options::default()).await;
    let held = Fault::new(FaultKind::HeldInside { ms: HOUR }).times(1);
    sandbox.faults().switch_on(held);
    let first = sent(&sandbox, conditional());
    until_held(&sandbox, 1).await;
    assert_eq!(call(&sandbox, "bridge", conditional()).await["code"], 0);
    sandbox.itop.clock.advance(Duration::from_millis(HOUR));
    assert_eq!(first.await.unwrap()["code"], 0);
    assert_eq!(sandbox.tickets().await.unwrap().len(), 2);
    assert_eq!(sandbox.requests_seen().held_inside, 0);

    // A read is old when it is answered.
    sandbox.faults().switch_on(Fault::new(FaultKind::HeldInside { ms: HOUR }).times(1));
    let read = sent(&sandbox, get("Ticket", "SELECT Ticket", "id"));
    until_held(&sandbox, 1).await;
    call(&sandbox, "bridge", create("third")).await;
    sandbox.itop.clock.advance(Duration::from_millis(HOUR));
    assert_eq!(count(&read.await.unwrap()), 2);
}

#[tokio::test]
async fn creates_wait_at_the_counter_with_their_conditions_behind_them() {
    let sandbox = start(Options::default()).await;
    let lock = Fault::new(FaultKind::CounterLock { ms: HOUR }).times(1);
    sandbox.faults().switch_on(lock);
    let creates = [sent(&sandbox, conditional()), sent(&sandbox, conditional())];
    until_held(&sandbox, 2).await;
    sandbox.itop.clock.advance(Duration::from_millis(HOUR / 2));
    let probe = sent(&sandbox, probe());
    until_held(&sandbox, 3).await;
    // What takes no number passes, reads among it.
    let all = get("Ticket", "SELECT Ticket", "id");
    assert_eq!(count(&call(&sandbox, "bridge", all).await), 0);
    assert!(sandbox.create("Service", json!({ "org_id": 2, "name": "s" })).await.is_ok());
    // All are released together: neither has seen the other.
    sandbox.itop.clock.advance(Duration::from_millis(HOUR / 2));
    for create in creates {
        assert_eq!(create.await.unwrap()["code"], 0);
    }
    assert_eq!(probe.await.unwrap()["code"], 100);
    assert_eq!(call(&sandbox, "bridge", conditional()).await["code"], 100);
    assert_eq!(sandbox.tickets().await.unwrap().len(), 2);
}

#[tokio::test]
async fn creates_wait_for_the_table_and_the_probe_passes() {
    let sandbox = start(Options::default()).await;
    sandbox.faults().switch_on(Fault::new(FaultKind::InsertLock { ms: HOUR }).times(1));
    let first = sent(&sandbox, conditional());
    until_held(&sandbox, 1).await;
    assert_eq!(call(&sandbox, "bridge", probe()).await["code"], 100);
    let second = sent(&sandbox, conditional());
    until_held(&sandbox, 2).await;
    sandbox.itop.clock.advance(Duration::from_millis(HOUR));
    for create in [first, second] {
        assert_eq!(create.await.unwrap()["code"], 0);
    }
    let tickets = sandbox.tickets().await.unwrap();
    let number = |at: usize| tickets[at].reference[2..].parse::<u32>().unwrap();
    // The probe took the number between theirs.
    assert_eq!(number(0).abs_diff(number(1)), 2);
}

#[tokio::test]
async fn of_two_lines_at_once_one_is_lost_be_it_of_an_agent() {
    let sandbox = start(Options::default()).await;
    call(&sandbox, "bridge", create("t")).await;
    let id = sandbox.tickets().await.unwrap()[0].id;
    for agent in [false, true] {
        let before = log_of(&sandbox, id).await;
        sandbox.faults().switch_on(Fault::new(FaultKind::HeldInside { ms: HOUR }).times(1));
        let [kept, lost] = [format!("[kept {agent}]"), format!("[lost {agent}]")];
        let first = sent(&sandbox, line(id, &kept));
        until_held(&sandbox, 1).await;
        if agent {
            let fields = json!({ "title": "by hand", "private_log": lost });
            sandbox.change("UserRequest", id, fields).await.unwrap();
        } else {
            assert_eq!(call(&sandbox, "bridge", line(id, &lost)).await["code"], 0);
        }
        assert!(log_of(&sandbox, id).await.contains(&lost));
        sandbox.itop.clock.advance(Duration::from_millis(HOUR));
        assert_eq!(first.await.unwrap()["code"], 0);
        assert_eq!(log_of(&sandbox, id).await, [before, vec![kept.clone()]].concat());
        // The search agrees with what is shown, and other attributes keep what others wrote.
        let query = |marker: &str| format!("SELECT Ticket WHERE private_log LIKE '%{marker}%'");
        assert_eq!(sandbox.select(&query(&kept)).await.unwrap(), [id]);
        assert!(sandbox.select(&query(&lost)).await.unwrap().is_empty());
    }
    assert_eq!(sandbox.tickets().await.unwrap()[0].title, "by hand");
}

#[tokio::test]
async fn with_latency_lines_and_markers_overlap() {
    let latency = Latency { read_ms: 0, create_ms: 2 * HOUR, best_in_flight: 9, noise: None };
    let sandbox = start(Options { latency: Some(latency), ..Options::default() }).await;
    let creates = [sent(&sandbox, conditional()), sent(&sandbox, conditional())];
    for held_before in [true, false] {
        until(|| sandbox.requests_seen().creates_in_flight == 2).await;
        until_held(&sandbox, if held_before { 0 } else { 2 }).await;
        // A sleep that begins after the clock was moved would last.
        tokio::task::yield_now().await;
        sandbox.itop.clock.advance(Duration::from_millis(HOUR));
    }
    for create in creates {
        assert_eq!(create.await.unwrap()["code"], 0);
    }
}
