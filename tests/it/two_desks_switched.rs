//! A company moves to Salesforce as a switch has it, while a write for it has no answer yet: deliveries are held until
//! each has a clear outcome, nothing is made twice, and a kill at any moment leaves what the next start goes on with.

use std::time::Duration;

use itop_sandbox::{Fault, FaultKind, Operations};
use salesforce_sandbox as salesforce;
use serde_json::{Value, json};

use crate::{
    two_desks::{Both, ended},
    two_desks_moves::hurried,
    world::{ACKNOWLEDGEMENTS, event, with},
};

const HOLD: &str = "/api/v1/hold";
const SWITCH: &str = "/api/v1/switch";

/// Longer than `delivery.settle`, shorter than `delivery.settle_unproven`.
const HELD_MS: u64 = 100_000;

impl Both {
    /// The link that Demo is to have, and the Case that its ticket has become, if it has.
    async fn wish(&self, case: Option<(&str, &Value)>) -> Value {
        let item = json!({
            "company": 42, "desk": "salesforce", "organization": "Clinic of the North", "team": "Network",
        });
        let mut tickets = Vec::new();
        if let Some((control, case)) = case {
            let known = self.world.get(SWITCH).await.expect(200);
            let known = known["items"].as_array().unwrap().iter();
            let ticket = known.clone().find(|ticket| ticket["control"] == control).unwrap().clone();
            tickets.push(json!({
                "instance": ticket["instance"], "control": control, "class": ticket["class"],
                "id": ticket["id"], "case": case["Id"], "account": case["AccountId"],
            }));
        }
        json!({"items": [item], "tickets": tickets})
    }

    /// A Case of the Account to which Demo goes, as a load would have made it.
    fn loaded_case(&self) -> Value {
        let accounts = self.salesforce.records("Account");
        let account = accounts.iter().find(|of| of["Name"] == "Clinic of the North").unwrap();
        let case = json!({"Subject": "Loaded", "Status": "Working", "AccountId": account["Id"]});
        let id = self.salesforce.seed("Case", case).unwrap();
        let cases = self.salesforce.records("Case");
        Value::Object(cases.into_iter().find(|case| case["Id"] == json!(id)).unwrap())
    }

    /// Holds deliveries, and lets time pass until all is settled.
    async fn held(&self) {
        self.world.put(HOLD, &json!({})).await.expect(200);
        self.world
            .until("all is settled", async || {
                self.world.clock.advance(Duration::from_secs(5));
                (self.world.get(HOLD).await.expect(200)["is_settled"] == true).then_some(())
            })
            .await;
    }

    async fn goes_on(&self) {
        self.world.delete(HOLD).await.expect(200);
    }

    async fn demo_is_switched(&self) {
        self.held().await;
        let moved = self.world.post(SWITCH, &self.wish(None).await).await.expect(200);
        assert_eq!(moved["moved_links"], 1, "{moved}");
        self.goes_on().await;
    }
}

/// What became of a write to iTop without an answer, if Demo moves meanwhile.
async fn unknown_at_itop(kind: FaultKind) -> (Both, Value) {
    let both = Both::with(hurried).await;
    let id = both.unknown_at_itop(kind).await;
    both.demo_is_switched().await;
    let row = ended(&both, &id, "created").await;
    both.long_after().await;
    (both, row)
}

#[tokio::test]
async fn what_itop_has_made_is_found_before_the_company_moves() {
    let (both, row) = unknown_at_itop(FaultKind::CutAfter).await;
    assert_eq!(row["ticket"]["class"], "Incident", "{row}");
    assert_eq!(both.tickets().await, (1, 0));
    both.finish().await;
}

#[tokio::test]
async fn what_itop_has_not_made_becomes_a_case() {
    let (both, row) = unknown_at_itop(FaultKind::CutBefore).await;
    assert_eq!(row["ticket"]["class"], "Case", "{row}");
    assert_eq!(both.tickets().await, (0, 1));
    both.finish().await;
}

#[tokio::test]
async fn what_itop_holds_for_longer_than_is_waited_for_is_made_once_all_the_same() {
    let (both, row) = unknown_at_itop(FaultKind::HeldBefore { ms: HELD_MS }).await;
    let (itop, salesforce) = both.tickets().await;
    assert_eq!(itop + salesforce, 1, "{itop} in iTop, {salesforce} in Salesforce: {row}");
    both.finish().await;
}

#[tokio::test]
async fn nothing_moves_while_a_delivery_is_under_way_or_deliveries_are_not_held() {
    let both = Both::with(|_| {}).await;
    let wish = both.wish(None).await;
    both.world.post(SWITCH, &wish).await.problem(409, "not-held");
    let slow = FaultKind::Slow { before_ms: 20_000, after_ms: 0 };
    both.world.itop.faults().switch_on(Fault::new(slow).times(1).on(Operations::Create));
    let id = both.world.post(ACKNOWLEDGEMENTS, &event("a")).await.expect(202)["id"].clone();
    both.world.until_state(&id, "creating").await;
    both.world.put(HOLD, &json!({})).await.expect(200);
    both.world.post(SWITCH, &wish).await.problem(409, "not-settled");
    both.held().await;
    let row = both.row(&id).await;
    assert_eq!((&row["state"], &row["ticket"]["class"]), (&json!("created"), &json!("Incident")));
    // A dry run says what the move does, and neither needs them held nor changes anything.
    let case = both.loaded_case();
    let wish = both.wish(Some(("control-a", &case))).await;
    let dry = with(wish.clone(), "/dry_run", json!(true));
    let would = both.world.post(SWITCH, &dry).await.expect(200);
    assert_eq!(
        (&would["moved_links"], &would["moved_controls"]),
        (&json!(1), &json!(1)),
        "{would}"
    );
    assert_eq!(both.row(&id).await["ticket"]["class"], "Incident");
    let moved = both.world.post(SWITCH, &wish).await.expect(200);
    for member in ["moved_links", "moved_controls", "without", "companies_left", "controls_left"] {
        assert_eq!(moved[member], would[member], "{moved}");
    }
    both.goes_on().await;
    let ticket = both.world.get("/api/v1/controls/control-a/ticket").await.expect(200);
    assert_eq!(ticket["ticket"]["ref"], case["CaseNumber"]);
    both.finish().await;
}

