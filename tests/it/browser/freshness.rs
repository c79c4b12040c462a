//! Pages show what is so now, or say since when they do not.

use std::time::Duration;

use itop_sandbox::Options;
use serde_json::json;
use servicenav_itop_bridge::clock::Clock;

use super::{Browser, Look};
use crate::{
    stream::Listener,
    world::{ACKNOWLEDGEMENTS, World, event, with},
};

/// Has the page ask again at once, as when somebody comes back to it.
const AGAIN: &str = "document.dispatchEvent(new Event('visibilitychange'))";

const STREAM: &str = "/api/v1/tickets/stream";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_longer_true_goes() {
    let world = World::linked().await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    let unlinked = with(event("one"), "/company", json!({"id": 99, "name": "Not linked"}));
    let row = world.acknowledge(&unlinked).await.expect(202)["id"].clone();
    browser.open(&format!("{}/tickets/detail?control=control-one", world.base)).await;
    let waits = "document.querySelector('[data-live=pending]')?.textContent.includes('not linked')";
    browser.until("document.querySelector('[data-live=pending] .card')").await;
    browser.js("window.isSame = true").await;
    // What has the focus goes too.
    browser.js("document.querySelector('[data-live=pending] a').focus()").await;
    browser.js(AGAIN).await;
    world.put("/api/v1/links/99", &json!({"organization": "Demo"})).await.expect(201);
    world.until_state(&row, "created").await;
    browser.until("!document.querySelector('[data-live=pending] .card')").await;
    assert_eq!(browser.js(waits).await, json!(false));
    browser.until("document.querySelector('[data-live=actions] a.primary')").await;
    // What was folded out stays so.
    browser.element("details.card summary").await.click().await.unwrap();
    browser.js("document.activeElement.blur()").await;
    let again = with(event("two"), "/control/id", json!("control-one"));
    let again = with(again, "/acknowledgement/comment", json!("Once more"));
    world.acknowledge(&again).await.expect(200);
    browser.says("Once more").await;
    browser.until("document.querySelector('details.card').open").await;
    browser.says("event-two").await;
    assert_eq!(browser.js("window.isSame").await, true);
    browser.quit().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_windows_share_one_stream() {
    let world = World::with(Options::default(), |config| config.server.max_connections = 64).await;
    world.link_demo().await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    let open = async {
        for window in 0..8 {
            if window > 0 {
                browser.window().await;
            }
            browser.open(&world.base).await;
            browser.says("No control has a ticket yet").await;
            assert_eq!(browser.js("document.visibilityState").await, "visible");
        }
    };
    // A browser opens six connections to one host; with a stream in each there is none left for pages.
    let opened = tokio::time::timeout(Duration::from_secs(40), open).await;
    assert!(opened.is_ok(), "a window did not open");
    world.post(ACKNOWLEDGEMENTS, &event("one")).await.expect(201);
    browser.until("document.querySelectorAll('tr[data-key]').length === 1").await;
    browser.quit().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_listens_while_it_is_seen_and_again_after_a_refusal() {
    // Half of them can be streams.
    let world = World::with(Options::default(), |config| config.server.max_connections = 16).await;
    world.link_demo().await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    let mut others = Vec::new();
    for _ in 0..8 {
        others.push(Listener::start(&world, "").await);
    }
    browser.open(&world.base).await;
    browser.says("No control has a ticket yet").await;
    // It is refused, and looks by itself what it has missed.
    browser.js(BETWEEN).await;
    browser.until("window.asked.length > 0").await;
    others.pop();
    // Twice: what has just looked whether there is a place has it for a moment.
    let mut taken = 0;
    while taken < 2 {
        taken = if has_place(&world).await { 0 } else { taken + 1 };
        Clock::system().sleep(Duration::from_millis(500)).await;
    }
    // Nobody sees it any more.
    browser.tab().await;
    world.until("its place is free", async || has_place(&world).await.then_some(())).await;
    browser.quit().await;
    drop(others);
    world.finish().await;
}

/// Whether one more stream can be opened.
async fn has_place(world: &World) -> bool {
    let answer = world.http.get(format!("{}{STREAM}", world.base)).send().await.unwrap();
    answer.status() == 200
}

/// Puts itself between the page and the bridge: `answer` may give another answer, or keep one.
const BETWEEN: &str = "(() => { const real = window.fetch; window.asked = []; window.kept = [];
    window.fetch = async (input, options) => {
        window.asked.push(String(input));
        if (window.refused) return new Response('', { status: window.refused });
        const answer = await real(input, { ...options, signal: undefined });
        if (/q=(slow|old)/.test(String(input))) await new Promise((go) => window.kept.push(go));
        return answer;
    }; return true; })()";

