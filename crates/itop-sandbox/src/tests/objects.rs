//! What administrators do to objects.

use super::*;

#[tokio::test]
async fn objects_are_moved_renamed_deactivated_and_deleted() {
    let sandbox = start(Options::default()).await;
    let found = async |oql: &str| sandbox.select(oql).await.unwrap();
    sandbox.move_to("Person", 601, 5003).await.unwrap();
    assert_eq!(found("SELECT Person WHERE id = 601 AND org_id = 5003").await, [601]);
    sandbox.rename("FunctionalCI", 200_001, "web02").await.unwrap();
    assert_eq!(found("SELECT Server WHERE name = 'WEB02'").await, [200_001]);
    for (class, id) in [
        ("Person", 602),
        ("Team", 501),
        ("Organization", 5003),
        ("ServiceSubcategory", 101),
        ("CustomerContract", 502),
        ("FunctionalCI", 200_002),
        ("FunctionalCI", 200_007),
    ] {
        sandbox.deactivate(class, id).await.unwrap();
        let oql = format!("SELECT {class} WHERE id = {id} AND obsolescence_flag = 1");
        assert_eq!(found(&oql).await, [id], "{class}");
    }
    // A team leaves a delivery model, and another one joins it.
    let link =
        found("SELECT lnkDeliveryModelToContact WHERE deliverymodel_id = 501 AND contact_id = 37");
    sandbox.delete("lnkDeliveryModelToContact", link.await[0]).await.unwrap();
    let fields = json!({ "deliverymodel_id": 501, "contact_id": 36 });
    sandbox.create("lnkDeliveryModelToContact", fields).await.unwrap();
    let teams = "SELECT Team AS t JOIN lnkDeliveryModelToContact AS l ON l.contact_id = t.id WHERE \
                 l.deliverymodel_id = 501";
    assert_eq!(found(teams).await, [36, 38, 39, 501]);
    sandbox.change("ServiceSubcategory", 102, json!({ "service_id": 12 })).await.unwrap();
    assert_eq!(found("SELECT ServiceSubcategory WHERE id = 102 AND service_id = 12").await, [102]);
    sandbox.delete("Service", 13).await.unwrap();
    assert!(matches!(sandbox.delete("Service", 13).await, Err(SandboxError::NoSuchObject(..))));
    let refused = sandbox.change("Person", 604, json!({ "org_id": 0 })).await;
    assert!(refused.unwrap_err().to_string().contains("Null not allowed"));
}

#[tokio::test]
async fn a_restored_backup_gives_ids_and_numbers_out_again() {
    let sandbox = start(Options::default()).await;
    for title in ["kept", "lost", "lost too"] {
        call(&sandbox, "bridge", create(title)).await;
    }
    let before = sandbox.tickets().await.unwrap();
    sandbox.move_to("UserRequest", before[0].id, 5003).await.unwrap();
    sandbox.restore(before[0].id).await.unwrap();
    call(&sandbox, "bridge", create("again")).await;
    let after = sandbox.tickets().await.unwrap();
    let names = |tickets: &[TicketSeen]| {
        tickets.iter().map(|t| (t.id, t.reference.clone())).collect::<Vec<_>>()
    };
    assert_eq!(names(&after), names(&before[..2]));
    assert_eq!((after[0].org_id, &*after[1].title), (5003, "again"));
}

#[tokio::test]
async fn objects_are_changed_over_http() {
    let sandbox = start(Options::default()).await;
    let client = reqwest::Client::new();
    let send = async |method: reqwest::Method, path: &str, body: &'static str| {
        let url = format!("{}/sandbox/{path}", sandbox.url());
        let request = client.request(method, url).header("content-type", "application/json");
        let response = request.body(body).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let (status, id) =
        send(reqwest::Method::POST, "objects/Service", r#"{"name":"New","org_id":2}"#).await;
    assert_eq!(status, 200, "{id}");
    let path = format!("objects/Service/{id}");
    assert_eq!(send(reqwest::Method::PATCH, &path, r#"{"status":"obsolete"}"#).await.0, 200);
    assert_eq!(send(reqwest::Method::PATCH, &path, r#"{"status":"nope"}"#).await.0, 409);
    assert_eq!(send(reqwest::Method::DELETE, &path, "").await.0, 200);
    assert_eq!(send(reqwest::Method::DELETE, &path, "").await.0, 404);
    assert_eq!(send(reqwest::Method::POST, "restore/100", "").await.0, 200);
    let held = r#"{"kind":"gone_at_fetch"}"#;
    assert_eq!(send(reqwest::Method::POST, "faults", held).await.0, 200);
    let held = r#"{"kind":"counter_lock","ms":5,"times":1}"#;
    assert_eq!(send(reqwest::Method::POST, "faults", held).await.0, 200);
}