#[tokio::test]
async fn a_blocked_row_goes_on_where_its_company_is() {
    let both = Both::with(|_| {}).await;
    both.world.link(42, json!({"organization": "Demo"})).await;
    let bare = |key: &str| {
        let mut event = event(key);
        for member in ["team", "contact", "service", "service_element"] {
            event.as_object_mut().unwrap().remove(member);
        }
        event
    };
    let id = both.world.post(ACKNOWLEDGEMENTS, &bare("a")).await.body["id"].clone();
    both.world.until_state(&id, "blocked").await;
    both.demo_is_switched().await;
    let row = ended(&both, &id, "created").await;
    assert_eq!(row["ticket"]["class"], "Case", "{row}");
    assert_eq!(both.tickets().await, (0, 1));
    both.finish().await;
}

#[tokio::test]
async fn a_kill_between_any_two_steps_leaves_what_the_next_start_goes_on_with() {
    let mut both = Both::with(hurried).await;
    let made = both.world.acknowledge(&event("a")).await.expect(201);
    let id = both.unknown_at_itop_of("b", FaultKind::CutBefore).await;
    let kill = async |both: &mut Both| {
        both.world.crash_bridge();
        both.world.start_bridge().await;
    };
    both.world.put(HOLD, &json!({})).await.expect(200);
    kill(&mut both).await;
    // It is held as before, and what was unknown is settled all the same.
    both.held().await;
    let waiting = both.world.post(ACKNOWLEDGEMENTS, &event("c")).await.expect(202)["id"].clone();
    kill(&mut both).await;
    assert_eq!(both.row(&waiting).await["problem"]["code"], "deliveries-held");
    let case = both.loaded_case();
    let wish = both.wish(Some(("control-a", &case))).await;
    let moved = both.world.post(SWITCH, &wish).await.expect(200);
    assert_eq!(
        (&moved["moved_links"], &moved["moved_controls"]),
        (&json!(1), &json!(1)),
        "{moved}"
    );
    kill(&mut both).await;
    assert_eq!(both.world.get(HOLD).await.expect(200)["is_held"], true);
    // Whoever did not hear of it asks once more, and nothing moves twice.
    let moved = both.world.post(SWITCH, &both.wish(None).await).await.expect(200);
    assert_eq!(
        (&moved["moved_links"], &moved["moved_controls"]),
        (&json!(0), &json!(0)),
        "{moved}"
    );
    both.goes_on().await;
    kill(&mut both).await;
    assert_eq!(both.world.get(HOLD).await.expect(200)["is_held"], false);
    for id in [&id, &waiting] {
        let row = ended(&both, id, "created").await;
        assert_eq!(row["ticket"]["class"], "Case", "{row}");
    }
    let noted = with(event("d"), "/control/id", json!("control-a"));
    let noted = both.world.acknowledge(&noted).await.expect(200);
    assert_eq!((&noted["state"], &noted["ticket"]["ref"]), (&json!("reused"), &case["CaseNumber"]));
    // One in iTop, the loaded Case, and one for each that waited.
    assert_eq!(both.tickets().await, (1, 3));

    // And back: a kill after it changes nothing of it.
    both.held().await;
    let back = both.world.post("/api/v1/switch/back", &json!({})).await.expect(200);
    assert_eq!((&back["links"], &back["controls"]), (&json!(1), &json!(1)), "{back}");
    assert_eq!(back["cases"].as_array().unwrap().len(), 2, "{back}");
    kill(&mut both).await;
    both.goes_on().await;
    let ticket = both.world.get("/api/v1/controls/control-a/ticket").await.expect(200);
    assert_eq!(ticket["ticket"]["ref"], made["ticket"]["ref"]);
    let none = both.world.post("/api/v1/switch/back", &json!({"dry_run": true})).await.expect(200);
    assert_eq!((&none["links"], &none["controls"]), (&json!(0), &json!(0)), "{none}");
    both.salesforce.clear_faults();
    both.finish().await;
}

#[tokio::test]
async fn what_salesforce_has_made_is_found_although_its_company_has_come_back() {
    let both = Both::with(hurried).await;
    both.demo_is_switched().await;
    let kind = salesforce::FaultKind::Cut { after: true };
    let fault = salesforce::Fault::new(salesforce::Operation::Create, kind).times(1);
    both.salesforce.fail(fault.object("Case"));
    let posted = both.world.post(ACKNOWLEDGEMENTS, &event("a")).await.body["id"].clone();
    both.world
        .until("its first attempt has ended", async || {
            let row = both.row(&posted).await;
            (row["attempts"] == 1 && row["state"] == "accepted").then_some(())
        })
        .await;
    both.held().await;
    both.world.post("/api/v1/switch/back", &json!({})).await.expect(200);
    both.goes_on().await;
    let row = ended(&both, &posted, "created").await;
    assert_eq!(row["ticket"]["class"], "Case", "{row}");
    both.long_after().await;
    assert_eq!(both.tickets().await, (0, 1));
    both.finish().await;
}