#[tokio::test(flavor = "multi_thread")]
async fn an_old_answer_is_not_shown_under_a_new_address() {
    let world = World::linked().await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    world.acknowledge(&event("one")).await.expect(201);
    browser.open(&world.base).await;
    browser.until("document.querySelectorAll('tr[data-key]').length === 1").await;
    browser.js(BETWEEN).await;
    let search = async |text: &str| {
        let script = format!(
            "(() => {{ const field = document.querySelector('input[type=search]'); field.value = '{text}';
             field.form.requestSubmit(); return true; }})()"
        );
        browser.js(&script).await;
    };
    // Of two that find nothing the answers are late.
    search("slow").await;
    browser.until("window.asked.some((one) => one.includes('q=slow'))").await;
    search("old").await;
    search("disk").await;
    browser.until("location.search.includes('q=disk')").await;
    browser.until("window.kept.length === 2").await;
    browser.until("document.querySelectorAll('tr[data-key]').length === 1").await;
    browser.js("window.kept.forEach((go) => go())").await;
    // What they say is nothing to this address, also after whatever comes of them.
    let after = "new Promise((go) => setTimeout(() => go(true), 100))";
    browser
        .js(&format!("window.isAfter = false, {after}.then(() => window.isAfter = true), 0"))
        .await;
    browser.until("window.isAfter").await;
    browser.until("document.querySelectorAll('tr[data-key]').length === 1").await;
    assert_eq!(browser.js("location.search").await, json!("?q=disk"));
    browser.quit().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_refuses_the_page_is_told_apart() {
    let world = World::linked().await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    browser.open(&world.base).await;
    browser.says("No control has a ticket yet").await;
    browser.js(BETWEEN).await;
    for (status, says) in [
        (404, "What you see is no longer there."),
        (403, "You may no longer see this page."),
        (401, "You are signed out."),
        (500, "error 500, which its log explains"),
        (503, "The connection is lost."),
    ] {
        browser.js(&format!("window.refused = {status}")).await;
        browser.js("document.dispatchEvent(new CustomEvent('bridge:wanted'))").await;
        browser.says(says).await;
        let link = browser.js("document.querySelector('#lost a')?.textContent ?? ''").await;
        assert_eq!(link, if status == 401 { "Sign in" } else { "" }, "{status}");
    }
    browser.js("window.refused = 0").await;
    browser.js("document.dispatchEvent(new CustomEvent('bridge:wanted'))").await;
    browser.until("document.getElementById('lost').hidden").await;
    browser.quit().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_within_the_page_asks_for_nothing() {
    let world = World::linked().await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    browser.open(&world.base).await;
    browser.says("No control has a ticket yet").await;
    browser.js(BETWEEN).await;
    browser
        .js("(() => { window.before = window.asked.length;
            addEventListener('popstate', () => { window.byJump = window.asked.length - window.before; });
            document.querySelector('a.skip').click(); return true; })()")
        .await;
    browser.until("location.hash === '#main' && window.byJump !== undefined").await;
    assert_eq!(browser.js("window.byJump").await, json!(0));
    // Another address does.
    browser.element(".segments a:nth-child(2)").await.click().await.unwrap();
    browser.until("location.search !== ''").await;
    browser
        .js("(() => { window.before = window.asked.length; history.back(); return true; })()")
        .await;
    browser.until("location.search === '' && window.byJump > 0").await;
    browser.quit().await;
    world.finish().await;
}
