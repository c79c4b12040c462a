//! A ticket never mixes companies: nothing of what iTop wrongly accepts is ever sent.

use itop_sandbox::{Options, TicketSeen};
use serde_json::{Value, json};
use servicenav_itop_bridge::domain::ticket_text::Language;

use crate::world::{ACKNOWLEDGEMENTS, World, event, with};

/// ServiceNav's company 50 is ACME Logistics (5002), whose contracts have the services 11, 12
/// and 13; 51 is its sister ACME Retail (5003); both have the parent ACME Group (5001).
async fn linked() -> World {
    let world = World::start().await;
    world.link(50, json!({"organization": {"id": 5002}})).await;
    world.link(51, json!({"organization": {"id": 5003}, "team": "Helpdesk"})).await;
    world
}

/// An acknowledgement of ACME Logistics in which everything resolves.
fn logistics(key: &str) -> Value {
    let mut event = event(key);
    event["company"] = json!({"id": 50, "name": "ACME Logistics"});
    event["team"] = json!("On-call team");
    event["contact"] = json!({"email": "julie.martin@acme.example"});
    event["service"] = json!("Server hosting");
    event["service_element"] = json!("Disk space");
    event["equipment"] = json!({"id": 17, "name": "db01.acme.example"});
    event
}

/// What a ticket refers to: contact, service, element and CI; 0 is none.
type Sent = (i64, i64, i64, i64);

const ALL: Sent = (601, 11, 102, 200_002);

fn sent(ticket: &TicketSeen) -> Sent {
    assert!(ticket.ci_ids.len() <= 1, "{ticket:?}");
    let ci = ticket.ci_ids.first().copied().unwrap_or(0);
    (ticket.caller_id, ticket.service_id, ticket.servicesubcategory_id, ci)
}

/// Posts each case as an event of its own. The warnings must stand in the answer, the row and the
/// ticket, and hold the texts that are expected, in order; the ticket refers to what is expected.
async fn check(world: &World, cases: &[(Value, Sent, &[&str])]) {
    for (n, (changes, expected, warnings)) in cases.iter().enumerate() {
        let mut event = logistics(&format!("case-{n}"));
        for (name, value) in changes.as_object().unwrap() {
            event[name] = value.clone();
        }
        let created = world.acknowledge(&event).await.expect(201);
        let ticket = world.itop.tickets().await.unwrap().pop().unwrap();
        assert_eq!(ticket.reference, created["ticket"]["ref"]);
        assert_eq!((ticket.org_id, ticket.team_id), (5002, 501), "{changes}");
        assert_eq!(sent(&ticket), *expected, "{changes}");
        let told = created["warnings"].as_array().unwrap();
        assert_eq!(told.len(), warnings.len(), "{changes}: {told:?}");
        for (told, warning) in told.iter().zip(*warnings) {
            let told = told.as_str().unwrap();
            assert!(told.contains(warning), "{changes}: '{told}' has no '{warning}'");
            let told = told.replace('&', "&amp;");
            assert!(ticket.description.contains(&told), "{told}: {}", ticket.description);
        }
        let row = world.get(created["links"]["self"].as_str().unwrap()).await.expect(200);
        assert_eq!(row["warnings"], created["warnings"]);
    }
}

#[tokio::test]
async fn a_contact_is_an_active_person_of_the_company() {
    let world = linked().await;
    let none = (0, 11, 102, 200_002);
    let foreign = |shown: &str| {
        format!(
            "Contact {shown} is no active contact of this company in iTop; the ticket has no contact."
        )
    };
    check(
        &world,
        &[
            (json!({}), ALL, &[]),
            (json!({"contact": {"id": 601}}), ALL, &[]),
            (json!({"contact": "julie MARTIN"}), ALL, &[]),
            (json!({"contact": "Júlie\u{a0} martin"}), ALL, &[]),
            (json!({"contact": {"email": "Julie.Martin@ACME.example"}}), ALL, &[]),
            // An accent makes another mailbox.
            (
                json!({"contact": {"email": "júlie.martin@acme.example"}}),
                none,
                &[&foreign("'júlie.martin@acme.example'")],
            ),
            // Of the hospital, of the sister and of the parent.
            (json!({"contact": {"id": 608}}), none, &[&foreign("with key 608")]),
            (
                json!({"contact": {"email": "lucas.petit@acme.example"}}),
                none,
                &[&foreign("'lucas.petit@acme.example'")],
            ),
            (json!({"contact": "Sofia Rossi"}), none, &[&foreign("'Sofia Rossi'")]),
            // Left the company.
            (json!({"contact": {"id": "603"}}), none, &[&foreign("with key 603")]),
            (json!({"contact": "Paul Ancien"}), none, &[&foreign("'Paul Ancien'")]),
            (
                json!({"contact": {"email": "paul.ancien@acme.example"}}),
                none,
                &[&foreign("'paul.ancien@acme.example'")],
            ),
            // A team is no person.
            (json!({"contact": {"id": 37}}), none, &[&foreign("with key 37")]),
            (
                json!({"contact": "Jean Dupont"}),
                none,
                &["'Jean Dupont' is ambiguous: 'Jean Dupont' (key 604), 'Jean Dupont' (key 605)"],
            ),
            (json!({"contact": "jean dupônt"}), none, &["'jean dupônt' is ambiguous"]),
            // The e-mail address tells the two apart.
            (
                json!({"contact": {"name": "Jean Dupont", "email": "jean.dupont2@acme.example"}}),
                (605, 11, 102, 200_002),
                &[],
            ),
        ],
    )
    .await;
    world.finish().await;
}

