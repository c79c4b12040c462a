//! What was refused, once somebody has seen it.

use itop_sandbox::Options;
use serde_json::{Value, json};
use servicenav_itop_bridge::config::Scope;

use crate::world::{ACKNOWLEDGEMENTS, World, event, limited, token, with};

async fn rejected(world: &World) -> Vec<Value> {
    let rows =
        world.get(&format!("{ACKNOWLEDGEMENTS}?state=rejected&limit=1000")).await.expect(200);
    rows["items"].as_array().unwrap().clone()
}

async fn counted(world: &World) -> Value {
    world.get("/readyz").await.expect(200)["inbox"]["rejected"].clone()
}

#[tokio::test]
async fn a_refused_row_is_ticked_off_and_its_event_can_still_come() {
    let world = World::linked().await;
    let wrong = with(event("late"), "/control/state", json!("ON FIRE"));
    world.acknowledge(&wrong).await.expect(422);
    let row = rejected(&world).await.remove(0);
    assert_eq!(counted(&world).await, 1);
    let path = row["links"]["self"].as_str().unwrap();
    let reason = json!({"reason": "the sender was told"});
    let ticked = world.post(&format!("{path}/discard"), &reason).await.expect(200);
    assert_eq!((&ticked["state"], &ticked["reason"]), (&json!("discarded"), &reason["reason"]));
    // What it was is still told.
    assert_eq!(ticked["problem"], row["problem"]);
    assert_eq!(ticked["control"]["name"], "Disk C:");
    let whole = world.get(path).await.expect(200);
    assert_eq!(whole["body"], wrong);
    assert_eq!((counted(&world).await, rejected(&world).await.len()), (json!(0), 0));
    // It is none of its control, and no event of its key.
    world.get("/api/v1/controls/control-late/ticket").await.problem(404, "not-found");
    world.acknowledge(&event("late")).await.expect(201);
    // Nor is it when the event is there already.
    world.acknowledge(&with(event("late"), "/ticket/new", json!(true))).await.expect(409);
    let conflict = rejected(&world).await.remove(0);
    let path = conflict["links"]["self"].as_str().unwrap();
    world.post(&format!("{path}/discard"), &reason).await.expect(200);
    world.post(&format!("{path}/discard"), &reason).await.problem(409, "conflict");
    world.post(&format!("{path}/retry"), &json!({})).await.problem(409, "conflict");
    world.acknowledge(&event("late")).await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn who_is_wrong_all_day_takes_the_place_of_its_own_rows() {
    let mut world = World::with(Options::default(), |config| {
        config.auth.tokens = vec![
            token("admin", &[Scope::Admin]),
            limited("quiet", &[Scope::Ingest], "quiet", &[]),
            limited("noisy", &[Scope::Ingest], "noisy", &[]),
        ];
    })
    .await;
    let post = async |world: &mut World, who: &str, rows: usize| {
        world.token = Some(who.to_owned());
        let list = vec![json!({"event_id": who}); rows];
        world.post(ACKNOWLEDGEMENTS, &json!(list)).await.expect(200);
        world.token = Some("admin".to_owned());
    };
    post(&mut world, "quiet", 2).await;
    for _ in 0..3 {
        post(&mut world, "noisy", 1_000).await;
    }
    assert_eq!(counted(&world).await, 2_000);
    let of_quiet = format!("{ACKNOWLEDGEMENTS}?state=rejected&instance=quiet");
    let rows = world.get(&of_quiet).await.expect(200);
    assert_eq!(rows["items"].as_array().unwrap().len(), 2);

    // What was ticked off takes no place.
    let all = json!({"cause": {"code": "invalid", "instance": "noisy"}, "reason": "seen"});
    let done = world.post(&format!("{ACKNOWLEDGEMENTS}/discard"), &all).await.expect(200);
    assert_eq!(done["done"], 1_998);
    post(&mut world, "noisy", 3).await;
    assert_eq!(counted(&world).await, 5);
    world.finish().await;
}

#[tokio::test]
async fn what_a_tenant_may_not_post_does_not_crowd_its_instance_when_it_is_ticked_off() {
    let mut world = World::with(Options::default(), |config| {
        config.auth.tokens = vec![
            token("admin", &[Scope::Admin]),
            limited("tenant", &[Scope::Ingest], "sn-a", &["id:42"]),
        ];
    })
    .await;
    world.token = Some("tenant".to_owned());
    let foreign = with(event("foreign"), "/company", json!({"id": 43, "name": "Other"}));
    world.post(ACKNOWLEDGEMENTS, &foreign).await.problem(403, "forbidden");
    world.token = Some("admin".to_owned());
    let all = json!({"cause": {"code": "forbidden"}, "reason": "seen"});
    let done = world.post(&format!("{ACKNOWLEDGEMENTS}/discard"), &all).await.expect(200);
    assert_eq!(done["done"], 1);
    world.stop_bridge().await;
    world.start_bridge().await;
    assert_eq!(counted(&world).await, 0);
    world.finish().await;
}
