//! The bridge's companies go to Salesforce with the tickets of their controls, and come back.

use std::time::Duration;

use itop_sandbox as sandbox;
use salesforce_sandbox::{CLIENT_ID, CLIENT_SECRET, Options};
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    config::{SalesforceLogin, SalesforceSection},
    migrate::staging::Seen,
    secret::Secret,
};

use super::{MAPPING, Move};
use crate::{
    documents::shown_in,
    program::{command, output, text},
    world::{ACKNOWLEDGEMENTS, event, with},
};

/// The mapping of these tests: what is open stays open.
fn mapping() -> String {
    let status = "Status = { from = \"impact\", values = { 1 = \"Closed\", 2 = \"Working\" }, otherwise = \"New\" }";
    assert!(MAPPING.contains(status));
    let values = "values = { resolved = \"Closed\", closed = \"Closed\" }, otherwise = \"Working\"";
    MAPPING.replace(status, &format!("Status = {{ from = \"status\", {values} }}"))
}

/// An acknowledgement of ACME Logistics, ServiceNav's company 7, that names nothing that a desk has to have.
fn of_acme(key: &str) -> Value {
    let mut event = with(event(key), "/company", json!({"id": 7, "name": "ACME"}));
    for member in ["team", "contact", "service", "service_element"] {
        event.as_object_mut().unwrap().remove(member);
    }
    event
}

/// The same of Demo, ServiceNav's company 42.
fn of_demo(key: &str) -> Value {
    with(of_acme(key), "/company", json!({"id": 42, "name": "Demo"}))
}

/// Another acknowledgement of the same control.
fn again(of: Value, key: &str) -> Value {
    with(of, "/event_id", json!(format!("event-{key}")))
}

impl Move {
    /// A bridge that serves both, whose companies Demo and ACME are linked to iTop; each has a control with a ticket
    /// there, and all of it is loaded.
    async fn of_a_bridge() -> Self {
        let itop = sandbox::Options { servers: 30, ..sandbox::Options::default() };
        let this = Self::with(itop, Options::default(), |config, url| {
            config.salesforce = Some(SalesforceSection {
                login_url: url.to_owned(),
                login: SalesforceLogin::ClientCredentials,
                client_id: CLIENT_ID.to_owned(),
                client_secret: Some(Secret::new(CLIENT_SECRET.to_owned())),
                ..SalesforceSection::default()
            });
        })
        .await;
        this.world.link_demo().await;
        this.world.link(7, json!({"organization": "ACME Logistics", "team": "Helpdesk"})).await;
        for event in [of_demo("a"), of_acme("b")] {
            let made = this.world.acknowledge(&event).await.expect(201);
            assert_eq!(made["ticket"]["class"], "Incident", "{made}");
        }
        this.extracts(&[]).await;
        this.map(&mapping());
        this.trial().await;
        this.done(&["load", "--silent-confirmed", "--settled-after", "0"]).await;
        this
    }

    /// The words of a switch.
    fn switch<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let words = ["switch", "--settled-after", "0", "--queue", "First line"];
        self.as_admin(&[&words[..], more].concat())
    }

    /// What the bridge tells of the ticket of a control.
    async fn ticket(&self, control: &str) -> Value {
        let path = format!("/api/v1/controls/control-{control}/ticket");
        self.world.get(&path).await.expect(200)["ticket"].clone()
    }

    async fn link_of(&self, company: &str) -> Value {
        self.world.get(&format!("/api/v1/links/{company}")).await.expect(200)
    }

    async fn hold(&self) -> Value {
        self.world.get("/api/v1/hold").await.expect(200)
    }

    /// The texts of the comments on a Case.
    fn notes(&self, case: &Value) -> Vec<String> {
        let comments = self.org.records("CaseComment").into_iter();
        let of_it = comments.filter(|comment| comment["ParentId"] == *case);
        of_it.map(|comment| comment["CommentBody"].as_str().unwrap().to_owned()).collect()
    }

    /// How many tickets there are: in iTop, and Cases that are none of them.
    async fn tickets(&self) -> (usize, usize) {
        let own = |case: &serde_json::Map<String, Value>| !case["Bridge_Ack__c"].is_null();
        let made = self.org.records("Case").iter().filter(|case| own(case)).count();
        (self.count("Incident").await, made)
    }
}

