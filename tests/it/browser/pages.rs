//! Every page, for everybody: without barriers, in both schemes, on a screen and on a phone.

use serde_json::json;
use servicenav_itop_bridge::web::{Access, calls};

use super::{Browser, Look};
use crate::world::{ACKNOWLEDGEMENTS, World, event, with};

/// The ways in which pages are looked at.
pub const LOOKS: [Look; 4] = [
    Look { width: 1320, dark: false, language: "en" },
    Look { width: 1320, dark: true, language: "en" },
    Look { width: 390, dark: false, language: "en" },
    Look { width: 390, dark: true, language: "en" },
];

/// The addresses of all pages that are about no object.
fn pages() -> impl Iterator<Item = &'static str> {
    let pages =
        calls().filter(|call| call.method == "get" && matches!(call.access, Access::Page(_)));
    pages.map(|call| call.path).filter(|path| !path.contains('{'))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_has_barriers_or_scrolls_sideways() {
    let world = World::linked().await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    world.post(ACKNOWLEDGEMENTS, &event("one")).await.expect(201);
    let unlinked = with(event("two"), "/company", json!({"id": 99, "name": "Not linked"}));
    world.post(ACKNOWLEDGEMENTS, &with(unlinked, "/control/id", json!("svc-2"))).await.expect(202);
    let mut found = Vec::new();
    for page in pages() {
        browser.open(&format!("{}{page}", world.base)).await;
        for look in LOOKS {
            browser.look(look).await;
            let way = format!("{page} {} {}", look.width, if look.dark { "dark" } else { "light" });
            found.extend(browser.barriers().await.into_iter().map(|line| format!("{way}: {line}")));
            let is_wide = "document.documentElement.scrollWidth > innerWidth";
            if browser.js(is_wide).await == json!(true) {
                found.push(format!("{way}: it scrolls sideways"));
            }
            if let Some(folder) = std::env::var_os("BRIDGE_PICTURES") {
                let name = format!("{}.png", way.replace('/', "").replace(' ', "-"));
                std::fs::write(std::path::Path::new(&folder).join(name), browser.picture().await)
                    .unwrap();
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    browser.quit().await;
    world.finish().await;
}
