//! Equipment as an operator handles it: a list is looked at and taken over, what is held is answered, what
//! failed is tried again.

use itop_sandbox::Options;
use serde_json::json;

use super::{Browser, Look};
use crate::{
    equipment::{EQUIPMENT, LOADED, OF_42, change, keeps_equipment, rows},
    world::World,
};

async fn click(browser: &Browser, css: &str) {
    browser.element(css).await.click().await.unwrap();
}

async fn held(world: &World) -> u64 {
    let companies = world.get(&format!("{EQUIPMENT}/companies?company=42")).await.expect(200);
    let holds = companies["items"][0]["holds"].as_array().unwrap();
    holds.iter().map(|hold| hold["rows"].as_u64().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_looked_at_taken_over_and_what_it_would_retire_is_answered() {
    let world = World::with(Options::default(), keeps_equipment).await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    world.put(OF_42, &rows(1..=30)).await.expect(200);
    change(&world, LOADED).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list.csv");
    // Half of them, one with another name, and a new one.
    let same: Vec<_> = (2..=15).map(|number| format!("{number};srv-{number:05}")).collect();
    let table = format!("id;name\n1;srv-renamed\n99;srv-new\n{}\n", same.join("\n"));
    std::fs::write(&file, table).unwrap();

    browser.open(&format!("{}/equipment", world.base)).await;
    browser.says("30 pieces, 30 in iTop").await;
    click(&browser, "#upload").await;
    let path = file.to_str().unwrap();
    browser.element("#upload-file").await.send_keys(path).await.unwrap();
    browser.says("Say of which company first.").await;
    browser.element("#upload-company").await.send_keys("id:42\t").await.unwrap();
    browser.says("16 rows: 1 created, 0 taken over, 1 changed, 0 back, 15 retired, 14 unchanged, 0 failed.").await;
    browser.says("Name: srv-00001 → srv-renamed").await;
    browser.says("15 of 30 Server are gone from the list").await;
    // Nothing is stored before it is taken over, and what has changed meanwhile is looked at anew.
    assert_eq!(held(&world).await, 0);
    let one = json!([{"id": 2, "name": "srv-otherwise"}]);
    world.send(reqwest::Method::PATCH, OF_42, &[], Some(one.to_string())).await.expect(200);
    click(&browser, "#upload-dialog [data-do=apply]").await;
    browser.says("It has changed meanwhile.").await;
    browser.says("Name: srv-otherwise → srv-00002").await;
    assert_eq!(held(&world).await, 0);
    click(&browser, "#upload-dialog [data-do=apply]").await;
    browser.says("The list was taken over.").await;
    browser.says("15 pieces of id:42 are gone from their list").await;
    assert_eq!(held(&world).await, 15);

    // One question, and nothing is done before it is answered.
    click(&browser, ".question [data-do=approve]").await;
    browser.says("Retire 15 pieces of id:42?").await;
    click(&browser, "#question button:not(.primary)").await;
    assert_eq!(held(&world).await, 15);
    click(&browser, ".question [data-do=approve]").await;
    click(&browser, "#question button.primary").await;
    browser.says("Done, for 15 pieces.").await;
    browser.until("!document.querySelector('.question')").await;
    assert_eq!(held(&world).await, 0);
    let retiring = world.get(&format!("{OF_42}&state=retiring&limit=1000")).await.expect(200);
    assert_eq!(retiring["items"].as_array().unwrap().len(), 15);
    browser.quit().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_tried_again_and_what_is_held_is_kept() {
    let world = World::with(Options::default(), keeps_equipment).await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    world.put(OF_42, &rows(1..=30)).await.expect(200);
    change(&world, LOADED).await;
    world.put(OF_42, &rows(1..=15)).await.expect(200);
    change(
        &world,
        "UPDATE equipment SET state = 'failed', problem_code = 'x', problem = 'iTop says no.'
         WHERE equipment_id IN ('3', '4', '5')",
    )
    .await;
    browser.open(&format!("{}/equipment?state=failed&company=id:42", world.base)).await;
    let shown = "document.querySelectorAll('main tr[data-key]').length";
    browser.until(&format!("{shown} === 3")).await;
    browser.js("window.isSame = true").await;
    // Without the mouse: to the row, which stands beside the list then.
    browser.press("j").await;
    browser.press(thirtyfour::Key::Enter).await;
    browser.until("document.querySelector('#one h2')?.textContent === 'srv-00003'").await;
    assert!(browser.address().await.contains("one=3"));
    click(&browser, "#one [data-retry]").await;
    browser.says("1 is tried again.").await;
    browser.until(&format!("{shown} === 2")).await;
    click(&browser, "[data-retry-all]").await;
    browser.says("2 are tried again.").await;
    browser.until(&format!("{shown} === 0")).await;
    assert_eq!(held(&world).await, 15);
    click(&browser, ".question [data-do=keep]").await;
    browser.says("Done, for 15 pieces.").await;
    assert_eq!(held(&world).await, 0);
    assert_eq!(browser.js("window.isSame").await, true);
    browser.quit().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_halted_goes_on_when_somebody_says_so() {
    let world = World::with(Options::default(), keeps_equipment).await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    let halt =
        "INSERT INTO equipment_halts (class, at, reason) VALUES ('Server', 5, 'it made three')";
    change(&world, halt).await;
    browser.open(&format!("{}/equipment", world.base)).await;
    browser.says("Server: nothing more is loaded into iTop").await;
    browser.says("it made three").await;
    click(&browser, "[data-resume]").await;
    browser.says("Load Server into iTop again?").await;
    click(&browser, "#question [data-of=yes]").await;
    browser.says("It goes on.").await;
    browser.until("!document.querySelector('[data-resume]')").await;
    let again = world.post("/api/v1/cmdb/resume", &json!({"class": "Server"})).await.expect(200);
    assert_eq!(again["was_halted"], false);
    browser.quit().await;
    world.finish().await;
}
