//! Companies that move to another ticket system, and the way back: links and tickets of controls in one commit, in
//! which what was before is kept.

mod back;
mod forth;

pub use back::{CaseSince, Returned};
pub use forth::{NewTicketOf, Switched};

use super::{
    Store, StoreError,
    db::{self, Connection, OptionalExtension as _, named_params, params},
    hold,
};
use crate::domain::{
    desk_name::DeskName,
    keys::{OrgId, TicketKey},
};

/// A control whose ticket is in another ticket system than one that its company could move to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketElsewhere {
    /// The instance of the control.
    pub instance: String,
    /// The control.
    pub control: String,
    /// Its company, `id:…` or `name:…`.
    pub company: String,
    /// The ticket.
    pub ticket: TicketKey,
    /// Its number.
    pub number: String,
    /// The organization that it had when the control got it.
    pub org: OrgId,
}

/// What a move came to that may only be made while deliveries are held and nothing is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moving<T> {
    /// Deliveries are not held, and nothing was changed.
    NotHeld,
    /// So many rows have no clear outcome yet, and nothing was changed.
    Unsettled(u64),
    /// It was made; of a dry run, it would be.
    Made(T),
}

impl Store {
    /// The controls whose tickets are not in this ticket system, in the order of their instances and ids. What iTop
    /// has given to another ticket since is none of theirs.
    pub async fn tickets_elsewhere(
        &self,
        than: DeskName,
    ) -> Result<Vec<TicketElsewhere>, StoreError> {
        let class = than.class().unwrap_or_default();
        self.read(move |db| {
            db.prepare_cached(
                "SELECT m.instance, m.control_id, m.company_key, m.ticket_class, m.ticket_id, t.ref,
                        coalesce(m.org_id, t.org_id)
                 FROM control_tickets AS m JOIN tickets AS t
                     ON t.class = m.ticket_class AND t.id = m.ticket_id
                 WHERE m.ticket_class <> ?1 AND m.replaced IS NULL
                 ORDER BY m.instance, m.control_id",
            )?
            .query_map([class], |row| {
                Ok(TicketElsewhere {
                    instance: row.get(0)?,
                    control: row.get(1)?,
                    company: row.get(2)?,
                    ticket: TicketKey { class: row.get(3)?, id: row.get(4)? },
                    number: row.get(5)?,
                    org: row.get(6)?,
                })
            })?
            .collect()
        })
        .await
    }
}

/// Why nothing may be moved now.
fn hindered<T>(db: &Connection) -> db::Result<Option<Moving<T>>> {
    if hold::held(db)?.is_none() {
        return Ok(Some(Moving::NotHeld));
    }
    Ok(Some(hold::unsettled(db)?).filter(|rows| *rows > 0).map(Moving::Unsettled))
}

/// The ticket of a control, unless iTop has given it to another one since.
fn ticket_of(
    db: &Connection,
    instance: &str,
    control: &str,
) -> db::Result<Option<(TicketKey, String)>> {
    db.prepare_cached(
        "SELECT ticket_class, ticket_id, company_key FROM control_tickets
         WHERE instance = ?1 AND control_id = ?2 AND replaced IS NULL",
    )?
    .query_row([instance, control], |row| {
        Ok((TicketKey { class: row.get(0)?, id: row.get(1)? }, row.get(2)?))
    })
    .optional()
}

/// By what the ticket of a control is known, and since when.
struct Known {
    org: Option<OrgId>,
    marker: Option<String>,
    by_number: bool,
    mapped_at: i64,
}

/// Points a control at another ticket that is known; what it was told of stays. The ticket that it had is forgotten
/// if no other control has it.
fn point_at(
    db: &Connection,
    (instance, control): (&str, &str),
    (from, to): (&TicketKey, &TicketKey),
    known: &Known,
) -> db::Result<()> {
    match db {
        Connection::Sqlite(_) => {
            // Not an update: what has changed is told by what is put there.
            db.prepare_cached(
        "INSERT OR REPLACE INTO control_tickets (instance, control_id, control_name, company_key,
             ticket_class, ticket_id, acknowledgement_id, mapped_at, control_state,
             equipment_name, org_id, ticket_status, ticket_open, marker, by_number,
             company_name, site_key, site_name, received_at, ticket_group, ticket_number,
             ticket_priority, team_words, agent_words, ticket_words,
             element_type, author, author_login, company_words, author_words, login_words,
             control_words)
         SELECT m.instance, m.control_id, m.control_name, m.company_key, t.class, t.id,
             m.acknowledgement_id, :mapped_at, m.control_state, m.equipment_name, :org, t.status,
             t.presence = 'present' AND t.operational_status NOT IN ('resolved', 'closed'),
             :marker, :by_number, m.company_name, m.site_key, m.site_name, m.received_at,
             CASE WHEN t.presence <> 'present' THEN 'gone'
                  WHEN t.operational_status IN ('resolved', 'closed') THEN t.operational_status
                  ELSE 'open' END,
             t.ref, coalesce(t.priority, 9), searchable(t.team), searchable(t.agent),
             searchable(concat_ws(' ', t.ref, t.title, t.team, t.agent)),
             m.element_type, m.author, m.author_login, m.company_words, m.author_words,
             m.login_words, m.control_words
         FROM control_tickets AS m CROSS JOIN tickets AS t
         WHERE m.instance = :instance AND m.control_id = :control
           AND t.class = :class AND t.id = :id",
    )?
    .execute(named_params! {
        ":instance": instance, ":control": control, ":class": to.class, ":id": to.id,
        ":mapped_at": known.mapped_at, ":org": known.org, ":marker": known.marker,
        ":by_number": known.by_number,
    })?;
        }
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => {
            let Known { org, marker, by_number, mapped_at } = known;
            let known = (org.as_ref(), marker.as_deref(), *by_number, *mapped_at);
            super::postgres::point_at(db, (instance, control), to, known)?;
        }
    }
    db.prepare_cached(
        "DELETE FROM tickets WHERE class = ?1 AND id = ?2 AND NOT EXISTS (
             SELECT 1 FROM control_tickets WHERE ticket_class = ?1 AND ticket_id = ?2)",
    )?
    .execute(params![from.class, from.id])
    .map(drop)
}
