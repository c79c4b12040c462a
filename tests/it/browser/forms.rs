//! A ticket made by hand, and an examination asked for, as a person does it.

use serde_json::json;

use super::{Browser, Look};
use crate::world::World;

/// Chooses in a field, as a person would.
async fn choose(browser: &Browser, field: &str, value: &str) {
    let script = format!(
        "(() => {{ const field = document.getElementById({}); field.value = {}; \
         field.dispatchEvent(new Event('change', {{ bubbles: true }})); return true; }})()",
        json!(field),
        json!(value)
    );
    browser.js(&script).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_looked_at_and_then_made() {
    let world = World::linked().await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    browser.open(&format!("{}/new-ticket", world.base)).await;
    choose(&browser, "company", "1").await;
    browser.until("document.getElementById('team').options.length > 1").await;
    browser.until("document.getElementById('team').options[0].text.includes('Helpdesk')").await;
    // A CI is searched for as one types, and chosen with the keyboard alone.
    browser.element("#ci").await.click().await.unwrap();
    browser.press("server4").await;
    browser.until("document.querySelectorAll('#cis li').length > 0").await;
    browser.press(thirtyfour::Key::Down).await;
    browser.until("document.querySelector('#cis li[aria-selected=true]')").await;
    browser.press(thirtyfour::Key::Enter).await;
    browser.until("document.getElementById('ci').value === 'Server4'").await;
    browser.element("#control_name").await.send_keys("Fan").await.unwrap();
    browser.until("document.getElementById('control').value === 'Server4/Fan'").await;
    choose(&browser, "element_type", "equipment").await;
    choose(&browser, "criticality", "high").await;
    browser.until("document.getElementById('priority').options[0].text.includes('P1')").await;
    browser.element("#purpose").await.send_keys("The <b>fan</b> is loud").await.unwrap();
    browser.element("#new-ticket button[type=submit]").await.click().await.unwrap();
    browser.says("A new ticket:").await;
    browser.says("The <b>fan</b> is loud").await;
    browser.says("P1").await;
    assert!(world.itop.tickets().await.unwrap().is_empty(), "nothing is made before it is sent");
    browser.element("#send").await.click().await.unwrap();
    browser.says("was created.").await;
    let made = &world.itop.tickets().await.unwrap()[0];
    assert_eq!(made.title, "The <b>fan</b> is loud");
    browser.says(&made.reference).await;

    // The same control again: its open ticket is told before anything is looked at.
    browser.open(&format!("{}/new-ticket?company=42&control=Server4/Fan", world.base)).await;
    browser.says("This control has an open ticket").await;
    browser.says(&made.reference).await;
    browser.quit().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_examination_shows_what_it_finds() {
    let world = World::linked().await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    browser.open(&format!("{}/health", world.base)).await;
    browser.says("Nothing was checked since").await;
    browser.element("#check").await.click().await.unwrap();
    browser.says("Checked: 0 warnings, 0 failures").await;
    browser
        .until("document.querySelectorAll('table.findings tr[data-verdict=ok]').length > 5")
        .await;
    // What it has read is a list with its age, and can be read anew.
    let reads = world.reads();
    world.clock.advance(std::time::Duration::from_secs(6));
    world.get("/api/v1/companies").await.expect(200);
    browser.open(&format!("{}/health", world.base)).await;
    browser.element("button[data-refresh]").await.click().await.unwrap();
    world.until("a list is read anew", async || (world.reads() > reads).then_some(())).await;
    browser.quit().await;
    world.finish().await;
}
