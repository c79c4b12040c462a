//! A company is linked to the other ticket system while a write for it has no answer yet: what it has
//! made is found where it was sent, and made nowhere else.

use std::time::Duration;

use itop_sandbox::{Fault, FaultKind, Operations};
use jiff::SignedDuration;
use salesforce_sandbox as salesforce;
use serde_json::{Value, json};
use servicenav_itop_bridge::config::{Config, Period};

use crate::{
    two_desks::{Both, ended, of_bakery},
    world::{ACKNOWLEDGEMENTS, event},
};

/// The client gives up long before a desk ends what it holds.
pub fn hurried(config: &mut Config) {
    config.itop.as_mut().unwrap().create_timeout = Period::millis(500);
    if let Some(section) = &mut config.salesforce {
        section.create_timeout = Period::millis(500);
    }
}

/// Longer than `delivery.settle`, shorter than `delivery.settle_unproven`.
const HELD_MS: u64 = 100_000;

impl Both {
    /// Posts an event of Demo (iTop) whose create fails so, and waits until nobody knows what came of it.
    pub async fn unknown_at_itop(&self, kind: FaultKind) -> Value {
        self.unknown_at_itop_of("a", kind).await
    }

    /// The same of the event with this key.
    pub async fn unknown_at_itop_of(&self, key: &str, kind: FaultKind) -> Value {
        let fault = Fault::new(kind).times(1).on(Operations::Create);
        self.world.itop.faults().switch_on(fault);
        let posted = self.world.post(ACKNOWLEDGEMENTS, &event(key)).await.expect(202);
        self.world.until_state(&posted["id"], "unknown").await;
        posted["id"].clone()
    }

    /// The same of Bakery (Salesforce), where the row waits to be sent again.
    async fn unclear_at_salesforce(&self, kind: salesforce::FaultKind) -> Value {
        let fault = salesforce::Fault::new(salesforce::Operation::Create, kind).times(1);
        self.salesforce.fail(fault.object("Case"));
        let posted = self.world.post(ACKNOWLEDGEMENTS, &of_bakery("a")).await;
        self.world
            .until("its first attempt has ended", async || {
                let row = self.row(&posted.body["id"]).await;
                (row["attempts"] == 1 && row["state"] == "accepted").then_some(())
            })
            .await;
        posted.body["id"].clone()
    }

    async fn demo_moves(&self) {
        let link =
            json!({"desk": "salesforce", "organization": "Clinic of the North", "team": "Network"});
        self.world.link(42, link).await;
    }

    async fn bakery_moves(&self) {
        self.world.link(7, json!({"organization": "Demo", "team": "Helpdesk"})).await;
    }

    /// Lets so much time pass that whatever is held ends, and everything that waits has its turn.
    pub async fn long_after(&self) {
        for _ in 0..30 {
            self.world.clock.advance(Duration::from_secs(30));
            self.world.get("/readyz").await;
        }
        self.world
            .until("no desk is at work", async || {
                self.world.clock.advance(Duration::from_secs(5));
                let itop = self.world.itop.requests_seen();
                let at_work = itop.creates_in_flight + self.salesforce.under_way();
                (at_work == 0).then_some(())
            })
            .await;
    }

    /// How many tickets there are: in iTop, and in Salesforce.
    pub async fn tickets(&self) -> (usize, usize) {
        (self.world.itop.tickets().await.unwrap().len(), self.cases().len())
    }
}

/// It ends with a ticket of this class, and long after that is the only one.
async fn made_once(both: &Both, id: &Value, class: &str) {
    let row = ended(both, id, "created").await;
    assert_eq!(row["ticket"]["class"], class, "{row}");
    both.long_after().await;
    assert_eq!(both.tickets().await, if class == "Case" { (0, 1) } else { (1, 0) });
}

#[tokio::test]
async fn what_itop_has_made_is_found_there_although_the_company_has_moved() {
    let both = Both::with(hurried).await;
    let id = both.unknown_at_itop(FaultKind::CutAfter).await;
    both.demo_moves().await;
    let row = ended(&both, &id, "created").await;
    assert_eq!(row["ticket"]["class"], "Incident", "{row}");
    both.long_after().await;
    assert_eq!(both.tickets().await, (1, 0));
    // The control shows it until another acknowledgement makes a Case.
    let shown = both.world.get("/api/v1/controls/control-a/ticket").await.expect(200);
    assert_eq!(shown["ticket"]["ref"], row["ticket"]["ref"]);
    both.finish().await;
}

#[tokio::test]
async fn what_itop_has_not_made_becomes_a_case() {
    let both = Both::with(hurried).await;
    let id = both.unknown_at_itop(FaultKind::CutBefore).await;
    both.demo_moves().await;
    made_once(&both, &id, "Case").await;
    both.finish().await;
}

