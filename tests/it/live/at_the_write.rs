//! What changes in a real iTop between the reading of a list and the write.

use std::time::Duration;

use serde_json::{Value, json};
use servicenav_itop_bridge::itop::Client;

use super::{
    company::{Account, Company, Ticket},
    marked, world,
};
use crate::world::{ACKNOWLEDGEMENTS, World, with};

/// A bridge, the company whose lists it has read, and who changes that.
struct Scene {
    world: World,
    client: Client,
    admin: Account,
    company: Company,
}

impl Scene {
    async fn set(label: &str) -> Option<Self> {
        let admin = Account::admin()?;
        let (world, client) = world(|_| {}).await?;
        let company = Company::found(&admin, &world, label).await;
        company.link(&world).await;
        Some(Self { world, client, admin, company })
    }

    /// One post, which makes one ticket; gives the warnings with it.
    async fn ticket_of(&self, event: &Value) -> (Ticket, Vec<String>) {
        let row = self.world.acknowledge(event).await.expect(201);
        assert_eq!((&row["state"], &row["problem"]), (&json!("created"), &Value::Null), "{row}");
        let found = marked(&self.client, event).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(json!(found[0].id), row["ticket"]["id"]);
        let warnings = row["warnings"].as_array().unwrap();
        let warnings = warnings.iter().map(|warning| warning.as_str().unwrap().to_owned());
        (self.admin.ticket(&row["ticket"]).await, warnings.collect())
    }

    /// What a ticket refers to in which nothing was left out.
    fn whole(&self, ticket: &Ticket) -> Ticket {
        let company = &self.company;
        Ticket {
            org: company.org,
            team: company.team,
            contact: company.contact,
            service: company.service,
            element: company.element,
            cis: vec![company.ci],
            ..ticket.clone()
        }
    }

    async fn end(self) {
        self.world.finish().await;
        self.company.end(&self.admin).await;
    }
}

#[track_caller]
fn assert_told(warnings: &[String], word: &str, change: &str) {
    assert!(warnings.iter().any(|warning| warning.contains(word)), "{change}: {warnings:?}");
}

#[tokio::test]
async fn live_a_contact_that_is_gone_by_the_write_is_left_out() {
    let Some(scene) = Scene::set("contact").await else { return };
    let Scene { world, admin, company, .. } = &scene;
    let elsewhere = admin.create("Organization", json!({"name": company.called("To")})).await;
    for change in ["delete", "move", "deactivate", "rename"] {
        let contact = company.another_contact(admin, change).await;
        company.read_lists(world).await;
        match change {
            "delete" => admin.delete("Person", contact).await,
            "move" => admin.change("Person", contact, json!({"org_id": elsewhere})).await,
            "deactivate" => admin.change("Person", contact, json!({"status": "inactive"})).await,
            _ => admin.change("Person", contact, json!({"first_name": "Otherwise"})).await,
        }
        let event = with(company.event(change), "/contact", json!({"id": contact.to_string()}));
        let (ticket, warnings) = scene.ticket_of(&event).await;
        let kept = if change == "rename" { contact } else { 0 };
        assert_eq!(ticket, Ticket { contact: kept, ..scene.whole(&ticket) }, "{change}");
        if change == "rename" {
            assert!(warnings.is_empty(), "{warnings:?}");
        } else {
            assert_told(&warnings, "Contact", change);
        }
    }
    admin.delete_all(&format!("SELECT Person WHERE org_id = {elsewhere}")).await;
    admin.delete("Organization", elsewhere).await;
    scene.end().await;
}

#[tokio::test]
async fn live_a_ci_that_is_gone_by_the_write_is_left_out() {
    let Some(scene) = Scene::set("ci").await else { return };
    let Scene { world, admin, company, .. } = &scene;
    let elsewhere = admin.create("Organization", json!({"name": company.called("To")})).await;
    for change in ["delete", "move", "deactivate", "rename"] {
        let ci = company.another_ci(admin, change).await;
        company.read_lists(world).await;
        match change {
            "delete" => admin.delete("Server", ci).await,
            "move" => admin.change("Server", ci, json!({"org_id": elsewhere})).await,
            "deactivate" => admin.change("Server", ci, json!({"status": "obsolete"})).await,
            _ => admin.change("Server", ci, json!({"name": company.called("other")})).await,
        }
        let equipment = json!({"name": company.called(change), "itsm_id": ci.to_string()});
        let event = with(company.event(change), "/equipment", equipment);
        let (ticket, warnings) = scene.ticket_of(&event).await;
        let kept = if change == "rename" { vec![ci] } else { Vec::new() };
        assert_eq!(ticket, Ticket { cis: kept, ..scene.whole(&ticket) }, "{change}");
        if change == "rename" {
            assert!(warnings.is_empty(), "{warnings:?}");
        } else {
            assert_told(&warnings, "itsm_id", change);
        }
    }
    admin.delete_all(&format!("SELECT Server WHERE org_id = {elsewhere}")).await;
    admin.delete("Organization", elsewhere).await;
    scene.end().await;
}

