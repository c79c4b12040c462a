//! The operator's levers on many rows: by their ids, or all that have one cause.

use itop_sandbox::{Fault, FaultKind, Operations, Options};
use serde_json::{Value, json};
use servicenav_itop_bridge::config::Scope;

use crate::world::{ACKNOWLEDGEMENTS, World, event, limited, token, with};

const RETRY: &str = "/api/v1/acknowledgements/retry";
const DISCARD: &str = "/api/v1/acknowledgements/discard";

fn unlinked(key: impl std::fmt::Display, company: u64) -> Value {
    let company = json!({"id": company, "name": format!("Company {company}")});
    with(event(&key.to_string()), "/company", company)
}

async fn counts(world: &World) -> Value {
    world.get("/readyz").await.expect(200)["inbox"].clone()
}

/// Rows that iTop refuses, each with these words.
pub async fn refused(world: &World, keys: &[&str], words: &str) -> Vec<Value> {
    let refuse = FaultKind::Refuse { code: 100, message: format!("Error: {words}") };
    let times = u32::try_from(keys.len()).unwrap();
    world.itop.faults().switch_on(Fault::new(refuse).on(Operations::Create).times(times));
    let mut rows = Vec::new();
    for key in keys {
        let row = world.acknowledge(&event(key)).await.expect(202);
        assert_eq!(row["state"], "failed");
        rows.push(row);
    }
    rows
}

#[tokio::test]
async fn rows_are_tried_again_and_given_up_by_their_ids() {
    let world = World::linked().await;
    let failed = refused(&world, &["one", "two"], "full").await;
    let blocked = world.acknowledge(&unlinked("blocked", 77)).await.expect(202);
    let created = world.acknowledge(&event("created")).await.expect(201);
    let ids = json!([failed[0]["id"], blocked["id"], created["id"], 999, failed[1]["id"], 999]);
    let answer = world.post(RETRY, &json!({"ids": ids})).await.expect(200);
    assert_eq!(
        answer,
        json!({"done": 3, "left": [
            {
                "id": created["id"], "state": "created",
                "why": "It is created; only a failed or blocked one can be tried again."
            },
            {"id": 999, "state": null, "why": "There is no acknowledgement 999."},
        ]})
    );
    for row in &failed {
        world.until_state(&row["id"], "created").await;
    }
    let reason = json!({"ids": [blocked["id"], failed[0]["id"]], "reason": "no\ncustomer"});
    let answer = world.post(DISCARD, &reason).await.expect(200);
    assert_eq!((&answer["done"], answer["left"].as_array().unwrap().len()), (&json!(1), 1));
    let why = "It is created; only one that waits, is blocked, has failed or was refused can be \
               discarded.";
    assert_eq!(answer["left"][0]["why"], why);
    let row = world.until_state(&blocked["id"], "discarded").await;
    assert_eq!(row["reason"], "no customer");
    world.finish().await;
}

#[tokio::test]
async fn what_is_mended_is_tried_again_by_its_cause() {
    let world = World::linked().await;
    let full = refused(&world, &["a", "b", "c"], "full").await;
    let other = refused(&world, &["d"], "another word").await;
    let blocked = world.acknowledge(&unlinked("e", 77)).await.expect(202);
    let causes = world.get(&format!("{ACKNOWLEDGEMENTS}/causes")).await.expect(200);
    let cause = &causes["items"][0];
    assert_eq!(cause["count"], 3);
    let answer = world.post(RETRY, &json!({"cause": cause["cause"]})).await.expect(200);
    assert_eq!(answer, json!({"done": 3, "left": []}));
    for row in &full {
        world.until_state(&row["id"], "created").await;
    }
    let row = world.until_state(&other[0]["id"], "failed").await;
    assert_eq!(row["attempts"], other[0]["attempts"]);
    // The code alone is any sentence of it.
    let answer = world.post(RETRY, &json!({"cause": {"code": "refused-by-itop"}})).await;
    assert_eq!(answer.expect(200)["done"], 1);
    world.until_state(&other[0]["id"], "created").await;
    world.until_state(&blocked["id"], "blocked").await;
    world.finish().await;
}

#[tokio::test]
async fn one_company_of_a_cause_is_given_up_and_others_stay() {
    let world = World::linked().await;
    for (key, company) in [("a", 53), ("b", 53), ("c", 54)] {
        world.acknowledge(&unlinked(key, company)).await.expect(202);
    }
    let cause = json!({"code": "company-not-linked", "instance": "default", "company": "id:53"});
    let body = json!({"cause": cause, "reason": "no customer any more"});
    let answer = world.post(DISCARD, &body).await.expect(200);
    assert_eq!(answer, json!({"done": 2, "left": []}));
    let counts = counts(&world).await;
    assert_eq!((&counts["blocked"], &counts["failed"]), (&json!(1), &json!(0)));
    assert_eq!(world.post(DISCARD, &body).await.expect(200)["done"], 0);
    world.finish().await;
}

#[tokio::test]
async fn refused_rows_cannot_be_tried_again_and_are_ticked_off() {
    let world = World::linked().await;
    let wrong = |key: &str| with(event(key), "/control/state", json!("ON FIRE"));
    world.post(ACKNOWLEDGEMENTS, &json!([wrong("a"), wrong("b"), wrong("c")])).await.expect(200);
    let cause = json!({"code": "invalid"});
    let answer = world.post(RETRY, &json!({"cause": cause})).await.expect(200);
    assert_eq!((&answer["done"], answer["left"].as_array().unwrap().len()), (&json!(0), 3));
    let answer = world.post(DISCARD, &json!({"cause": cause, "reason": "told them"})).await;
    assert_eq!(answer.expect(200), json!({"done": 3, "left": []}));
    assert_eq!(counts(&world).await["rejected"], 0);
    world.finish().await;
}

