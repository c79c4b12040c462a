//! Company or site → organization.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    Store, StoreError, Term,
    db::{self, Connection, OptionalExtension as _, Row, named_params},
    time,
};
use crate::domain::{
    company_link::{CompanyLink, Expected, LinkDefaults, LinkKey, Named},
    desk_name::DeskName,
    keys::{ObjectId, PartyKey},
    visible::Visible,
};

/// A company that waits for a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlinked {
    /// Its instance.
    pub instance: String,
    /// `id:…` or `name:…`.
    pub company_key: String,
    /// Its name.
    pub name: String,
    /// How many acknowledgements wait.
    pub waiting: u64,
    /// How many were recorded without a ticket.
    pub recorded: u64,
    /// When the first of them came.
    pub since: Timestamp,
}

/// What became of a link that was to be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutLink {
    /// There was none before.
    New,
    /// It took the place of another one.
    Changed,
    /// Its company is not seen, and nothing was set.
    NotSeen,
    /// There is another one than was expected, or none: it stays as it is.
    Differs(Option<Box<CompanyLink>>),
    /// Another link of the company leads to this ticket system, and nothing was set.
    OtherDesk(DeskName),
}

/// What became of a link that was to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoveLink {
    /// It is gone.
    Removed,
    /// There is none that is seen.
    None,
    /// There is another one than was expected: it stays as it is.
    Differs(Box<CompanyLink>),
}

/// The problem code of rows that wait for a link.
pub(crate) const NOT_LINKED: &str = "company-not-linked";

pub(super) const COLUMNS: &str =
    "instance, company_key, site_key, name, desk, org_id, org_name, tickets,
     team_id, team_name, contact_id, contact_name, service_id, service_name,
     service_element_id, service_element_name, updated_at, updated_by";

impl Store {
    /// The link in force, if it is seen: the site's own, else the company's.
    pub async fn effective_link(
        &self,
        key: &LinkKey,
        visible: &Visible,
    ) -> Result<Option<CompanyLink>, StoreError> {
        if !is_seen(key, visible) {
            return Ok(None);
        }
        let key = key.clone();
        self.read(move |db| {
            let sql = format!(
                "SELECT {COLUMNS} FROM company_links
                 WHERE instance = ?1 AND company_key = ?2 AND site_key IN ('', ?3)
                 ORDER BY site_key = '' LIMIT 1"
            );
            db.prepare_cached(&sql)?
                .query_row(
                    [key.instance.to_string(), key.company.to_string(), site_text(&key)],
                    link,
                )
                .optional()
        })
        .await
    }

    /// The link of exactly this company or site, if it is seen.
    pub async fn link(
        &self,
        key: &LinkKey,
        visible: &Visible,
    ) -> Result<Option<CompanyLink>, StoreError> {
        let found = self.effective_link(key, visible).await?;
        Ok(found.filter(|link| link.key.site == key.site))
    }

    /// All links that are seen, ordered by instance, company and site.
    pub async fn links(&self, visible: &Visible) -> Result<Vec<CompanyLink>, StoreError> {
        let mut links = self.read(all).await?;
        links.retain(|link| is_seen(&link.key, visible));
        Ok(links)
    }

    /// Somebody sets a link, if the one that is there is the `expected`; then the company's blocked
    /// acknowledgements are made due.
    pub async fn put_link(
        &self,
        link: CompanyLink,
        visible: &Visible,
        by: &str,
        expected: Expected,
    ) -> Result<PutLink, StoreError> {
        if !is_seen(&link.key, visible) {
            return Ok(PutLink::NotSeen);
        }
        let link = CompanyLink { updated_by: Some(by.to_owned()), ..link };
        let company = company_of(&link.key);
        let put = self
            .write(move |db| {
                let present = one(db, &link.key)?;
                if !expected.is(present.as_ref()) {
                    return Ok(PutLink::Differs(present.map(Box::new)));
                }
                if let Some(other) = other_desk(db, &link)? {
                    return Ok(PutLink::OtherDesk(other));
                }
                put(db, &link)?;
                Ok(if present.is_some() { PutLink::Changed } else { PutLink::New })
            })
            .await?;
        if matches!(put, PutLink::New | PutLink::Changed) {
            self.release_companies(vec![company]).await;
        }
        Ok(put)
    }
}

impl Term {
    /// The same for a link that makes itself, unless somebody has set one meanwhile; true if it
    /// was set.
    pub async fn put_link_if_absent(&self, link: CompanyLink) -> Result<bool, StoreError> {
        let company = company_of(&link.key);
        let is_new = self
            .write(move |db| {
                let existed = exists(db, &link.key)?;
                if !existed {
                    put(db, &link)?;
                }
                Ok(!existed)
            })
            .await?;
        if is_new {
            self.store.release_companies(vec![company]).await;
        }
        Ok(is_new)
    }
}