#[tokio::test]
async fn services_and_elements_are_those_of_the_companys_contracts() {
    let world = linked().await;
    let neither = (601, 0, 0, 200_002);
    let service = (601, 11, 0, 200_002);
    let no_service = "is in no contract of this company in iTop; the ticket has none.";
    let with_it = "Service element 'Disk space' was left out with its service.";
    let no_element = "is no element of service 'Server hosting' that such a ticket can have; the ticket has none.";
    check(
        &world,
        &[
            (json!({"service": {"id": 11}, "service_element": {"id": 102}}), ALL, &[]),
            // Of another company's contract.
            (json!({"service": "Software"}), neither, &[no_service, with_it]),
            (json!({"service": {"id": 2}}), neither, &["Service with key 2 is in no", with_it]),
            // Obsolete, and in a contract of the company.
            (json!({"service": "Fax service"}), neither, &[no_service, with_it]),
            (json!({"service": {"id": 14}, "service_element": {"id": 110}}), neither,
             &[no_service, "Service element with key 110 was left out with its service."]),
            // Of another service, obsolete, or for service requests.
            (json!({"service_element": "Link down"}), service, &[no_element]),
            (json!({"service_element": {"id": 104}}), service, &[no_element]),
            (json!({"service_element": {"id": 109}}), service, &[no_element]),
            (json!({"service_element": "New virtual machine"}), service, &[no_element]),
            // Without a service the element tells it, within the contracts.
            (json!({"service": null, "service_element": "Link down"}), (601, 12, 104, 200_002), &[]),
            (json!({"service": null, "service_element": "Repair"}), neither,
             &["Service element 'Repair' is in no service of this company's contracts"]),
            (json!({"service": null, "service_element": {"id": 110}}), neither,
             &["Service element with key 110 is in no service"]),
            // A contract narrows the services; one of another company does not.
            (json!({"contract": "ACME Logistics 2026"}), ALL, &[]),
            (json!({"contract": {"id": 503}}), neither,
             &["is not in the named contract of this company in iTop", with_it]),
            (json!({"contract": {"id": 503}, "service": "Network", "service_element": "Link down"}),
             (601, 12, 104, 200_002), &[]),
            (json!({"contract": "ACME Retail 2026"}), ALL,
             &["Contract 'ACME Retail 2026' is no contract of this company in iTop; it does not \
                narrow the services."]),
        ],
    )
    .await;
    world.finish().await;
}

#[tokio::test]
async fn an_element_name_that_stands_in_several_services_is_ambiguous() {
    let world = World::linked().await;
    let mut event = with(event("element"), "/service", json!(null));
    event["service_element"] = json!("Troubleshooting");
    let created = world.acknowledge(&event).await.expect(201);
    assert_eq!(
        created["warnings"],
        json!(["Service element 'Troubleshooting' stands in several services ('Computers \
                and peripherals' (key 1), 'Software' (key 2)), and none was named; the ticket has none."])
    );
    let ticket = world.itop.tickets().await.unwrap().remove(0);
    assert_eq!((ticket.service_id, ticket.servicesubcategory_id), (0, 0));
    world.finish().await;
}

