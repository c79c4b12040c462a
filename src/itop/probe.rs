//! Questions about iTop itself: does it answer, what may the account do, how is it set up.

use serde_json::{Value, json};

use super::{
    Client, ItopError, Use,
    lists::text,
    tickets::{COMMENT, single},
};
use crate::domain::{keys::TicketKey, priority::Priority};

/// Whether tickets may be written, as far as can be told without writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteRight {
    /// An unknown field was what iTop objected to.
    Allowed,
    /// The right is missing, or iTop is read-only.
    Refused,
}

impl Client {
    /// The version of the REST protocol that iTop answers in, and how many operations it offers.
    pub async fn protocol(&self) -> Result<(String, usize), ItopError> {
        let answer = self.call(Use::Read, &json!({"operation": "list_operations"})).await?;
        let operations = answer.body.get("operations").and_then(Value::as_array);
        Ok((text(&answer.body, "version"), operations.map_or(0, Vec::len)))
    }

    /// Whether objects of a class can be read, by asking for none.
    pub async fn can_read(&self, class: &str) -> Result<(), ItopError> {
        self.select(class, &format!("SELECT {class} WHERE id = 0"), "id").await.map(drop)
    }

    /// Sets impact and urgency of a ticket and tells the priority that iTop computes.
    pub async fn priority_of(
        &self,
        ticket: &TicketKey,
        impact: u8,
        urgency: u8,
    ) -> Result<Option<Priority>, ItopError> {
        let operation = json!({
            "operation": "core/update", "class": ticket.class, "key": ticket.id,
            "comment": COMMENT,
            "fields": {"impact": impact.to_string(), "urgency": urgency.to_string()},
            "output_fields": "id,priority",
        });
        let answer = self.call(Use::Write, &operation).await?;
        let (_, _, fields) = single(&answer)?;
        Ok(Priority::parse(&text(fields, "priority")))
    }

    /// Whether the data model has this class.
    pub async fn has_class(&self, class: &str) -> Result<bool, ItopError> {
        match self.can_read(class).await {
            Ok(()) => Ok(true),
            Err(ItopError::Refused { message, .. }) if message.contains("not a valid class") => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// The cheapest read: does the way to iTop work?
    pub async fn ping(&self) -> Result<(), ItopError> {
        self.can_read("Organization").await
    }

    /// Probes the right to create without creating: an unknown field is refused with code 100
    /// where writing is allowed, with code 1 where not (ITOP.md, "Protocol").
    pub async fn write_right(&self, class: &str) -> Result<WriteRight, ItopError> {
        let operation = json!({
            "operation": "core/create", "class": class, "comment": COMMENT,
            "fields": {"servicenav_itop_bridge_probe": "1"}, "output_fields": "id",
        });
        // A create that cannot succeed changes nothing: it may take the slot of a read.
        match self.call(Use::Read, &operation).await {
            Err(ItopError::Refused { message, .. }) if message.contains("Unknown attribute") => {
                Ok(WriteRight::Allowed)
            }
            Err(ItopError::NotAllowed { .. }) => Ok(WriteRight::Refused),
            Ok(_) => Err(ItopError::NotItop {
                reason: "it accepted a ticket with an unknown field".to_owned(),
            }),
            Err(error) => Err(error),
        }
    }

    /// Whether not finding a text in that attribute means that it is not there: a search in an
    /// attribute that cannot be searched finds nothing either. True if a search finds any ticket,
    /// or if there is no ticket above `above` that it could have found.
    pub async fn search_works(&self, field: &str, above: u64) -> Result<bool, ItopError> {
        for (query, expected) in [
            (format!("SELECT Ticket WHERE {field} LIKE '%[ack %'"), true),
            (format!("SELECT Ticket WHERE {field} LIKE '%_%'"), true),
            (format!("SELECT Ticket WHERE id > {above}"), false),
        ] {
            let operation = json!({
                "operation": "core/get", "class": "Ticket", "key": query,
                "output_fields": "id", "limit": 1, "page": 1,
            });
            let finds = self.call(Use::Read, &operation).await?.objects().next().is_some();
            if finds == expected {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
