//! A list that would retire too much is held until somebody has said yes or no.

use serde_json::{Value, json};

use super::{EQUIPMENT, LOADED, OF_42, change, counts, rows, states, world};
use crate::world::World;

async fn held(world: &World) -> Vec<Value> {
    let companies = world.get(&format!("{EQUIPMENT}/companies?company=42")).await.expect(200);
    companies["items"][0]["holds"].as_array().unwrap().clone()
}

async fn in_state(world: &World, state: &str) -> usize {
    states(world).await.iter().filter(|(_, found)| found == state).count()
}

/// Thirty in iTop.
async fn thirty() -> World {
    let world = world().await;
    world.put(OF_42, &rows(1..=30)).await.expect(200);
    change(&world, LOADED).await;
    world
}

#[tokio::test]
async fn up_to_the_limit_is_retired_and_beyond_it_nothing_until_somebody_says_so() {
    let world = thirty().await;
    let taken = world.put(OF_42, &rows(1..=24)).await.expect(200);
    assert_eq!((counts(&taken)[1], &taken["held"]), (("gone", 6), &json!([])));
    // What still waits to be retired counts with what follows.
    let mut list = rows(1..=19);
    list[0]["model"] = json!("R740");
    let more = world.put(OF_42, &list).await.expect(200);
    assert_eq!(more["gone"], 5);
    assert_eq!(more["held"], json!([{"class": "Server", "rows": 5, "of": 30, "limit": 10}]));
    let said = more["warnings"][0].as_str().unwrap();
    assert!(said.starts_with("5 of 30 Server are gone from the list: more than the 10"), "{said}");
    // Changes go on.
    assert_eq!(states(&world).await[0].1, "changed");
    let holds = held(&world).await;
    assert_eq!(
        (holds.len(), &holds[0]["rows"], &holds[0]["what"]),
        (1, &json!(5), &json!("retire"))
    );
    let listed = world.get(&format!("{OF_42}&held=retire")).await.expect(200);
    let one = &listed["items"][0];
    assert_eq!(
        (&one["state"], &one["problem"]["code"]),
        (&json!("retiring"), &json!("retire-limit"))
    );
    // The same list again holds nothing anew, and releases nothing.
    assert_eq!(world.put(OF_42, &list).await.expect(200)["gone"], 0);
    assert_eq!(held(&world).await, holds);
    let approve = |digest: &Value| json!({"company": "42", "what": "retire", "class": "Server", "digest": digest});
    // Whoever has seen other rows has not said yes to these.
    let path = format!("{EQUIPMENT}/approve");
    world.post(&path, &approve(&json!("0000000000000000"))).await.problem(409, "preview-outdated");
    let done = world.post(&path, &approve(&holds[0]["digest"])).await.expect(200);
    assert_eq!(done, json!({"done": 5}));
    assert_eq!(held(&world).await, Vec::<Value>::new());
    assert_eq!(in_state(&world, "retiring").await, 11);
    world.post(&path, &approve(&holds[0]["digest"])).await.problem(409, "preview-outdated");
    // What somebody has said yes to is not counted again.
    let next = world.put(OF_42, &rows(1..=16)).await.expect(200);
    assert_eq!((&next["gone"], &next["held"]), (&json!(3), &json!([])));
    world.finish().await;
}

#[tokio::test]
async fn what_is_kept_stays_and_may_be_gone_again() {
    let world = thirty().await;
    let forced = world.put(&format!("{OF_42}&force=true"), &json!([])).await.expect(200);
    assert_eq!(forced["held"], json!([{"class": "Server", "rows": 30, "of": 30, "limit": 10}]));
    let path = format!("{EQUIPMENT}/keep");
    let some = json!({"company": "id:42", "what": "retire", "ids": ["7", "8", "99"]});
    assert_eq!(world.post(&path, &some).await.expect(200), json!({"done": 2}));
    let kept = world.get(&format!("{EQUIPMENT}/7?company=42")).await.expect(200);
    assert_eq!((&kept["listed"], &kept["held"]), (&json!(true), &Value::Null));
    assert_eq!(kept["state"], "changed");
    assert_eq!(held(&world).await[0]["rows"], 28);
    let rest = json!({"company": "id:42", "what": "retire"});
    assert_eq!(world.post(&path, &rest).await.expect(200), json!({"done": 28}));
    assert_eq!(in_state(&world, "retiring").await, 0);
    // Its list has them no more: they are gone, and held, once more.
    let again = world.put(&format!("{OF_42}&force=true"), &json!([])).await.expect(200);
    assert_eq!((&again["gone"], &again["held"][0]["rows"]), (&json!(30), &json!(30)));
    // What comes back needs nobody.
    let back = world.put(OF_42, &rows(1..=30)).await.expect(200);
    assert_eq!(counts(&back), [("back", 30)]);
    assert_eq!(held(&world).await, Vec::<Value>::new());
    world.finish().await;
}

