//! Which ticket each control has, and what is known of it.

use jiff::Timestamp;

use super::{
    InboxRow, Store, StoreError, as_json,
    db::{self, OptionalExtension as _, Row, params},
    foreign, inbox_query, time,
};
use crate::domain::{
    desk_name::DeskName,
    keys::{ControlId, Instance, OrgId, TicketKey},
    marker::Marker,
    priority::Priority,
    ticket_status::{Identity, Presence, TicketStatus},
    visible::Visible,
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
    /// The name of its equipment then, if it has one.
    pub equipment_name: Option<String>,
    /// The organization that the ticket had then, if that is known.
    pub org: Option<OrgId>,
    /// By what the ticket is known again.
    pub identity: Identity,
    /// The number of the ticket, where iTop has given its id to another one since.
    pub replaced: Option<String>,
}

impl Mapping {
    /// Whether the control is among what is seen.
    #[must_use]
    pub fn is_among(&self, visible: &Visible) -> bool {
        visible.contains(&self.instance, Some(&self.company_key))
    }
}

/// A ticket with the age of what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownTicket {
    /// What the last answer said.
    pub status: TicketStatus,
    /// Whether it was in that answer.
    pub presence: Presence,
    /// When that answer came, by [`Clock::at_latest`](crate::clock::Clock::at_latest).
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

/// Tickets that change soon, and those that hardly ever do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Work on it goes on.
    Open,
    /// Resolved or closed, or missing from the last answer.
    Ended,
}

/// A control and its ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketOfControl {
    /// The control.
    pub mapping: Mapping,
    /// The ticket.
    pub ticket: KnownTicket,
    /// Whether nothing of the ticket may be told to whom it was read for: it belongs to an organization of
    /// which they see nothing.
    pub is_hidden: bool,
}

impl TicketOfControl {
    /// Whether the ticket has been moved to another organization since the control got it.
    #[must_use]
    pub fn has_moved(&self) -> bool {
        self.mapping.org.as_ref().is_some_and(|org| *org != self.ticket.status.org)
    }

    /// Whether it is the ticket that this acknowledgement got.
    #[must_use]
    pub fn is_that_of(&self, row: &InboxRow) -> bool {
        row.ticket.as_ref().is_some_and(|(key, _)| *key == self.ticket.status.key)
    }
}

/// What is stored of some controls.
#[derive(Clone, Debug, Default)]
pub struct Controls {
    /// Their tickets, in no order.
    pub tickets: Vec<TicketOfControl>,
    /// Of each the newest acknowledgement, and the newest one that asks for something, in no order.
    pub rows: Vec<InboxRow>,
}

/// What [`row`] takes of a control `m` and its ticket `t`.
pub(super) const COLUMNS: &str = "m.instance, m.control_id, m.control_name, m.company_key,
     m.acknowledgement_id, m.control_state, m.equipment_name, m.org_id AS mapped_org, m.marker,
     m.by_number, m.replaced, t.class, t.id, t.ref, t.started_at,
     t.org_id, t.status, t.operational_status,
     t.priority, t.title, t.last_update, t.team, t.agent, t.presence, t.as_of";

/// The control's own ticket.
pub(super) const ITS_TICKET: &str = "t.class = m.ticket_class AND t.id = m.ticket_id";

impl Store {
    /// The ticket of a control, if it is seen.
    pub async fn ticket_of_control(
        &self,
        instance: &Instance,
        control: &ControlId,
        visible: &Visible,
    ) -> Result<Option<TicketOfControl>, StoreError> {
        let key = [instance.to_string(), control.to_string()];
        let seen = visible.clone();
        let found = self.read(move |db| {
            let sql = format!(
                "SELECT {COLUMNS} FROM control_tickets AS m JOIN tickets AS t ON {ITS_TICKET}
                 WHERE m.instance = ?1 AND m.control_id = ?2"
            );
            let mut select = db.prepare_cached(&sql)?;
            let mut found = select.query_row(params![key[0], key[1]], row).optional()?;
            if let Some(found) = &mut found {
                foreign::mark(db, &seen, found)?;
            }
            Ok(found)
        });
        Ok(found.await?.filter(|found| found.mapping.is_among(visible)))
    }

    /// What is stored and seen of many controls of one instance, all of it at one moment: what moves from the
    /// inbox to a ticket meanwhile is in neither place or in both otherwise.
    pub async fn controls(
        &self,
        instance: &Instance,
        controls: &[ControlId],
        visible: &Visible,
    ) -> Result<Controls, StoreError> {
        let visible = visible.in_instance(instance);
        let instance = instance.to_string();
        let controls = as_json(controls);
        self.read(move |db| {
            let snapshot = db.snapshot()?;
            let sql = format!(
                "SELECT {COLUMNS} FROM control_tickets AS m JOIN tickets AS t ON {ITS_TICKET}
                 WHERE m.instance = ?1 AND m.control_id IN (SELECT value FROM json_each(?2))"
            );
            let mut select = snapshot.prepare_cached(&sql)?;
            let mut tickets: Vec<TicketOfControl> =
                select.query_map(params![instance, controls], row)?.collect::<Result<_, _>>()?;
            tickets.retain(|found| found.mapping.is_among(&visible));
            for found in &mut tickets {
                foreign::mark(&snapshot, &visible, found)?;
            }
            let rows = inbox_query::of_controls(&snapshot, &instance, &controls, &visible)?;
            Ok(Controls { tickets, rows })
        })
        .await
    }

