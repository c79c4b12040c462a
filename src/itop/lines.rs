//! Lines in the log of a ticket that is there already.

use std::fmt::Write as _;

use serde_json::{Map, json};

use super::{
    Client, ItopError, Use,
    keys::number,
    lists::text,
    tickets::{COMMENT, MARKER_LOG, STATUS_FIELDS, log_entry, single},
};
use crate::domain::{
    keys::{OrgId, TicketKey},
    marker::Marker,
    priority::Priority,
    ticket_status::TicketStatus,
};

/// One entry for the log of a ticket: a line for each acknowledgement, each behind its marker.
#[derive(Clone, Debug)]
pub struct NewLines<'a> {
    /// The ticket; its class is the concrete one.
    pub ticket: &'a TicketKey,
    /// The company that it must belong to.
    pub org: &'a OrgId,
    /// Whether it must still be open.
    pub only_if_open: bool,
    /// Markers and words; at least one.
    pub lines: Vec<(&'a Marker, &'a str)>,
    /// How the ticket is raised, if it is.
    pub raise: Option<Raise>,
}

/// Impact and urgency from which iTop computes a higher priority; neither is lower than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raise {
    impact: u8,
    urgency: u8,
    /// The priority that is wanted: a ticket that has it by now is left alone.
    priority: Priority,
}

impl Client {
    /// How a ticket gets at least that priority; `None` where it has it, or is gone.
    pub async fn raise(
        &self,
        ticket: &TicketKey,
        priority: Priority,
    ) -> Result<Option<Raise>, ItopError> {
        let query = format!("SELECT {} WHERE id = {}", ticket.class, number(ticket.id.as_str()));
        let answer = self.select(&ticket.class, &query, "id,impact,urgency,priority").await?;
        let Some((_, _, fields)) = answer.objects().next() else { return Ok(None) };
        if Priority::parse(&text(fields, "priority")).is_none_or(|has| !priority.is_above(has)) {
            return Ok(None);
        }
        let (impact, urgency) = priority.impact_and_urgency();
        let least = |name: &str, wanted: u8| {
            text(fields, name).parse::<u8>().map_or(wanted, |has| has.min(wanted))
        };
        let (impact, urgency) = (least("impact", impact), least("urgency", urgency));
        Ok(Some(Raise { impact, urgency, priority }))
    }

    /// Adds the entry, if all that must hold of the ticket holds while iTop handles the write, and
    /// none of the markers is in its log yet; tells the ticket's status then.
    ///
    /// That iTop answers with success does not prove that the entry is kept: of two writes of one
    /// log at the same time it keeps one (ITOP.md). A later read does.
    ///
    /// # Errors
    /// [`ItopError::found_no_object`] says that something did not hold, and nothing was written.
    pub async fn add_lines(&self, new: &NewLines<'_>) -> Result<TicketStatus, ItopError> {
        let NewLines { ticket, org, only_if_open, lines, raise } = new;
        let (id, org) = (number(ticket.id.as_str()), number(org.as_str()));
        let mut key = format!("SELECT {} WHERE id = {id} AND org_id = {org}", ticket.class);
        if *only_if_open {
            // Any other word counts as open, as everywhere else.
            key.push_str(" AND operational_status NOT IN ('resolved', 'closed')");
        }
        let mut fields = Map::new();
        if let Some(Raise { impact, urgency, priority }) = raise {
            // Never downwards, whatever an agent has set meanwhile.
            let _ = write!(key, " AND priority > {}", u8::from(*priority));
            fields.insert("impact".to_owned(), json!(impact.to_string()));
            fields.insert("urgency".to_owned(), json!(urgency.to_string()));
        }
        let mut entry = String::new();
        for (marker, words) in lines {
            let _ = write!(key, " AND {MARKER_LOG} NOT LIKE '%{marker}%'");
            if !entry.is_empty() {
                entry.push('\n');
            }
            let _ = write!(entry, "{marker} {words}");
        }
        fields.insert(MARKER_LOG.to_owned(), log_entry(&entry));
        let operation = json!({
            "operation": "core/update", "class": ticket.class, "key": key, "comment": COMMENT,
            "fields": fields, "output_fields": STATUS_FIELDS,
        });
        let answer = self.call(Use::Write, &operation).await?;
        let (class, id, fields) = single(&answer)?;
        Ok(self.status(class, id, fields))
    }
}
