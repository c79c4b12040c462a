//! What operators do by hand, through the program against a running bridge.

use std::process::Output;

use itop_sandbox::Options;
use serde_json::{Value, json};
use servicenav_itop_bridge::{app::local_token_file, config::Scope};

use crate::{
    inbox_bulk::refused,
    program::{command, output, text},
    world::{ACKNOWLEDGEMENTS, World, event, token, with},
};

/// The secret of the administrator, which is the name of the token too.
const ADMIN: &str = "token-of-the-administrator";

/// A bridge whose callers have tokens; the world is the administrator.
async fn guarded() -> World {
    let mut world = World::with(Options::default(), |config| {
        config.auth.tokens = vec![token(ADMIN, &[Scope::Admin]), token("looks", &[Scope::Read])];
    })
    .await;
    world.token = Some(ADMIN.to_owned());
    world.link_demo().await;
    world
}

/// The program, asking the bridge of a world with its token.
async fn run(world: &World, arguments: &[&str]) -> Output {
    with_token(world, world.token.as_deref(), arguments).await
}

async fn with_token(world: &World, token: Option<&str>, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(arguments);
    command.env("BRIDGE_URL", &world.base);
    if let Some(token) = token {
        let file = folder.path().join("token");
        std::fs::write(&file, format!("{token}\n")).unwrap();
        command.env("BRIDGE_TOKEN_FILE", file);
    }
    output(command).await
}

/// What it has printed, if it succeeded.
#[track_caller]
fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// An acknowledgement of a company that is not linked.
fn unlinked(key: &str) -> Value {
    with(event(key), "/company", json!({"id": 77, "name": "ACME"}))
}

async fn states(world: &World, ids: &[&Value]) -> Vec<String> {
    let mut states = Vec::new();
    for id in ids {
        let row = world.get(&format!("{ACKNOWLEDGEMENTS}/{id}")).await.expect(200);
        states.push(row["state"].as_str().unwrap().to_owned());
    }
    states
}

