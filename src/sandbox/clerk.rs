//! What people do with tickets in iTop itself: the buttons of the ticket page, and tests.

use jiff::SignedDuration;
use rusqlite::OptionalExtension as _;
use serde_json::{Map, Value, json};

use super::{
    Itop, SandboxError, classes, login,
    session::{Found, Refusal, Session},
    write,
};

impl Itop {
    /// Applies a stimulus as an agent would, who fills in what the next state demands.
    pub(super) fn apply_stimulus(
        &self,
        class: &str,
        id: i64,
        stimulus: &str,
    ) -> Result<(), SandboxError> {
        let class = self.ticket_class(class)?;
        let mut database = self.database.lock();
        let transaction = database.transaction()?;
        let ticket: Option<(i64, i64)> = transaction
            .query_row(
                "SELECT team_id, service_id FROM base_ticket WHERE id = ? AND finalclass = ?",
                (id, class.name),
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        let (team, service) =
            ticket.ok_or_else(|| SandboxError::NoSuchTicket(class.name.to_owned(), id))?;
        let session = Session {
            database: &transaction,
            flavour: self.options.flavour,
            user: login::clerk(),
            now: self.now(SignedDuration::ZERO),
            read_only: false,
            without_incidents: false,
            loses_logs: false,
        };
        let found = Found { class: class.name.to_owned(), id };
        let applied = write::apply_stimulus(
            &session,
            class,
            &found,
            stimulus,
            &form(stimulus, team, service),
        );
        drop(session);
        applied.map_err(|refusal| match refusal {
            Refusal::Thrown(_, message) | Refusal::Verdict(_, message) => {
                SandboxError::Refused(message)
            }
        })?;
        Ok(transaction.commit()?)
    }

    /// Deletes a ticket, as an administrator can.
    pub(super) fn delete_ticket(&self, class: &str, id: i64) -> Result<(), SandboxError> {
        let class = self.ticket_class(class)?;
        let mut database = self.database.lock();
        let transaction = database.transaction()?;
        let deleted = transaction
            .execute("DELETE FROM base_ticket WHERE id = ? AND finalclass = ?", (id, class.name))?;
        if deleted == 0 {
            return Err(SandboxError::NoSuchTicket(class.name.to_owned(), id));
        }
        transaction.execute("DELETE FROM base_ticket_ci WHERE ticket_id = ?", [id])?;
        Ok(transaction.commit()?)
    }

    fn ticket_class(&self, name: &str) -> Result<&'static classes::Class, SandboxError> {
        classes::find(self.options.flavour, name)
            .filter(|class| class.is_ticket() && !class.is_abstract())
            .ok_or_else(|| SandboxError::Refused(format!("'{name}' is not a class of tickets")))
    }
}

/// What the next state demands; team Helpdesk and the first service where the ticket has none.
fn form(stimulus: &str, team: i64, service: i64) -> Map<String, Value> {
    let fields = match stimulus {
        "ev_assign" | "ev_reassign" => {
            json!({ "team_id": if team == 0 { 37 } else { team }, "agent_id": 12 })
        }
        "ev_pending" => json!({ "pending_reason": "Waiting for a spare part" }),
        "ev_resolve" => json!({
            "service_id": if service == 0 { 1 } else { service },
            "resolution_code": "other",
            "solution": "Repaired",
        }),
        "ev_close" => json!({ "user_satisfaction": "1" }),
        _ => json!({}),
    };
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
