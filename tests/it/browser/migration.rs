//! A migration as an administrator looks on.

use itop_sandbox::Options;
use servicenav_itop_bridge::migrate::staging::Staging;

use super::{Browser, Look};
use crate::{
    console_migration::{LOADING, MORE, shows_migration, staging, write},
    world::World,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_load_is_looked_on_and_the_page_follows_it() {
    let world = World::with(Options::default(), shows_migration).await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    let path = staging(&world);
    let step = Staging::open(&path).unwrap();
    write(&path, LOADING);
    browser.open(&format!("{}/", world.base)).await;
    browser.element("nav a[href='/migration']").await.click().await.unwrap();
    browser.says("1,203 of 2,003 objects are in Salesforce").await;
    browser.until("document.querySelector('progress').value === 1203").await;
    if let Some(folder) = std::env::var_os("BRIDGE_PICTURES") {
        let file = std::path::Path::new(&folder).join("migration-under-way.png");
        std::fs::write(file, browser.picture().await).unwrap();
    }
    // Nobody does anything, and the page goes on.
    write(&path, MORE);
    world.clock.advance(std::time::Duration::from_mins(1));
    browser.says("1,403 of 2,003 objects are in Salesforce").await;
    browser.says("3 a second").await;
    drop(step);
    browser.element(".reports a").await.click().await.unwrap();
    let windows = browser.driver.windows().await.unwrap();
    browser.driver.switch_to_window(windows.last().unwrap().clone()).await.unwrap();
    browser.says("All of it").await;
    let color = "getComputedStyle(document.querySelector('p')).color";
    assert_eq!(browser.js(color).await, "rgb(0, 0, 128)");
    browser.quit().await;
    world.finish().await;
}