#[tokio::test]
async fn thousands_of_rows_of_one_cause_are_changed() {
    const ROWS: usize = 5_000;
    let world = World::start().await;
    for batch in 0..ROWS / 1_000 {
        let list: Vec<_> = (0..1_000).map(|place| unlinked(batch * 1_000 + place, 77)).collect();
        world.post(ACKNOWLEDGEMENTS, &json!(list)).await.expect(200);
    }
    let blocked = async |expected: usize| {
        world
            .until("all wait for the link", async || {
                let counts = counts(&world).await;
                (counts["blocked"] == expected && counts["accepted"] == 0).then_some(())
            })
            .await;
    };
    blocked(ROWS).await;
    let query = format!("{ACKNOWLEDGEMENTS}?cause=company-not-linked&count=true&limit=1");
    assert_eq!(world.get(&query).await.expect(200)["total"], ROWS);
    let cause = json!({"code": "company-not-linked", "company": "id:77"});
    let answer = world.post(RETRY, &json!({"cause": cause})).await.expect(200);
    assert_eq!(answer, json!({"done": ROWS, "left": []}));
    blocked(ROWS).await;
    let body = json!({"cause": cause, "reason": "a storm"});
    // Some may be looked at once more just now: they are blocked again, and found by the second call.
    let mut done = 0;
    while done < ROWS {
        let answer = world.post(DISCARD, &body).await.expect(200);
        let of_call = usize::try_from(answer["done"].as_u64().unwrap()).unwrap();
        assert!(of_call > 0, "{done} of {ROWS} are done");
        done += of_call;
    }
    let counts = counts(&world).await;
    assert_eq!((&counts["blocked"], &counts["accepted"]), (&json!(0), &json!(0)));
    let ended = world.get(&format!("{ACKNOWLEDGEMENTS}?group=ended&count=true&limit=1")).await;
    assert_eq!(ended.expect(200)["total"], ROWS);
    world.finish().await;
}

#[tokio::test]
async fn whose_company_it_is_not_changes_nothing_and_is_told_nothing() {
    let mut world = World::with(Options::default(), |config| {
        config.auth.tokens = vec![
            token("admin", &[Scope::Admin]),
            limited("own", &[Scope::Read, Scope::Operate], "sn-a", &["id:53"]),
        ];
    })
    .await;
    world.token = Some("admin".to_owned());
    let own = with(unlinked("own", 53), "/source", json!({"instance": "sn-a"}));
    let own = world.acknowledge(&own).await.expect(202);
    // Of another instance it is another company, whatever its number.
    let foreign = world.acknowledge(&unlinked("foreign", 53)).await.expect(202);
    world.token = Some("own".to_owned());
    for (path, reason) in [(RETRY, json!(null)), (DISCARD, json!("mine"))] {
        let ids = json!({"ids": [foreign["id"], own["id"]], "reason": reason});
        let missing = json!({"ids": [999], "reason": reason});
        let answer = world.post(path, &ids).await.expect(200);
        assert_eq!(answer["done"], 1);
        let nowhere = world.post(path, &missing).await.expect(200);
        let id = foreign["id"].to_string();
        let renamed = nowhere["left"].to_string().replace("999", &id);
        assert_eq!(answer["left"].to_string(), renamed);
        let of_other = json!({"code": "company-not-linked", "company": "id:54"});
        let other = world.post(path, &json!({"cause": of_other, "reason": reason})).await;
        assert_eq!(other.expect(200), json!({"done": 0, "left": []}));
        world.until_state(&own["id"], if path == RETRY { "blocked" } else { "discarded" }).await;
    }
    let any = json!({"cause": {"code": "company-not-linked"}, "reason": "mine"});
    assert_eq!(world.post(DISCARD, &any).await.expect(200)["done"], 0);
    let causes = world.get(&format!("{ACKNOWLEDGEMENTS}/causes")).await.expect(200);
    assert_eq!(causes, json!({"items": [], "total": 0}));
    world.token = Some("admin".to_owned());
    world.until_state(&foreign["id"], "blocked").await;
    world.finish().await;
}

#[tokio::test]
async fn what_a_body_lacks_is_told() {
    let world = World::start().await;
    let many: Vec<_> = (0..1_001).collect();
    for (body, pointer) in [
        (json!({}), ""),
        (json!("all"), ""),
        (json!({"ids": [1], "cause": {"code": "x"}}), ""),
        (json!({"ids": []}), "/ids"),
        (json!({"ids": many}), "/ids"),
        (json!({"ids": 7}), "/ids"),
        (json!({"ids": [1, "two"]}), "/ids/1"),
        (json!({"ids": [1.5]}), "/ids/0"),
        (json!({"cause": {}}), "/cause/code"),
        (json!({"cause": "refused-by-itop"}), "/cause/code"),
        (json!({"cause": {"code": 7}}), "/cause/code"),
        (json!({"cause": {"code": "x", "message": []}}), "/cause/message"),
    ] {
        for path in [RETRY, DISCARD] {
            let answer = world.post(path, &body).await;
            answer.problem(422, "invalid");
            assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{body}");
        }
    }
    let no_reason = world.post(DISCARD, &json!({"ids": [1], "reason": " "})).await;
    assert_eq!(no_reason.problem(422, "invalid"), "/reason: say why, in at most 1000 characters");
    let elsewhere = json!({"cause": {"code": "x", "company": "name:"}});
    world.post(RETRY, &elsewhere).await.problem(400, "bad-parameter");
    world.finish().await;
}