    /// The tickets of these ticket systems whose status is older than `before`, stalest first.
    pub async fn stale_tickets(
        &self,
        life: Life,
        of: &[DeskName],
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<AgedTicket>, StoreError> {
        if of.is_empty() {
            return Ok(Vec::new());
        }
        let sql = stale_sql(life, of);
        self.read(move |db| {
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

    /// Every control that one of these tickets is mapped to, with what is known of the ticket.
    pub async fn controls_of_tickets(
        &self,
        tickets: Vec<TicketKey>,
    ) -> Result<Vec<TicketOfControl>, StoreError> {
        self.read(move |db| {
            let mut select = db.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM control_tickets AS m JOIN tickets AS t ON {ITS_TICKET}
                 WHERE m.ticket_class = ?1 AND m.ticket_id = ?2 AND m.replaced IS NULL"
            ))?;
            let mut found = Vec::new();
            for key in tickets {
                for mapped in select.query_map(params![key.class, key.id], row)? {
                    found.push(mapped?);
                }
            }
            Ok(found)
        })
        .await
    }
}

/// What asks for the tickets of some ticket systems that are old.
fn stale_sql(life: Life, of: &[DeskName]) -> String {
    // SQLite uses a partial index only where a query states the very same condition.
    let condition = match life {
        Life::Open => "presence = 'present' AND operational_status NOT IN ('resolved', 'closed')",
        Life::Ended => "(presence <> 'present' OR operational_status IN ('resolved', 'closed'))",
    };
    // Tickets of all the others would take the room of those that are asked for.
    let classes = || {
        let classes =
            DeskName::ALL.into_iter().filter_map(DeskName::class).map(|class| format!("'{class}'"));
        classes.collect::<Vec<_>>().join(", ")
    };
    // With a sign, by which no index of classes is taken for it: all of a class would be sorted by age.
    let of_desk = |desk: &DeskName| match desk.class() {
        Some(class) => format!("+class = '{class}'"),
        None => format!("+class NOT IN ({})", classes()),
    };
    let of: Vec<_> = of.iter().map(of_desk).collect();
    let of = match of.len() {
        all if all == DeskName::ALL.len() => String::new(),
        _ => format!("AND ({})", of.join(" OR ")),
    };
    format!(
        "SELECT class, id, org_id, as_of FROM tickets
         WHERE as_of < ?1 AND {condition} {of} ORDER BY as_of LIMIT ?2"
    )
}

pub(super) fn row(row: &Row<'_>) -> db::Result<TicketOfControl> {
    let presence: String = row.get("presence")?;
    let marker: Option<String> = row.get("marker")?;
    let replaced: Option<String> = row.get("replaced")?;
    let mut found = TicketOfControl {
        mapping: Mapping {
            instance: row.get("instance")?,
            control_id: row.get("control_id")?,
            control_name: row.get("control_name")?,
            company_key: row.get("company_key")?,
            acknowledgement_id: row.get("acknowledgement_id")?,
            control_state: row.get("control_state")?,
            equipment_name: row.get("equipment_name")?,
            identity: Identity {
                marker: marker.and_then(|digits| Marker::from_digits(&digits)),
                by_number: row.get("by_number")?,
            },
            replaced,
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
                started: row.get::<_, Option<i64>>("started_at")?.map(time),
                last_update: row.get::<_, Option<i64>>("last_update")?.map(time),
                team: row.get("team")?,
                agent: row.get("agent")?,
            },
            presence: Presence::parse(&presence).unwrap_or(Presence::NotVisible),
            as_of: time(row.get("as_of")?),
        },
        is_hidden: false,
    };
    if let Some(number) = &found.mapping.replaced {
        // What has its id now is no business of this control's, and may be another company's.
        let key = found.ticket.status.key;
        let org = found.mapping.org.clone().unwrap_or_default();
        found.ticket.status = TicketStatus::gone(key, number.clone(), org);
        found.ticket.presence = Presence::Deleted;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{inbox_query::tests::plan, migrate::tests::empty};

    #[test]
    fn old_tickets_of_some_desks_are_walked_in_the_index_of_their_age() {
        let db = empty();
        let all = DeskName::ALL;
        for (life, index) in [(Life::Open, "tickets_open"), (Life::Ended, "tickets_ended")] {
            for of in [&all[..], &all[..1], &all[1..]] {
                let plan = plan(&db, &stale_sql(life, of), vec![1.into(), 2.into()]);
                assert_eq!(plan, format!("SEARCH tickets USING INDEX {index} (as_of<?)"), "{of:?}");
            }
        }
        assert!(!stale_sql(Life::Open, &all).contains("+class"));
    }
}
