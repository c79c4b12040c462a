//! How the lists of iTop are cached, and what they say while iTop fails.

use std::{collections::BTreeSet, io::Read as _};

use itop_sandbox::{Fault, FaultKind, Operations, Options};
use reqwest::Method;
use serde_json::{Value, json};
use servicenav_itop_bridge::config::Period;
use tokio::task::JoinSet;

use crate::{
    lists::ids,
    world::{Answer, World},
};

const CONTACTS: &str = "/api/v1/companies/5002/contacts";
const TEAMS: &str = "/api/v1/teams";
const DEMO_CIS: &str = "/api/v1/companies/3/cis";

#[tokio::test]
async fn a_list_that_is_known_already_is_not_sent_again() {
    let world = World::start().await;
    let first = world.get(CONTACTS).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.len() > 4 && tag.starts_with("W/\"") && tag.ends_with('"'), "{tag}");
    // Read again and the same: what the answer says of its age does not make it another one.
    world.insist(CONTACTS).await.expect(200);
    for tags in [tag.clone(), format!("\"other\", {tag}")] {
        let headers = [("if-none-match", tags.as_str())];
        let again = world.send(Method::GET, CONTACTS, &headers, None).await;
        assert_eq!((again.status, again.text.as_str()), (304, ""), "{tags}");
        assert_eq!(again.header("etag"), tag);
    }
    let other = format!("{CONTACTS}?limit=1");
    let headers = [("if-none-match", tag.as_str())];
    let other = world.send(Method::GET, &other, &headers, None).await;
    assert_eq!(ids(&other.expect(200)).len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn one_read_answers_all_who_ask_at_once() {
    let world = World::start().await;
    let slow = Fault::new(FaultKind::Slow { before_ms: 300, after_ms: 0 }).on(Operations::Read);
    world.itop.faults().switch_on(slow);
    let mut asking = JoinSet::new();
    for _ in 0..50 {
        asking.spawn(world.http.get(format!("{}{CONTACTS}", world.base)).send());
    }
    let mut answers = BTreeSet::new();
    while let Some(answer) = asking.join_next().await {
        let answer = answer.unwrap().unwrap();
        assert_eq!(answer.status(), 200);
        answers.insert(answer.text().await.unwrap());
    }
    assert_eq!(answers.len(), 1);
    // One for the companies, among which the one of the address must be, and one for the list.
    assert_eq!(reads(&world), 2);
    // Another key is another read.
    world.get("/api/v1/companies/5004/contacts").await.expect(200);
    assert_eq!(reads(&world), 3);
    world.finish().await;
}

#[tokio::test]
async fn a_list_is_read_again_when_it_is_old_or_when_somebody_insists() {
    let world = World::start().await;
    let first = world.get("/api/v1/companies").await.expect(200);
    let before = reads(&world);
    let ttl = world.config.catalog.ttl.duration();
    world.clock.advance(ttl / 2);
    let cached = world.get("/api/v1/companies").await.expect(200);
    assert_eq!((&cached, reads(&world)), (&first, before));

    world.itop_creates("Organization", json!({"name": "Initech", "status": "active"})).await;
    let refreshed = world.get("/api/v1/companies?refresh=true").await.expect(200);
    assert_eq!(reads(&world) - before, 1);
    assert_ne!(refreshed["as_of"], first["as_of"]);
    assert_eq!(refreshed["items"].as_array().unwrap().len(), 11);
    // What one caller insisted on is there for all.
    assert_eq!(world.get("/api/v1/companies").await.expect(200), refreshed);

    world.clock.advance(ttl / 2);
    assert_eq!(world.get("/api/v1/companies").await.expect(200), refreshed);
    assert_eq!(reads(&world) - before, 1);
    world.clock.advance(ttl / 2);
    let aged = world.get("/api/v1/companies").await.expect(200);
    assert_eq!(reads(&world) - before, 2);
    assert_ne!(aged["as_of"], refreshed["as_of"]);
    world.finish().await;
}

#[tokio::test]
async fn nobody_waits_for_a_list_that_is_asked_for_before_it_is_too_old() {
    let world = World::start().await;
    let first = world.get(TEAMS).await.expect(200);
    let before = reads(&world);
    let ttl = world.config.catalog.ttl.duration();
    world.clock.advance(ttl / 10 * 8);
    let slow = Fault::new(FaultKind::Slow { before_ms: 500, after_ms: 0 }).on(Operations::Read);
    world.itop.faults().switch_on(slow);
    // All are answered from what is known; one of them starts the read.
    let mut asking = JoinSet::new();
    for _ in 0..20 {
        asking.spawn(world.http.get(format!("{}{TEAMS}", world.base)).send());
    }
    while let Some(answer) = asking.join_next().await {
        assert_eq!(Answer::read(answer.unwrap().unwrap()).await.expect(200), first);
    }
    let second = until_newer(&world, &first).await;
    assert_eq!((&second["items"], &second["stale"]), (&first["items"], &json!(false)));
    assert_eq!(reads(&world) - before, 1);

    // 1.1 of the time since the first read, and 0.3 since the second.
    world.clock.advance(ttl / 10 * 3);
    assert_eq!(world.get(TEAMS).await.expect(200), second);
    assert_eq!(reads(&world) - before, 1);
    world.clock.advance(ttl / 10 * 5);
    assert_eq!(world.get(TEAMS).await.expect(200), second);
    until_newer(&world, &second).await;
    // What nobody asks for is not read again.
    world.clock.advance(ttl * 3);
    assert_eq!(reads(&world) - before, 2);
    world.finish().await;
}

#[tokio::test]
async fn a_read_ahead_that_fails_changes_nothing_and_is_not_repeated_at_once() {
    let world = World::start().await;
    let known = world.get(TEAMS).await.expect(200);
    let before = reads(&world);
    let ttl = world.config.catalog.ttl.duration();
    let refuse = FaultKind::Refuse { code: 100, message: "Error: no".to_owned() };
    world.itop.faults().set(refuse, true);
    for (tenths, attempts) in [(8, 1), (1, 2)] {
        world.clock.advance(ttl / 10 * tenths);
        assert_eq!(world.get(TEAMS).await.expect(200), known);
        let asked = async || (reads(&world) - before == attempts).then_some(());
        world.until("iTop is asked", asked).await;
        for _ in 0..5 {
            assert_eq!(world.get(TEAMS).await.expect(200), known);
        }
        assert_eq!(reads(&world) - before, attempts);
    }
    world.itop.faults().clear();
    world.clock.advance(ttl / 10);
    let fresh = world.get(TEAMS).await.expect(200);
    assert_ne!(fresh["as_of"], known["as_of"]);
    assert_eq!(reads(&world) - before, 3);
    world.finish().await;
}

#[tokio::test]
async fn a_read_ahead_tells_the_gate_and_respects_it() {
    // No probe runs meanwhile: it is a read too.
    let world = World::with(Options::default(), |config| {
        config.delivery.probe_first = Period::days(365);
    })
    .await;
    let known = world.get(TEAMS).await.expect(200);
    world.itop.faults().set_maintenance(true);
    let ttl = world.config.catalog.ttl.duration();
    world.clock.advance(ttl / 10 * 8);
    assert_eq!(world.get(TEAMS).await.expect(200), known);
    world
        .until("the gate closes", async || {
            let gate = world.get("/readyz").await.expect(200)["gate"].clone();
            (gate["reason"] == "maintenance").then_some(())
        })
        .await;
    let before = reads(&world);
    world.clock.advance(ttl / 10 * 15 / 10);
    for _ in 0..3 {
        assert_eq!(world.get(TEAMS).await.expect(200), known);
    }
    assert_eq!(reads(&world), before);
    world.finish().await;
}

#[tokio::test]
async fn a_long_list_is_packed_for_who_takes_it_so() {
    let world = World::with(Options { servers: 300, ..Options::default() }, |_| {}).await;
    let ask = async |path: &str, headers: &[(&str, &str)]| {
        let mut request = world.http.get(format!("{}{path}", world.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let varies = answer.headers().get("vary").is_some_and(|vary| vary == "accept-encoding");
        let packed = answer.headers().get("content-encoding").is_some_and(|c| c == "gzip");
        let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
        let (status, body) = (answer.status(), answer.bytes().await.unwrap());
        // Whoever keeps copies must not give one form for the other.
        assert_eq!(varies, packed || body.len() > 8 << 10, "{path} {headers:?}");
        (status, packed, tag, body)
    };
    let gzip = ("accept-encoding", "br, gzip");
    let (_, packed, tag, plain) = ask(DEMO_CIS, &[]).await;
    assert!(!packed && plain.len() > 8 << 10, "{}", plain.len());
    let (_, packed, packed_tag, body) = ask(DEMO_CIS, &[gzip]).await;
    assert!(packed && body.len() < plain.len() / 4, "{}", body.len());
    assert_eq!(packed_tag, tag);
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(body.as_ref()).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain);
    // The tag is that of either form.
    let (status, packed, _, body) = ask(DEMO_CIS, &[gzip, ("if-none-match", &tag)]).await;
    assert_eq!((status.as_u16(), packed, body.len()), (304, false, 0));
    for (path, coding) in [
        (DEMO_CIS, ("accept-encoding", "gzip;q=0")),
        (DEMO_CIS, ("accept-encoding", "br")),
        ("/api/v1/companies/3/cis?limit=20", gzip),
        ("/api/v1/companies", gzip),
        ("/api/v1/tickets", gzip),
    ] {
        let (status, packed, _, body) = ask(path, &[coding]).await;
        assert_eq!((status.as_u16(), packed), (200, false), "{path} {coding:?}");
        assert!(body.starts_with(b"{\"items\":["));
    }
    world.finish().await;
}

#[tokio::test]
async fn the_last_known_list_is_given_with_its_age_while_itop_fails() {
    for kind in [FaultKind::Maintenance, FaultKind::DatabaseDown, FaultKind::CutBefore] {
        let world = World::start().await;
        let known = world.get(CONTACTS).await.expect(200);
        world.itop.faults().set(kind.clone(), true);
        // Nothing has failed yet that somebody needed.
        assert_eq!(world.get(CONTACTS).await.expect(200)["stale"], false);
        let insisted = world.insist(CONTACTS).await.expect(200);
        assert_eq!((&insisted["stale"], &insisted["as_of"]), (&json!(true), &known["as_of"]));

        world.clock.advance(world.config.catalog.ttl.duration());
        let stale = world.get(CONTACTS).await.expect(200);
        assert_eq!(stale["stale"], true, "{kind:?}");
        assert_eq!((&stale["as_of"], &stale["items"]), (&known["as_of"], &known["items"]));

        world.itop.faults().clear();
        world
            .until("the list is fresh again", async || {
                world.clock.advance(world.config.delivery.probe_max.duration());
                let list = world.get(CONTACTS).await.expect(200);
                (list["stale"] == false && list["as_of"] != known["as_of"]).then_some(())
            })
            .await;
        world.finish().await;
    }
}

#[tokio::test]
async fn a_closed_gate_answers_from_what_is_known_without_asking_itop() {
    // No probe runs meanwhile: it is a read too.
    let world = World::with(Options::default(), |config| {
        config.delivery.probe_first = Period::days(365);
    })
    .await;
    let known = world.get(CONTACTS).await.expect(200);
    world.itop.faults().set_maintenance(true);
    world.clock.advance(world.config.catalog.ttl.duration());
    world.get(CONTACTS).await.expect(200);
    let gate = world.get("/readyz").await.expect(200)["gate"].clone();
    assert_eq!(gate["reason"], "maintenance");
    let before = reads(&world);
    for _ in 0..3 {
        let stale = world.get(CONTACTS).await.expect(200);
        assert_eq!((&stale["stale"], &stale["items"]), (&json!(true), &known["items"]));
    }
    assert_eq!(reads(&world), before);
    world.finish().await;
}

#[tokio::test]
async fn an_error_is_not_kept() {
    let world = World::start().await;
    world.itop.faults().switch_on(Fault::new(FaultKind::TruncatedJson).times(1));
    world.get("/api/v1/teams").await.problem(503, "itop-unavailable");
    assert_eq!(ids(&world.get("/api/v1/teams").await.expect(200)).len(), 5);

    world.itop.faults().set_maintenance(true);
    for list in ["/api/v1/companies", CONTACTS] {
        let answer = world.get(list).await;
        let detail = answer.problem(503, "itop-unavailable");
        assert!(!detail.contains("maintenance"), "a 5xx has a constant body: {detail}");
        assert_eq!(answer.header("retry-after"), "5");
    }
    world.itop.faults().clear();
    // The gate is still closed: a list that was never read is tried all the same.
    assert_eq!(ids(&world.get(CONTACTS).await.expect(200)).len(), 4);
    world.finish().await;
}

#[tokio::test]
async fn a_list_of_cis_that_breaks_is_read_in_smaller_pages() {
    let options = Options { servers: 1_200, ..Options::default() };
    let world = World::with(options, |config| config.catalog.page_size = 4_000).await;
    world.get("/api/v1/companies").await.expect(200);
    let before = reads(&world);
    // 4,000, 2,000 and 1,000 break; three pages of 500 do not.
    let broken = Fault::new(FaultKind::TruncatedJson).on(Operations::Read);
    world.itop.faults().switch_on(broken.clone().times(3));
    let first = world.get(DEMO_CIS).await.expect(200);
    assert_eq!(reads(&world) - before, 3 + 3);
    assert_eq!((&first["stale"], &first["next"]), (&json!(false), &json!("1000")));
    let rest = world.get(&format!("{DEMO_CIS}?cursor=1000")).await.expect(200);
    let all: BTreeSet<_> = ids(&first).into_iter().chain(ids(&rest)).collect();
    assert_eq!(all, (1..=1_231).collect());

    // When the smallest page breaks as well, that is an error, and the last known list stands.
    world.itop.faults().switch_on(broken.times(4));
    let stale = world.insist(DEMO_CIS).await.expect(200);
    assert_eq!((&stale["stale"], &stale["as_of"]), (&json!(true), &first["as_of"]));
    world.finish().await;
}

/// The teams, once they are newer than these.
async fn until_newer(world: &World, old: &Value) -> Value {
    world
        .until("the list is newer", async || {
            let list = world.get(TEAMS).await.expect(200);
            (list["as_of"] != old["as_of"]).then_some(list)
        })
        .await
}

/// The reads that iTop has answered so far.
fn reads(world: &World) -> u64 {
    world.reads()
}
