//! Which ticket each control has, and what is known of it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use super::{Store, StoreError, as_json, time};
use crate::domain::{
    keys::{ControlId, Instance, OrgId, TicketId, TicketKey},
    priority::Priority,
    ticket_status::{Presence, TicketStatus},
};

/// The control side of a control's ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The instance of the control.
    pub instance: String,
    /// The control.
    pub control_id: String,
    /// Its name.
    pub control_name: String,
    /// The company it belongs to, `id:…` or `name:…`.
    pub company_key: String,
    /// The acknowledgement that brought the ticket.
    pub acknowledgement_id: i64,
    /// The state of the control then, as it was sent.
    pub control_state: Option<String>,
    /// The organization that the ticket had then, if that is known.
    pub org: Option<OrgId>,
}

/// A ticket with the age of what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownTicket {
    /// What the last answer said.
    pub status: TicketStatus,
    /// Whether it was in that answer.
    pub presence: Presence,
    /// When that answer came.
    pub as_of: Timestamp,
}

impl KnownTicket {
    /// The ticket and how old what is known of it is.
    #[must_use]
    pub fn aged(&self) -> AgedTicket {
        AgedTicket { key: self.status.key.clone(), org: self.status.org.clone(), as_of: self.as_of }
    }
}

/// A ticket and how old what is known of it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgedTicket {
    /// The ticket.
    pub key: TicketKey,
    /// The organization it belongs to.
    pub org: OrgId,
    /// When the last answer about it came.
    pub as_of: Timestamp,
}

/// Tickets that change soon, and those that hardly ever do. One that is gone is neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Work on it goes on.
    Open,
    /// Resolved or closed.
    Ended,
}

/// A control and its ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketOfControl {
    /// The control.
    pub mapping: Mapping,
    /// The ticket.
    pub ticket: KnownTicket,
}

impl TicketOfControl {
    /// Whether the ticket has been moved to another organization since the control got it.
    #[must_use]
    pub fn has_moved(&self) -> bool {
        self.mapping.org.as_ref().is_some_and(|org| *org != self.ticket.status.org)
    }
}

/// What [`row`] takes of a control `m` and its ticket `t`.
pub(super) const COLUMNS: &str = "m.instance, m.control_id, m.control_name, m.company_key,
     m.acknowledgement_id, m.control_state, m.org_id AS mapped_org, t.class, t.id, t.ref,
     t.org_id, t.status, t.operational_status,
     t.priority, t.title, t.last_update, t.team, t.agent, t.presence, t.as_of";

/// The control's own ticket.
pub(super) const ITS_TICKET: &str = "t.class = m.ticket_class AND t.id = m.ticket_id";

impl Store {
    /// The ticket of a control.
    pub async fn ticket_of_control(
        &self,
        instance: &Instance,
        control: &ControlId,
    ) -> Result<Option<TicketOfControl>, StoreError> {
        let key = [instance.to_string(), control.to_string()];
        self.read(move |db| {
            let sql = format!(
                "SELECT {COLUMNS} FROM control_tickets AS m JOIN tickets AS t ON {ITS_TICKET}
                 WHERE m.instance = ?1 AND m.control_id = ?2"
            );
            db.prepare_cached(&sql)?.query_row(params![key[0], key[1]], row).optional()
        })
        .await
    }

    /// The tickets of many controls of one instance, in no order; unknown controls are left out.
    pub async fn tickets_of_controls(
        &self,
        instance: &Instance,
        controls: &[ControlId],
    ) -> Result<Vec<TicketOfControl>, StoreError> {
        let instance = instance.to_string();
        let controls = as_json(controls);
        self.read(move |db| {
            let sql = format!(
                "SELECT {COLUMNS} FROM control_tickets AS m JOIN tickets AS t ON {ITS_TICKET}
                 WHERE m.instance = ?1 AND m.control_id IN (SELECT value FROM json_each(?2))"
            );
            db.prepare_cached(&sql)?.query_map(params![instance, controls], row)?.collect()
        })
        .await
    }

