//! The priority of a ticket that is there: iTop computes it from impact and urgency.

use serde_json::json;

use super::{
    Client, ItopError, Use,
    keys::number,
    lists::text,
    tickets::{COMMENT, single},
};
use crate::domain::{keys::TicketKey, priority::Priority};

/// Impact and urgency from which iTop computes a higher priority; neither is lower than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raise {
    pub(super) impact: u8,
    pub(super) urgency: u8,
    /// The priority that is wanted: a ticket that has it by now is left alone.
    pub(super) priority: Priority,
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

    /// Sets impact and urgency of a ticket and tells the priority that iTop computes.
    pub async fn set_priority(
        &self,
        ticket: &TicketKey,
        impact: u8,
        urgency: u8,
    ) -> Result<Option<Priority>, ItopError> {
        let operation = json!({
            "operation": "core/update", "class": ticket.class, "key": number(ticket.id.as_str()),
            "comment": COMMENT,
            "fields": {"impact": impact.to_string(), "urgency": urgency.to_string()},
            "output_fields": "id,priority",
        });
        let answer = self.call(Use::Write, &operation).await?;
        let (_, _, fields) = single(&answer)?;
        Ok(Priority::parse(&text(fields, "priority")))
    }
}
