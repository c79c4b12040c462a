//! Reading the lists from which a ticket is filled in.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Answer, Client, ItopError, Use,
    answer::Objects,
    conditions::bound,
    keys::{is_key, number},
    oql,
};
use crate::{
    desk::{Ci, CiList, Contract, Element, Organization, Person, Service, Team},
    domain::keys::{ObjectId, OrgId},
};

/// The smallest page before a broken answer counts as a failure.
const SMALLEST_PAGE: usize = 500;

/// The OQL of each list; `:org` stands for the key of the organization. Defaults: ITOP.md,
/// "Valid choices".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListQueries {
    /// All companies.
    pub companies: String,
    /// The contacts of a company.
    pub contacts: String,
    /// All teams.
    pub all_teams: String,
    /// The teams that serve a company.
    pub teams: String,
    /// The services that a company may use.
    pub services: String,
    /// The service elements of those services.
    pub service_elements: String,
    /// Which service stands in which contract of a company (`lnkCustomerContractToService`).
    pub contract_services: String,
    /// The CIs of a company.
    pub cis: String,
}

impl Default for ListQueries {
    fn default() -> Self {
        let own = |text: &str| text.to_owned();
        Self {
            companies: own("SELECT Organization WHERE status = 'active'"),
            contacts: own("SELECT Person WHERE org_id = :org AND status = 'active'"),
            all_teams: own("SELECT Team WHERE status = 'active'"),
            teams: own("SELECT Team AS t \
                 JOIN lnkDeliveryModelToContact AS l ON l.contact_id = t.id \
                 JOIN DeliveryModel AS dm ON l.deliverymodel_id = dm.id \
                 JOIN Organization AS o ON o.deliverymodel_id = dm.id \
                 WHERE o.id = :org AND t.status = 'active'"),
            services: own("SELECT Service AS s \
                 JOIN lnkCustomerContractToService AS l ON l.service_id = s.id \
                 JOIN CustomerContract AS cc ON l.customercontract_id = cc.id \
                 WHERE cc.org_id = :org"),
            service_elements: own("SELECT ServiceSubcategory AS sub \
                 JOIN Service AS s ON sub.service_id = s.id \
                 JOIN lnkCustomerContractToService AS l ON l.service_id = s.id \
                 JOIN CustomerContract AS cc ON l.customercontract_id = cc.id \
                 WHERE cc.org_id = :org"),
            contract_services: own("SELECT lnkCustomerContractToService AS l \
                 JOIN CustomerContract AS cc ON l.customercontract_id = cc.id \
                 WHERE cc.org_id = :org"),
            cis: own("SELECT FunctionalCI WHERE org_id = :org AND obsolescence_flag = 0"),
        }
    }
}

type Fields = Map<String, Value>;

impl Client {
    /// All companies that the account sees.
    pub async fn organizations(&self, query: &str) -> Result<Vec<Organization>, ItopError> {
        let fields = "id,name,code,parent_id,parent_name";
        let answer = self.select("Organization", query, fields).await?;
        let mut seen = HashSet::new();
        Ok(answer
            .objects()
            .filter(|(_, id, _)| seen.insert(*id))
            .map(|(_, id, fields)| Organization {
                id: OrgId::new(id.to_string()),
                name: text(fields, "name"),
                code: text(fields, "code"),
                parent: key(fields, "parent_id").map(OrgId::new),
                parent_name: some_text(fields, "parent_name"),
            })
            .collect())
    }

    /// Whether the account sees a company, active or not.
    pub async fn organization_exists(&self, org: &OrgId) -> Result<bool, ItopError> {
        let query = format!("SELECT Organization WHERE id = {}", number(org.as_str()));
        Ok(self.select("Organization", &query, "id").await?.objects().next().is_some())
    }

