//! What a Case refers to. Salesforce does not look whether a contact, an entitlement or an asset belongs
//! to the Account of a Case: so it is read right before the create, together with its Account. What is
//! given to another Account between the two is not seen; that is the time of one call.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Client, Error,
    call::Call,
    ids::is_id,
    settings::{CiObject, Mapping, ServiceObject},
    soql,
};
use crate::{
    domain::{
        keys::OrgId,
        new_ticket::{Chosen, NewTicket, RefKind},
    },
    outgoing::Use,
};

/// The fields of a Case that refer to others, with their ids.
pub(super) type Found = Vec<(String, String)>;

/// A question for one record of which the id is wanted.
#[derive(Debug, PartialEq, Eq)]
struct Wanted<'m> {
    kind: RefKind,
    /// The field of Case.
    field: &'m str,
    query: String,
}

/// The answer to a composite request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Composite {
    pub(super) composite_response: Vec<Part>,
}

/// One of its parts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    #[serde(default)]
    pub(super) body: Value,
    pub(super) http_status_code: u16,
    pub(super) reference_id: String,
}

impl Composite {
    pub(super) fn of(json: Value) -> Result<Self, Error> {
        Self::deserialize(json).map_err(|error| Error::NotSalesforce {
            reason: format!("the answer to a composite request has another form: {error}"),
        })
    }

    /// The part with this name.
    pub(super) fn part(&mut self, name: &str) -> Result<Part, Error> {
        let place = self.composite_response.iter().position(|part| part.reference_id == name);
        let place = place.ok_or_else(|| Error::NotSalesforce {
            reason: format!("the answer to a composite request has no part {name}"),
        })?;
        Ok(self.composite_response.swap_remove(place))
    }
}

impl Client {
    /// The fields of a Case for what its ticket refers to, in one call; in none where all is known.
    pub(super) async fn references(&self, ticket: &NewTicket) -> Result<Found, Error> {
        let line = self.line();
        let settings = &line.settings;
        let mut found = Found::new();
        let mut asked = Vec::new();
        let owner = match &ticket.refs.team {
            Chosen::Key { id, .. } if is_id(id.as_str()) => Some(id),
            Chosen::Key { .. } => return Err(Error::Reference { kind: RefKind::Team, found: 0 }),
            team => {
                asked.push(queue(team));
                None
            }
        };
        found.extend(owner.map(|id| ("OwnerId".to_owned(), id.to_string())));
        asked.extend(wanted(ticket, &settings.mapping)?);
        if asked.is_empty() {
            return Ok(found);
        }
        let version = &settings.api_version;
        let requests: Vec<_> = asked
            .iter()
            .map(|wanted| {
                let path = soql::path(&wanted.query);
                json!({
                    "method": "GET", "url": format!("/services/data/v{version}{path}"),
                    "referenceId": wanted.kind.code().replace('-', "_"),
                })
            })
            .collect();
        let body = json!({
            "allOrNone": false, "collateSubrequests": false, "compositeRequest": requests,
        });
        let json = self.call(Use::Read, Call::post("/composite", body)).await?;
        let mut composite = Composite::of(json)?;
        for wanted in asked {
            let part = composite.part(&wanted.kind.code().replace('-', "_"))?;
            if part.http_status_code != 200 {
                return Err(self.of_part(part.http_status_code, &part.body));
            }
            let ids = ids(soql::Page::of(part.body)?);
            match <[String; 1]>::try_from(ids) {
                Ok([id]) => found.push((wanted.field.to_owned(), id)),
                Err(ids) => return Err(Error::Reference { kind: wanted.kind, found: ids.len() }),
            }
        }
        Ok(found)
    }
}

fn ids(page: soql::Page) -> Vec<String> {
    #[derive(Deserialize)]
    struct Record {
        #[serde(rename = "Id", alias = "QueueId")]
        id: String,
    }
    soql::decoded(page.records).map(|record: Record| record.id).collect()
}

fn queue(team: &Chosen) -> Wanted<'static> {
    let (field, text) = match team {
        Chosen::Key { id, .. } => ("QueueId", id.as_str()),
        Chosen::Name(name) => ("Queue.Name", name.as_str()),
        Chosen::Email(email) => ("Queue.Email", email.as_str()),
    };
    let query = format!(
        "SELECT QueueId FROM QueueSobject WHERE SobjectType = 'Case' AND {field} = {} LIMIT 2",
        soql::quote(text)
    );
    Wanted { kind: RefKind::Team, field: "OwnerId", query }
}

