//! A ticket becomes a Case: once, because its marker stands in a unique field.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    CASE, Client, Error, Refusal,
    call::Call,
    cases::{self, FIELDS},
    plain,
    references::{Composite, Found},
    settings::Mapping,
};
use crate::{
    desk::Created,
    domain::{
        keys::TicketId,
        new_ticket::{NewTicket, RefKind},
        text::cut_chars,
        ticket_status::TicketStatus,
    },
    outgoing::Use,
};

impl Client {
    /// Makes a Case and reads it, in one call; what it refers to is read in another before. Never
    /// repeated here, and always safe to repeat: the marker stands in a unique field.
    ///
    /// # Errors
    /// [`Error::DuplicateValue`] says that there is one with this marker, or that another unique field
    /// has hit: [`Client::by_ack`] tells which.
    pub async fn create(&self, ticket: &NewTicket) -> Result<Created, Error> {
        let record_type = self.record_type().await?;
        let references = self.references(ticket).await?;
        let line = self.line();
        let settings = &line.settings;
        let mapping = &settings.mapping;
        let fields = fields(ticket, mapping, references, record_type.as_deref());
        let body = composite(&fields, mapping, &settings.api_version);
        let json = self.call(Use::Create, Call::post("/composite", body)).await?;
        let mut composite = Composite::of(json)?;
        let made = composite.part(MADE)?;
        if !(200..300).contains(&made.http_status_code) {
            let error = self.of_part(made.http_status_code, &made.body);
            return Err(about_references(error, mapping));
        }
        let read = composite.part(READ)?;
        let status = if read.http_status_code == 200 {
            self.status(cases::case(read.body)?).await
        } else {
            self.made_unseen(&made.body).await?
        };
        Ok(Created { status, dropped: dropped(ticket, mapping) })
    }

    /// The request that would make a Case, with what it refers to, which is read for that; nothing is
    /// made.
    pub async fn request(&self, ticket: &NewTicket) -> Result<Value, Error> {
        let record_type = self.record_type().await?;
        let references = self.references(ticket).await?;
        let line = self.line();
        let settings = &line.settings;
        let fields = fields(ticket, &settings.mapping, references, record_type.as_deref());
        Ok(composite(&fields, &settings.mapping, &settings.api_version))
    }

    /// The status of a Case that was made and could not be read in the same call.
    async fn made_unseen(&self, made: &Value) -> Result<TicketStatus, Error> {
        #[derive(Deserialize)]
        struct Made {
            id: String,
        }
        let id = Made::deserialize(made).map(|made| TicketId::new(made.id));
        let unseen = |why: &str| Error::NoClearAnswer {
            reason: format!("a Case was made, and {why}; it is found again by its external id"),
        };
        let id = id.map_err(|_| unseen("its id was not told"))?;
        self.current(&id).await?.ok_or_else(|| unseen("the user of the bridge does not see it"))
    }
}

/// The names of the parts.
const MADE: &str = "c";
const READ: &str = "r";

fn composite(fields: &Map<String, Value>, mapping: &Mapping, version: &str) -> Value {
    // The queue that the bridge has chosen, and no rule of the org's.
    let mut headers = json!({"Sforce-Auto-Assign": "FALSE"});
    if mapping.allow_duplicates {
        headers["Sforce-Duplicate-Rule-Header"] = json!("allowSave=true");
    }
    let root = format!("/services/data/v{version}/sobjects/{CASE}");
    json!({
        "allOrNone": false,
        // Else the order of the two would not be kept.
        "collateSubrequests": false,
        "compositeRequest": [
            {
                "method": "POST", "url": root, "referenceId": MADE, "httpHeaders": headers,
                "body": fields,
            },
            {
                "method": "GET", "url": format!("{root}/@{{{MADE}.id}}?fields={}", FIELDS.join(",")),
                "referenceId": READ,
            },
        ],
    })
}

