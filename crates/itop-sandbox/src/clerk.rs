//! The buttons of the ticket page.

use rusqlite::OptionalExtension as _;
use serde_json::{Map, Value, json};

use super::{Itop, SandboxError, classes, refusal::Refusal, session::Found, write};

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
        let team: Option<i64> = transaction
            .query_row(
                "SELECT team_id FROM base_ticket WHERE id = ? AND finalclass = ?",
                (id, class.name),
                |row| row.get(0),
            )
            .optional()?;
        let team = team.ok_or_else(|| SandboxError::NoSuchObject(class.name.to_owned(), id))?;
        self.as_administrator(&transaction, |session| {
            let found = Found { class: class.name.to_owned(), id };
            write::apply_stimulus(session, class, found, stimulus, &form(stimulus, team))
                .and_then(|pending| pending.store(session))
                .map_err(refused)
        })?;
        Ok(transaction.commit()?)
    }

    fn ticket_class(&self, name: &str) -> Result<&'static classes::Class, SandboxError> {
        classes::find(self.options.flavour, name)
            .filter(|class| class.is_ticket() && !class.is_abstract())
            .ok_or_else(|| SandboxError::Refused(format!("'{name}' is not a class of tickets")))
    }
}

pub(super) fn refused(refusal: Refusal) -> SandboxError {
    SandboxError::Refused(match refusal {
        Refusal::Thrown(_, message) | Refusal::Verdict(_, message) => message,
        Refusal::Crashed => "iTop has crashed".to_owned(),
    })
}

/// What the next state demands; team Helpdesk where the ticket has none.
fn form(stimulus: &str, team: i64) -> Map<String, Value> {
    let fields = match stimulus {
        "ev_assign" | "ev_reassign" => {
            json!({ "team_id": if team == 0 { 37 } else { team }, "agent_id": 12 })
        }
        "ev_pending" => json!({ "pending_reason": "Waiting for a spare part" }),
        "ev_resolve" => json!({
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
