//! Who stands where in the org: records by what was written down of them, people by their e-mail addresses.

use std::collections::HashMap;

use serde_json::Value;

use super::plan::PlanError;
use crate::{
    migrate::{
        mapping::{People, Resolve},
        staging::ledger::Ledger,
    },
    salesforce::{Client, is_id, loading::quoted},
};

/// The class of iTop whose objects are people.
const PERSON: &str = "Person";

/// Who owns records.
#[derive(Debug, Default)]
pub(super) struct Users {
    /// Active users by their addresses, in small letters. Of an address that two have nobody.
    by_email: HashMap<String, Option<String>>,
    /// Who owns what nobody else does.
    fallback: Option<String>,
}

impl Users {
    pub(super) async fn read(client: &Client, people: &People) -> Result<Self, PlanError> {
        let mut users = Self::default();
        if people.by_email {
            let query = "SELECT Id, Email FROM User WHERE IsActive = true";
            for user in client.records(query).await? {
                let text = |name: &str| user.get(name).and_then(Value::as_str);
                let Some((id, email)) = text("Id").zip(text("Email")) else { continue };
                let known = users.by_email.entry(email.to_lowercase());
                let twice = Some(id.to_owned());
                known.and_modify(|known| *known = None).or_insert(twice);
            }
        }
        if let Some(owner) = &people.owner {
            let id = owner_id(client, owner).await?;
            users.fallback = Some(id.ok_or_else(|| PlanError::NoOwner(owner.clone()))?);
        }
        Ok(users)
    }
}

/// A queue or an active user by id, name or user name.
async fn owner_id(client: &Client, owner: &str) -> Result<Option<String>, PlanError> {
    if is_id(owner) {
        return Ok(Some(owner.to_owned()));
    }
    let queues = client.records("SELECT QueueId, Queue.Name FROM QueueSobject").await?;
    let named =
        queues.iter().find(|queue| queue.get("Queue").is_some_and(|of| of["Name"] == owner));
    if let Some(id) = named.and_then(|queue| queue.get("QueueId")?.as_str()) {
        return Ok(Some(id.to_owned()));
    }
    let name = quoted(owner);
    for query in [
        format!("SELECT Id FROM User WHERE IsActive = true AND Username = {name}"),
        format!("SELECT Id FROM User WHERE IsActive = true AND Name = {name}"),
    ] {
        let found = client.records(&query).await?;
        if let [one] = found.as_slice() {
            return Ok(one.get("Id").and_then(Value::as_str).map(ToOwned::to_owned));
        }
    }
    Ok(None)
}

/// Looks up in what is written down.
pub(super) struct Resolver<'r> {
    pub(super) ledger: &'r Ledger<'r>,
    pub(super) users: &'r Users,
}

impl Resolve for Resolver<'_> {
    fn record(&self, class: &str, id: u64) -> Option<String> {
        // A database that fails here fails at the next write of the same transaction.
        self.ledger.record(class, id).ok().flatten()
    }

    fn owner(&self, person: u64) -> Option<String> {
        let email = || self.ledger.attribute(PERSON, person, "email").ok().flatten();
        let known = (person > 0 && !self.users.by_email.is_empty()).then(email).flatten();
        let user = known.and_then(|email| self.users.by_email.get(&email.trim().to_lowercase()));
        user.cloned().flatten().or_else(|| self.users.fallback.clone())
    }
}