/// The fields of the Case of a ticket.
fn fields(
    ticket: &NewTicket,
    mapping: &Mapping,
    references: Found,
    record_type: Option<&str>,
) -> Map<String, Value> {
    let mut fields = Map::new();
    // What the bridge sets itself stands last: a template must not change it.
    for (name, value) in &ticket.fields {
        let value = plain::kept(value);
        if !value.is_empty() {
            fields.insert(name.clone(), json!(value));
        }
    }
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    let title = plain::kept(&ticket.title);
    set("Subject", json!(cut_chars(&title, mapping.max_subject)));
    let description = plain::of_html(&ticket.description);
    set("Description", json!(plain::cut(&description, mapping.max_description)));
    set("Priority", json!(mapping.priorities.value(ticket.priority)));
    let optional = [
        ("Origin", mapping.origin.as_deref()),
        ("Status", mapping.status.as_deref()),
        ("RecordTypeId", record_type),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            set(name, json!(value));
        }
    }
    set("AccountId", json!(ticket.org));
    for (name, id) in references {
        set(&name, json!(id));
    }
    set(&mapping.external_id_field, json!(ticket.marker.digits()));
    fields
}

/// What no Case has.
fn dropped(ticket: &NewTicket, mapping: &Mapping) -> Vec<RefKind> {
    let refs = &ticket.refs;
    let lost = [
        (RefKind::Service, refs.service.is_some() && mapping.service.field().is_none()),
        (RefKind::ServiceElement, refs.service_element.is_some()),
        (RefKind::Ci, refs.ci.is_some() && mapping.ci_field().is_none()),
    ];
    lost.into_iter().filter(|(_, is_lost)| *is_lost).map(|(kind, _)| kind).collect()
}

/// The error with what of the ticket its one field stands for, where it is about something else that it
/// refers to.
fn about_references(error: Error, mapping: &Mapping) -> Error {
    let Error::Refused(refusal) = error else { return error };
    let kind = match (refusal.code.as_str(), refusal.fields.as_slice()) {
        (
            "INVALID_CROSS_REFERENCE_KEY"
            | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
            | "INSUFFICIENT_ACCESS_OR_READONLY"
            | "MALFORMED_ID"
            | "ENTITY_IS_DELETED",
            [field],
        ) => kind_of(field, mapping),
        _ => None,
    };
    Error::Refused(Refusal { kind, ..refusal })
}

fn kind_of(field: &str, mapping: &Mapping) -> Option<RefKind> {
    match field {
        "AccountId" => Some(RefKind::Company),
        "OwnerId" => Some(RefKind::Team),
        "ContactId" => Some(RefKind::Contact),
        field if mapping.service.field() == Some(field) => Some(RefKind::Service),
        field if mapping.ci_field() == Some(field) => Some(RefKind::Ci),
        _ => None,
    }
}

/// Why a template must not set a field of Case: the bridge sets it, and knows why.
#[must_use]
pub fn why_not_template(field: &str) -> Option<&'static str> {
    Some(match field {
        "Subject" => "its template is ticket.title",
        "Description" => "its template is ticket.description",
        "Priority" => "it follows from the priority of the event, by salesforce.priorities",
        "Status" => "it is salesforce.status",
        "Origin" => "it is salesforce.origin",
        "RecordTypeId" => "it is salesforce.record_type",
        "AccountId" => "it is the company of the event, by its link",
        "OwnerId" => "it is the team of the event, of the link or of ticket.team",
        "ContactId" | "EntitlementId" | "ProductId" | "AssetId" => {
            "it comes from the event or the link, and is checked against the Account"
        }
        "Id" | "CaseNumber" | "IsClosed" | "ClosedDate" | "CreatedDate" | "LastModifiedDate"
        | "SystemModstamp" => "Salesforce sets it",
        _ => return None,
    })
}

#[cfg(test)]
pub(super) mod tests;
