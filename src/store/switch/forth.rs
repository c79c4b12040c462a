//! Companies move: their links, and the tickets of their controls.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    super::{
        Store, StoreError,
        company_links::{COLUMNS, company_of, desks_of, one, parts, put},
        db::{self, Connection, params},
        ticket_statuses::save_status,
    },
    Known, Moving, hindered, point_at, ticket_of,
};
use crate::domain::{
    company_link::CompanyLink, desk_name::DeskName, keys::TicketKey, ticket_status::TicketStatus,
};

/// A ticket that a control is given instead of the one that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTicketOf {
    /// The instance of the control.
    pub instance: String,
    /// The control.
    pub control: String,
    /// The one that it has.
    pub from: TicketKey,
    /// The one that it is given.
    pub to: TicketStatus,
}

/// What has moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Switched {
    /// How many links.
    pub links: u64,
    /// How many controls.
    pub controls: u64,
    /// Companies whose links are others than were asked for by now, which stay where they are: instance and key.
    pub changed: BTreeSet<(String, String)>,
    /// Places of tickets that were left: their controls have others by now, or their companies stay where they are.
    pub left: Vec<usize>,
}

impl Store {
    /// Moves companies, whole or not at all: `links` are all that they have. A control moves only where its company
    /// has its links there, now or from before. `as_of` is when the tickets were read.
    pub async fn switch(
        &self,
        links: Vec<CompanyLink>,
        tickets: Vec<NewTicketOf>,
        (to, as_of): (DeskName, Timestamp),
        by: &str,
        dry_run: bool,
    ) -> Result<Moving<Switched>, StoreError> {
        let (now, by) = (self.now_millis(), by.to_owned());
        let companies: BTreeSet<_> = links.iter().map(|link| company_of(&link.key)).collect();
        let done = self
            .write(move |db| {
                if !dry_run && let Some(hindered) = hindered(db)? {
                    return Ok(hindered);
                }
                let mut switched = Switched::default();
                let mut moved = BTreeSet::new();
                for company in companies {
                    let of_it = links.iter().filter(|link| company_of(&link.key) == company);
                    let of_it: Vec<_> = of_it.cloned().collect();
                    match move_links(db, &company, of_it, &by, (!dry_run).then_some(now))? {
                        Some(links) => {
                            switched.links += links;
                            moved.insert(company);
                        }
                        None => {
                            switched.changed.insert(company);
                        }
                    }
                }
                for (place, ticket) in tickets.iter().enumerate() {
                    let asked = (!dry_run).then_some((now, as_of.as_millisecond()));
                    if move_ticket(db, ticket, (&moved, to), asked)? {
                        switched.controls += 1;
                    } else {
                        switched.left.push(place);
                    }
                }
                Ok(Moving::Made((switched, moved)))
            })
            .await?;
        let (switched, moved) = match done {
            Moving::Made(made) => made,
            Moving::NotHeld => return Ok(Moving::NotHeld),
            Moving::Unsettled(rows) => return Ok(Moving::Unsettled(rows)),
        };
        if !dry_run {
            self.release_companies(moved.into_iter().collect()).await;
        }
        Ok(Moving::Made(switched))
    }
}

/// Puts the links of a company, if these are all that it has; `None` if they are not. Without a time it is only
/// looked at.
fn move_links(
    db: &Connection,
    (instance, company): &(String, String),
    links: Vec<CompanyLink>,
    by: &str,
    now: Option<i64>,
) -> db::Result<Option<u64>> {
    let asked: BTreeSet<_> = links.iter().map(|link| parts(&link.key)[2].clone()).collect();
    let present: BTreeSet<_> = desks_of(db, instance, company)?.into_keys().collect();
    if asked != present {
        return Ok(None);
    }
    let mut moved = 0;
    for link in links {
        let before = one(db, &link.key)?;
        if before.is_none_or(|before| before.desk == link.desk) {
            continue;
        }
        moved += 1;
        let Some(now) = now else { continue };
        db.prepare_cached(&format!(
            "INSERT OR REPLACE INTO switched_links ({COLUMNS}, switched_at)
             SELECT {COLUMNS}, ?4 FROM company_links
             WHERE instance = ?1 AND company_key = ?2 AND site_key = ?3"
        ))?
        .execute(params![instance, company, parts(&link.key)[2], now])?;
        put(db, &CompanyLink { updated_by: Some(by.to_owned()), ..link })?;
    }
    Ok(Some(moved))
}

/// Gives a control its new ticket; false if it has another one by now, or its company is not there.
fn move_ticket(
    db: &Connection,
    NewTicketOf { instance, control, from, to }: &NewTicketOf,
    (moved, desk): (&BTreeSet<(String, String)>, DeskName),
    asked: Option<(i64, i64)>,
) -> db::Result<bool> {
    let Some((ticket, company)) = ticket_of(db, instance, control)? else { return Ok(false) };
    if ticket != *from {
        return Ok(false);
    }
    let is_there = moved.contains(&(instance.clone(), company.clone()))
        || desks_of(db, instance, &company)?.into_values().any(|of| of == desk);
    if !is_there {
        return Ok(false);
    }
    let Some((now, as_of)) = asked else { return Ok(true) };
    db.prepare_cached(
        "INSERT OR REPLACE INTO switched_controls (instance, control_id, company_key, moved_to,
             ticket_class, ticket_id, mapped_org, mapped_at, marker, by_number, ref, org_id,
             status, operational_status, priority, title, started_at, last_update, team, agent,
             presence, as_of)
         SELECT m.instance, m.control_id, m.company_key, ?3, t.class, t.id, m.org_id, m.mapped_at,
             m.marker, m.by_number, t.ref, t.org_id, t.status, t.operational_status, t.priority,
             t.title, t.started_at, t.last_update, t.team, t.agent, t.presence, t.as_of
         FROM control_tickets AS m JOIN tickets AS t
             ON t.class = m.ticket_class AND t.id = m.ticket_id
         WHERE m.instance = ?1 AND m.control_id = ?2",
    )?
    .execute(params![instance, control, to.key.id])?;
    save_status(db, to, as_of)?;
    // Ids of Cases are given once: that it is still the same needs no marker.
    let known = Known { org: Some(to.org.clone()), marker: None, by_number: true, mapped_at: now };
    point_at(db, (instance, control), (from, &to.key), &known)?;
    Ok(true)
}