    /// The active contacts of a company.
    pub async fn contacts(&self, query: &str, org: &OrgId) -> Result<Vec<Person>, ItopError> {
        let fields = "id,friendlyname,email,phone";
        let answer = self.select("Person", &bound(query, org), fields).await?;
        Ok(distinct(&answer, |id, fields| {
            Some(Person {
                id,
                name: text(fields, "friendlyname"),
                email: text(fields, "email"),
                phone: text(fields, "phone"),
            })
        }))
    }

    /// All teams, or those of a company.
    pub async fn teams(&self, query: &str, org: Option<&OrgId>) -> Result<Vec<Team>, ItopError> {
        let query = org.map_or_else(|| query.to_owned(), |org| bound(query, org));
        let answer = self.select("Team", &query, "id,name,email").await?;
        Ok(distinct(&answer, |id, fields| {
            Some(Team { id, name: text(fields, "name"), email: text(fields, "email") })
        }))
    }

    /// The services of a company with their elements. Obsolete services and elements are left
    /// out, and so are elements of another request type than `request_type`.
    pub async fn services(
        &self,
        queries: &ListQueries,
        org: &OrgId,
        request_type: &str,
    ) -> Result<Vec<Service>, ItopError> {
        let services = bound(&queries.services, org);
        let elements = bound(&queries.service_elements, org);
        let links = bound(&queries.contract_services, org);
        let (services, elements, links) = tokio::try_join!(
            self.select("Service", &services, "id,name,status,description"),
            self.select("ServiceSubcategory", &elements, "id,name,status,service_id,request_type"),
            self.select(
                "lnkCustomerContractToService",
                &links,
                "id,customercontract_id,customercontract_name,service_id"
            ),
        )?;

        let service = |fields| key(fields, "service_id").map(ObjectId::new).unwrap_or_default();
        let mut elements_of = BTreeMap::<ObjectId, Vec<Element>>::new();
        let mut seen = HashSet::new();
        for (_, id, fields) in elements.objects() {
            let request = text(fields, "request_type");
            if !seen.insert(id) || is_obsolete(fields) || request != request_type {
                continue;
            }
            let id = ObjectId::new(id.to_string());
            let element = Element { id, name: text(fields, "name"), request_type: request };
            elements_of.entry(service(fields)).or_default().push(element);
        }
        let mut contracts_of = BTreeMap::<ObjectId, Vec<Contract>>::new();
        for (_, _, fields) in links.objects() {
            let Some(id) = key(fields, "customercontract_id").map(ObjectId::new) else { continue };
            let contracts = contracts_of.entry(service(fields)).or_default();
            if !contracts.iter().any(|contract| contract.id == id) {
                contracts.push(Contract { id, name: text(fields, "customercontract_name") });
            }
        }
        Ok(distinct(&services, |id, fields| {
            (!is_obsolete(fields)).then(|| Service {
                contracts: contracts_of.remove(&id).unwrap_or_default(),
                elements: elements_of.remove(&id).unwrap_or_default(),
                id,
                name: text(fields, "name"),
                description: text(fields, "description"),
            })
        }))
    }

    /// The CIs of a company, in pages of `page_size` that halve when an answer breaks: small
    /// pages are the slow way, and huge answers can exceed PHP's memory (ITOP.md, "Speed"). iTop
    /// counts all objects of a page that is full, by a query of its own; one that is not full
    /// costs nothing more than a list without pages (`DBObjectSet::Load` of iTop).
    pub async fn cis(
        &self,
        query: &str,
        org: &OrgId,
        page_size: usize,
    ) -> Result<CiList, ItopError> {
        let query = bound(query, org);
        let mut cis = CiList::default();
        let mut seen = HashSet::new();
        // Sizes are powers of two times the smallest page, so that what has been read is always
        // a whole number of smaller pages too.
        let mut size = SMALLEST_PAGE;
        while size * 2 <= page_size {
            size *= 2;
        }
        let mut offset = 0;
        loop {
            let page = offset / size + 1;
            let operation = json!({
                "operation": "core/get", "class": "FunctionalCI", "key": query,
                "output_fields": "id,name,finalclass", "limit": size, "page": page,
            });
            let (page, found): (CiList, _) = match self.read_objects(&operation).await {
                Err(ItopError::NoClearAnswer { reason }) if size > SMALLEST_PAGE => {
                    size /= 2;
                    tracing::warn!(page_size = size, reason, "a list broke; asking for less");
                    continue;
                }
                other => other?,
            };
            for ci in page.iter().filter(|ci| seen.insert(number(ci.id))) {
                cis.push(ci);
            }
            offset += size;
            if page.is_empty() || found.is_some_and(|found| offset >= found) {
                cis.shrink_to_fit();
                return Ok(cis);
            }
        }
    }

