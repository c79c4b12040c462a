//! The way back: links and tickets of controls become what they were before.

use std::collections::BTreeMap;

use super::{
    super::{
        Store, StoreError,
        company_links::{COLUMNS, desks_of},
        db::{self, Connection, params},
    },
    Known, Moving, hindered, point_at, ticket_of,
};
use crate::domain::keys::TicketKey;

/// What has come back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Returned {
    /// How many links.
    pub links: u64,
    /// How many controls.
    pub controls: u64,
    /// Controls that have another ticket since, which they keep: instance and control.
    pub kept: Vec<(String, String)>,
    /// Companies that have links which were made since, and stay where they are: instance, key and site.
    pub left: Vec<(String, String, String)>,
    /// Tickets that were made since, which stay where they are.
    pub made_since: Vec<CaseSince>,
}

/// A ticket that was made since a company has moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseSince {
    /// The acknowledgement that it was made of.
    pub acknowledgement: i64,
    /// The instance of its control.
    pub instance: String,
    /// Its company.
    pub company: String,
    /// The control.
    pub control: String,
    /// The ticket.
    pub ticket: TicketKey,
    /// Its number.
    pub number: String,
}

impl Store {
    /// Brings companies back that have moved: those of these keys, or all; whole or not at all.
    pub async fn switch_back(
        &self,
        named: Option<Vec<String>>,
        dry_run: bool,
    ) -> Result<Moving<Returned>, StoreError> {
        let done = self
            .write(move |db| {
                if !dry_run && let Some(hindered) = hindered(db)? {
                    return Ok(hindered);
                }
                let mut returned = Returned::default();
                let mut back = Vec::new();
                for ((instance, company), links) in moved_links(db)? {
                    if named.as_ref().is_some_and(|named| !named.contains(&company)) {
                        continue;
                    }
                    let present = desks_of(db, &instance, &company)?;
                    let other = present.keys().find(|site| !links.sites.contains(site));
                    if let Some(site) = other {
                        returned.left.push((instance, company, site.clone()));
                        continue;
                    }
                    let of_it = (instance, company);
                    returned.links += links_back(db, &of_it, present.len(), dry_run)?;
                    controls_back(db, &of_it, dry_run, &mut returned)?;
                    returned.made_since.extend(made_since(db, &of_it, links.since)?);
                    back.push(of_it);
                }
                Ok(Moving::Made((returned, back)))
            })
            .await?;
        let (returned, back) = match done {
            Moving::Made(made) => made,
            Moving::NotHeld => return Ok(Moving::NotHeld),
            Moving::Unsettled(rows) => return Ok(Moving::Unsettled(rows)),
        };
        if !dry_run {
            self.release_companies(back).await;
        }
        Ok(Moving::Made(returned))
    }
}

/// The links of a company that has moved.
struct MovedLinks {
    sites: Vec<String>,
    since: i64,
}

fn moved_links(db: &Connection) -> db::Result<BTreeMap<(String, String), MovedLinks>> {
    let mut moved = BTreeMap::<_, MovedLinks>::new();
    let mut select =
        db.prepare("SELECT instance, company_key, site_key, switched_at FROM switched_links")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let since = row.get(3)?;
        let links = moved
            .entry((row.get(0)?, row.get(1)?))
            .or_insert_with(|| MovedLinks { sites: Vec::new(), since });
        links.sites.push(row.get(2)?);
        links.since = links.since.min(since);
    }
    Ok(moved)
}

/// Puts the links of a company that are still there as they were; what somebody has removed stays so.
fn links_back(
    db: &Connection,
    (instance, company): &(String, String),
    present: usize,
    dry_run: bool,
) -> db::Result<u64> {
    if dry_run {
        return Ok(u64::try_from(present).unwrap_or(u64::MAX));
    }
    let put = db
        .prepare_cached(&format!(
            "INSERT OR REPLACE INTO company_links ({COLUMNS})
             SELECT {COLUMNS} FROM switched_links AS s
             WHERE instance = ?1 AND company_key = ?2 AND EXISTS (
                 SELECT 1 FROM company_links AS l
                 WHERE l.instance = s.instance AND l.company_key = s.company_key
                   AND l.site_key = s.site_key)"
        ))?
        .execute([instance, company])?;
    db.execute(
        "DELETE FROM switched_links WHERE instance = ?1 AND company_key = ?2",
        [instance, company],
    )?;
    Ok(u64::try_from(put).unwrap_or(u64::MAX))
}

/// Points the controls of a company at the tickets that they had, unless they have others by now.
fn controls_back(
    db: &Connection,
    (instance, company): &(String, String),
    dry_run: bool,
    returned: &mut Returned,
) -> db::Result<()> {
    let mut select = db.prepare_cached(
        "SELECT control_id, moved_to, ticket_class, ticket_id, mapped_org, mapped_at, marker,
                by_number
         FROM switched_controls WHERE instance = ?1 AND company_key = ?2 ORDER BY control_id",
    )?;
    let mut rows = select.query([instance, company])?;
    while let Some(row) = rows.next()? {
        let (control, moved_to): (String, String) = (row.get(0)?, row.get(1)?);
        let before = TicketKey { class: row.get(2)?, id: row.get(3)? };
        let now = ticket_of(db, instance, &control)?
            .filter(|(ticket, of)| ticket.id.as_str() == moved_to && of == company);
        let Some((now, _)) = now else {
            returned.kept.push((instance.clone(), control));
            continue;
        };
        returned.controls += 1;
        if dry_run {
            continue;
        }
        db.prepare_cached(
            "INSERT INTO tickets (class, id, ref, org_id, status, operational_status, priority,
                 title, started_at, last_update, team, agent, presence, as_of)
             SELECT ticket_class, ticket_id, ref, org_id, status, operational_status, priority,
                 title, started_at, last_update, team, agent, presence, as_of
             FROM switched_controls WHERE instance = ?1 AND control_id = ?2
             ON CONFLICT DO NOTHING",
        )?
        .execute([instance, &control])?;
        let known = Known {
            org: row.get(4)?,
            mapped_at: row.get(5)?,
            marker: row.get(6)?,
            by_number: row.get(7)?,
        };
        point_at(db, (instance, &control), (&now, &before), &known)?;
    }
    drop(rows);
    if !dry_run {
        db.execute(
            "DELETE FROM switched_controls WHERE instance = ?1 AND company_key = ?2",
            [instance, company],
        )?;
    }
    Ok(())
}

/// The tickets that were made for a company since it has moved.
fn made_since(
    db: &Connection,
    (instance, company): &(String, String),
    since: i64,
) -> db::Result<Vec<CaseSince>> {
    db.prepare_cached(
        "SELECT id, control_id, ticket_class, ticket_id, ticket_ref
         FROM acknowledgements INDEXED BY acknowledgements_company
         WHERE instance = ?1 AND company_key = ?2 AND state = 'created' AND state <> 'accepted'
           AND ticket_class = 'Case' AND ended_at >= ?3 ORDER BY id",
    )?
    .query_map(params![instance, company, since], |row| {
        Ok(CaseSince {
            acknowledgement: row.get(0)?,
            instance: instance.clone(),
            company: company.clone(),
            control: row.get(1)?,
            ticket: TicketKey { class: row.get(2)?, id: row.get(3)? },
            number: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
        })
    })?
    .collect()
}