impl Store {
    /// Removes a link, if it is the `expected`.
    pub async fn delete_link(
        &self,
        key: &LinkKey,
        visible: &Visible,
        expected: Expected,
    ) -> Result<RemoveLink, StoreError> {
        if !is_seen(key, visible) {
            return Ok(RemoveLink::None);
        }
        let key = key.clone();
        self.write(move |db| match one(db, &key)? {
            None => Ok(RemoveLink::None),
            present if expected.is(present.as_ref()) => {
                remove(db, &key)?;
                Ok(RemoveLink::Removed)
            }
            Some(other) => Ok(RemoveLink::Differs(Box::new(other))),
        })
        .await
    }

    /// The instances of which there is something, in their order.
    pub async fn instances(&self) -> Result<Vec<String>, StoreError> {
        let linked = self
            .read(|db| {
                db.prepare_cached("SELECT DISTINCT instance FROM company_links")?
                    .query_map([], |row| row.get(0))?
                    .collect::<db::Result<BTreeSet<String>>>()
            })
            .await?;
        let received = self.inner.changes.instances().into_iter();
        Ok(linked.into_iter().chain(received).collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// The companies that are seen and wait for a link, those with most acknowledgements first.
    pub async fn unlinked(&self, visible: &Visible) -> Result<Vec<Unlinked>, StoreError> {
        let unlinked = self.read(|db| {
            db.prepare_cached(&format!(
                "SELECT instance, company_key, max(company_name) AS name,
                        count(*) FILTER (WHERE state = 'blocked') AS waiting,
                        count(*) FILTER (WHERE state = 'recorded') AS recorded,
                        min(received_at) AS since
                 FROM acknowledgements AS a INDEXED BY acknowledgements_unlinked
                 WHERE state IN ('blocked', 'recorded') AND problem_code = '{NOT_LINKED}'
                   AND NOT EXISTS (SELECT 1 FROM company_links AS l
                       WHERE l.instance = a.instance AND l.company_key = a.company_key
                         AND l.site_key IN ('', coalesce(a.site_key, '')))
                 GROUP BY instance, company_key
                 ORDER BY waiting DESC, recorded DESC, instance, company_key"
            ))?
            .query_map([], |row| {
                Ok(Unlinked {
                    instance: row.get(0)?,
                    company_key: row.get(1)?,
                    name: row.get(2)?,
                    waiting: row.get(3)?,
                    recorded: row.get(4)?,
                    since: time(row.get(5)?),
                })
            })?
            .collect()
        });
        let mut unlinked: Vec<Unlinked> = unlinked.await?;
        unlinked.retain(|one| visible.contains(&one.instance, Some(&one.company_key)));
        Ok(unlinked)
    }
}

/// All links, ordered by instance, company and site.
pub(super) fn all(db: &Connection) -> db::Result<Vec<CompanyLink>> {
    let sql =
        format!("SELECT {COLUMNS} FROM company_links ORDER BY instance, company_key, site_key");
    db.prepare_cached(&sql)?.query_map([], link)?.collect()
}

/// The same of a file that may be older than this program, and not know who has put them, or where they
/// lead.
pub(super) fn all_of_any_step(db: &Connection) -> db::Result<Vec<CompanyLink>> {
    let knows = |column: &str| {
        db.query_row(
            "SELECT EXISTS (SELECT 1 FROM pragma_table_info('company_links') WHERE name = ?1)",
            [column],
            |row| row.get::<_, bool>(0),
        )
    };
    let mut columns = COLUMNS.to_owned();
    for (column, default) in [("updated_by", "NULL"), ("desk", "'itop'")] {
        if !knows(column)? {
            columns = columns.replace(column, &format!("{default} AS {column}"));
        }
    }
    let sql =
        format!("SELECT {columns} FROM company_links ORDER BY instance, company_key, site_key");
    db.prepare(&sql)?.query_map([], link)?.collect()
}

pub(super) fn is_seen(key: &LinkKey, visible: &Visible) -> bool {
    visible.contains(key.instance.as_str(), Some(&key.company.to_string()))
}

/// The link of exactly this company or site.
pub(super) fn one(db: &Connection, key: &LinkKey) -> db::Result<Option<CompanyLink>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM company_links
         WHERE instance = ?1 AND company_key = ?2 AND site_key = ?3"
    );
    db.prepare_cached(&sql)?.query_row(parts(key), link).optional()
}

