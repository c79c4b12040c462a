//! Tickets: reading them, and finding them again.

use std::collections::BTreeSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::{
    Answer, Client, ItopError,
    keys::number,
    lists::{key, some_text, text},
    oql,
};
use crate::domain::{
    keys::{OrgId, TicketId, TicketKey},
    marker::Marker,
    priority::Priority,
    ticket_status::TicketStatus,
};

/// The attribute that keeps the marker unless another is configured.
pub const MARKER_LOG: &str = "private_log";

/// What is read of a ticket to know its status. All classes of tickets have these fields.
pub(super) const STATUS_FIELDS: &str = "id,ref,org_id,status,operational_status,priority,title,\
     start_date,last_update,team_id_friendlyname,agent_id_friendlyname";

/// Stands in iTop's change log; mandatory on each write.
pub(super) const COMMENT: &str = "Acknowledgement (servicenav-itop-bridge)";

/// Where a search for markers looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Within {
    /// Among tickets with a higher id, see [`TicketKey::sequence`].
    Above(u64),
    /// Among these tickets; at least one.
    Ids(Vec<TicketId>),
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

/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Client {
    /// The page of a ticket or another object, for people.
    #[must_use]
    pub fn address(&self, class: &str, id: &str) -> String {
        let line = self.line();
        format!(
            "{}/pages/UI.php?operation=details&class={}&id={}",
            line.settings.public_url.trim_end_matches('/'),
            utf8_percent_encode(class, RESERVED),
            utf8_percent_encode(id, RESERVED)
        )
    }

    /// The status of tickets of one class. A ticket that is not there is left out.
    pub async fn statuses<'i>(
        &self,
        class: &str,
        ids: impl IntoIterator<Item = &'i TicketId>,
    ) -> Result<Vec<TicketStatus>, ItopError> {
        let ids = id_list(ids);
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let query = format!("SELECT {class} WHERE id IN ({ids})");
        self.tickets(class, &query).await
    }

    /// The same, each with those of the markers that it bears in one of the attributes. It brings whole
    /// logs: for few tickets.
    pub async fn marked_statuses<'i>(
        &self,
        class: &str,
        ids: impl IntoIterator<Item = &'i TicketId>,
        attributes: &BTreeSet<&str>,
        markers: &[Marker],
    ) -> Result<Vec<(TicketStatus, Vec<Marker>)>, ItopError> {
        let query = format!("SELECT {class} WHERE id IN ({})", id_list(ids));
        let logs = attributes.iter().copied().collect::<Vec<_>>().join(",");
        let answer = self.select(class, &query, &format!("{STATUS_FIELDS},{logs}")).await?;
        let bears = |fields: &Map<_, _>, marker: &&Marker| {
            attributes.iter().any(|attribute| carries(fields, attribute, marker))
        };
        Ok(answer
            .objects()
            .map(|(class, id, fields)| {
                let borne = markers.iter().filter(|marker| bears(fields, marker)).cloned();
                (self.status(class, id, fields), borne.collect())
            })
            .collect())
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

    /// The tickets that carry one of the markers in its attribute, across classes, in one query;
    /// the oldest first.
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
            Within::Ids(ids) => format!("id IN ({}) AND ", id_list(ids)),
            Within::Anywhere => String::new(),
        };
        let query = format!("SELECT Ticket WHERE {bound}({any})");
        let fields: BTreeSet<_> = places.iter().map(|(field, _)| *field).collect();
        let fields = fields.into_iter().collect::<Vec<_>>().join(",");
        let answer = self.select("Ticket", &query, &format!("id,{fields}")).await?;
        let mut objects: Vec<_> = answer.objects().collect();
        objects.sort_by_key(|(_, id, _)| *id);
        Ok(objects
            .into_iter()
            .map(|(class, id, fields)| Marked {
                key: ticket_key(class, id),
                markers: places
                    .iter()
                    .filter(|(field, marker)| carries(fields, field, marker))
                    .map(|(_, marker)| (*marker).clone())
                    .collect(),
            })
            .collect())
    }

    pub(super) fn status(&self, class: &str, id: u64, fields: &Map<String, Value>) -> TicketStatus {
        TicketStatus {
            key: ticket_key(class, id),
            number: text(fields, "ref"),
            org: key(fields, "org_id").map(OrgId::new).unwrap_or_default(),
            status: text(fields, "status"),
            operational_status: text(fields, "operational_status"),
            priority: Priority::parse(&text(fields, "priority")),
            title: text(fields, "title"),
            started: self.zone().read(&text(fields, "start_date")),
            last_update: self.zone().read(&text(fields, "last_update")),
            team: some_text(fields, "team_id_friendlyname"),
            agent: some_text(fields, "agent_id_friendlyname"),
        }
    }
}

fn ticket_key(class: &str, id: u64) -> TicketKey {
    TicketKey { class: class.to_owned(), id: TicketId::new(id.to_string()) }
}

/// `1,2,3`, for `IN (…)`. An empty list would be a syntax error: the caller asks nothing then.
fn id_list<'i>(ids: impl IntoIterator<Item = &'i TicketId>) -> String {
    let numbers = ids.into_iter().map(|id| number(id.as_str()).to_string());
    numbers.collect::<Vec<_>>().join(",")
}

pub(super) fn log_entry(message: &str) -> Value {
    json!({"add_item": {"message": message, "format": "text"}})
}

pub(super) fn carries(fields: &Map<String, Value>, field: &str, marker: &Marker) -> bool {
    // A log is a list of entries here and a text in other versions: its JSON has both.
    fields.get(field).is_some_and(|value| value.to_string().contains(&marker.to_string()))
}

pub(super) fn single(answer: &Answer) -> Result<(&str, u64, &Map<String, Value>), ItopError> {
    answer.objects().next().ok_or_else(|| ItopError::NoClearAnswer {
        reason: "iTop said that it succeeded, and named no object".to_owned(),
    })
}
