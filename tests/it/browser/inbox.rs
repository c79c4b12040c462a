//! Whoever is woken opens the inbox, reads a sentence, and presses one button.

use serde_json::json;

use super::{Browser, Look};
use crate::{
    inbox_bulk::refused,
    world::{ACKNOWLEDGEMENTS, World, event, with},
};

/// What iTop says of a ticket that it refuses.
const MANDATORY: &str = "Service is mandatory";

#[tokio::test(flavor = "multi_thread")]
async fn what_was_mended_is_tried_again_with_all_that_have_its_cause() {
    let world = World::linked().await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    let rows = refused(&world, &["one", "two"], MANDATORY).await;
    let unlinked = with(event("other"), "/company", json!({"id": 99, "name": "Not linked"}));
    world.acknowledge(&unlinked).await.expect(202);
    browser.open(&format!("{}/inbox", world.base)).await;
    browser.says("iTop refused the ticket. Mend what it says, then retry.").await;
    browser.element(".causes a").await.click().await.unwrap();
    browser.says("All 2 with this cause").await;
    browser.until("document.querySelectorAll('tr[data-key]').length === 2").await;
    browser.element(".of-cause [data-do=retry]").await.click().await.unwrap();
    browser.says("2 are tried again.").await;
    for row in &rows {
        world.until_state(&row["id"], "created").await;
    }
    // The other one is left.
    browser.until("document.querySelectorAll('tr[data-key]').length === 1").await;
    browser.says("Waits for a link").await;
    browser.js("document.querySelector('.segments a:nth-child(3)').click()").await;
    browser.says("Ticket created").await;
    browser.until("document.querySelector('.segments a:nth-child(3)').ariaCurrent").await;
    browser.back().await;
    browser.says("Waits for a link").await;
    browser.quit().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_chosen_are_given_up_with_a_reason() {
    let world = World::linked().await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    let rows = refused(&world, &["one", "two"], MANDATORY).await;
    browser.open(&format!("{}/inbox", world.base)).await;
    let lever = ".tools [data-do=discard]";
    browser.until(&format!("document.querySelector('{lever}').disabled")).await;
    let path = format!("tr[data-key='{}'] input", rows[0]["id"]);
    browser.element(&path).await.click().await.unwrap();
    browser.element(lever).await.click().await.unwrap();
    browser.says("Discard this acknowledgement?").await;
    browser.until("document.getElementById('discard').open").await;
    let confirm = "#discard button[value=discard]";
    // Without a reason it stays open.
    browser.element(confirm).await.click().await.unwrap();
    browser.until("document.getElementById('discard').open").await;
    browser.element("#reason").await.send_keys("planned").await.unwrap();
    browser.element(confirm).await.click().await.unwrap();
    browser.says("1 was discarded.").await;
    browser.until("document.querySelectorAll('tr[data-key]').length === 1").await;
    let row = world.until_state(&rows[0]["id"], "discarded").await;
    assert_eq!(row["reason"], "planned");
    world.until_state(&rows[1]["id"], "failed").await;
    browser.quit().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_is_linked_from_its_row_and_what_waited_is_delivered() {
    let world = World::start().await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    let waits = with(event("one"), "/company", json!({"id": 99, "name": "demo"}));
    let waits = world.acknowledge(&waits).await.expect(202);
    // The organizations are read when they are first asked for.
    world.get("/api/v1/links/unlinked").await.expect(200);
    browser.open(&format!("{}/inbox", world.base)).await;
    browser.element("button[data-link]").await.click().await.unwrap();
    browser.says("Linked to “Demo”").await;
    world.until_state(&waits["id"], "created").await;
    browser.says("Nothing needs you").await;
    browser.quit().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_row_has_no_barriers_and_shows_its_request() {
    let world = World::linked().await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    let rows = refused(&world, &["one", "two"], MANDATORY).await;
    browser.open(&format!("{}/inbox/{}", world.base, rows[0]["id"])).await;
    browser.element("[data-request]").await.click().await.unwrap();
    browser.says("What iTop refused, as it was sent").await;
    browser.says("core/create").await;
    for look in [
        Look::default(),
        Look { dark: true, ..Look::default() },
        Look { width: 390, ..Look::default() },
    ] {
        browser.look(look).await;
        let barriers = browser.barriers().await;
        assert!(barriers.is_empty(), "{}", barriers.join("\n"));
        let is_wide = "document.documentElement.scrollWidth > innerWidth";
        assert_eq!(browser.js(is_wide).await, json!(false), "{}", look.width);
    }
    let retry = "[data-one] [data-do=retry]";
    browser.element(retry).await.click().await.unwrap();
    browser.says("Ticket created").await;
    let listed = format!("{ACKNOWLEDGEMENTS}/{}", rows[0]["id"]);
    assert_eq!(world.get(&listed).await.expect(200)["state"], "created");
    browser.quit().await;
    world.finish().await;
}