/// The questions for the references of a ticket beside its team.
fn wanted<'m>(ticket: &NewTicket, mapping: &'m Mapping) -> Result<Vec<Wanted<'m>>, Error> {
    let NewTicket { org, refs, .. } = ticket;
    let mut all = Vec::new();
    if let Some(contact) = &refs.contact {
        all.push(of(RefKind::Contact, "ContactId", "Contact", Some("AccountId"), org, contact)?);
    }
    if let (Some(service), Some(field)) = (&refs.service, mapping.service.field()) {
        let (object, account) = match mapping.service {
            ServiceObject::Product => ("Product2", None),
            ServiceObject::Entitlement | ServiceObject::None => ("Entitlement", Some("AccountId")),
        };
        all.push(of(RefKind::Service, field, object, account, org, service)?);
    }
    if let (Some(ci), Some(field)) = (&refs.ci, mapping.ci_field()) {
        let (object, account) = match mapping.ci {
            CiObject::Asset => ("Asset", "AccountId"),
            CiObject::Ci | CiObject::None => ("CI__c", mapping.ci_account_field.as_str()),
        };
        all.push(of(RefKind::Ci, field, object, Some(account), org, ci)?);
    }
    Ok(all)
}

fn of<'m>(
    kind: RefKind,
    field: &'m str,
    object: &str,
    account: Option<&str>,
    org: &OrgId,
    chosen: &Chosen,
) -> Result<Wanted<'m>, Error> {
    let which = match chosen {
        // What is none of Salesforce's ids would have the whole question refused.
        Chosen::Key { id, .. } if !is_id(id.as_str()) => {
            return Err(Error::Reference { kind, found: 0 });
        }
        Chosen::Key { id, .. } => format!("Id = {}", soql::quote(id.as_str())),
        Chosen::Name(name) => format!("Name = {}", soql::quote(name)),
        Chosen::Email(email) if object == "Contact" => format!("Email = {}", soql::quote(email)),
        Chosen::Email(_) => return Err(Error::Reference { kind, found: 0 }),
    };
    let account = account.map(|account| format!(" AND {account} = {}", soql::quote(org.as_str())));
    let query =
        format!("SELECT Id FROM {object} WHERE {which}{} LIMIT 2", account.unwrap_or_default());
    Ok(Wanted { kind, field, query })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::keys::ObjectId, salesforce::create::tests::ticket};

    #[test]
    fn each_reference_is_asked_for_together_with_its_account() {
        let mut ticket = ticket();
        let key = |id: &str| Chosen::Key { id: ObjectId::new(id.to_owned()), name: String::new() };
        ticket.refs.contact = Some(Chosen::Email("o'neil@acme.example".to_owned()));
        ticket.refs.service = Some(key("550D000000IRFmaIAH"));
        ticket.refs.ci = Some(Chosen::Name("srv-1".to_owned()));
        let mut mapping = Mapping::default();
        let queries = |mapping: &Mapping| {
            let wanted = wanted(&ticket, mapping).unwrap();
            wanted.iter().map(|w| format!("{}: {}", w.field, w.query)).collect::<Vec<_>>()
        };
        let contact = r"ContactId: SELECT Id FROM Contact WHERE Email = 'o\'neil@acme.example' AND AccountId = '001D000000IRFmaIAH' LIMIT 2";
        let expected = [
            contact,
            "EntitlementId: SELECT Id FROM Entitlement WHERE Id = '550D000000IRFmaIAH' AND AccountId = '001D000000IRFmaIAH' LIMIT 2",
            "CI__c: SELECT Id FROM CI__c WHERE Name = 'srv-1' AND Account__c = '001D000000IRFmaIAH' LIMIT 2",
        ];
        assert_eq!(queries(&mapping), expected);
        (mapping.service, mapping.ci) = (ServiceObject::Product, CiObject::Asset);
        let expected = [
            contact,
            "ProductId: SELECT Id FROM Product2 WHERE Id = '550D000000IRFmaIAH' LIMIT 2",
            "AssetId: SELECT Id FROM Asset WHERE Name = 'srv-1' AND AccountId = '001D000000IRFmaIAH' LIMIT 2",
        ];
        assert_eq!(queries(&mapping), expected);
        (mapping.service, mapping.ci) = (ServiceObject::None, CiObject::None);
        assert_eq!(queries(&mapping), [contact]);
    }

    #[test]
    fn a_key_of_another_desk_is_no_reference_here() {
        let mut ticket = ticket();
        ticket.refs.contact =
            Some(Chosen::Key { id: ObjectId::new("42".to_owned()), name: "Jane".to_owned() });
        let error = wanted(&ticket, &Mapping::default()).unwrap_err();
        assert_eq!(error, Error::Reference { kind: RefKind::Contact, found: 0 });
        assert_eq!(error.refused_ref(), Some(RefKind::Contact));
    }

    #[test]
    fn a_team_that_no_list_has_told_is_asked_for_by_its_name() {
        let queue = queue(&Chosen::Name("N1".to_owned()));
        let query = "SELECT QueueId FROM QueueSobject WHERE SobjectType = 'Case' AND Queue.Name = 'N1' LIMIT 2";
        assert_eq!((queue.field, queue.query.as_str()), ("OwnerId", query));
    }
}
