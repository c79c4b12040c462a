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

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_stays_and_overwrites_nobody_unasked() {
    const LINK: &str = "/api/v1/links/61";
    let world = World::start().await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    let put = async |org: &str| {
        world.put(LINK, &json!({"organization": org, "name": "Mairie $& {name}"})).await
    };
    put("Demo").await.expect(201);
    world
        .put("/api/v1/links/62", &json!({"organization": "Demo", "name": "Lycée"}))
        .await
        .expect(201);
    browser.open(&format!("{}/companies?company=id:61", world.base)).await;
    let organization = "document.querySelector('#organization')?.value";
    browser.until(&format!("{organization} === 'Demo'")).await;
    // Who has put it, and when, at once.
    let changed = "document.querySelector('[data-of=changed]').textContent";
    browser.until(&format!("/Changed by anyone, .*\\d/.test({changed})")).await;
    let name = "document.querySelector('#name').value";
    let typed = format!("{name} === 'Mairie $& {{name}} 2'");
    write(&browser, "#name", " 2").await;
    // Somebody else changes it, and the list shows that.
    put("ACME Retail").await.expect(200);
    let again = "document.dispatchEvent(new Event('visibilitychange'))";
    browser.js(again).await;
    browser.until(&format!("{ROWS}.some((row) => row.textContent.includes('ACME Retail'))")).await;
    browser.until(&typed).await;
    // Also where they look at another one meanwhile.
    click(&browser, "tr[data-key*='62'] a[data-open]").await;
    browser.until(&format!("{name} === 'Lycée'")).await;
    click(&browser, "tr[data-key*='61'] a[data-open]").await;
    browser.until(&typed).await;

    // It does not take the place of theirs unasked.
    click(&browser, "#editor button.primary").await;
    browser.until("document.querySelector('#overtaken-dialog').open").await;
    browser.says("anyone has linked it to ACME Retail").await;
    click(&browser, "#overtaken-dialog button[value='']").await;
    browser.until(&typed).await;
    click(&browser, "#editor button.primary").await;
    click(&browser, "#overtaken-dialog button[value=theirs]").await;
    browser.until(&format!("{organization} === 'ACME Retail'")).await;
    browser.until(&format!("{name} === 'Mairie $& {{name}}'")).await;

    write(&browser, "#name", " 3").await;
    put("ACME Logistics").await.expect(200);
    click(&browser, "#editor button.primary").await;
    click(&browser, "#overtaken-dialog button[value=mine]").await;
    browser.says("Saved.").await;
    let link = world.get(LINK).await.expect(200);
    assert_eq!(
        (&link["name"], &link["organization"]["name"]),
        (&json!("Mairie $& {name} 3"), &json!("ACME Retail"))
    );
    browser.quit().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_entered_by_hand_is_of_the_instance_that_is_chosen() {
    let world = World::start().await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    let page = format!("{}/companies?new=1", world.base);
    browser.open(&page).await;
    browser.element("#new-company").await;
    assert_eq!(browser.js("document.querySelector('#new-instance')").await, Value::Null);
    let of_north = with(event("one"), "/source/instance", json!("north"));
    world.post(ACKNOWLEDGEMENTS, &of_north).await.expect(202);
    browser.open(&page).await;
    let offered = "[...document.querySelector('#new-instance').options].map((o) => o.value)";
    browser.element("#new-instance").await;
    assert_eq!(browser.js(offered).await, json!(["default", "north"]));
    write(&browser, "#new-instance", "north").await;
    write(&browser, "#new-company", "id:7").await;
    write(&browser, "#organization", "retail").await;
    browser.until("document.querySelector('#organization-list [aria-selected]')").await;
    browser.press(Key::Enter).await;
    click(&browser, "#editor button.primary").await;
    browser.says("Saved.").await;
    browser.until("document.querySelector('#editor [data-of=title]').textContent === 'id:7'").await;
    world.get("/api/v1/links/7").await.problem(404, "not-found");
    let link = world.get("/api/v1/links/7?instance=north").await.expect(200);
    assert_eq!(link["organization"]["name"], "ACME Retail");
    browser.quit().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_taken_over_as_it_was_looked_at() {
    let world = World::start().await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("links.csv");
    std::fs::write(&file, "company;organization\nid:1;Demo\nid:2;ACME Group\n").unwrap();
    browser.open(&format!("{}/companies", world.base)).await;
    click(&browser, "#import").await;
    write(&browser, "#file", file.to_str().unwrap()).await;
    browser.says("New: 2 · changed: 0").await;
    // Somebody links one of them, and the file is another one by now.
    world.put("/api/v1/links/1", &json!({"organization": "ACME Retail"})).await.expect(201);
    std::fs::write(&file, "company;organization\nid:3;Demo\n").unwrap();
    click(&browser, "#import-dialog [data-do=apply]").await;
    browser.says("Meanwhile this would change something else.").await;
    browser.says("New: 1 · changed: 1").await;
    assert_eq!(
        world.get("/api/v1/links/1").await.expect(200)["organization"]["name"],
        "ACME Retail"
    );
    click(&browser, "#import-dialog [data-do=apply]").await;
    browser.until("!document.querySelector('#import-dialog').open").await;
    let links = world.get("/api/v1/links").await.expect(200);
    let of = |link: &Value| (link["company"].clone(), link["organization"]["name"].clone());
    let links: Vec<_> = links["items"].as_array().unwrap().iter().map(of).collect();
    assert_eq!(links, [(json!("id:1"), json!("Demo")), (json!("id:2"), json!("ACME Group"))]);
    browser.quit().await;
    world.finish().await;
}
