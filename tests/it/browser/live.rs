//! What happens elsewhere is seen without a reload.

use std::time::Duration;

use serde_json::json;

use super::{Browser, ENTER, ESCAPE, Look};
use crate::world::{ACKNOWLEDGEMENTS, World, event, with};

#[tokio::test(flavor = "multi_thread")]
async fn a_new_ticket_appears_and_its_status_changes_without_a_reload() {
    let world = World::linked().await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    browser.open(&world.base).await;
    browser.says("No control has a ticket yet").await;
    // It would be gone after a reload.
    browser.js("window.isSame = true").await;
    world.post(ACKNOWLEDGEMENTS, &event("live-1")).await.expect(201);
    let row = "document.querySelectorAll('tr[data-key]')";
    browser.until(&format!("{row}.length === 1")).await;
    world.post(ACKNOWLEDGEMENTS, &with(event("live-2"), "/control/id", json!("svc-2"))).await;
    browser.until(&format!("{row}.length === 2")).await;
    // An agent works on one of them, which then is no open one any more.
    let ticket = world.itop.tickets().await.unwrap().remove(0);
    for (stimulus, says) in [("ev_assign", "Assigned"), ("ev_resolve", "")] {
        world.itop.apply_stimulus(&ticket.class, ticket.id, stimulus).await.unwrap();
        world.clock.advance(Duration::from_mins(1));
        browser.says(says).await;
    }
    browser.until(&format!("{row}.length === 1")).await;
    assert_eq!(browser.js("window.isSame").await, true);
    browser.quit().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_said_and_mends_by_itself() {
    let world = World::linked().await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    world.post(ACKNOWLEDGEMENTS, &event("live-1")).await.expect(201);
    browser.open(&world.base).await;
    browser.until("document.querySelectorAll('tr[data-key]').length === 1").await;
    browser.connected(false).await;
    // What makes it ask again by itself is not what is looked at here.
    browser.js("document.dispatchEvent(new Event('visibilitychange'))").await;
    browser.says("The connection is lost").await;
    world.post(ACKNOWLEDGEMENTS, &with(event("live-2"), "/control/id", json!("svc-2"))).await;
    browser.connected(true).await;
    browser.until("document.querySelectorAll('tr[data-key]').length === 2").await;
    browser.until("document.getElementById('lost').hidden").await;
    browser.quit().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_alone_is_enough() {
    let world = World::linked().await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    world.post(ACKNOWLEDGEMENTS, &event("live-1")).await.expect(201);
    browser.open(&world.base).await;
    browser.element("tr[data-key]").await;
    browser.press("?").await;
    browser.until("document.getElementById('keys').open").await;
    browser.press(ESCAPE).await;
    browser.until("!document.getElementById('keys').open").await;
    // Search, open, back: what was searched is still searched.
    let second = with(event("live-2"), "/control/id", json!("svc-2"));
    let second = with(second, "/control/name", json!("Second"));
    world.post(ACKNOWLEDGEMENTS, &second).await.expect(201);
    browser.press("/").await;
    browser.until("document.activeElement.matches('input[type=search]')").await;
    browser.press("second").await;
    browser.press(ESCAPE).await;
    browser.until("location.search.includes('q=second')").await;
    // A row that the search takes away would take the focus with it.
    browser
        .until("[...document.querySelectorAll('tr[data-key]')].map(row => row.dataset.key).join() === 'default/svc-2'")
        .await;
    browser.press("j").await;
    browser.until("document.activeElement.matches('tr[data-key]')").await;
    browser.press(ENTER).await;
    browser.until("location.pathname === '/tickets/detail'").await;
    browser.back().await;
    browser.until("location.pathname === '/' && location.search.includes('q=second')").await;
    browser.quit().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_asks_for_french_is_answered_in_french_until_somebody_chooses() {
    let world = World::linked().await;
    let look = Look { language: "fr", ..Look::default() };
    let Some(browser) = Browser::start(look).await else { return };
    browser.open(&world.base).await;
    browser.until("document.documentElement.lang === 'fr'").await;
    browser.says("Aucun contrôle").await;
    browser.element("a[hreflang=en]").await.click().await.unwrap();
    browser.until("document.documentElement.lang === 'en'").await;
    browser.quit().await;
    world.finish().await;
}