#[tokio::test]
async fn status_is_a_plugin_that_says_how_the_bridge_is() {
    let world = guarded().await;
    let fine = run(&world, &["status"]).await;
    let line = printed(&fine).lines().next().unwrap().to_owned();
    assert!(line.starts_with("SERVICENAV-ITOP-BRIDGE OK: the way to iTop is open"), "{line}");
    assert!(line.contains("| gate=0s;0;900;0 waiting=0;100;1000;0 oldest=0s;900;7200;0"), "{line}");
    // A stranger is told as much as of /readyz.
    let stranger = with_token(&world, None, &["status"]).await;
    assert!(printed(&stranger).contains("failed=0;0;10;0"), "{}", text(&stranger));
    assert!(printed(&fine).contains("Version") && !printed(&stranger).contains("Version"));

    refused(&world, &["one", "two"], "full").await;
    let failed = run(&world, &["status"]).await;
    assert_eq!(failed.status.code(), Some(1));
    assert!(
        text(&failed).starts_with("SERVICENAV-ITOP-BRIDGE WARNING: 2 failed |"),
        "{}",
        text(&failed)
    );
    for (limits, code) in [("none", 0), ("2", 0), ("1", 1), ("0,1", 2), (",1", 2)] {
        let status = run(&world, &["status", "--failed", limits]).await;
        assert_eq!(status.status.code(), Some(code), "{limits}: {}", text(&status));
    }
    let told = run(&world, &["status", "--json"]).await;
    assert_eq!(told.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((&told["inbox"]["failed"], &told["gate"]["state"]), (&json!(2), &json!("open")));
    world.finish().await;
}

#[tokio::test]
async fn whoever_cannot_ask_is_told_what_to_mend() {
    let world = guarded().await;
    let elsewhere = |url: String, arguments: &[&str]| {
        let mut command = command(arguments);
        command.args(["--url", &url]);
        output(command)
    };
    let itop = world.itop.url();
    for (output, code, said) in [
        (
            elsewhere("http://127.0.0.1:9".to_owned(), &["status"]).await,
            2,
            "no bridge answers at http://127.0.0.1:9",
        ),
        (
            elsewhere("http://u:pr0xy@127.0.0.1:9".to_owned(), &["list"]).await,
            1,
            "start it with 'servicenav-itop-bridge serve'",
        ),
        (elsewhere(itop.clone(), &["status"]).await, 3, "is no bridge (status"),
        (elsewhere(itop, &["list"]).await, 1, "is no bridge (status"),
        (elsewhere("what".to_owned(), &["list"]).await, 1, "'what' is no address of a bridge"),
        (with_token(&world, Some("another"), &["status"]).await, 3, "does not know this token"),
        (with_token(&world, Some("another"), &["list"]).await, 1, "does not know this token"),
        (with_token(&world, None, &["list"]).await, 1, "by --token-file or BRIDGE_TOKEN_FILE"),
        (
            with_token(&world, Some("looks"), &["retry", "1"]).await,
            1,
            "The token 'looks' lacks the scope 'operate'",
        ),
        (run(&world, &["list", "--control", " "]).await, 1, "'control'"),
        (run(&world, &["show", "99"]).await, 1, "There is no acknowledgement 99."),
        (run(&world, &["status", "--failed", "9,1"]).await, 3, "must not be above"),
    ] {
        assert_eq!(output.status.code(), Some(code), "{said}: {}", text(&output));
        assert!(text(&output).contains(said), "{said}: {}", text(&output));
        assert!(!text(&output).contains("pr0xy") && !text(&output).contains("another\n"));
    }
    let mut without = command(&["list"]);
    without.env("BRIDGE_CONFIG", "/nonexistent.toml");
    let without = text(&output(without).await);
    assert!(without.contains("name its address with --url"), "{without}");
    world.finish().await;
}

#[tokio::test]
async fn the_user_of_the_bridge_needs_neither_address_nor_token() {
    let mut world = guarded().await;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let write = |world: &World| {
        let (listens, database) = (world.base.strip_prefix("http://").unwrap(), world.database());
        let text = format!(
            "[server]\nlisten = '{listens}'\n[store]\npath = '{}'\n[itop]\nurl = 'http://itop.example'\n\
             user = 'bridge'\npassword_file = '/nonexistent'\n",
            database.display()
        );
        std::fs::write(&config, text).unwrap();
    };
    write(&world);
    let as_its_user = |arguments: &[&str]| {
        let mut command = command(arguments);
        command.env("BRIDGE_CONFIG", &config);
        output(command)
    };
    let blocked = world.acknowledge(&unlinked("waits")).await.expect(202);
    let id = blocked["id"].to_string();
    assert!(printed(&as_its_user(&["list"]).await).starts_with(&id));
    printed(&as_its_user(&["discard", &id, "--reason", "by hand"]).await);
    let row = world.until_state(&blocked["id"], "discarded").await;
    assert_eq!(row["actions"][0]["by"], "local");
    // Tokens that are read again leave it as it is.
    world.config.auth.tokens = vec![token("looks", &[Scope::Read])];
    world.reload().await.unwrap();
    printed(&as_its_user(&["list"]).await);
    // A start makes another one, and it is sent to no other address than the configured one.
    let before = std::fs::read_to_string(local_token_file(&world.database())).unwrap();
    let base = world.base.clone();
    let elsewhere = as_its_user(&["list", "--url", &base]).await;
    assert!(text(&elsewhere).contains("asks for a token"), "{}", text(&elsewhere));
    world.stop_bridge().await;
    world.start_bridge().await;
    write(&world);
    assert_ne!(std::fs::read_to_string(local_token_file(&world.database())).unwrap(), before);
    printed(&as_its_user(&["list"]).await);
    world.finish().await;
}

#[tokio::test]
async fn the_inbox_is_listed_and_one_of_it_shown() {
    let world = guarded().await;
    let failed = refused(&world, &["one"], "no \u{1b}[31mroom").await.remove(0);
    let created = world.acknowledge(&event("fine")).await.expect(201);
    let list = printed(&run(&world, &["list", "--state", "failed"]).await);
    let cells: Vec<_> = list.trim_end().split('\t').collect();
    assert_eq!(cells[..2], [failed["id"].to_string().as_str(), "failed"], "{list}");
    assert_eq!(cells[3..6], ["Demo", "Disk C:", ""], "{list}");
    assert!(cells[6].contains("room") && !list.contains('\u{1b}'), "{list:?}");
    let json = printed(&run(&world, &["list", "--group", "ended", "--json"]).await);
    let api = world.get(&format!("{ACKNOWLEDGEMENTS}?group=ended&limit=100")).await.expect(200);
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), api);
    assert_eq!(printed(&run(&world, &["list", "no", "such", "words"]).await), "");
    let page = run(&world, &["list", "--limit", "1"]).await;
    let cursor = created["id"].to_string();
    assert!(text(&page).contains(&format!("--cursor {cursor}")), "{}", text(&page));
    let next = printed(&run(&world, &["list", "--limit", "1", "--cursor", &cursor]).await);
    assert!(next.starts_with(&format!("{}\t", failed["id"])), "{next}");

    let id = failed["id"].to_string();
    let shown = printed(&run(&world, &["show", &id, "--request"]).await);
    for said in [
        "State            failed",
        "(refused-by-itop)",
        "\"event_id\": \"event-one\"",
        "core/create",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    let shown = printed(&run(&world, &["show", &id, "--json"]).await);
    let api = world.get(&format!("{ACKNOWLEDGEMENTS}/{id}")).await.expect(200);
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), api);
    world.finish().await;
}