#[tokio::test]
async fn live_a_service_that_is_gone_by_the_write_is_left_out_with_its_element() {
    let Some(scene) = Scene::set("service").await else { return };
    let Scene { world, admin, company, .. } = &scene;
    for change in ["out of the contract", "deactivate", "delete", "rename"] {
        let (service, element) = company.another_service(admin, change).await;
        company.read_lists(world).await;
        let covers = format!("SELECT lnkCustomerContractToService WHERE service_id = {service}");
        match change {
            "out of the contract" => admin.delete_all(&covers).await,
            "deactivate" => admin.change("Service", service, json!({"status": "obsolete"})).await,
            "delete" => {
                admin.delete("ServiceSubcategory", element).await;
                admin.delete_all(&covers).await;
                admin.delete("Service", service).await;
            }
            _ => admin.change("Service", service, json!({"name": company.called("other")})).await,
        }
        let event = with(company.event(change), "/service", json!({"id": service.to_string()}));
        let event = with(event, "/service_element", json!({"id": element.to_string()}));
        let (ticket, warnings) = scene.ticket_of(&event).await;
        let (service, element) = if change == "rename" { (service, element) } else { (0, 0) };
        assert_eq!(ticket, Ticket { service, element, ..scene.whole(&ticket) }, "{change}");
        if change == "rename" {
            assert!(warnings.is_empty(), "{warnings:?}");
        } else {
            assert_told(&warnings, "Service", change);
        }
    }
    scene.end().await;
}

#[tokio::test]
async fn live_a_service_element_that_is_gone_by_the_write_is_left_out() {
    let Some(scene) = Scene::set("element").await else { return };
    let Scene { world, admin, company, .. } = &scene;
    let (other, _) = company.another_service(admin, "Other").await;
    for change in ["deactivate", "of requests", "delete", "move", "rename"] {
        let fields = json!({
            "name": company.called(change), "service_id": company.service,
            "request_type": "incident", "status": "production",
        });
        let element = admin.create("ServiceSubcategory", fields).await;
        company.read_lists(world).await;
        let changed = match change {
            "deactivate" => json!({"status": "obsolete"}),
            "of requests" => json!({"request_type": "service_request"}),
            "move" => json!({"service_id": other}),
            _ => json!({"name": company.called("other")}),
        };
        match change {
            "delete" => admin.delete("ServiceSubcategory", element).await,
            _ => admin.change("ServiceSubcategory", element, changed).await,
        }
        let wanted = json!({"id": element.to_string()});
        let event = with(company.event(change), "/service_element", wanted);
        let (ticket, warnings) = scene.ticket_of(&event).await;
        let kept = if change == "rename" { element } else { 0 };
        assert_eq!(ticket, Ticket { element: kept, ..scene.whole(&ticket) }, "{change}");
        if change == "rename" {
            assert!(warnings.is_empty(), "{warnings:?}");
        } else {
            assert_told(&warnings, "Service element", change);
        }
    }
    scene.end().await;
}

#[tokio::test]
async fn live_a_team_that_no_longer_serves_falls_back_or_blocks() {
    let Some(scene) = Scene::set("team").await else { return };
    let Scene { world, admin, company, .. } = &scene;
    let changed = async |change: &str| {
        let team = company.another_team(admin, change).await;
        company.read_lists(world).await;
        let serves = format!("SELECT lnkDeliveryModelToContact WHERE contact_id = {team}");
        match change {
            "deactivate" => admin.change("Team", team, json!({"status": "inactive"})).await,
            "delete" => {
                admin.delete_all(&serves).await;
                admin.delete("Team", team).await;
            }
            "rename" => admin.change("Team", team, json!({"name": company.called("other")})).await,
            _ => admin.delete_all(&serves).await,
        }
        let wanted = json!({"id": team.to_string(), "name": company.called(change)});
        (team, with(company.event(change), "/team", wanted))
    };
    for change in ["out of the delivery model", "deactivate", "delete", "rename"] {
        let (team, event) = changed(change).await;
        let (ticket, warnings) = scene.ticket_of(&event).await;
        let taken = if change == "rename" { team } else { company.team };
        assert_eq!(ticket, Ticket { team: taken, ..scene.whole(&ticket) }, "{change}");
        if change == "rename" {
            assert!(warnings.is_empty(), "{warnings:?}");
        } else {
            assert_told(&warnings, &company.called(change), change);
        }
    }

    // With nothing to fall back to it waits.
    world.link(42, json!({"organization": {"id": company.org}})).await;
    let tickets = company.tickets(admin).await;
    let (_, event) = changed("out again").await;
    let row = world.acknowledge(&event).await.expect(202);
    assert_eq!(row["problem"]["code"], "team-not-resolved", "{row}");
    assert_eq!(company.tickets(admin).await, tickets);
    scene.end().await;
}

#[tokio::test]
async fn live_an_organization_that_is_inactive_by_the_write_blocks_until_it_is_mended() {
    let Some(scene) = Scene::set("organization").await else { return };
    let Scene { world, admin, company, .. } = &scene;
    company.read_lists(world).await;
    world.insist("/api/v1/companies").await.expect(200);
    let name = company.called("renamed");
    admin.change("Organization", company.org, json!({"name": name})).await;
    let (ticket, warnings) = scene.ticket_of(&company.event("renamed")).await;
    assert_eq!((ticket.clone(), warnings), (scene.whole(&ticket), Vec::new()));

    admin.change("Organization", company.org, json!({"status": "inactive"})).await;
    let row = world.acknowledge(&company.event("inactive")).await.expect(202);
    assert_eq!(row["problem"]["code"], "organization-missing", "{row}");
    assert_eq!(company.tickets(admin).await, 1);
    admin.change("Organization", company.org, json!({"status": "active"})).await;
    world.clock.advance(Duration::from_mins(6));
    let row = world.until_state(&row["id"], "created").await;
    assert_eq!(company.tickets(admin).await, 2);
    assert_eq!(world.get(&format!("{ACKNOWLEDGEMENTS}/{}", row["id"])).await.expect(200), row);
    scene.end().await;
}
