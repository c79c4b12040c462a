//! Tickets that iTop has moved to an organization of which a caller may see nothing.
//!
//! Whoever is limited to companies sees what belongs to the organizations to which these are linked. A
//! ticket that an agent has moved to another one is another company's by then: of its control there is
//! told that its ticket cannot be seen any more, and nothing of the ticket, by no filter, order or figure
//! either.

use super::{
    TicketOfControl, as_json,
    db::{self, Connection, Value, params},
};
use crate::domain::visible::Visible;

/// The organizations of some companies of an instance.
const OWN: &str = "SELECT org_id FROM company_links
     WHERE company_key IN (SELECT value FROM json_each(?)) AND instance = ?";

/// The columns of a control `c` as they are where its ticket is hidden.
const COLUMNS: &str = "instance, control_id, company_key, received_at, org_id, replaced,
     control_words, company_words, author_words, login_words,
     iif(is_hidden, NULL, ticket_class) AS ticket_class,
     iif(is_hidden, '', ticket_status) AS ticket_status,
     iif(is_hidden, 0, ticket_open) AS ticket_open,
     iif(is_hidden, 'gone', ticket_group) AS ticket_group,
     iif(is_hidden, '', ticket_number) AS ticket_number,
     iif(is_hidden, 9, ticket_priority) AS ticket_priority,
     iif(is_hidden, '', ticket_words) AS ticket_words,
     iif(is_hidden, '', team_words) AS team_words,
     iif(is_hidden, '', agent_words) AS agent_words";

/// Whether the ticket `t` of a control is hidden, and the values that this asks for; `None` for whoever
/// sees all companies.
pub(super) fn is_hidden(visible: &Visible, control: &str) -> Option<(String, [Value; 2])> {
    let companies = visible.limits()?;
    let instance = visible.instance().map(ToString::to_string).unwrap_or_default();
    let condition = format!(
        "({control}.replaced IS NULL AND {control}.org_id IS NOT NULL
         AND {control}.org_id <> t.org_id AND t.org_id NOT IN ({OWN}))"
    );
    Some((condition, [as_json(companies).into(), instance.into()]))
}

/// The table of controls `m` as it is seen, and the values that it asks for; read by this index, if one is
/// named.
pub(super) fn controls(visible: &Visible, index: &str) -> (String, Vec<Value>) {
    match is_hidden(visible, "c") {
        None => (format!("control_tickets AS m {index}"), Vec::new()),
        Some((is_hidden, values)) => {
            let table = format!(
                "(SELECT {COLUMNS} FROM (
                     SELECT c.*, {is_hidden} AS is_hidden
                     FROM control_tickets AS c {index} CROSS JOIN tickets AS t
                         ON t.class = c.ticket_class AND t.id = c.ticket_id)) AS m"
            );
            (table, values.into())
        }
    }
}

/// Marks what of a control's ticket must not be told.
pub(super) fn mark(
    db: &Connection,
    visible: &Visible,
    found: &mut TicketOfControl,
) -> db::Result<()> {
    if let (Some(companies), true) = (visible.limits(), found.has_moved()) {
        let instance = visible.instance().map(ToString::to_string).unwrap_or_default();
        let is_own: bool = db
            .prepare_cached(&format!("SELECT ? IN ({OWN})"))?
            .query_row(params![found.ticket.status.org, as_json(companies), instance], |row| {
                row.get(0)
            })?;
        found.is_hidden = !is_own;
    }
    Ok(())
}