#[tokio::test]
async fn rows_are_tried_again_and_given_up_by_hand() {
    let world = guarded().await;
    let keys = ["1", "2", "3", "4", "5", "6"];
    let failed = refused(&world, &keys, "full").await;
    let ids: Vec<_> = failed.iter().map(|row| &row["id"]).collect();
    let dry = printed(&run(&world, &["retry", "--failed", "--dry-run"]).await);
    assert_eq!(dry.lines().count(), 6, "{dry}");
    // Nobody sits there who could be asked.
    let unasked = run(&world, &["retry", "--failed"]).await;
    assert_eq!(unasked.status.code(), Some(1));
    assert!(
        text(&unasked).contains(
            "Try 6 acknowledgements (6 refused-by-itop)? Nobody is there to answer: add --yes"
        ),
        "{}",
        text(&unasked)
    );
    assert_eq!(states(&world, &ids).await, ["failed"; 6]);
    let one = printed(&run(&world, &["retry", &ids[0].to_string()]).await);
    assert_eq!(one, "1 to be tried again, now\n");
    world.until_state(ids[0], "created").await;
    let others = printed(&run(&world, &["retry", "--code", "refused-by-itop", "--yes"]).await);
    assert_eq!(others, "5 to be tried again, now\n");
    for id in &ids {
        world.until_state(id, "created").await;
    }
    assert!(printed(&run(&world, &["retry", "--failed"]).await).contains("nothing was done"));

    let blocked = world.acknowledge(&unlinked("blocked")).await.expect(202);
    let id = blocked["id"].to_string();
    let left =
        run(&world, &["discard", &ids[0].to_string(), &id, "--reason", "no\ncustomer"]).await;
    assert_eq!(left.status.code(), Some(1));
    let said = text(&left);
    assert!(
        said.contains("1 discarded") && said.contains("It is created; only one that waits"),
        "{said}"
    );
    let row = world.until_state(&blocked["id"], "discarded").await;
    assert_eq!(row["reason"], "no customer");
    let nothing = json!({"event_id": "x"});
    world.post(ACKNOWLEDGEMENTS, &nothing).await.problem(422, "invalid");
    let ticked = printed(&run(&world, &["discard", "--rejected", "--reason", "seen"]).await);
    assert_eq!(ticked, "1 discarded\n");
    for wrong in [&["retry"][..], &["retry", "1", "--failed"], &["discard", "1"]] {
        assert_eq!(run(&world, wrong).await.status.code(), Some(2), "{wrong:?}");
    }
    world.finish().await;
}

#[tokio::test]
async fn the_board_is_searched_by_hand() {
    let world = guarded().await;
    let created = world.acknowledge(&event("a")).await.expect(201);
    world.acknowledge(&with(event("b"), "/control/name", json!("Memory"))).await.expect(201);
    let all = printed(&run(&world, &["tickets"]).await);
    assert_eq!(all.lines().count(), 2, "{all}");
    let found = printed(&run(&world, &["tickets", "disk", "c:", "--group", "open"]).await);
    let cells: Vec<_> = found.trim_end().split('\t').collect();
    assert_eq!(cells[0], created["ticket"]["ref"].as_str().unwrap(), "{found}");
    assert_eq!(cells[4..8], ["Demo", "Server4", "Disk C:", "Helpdesk"], "{found}");
    let json =
        printed(&run(&world, &["tickets", "--json", "--sort", "control", "--reverse"]).await);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["total"], &json["items"][0]["control"]["name"]),
        (&json!(2), &json!("Memory"))
    );
    assert_eq!(printed(&run(&world, &["tickets", "--group", "closed"]).await), "");
    world.finish().await;
}

