//! The lists from which a ticket is filled in, as every desk has them.

use serde::{Deserialize, Deserializer};

use super::{
    Client, Error,
    ids::is_id,
    settings::{CiObject, ServiceObject},
    soql,
};
use crate::{
    desk::{Ci, CiList, Organization, Person, Service, Team},
    domain::keys::{ObjectId, OrgId},
    outgoing::Use,
};

/// A record of any list; what a list does not ask for is empty.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    id: String,
    #[serde(default, deserialize_with = "text")]
    name: String,
    #[serde(default, deserialize_with = "text")]
    account_number: String,
    parent_id: Option<String>,
    parent: Option<Name>,
    #[serde(default, deserialize_with = "text")]
    email: String,
    #[serde(default, deserialize_with = "text")]
    phone: String,
    #[serde(default, deserialize_with = "text")]
    description: String,
    #[serde(rename = "CI_Type__c", default, deserialize_with = "text")]
    ci_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Name {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Queue {
    queue_id: String,
    queue: Option<QueueName>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QueueName {
    #[serde(default, deserialize_with = "text")]
    name: String,
    #[serde(default, deserialize_with = "text")]
    email: String,
}

/// A text; empty for null.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Client {
    /// The Accounts that are companies.
    pub async fn companies(&self) -> Result<Vec<Organization>, Error> {
        let condition = self.line().settings.mapping.companies.clone();
        let accounts: Vec<Record> = self.list(&companies(condition.as_deref())).await?;
        Ok(accounts
            .into_iter()
            .map(|account| Organization {
                id: OrgId::new(account.id),
                name: account.name,
                code: account.account_number,
                parent: account.parent_id.map(OrgId::new),
                parent_name: account.parent.and_then(|parent| parent.name),
            })
            .collect())
    }

    /// Whether the user of the bridge sees an Account.
    pub async fn company_exists(&self, org: &OrgId) -> Result<bool, Error> {
        if !is_id(org.as_str()) {
            return Ok(false);
        }
        let query = format!("SELECT Id FROM Account WHERE Id = {}", soql::quote(org.as_str()));
        let found: Vec<Record> = self.query(Use::Read, &query).await?;
        Ok(!found.is_empty())
    }

    /// The queues that take Cases, of whichever company.
    pub async fn teams(&self) -> Result<Vec<Team>, Error> {
        let queues: Vec<Queue> = self.list(QUEUES).await?;
        Ok(queues
            .into_iter()
            .filter_map(|Queue { queue_id, queue }| {
                let QueueName { name, email } = queue?;
                Some(Team { id: ObjectId::new(queue_id), name, email })
            })
            .collect())
    }

    /// The contacts of an Account.
    pub async fn contacts(&self, org: &OrgId) -> Result<Vec<Person>, Error> {
        if !is_id(org.as_str()) {
            return Ok(Vec::new());
        }
        let query = format!(
            "SELECT Id, Name, Email, Phone FROM Contact WHERE AccountId = {} ORDER BY Name, Id",
            soql::quote(org.as_str())
        );
        let contacts: Vec<Record> = self.list(&query).await?;
        let person = |Record { id, name, email, phone, .. }: Record| Person {
            id: ObjectId::new(id),
            name,
            email,
            phone,
        };
        Ok(contacts.into_iter().map(person).collect())
    }

    /// The services of an Account: its active entitlements, or the active products, which are those of
    /// all. None has elements.
    pub async fn services(&self, org: &OrgId) -> Result<Vec<Service>, Error> {
        let service = self.line().settings.mapping.service;
        let Some(query) = services(service, org) else { return Ok(Vec::new()) };
        let services: Vec<Record> = self.list(&query).await?;
        let service = |Record { id, name, description, .. }: Record| Service {
            id: ObjectId::new(id),
            name,
            description,
            contracts: Vec::new(),
            elements: Vec::new(),
        };
        Ok(services.into_iter().map(service).collect())
    }

    /// The CIs of an Account: its assets, or its records of the bridge's own object.
    pub async fn cis(&self, org: &OrgId) -> Result<CiList, Error> {
        let mapping = self.line().settings.mapping.clone();
        let Some((query, class)) = cis(mapping.ci, &mapping.ci_account_field, org, "") else {
            return Ok(CiList::default());
        };
        let records: Vec<Record> = self.list(&query).await?;
        Ok(listed(&records, class))
    }

    /// Those of them that have one of the ids or bear one of the names: a short question, where the whole
    /// list may have many pages. A delivery waits for it.
    pub async fn cis_called(
        &self,
        org: &OrgId,
        ids: &[ObjectId],
        names: &[&str],
    ) -> Result<CiList, Error> {
        let mapping = self.line().settings.mapping.clone();
        let ids = ids.iter().map(ObjectId::as_str).filter(|id| is_id(id));
        let ids = ids.map(|id| format!("Id = {}", soql::quote(id)));
        let names = names.iter().map(|name| format!("Name = {}", soql::quote(name)));
        let ways: Vec<_> = ids.chain(names).collect();
        let mut records = Vec::new();
        let mut class = "";
        for ways in ways.chunks(WAYS_AT_ONCE) {
            let called = format!(" AND ({})", ways.join(" OR "));
            let query = cis(mapping.ci, &mapping.ci_account_field, org, &called);
            let Some((query, of)) = query else { break };
            class = of;
            records.extend(self.query::<Record>(Use::Read, &query).await?);
        }
        Ok(listed(&records, class))
    }

    async fn list<T: serde::de::DeserializeOwned>(&self, query: &str) -> Result<Vec<T>, Error> {
        self.hold_back().await;
        self.query(Use::List, query).await
    }
}

/// How many CIs are asked for by id or name in one question: an address has 16 kB at most.
const WAYS_AT_ONCE: usize = 20;

/// The records as a list; those without a type of their own are of `class`.
fn listed(records: &[Record], class: &str) -> CiList {
    let mut cis = CiList::default();
    for Record { id, name, ci_type, .. } in records {
        let class = if ci_type.is_empty() { class } else { ci_type };
        cis.push(Ci { id, name, class });
    }
    cis.shrink_to_fit();
    cis
}

const QUEUES: &str = "SELECT QueueId, Queue.Name, Queue.Email FROM QueueSobject \
     WHERE SobjectType = 'Case' ORDER BY Queue.Name";

fn companies(condition: Option<&str>) -> String {
    let condition = condition.map(|condition| format!(" WHERE ({condition})")).unwrap_or_default();
    format!(
        "SELECT Id, Name, AccountNumber, ParentId, Parent.Name FROM Account{condition} \
         ORDER BY Name, Id"
    )
}

fn services(service: ServiceObject, org: &OrgId) -> Option<String> {
    match service {
        ServiceObject::Entitlement => is_id(org.as_str()).then(|| {
            let org = soql::quote(org.as_str());
            format!(
                "SELECT Id, Name FROM Entitlement WHERE AccountId = {org} AND Status = 'Active' \
                 ORDER BY Name, Id"
            )
        }),
        ServiceObject::Product => Some(
            "SELECT Id, Name, Description FROM Product2 WHERE IsActive = true ORDER BY Name, Id"
                .to_owned(),
        ),
        ServiceObject::None => None,
    }
}

/// `more` narrows it.
fn cis(ci: CiObject, account: &str, org: &OrgId, more: &str) -> Option<(String, &'static str)> {
    let quoted = is_id(org.as_str()).then(|| soql::quote(org.as_str()))?;
    match ci {
        CiObject::Ci => Some((
            format!(
                "SELECT Id, Name, CI_Type__c FROM CI__c WHERE {account} = {quoted}{more} ORDER BY Name, Id"
            ),
            "CI__c",
        )),
        CiObject::Asset => Some((
            format!(
                "SELECT Id, Name FROM Asset WHERE AccountId = {quoted}{more} ORDER BY Name, Id"
            ),
            "Asset",
        )),
        CiObject::None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_of_an_account_asks_for_that_account_alone() {
        let org = OrgId::new("001D000000IRFmaIAH".to_owned());
        let entitlements = services(ServiceObject::Entitlement, &org).unwrap();
        assert!(
            entitlements.contains("WHERE AccountId = '001D000000IRFmaIAH' AND"),
            "{entitlements}"
        );
        let (assets, class) = cis(CiObject::Asset, "Account__c", &org, "").unwrap();
        assert!(
            assets.contains("AccountId = '001D000000IRFmaIAH'") && class == "Asset",
            "{assets}"
        );
        let (own, _) = cis(CiObject::Ci, "Account__c", &org, "").unwrap();
        assert!(own.contains("Account__c = '001D000000IRFmaIAH'"), "{own}");
        let foreign = OrgId::new("1' OR Name != '".to_owned());
        assert_eq!(services(ServiceObject::Entitlement, &foreign), None);
        assert_eq!(cis(CiObject::Asset, "Account__c", &foreign, ""), None);
        assert!(companies(Some("Type = 'Customer'")).contains("WHERE (Type = 'Customer') ORDER"));
    }
}
