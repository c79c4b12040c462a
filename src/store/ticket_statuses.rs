//! Keeping what iTop says of tickets, and which ticket a control points at.

use jiff::Timestamp;

use super::{
    StoreError, Term,
    board_words::Told,
    db::{self, Connection, OptionalExtension as _, named_params, params},
};
use crate::domain::{
    keys::{TicketId, TicketKey},
    ticket_status::{Presence, TicketStatus},
};

impl Term {
    /// Saves what an answer of iTop at `as_of` showed, and which tickets were missing from it. Those that
    /// look like another ticket than the one that was known are not saved, and given back, unless
    /// they were `recognised`.
    pub async fn save_statuses(
        &self,
        present: Vec<TicketStatus>,
        recognised: Recognised,
        missing: Vec<(TicketKey, Presence)>,
        as_of: Timestamp,
    ) -> Result<Vec<TicketStatus>, StoreError> {
        let as_of = as_of.as_millisecond();
        self.write(move |db| {
            let mut doubtful = Vec::new();
            for status in present {
                if !update_status(db, &status, recognised, as_of)?
                    && is_doubtful(db, &status, as_of)?
                {
                    doubtful.push(status);
                }
            }
            let mut miss = db.prepare_cached(
                "UPDATE tickets SET presence = ?3, as_of = ?4
                 WHERE class = ?1 AND id = ?2 AND as_of <= ?4",
            )?;
            for (key, presence) in &missing {
                miss.execute(params![key.class, key.id, presence.as_str(), as_of])?;
            }
            Ok(doubtful)
        })
        .await
    }
}

/// Whether tickets are known to be the same ones as before, whatever has changed of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recognised {
    /// By their markers.
    Yes,
    /// By their ids alone.
    NotYet,
}

/// Saves a ticket whether it was known or not.
pub(super) fn save_status(db: &Connection, status: &TicketStatus, as_of: i64) -> db::Result<()> {
    db.prepare_cached(
        "INSERT INTO tickets (class, id, ref, org_id, status, operational_status, title,
             presence, as_of)
         VALUES (?1, ?2, '', '', '', '', '', 'present', 0) ON CONFLICT DO NOTHING",
    )?
    .execute(params![status.key.class, status.key.id])?;
    update_status(db, status, Recognised::Yes, as_of).map(drop)
}

/// Saves a ticket if it is known: a mapping that was overwritten meanwhile has no use for it. False if
/// nothing was saved.
fn update_status(
    db: &Connection,
    status: &TicketStatus,
    recognised: Recognised,
    as_of: i64,
) -> db::Result<bool> {
    let saved = db
        .prepare_cached(
            "UPDATE tickets
             SET ref = :ref, org_id = :org, status = :status, operational_status = :operational,
                 priority = :priority, title = :title, started_at = :started,
                 last_update = :last_update, team = :team,
                 agent = :agent, presence = 'present', as_of = :as_of
             WHERE class = :class AND id = :id AND as_of <= :as_of
               AND (:recognised OR (ref = :ref AND org_id = :org AND title = :title
                   AND (started_at IS NULL OR started_at IS :started)))",
        )?
        .execute(named_params! {
            ":recognised": recognised == Recognised::Yes,
            ":started": status.started.map(Timestamp::as_millisecond),
            ":class": status.key.class, ":id": status.key.id, ":ref": status.number,
            ":org": status.org, ":status": status.status,
            ":operational": status.operational_status,
            ":priority": status.priority.map(u8::from), ":title": status.title,
            ":last_update": status.last_update.map(Timestamp::as_millisecond),
            ":team": status.team, ":agent": status.agent, ":as_of": as_of,
        })?;
    // SQLite has triggers for it.
    #[cfg(feature = "postgres")]
    if saved > 0 {
        super::postgres::follow_ticket(db, status)?;
    }
    Ok(saved > 0)
}

/// Whether a ticket that was not saved is known, and what is known is not newer: then it looks like
/// another one.
fn is_doubtful(db: &Connection, status: &TicketStatus, as_of: i64) -> db::Result<bool> {
    db.prepare_cached("SELECT 1 FROM tickets WHERE class = ?1 AND id = ?2 AND as_of <= ?3")?
        .exists(params![status.key.class, status.key.id, as_of])
}