#[tokio::test]
async fn links_are_set_listed_tried_and_removed_by_hand() {
    let world = guarded().await;
    let blocked = world.acknowledge(&unlinked("waits")).await.expect(202);
    let listed = printed(&run(&world, &["links", "list", "--group", "unlinked"]).await);
    let cells: Vec<_> = listed.trim_end().split('\t').collect();
    assert_eq!(cells[..5], ["default", "id:77", "", "ACME", "none"], "{listed}");
    assert_eq!(cells[7], "1", "{listed}");
    let tried = run(&world, &["links", "try", "77"]).await;
    assert_eq!(tried.status.code(), Some(1));
    assert!(text(&tried).contains("It would be blocked: Company 'ACME' (77)"), "{}", text(&tried));
    let set = ["links", "set", "77", "--organization", "ACME Logistics", "--team", "Helpdesk"];
    let said = printed(&run(&world, &set).await);
    assert!(said.starts_with("company 77 is linked to ACME Logistics ("), "{said}");
    world.until_state(&blocked["id"], "created").await;
    let tried = printed(&run(&world, &["links", "try", "77", "--site", "name:Lyon"]).await);
    for said in [
        "It would become a ticket.",
        "Organization ACME Logistics (",
        "Team         Helpdesk (",
        "core/create",
    ] {
        assert!(tried.contains(said), "{said}: {tried}");
    }
    let site =
        ["links", "set", "77", "--site", "name:Lyon", "--organization", "id:3", "--tickets", "off"];
    printed(&run(&world, &site).await);
    let off = printed(&run(&world, &["links", "list", "--group", "off"]).await);
    assert!(off.contains("\tname:lyon\tLyon\tDemo\t\toff\t"), "{off}");
    let wrong = run(&world, &["links", "set", "77", "--organization", "Nobody"]).await;
    assert!(text(&wrong).contains("'Nobody' is no organization in iTop"), "{}", text(&wrong));
    let wrong = run(&world, &["links", "set", "77", "--organization", "id:987"]).await;
    assert!(text(&wrong).contains("key 987 is no organization in iTop"), "{}", text(&wrong));
    assert!(!text(&wrong).contains("with key"), "{}", text(&wrong));
    printed(&run(&world, &["links", "remove", "77", "--site", "name:Lyon"]).await);
    let again = run(&world, &["links", "remove", "77", "--site", "name:Lyon"]).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again).contains("There is no such link."), "{}", text(&again));
    world.finish().await;
}

#[tokio::test]
async fn companies_that_are_called_like_an_organization_are_linked_by_hand() {
    let world = guarded().await;
    let named =
        |key: &str, name: &str| with(event(key), "/company", json!({"id": key, "name": name}));
    world.acknowledge(&named("81", "ACME Logistics")).await.expect(202);
    let dry = printed(&run(&world, &["links", "match", "--dry-run"]).await);
    assert!(dry.contains("created  id:81") && dry.contains("Nothing was changed"), "{dry}");
    let done = printed(&run(&world, &["links", "match"]).await);
    assert!(done.contains("Done: 1 created"), "{done}");
    world.get("/api/v1/links/81").await.expect(200);
    let again = printed(&run(&world, &["links", "match"]).await);
    assert!(again.contains("0 created"), "{again}");
    world.finish().await;
}

#[tokio::test]
async fn a_test_event_makes_a_ticket_only_if_it_is_told_to() {
    let world = guarded().await;
    let dry =
        run(&world, &["test-event", "--company", "42", "--set", "team=Hardware support"]).await;
    let said = printed(&dry);
    assert!(said.contains("This was a test: nothing was created."), "{said}");
    assert!(said.contains("would become a ticket of class Incident for 'Demo'"), "{said}");
    assert_eq!(world.itop.tickets().await.unwrap().len(), 0);
    let rows = world.get(&format!("{ACKNOWLEDGEMENTS}?limit=10")).await.expect(200);
    assert_eq!(
        (&rows["items"][0]["state"], &rows["items"][0]["event_type"]),
        (&json!("recorded"), &json!("test"))
    );

    let unlinked = run(&world, &["test-event", "--company", "name:Nobody", "--site", "7"]).await;
    assert_eq!(unlinked.status.code(), Some(1));
    assert!(text(&unlinked).contains("would be 'blocked'"), "{}", text(&unlinked));

    let real = printed(&run(&world, &["test-event", "--company", "id:42", "--create"]).await);
    let ticket = &world.itop.tickets().await.unwrap()[0];
    assert!(ticket.title.contains("[TEST]"), "{}", ticket.title);
    assert!(
        real.contains(" was made: http") && real.contains("resolve and close it there"),
        "{real}"
    );
    let waits = run(&world, &["test-event", "--company", "77", "--create"]).await;
    assert_eq!(waits.status.code(), Some(1));
    let said = text(&waits);
    assert!(said.contains("It is blocked and has no ticket") && said.contains("discard"), "{said}");
    let bad = run(&world, &["test-event", "--company", "name:"]).await;
    assert!(text(&bad).contains("the company or site 'name:'"), "{}", text(&bad));
    world.finish().await;
}