#[tokio::test]
async fn one_after_another_is_held_too() {
    let world = thirty().await;
    for number in 1..=11 {
        let gone = world.delete(&format!("{EQUIPMENT}/{number}?company=42")).await.expect(200);
        let expected = if number > 10 { json!("retire") } else { Value::Null };
        assert_eq!(gone["held"], expected, "{number}");
    }
    world.finish().await;
}

#[tokio::test]
async fn each_class_and_company_has_its_own_limit() {
    let world = thirty().await;
    world.put(&format!("{EQUIPMENT}?company=43"), &rows(1..=30)).await.expect(200);
    change(&world, LOADED).await;
    change(
        &world,
        "UPDATE equipment SET class = 'Printer' WHERE equipment_id BETWEEN '20' AND '29'",
    )
    .await;
    // Ten servers and ten printers; and ten of another company.
    let taken = world.put(OF_42, &rows((1..=9).chain([30]))).await.expect(200);
    assert_eq!((&taken["gone"], &taken["held"]), (&json!(20), &json!([])));
    let other = format!("{EQUIPMENT}?company=43");
    let taken = world.put(&other, &rows((1..=8).chain([30]))).await.expect(200);
    assert_eq!(taken["gone"], 21);
    assert_eq!(taken["held"], json!([{"class": "Server", "rows": 11, "of": 20, "limit": 10}]));
    assert_eq!(held(&world).await, Vec::<Value>::new());
    world.finish().await;
}

#[tokio::test]
async fn what_has_no_class_yet_is_answered_by_itself() {
    let world = thirty().await;
    change(
        &world,
        "UPDATE equipment SET held = 'adopt', held_for = 'Server::4' WHERE equipment_id IN ('1', '2');
         UPDATE equipment SET class = NULL, state = 'new' WHERE equipment_id = '2'",
    )
    .await;
    let holds = held(&world).await;
    let unclassed = holds.iter().find(|hold| hold["class"].is_null()).unwrap();
    assert_eq!((holds.len(), &unclassed["rows"]), (2, &json!(1)));
    let body =
        json!({"company": "42", "what": "adopt", "class": "", "digest": unclassed["digest"]});
    let path = format!("{EQUIPMENT}/approve");
    assert_eq!(world.post(&path, &body).await.expect(200), json!({"done": 1}));
    let left = held(&world).await;
    assert_eq!((left.len(), &left[0]["class"]), (1, &json!("Server")));
    world.finish().await;
}

#[tokio::test]
async fn an_answer_to_another_question_is_what_it_says() {
    let world = thirty().await;
    change(
        &world,
        "UPDATE equipment SET held = 'adopt', held_for = 'Server::4', state = 'new', class = NULL
                    WHERE equipment_id = '1';
                    UPDATE equipment SET held = 'move', held_for = '3', state = 'changed'
                    WHERE equipment_id IN ('2', '3')",
    )
    .await;
    let answer = async |path: &str, what: &str, ids: &[&str]| {
        let body = json!({"company": "42", "what": what, "ids": ids});
        world.post(&format!("{EQUIPMENT}/{path}"), &body).await.expect(200)["done"].clone()
    };
    assert_eq!(answer("approve", "adopt", &["1", "2"]).await, 1);
    assert_eq!(answer("keep", "move", &["2"]).await, 1);
    assert_eq!(answer("approve", "retire", &["3"]).await, 0);
    let allowed = world
        .look(|db| {
            let sql = "SELECT allowed FROM equipment WHERE equipment_id = '1'";
            db.query_row(sql, [], |row| row.get::<_, Option<String>>(0))
        })
        .await;
    assert_eq!(allowed.as_deref(), Some("Server::4"));
    let kept = world.get(&format!("{EQUIPMENT}/2?company=42")).await.expect(200);
    assert_eq!((&kept["state"], &kept["problem"]["code"]), (&json!("failed"), &json!("not-moved")));
    for wrong in [
        json!({"company": "42"}),
        json!({"company": "42", "what": "delete"}),
        json!({"company": "42", "what": "retire", "ids": []}),
        json!({"company": "42", "what": "retire", "ids": ["a\u{0}"]}),
        json!({"company": "42", "what": "retire", "colour": 1}),
    ] {
        let refused = world.post(&format!("{EQUIPMENT}/approve"), &wrong).await;
        assert!([400, 422].contains(&refused.status), "{wrong}: {}", refused.text);
    }
    world.finish().await;
}
