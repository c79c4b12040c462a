//! Tickets: creating, reading, finding again, adding a line to the log.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{
    Answer, Client, ItopError, Use,
    lists::{key, some_text, text},
    oql,
};
use crate::domain::{
    keys::{OrgId, TicketKey},
    marker::Marker,
    priority::Priority,
    ticket_status::TicketStatus,
};

/// The class of incidents where ITIL tickets are installed.
pub const INCIDENT: &str = "Incident";
/// The class of requests; the only one where simple tickets are installed.
pub const USER_REQUEST: &str = "UserRequest";

/// The attribute that keeps the marker unless another is configured.
pub const MARKER_LOG: &str = "private_log";

/// What is read of a ticket to know its status. All classes of tickets have these fields.
const STATUS_FIELDS: &str = "id,ref,org_id,status,operational_status,priority,title,\
     last_update,team_id_friendlyname,agent_id_friendlyname";

/// Stands in iTop's change log; mandatory on each write.
pub(super) const COMMENT: &str = "ServiceNav acknowledgement (servicenav-itop-bridge)";

/// A ticket as the answer of its creation showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedTicket {
    /// Its status right after the creation.
    pub status: TicketStatus,
    /// Whether the marker could be read back. Without it nothing could be found again.
    pub has_marker: bool,
}

/// Where a search for markers looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Within {
    /// Among tickets with a higher id.
    Above(u64),
    /// Among these tickets; at least one.
    Ids(Vec<u64>),
    /// Among all.
    Anywhere,
}

/// A ticket that carries one of the markers searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// The ticket.
    pub key: TicketKey,
    /// Which of the markers it carries.
    pub markers: Vec<Marker>,
}

impl Client {
    /// The operation that creates a ticket, as it is sent.
    #[must_use]
    pub fn create_operation(
        class: &str,
        fields: &Map<String, Value>,
        marker: &Marker,
        marker_field: &str,
    ) -> Value {
        let mut fields = fields.clone();
        fields.insert(marker_field.to_owned(), marker_value(marker, marker_field));
        json!({
            "operation": "core/create", "class": class, "comment": COMMENT, "fields": fields,
            "output_fields": format!("{STATUS_FIELDS},{marker_field}"),
        })
    }

    /// Creates a ticket and reads it back from the answer. Never repeated here: iTop has no
    /// idempotency key.
    pub async fn create(
        &self,
        operation: &Value,
        marker: &Marker,
        marker_field: &str,
    ) -> Result<CreatedTicket, ItopError> {
        let answer = self.call(Use::Write, operation).await?;
        let (class, id, fields) = single(&answer)?;
        Ok(CreatedTicket {
            status: self.status(class, id, fields),
            has_marker: carries(fields, marker_field, marker),
        })
    }

    /// Adds an entry to the private log of a ticket, and gives back the log as its JSON.
    pub async fn append_log(&self, ticket: &TicketKey, message: &str) -> Result<String, ItopError> {
        let operation = json!({
            "operation": "core/update", "class": ticket.class, "key": ticket.id,
            "comment": COMMENT,
            "fields": {MARKER_LOG: log_entry(message)},
            "output_fields": format!("id,{MARKER_LOG}"),
        });
        let answer = self.call(Use::Write, &operation).await?;
        let (_, _, fields) = single(&answer)?;
        Ok(fields.get(MARKER_LOG).map(Value::to_string).unwrap_or_default())
    }

    /// The status of tickets of one class. A ticket that is not there is left out.
    pub async fn statuses(
        &self,
        class: &str,
        ids: impl IntoIterator<Item = u64>,
    ) -> Result<Vec<TicketStatus>, ItopError> {
        let ids = oql::id_list(ids);
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let query = format!("SELECT {class} WHERE id IN ({ids})");
        self.tickets(class, &query).await
    }

    /// The tickets of a class that bear a number. There can be several, in several companies.
    pub async fn by_number(
        &self,
        class: &str,
        number: &str,
    ) -> Result<Vec<TicketStatus>, ItopError> {
        let query = format!("SELECT {class} WHERE ref = {}", oql::quote(number));
        self.tickets(class, &query).await
    }

    async fn tickets(&self, class: &str, query: &str) -> Result<Vec<TicketStatus>, ItopError> {
        let answer = self.select(class, query, STATUS_FIELDS).await?;
        Ok(answer.objects().map(|(class, id, fields)| self.status(class, id, fields)).collect())
    }

    /// The tickets that carry one of the markers in its attribute, across classes, in one query.
    /// A bound by ids makes it fifteen to a hundred times cheaper (ITOP.md).
    pub async fn find_marked(
        &self,
        places: &[(&str, &Marker)],
        within: &Within,
    ) -> Result<Vec<Marked>, ItopError> {
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let any: BTreeSet<_> =
            places.iter().map(|(field, marker)| format!("{field} LIKE '%{marker}%'")).collect();
        let any = any.into_iter().collect::<Vec<_>>().join(" OR ");
        let bound = match within {
            Within::Above(id) => format!("id > {id} AND "),
            Within::Ids(ids) => format!("id IN ({}) AND ", oql::id_list(ids.iter().copied())),
            Within::Anywhere => String::new(),
        };
        let query = format!("SELECT Ticket WHERE {bound}({any})");
        let fields: BTreeSet<_> = places.iter().map(|(field, _)| *field).collect();
        let fields = fields.into_iter().collect::<Vec<_>>().join(",");
        let answer = self.select("Ticket", &query, &format!("id,{fields}")).await?;
        Ok(answer
            .objects()
            .map(|(class, id, fields)| Marked {
                key: TicketKey { class: class.to_owned(), id },
                markers: places
                    .iter()
                    .filter(|(field, marker)| carries(fields, field, marker))
                    .map(|(_, marker)| (*marker).clone())
                    .collect(),
            })
            .collect())
    }

    fn status(&self, class: &str, id: u64, fields: &Map<String, Value>) -> TicketStatus {
        TicketStatus {
            key: TicketKey { class: class.to_owned(), id },
            number: text(fields, "ref"),
            org: OrgId(key(fields, "org_id").unwrap_or(0)),
            status: text(fields, "status"),
            operational_status: text(fields, "operational_status"),
            priority: Priority::parse(&text(fields, "priority")),
            title: text(fields, "title"),
            last_update: self.zone().read(&text(fields, "last_update")),
            team: some_text(fields, "team_id_friendlyname"),
            agent: some_text(fields, "agent_id_friendlyname"),
        }
    }
}

/// The marker as a create carries it: first in its own entry of the log, in text format, because
/// a plain string is cleaned as HTML (ITOP.md, "Tickets").
fn marker_value(marker: &Marker, field: &str) -> Value {
    if field == MARKER_LOG { log_entry(&marker.to_string()) } else { marker.to_string().into() }
}

fn log_entry(message: &str) -> Value {
    json!({"add_item": {"message": message, "format": "text"}})
}

fn carries(fields: &Map<String, Value>, field: &str, marker: &Marker) -> bool {
    // A log is a list of entries here and a text in other versions: its JSON has both.
    fields.get(field).is_some_and(|value| value.to_string().contains(&marker.to_string()))
}

pub(super) fn single(answer: &Answer) -> Result<(&str, u64, &Map<String, Value>), ItopError> {
    answer.objects().next().ok_or_else(|| ItopError::NoClearAnswer {
        reason: "iTop said that it succeeded, and named no object".to_owned(),
    })
}
