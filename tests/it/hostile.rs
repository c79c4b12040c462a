//! Hostile input: whatever is sent, the answer is no 5xx, and a refusal is a problem document.

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{ACKNOWLEDGEMENTS, Answer, World, event};

/// Requests of each kind unless the environment says otherwise.
const CASES: u32 = 150;

/// What an attacker, a broken shell or another alphabet puts into a text.
const NASTY: &str = r#"['"\\%_<>&;:/?#{}\[\]$\n\r\t\x00\u{202e}\u{feff}é日🔥a-z0-9 ]{0,60}"#;

/// Places of an event that hold texts.
const PLACES: [&str; 16] = [
    "/event_id",
    "/company",
    "/company/name",
    "/company/id",
    "/site",
    "/team",
    "/contact/email",
    "/service",
    "/service_element",
    "/equipment/name",
    "/equipment/itsm_id",
    "/control/id",
    "/control/name",
    "/control/output",
    "/title",
    "/ticket/existing_ref",
];

fn run<S: Strategy>(world: &World, strategy: &S, ask: &impl AsyncFn(&World, S::Value) -> Answer) {
    let cases = std::env::var("BRIDGE_HOSTILE_CASES").ok().and_then(|text| text.parse().ok());
    let cases = cases.unwrap_or(CASES);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let handle = tokio::runtime::Handle::current();
    TestRunner::new(config)
        .run(strategy, |value| {
            let answer = handle.block_on(ask(world, value));
            prop_assert!(answer.status < 500, "{}: {}", answer.status, answer.text);
            if answer.status >= 400 {
                let kind = answer.header("content-type");
                prop_assert_eq!(kind, "application/problem+json", "{}", answer.text);
                prop_assert!(answer.body["detail"].is_string(), "{}", answer.text);
            }
            Ok(())
        })
        .unwrap();
}

/// Runs a hostile test in a thread that may block.
async fn against(world: World, attack: impl FnOnce(&World) + Send + 'static) {
    let world = tokio::task::spawn_blocking(move || {
        attack(&world);
        world
    });
    world.await.unwrap().finish().await;
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        NASTY.prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(NASTY, inner, 0..5).prop_map(|members| json!(members)),
        ]
    })
}

async fn post_bytes(world: &World, path: &str, bytes: Vec<u8>) -> Answer {
    let request = world.http.post(format!("{}{path}", world.base));
    let request = request.header("content-type", "application/json").body(bytes);
    Answer::read(request.send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn any_bytes_are_answered() {
    let world = World::start().await;
    against(world, |world| {
        run(world, &vec(any::<u8>(), 0..300), &async |world, bytes| {
            post_bytes(world, ACKNOWLEDGEMENTS, bytes).await
        });
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_json_is_answered() {
    let world = World::start().await;
    against(world, |world| {
        let paths = [
            ACKNOWLEDGEMENTS,
            "/api/v1/acknowledgements/preview",
            "/api/v1/tickets/lookup",
            "/api/v1/acknowledgements/1/discard",
        ];
        run(world, &(0..paths.len(), any_json()), &async |world, (path, body)| {
            post_bytes(world, paths[path], body.to_string().into_bytes()).await
        });
        run(world, &any_json(), &async |world, body| world.put("/api/v1/links/7", &body).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nasty_texts_anywhere_in_an_event_are_delivered_or_refused() {
    let world = World::linked().await;
    against(world, |world| {
        let strategy = (vec((0..PLACES.len(), NASTY), 1..4), any::<u32>());
        run(world, &strategy, &async |world, (changes, number)| {
            let mut event = event(&format!("nasty{number}"));
            for (place, text) in changes {
                // A place below one that was just made a text is no longer there.
                if let Some(member) = event.pointer_mut(PLACES[place]) {
                    *member = json!(text);
                } else {
                    let name = PLACES[place].trim_start_matches('/');
                    event[name.split('/').next().unwrap()] = json!(text);
                }
            }
            let answer = world.acknowledge(&event).await;
            // iTop takes whatever text there is; only a ticket that is not there cannot be linked.
            if answer.body["state"] == "failed" {
                let code = &answer.body["problem"]["code"];
                assert_eq!(code, "ticket-not-found", "{}", answer.text);
            }
            answer
        });
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_path_and_query_is_answered() {
    let world = World::linked().await;
    against(world, |world| {
        let templates = [
            "/api/v1/controls/{}/ticket?instance={}",
            "/api/v1/tickets/{}?x={}",
            "/api/v1/tickets?cursor={}&status={}",
            "/api/v1/companies/3/cis?search={}&cursor={}",
            "/api/v1/companies/{}/contacts?limit={}",
            "/api/v1/links/{}/sites/{}",
            "/api/v1/acknowledgements/{}?x={}",
            "/api/v1/acknowledgements?state={}&control={}",
        ];
        run(world, &(0..templates.len(), NASTY, NASTY), &async |world, (which, one, two)| {
            let encoded = |text: &str| {
                percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
                    .to_string()
            };
            let path = templates[which].replacen("{}", &encoded(&one), 1);
            let path = path.replacen("{}", &encoded(&two), 1);
            world.send(Method::GET, &path, &[], None).await
        });
    })
    .await;
}