/// iTop has just made this ticket. Where other controls point at its id, they got it before: iTop was
/// restored from its backup and gives ids anew. Their tickets are gone.
pub(super) fn replace_others(
    db: &Connection,
    acknowledgement: i64,
    ticket: &TicketKey,
) -> db::Result<()> {
    db.prepare_cached(
        "UPDATE control_tickets AS m
         SET replaced = (SELECT ref FROM tickets WHERE class = ?2 AND id = ?3)
         FROM acknowledgements AS a
         WHERE a.id = ?1 AND m.ticket_class = ?2 AND m.ticket_id = ?3 AND m.replaced IS NULL
           AND m.mapped_at < a.sent_at
           AND (m.instance, m.control_id) <> (a.instance, a.control_id)",
    )?
    .execute(params![acknowledgement, ticket.class, ticket.id])?;
    #[cfg(feature = "postgres")]
    super::postgres::follow_replaced(db, ticket)?;
    Ok(())
}

/// Points a control at a ticket; the ticket it pointed at before is forgotten if no other
/// control points there.
pub(super) fn map_control(
    db: &Connection,
    acknowledgement: i64,
    instance: &str,
    control: &str,
    ticket: &TicketKey,
    now: i64,
) -> db::Result<()> {
    let earlier: Option<(String, TicketId, Option<String>)> = db
        .prepare_cached(
            "SELECT ticket_class, ticket_id, CASE WHEN replaced IS NULL THEN marker END
             FROM control_tickets
             WHERE instance = ?1 AND control_id = ?2",
        )?
        .query_row([instance, control], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    // A further line says nothing new of which ticket it is: the first marker is the oldest entry.
    let same = earlier.as_ref().filter(|(class, id, _)| *class == ticket.class && *id == ticket.id);
    let marker = same.and_then(|(_, _, marker)| marker.as_ref());
    let told = Told::of(db, acknowledgement)?;
    match db {
        Connection::Sqlite(_) => {
            db.prepare_cached(
        "INSERT OR REPLACE INTO control_tickets (instance, control_id, control_name, company_key,
             ticket_class, ticket_id, acknowledgement_id, mapped_at, control_state,
             equipment_name, org_id, ticket_status, ticket_open, marker, by_number,
             company_name, site_key, site_name, received_at, ticket_group, ticket_number,
             ticket_priority, team_words, agent_words, ticket_words,
             element_type, author, author_login, company_words, author_words, login_words,
             control_words)
         SELECT a.instance, a.control_id, a.control_name, a.company_key, ?2, ?3, a.id, ?4,
             CASE WHEN json_valid(a.body) THEN a.body ->> '$.control.state' END,
             CASE WHEN NOT json_valid(a.body) THEN NULL
                  WHEN json_type(a.body, '$.equipment') = 'text' THEN a.body ->> '$.equipment'
                  ELSE a.body ->> '$.equipment.name' END,
             t.org_id, t.status,
             t.presence = 'present' AND t.operational_status NOT IN ('resolved', 'closed'),
             CASE WHEN a.state = 'created' THEN a.marker ELSE coalesce(?5, a.marker) END,
             a.state <> 'created' AND (?5 IS NULL
                 OR json_valid(a.body) AND a.body ->> '$.ticket.existing_ref' IS NOT NULL),
             a.company_name, a.site_key, a.site_name, a.received_at,
             CASE WHEN t.presence <> 'present' THEN 'gone'
                  WHEN t.operational_status IN ('resolved', 'closed') THEN t.operational_status
                  ELSE 'open' END,
             t.ref, coalesce(t.priority, 9), searchable(t.team), searchable(t.agent),
             searchable(concat_ws(' ', t.ref, t.title, t.team, t.agent)),
             ?6, ?7, ?8, ?9, ?10, ?11, ?12
         FROM acknowledgements AS a CROSS JOIN tickets AS t
         WHERE a.id = ?1 AND t.class = ?2 AND t.id = ?3",
    )?
    .execute(params![
        acknowledgement,
        ticket.class,
        ticket.id,
        now,
        marker,
        told.element_type,
        told.author,
        told.login,
        told.company_words,
        told.author_words,
        told.login_words,
        told.control_words,
    ])?;
        }
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => {
            super::postgres::map_control(db, acknowledgement, ticket, (now, marker), &told)?;
        }
    }
    if let Some((class, id, ..)) = earlier {
        db.prepare_cached(
            "DELETE FROM tickets WHERE class = ?1 AND id = ?2 AND NOT EXISTS (
                 SELECT 1 FROM control_tickets WHERE ticket_class = ?1 AND ticket_id = ?2)",
        )?
        .execute(params![class, id])?;
    }
    Ok(())
}