#[tokio::test]
async fn a_ci_is_an_active_one_of_the_company() {
    let world = linked().await;
    let none = (601, 11, 102, 0);
    let web = (601, 11, 102, 200_001);
    let no_ci = "The ticket has no CI.";
    let equipment = |value: Value| json!({"equipment": value});
    check(
        &world,
        &[
            // The sister has a server of the same name.
            (equipment(json!({"name": "web01.acme.example"})), web, &[]),
            (equipment(json!({"name": "unheard-of", "itsm_id": "200001"})), web, &[]),
            (json!({"ci": {"id": 200_001}}), web, &[]),
            // What an inventory tool wrote is the sister's: the name decides, within the company.
            (equipment(json!({"name": "web01.acme.example", "itsm_id": 200_008})), web,
             &["The itsm_id 200008 of equipment 'web01.acme.example' is no active CI of this company"]),
            (equipment(json!({"name": "unheard-of", "itsm_id": "200010"})), none,
             &["The itsm_id 200010 of equipment 'unheard-of' is no active CI", "Equipment 'unheard-of'",
               no_ci]),
            (equipment(json!({"name": "srv-imagerie"})), none,
             &["Equipment 'srv-imagerie' is no active CI of this company in iTop.", no_ci]),
            (json!({"ci": {"id": 200_009}}), ALL,
             &["CI with key 200009 is no active CI of this company in iTop."]),
            (json!({"ci": "till-12", "equipment": {"name": "till-12"}}), none,
             &["CI 'till-12' is no active CI", "Equipment 'till-12' is no active CI", no_ci]),
            // ServiceNav's own number is no key of iTop, whatever iTop has under it.
            (equipment(json!({"id": 200_001, "name": "unheard-of"})), none,
             &["Equipment 'unheard-of' is no active CI", no_ci]),
            // Obsolete.
            (equipment(json!({"name": "old-nas"})), none, &["Equipment 'old-nas' is no active CI", no_ci]),
            (equipment(json!({"name": "db01.acme.example", "itsm_id": 200_006})), ALL,
             &["The itsm_id 200006 of equipment 'db01.acme.example' is no active CI"]),
            (equipment(json!({"name": "printsrv"})), none,
             &["Equipment 'printsrv' is the name of several CIs of this company in iTop: 'printsrv' \
                (key 200004), 'printsrv' (key 200005).", no_ci]),
            (equipment(json!({"name": "printsrv", "itsm_id": 200_005})), (601, 11, 102, 200_005), &[]),
        ],
    )
    .await;
    world.finish().await;
}

#[tokio::test]
async fn a_team_serves_the_company_or_the_acknowledgement_is_blocked() {
    let world = linked().await;
    // A team that no longer exists was left in the delivery model.
    let left_over = json!({"deliverymodel_id": 501, "contact_id": 502});
    world.itop_creates("lnkDeliveryModelToContact", left_over).await;
    // Outside the delivery model, or inactive; and the link of company 50 has no default.
    let teams =
        [json!("Hardware support"), json!({"id": 36}), json!("Former team"), json!({"id": 502})];
    for (n, team) in teams.iter().enumerate() {
        let event = with(logistics(&format!("blocked-{n}")), "/team", team.clone());
        let blocked = world.acknowledge(&event).await.expect(202);
        assert_eq!(blocked["state"], "blocked", "{team}");
        assert_eq!(blocked["problem"]["code"], "team-not-resolved");
        let warning = blocked["warnings"][0].as_str().unwrap();
        assert!(
            warning.ends_with("does not serve this company in iTop; it was not used."),
            "{warning}"
        );
    }
    assert_eq!(world.itop.tickets().await.unwrap().len(), 0);

    // The sister's link has a default; there the network team is the one outside.
    for (n, team) in [json!("On-call team"), json!({"id": 38})].iter().enumerate() {
        let mut event = with(logistics(&format!("default-{n}")), "/team", team.clone());
        event["company"] = json!({"id": 51});
        event["equipment"] = json!({"name": "till-12"});
        event["contact"] = json!({"id": 607});
        event["service"] = json!("Network");
        event["service_element"] = json!("Link down");
        let created = world.acknowledge(&event).await.expect(201);
        let warnings = created["warnings"].as_array().unwrap();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        let ticket = world.itop.tickets().await.unwrap().pop().unwrap();
        assert_eq!((ticket.org_id, ticket.team_id), (5003, 37));
        assert_eq!(sent(&ticket), (607, 12, 104, 200_009));
        assert!(ticket.description.contains(warnings[0].as_str().unwrap()));
    }
    world.finish().await;
}

#[tokio::test]
async fn warnings_speak_the_language_of_the_tickets() {
    let world = World::with(Options::default(), |config| {
        config.ticket.language = Language::Fr;
        // A key, and no name that has changed.
        config.ticket.team = Some("501".to_owned());
    })
    .await;
    world.link(50, json!({"organization": {"id": 5002}})).await;
    let mut event = with(logistics("french"), "/contact", json!("Lucas Petit"));
    event["team"] = json!(null);
    let created = world.acknowledge(&event).await.expect(201);
    let warning = "Le contact «\u{a0}Lucas Petit\u{a0}» n'est pas un contact actif de cette société \
                   dans iTop\u{a0}; le ticket n'a pas de contact.";
    assert_eq!(created["warnings"], json!([warning]));
    let ticket = world.itop.tickets().await.unwrap().remove(0);
    assert_eq!(ticket.team_id, 501);
    assert!(ticket.description.contains(warning), "{}", ticket.description);
    world.finish().await;
}

