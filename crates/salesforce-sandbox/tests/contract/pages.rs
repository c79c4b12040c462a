//! What people see of a Case, at the address where a real org has its page.

use serde_json::json;

use crate::org::{Org, Said};

async fn page(org: &Org, path: &str) -> Said {
    Said::of(org.client.get(format!("{}{path}", org.url)).send().await.unwrap()).await
}

async fn press(org: &Org, id: &str, pressed: &str) -> Said {
    let press = org.client.post(format!("{}/{id}", org.url)).body(pressed.to_owned());
    Said::of(press.send().await.unwrap()).await
}

#[tokio::test]
async fn a_case_has_a_page_and_can_be_worked_on() {
    let org = Org::new().await;
    let (account, queue) = (org.id("Account", "Empty & Sons <Ltd>"), org.id("Group", "Network"));
    let id = org
        .made(
            "Case",
            json!({"Subject": "Disk <b>C:</b>", "Description": "one\ntwo",
                             "AccountId": account, "OwnerId": queue, "Priority": "High"}),
        )
        .await;
    org.made("CaseComment", json!({"ParentId": id, "CommentBody": "Looking & finding"})).await;
    org.sandbox.forget_requests();
    let shown = page(&org, &format!("/{id}")).await;
    assert_eq!(shown.status, 200);
    for seen in [
        "00001001 — Disk &lt;b&gt;C:&lt;/b&gt;",
        "<pre>one\ntwo</pre>",
        "<dd>Empty &amp; Sons &lt;Ltd&gt;</dd>",
        "<dd>Network</dd>",
        "Looking &amp; finding",
        "<button name=accept",
        "value=\"Closed\"",
    ] {
        assert!(shown.text.contains(seen), "{seen}: {}", shown.text);
    }
    // The short id leads there, too.
    assert_eq!(page(&org, &format!("/{}", &id[..15])).await.status, 200);
    let listed = page(&org, "/").await.text;
    assert!(listed.contains(&format!("<a href=\"/{id}\">00001001</a>")), "{listed}");

    press(&org, &id, "accept=1").await;
    press(&org, &id, "status=Closed").await;
    let case = org.get(&format!("/sobjects/Case/{id}")).await.json();
    assert_eq!((&case["Status"], &case["IsClosed"]), (&json!("Closed"), &json!(true)));
    assert!(case["OwnerId"].as_str().unwrap().starts_with("005"), "{case}");
    // Nobody counts what people look at as calls of the API.
    assert_eq!(org.sandbox.requests().len(), 1);

    org.sandbox.delete("Case", &id).unwrap();
    for gone in [id.as_str(), "500xx000000aB1CAAU", account.as_str()] {
        assert_eq!(page(&org, &format!("/{gone}")).await.status, 404, "{gone}");
    }
    assert_eq!(press(&org, &id, "status=New").await.status, 404);
}
