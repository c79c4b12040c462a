//! A row of the board: a control and its ticket, and what its acknowledgement told.

use jiff::Timestamp;

use super::{
    TicketOfControl,
    db::{self, Connection, Row},
    foreign, time,
};
use crate::{domain::visible::Visible, store::board_search::Group};

/// A control and its ticket, as the board shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardRow {
    /// The control and its ticket.
    pub found: TicketOfControl,
    /// What the acknowledgement told that the ticket was mapped for.
    pub told: Told,
}

impl BoardRow {
    /// Marks what must not be told of its ticket.
    pub(super) fn hide_foreign(&mut self, db: &Connection, visible: &Visible) -> db::Result<()> {
        foreign::mark(db, visible, &mut self.found)?;
        if self.found.is_hidden {
            self.told.group = Group::Gone;
        }
        Ok(())
    }
}

/// What is kept of an acknowledgement beside the ticket that it brought, also when the row of the inbox is
/// gone. `None` for what it did not say, and for all that an older bridge has not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The company's name.
    pub company_name: Option<String>,
    /// The site, `id:…` or `name:…`.
    pub site_key: Option<String>,
    /// The site's name.
    pub site_name: Option<String>,
    /// `equipment`, `service` or `user_service`.
    pub element_type: Option<String>,
    /// What people call the one who acknowledged.
    pub author: Option<String>,
    /// The login of that person in ServiceNav.
    pub login: Option<String>,
    /// When it came.
    pub received_at: Timestamp,
    /// What has become of the ticket.
    pub group: Group,
}

/// What [`told`] takes of a control `m`.
pub(super) const TOLD: &str = "m.company_name, m.site_key, m.site_name, m.element_type, m.author,
     m.author_login, m.received_at, m.ticket_group";

pub(super) fn told(row: &Row<'_>) -> db::Result<Told> {
    let group: String = row.get("ticket_group")?;
    Ok(Told {
        company_name: row.get("company_name")?,
        site_key: row.get("site_key")?,
        site_name: row.get("site_name")?,
        element_type: row.get("element_type")?,
        author: row.get("author")?,
        login: row.get("author_login")?,
        received_at: time(row.get("received_at")?),
        group: Group::ALL.into_iter().find(|known| known.as_str() == group).unwrap_or(Group::Open),
    })
}
