//! Signing in and out, as a person does.

use serde_json::json;
use servicenav_itop_bridge::{
    config::{Scope, Token},
    sandbox::Options,
    web::hash_token,
};
use thirtyfour::Key;

use super::{Browser, Look, pages::LOOKS};
use crate::world::{World, token};

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
