//! Two ticket systems in the forms: a company is linked to one of them, and a ticket looks as it would there.

use serde_json::json;

use super::{Browser, Look};
use crate::two_desks::Both;

#[tokio::test(flavor = "multi_thread")]
async fn a_company_is_linked_to_the_ticket_system_that_is_chosen() {
    let both = Both::start().await;
    let Some(browser) = Browser::start(Look::default()).await else { return };
    let world = &both.world;
    browser.open(&format!("{}/companies?new=1", world.base)).await;
    browser.until("document.querySelector('#desk')").await;
    let choose = async |field: &str, words: &str| {
        browser.element(field).await.send_keys(words).await.unwrap();
    };
    choose("#new-company", "id:8").await;
    // iTop is offered first; its organizations are none of Salesforce's.
    assert_eq!(browser.js("document.querySelector('#desk').value").await, "itop");
    choose("#desk", "Salesforce").await;
    choose("#organization", "harbour").await;
    let offered = "document.querySelectorAll('#organization-list [role=option]').length === 1";
    browser.until(offered).await;
    browser.press(thirtyfour::Key::Enter).await;
    let teams = "[...document.querySelector('#team').options].map((one) => one.text).join()";
    browser.until(&format!("{teams}.includes('Network')")).await;
    choose("#team", "Network").await;
    browser.element("#editor button.primary").await.click().await.unwrap();
    browser.says("Saved.").await;
    let link = world.get("/api/v1/links/8").await.expect(200);
    assert_eq!(
        (&link["desk"], &link["organization"]["name"], &link["team"]["name"]),
        (&json!("salesforce"), &json!("Harbour Logistics"), &json!("Network"))
    );

    // A site of it cannot be elsewhere, and the form says why.
    browser.open(&format!("{}/companies?company=id:8&site=id:1", world.base)).await;
    browser.until("document.querySelector('#desk')?.value === 'salesforce'").await;
    choose("#desk", "iTop").await;
    choose("#organization", "demo").await;
    browser.until("document.querySelector('#organization-list [aria-selected]')").await;
    browser.press(thirtyfour::Key::Enter).await;
    browser.element("#editor button.primary").await.click().await.unwrap();
    browser.says("All links of a company lead to one ticket system.").await;

    // The ticket that a form would make is shown as the Case that it would be.
    let form = "company=8&control=c&control_name=Disk&equipment=srv-ham-01";
    browser.open(&format!("{}/new-ticket?{form}", world.base)).await;
    browser.until(&format!("{teams}.includes('Systems')")).await;
    browser.element("#new-ticket button[type=submit]").await.click().await.unwrap();
    browser
        .until("document.querySelector('#preview-ticket-title').textContent.includes('Disk')")
        .await;
    let description = "document.querySelector('#preview-description').textContent";
    browser.until(&format!("{description}.includes('Equipment: srv-ham-01')")).await;
    browser.quit().await;
    both.finish().await;
}
