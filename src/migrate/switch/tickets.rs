//! The tickets of controls, by the Cases that they have become.

use std::collections::HashMap;

use serde_json::json;

use super::{Asked, ControlLeft, Standing, Ticket, links::There};
use crate::migrate::{mapping::Mapping, staging::ledger::Ledger};

/// The object of tickets.
const CASE: &str = "Case";

/// Asks for the tickets of the controls whose companies will be there.
pub(super) fn of(
    ledger: &Ledger<'_>,
    mapping: &Mapping,
    standing: &Standing,
    there: &There,
    asked: &mut Asked,
) -> rusqlite::Result<()> {
    let mut accounts = HashMap::new();
    for ticket in &standing.tickets {
        if !there.contains(&(ticket.instance.clone(), ticket.company.clone())) {
            continue;
        }
        let account = if let Some(known) = accounts.get(&ticket.organization) {
            Option::clone(known)
        } else {
            let account = match ticket.organization.parse() {
                Ok(id) => ledger.record("Organization", id)?,
                Err(_) => None,
            };
            accounts.insert(ticket.organization.clone(), account.clone());
            account
        };
        let case = match (mapping.class(&ticket.class).and_then(|class| class.target()), &account) {
            (_, None) => Err("its organization has no Account".to_owned()),
            (Some(CASE), Some(_)) => case_of(ledger, ticket)?,
            (Some(object), _) => Err(format!("its class becomes {object}, which is no Case")),
            (None, _) => Err("its class is not moved".to_owned()),
        };
        let (instance, control) = (ticket.instance.clone(), ticket.control.clone());
        let (class, id) = (ticket.class.clone(), ticket.id.clone());
        match case {
            Ok(case) => asked.tickets.push(json!({
                "instance": instance, "control": control, "class": class, "id": id,
                "case": case, "account": account,
            })),
            Err(why) => {
                let why = format!("{}: {why}", ticket.number);
                asked.controls_left.push(ControlLeft { instance, control, class, id, why });
            }
        }
    }
    Ok(())
}

/// The Case of a ticket, or why it has none.
fn case_of(ledger: &Ledger<'_>, ticket: &Ticket) -> rusqlite::Result<Result<String, String>> {
    let Ok(id) = ticket.id.parse() else { return Ok(Err("its id is no number".to_owned())) };
    if let Some(case) = ledger.record(&ticket.class, id)? {
        return Ok(Ok(case));
    }
    Ok(Err(match ledger.failure(&ticket.class, id)? {
        Some((code, reason)) => format!("it did not go: {code}: {reason}"),
        None => "it has no Case: the mapping leaves it out, or iTop no longer has it".to_owned(),
    }))
}
