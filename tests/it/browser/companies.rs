//! Linking companies as an administrator does it: one, many by their names, many from a file.

use serde_json::{Value, json};
use thirtyfour::Key;

use super::{Browser, Look};
use crate::world::{ACKNOWLEDGEMENTS, World, event, with};

const ROWS: &str = "[...document.querySelectorAll('main tr[data-key]')]";

/// Acknowledgements that wait for the link of a company.
async fn wait(world: &World, key: &str, company: Value) -> Value {
    let event = with(with(event(key), "/company", company), "/team", Value::Null);
    world.post(ACKNOWLEDGEMENTS, &event).await.expect(202)["id"].clone()
}

async fn click(browser: &Browser, css: &str) {
    browser.element(css).await.click().await.unwrap();
}

async fn write(browser: &Browser, css: &str, text: impl AsRef<str>) {
    browser.element(css).await.send_keys(text.as_ref()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_is_linked_and_what_waited_is_delivered() {
    let world = World::start().await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    let waiting = wait(&world, "one", json!({"id": 61, "name": "Mairie de Quimper"})).await;
    world.until_state(&waiting, "blocked").await;
    browser.open(&format!("{}/companies", world.base)).await;
    browser.says("0 linked, 1 not; 1 acknowledgement waits for a link").await;
    browser.js("window.isSame = true").await;
    // Without the mouse: to the row, into the form, through the list.
    browser.press("j").await;
    browser.press(Key::Enter).await;
    browser.until("document.querySelector('#editor [data-of=title]')?.textContent === 'Mairie de Quimper'").await;
    assert!(browser.address().await.contains("company=id%3A61"));
    browser.until("document.querySelector('#organization')").await;
    write(&browser, "#organization", "logist").await;
    browser
        .until("document.querySelectorAll('#organization-list [role=option]').length === 1")
        .await;
    browser.press(Key::Enter).await;
    browser.until("document.querySelector('#organization').value === 'ACME Logistics'").await;
    browser
        .until("[...document.querySelector('#team').options].some((o) => o.text === 'Helpdesk')")
        .await;
    write(&browser, "#team", "Helpdesk").await;
    click(&browser, "#editor button.primary").await;
    browser.says("Saved.").await;
    browser.says("1 linked, 0 not").await;
    assert_eq!(browser.js("window.isSame").await, true);
    let link = world.get("/api/v1/links/61").await.expect(200);
    assert_eq!(
        (&link["organization"]["name"], &link["team"]["name"], &link["name"]),
        (&json!("ACME Logistics"), &json!("Helpdesk"), &json!("Mairie de Quimper"))
    );
    world.until_state(&waiting, "created").await;

    click(&browser, "#editor [data-do=try]").await;
    browser.says("It would become a new ticket of ACME Logistics.").await;
    click(&browser, "#try-dialog form button").await;
    // Another one, entered by hand; a name alone is none.
    click(&browser, "main a[href*='new=1']").await;
    write(&browser, "#new-company", "Port de Lorient").await;
    click(&browser, "#editor button.primary").await;
    browser.says("Write id:… or name:….").await;
    browser.js("document.querySelector('#new-company').value = 'name:Port de Lorient'").await;
    write(&browser, "#organization", "demo").await;
    browser.until("document.querySelector('#organization-list [aria-selected]')").await;
    browser.press(Key::Enter).await;
    browser.until("document.querySelector('#organization').value === 'Demo'").await;
    click(&browser, "#editor #tickets").await;
    click(&browser, "#editor button.primary").await;
    browser
        .until(&format!("{ROWS}.some((row) => row.textContent.includes('Port de Lorient'))"))
        .await;
    let link = world.get("/api/v1/links/name:port%20de%20lorient").await.expect(200);
    assert_eq!(link["tickets"], false);
    // And gone again, after a question.
    click(&browser, "#editor [data-do=remove]").await;
    click(&browser, "#remove-dialog button.primary").await;
    browser.says("The link was removed.").await;
    world.get("/api/v1/links/name:port%20de%20lorient").await.problem(404, "not-found");
    // Search is in the address, and Back takes it away.
    write(&browser, "input[type=search]", "quimper").await;
    browser.until(&format!("location.search.includes('q=quimper') && {ROWS}.length === 1")).await;
    browser.quit().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_linked_by_preview() {
    let world = World::start().await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    for (key, name) in [("1", "ACME Retail"), ("2", "Nouvelle Entreprise"), ("3", "Nobody")] {
        let id = wait(&world, key, json!(name)).await;
        world.until_state(&id, "blocked").await;
    }
    browser.open(&format!("{}/companies", world.base)).await;
    click(&browser, "#matches").await;
    let boxes = "document.querySelectorAll('#matches-dialog input[type=checkbox]')";
    browser.until(&format!("{boxes}.length === 2")).await;
    // One is not meant.
    click(&browser, "#matches-dialog tbody tr:last-child input").await;
    click(&browser, "#matches-dialog [data-do=apply]").await;
    browser.says("1 linked, 2 not").await;
    browser
        .until("document.querySelector('#matches').textContent.includes('1 exact match…')")
        .await;
    let links = world.get("/api/v1/links").await.expect(200);
    assert_eq!(links["items"][0]["organization"]["name"], "ACME Retail");

    // A table with a bad line changes nothing; mended, it is taken over.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("links <b>.csv");
    let path = file.to_str().unwrap();
    std::fs::write(&file, "company;organization\nid:1;Demo\nid:2;<i>Nowhere</i>\n").unwrap();
    click(&browser, "#import").await;
    write(&browser, "#file", path).await;
    browser.says("Nothing can be taken over until these lines are right:").await;
    browser.says("'<i>Nowhere</i>' is no organization in iTop").await;
    let is_off = "document.querySelector('#import-dialog [data-do=apply]').disabled";
    assert_eq!(browser.js(is_off).await, true);
    std::fs::write(&file, "company;organization\nid:1;Demo\nid:2;ACME Group\n").unwrap();
    browser.js("document.querySelector('#file').value = ''").await;
    write(&browser, "#file", path).await;
    browser.says("New: 2 · changed: 0").await;
    click(&browser, "#import-dialog [data-do=apply]").await;
    browser.says("3 linked, 2 not").await;
    assert_eq!(world.get("/api/v1/links").await.expect(200)["items"].as_array().unwrap().len(), 3);
    browser.quit().await;
    world.finish().await;
}
