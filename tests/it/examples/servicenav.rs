//! ServiceNav's generic webhook, which may be able to set nothing but an address.

use serde_json::Value;

use super::{AWKWARD, IN_PATH, Place, read};
use crate::world::Answer;

const VALUES: [(&str, &str); 20] = [
    ("company.id", "42"),
    ("company.name", "Demo"),
    ("site.id", ""),
    ("site.name", ""),
    ("equipment.id", "1207"),
    ("equipment.name", "Server4"),
    ("equipment.address", "10.1.2.3"),
    ("equipment.itsm_id", "4"),
    ("control.id", "svc-48213"),
    ("control.name", "Disk C:"),
    ("control.element_type", "service"),
    ("control.state", "CRITICAL"),
    ("control.criticality", "high"),
    ("control.status_changed_at", "2026-11-21T08:14:09Z"),
    ("control.url", "https://sn.example/#c=48213&x=1+2%20"),
    ("author.login", "rdupont"),
    ("author.name", "René Dupont"),
    ("acknowledgement.comment", AWKWARD),
    ("acknowledgement.acknowledged_at", "2026-11-21T08:15:02Z"),
    ("control.output", ""),
];

/// A template with its placeholders filled.
fn filled(template: &str, output: &str, written: impl Fn(&str) -> String) -> String {
    VALUES.iter().fold(template.to_owned(), |text, (name, value)| {
        let value = if *name == "control.output" { output } else { value };
        text.replace(&format!("{{{{{name}}}}}"), &written(value))
    })
}

async fn posted(place: &Place, content_type: &str, body: String) -> Answer {
    let url = format!("{}/api/v1/acknowledgements/by/{IN_PATH}", place.world.base);
    let post = place.world.http.post(url).header("content-type", content_type).body(body);
    Answer::read(post.send().await.unwrap()).await
}

#[tokio::test]
async fn its_webhook_as_json_and_as_a_form() {
    let place = Place::start().await;
    let output = format!("{AWKWARD}\nsecond line");
    let json = filled(&read("servicenav/webhook.json"), &output, |value| {
        Value::from(value).to_string().trim_matches('"').to_owned()
    });
    // A text that ends with a quotation mark would lose it above.
    serde_json::from_str::<Value>(&json).unwrap();
    posted(&place, "application/json", json).await.expect(201);
    let row = place.created("svc-48213").await;
    let says = |row: &Value| {
        let body = &row["body"];
        [
            body["acknowledgement"]["comment"].clone(),
            body["control"]["output"].clone(),
            body["control"]["url"].clone(),
            body["acknowledgement"]["author"]["name"].clone(),
        ]
    };
    let url = "https://sn.example/#c=48213&x=1+2%20";
    let written = [AWKWARD, &output, url, "René Dupont"].map(Value::from);
    assert_eq!(says(&row), written);
    place.shows(&row, &output).await;

    // The same event as a form is the same event.
    let encoded = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let form = read("servicenav/webhook.form").trim_end().replace('\n', "&");
    let again = filled(&form, &output, encoded);
    let answer = posted(&place, "application/x-www-form-urlencoded", again.clone()).await;
    assert_eq!(answer.expect(200)["id"], row["id"]);
    let other = again.replace("svc%2D48213", "svc%2D9");
    posted(&place, "application/x-www-form-urlencoded", other).await.expect(201);
    let row = place.created("svc-9").await;
    assert_eq!(says(&row), written);
    place.shows(&row, &output).await;
    place.world.finish().await;
}