    /// The tickets whose status is older than `before`, stalest first.
    pub async fn stale_tickets(
        &self,
        life: Life,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<AgedTicket>, StoreError> {
        // SQLite uses a partial index only where a query states the very same condition.
        let condition = match life {
            Life::Open => {
                "presence = 'present' AND operational_status NOT IN ('resolved', 'closed')"
            }
            Life::Ended => "presence = 'present' AND operational_status IN ('resolved', 'closed')",
        };
        self.read(move |db| {
            let sql = format!(
                "SELECT class, id, org_id, as_of FROM tickets
                 WHERE as_of < ?1 AND {condition} ORDER BY as_of LIMIT ?2"
            );
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            db.prepare_cached(&sql)?
                .query_map(params![before.as_millisecond(), limit], |row| {
                    Ok(AgedTicket {
                        key: TicketKey { class: row.get(0)?, id: row.get(1)? },
                        org: row.get(2)?,
                        as_of: time(row.get(3)?),
                    })
                })?
                .collect()
        })
        .await
    }

    /// Saves what an answer of iTop at `as_of` showed, and which tickets were missing from it.
    pub async fn save_statuses(
        &self,
        present: Vec<TicketStatus>,
        missing: Vec<(TicketKey, Presence)>,
        as_of: Timestamp,
    ) -> Result<(), StoreError> {
        let as_of = as_of.as_millisecond();
        self.write(move |db| {
            for status in &present {
                update_status(db, status, as_of)?;
            }
            let mut miss = db.prepare_cached(
                "UPDATE tickets SET presence = ?3, as_of = ?4
                 WHERE class = ?1 AND id = ?2 AND as_of <= ?4",
            )?;
            for (key, presence) in &missing {
                miss.execute(params![key.class, key.id, presence.as_str(), as_of])?;
            }
            Ok(())
        })
        .await
    }
}

/// Saves a ticket whether it was known or not.
pub(super) fn save_status(
    db: &Connection,
    status: &TicketStatus,
    as_of: i64,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO tickets (class, id, ref, org_id, status, operational_status, title,
             presence, as_of)
         VALUES (?1, ?2, '', '', '', '', '', 'present', 0) ON CONFLICT DO NOTHING",
    )?
    .execute(params![status.key.class, status.key.id])?;
    update_status(db, status, as_of)
}

/// Saves a ticket if it is known: a mapping that was overwritten meanwhile has no use for it.
fn update_status(db: &Connection, status: &TicketStatus, as_of: i64) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE tickets
         SET ref = :ref, org_id = :org, status = :status, operational_status = :operational,
             priority = :priority, title = :title, last_update = :last_update, team = :team,
             agent = :agent, presence = 'present', as_of = :as_of
         WHERE class = :class AND id = :id AND as_of <= :as_of",
    )?
    .execute(named_params! {
        ":class": status.key.class, ":id": status.key.id, ":ref": status.number,
        ":org": status.org, ":status": status.status,
        ":operational": status.operational_status,
        ":priority": status.priority.map(u8::from), ":title": status.title,
        ":last_update": status.last_update.map(Timestamp::as_millisecond),
        ":team": status.team, ":agent": status.agent, ":as_of": as_of,
    })?;
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
) -> rusqlite::Result<()> {
    let earlier: Option<(String, TicketId)> = db
        .prepare_cached(
            "SELECT ticket_class, ticket_id FROM control_tickets
             WHERE instance = ?1 AND control_id = ?2",
        )?
        .query_row([instance, control], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    db.prepare_cached(
        "INSERT OR REPLACE INTO control_tickets (instance, control_id, control_name, company_key,
             ticket_class, ticket_id, acknowledgement_id, mapped_at, control_state, org_id,
             ticket_status, ticket_open)
         SELECT a.instance, a.control_id, a.control_name, a.company_key, ?2, ?3, a.id, ?4,
             CASE WHEN json_valid(a.body) THEN a.body ->> '$.control.state' END,
             t.org_id, t.status,
             t.presence = 'present' AND t.operational_status NOT IN ('resolved', 'closed')
         FROM acknowledgements AS a CROSS JOIN tickets AS t
         WHERE a.id = ?1 AND t.class = ?2 AND t.id = ?3",
    )?
    .execute(params![acknowledgement, ticket.class, ticket.id, now])?;
    if let Some((class, id)) = earlier {
        db.prepare_cached(
            "DELETE FROM tickets WHERE class = ?1 AND id = ?2 AND NOT EXISTS (
                 SELECT 1 FROM control_tickets WHERE ticket_class = ?1 AND ticket_id = ?2)",
        )?
        .execute(params![class, id])?;
    }
    Ok(())
}

pub(super) fn row(row: &Row<'_>) -> rusqlite::Result<TicketOfControl> {
    let presence: String = row.get("presence")?;
    Ok(TicketOfControl {
        mapping: Mapping {
            instance: row.get("instance")?,
            control_id: row.get("control_id")?,
            control_name: row.get("control_name")?,
            company_key: row.get("company_key")?,
            acknowledgement_id: row.get("acknowledgement_id")?,
            control_state: row.get("control_state")?,
            org: row.get("mapped_org")?,
        },
        ticket: KnownTicket {
            status: TicketStatus {
                key: TicketKey { class: row.get("class")?, id: row.get("id")? },
                number: row.get("ref")?,
                org: row.get("org_id")?,
                status: row.get("status")?,
                operational_status: row.get("operational_status")?,
                priority: row
                    .get::<_, Option<u8>>("priority")?
                    .and_then(|number| Priority::try_from(number).ok()),
                title: row.get("title")?,
                last_update: row.get::<_, Option<i64>>("last_update")?.map(time),
                team: row.get("team")?,
                agent: row.get("agent")?,
            },
            presence: Presence::parse(&presence).unwrap_or(Presence::NotVisible),
            as_of: time(row.get("as_of")?),
        },
    })
}
