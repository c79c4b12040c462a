//! Signing in and out, as a person does.

use std::collections::BTreeMap;

use itop_sandbox::Options;
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    config::{Proxy, Scope, Token},
    secret::Secret,
    web::hash_token,
};
use thirtyfour::Key;

use super::{Browser, Look, pages::LOOKS};
use crate::world::{ACKNOWLEDGEMENTS, World, event, limited, token, with};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_does_something_and_signs_out() {
    let world = World::with(Options::default(), |config| {
        config.auth.tokens = vec![Token {
            hash: hash_token("snb_desk"),
            ..token("night shift", &[Scope::Read, Scope::Operate])
        }];
    })
    .await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    browser.open(&format!("{}/inbox?state=failed", world.base)).await;
    browser.says("A token says who you are").await;
    // The field has the focus: nothing has to be clicked.
    browser.press("nobody").await;
    browser.element("form[action='/session'] button").await.click().await.unwrap();
    browser.says("does not know this token").await;
    for look in LOOKS {
        browser.look(look).await;
        assert_eq!(browser.barriers().await, [""; 0], "{} {}", look.width, look.dark);
        let is_wide = browser.js("document.documentElement.scrollWidth > innerWidth").await;
        assert_eq!(is_wide, json!(false), "{}", look.width);
        if let Some(folder) = std::env::var_os("BRIDGE_PICTURES") {
            let scheme = if look.dark { "dark" } else { "light" };
            let name = format!("sign-in-{}-{scheme}.png", look.width);
            std::fs::write(std::path::Path::new(&folder).join(name), browser.picture().await)
                .unwrap();
        }
    }
    browser.look(Look::default()).await;
    browser.press("snb_desk").await;
    browser.press(Key::Enter).await;
    // Where they wanted to go.
    browser.until("location.pathname + location.search === '/inbox?state=failed'").await;
    browser.says("night shift").await;
    // No script sees the session, and what a page of the bridge sends is believed.
    assert_eq!(browser.js("document.cookie").await, json!(""));
    let retry = "(() => { const call = new XMLHttpRequest();
        call.open('POST', '/api/v1/acknowledgements/7/retry', false);
        call.setRequestHeader('Content-Type', 'application/json');
        call.send('{}');
        return call.status; })()";
    assert_eq!(browser.js(retry).await, json!(404));
    browser.element("form[action='/session/end'] button").await.click().await.unwrap();
    browser.says("A token says who you are").await;
    assert_eq!(browser.js(retry).await, json!(401));
    browser.quit().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_company_shows_its_rows_alone() {
    let demo = limited("demo-desk", &[Scope::Read], "", &["id:42"]);
    let world = World::closed(vec![demo], |_| {}).await;
    world.put("/api/v1/links/43", &json!({"organization": "Demo"})).await.expect(201);
    world.acknowledge(&with(event("one"), "/control/name", json!("Our disk"))).await.expect(201);
    let theirs = with(event("two"), "/company", json!({"id": 43, "name": "Neighbour"}));
    let theirs = with(theirs, "/control/name", json!("Their disk"));
    world.acknowledge(&theirs).await.expect(201);
    let unlinked = with(event("three"), "/company", json!({"id": 44, "name": "Third"}));
    let unlinked = world.post(ACKNOWLEDGEMENTS, &unlinked).await.expect(202)["id"].clone();
    let Some(browser) = Browser::start(Look::default()).await else { return };
    let controls = "[...document.querySelectorAll('tr[data-key]')].map((row) => row.dataset.key)";
    for (name, shown, waits) in [
        ("demo-desk", json!(["default/control-one"]), 0),
        ("all", json!(["default/control-three", "default/control-two", "default/control-one"]), 1),
    ] {
        browser.open(&world.base).await;
        browser.says("A token says who you are").await;
        browser.press(name).await;
        browser.press(Key::Enter).await;
        browser.says("Our disk").await;
        browser.says(name).await;
        // The newest first, and of several in one moment in any order.
        let Value::Array(mut found) = browser.js(controls).await else { panic!("no rows") };
        let Value::Array(mut shown) = shown else { unreachable!() };
        found.sort_by_key(Value::to_string);
        shown.sort_by_key(Value::to_string);
        assert_eq!(found, shown, "{name}");
        // Neither in lists nor by the address of what it should not know of.
        browser.open(&format!("{}/inbox?group=needs", world.base)).await;
        browser.until("document.querySelector('.segments')").await;
        assert_eq!(browser.js(&format!("{controls}.length")).await, json!(waits), "{name}");
        browser.open(&format!("{}/companies", world.base)).await;
        browser.says("Demo").await;
        let tells = browser.js("document.body.innerText.includes('Neighbour')").await;
        let is_all = json!(name == "all");
        assert_eq!(tells, is_all, "{name}");
        for page in [format!("/inbox/{unlinked}"), "/tickets/detail?control=control-two".to_owned()]
        {
            browser.open(&format!("{}{page}", world.base)).await;
            let gone =
                browser.js("document.body.innerText.includes('There is nothing here')").await;
            assert_eq!(gone, json!(name != "all"), "{name} {page}");
        }
        browser.open(&world.base).await;
        browser.element("form[action='/session/end'] button").await.click().await.unwrap();
        browser.says("A token says who you are").await;
    }
    browser.quit().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_believed_from_its_own_address_alone() {
    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    let Some(browser) = Browser::start(Look::default()).await else { return };
    let headers = json!({"headers": {
        "X-Forwarded-User": "Mallory", "X-Forwarded-Groups": "noc", "X-Bridge-Proxy-Secret": SECRET,
    }});
    browser.cdp("Network.enable", json!({})).await;
    browser.cdp("Network.setExtraHTTPHeaders", headers).await;
    for (trusted, is_believed) in [("192.0.2.7", false), ("127.0.0.1", true)] {
        let world = World::with(Options::default(), |config| {
            let groups = BTreeMap::from([("noc".to_owned(), vec![Scope::Read])]);
            config.auth.proxy = Some(Proxy {
                secret: Some(Secret::new(SECRET.to_owned())),
                trusted: vec![trusted.to_owned()],
                groups,
                ..Proxy::default()
            });
        })
        .await;
        browser.open(&world.base).await;
        if is_believed {
            browser.says("Mallory").await;
            browser.says("No control has a ticket yet").await;
        } else {
            browser.until("location.pathname === '/sign-in'").await;
            let named = browser.js("document.body.innerText.includes('Mallory')").await;
            assert_eq!(named, json!(false));
        }
        world.finish().await;
    }
    browser.quit().await;
}
