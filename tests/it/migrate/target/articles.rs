//! Articles: drafts, public where the mapping says so, and gone again.

use itop_sandbox::{self as sandbox, Flavour};
use salesforce_sandbox::{Fault, FaultKind, Operation, Options};
use serde_json::{Value, json};

use super::Move;

const MAPPING: &str = r#"
[[classes]]
class = "FAQ"
object = "Knowledge__kav"
key = "Itop_Id__c"
publish = { category_name = ["Network"] }
[classes.fields]
Title = { from = "title" }
UrlName = { from = "title", as = "url_name" }
Summary = { from = "summary", as = "text" }
"#;

#[tokio::test]
async fn articles_are_public_where_the_mapping_says_so_and_are_taken_back() {
    let grown = sandbox::Options { flavour: Flavour::Grown, ..sandbox::Options::default() };
    let move_ = Move::between(grown, Options::default(), 0).await;
    let itop = &move_.world.itop;
    let mut categories = Vec::new();
    for name in ["Network", "In work"] {
        categories.push(itop.create("FAQCategory", json!({"name": name})).await.unwrap());
    }
    for (title, category) in [("Wi-Fi", 0), ("Cables", 0), ("Fax", 1)] {
        let article =
            json!({"title": title, "summary": "How", "category_id": categories[category]});
        itop.create("FAQ", article).await.unwrap();
    }
    move_.extracts_again().await;
    move_.map(MAPPING);
    let theirs = json!({"Title": "Theirs", "UrlName": "theirs"});
    move_.org.seed("Knowledge__kav", theirs).unwrap();
    let before = move_.org.records("Knowledge__kav");

    let lost = || Fault::new(Operation::Action, FaultKind::Cut { after: true }).times(1);
    move_.org.fail(lost());
    move_.done(&["load"]).await;
    let public = |of: &str| {
        let articles = move_.org.records("Knowledge__kav").into_iter();
        let titles = articles.filter(|article| article["PublishStatus"] == of);
        titles.map(|article| article["Title"].clone()).collect::<Vec<Value>>()
    };
    assert_eq!(public("Online"), [json!("Wi-Fi"), json!("Cables")]);
    assert_eq!(public("Draft"), [json!("Theirs"), json!("Fax")]);
    let report = move_.verified(&[]).await;
    assert_eq!((&report["is_sound"], &report["failed"]), (&json!(true), &json!([])), "{report}");

    // The same once more publishes nothing; one that somebody took out of sight differs.
    move_.org.forget_requests();
    move_.done(&["load"]).await;
    assert_eq!(move_.writes(), Vec::<String>::new());
    let articles = move_.org.records("Knowledge__kav");
    let first = articles.iter().find(|article| article["Title"] == "Wi-Fi").unwrap();
    let first = first["Id"].as_str().unwrap();
    move_.org.hide("Knowledge__kav", first, true).unwrap();
    let report = move_.verified(&[]).await;
    assert_eq!(report["differences"][0]["record"], first, "{report}");
    move_.org.hide("Knowledge__kav", first, false).unwrap();

    move_.org.fail(lost().skip(1));
    move_.done(&["rollback", "--yes"]).await;
    assert_eq!(move_.org.records("Knowledge__kav"), before);
    move_.finish().await;
}
