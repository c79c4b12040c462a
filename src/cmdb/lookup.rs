//! The CIs that are there already under the names of equipment.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
};

use serde_json::{Value, json};

use super::plan::Seen;
use crate::{
    domain::{equipment::EquipmentKey, names::spelling},
    itop::{Client, ItopError, Use, oql},
    store::{Store, StoreError},
};

/// An organization, and a name as all its spellings are one.
pub(super) type Named = (String, String);

/// Names that are asked for in one request.
const AT_ONCE: usize = 500;

/// A question that was not answered.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// By iTop.
    #[error(transparent)]
    Itop(#[from] ItopError),
    /// By the database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The CIs of organizations that bear names, by both. Each is told with the equipment that it belongs to.
pub(super) async fn seen(
    client: &Client,
    store: &Store,
    wanted: &[(String, String)],
) -> Result<HashMap<Named, Vec<(Seen, Option<EquipmentKey>)>>, Unanswered> {
    let mut found = Vec::new();
    for wanted in wanted.chunks(AT_ONCE) {
        let query = format!("SELECT FunctionalCI WHERE {}", called(wanted));
        let operation = json!({
            "operation": "core/get", "class": "FunctionalCI", "key": query,
            "output_fields": "id,name,org_id,finalclass,obsolescence_flag",
        });
        let answer = client.call(Use::Read, &operation).await?;
        for (class, id, fields) in answer.objects() {
            let text = |name: &str| fields.get(name).map_or(String::new(), as_text);
            let named = (text("org_id"), spelling(&text("name")));
            let seen = Seen {
                class: class.to_owned(),
                id: id.to_string(),
                name: text("name"),
                // REST writes it as a boolean, and an older one as a text.
                is_obsolete: matches!(&*text("obsolescence_flag"), "true" | "1" | "yes"),
                owner: None,
            };
            found.push((named, seen));
        }
    }
    let ids: Vec<_> = found.iter().map(|(_, seen)| seen.id.clone()).collect();
    let owners: HashMap<_, _> = store
        .equipment_with_cis(&ids)
        .await?
        .into_iter()
        .map(|(key, class, id)| ((class, id), key))
        .collect();
    let mut by_name = HashMap::<Named, Vec<_>>::new();
    for (named, seen) in found {
        let owner = owners.get(&(seen.class.clone(), seen.id.clone())).cloned();
        by_name.entry(named).or_default().push((seen, owner));
    }
    Ok(by_name)
}

/// What was found, as a row is told of it: the owner of a CI that is its own is nobody, and of another
/// company's equipment nothing is told.
pub(super) fn told_to(key: &EquipmentKey, found: &[(Seen, Option<EquipmentKey>)]) -> Vec<Seen> {
    let owner = |owner: &EquipmentKey| {
        let of_company = owner.instance == key.instance && owner.company == key.company;
        if of_company {
            format!("the equipment with the id {}", owner.id)
        } else {
            "equipment of another company".to_owned()
        }
    };
    let told = |(seen, whose): &(Seen, Option<EquipmentKey>)| Seen {
        owner: whose.as_ref().filter(|whose| *whose != key).map(owner),
        ..seen.clone()
    };
    found.iter().map(told).collect()
}

/// Whatever bears one of the names in its organization, as a condition.
pub(super) fn called(wanted: &[(String, String)]) -> String {
    let mut orgs = BTreeMap::<&str, Vec<String>>::new();
    for (org, name) in wanted {
        orgs.entry(org).or_default().push(oql::quote(name));
    }
    let mut condition = String::new();
    for (org, names) in orgs {
        if !condition.is_empty() {
            condition.push_str(" OR ");
        }
        // Writing to a String cannot fail; keys of organizations are numbers.
        let org: u64 = org.parse().unwrap_or(0);
        let _ = write!(condition, "(org_id = {org} AND name IN ({}))", names.join(", "));
    }
    condition
}

/// A text, a number or a switch as text.
pub(super) fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
