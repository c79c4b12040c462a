//! Creates of a real iTop that carry their condition, and the probe of their way.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use servicenav_itop_bridge::{
    domain::{
        keys::{ObjectId, OrgId},
        new_ticket::{Chosen, NewTicket, RefKind, Refs},
        priority::Priority,
    },
    itop::{Client, Conditions, ListQueries, MARKER_LOG, PathProbe, Terms, TicketModel, Use},
};

use super::{
    company::{Account, Company},
    marked, marker, world,
};
use crate::world::World;

fn key(id: u64) -> Chosen {
    Chosen::Key { id: ObjectId::new(id.to_string()), name: String::new() }
}

/// The ticket of an event of a company.
fn new_ticket(world: &World, company: &Company, event: &Value) -> NewTicket {
    NewTicket {
        org: OrgId::new(company.org.to_string()),
        refs: Refs {
            team: key(company.team),
            contact: Some(key(company.contact)),
            service: Some(key(company.service)),
            service_element: Some(key(company.element)),
            ci: Some(key(company.ci)),
        },
        title: "A live test".to_owned(),
        description: "<p>of the bridge</p>".to_owned(),
        priority: Priority::High,
        started_at: world.clock.now(),
        fields: BTreeMap::new(),
        marker: marker(event),
    }
}

async fn model_of(client: &Client) -> TicketModel {
    client.ticket_model(None, MARKER_LOG).await.unwrap()
}

#[tokio::test]
async fn live_a_second_create_with_the_same_marker_is_refused() {
    let Some(admin) = Account::admin() else { return };
    let Some((world, client)) = world(|_| {}).await else { return };
    let company = Company::found(&admin, &world, "twice").await;
    let event = company.event("twice");
    let ticket = new_ticket(&world, &company, &event);
    let model = model_of(&client).await;
    assert!(model.nests_queries);
    let conditions = Conditions::new(ListQueries::default(), false);
    let floor = client.newest_ticket_id(None).await.unwrap();
    let terms = |floor| Terms {
        model: &model,
        conditions: &conditions,
        marker_field: MARKER_LOG,
        floor: Some(floor),
    };
    let first = client.create(&ticket, &terms(floor)).await.unwrap();
    assert!(first.has_marker && first.dropped.is_empty(), "{first:?}");
    // A lower bound finds the first one as well.
    for floor in [floor, 0] {
        let refused = client.create(&ticket, &terms(floor)).await.unwrap_err();
        assert_eq!(refused.refused_ref(), Some(RefKind::Company), "{refused}");
        assert_eq!(marked(&client, &event).await.len(), 1);
    }
    world.finish().await;
    company.end(&admin).await;
}

#[tokio::test]
async fn live_names_in_the_write_are_found_by_itop() {
    let Some(admin) = Account::admin() else { return };
    let Some((world, client)) = world(|_| {}).await else { return };
    let company = Company::found(&admin, &world, "Œuvré été").await;
    let other =
        |what: &str| company.called(what).to_uppercase().replace('Œ', "oe").replace('É', "E");
    let refs = Refs {
        team: Chosen::Name(other("Team")),
        contact: Some(Chosen::Name(other("Jane"))),
        service: Some(Chosen::Name(other("Service"))),
        service_element: Some(Chosen::Name(other("Element"))),
        ci: Some(Chosen::Name(other("srv"))),
    };
    let model = model_of(&client).await;
    let conditions = Conditions::new(ListQueries::default(), false);
    let terms =
        Terms { model: &model, conditions: &conditions, marker_field: MARKER_LOG, floor: None };
    let email = Some(Chosen::Email(format!("JANE@ORG{}.example", company.org)));
    for (label, contact) in [("name", refs.contact.clone()), ("address", email)] {
        let event = company.event(label);
        let mut ticket = new_ticket(&world, &company, &event);
        ticket.refs = Refs { contact, ..refs.clone() };
        let created = client.create(&ticket, &terms).await.unwrap();
        assert_eq!(created.dropped, []);
        let found = admin
            .ticket(&json!({"class": created.status.key.class, "id": created.status.key.id}))
            .await;
        assert_eq!(
            (found.team, found.contact, found.service, found.element, found.cis),
            (company.team, company.contact, company.service, company.element, vec![company.ci])
        );
    }
    world.finish().await;
    company.end(&admin).await;
}

#[tokio::test]
async fn live_the_probe_of_the_way_passes_and_makes_no_ticket() {
    let Some((world, client)) = world(|_| {}).await else { return };
    let newest = client.newest_ticket_id(None).await.unwrap();
    let class = model_of(&client).await.class;
    assert_eq!(client.probe_path(class).await, Ok(PathProbe::Passed));
    let made = json!({
        "operation": "core/get", "class": class, "output_fields": "id",
        "key": format!(
            "SELECT {class} WHERE id > {newest} AND title LIKE 'Probe of the ServiceNav bridge%'"
        ),
    });
    let made = client.call(Use::Read, &made).await.unwrap();
    assert_eq!(made.objects().count(), 0);
    world.finish().await;
}