#[tokio::test]
async fn after_a_switch_an_acknowledgement_is_a_note_on_the_case_and_back_again() {
    let move_ = Move::of_a_bridge().await;
    let world = &move_.world;
    // Work goes on in iTop after the load: a line, and a new ticket.
    let first = world.acknowledge(&again(of_demo("a"), "a2")).await.expect(200);
    assert_eq!(first["state"], "reused");
    world.acknowledge(&of_demo("c")).await.expect(201);
    let before = (move_.ticket("a").await, move_.link_of("42").await);
    let (incidents, _) = move_.tickets().await;

    let told = move_.done(&move_.switch(&["--dry-run"])).await;
    assert!(told.contains("2 links and 2 controls would lead to Salesforce"), "{told}");
    assert!(told.contains("keeps its ticket: control control-c"), "{told}");
    assert_eq!(move_.hold().await["is_held"], false);
    assert_eq!((move_.ticket("a").await, move_.link_of("42").await), before);

    // The commands of the document, one after the other.
    let shown = shown_in("docs/migration.md", "sh");
    let commands: Vec<_> = shown
        .iter()
        .flat_map(|example| {
            example.replace("\\\n", " ").lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .filter(|line| line.contains("migrate delta") || line.contains("migrate switch"))
        .collect();
    assert_eq!(commands.len(), 5, "{commands:?}");
    for command in commands.iter().filter(|command| !command.contains("--back")) {
        let words = command
            .replace("admin.password", &move_.password)
            .replace("--admin-user admin", "--admin-user labadmin");
        let words = words.replace("--config config.toml", "").replace("--folder migration", "");
        let words: Vec<_> =
            words.split_whitespace().skip_while(|word| *word != "migrate").skip(1).collect();
        // A queue is called by two words here.
        let words: Vec<_> = words
            .into_iter()
            .map(|word| if word == "Support" { "First line" } else { word })
            .collect();
        move_.done(&words).await;
    }
    assert_eq!(move_.hold().await["is_held"], false);
    let link = move_.link_of("42").await;
    assert_eq!(
        (&link["desk"], &link["organization"]["name"]),
        (&json!("salesforce"), &json!("Demo"))
    );
    assert_eq!(link["team"]["name"], "First line", "{link}");
    let cases = move_.keyed("Case", "Incident");
    assert_eq!(cases.len(), incidents);
    for control in ["a", "b", "c"] {
        let ticket = move_.ticket(control).await;
        let case = cases.values().find(|case| case["CaseNumber"] == ticket["ref"]).unwrap();
        assert_eq!(
            (&ticket["class"], &ticket["status"]),
            (&json!("Case"), &json!("Working")),
            "{ticket}"
        );
        assert!(
            ticket["url"].as_str().unwrap().ends_with(case["Id"].as_str().unwrap()),
            "{ticket}"
        );
    }

    // An acknowledgement of a control whose ticket has moved is a note on its Case, and nothing in iTop.
    let a = move_.ticket("a").await;
    let case = cases.values().find(|case| case["CaseNumber"] == a["ref"]).unwrap();
    let answer = world.acknowledge(&again(of_demo("a"), "a3")).await.expect(200);
    assert_eq!((&answer["state"], &answer["ticket"]["ref"]), (&json!("reused"), &a["ref"]));
    let notes = move_.notes(&case["Id"]);
    assert_eq!(notes.iter().filter(|note| note.starts_with("[ack ")).count(), 1, "{notes:?}");
    assert_eq!(move_.tickets().await, (incidents, 0));
    // What is new becomes a Case, and what somebody does there is seen.
    let new = world.acknowledge(&of_acme("d")).await.expect(201);
    assert_eq!(new["ticket"]["class"], "Case");
    move_.org.change("Case", case["Id"].as_str().unwrap(), json!({"Status": "Closed"})).unwrap();
    world
        .until("the board has read the Case", async || {
            world.clock.advance(Duration::from_secs(30));
            (move_.ticket("a").await["status"] == "Closed").then_some(())
        })
        .await;

    // Repeated, it changes nothing.
    let links = world.get("/api/v1/links").await.expect(200);
    let told = move_.done(&move_.switch(&[])).await;
    assert!(told.contains("0 links and 0 controls lead to Salesforce"), "{told}");
    assert_eq!(world.get("/api/v1/links").await.expect(200), links);

    let back: Vec<_> = commands.iter().filter(|command| command.contains("--back")).collect();
    assert_eq!(back.len(), 1, "{commands:?}");
    let told = move_.done(&["switch", "--back", "--dry-run"]).await;
    assert!(told.contains("2 links and the tickets of 3 controls would be"), "{told}");
    let told = move_.done(&["switch", "--back"]).await;
    assert!(
        told.contains("2 links and the tickets of 3 controls are what they were before"),
        "{told}"
    );
    // The folder tells it to whoever looks on.
    let seen = Seen::at(&move_.folder().join("staging.db")).unwrap().unwrap();
    let steps: Vec<_> = seen.steps.iter().map(|run| (&*run.step, &run.came_to)).collect();
    assert_eq!(steps[0], ("switch_back", &json!({"links": 2, "controls": 3})));
    assert!(steps.contains(&("switch", &json!({"links": 2, "controls": 3}))), "{steps:?}");
    let number = new["ticket"]["ref"].as_str().unwrap();
    assert!(told.contains(&format!("stays: {number} (control control-d)")), "{told}");
    let (ticket, link) = (move_.ticket("a").await, move_.link_of("42").await);
    assert_eq!((&ticket["ref"], &ticket["url"]), (&before.0["ref"], &before.0["url"]));
    assert_eq!(link, before.1);
    // The control whose newest ticket is a Case keeps it.
    assert_eq!(move_.ticket("d").await["ref"], number);
    let last = world.acknowledge(&again(of_demo("a"), "a4")).await.expect(200);
    assert_eq!((&last["state"], &last["ticket"]["ref"]), (&json!("reused"), &before.0["ref"]));
    assert_eq!(move_.tickets().await, (incidents, 1));
    move_.finish().await;
}

#[tokio::test]
async fn what_has_no_case_or_no_account_stays_and_is_named() {
    let move_ = Move::of_a_bridge().await;
    let world = &move_.world;
    // The Case of one belongs to another company by now, the other company's Account is no record of ours.
    let demo = move_.ticket("a").await;
    let case = |number: &Value| {
        let incident = format!("Incident::{}", number["id"].as_str().unwrap());
        move_.keyed("Case", "Incident")[&incident].clone()
    };
    let other = move_.org.records("Account")[0]["Id"].clone();
    move_
        .org
        .change(
            "Case",
            case(&demo)["Id"].as_str().unwrap(),
            json!({"AccountId": other, "ContactId": null}),
        )
        .unwrap();
    let mapping = mapping().replace(
        "object = \"Account\"\nkey = \"Itop_Id__c\"",
        "object = \"Account\"\nkey = \"Itop_Id__c\"\nwhere = { name = [\"Demo\"] }",
    );
    move_.map(&mapping);
    let staging = rusqlite::Connection::open(move_.folder().join("staging.db")).unwrap();
    let forget = "DELETE FROM records WHERE class = 'Organization' AND id = 5002";
    assert_eq!(staging.execute(forget, []).unwrap(), 1);
    drop(staging);

    let told = move_.refused(&move_.switch(&["--company", "42", "--company", "7"])).await;
    assert!(told.contains("1 links and 0 controls lead to Salesforce"), "{told}");
    assert!(told.contains("its organization 'ACME Logistics' has no Account"), "{told}");
    assert!(told.contains("Its Case belongs to another Account"), "{told}");
    assert_eq!(move_.link_of("42").await["desk"], "salesforce");
    assert_eq!(move_.link_of("7").await.get("desk"), None);
    for control in ["a", "b"] {
        assert_eq!(move_.ticket(control).await["class"], "Incident");
    }
    // An acknowledgement of the one is a Case of its own, of the other a line in iTop.
    let made = world.acknowledge(&again(of_demo("a"), "a2")).await.expect(201);
    assert_eq!(made["ticket"]["class"], "Case");
    let line = world.acknowledge(&again(of_acme("b"), "b2")).await.expect(200);
    assert_eq!((&line["state"], &line["ticket"]["class"]), (&json!("reused"), &json!("Incident")));
    move_.finish().await;
}

#[tokio::test]
async fn wherever_it_is_killed_deliveries_are_seen_to_be_held_and_it_goes_on() {
    let mut move_ = Move::of_a_bridge().await;
    let words = move_.switch(&[]).into_iter().map(str::to_owned).collect::<Vec<_>>();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let mut posted = Vec::new();
    for (number, event) in ["read", "ended", "looked_at"].into_iter().enumerate() {
        assert!(move_.killed(&words, move |said| said["event"] == event).await, "{event}");
        // The program is gone, and it is seen what is so, also after a kill of the bridge.
        if number == 1 {
            move_.world.crash_bridge();
            move_.world.start_bridge().await;
        }
        let ready = move_.world.get("/readyz").await.expect(200);
        assert_eq!(
            (&ready["gate"]["reason"], &ready["desks"][1]["gate"]["reason"]),
            (&json!("held"), &json!("held"))
        );
        let metrics = move_.world.get("/metrics").await.text;
        for desk in ["itop", "salesforce"] {
            let gate =
                format!("servicenav_bridge_gate_closed{{reason=\"held\",desk=\"{desk}\"}} 1\n");
            assert!(metrics.contains(&gate), "{metrics}");
        }
        let mut status = command(&["status"]);
        status.env("BRIDGE_URL", &move_.world.base);
        let status = text(&output(status).await);
        assert!(status.contains("(held)") && status.contains("--end-hold"), "{status}");
        let page = move_.world.get("/health").await.text;
        assert!(page.contains("Deliveries are held while companies move"), "{page}");
        let row = move_.world.post(ACKNOWLEDGEMENTS, &of_acme(&format!("held-{number}"))).await;
        let row = row.expect(202);
        assert_eq!(
            (&row["state"], &row["problem"]["code"]),
            (&json!("accepted"), &json!("deliveries-held")),
            "{row}"
        );
        posted.push(row["id"].clone());
        assert_eq!(move_.ticket("a").await["class"], "Incident");
    }
    move_.done(&words).await;
    assert_eq!(move_.hold().await["is_held"], false);
    assert_eq!(
        (move_.ticket("a").await["class"].clone(), move_.ticket("b").await["class"].clone()),
        (json!("Case"), json!("Case"))
    );
    for id in &posted {
        let row = move_.world.until_state(id, "created").await;
        assert_eq!(row["ticket"]["class"], "Case", "{row}");
    }
    assert_eq!(move_.tickets().await, (2, 3));
    // What was held can be let go without anything else.
    move_.world.put("/api/v1/hold", &json!({})).await.expect(200);
    move_.done(&["switch", "--end-hold"]).await;
    assert_eq!(move_.hold().await["is_held"], false);
    move_.finish().await;
}