/// Removes a link; false if there was none.
pub(super) fn remove(db: &Connection, key: &LinkKey) -> db::Result<bool> {
    let gone = db
        .prepare_cached(
            "DELETE FROM company_links
             WHERE instance = ?1 AND company_key = ?2 AND site_key = ?3",
        )?
        .execute(parts(key))?;
    Ok(gone == 1)
}

fn exists(db: &Connection, key: &LinkKey) -> db::Result<bool> {
    db.query_row(
        "SELECT EXISTS (SELECT 1 FROM company_links
             WHERE instance = ?1 AND company_key = ?2 AND site_key = ?3)",
        [key.instance.to_string(), key.company.to_string(), site_text(key)],
        |row| row.get(0),
    )
}

/// Where another link of the same company leads, if that is elsewhere.
fn other_desk(db: &Connection, link: &CompanyLink) -> db::Result<Option<DeskName>> {
    let [instance, company, site] = parts(&link.key);
    let other = desks_of(db, &instance, &company)?.into_iter();
    let mut other = other.filter(|(of, desk)| *of != site && *desk != link.desk);
    Ok(other.next().map(|(_, desk)| desk))
}

/// Where the links of a company lead, by their sites.
pub(super) fn desks_of(
    db: &Connection,
    instance: &str,
    company: &str,
) -> db::Result<BTreeMap<String, DeskName>> {
    db.prepare_cached(
        "SELECT site_key, desk FROM company_links WHERE instance = ?1 AND company_key = ?2",
    )?
    .query_map([instance, company], |row| Ok((row.get(0)?, row.get(1)?)))?
    .collect()
}

pub(super) fn put(db: &Connection, link: &CompanyLink) -> db::Result<()> {
    let instance = link.key.instance.to_string();
    let company = link.key.company.to_string();
    let id = |named: &Option<Named>| named.as_ref().map(|named| named.id.clone());
    let name = |named: &Option<Named>| named.as_ref().map(|named| named.name.clone());
    let LinkDefaults { team, contact, service, service_element } = &link.defaults;
    db.prepare_cached(&format!(
        "INSERT OR REPLACE INTO company_links ({COLUMNS})
             VALUES (:instance, :company, :site, :name, :desk, :org, :org_name, :tickets,
                 :team, :team_name, :contact, :contact_name, :service, :service_name,
                 :element, :element_name, :updated_at, :updated_by)"
    ))?
    .execute(named_params! {
        ":instance": instance, ":company": company, ":site": site_text(&link.key),
        ":name": link.name, ":desk": link.desk.code(), ":org": link.org, ":org_name": link.org_name,
        ":tickets": link.tickets,
        ":team": id(team), ":team_name": name(team),
        ":contact": id(contact), ":contact_name": name(contact),
        ":service": id(service), ":service_name": name(service),
        ":element": id(service_element), ":element_name": name(service_element),
        ":updated_at": link.updated_at.as_millisecond(), ":updated_by": link.updated_by,
    })?;
    Ok(())
}

pub(super) fn parts(key: &LinkKey) -> [String; 3] {
    [key.instance.to_string(), key.company.to_string(), site_text(key)]
}

/// The company whose rows a link is for.
pub(super) fn company_of(key: &LinkKey) -> (String, String) {
    (key.instance.to_string(), key.company.to_string())
}

fn site_text(key: &LinkKey) -> String {
    key.site.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn link(row: &Row<'_>) -> db::Result<CompanyLink> {
    let named = |id: &str, name: &str| -> db::Result<Option<Named>> {
        let (id, name): (Option<ObjectId>, Option<String>) = (row.get(id)?, row.get(name)?);
        Ok(id.map(|id| Named { id, name: name.unwrap_or_default() }))
    };
    let party = |text: String| text.parse::<PartyKey>().map_err(|error| db::unreadable(0, error));
    let instance: String = row.get("instance")?;
    let site: String = row.get("site_key")?;
    Ok(CompanyLink {
        key: LinkKey {
            instance: instance.parse().unwrap_or_default(),
            company: party(row.get("company_key")?)?,
            site: if site.is_empty() { None } else { Some(party(site)?) },
        },
        name: row.get("name")?,
        desk: row.get("desk")?,
        org: row.get("org_id")?,
        org_name: row.get("org_name")?,
        tickets: row.get("tickets")?,
        defaults: LinkDefaults {
            team: named("team_id", "team_name")?,
            contact: named("contact_id", "contact_name")?,
            service: named("service_id", "service_name")?,
            service_element: named("service_element_id", "service_element_name")?,
        },
        updated_at: time(row.get("updated_at")?),
        updated_by: row.get("updated_by")?,
    })
}