    /// The CIs of a company that bear one of the names as iTop compares names, or have one of the
    /// keys: a question that takes as long as any small one, where the whole list takes a second and megabytes.
    pub async fn cis_called(
        &self,
        query: &str,
        org: &OrgId,
        keys: &[ObjectId],
        names: &[&str],
    ) -> Result<CiList, ItopError> {
        if keys.is_empty() && names.is_empty() {
            return Ok(CiList::default());
        }
        let query = oql::narrowed("FunctionalCI", &bound(query, org), |alias| {
            let keys = keys.iter().map(|key| format!("{alias}.id = {}", number(key.as_str())));
            let names = names.iter().map(|name| format!("{alias}.name = {}", oql::quote(name)));
            let ways: Vec<_> = keys.chain(names).collect();
            format!("({})", ways.join(" OR "))
        });
        let operation = json!({
            "operation": "core/get", "class": "FunctionalCI", "key": query,
            "output_fields": "id,name,finalclass",
        });
        Ok(self.read_objects(&operation).await?.0)
    }

    /// One `core/get` by OQL with named fields: `*` would load link sets row by row.
    pub(super) async fn select(
        &self,
        class: &str,
        query: &str,
        fields: &str,
    ) -> Result<Answer, ItopError> {
        let operation = json!({
            "operation": "core/get", "class": class, "key": query, "output_fields": fields,
        });
        self.call(Use::Read, &operation).await
    }
}

/// What is read of a CI beside its key and class.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct CiFields {
    name: Value,
}

impl Objects for CiList {
    type Fields = CiFields;

    fn add(&mut self, class: &str, id: u64, fields: CiFields) {
        let id = id.to_string();
        self.push(Ci { id: &id, name: as_text(Some(&fields.name)).as_ref(), class });
    }
}

/// One object per key: a join returns an object once per path.
fn distinct<T>(answer: &Answer, mut make: impl FnMut(ObjectId, &Fields) -> Option<T>) -> Vec<T> {
    let mut seen = HashSet::new();
    answer
        .objects()
        .filter(|(_, id, _)| seen.insert(*id))
        .filter_map(|(_, id, fields)| make(ObjectId::new(id.to_string()), fields))
        .collect()
}

/// A service or element that is retired; everything else, customised states included, counts.
fn is_obsolete(fields: &Fields) -> bool {
    text(fields, "status") == "obsolete"
}

/// A text field; empty where it is missing or `null`.
pub(super) fn text(fields: &Fields, name: &str) -> String {
    as_text(fields.get(name)).into_owned()
}

/// What a value says as a text; empty for anything but a text or a number.
pub(super) fn as_text(value: Option<&Value>) -> Cow<'_, str> {
    match value {
        Some(Value::String(text)) => text.trim().into(),
        Some(Value::Number(number)) => number.to_string().into(),
        _ => "".into(),
    }
}

/// A text field that says something: iTop writes `" "` for the name of an empty reference.
pub(super) fn some_text(fields: &Fields, name: &str) -> Option<String> {
    Some(text(fields, name)).filter(|text| !text.is_empty())
}

/// The key of a reference; iTop writes an empty one as `"0"`, and keys as texts or numbers.
pub(super) fn key(fields: &Fields, name: &str) -> Option<String> {
    let text = as_text(fields.get(name));
    is_key(&text).then(|| text.into_owned())
}
