//! Questions about iTop itself: does it answer, what may the account do, how is it set up.

use serde_json::json;

use super::{
    Client, ItopError, Use,
    keys::number,
    lists::text,
    setup::UNKNOWN,
    tickets::{COMMENT, single},
};
use crate::domain::{keys::TicketKey, priority::Priority, text::MAX_TITLE_CHARS};

/// Whether tickets may be written, as far as can be told without writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteRight {
    /// An unknown field was what iTop objected to.
    Allowed,
    /// The right is missing, or iTop is read-only.
    Refused,
}

/// What came of a probe of the way that creates go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathProbe {
    /// It was refused after it had passed the ticket counter.
    Passed,
    /// It was refused before that, which says nothing.
    Unclear,
    /// This iTop takes tickets that it should refuse: one of this number was made, and probing must
    /// end.
    Made(String),
}

/// With ids up to this nobody needs to know where to begin a search.
const FEW_TICKETS: u64 = 1_000;

/// The title of the probe, repeated until it is longer than iTop takes.
const PROBE_TITLE: &str = "Probe of the ServiceNav bridge, please close. ";

impl Client {
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
            "operation": "core/update", "class": ticket.class, "key": number(ticket.id.as_str()),
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
            "fields": {UNKNOWN: "1"}, "output_fields": "id",
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

    /// Goes the way of a create without making one: a ticket with three faults at once is refused
    /// only after it has passed the ticket counter, so that what held an earlier create there has
    /// let go (ITOP.md, "A probe that goes the same way"; recording 119). It uses up a number, and
    /// runs what extensions do on a new ticket.
    pub async fn probe_path(&self, class: &str) -> Result<PathProbe, ItopError> {
        let title: String = PROBE_TITLE.chars().cycle().take(MAX_TITLE_CHARS + 1).collect();
        let operation = json!({
            "operation": "core/create", "class": class, "comment": COMMENT,
            "fields": {"title": title}, "output_fields": "id,ref",
        });
        match self.call(Use::Create, &operation).await {
            // Whatever it is called, it was not refused: the next one would be made as well.
            Ok(answer) => Ok(PathProbe::Made(match single(&answer) {
                Ok((class, id, fields)) => format!("{} ({class}::{id})", text(fields, "ref")),
                Err(_) => format!("\"{}\"", PROBE_TITLE.trim_end()),
            })),
            Err(ItopError::Refused { code: 100, message })
                if ["(title)", "(org_id)", "(description)"]
                    .iter()
                    .any(|named| message.contains(named)) =>
            {
                Ok(PathProbe::Passed)
            }
            Err(ItopError::Refused { .. } | ItopError::NotAllowed { .. }) => Ok(PathProbe::Unclear),
            Err(error) => Err(error),
        }
    }

    /// The highest id of the tickets that the account sees, or `most` if one is that high: iTop
    /// tells it neither by an order nor by a maximum, so that it is found by doubling and halving.
    /// Without `most`, 0 where there are few tickets.
    pub async fn newest_ticket_id(&self, most: Option<u64>) -> Result<u64, ItopError> {
        let (mut least, mut most) = (0, most.unwrap_or(u64::MAX));
        let nothing_known = most == u64::MAX;
        let mut above = if nothing_known { FEW_TICKETS } else { most.saturating_sub(1) };
        while least < most {
            if self.has_ticket_above(above).await? {
                least = above + 1;
            } else {
                most = above;
            }
            if nothing_known && most == FEW_TICKETS {
                // So few can be searched without a bound.
                return Ok(0);
            }
            above = if most == u64::MAX { least * 2 } else { least + (most - least) / 2 };
        }
        Ok(least)
    }

    async fn has_ticket_above(&self, id: u64) -> Result<bool, ItopError> {
        let operation = json!({
            "operation": "core/get", "class": "Ticket", "key": format!("SELECT Ticket WHERE id > {id}"),
            "output_fields": "id", "limit": 1, "page": 1,
        });
        Ok(self.call(Use::Read, &operation).await?.objects().next().is_some())
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
