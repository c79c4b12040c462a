//! Two ticket systems at once: iTop, and Salesforce, with a simulated one of each behind the real router.

use std::time::Duration;

use itop_sandbox as sandbox;
use salesforce_sandbox::{
    CLIENT_ID, CLIENT_SECRET, Fault, FaultKind, Now, Operation, Options, Pauses, Sandbox,
};
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    clock::Clock,
    config::{Config, SalesforceLogin, SalesforceSection},
    secret::Secret,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::world::{ACKNOWLEDGEMENTS, World, event, with};

/// A bridge with both, Demo linked to iTop and Bakery (ServiceNav's company 7) to Salesforce.
pub struct Both {
    pub world: World,
    pub salesforce: Sandbox,
    stop: CancellationToken,
}

impl Both {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let clock = Clock::system();
        let (day, pauses) = (clock.elsewhere(), clock.elsewhere());
        let salesforce = Sandbox::new(Options {
            now: Now::of(move || day.now()),
            pauses: Pauses::of(move |time| {
                let clock = pauses.clone();
                async move { clock.sleep(time).await }
            }),
            ..Options::default()
        })
        .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        tokio::spawn(salesforce.clone().serve(listener, stop.clone()));
        let world = World::with_clock(clock, sandbox::Options::default(), |config| {
            config.salesforce = Some(SalesforceSection {
                login_url: url,
                login: SalesforceLogin::ClientCredentials,
                client_id: CLIENT_ID.to_owned(),
                client_secret: Some(Secret::new(CLIENT_SECRET.to_owned())),
                ..SalesforceSection::default()
            });
            change(config);
        })
        .await;
        world.link_demo().await;
        let link = json!({
            "desk": "salesforce", "organization": "Bakery Dubois", "team": "First line",
        });
        let linked = world.link(7, link).await;
        assert_eq!(linked["desk"], "salesforce", "{linked}");
        let both = Self { world, salesforce, stop };
        both.salesforce.forget_requests();
        both
    }

    pub fn cases(&self) -> Vec<serde_json::Map<String, Value>> {
        self.salesforce.records("Case")
    }

    pub fn itop_creates(&self) -> u64 {
        self.world.itop.requests_seen().of("core/create")
    }

    pub async fn row(&self, id: &Value) -> Value {
        self.world.get(&format!("{ACKNOWLEDGEMENTS}/{id}")).await.expect(200)
    }

    pub async fn finish(self) {
        assert!(self.salesforce.faults().iter().all(|fault| fault.times.is_none_or(|n| n == 0)));
        self.world.finish().await;
        self.stop.cancel();
    }
}

/// An acknowledgement of Bakery that names nothing that its Account has to have.
pub fn of_bakery(key: &str) -> Value {
    let mut event = with(event(key), "/company", json!({"id": 7, "name": "Bakery"}));
    for member in ["team", "contact", "service", "service_element"] {
        event.as_object_mut().unwrap().remove(member);
    }
    event
}

/// Lets time pass until a row has ended.
pub async fn ended(both: &Both, id: &Value, state: &str) -> Value {
    let what = format!("acknowledgement {id} is {state}");
    both.world
        .until(&what, async || {
            both.world.clock.advance(Duration::from_secs(5));
            let row = both.row(id).await;
            (row["state"] == state).then_some(row)
        })
        .await
}

#[tokio::test]
async fn an_acknowledgement_becomes_one_case_and_nothing_in_itop() {
    let both = Both::start().await;
    let before = both.world.itop.requests_seen().by_operation;
    let made = both.world.acknowledge(&of_bakery("a")).await.expect(201);
    assert_eq!((&made["state"], &made["ticket"]["class"]), (&json!("created"), &json!("Case")));
    let cases = both.cases();
    let [case] = cases.as_slice() else { panic!("{cases:?}") };
    assert_eq!(case["CaseNumber"], made["ticket"]["ref"]);
    assert_eq!(case["Bridge_Ack__c"].as_str().unwrap().len(), 32);
    let url = made["ticket"]["url"].as_str().unwrap();
    assert!(url.ends_with(case["Id"].as_str().unwrap()), "{url}");

    // Posted again it is the same one; another one of its control is a note on it.
    let same = both.world.acknowledge(&of_bakery("a")).await.expect(200);
    assert_eq!(same["ticket"], made["ticket"]);
    let again = with(of_bakery("b"), "/control/id", json!("control-a"));
    let noted = both.world.acknowledge(&again).await.expect(200);
    assert_eq!(
        (&noted["state"], &noted["ticket"]["ref"]),
        (&json!("reused"), &made["ticket"]["ref"])
    );
    let comments = both.salesforce.records("CaseComment");
    let [comment] = comments.as_slice() else { panic!("{comments:?}") };
    assert!(comment["CommentBody"].as_str().unwrap().starts_with("[ack "), "{comment:?}");
    assert_eq!(both.cases().len(), 1);
    assert_eq!(both.world.itop.requests_seen().by_operation, before, "nothing was asked of iTop");
    both.finish().await;
}