#[tokio::test]
async fn a_site_with_a_link_of_its_own_has_its_own_contacts_and_cis() {
    let world = linked().await;
    let site = json!({"organization": "ACME Retail", "team": "Helpdesk"});
    let put = world.put("/api/v1/links/50/sites/7", &site).await;
    assert_eq!(put.status, 201, "{}", put.text);
    let mut event = with(logistics("site"), "/site", json!({"id": 7, "name": "Shop"}));
    event["equipment"] = json!({"name": "web01.acme.example"});
    let created = world.acknowledge(&event).await.expect(201);
    let ticket = world.itop.tickets().await.unwrap().pop().unwrap();
    assert_eq!((ticket.org_id, ticket.team_id), (5003, 37));
    // Julie and the server hosting are of ACME Logistics; web01 is the shop's own.
    assert_eq!(sent(&ticket), (0, 0, 0, 200_008));
    assert_eq!(created["warnings"].as_array().unwrap().len(), 4, "{created}");
    // Another site inherits the company's link.
    let other = with(logistics("other-site"), "/site", json!("Depot"));
    assert_eq!(world.acknowledge(&other).await.expect(201)["warnings"], json!([]));
    assert_eq!(sent(world.itop.tickets().await.unwrap().last().unwrap()), ALL);
    world.finish().await;
}

#[tokio::test]
async fn the_id_of_a_company_beats_its_name() {
    let world = World::start().await;
    let link = json!({"organization": {"id": 5002}, "name": "ACME Logistics"});
    world.link(50, link).await;
    let renamed = with(logistics("renamed"), "/company/name", json!("ACME Retail"));
    let created = world.acknowledge(&renamed).await.expect(201);
    assert_eq!(
        created["warnings"],
        json!(["Company 50 is called 'ACME Retail' by ServiceNav and 'ACME Logistics' in its \
                link; the id decides."])
    );
    assert_eq!(world.itop.tickets().await.unwrap()[0].org_id, 5002);
    world.finish().await;
}

#[tokio::test]
async fn an_open_ticket_of_another_organization_is_not_reused() {
    let world = linked().await;
    let first = world.acknowledge(&logistics("first")).await.expect(201);
    // The company is linked to another organization; its old ticket stays where it is.
    world.link(50, json!({"organization": {"id": 5003}, "team": "Helpdesk"})).await;
    let again = with(logistics("second"), "/control/id", json!("control-first"));
    let second = world.acknowledge(&again).await.expect(201);
    assert_ne!(second["ticket"]["ref"], first["ticket"]["ref"]);
    let tickets = world.itop.tickets().await.unwrap();
    assert_eq!(tickets.iter().map(|ticket| ticket.org_id).collect::<Vec<_>>(), [5002, 5003]);
    assert_eq!(tickets[0].private_log.len(), 1);
    assert_eq!(sent(&tickets[1]), (0, 0, 0, 0));

    // The same for a ticket that is named.
    let mut named =
        with(logistics("third"), "/ticket/existing_ref", first["ticket"]["ref"].clone());
    let failed = world.acknowledge(&named).await.expect(202);
    assert_eq!(failed["problem"]["code"], "ticket-not-found");
    named["event_id"] = json!("event-fourth");
    named["ticket"]["existing_ref"] = second["ticket"]["ref"].clone();
    assert_eq!(world.acknowledge(&named).await.expect(200)["state"], "reused");
    world.finish().await;
}

#[tokio::test]
async fn an_organization_that_has_gone_blocks() {
    let world = linked().await;
    world.itop_changes("Organization", 5002, json!({"status": "inactive"})).await;
    world.clock.advance(world.config.catalog.ttl.duration());
    let blocked = world.acknowledge(&logistics("gone")).await.expect(202);
    assert_eq!(blocked["state"], "blocked");
    assert_eq!(blocked["problem"]["code"], "organization-missing");
    assert_eq!(
        blocked["problem"]["message"],
        "Company 'ACME Logistics' is linked to organization 'ACME Logistics' (key 5002), which is \
         no longer active in iTop (or no longer one of catalog.queries.companies): activate it \
         there, or link the company to another one."
    );
    assert_eq!(world.itop.tickets().await.unwrap().len(), 0);
    // One that was deleted is another matter.
    world.itop.delete("Organization", 5002).await.unwrap();
    world.clock.advance(std::time::Duration::from_mins(6));
    world
        .until("iTop no longer shows it", async || {
            let row = world.get(&format!("{ACKNOWLEDGEMENTS}/{}", blocked["id"])).await.body;
            let sentence = row["problem"]["message"].as_str().unwrap().to_owned();
            sentence.contains("which iTop no longer shows").then_some(())
        })
        .await;
    world.finish().await;
}
