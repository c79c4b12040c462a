//! The acknowledgements that a ticket is planned for.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    catalog::{Catalog, Freshness},
    domain::{
        acknowledgement::{Acknowledgement, Receipt, decode},
        company_link::CompanyLink,
        keys::{ObjectId, PartyKey},
    },
    resolve::Item,
};

/// What the sample is called where people see it.
pub(super) const TITLE: &str = "Check of the ServiceNav bridge: please close";

/// The least that an acknowledgement has; `team` only where nothing else gives one.
pub(super) fn least(link: &CompanyLink, team: Option<&ObjectId>, now: Timestamp) -> Value {
    let company = match &link.key.company {
        PartyKey::Id(id) => json!({"id": id, "name": link.name}),
        PartyKey::Name(name) => json!({ "name": name }),
    };
    json!({
        "event_id": format!("check:{now}"), "created_at": now, "company": company,
        "team": team.map(|team| json!({ "id": team })), "priority": 4,
        "control": {
            "id": "check", "element_type": "user_service", "name": "Check of the bridge",
            "criticality": "low", "state": "OK", "status_changed_at": now
        },
        "acknowledgement": {"author": "check", "comment": "Nothing is wrong."}
    })
}

/// The same with everything that an acknowledgement can have, of what this company has.
pub(super) async fn full(mut event: Value, catalog: &Catalog, link: &CompanyLink) -> Value {
    let key = |item: &dyn Item| json!({"id": item.key()});
    if let Ok(contacts) = catalog.contacts(&link.org).get(Freshness::Cached).await {
        event["contact"] = contacts.listed.items.first().map_or(Value::Null, |one| key(one));
    }
    if let Ok(services) = catalog.services(&link.org).get(Freshness::Cached).await {
        let services = &services.listed.items;
        let with_elements = services.iter().find(|service| !service.elements.is_empty());
        if let Some(service) = with_elements.or(services.first()) {
            event["service"] = key(service);
            event["service_element"] =
                service.elements.first().map_or(Value::Null, |element| key(element));
            event["contract"] =
                service.contracts.first().map_or(Value::Null, |contract| key(contract));
        }
    }
    if let Ok(cis) = catalog.cis(&link.org).get(Freshness::Cached).await
        && let Some(ci) = cis.listed.items.iter().next()
    {
        event["ci"] = key(&ci);
        event["equipment"] = json!({
            "name": ci.name, "address": "192.0.2.1", "category": "Check", "id": "check"
        });
    }
    event["site"] = json!("Check");
    event["description"] = json!("Check");
    event["control"]["output"] = json!("Check");
    event["control"]["state_type"] = json!("HARD");
    event["control"]["url"] = json!("https://servicenav.example/");
    event["acknowledgement"]["expires_at"] = event["created_at"].clone();
    event
}

/// What is created: the least, with words that say what it is.
pub(super) fn to_create(mut event: Value) -> Value {
    event["title"] = json!(TITLE);
    event["description"] = json!("Created by check --create-ticket; nothing is wrong.");
    event
}

/// As it is read from a body.
pub(super) fn read(event: &Value) -> Option<Acknowledgement> {
    decode(&event.into(), &Receipt::default()).ok()
}