#[tokio::test]
async fn a_create_that_itop_holds_is_waited_for_before_a_case_is_made() {
    // No condition of iTop knows of a Case: only time tells that it will not be made any more.
    let both = Both::with(hurried).await;
    let id = both.unknown_at_itop(FaultKind::HeldBefore { ms: HELD_MS }).await;
    both.demo_moves().await;
    made_once(&both, &id, "Incident").await;
    both.finish().await;
}

#[tokio::test]
async fn what_salesforce_has_made_is_found_there_although_the_company_has_moved() {
    let both = Both::with(hurried).await;
    let id = both.unclear_at_salesforce(salesforce::FaultKind::Cut { after: true }).await;
    both.bakery_moves().await;
    made_once(&both, &id, "Case").await;
    both.finish().await;
}

#[tokio::test]
async fn what_salesforce_has_not_made_becomes_a_ticket_of_itop() {
    let both = Both::with(hurried).await;
    let id = both.unclear_at_salesforce(salesforce::FaultKind::Cut { after: false }).await;
    both.bakery_moves().await;
    made_once(&both, &id, "Incident").await;
    both.finish().await;
}

#[tokio::test]
async fn a_case_that_salesforce_holds_is_waited_for_before_a_ticket_is_made_in_itop() {
    let both = Both::with(hurried).await;
    let slow = salesforce::FaultKind::Slow { before_ms: HELD_MS, after_ms: 0 };
    let id = both.unclear_at_salesforce(slow).await;
    both.bakery_moves().await;
    made_once(&both, &id, "Case").await;
    both.finish().await;
}

#[tokio::test]
async fn a_restart_does_not_shorten_the_wait_for_what_a_desk_holds() {
    let mut both = Both::with(|config| {
        hurried(config);
        config.delivery.backoff_max = Period::seconds(4);
        config.delivery.recheck_blocked = Period::seconds(10);
    })
    .await;
    let slow = salesforce::FaultKind::Slow { before_ms: HELD_MS, after_ms: 0 };
    let id = both.unclear_at_salesforce(slow).await;
    both.bakery_moves().await;
    both.world
        .until("it was looked for once", async || {
            both.world.clock.advance(Duration::from_secs(1));
            (both.row(&id).await["problem"]["code"] == "left-unclear").then_some(())
        })
        .await;
    both.world.crash_bridge();
    both.world.clock.step(SignedDuration::from_hours(1));
    both.world.start_bridge().await;
    made_once(&both, &id, "Case").await;
    both.finish().await;
}

#[tokio::test]
async fn a_row_that_one_desk_is_at_is_not_delivered_by_the_other() {
    let both = Both::with(hurried).await;
    let slow = FaultKind::Slow { before_ms: 20_000, after_ms: 0 };
    both.world.itop.faults().switch_on(Fault::new(slow).times(1).on(Operations::Read));
    // Its turn has come, its company is read, and nothing is written yet.
    let id = both.posted(&event("a")).await;
    both.world
        .until("iTop is asked for its lists", async || {
            (both.world.itop.requests_seen().in_flight > 0).then_some(())
        })
        .await;
    both.demo_moves().await;
    ended(&both, &id, "created").await;
    both.long_after().await;
    let (itop, salesforce) = both.tickets().await;
    assert_eq!(itop + salesforce, 1, "{itop} in iTop, {salesforce} in Salesforce");
    both.finish().await;
}

#[tokio::test]
async fn a_kill_in_the_middle_of_a_move_makes_nothing_twice() {
    let mut both = Both::with(hurried).await;
    let cut = Fault::new(FaultKind::CutAfter).times(2).on(Operations::Create);
    both.world.itop.faults().switch_on(cut);
    let cut = salesforce::FaultKind::Cut { after: true };
    let cut = salesforce::Fault::new(salesforce::Operation::Create, cut).object("Case");
    both.salesforce.fail(cut.times(2));
    let mut ids = Vec::new();
    for event in [event("a"), event("b"), of_bakery("c"), of_bakery("d")] {
        ids.push(both.posted(&event).await);
    }
    both.demo_moves().await;
    both.world.crash_bridge();
    both.world.start_bridge().await;
    both.bakery_moves().await;
    both.world.crash_bridge();
    both.world.start_bridge().await;
    let mut classes = Vec::new();
    for id in &ids {
        classes.push(ended(&both, id, "created").await["ticket"]["class"].clone());
    }
    both.long_after().await;
    let (itop, salesforce) = both.tickets().await;
    assert_eq!(itop + salesforce, ids.len(), "{classes:?}");
    both.world.itop.faults().clear();
    both.salesforce.clear_faults();
    both.finish().await;
}
