//! Many company links at once: what they would change, and changing it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    Store, StoreError,
    company_links::{company_of, desks_of, is_seen, one, parts, put, remove},
    db::{self, Connection},
};
use crate::domain::{
    company_link::{CompanyLink, LinkKey, short},
    desk_name::DeskName,
    visible::Visible,
};

/// What happens to one link among many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkChange {
    /// It is set.
    Put(Box<CompanyLink>),
    /// It is removed, if it is there.
    Remove(LinkKey),
}

/// What became of many changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangedLinks {
    /// They were made: the link that there was before each, in order.
    Made(Vec<Option<CompanyLink>>),
    /// They would change something else than was looked at before, and nothing was changed.
    Outdated,
    /// The links of this company would lead to more than one ticket system, and nothing was changed.
    OtherDesk(LinkKey),
}

impl LinkChange {
    /// Which link.
    #[must_use]
    pub fn key(&self) -> &LinkKey {
        match self {
            Self::Put(link) => &link.key,
            Self::Remove(key) => key,
        }
    }
}

/// What changes would change, in short, given the links that there are before each: whoever has seen that
/// can say so when they make them.
#[must_use]
pub fn digest(changes: &[LinkChange], before: &[Option<CompanyLink>]) -> String {
    let version = |link: &CompanyLink| link.version();
    let told = changes.iter().zip(before).filter_map(|(change, before)| {
        let after = match change {
            LinkChange::Put(link) if before.as_ref().is_some_and(|it| it.says_the_same(link)) => {
                return None;
            }
            LinkChange::Put(link) => Some(&**link),
            LinkChange::Remove(_) => None,
        };
        let (before, after) = (before.as_ref().map(version), after.map(version));
        let is_change = before.is_some() || after.is_some();
        is_change.then(|| json!([parts(change.key()), before, after]))
    });
    short(&told.collect::<Value>().to_string())
}

impl Store {
    /// Makes many changes in one commit, and makes due what is blocked of the companies that have
    /// another link by it. What changes nothing is not written. Gives the link that there was before
    /// each, in order; of what is not seen none, and it stays as it is. `seen` is the [`digest`] of what
    /// was looked at before.
    pub async fn change_links(
        &self,
        mut changes: Vec<LinkChange>,
        visible: &Visible,
        by: &str,
        seen: Option<String>,
    ) -> Result<ChangedLinks, StoreError> {
        let (visible, by) = (visible.clone(), by.to_owned());
        let (before, companies) = self
            .write(move |db| {
                let mut before = Vec::with_capacity(changes.len());
                for change in &changes {
                    let is_seen = is_seen(change.key(), &visible);
                    before.push(if is_seen { one(db, change.key())? } else { None });
                }
                if seen.is_some_and(|seen| seen != digest(&changes, &before)) {
                    return Ok((ChangedLinks::Outdated, BTreeSet::new()));
                }
                if let Some(key) = of_two_desks(db, &changes)? {
                    return Ok((ChangedLinks::OtherDesk(key), BTreeSet::new()));
                }
                let mut companies = BTreeSet::new();
                for (change, existing) in changes.drain(..).zip(&before) {
                    if !is_seen(change.key(), &visible) {
                        continue;
                    }
                    match change {
                        LinkChange::Put(link)
                            if !existing
                                .as_ref()
                                .is_some_and(|known| known.says_the_same(&link)) =>
                        {
                            let link = CompanyLink { updated_by: Some(by.clone()), ..*link };
                            put(db, &link)?;
                            companies.insert(company_of(&link.key));
                        }
                        LinkChange::Remove(key) if existing.is_some() => {
                            remove(db, &key)?;
                        }
                        LinkChange::Put(_) | LinkChange::Remove(_) => {}
                    }
                }
                Ok((ChangedLinks::Made(before), companies))
            })
            .await?;
        self.release_companies(companies.into_iter().collect()).await;
        Ok(before)
    }

    /// Whether the links of a company would lead to more than one ticket system after these changes: one of
    /// them.
    pub async fn would_have_two_desks(
        &self,
        changes: Vec<LinkChange>,
    ) -> Result<Option<LinkKey>, StoreError> {
        let at_once = move |db: &Connection| {
            let snapshot = db.snapshot()?;
            of_two_desks(&snapshot, &changes)
        };
        self.read(at_once).await
    }

    /// The links that there are now of these companies and sites, in order.
    pub async fn links_of(
        &self,
        keys: Vec<LinkKey>,
    ) -> Result<Vec<Option<CompanyLink>>, StoreError> {
        self.read(move |db| {
            let snapshot = db.snapshot()?;
            keys.iter().map(|key| one(&snapshot, key)).collect()
        })
        .await
    }
}

/// A link whose company has two ticket systems after these changes. What changes nothing of that costs
/// no question: a company whose links stay at one.
fn of_two_desks(db: &Connection, changes: &[LinkChange]) -> db::Result<Option<LinkKey>> {
    let mut companies = BTreeMap::<(String, String), BTreeMap<String, DeskName>>::new();
    let mut last = BTreeMap::new();
    for change in changes {
        let [instance, company, site] = parts(change.key());
        let whose = (instance, company);
        if !companies.contains_key(&whose) {
            let desks = desks_of(db, &whose.0, &whose.1)?;
            companies.insert(whose.clone(), desks);
        }
        let desks = companies.entry(whose.clone()).or_default();
        match change {
            LinkChange::Put(link) => {
                desks.insert(site, link.desk);
                last.insert(whose, &link.key);
            }
            LinkChange::Remove(_) => {
                desks.remove(&site);
            }
        }
    }
    let of_two = companies.iter().find(|(_, desks)| {
        let mut desks = desks.values();
        let first = desks.next();
        desks.any(|desk| Some(desk) != first)
    });
    Ok(of_two.and_then(|(whose, _)| last.get(whose).map(|key| (*key).clone())))
}