#[tokio::test]
async fn of_a_company_of_itop_salesforce_is_never_asked() {
    let both = Both::start().await;
    let made = both.world.acknowledge(&event("a")).await.expect(201);
    assert_eq!(made["ticket"]["class"], "Incident");
    let again = with(event("b"), "/control/id", json!("control-a"));
    both.world.acknowledge(&again).await.expect(200);
    let asked = both.salesforce.requests();
    assert!(asked.iter().all(|request| !request.path.contains("Case")), "{asked:?}");
    both.finish().await;
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_sent_again_and_makes_nothing_twice() {
    let both = Both::start().await;
    for (n, kind) in [
        FaultKind::Cut { after: true },
        FaultKind::Cut { after: false },
        FaultKind::Html { status: 503, after: true },
        FaultKind::Truncated,
        FaultKind::LockRow,
        FaultKind::SessionExpired,
    ]
    .into_iter()
    .enumerate()
    {
        both.salesforce.fail(Fault::new(Operation::Create, kind.clone()).object("Case").times(1));
        let event = of_bakery(&format!("lost-{n}"));
        // What is mended within the call is answered at once.
        let posted = both.world.post(ACKNOWLEDGEMENTS, &event).await;
        assert!([201, 202].contains(&posted.status), "{kind:?}: {}", posted.text);
        let posted = posted.body;
        let row = ended(&both, &posted["id"], "created").await;
        let number = &row["ticket"]["ref"];
        let cases = both.cases();
        assert_eq!(cases.len(), n + 1, "{kind:?}");
        assert!(cases.iter().any(|case| case["CaseNumber"] == *number), "{kind:?}: {number}");
    }
    assert_eq!(both.itop_creates(), 0);
    both.finish().await;
}

#[tokio::test]
async fn a_note_whose_answer_is_lost_is_looked_for_before_it_is_sent_again() {
    let both = Both::start().await;
    both.world.acknowledge(&of_bakery("first")).await.expect(201);
    for (n, after) in [true, false].into_iter().enumerate() {
        let cut = FaultKind::Cut { after };
        both.salesforce.fail(Fault::new(Operation::Create, cut).object("CaseComment").times(1));
        let key = format!("note-{n}");
        let again = with(of_bakery(&key), "/control/id", json!("control-first"));
        let posted = both.world.post(ACKNOWLEDGEMENTS, &again).await.expect(202);
        ended(&both, &posted["id"], "reused").await;
        assert_eq!(both.salesforce.records("CaseComment").len(), n + 1, "after: {after}");
    }
    assert_eq!(both.cases().len(), 1);
    both.finish().await;
}

#[tokio::test]
async fn a_case_that_cannot_be_read_by_its_marker_blocks_the_row_with_words() {
    let both = Both::start().await;
    let unknown = FaultKind::DuplicateUnknown;
    both.salesforce.fail(Fault::new(Operation::Create, unknown).object("Case").times(5));
    let posted = both.world.post(ACKNOWLEDGEMENTS, &of_bakery("hidden")).await.expect(202);
    let row = ended(&both, &posted["id"], "blocked").await;
    assert_eq!(row["problem"]["code"], "duplicate-unreadable", "{row}");
    assert!(row["problem"]["message"].as_str().unwrap().contains("Recycle Bin"), "{row}");
    assert!(both.cases().is_empty());
    // Once it is mended the row goes on by itself.
    both.world.clock.advance(Duration::from_hours(1));
    ended(&both, &posted["id"], "created").await;
    assert_eq!(both.cases().len(), 1);
    both.finish().await;
}

#[tokio::test]
async fn a_closed_desk_delays_no_row_of_the_other_one() {
    let both = Both::start().await;
    both.salesforce.fail(Fault::new(Operation::Any, FaultKind::RequestLimit));
    let waits = both.world.post(ACKNOWLEDGEMENTS, &of_bakery("waits")).await.expect(202);
    both.world
        .until("Salesforce takes no more requests", async || {
            let asked = both.salesforce.requests();
            asked.iter().any(|request| request.status == 403).then_some(())
        })
        .await;
    for n in 0..5 {
        both.world.acknowledge(&event(&format!("itop-{n}"))).await.expect(201);
    }
    assert_eq!(both.row(&waits["id"]).await["state"], "accepted");
    both.salesforce.clear_faults();
    both.world
        .until("it goes on", async || {
            both.world.clock.advance(Duration::from_mins(1));
            (both.row(&waits["id"]).await["state"] == "created").then_some(())
        })
        .await;
    assert_eq!(both.cases().len(), 1);
    both.finish().await;
}

#[tokio::test]
async fn a_company_that_moves_keeps_its_ticket_until_there_is_one_in_the_other_desk() {
    let both = Both::start().await;
    let first = both.world.acknowledge(&event("first")).await.expect(201);
    let shown = async || both.world.get("/api/v1/controls/control-first/ticket").await.expect(200);
    let link =
        json!({"desk": "salesforce", "organization": "Clinic of the North", "team": "Network"});
    both.world.link(42, link).await;
    assert_eq!(shown().await["ticket"]["ref"], first["ticket"]["ref"]);

    let mut again = with(of_bakery("second"), "/control/id", json!("control-first"));
    again["company"] = json!({"id": 42, "name": "Demo"});
    let second = both.world.acknowledge(&again).await.expect(201);
    assert_eq!(second["ticket"]["class"], "Case", "{second}");
    assert_eq!(shown().await["ticket"]["ref"], second["ticket"]["ref"]);
    // The old one stays what it was.
    let tickets = both.world.itop.tickets().await.unwrap();
    assert_eq!((tickets.len(), tickets[0].private_log.len()), (1, 1));
    both.finish().await;
}

#[tokio::test]
async fn a_company_has_one_desk() {
    let both = Both::start().await;
    let other = both.world.put("/api/v1/links/7/sites/1", &json!({"organization": "Demo"})).await;
    other.problem(409, "other-desk");
    let both_ways = json!({"items": [
        {"company": "9", "organization": "Demo"},
        {"company": "9", "site": "1", "desk": "salesforce", "organization": "Bakery Dubois"},
    ]});
    both.world.put("/api/v1/links", &both_ways).await.problem(409, "other-desk");
    both.world.get("/api/v1/links/9").await.problem(404, "not-found");
    let moved = json!({"items": [
        {"company": "7", "organization": "Demo"}, {"company": "7", "site": "1", "organization": "Demo"},
    ]});
    both.world.put("/api/v1/links", &moved).await.expect(200);
    let link = both.world.get("/api/v1/links/7/sites/1").await.expect(200);
    assert_eq!(link["desk"], Value::Null, "{link}");
    let unknown = json!({"desk": "glpi", "organization": "Demo"});
    both.world.put("/api/v1/links/7", &unknown).await.problem(422, "invalid");
    both.finish().await;
}

#[tokio::test]
async fn the_lists_are_those_of_the_desk_that_is_named() {
    let both = Both::start().await;
    let names = async |path: &str| -> Vec<String> {
        let list = both.world.get(path).await.expect(200);
        let items = list["items"].as_array().unwrap().iter();
        items.map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    let accounts = names("/api/v1/companies?desk=salesforce").await;
    assert!(accounts.contains(&"Bakery Dubois".to_owned()), "{accounts:?}");
    assert!(!names("/api/v1/companies").await.contains(&"Bakery Dubois".to_owned()));
    let queues = names("/api/v1/teams?desk=salesforce").await;
    assert!(queues.contains(&"First line".to_owned()), "{queues:?}");
    both.finish().await;
}
