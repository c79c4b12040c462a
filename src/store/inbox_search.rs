//! Pages of the inbox, searched for words, or for the rows of a ticket system, where these are asked for.

use std::collections::HashMap;

use super::{
    InboxFilter, InboxRow, Store, StoreError, WantedDesk, as_json,
    company_desks::desk_of_company,
    db::{self, Connection, Row, params_from_iter},
    inbox_query::{by_id, sources},
};
use crate::domain::{
    acknowledgement::{Glance, searched},
    desk_name::DeskName,
    wanted_words::WantedWords,
};

/// Rows of a kind in which words are looked for at once: of each the body may be read, and after a long outage
/// those that wait can be as many as those that have ended.
const SEARCHED_AT_ONCE: usize = 10_000;

/// Some rows of the inbox, newest first.
#[derive(Clone, Debug)]
pub struct InboxPage {
    /// The rows.
    pub rows: Vec<InboxRow>,
    /// Before which row the next page begins, if there may be more. A search can give fewer rows than
    /// were asked for, and still have more to look at.
    pub next: Option<i64>,
    /// Whether a search has stopped before it has looked at all rows, or found a page of them.
    pub is_cut: bool,
}

impl Store {
    /// A page of rows.
    pub async fn inbox_page(&self, filter: InboxFilter) -> Result<InboxPage, StoreError> {
        let limit = filter.limit;
        if !filter.is_search() {
            let one_more = InboxFilter { limit: limit.saturating_add(1), ..filter };
            let mut rows = self.acknowledgements(one_more).await?;
            let has_more = rows.len() > limit;
            rows.truncate(limit);
            return Ok(InboxPage {
                next: rows.last().filter(|_| has_more).map(|row| row.id),
                rows,
                is_cut: false,
            });
        }
        let instances = self.inner.changes.instances();
        self.read(move |db| search(db, &filter, &instances, SEARCHED_AT_ONCE)).await
    }

    /// What people recognise these events by, of those that there are.
    pub async fn glances(&self, ids: Vec<i64>) -> Result<HashMap<i64, Glance>, StoreError> {
        self.read(move |db| {
            db.prepare_cached(
                "SELECT id, body FROM acknowledgements
                 WHERE id IN (SELECT value FROM json_each(?1))",
            )?
            .query_map([as_json(&ids)], |row| {
                Ok((row.get(0)?, Glance::of(row.get_ref(1)?.as_str()?)))
            })?
            .collect()
        })
        .await
    }

    /// How many rows a filter has, whatever their words and their ticket system.
    pub async fn count_acknowledgements(&self, filter: InboxFilter) -> Result<u64, StoreError> {
        let instances = self.inner.changes.instances();
        self.read(move |db| {
            sources(&filter, &instances).iter().try_fold(0, |sum: u64, source| {
                let mut values = Vec::new();
                let sql = source.query("count(*)", "", &mut values);
                let of_source: u64 = db
                    .prepare_cached(&sql)?
                    .query_row(params_from_iter(values), |row| row.get(0))?;
                Ok(sum + of_source)
            })
        })
        .await
    }
}

fn search(
    db: &Connection,
    filter: &InboxFilter,
    instances: &[String],
    at_once: usize,
) -> db::Result<InboxPage> {
    let most = Some(at_once);
    let mut ids = Vec::new();
    // Below this id some source has not been looked at.
    let mut looked_at_from = None;
    for source in sources(filter, instances) {
        let mut values = Vec::new();
        let sql = source.newest(filter.before, most, &mut values);
        let mut select = db.prepare_cached(&sql)?;
        let found: Vec<i64> = select
            .query_map(params_from_iter(values), |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        if most == Some(found.len()) {
            looked_at_from = looked_at_from.max(found.last().copied());
        }
        ids.extend(found);
    }
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids.retain(|id| looked_at_from.is_none_or(|from| *id >= from));
    let mut select = db.prepare_cached(
        "SELECT control_name, control_id, company_name, site_name, ticket_ref, body,
             ticket_class, instance, company_key
         FROM acknowledgements WHERE id = ?1",
    )?;
    let mut is_wanted = |id: i64| {
        select.query_row([id], |row| {
            Ok(is_of(db, row, filter.desk)? && has_words(row, &filter.words)?)
        })
    };
    let mut rows = Vec::new();
    for id in ids {
        if !is_wanted(id)? {
            continue;
        }
        if rows.len() == filter.limit {
            let next = rows.last().map(|row: &InboxRow| row.id);
            return Ok(InboxPage { rows, next, is_cut: false });
        }
        rows.push(by_id(db, id)?);
    }
    Ok(InboxPage { rows, next: looked_at_from, is_cut: looked_at_from.is_some() })
}

fn is_of(db: &Connection, row: &Row<'_>, wanted: Option<WantedDesk>) -> db::Result<bool> {
    let Some(WantedDesk { desk, default }) = wanted else { return Ok(true) };
    if let Some(class) = row.get_ref("ticket_class")?.as_str_or_null()? {
        return Ok(DeskName::of_class(class) == desk);
    }
    let company = row.get_ref("company_key")?.as_str_or_null()?;
    let linked = match company {
        Some(company) => desk_of_company(db, row.get_ref("instance")?.as_str()?, company)?,
        None => None,
    };
    Ok(linked.unwrap_or(default) == desk)
}

fn has_words(row: &Row<'_>, words: &WantedWords) -> db::Result<bool> {
    let mut missing = words.clone();
    for column in 0..5 {
        let text = row.get_ref(column)?.as_str_or_null()?;
        missing = missing.missing_in(text);
    }
    if missing.is_empty() {
        return Ok(true);
    }
    // The body is read only where the rest may stand in it.
    let body = row.get_ref(5)?.as_str()?;
    if !missing.may_stand_in(body) {
        return Ok(false);
    }
    let Ok(body) = serde_json::from_str(body) else { return Ok(false) };
    Ok(missing.missing_in(searched(&body)).is_empty())
}

#[cfg(test)]
mod tests {
    use crate::store::db::params;

    use super::*;
    use crate::{
        domain::{inbox_group::Group, visible::Visible},
        store::migrate::tests::empty,
    };

    fn database() -> Connection {
        let db = empty();
        for (number, state) in (1..=30).zip(["created", "discarded", "failed"].iter().cycle()) {
            let body = format!(
                "{{\"equipment\": {{\"name\": \"srv-{number}\"}}, \
                 \"acknowledgement\": {{\"author\": \"Zo\\u00eb\"}}}}"
            );
            db.execute(
                "INSERT INTO acknowledgements (id, instance, event_type, control_name, state, body,
                     received_at, updated_at)
                 VALUES (?1, 'default', 'acknowledgement', ?2, ?3, ?4, 7, 7)",
                params![number, format!("Disk {}", number % 10), state, body],
            )
            .unwrap();
        }
        db
    }

    /// All pages, by the ids of their rows.
    fn pages(typed: &str, group: Option<Group>, limit: usize, at_once: usize) -> Vec<Vec<i64>> {
        let db = database();
        let filter = |before| InboxFilter {
            group,
            words: WantedWords::of(typed),
            before,
            ..InboxFilter::of(Visible::all(), limit)
        };
        let (mut pages, mut before) = (Vec::new(), None);
        loop {
            let page = search(&db, &filter(before), &["default".to_owned()], at_once).unwrap();
            pages.push(page.rows.iter().map(|row| row.id).collect());
            assert!(page.next.is_none_or(|next| before.is_none_or(|before| next < before)));
            before = page.next;
            if before.is_none() {
                return pages;
            }
        }
    }

    #[test]
    fn each_row_with_the_words_is_found_once_however_little_is_looked_at() {
        // However many wait, no more of them are looked at than of those that have ended.
        let needs = Some(Group::Needs);
        assert_eq!(pages("disk 5", needs, 10, 3), [vec![], vec![15], vec![], vec![]]);
        assert_eq!(pages("disk 5", None, 10, 100), [vec![25, 15, 5]]);
        // A full page has a next one only where there is more to find.
        assert_eq!(pages("disk 5", None, 3, 100), [vec![25, 15, 5]]);
        assert_eq!(pages("disk 5", None, 2, 100), [vec![25, 15], vec![5]]);
        for at_once in [1, 2, 3, 7, 30] {
            for limit in [1, 2, 10] {
                assert_eq!(pages("disk 5", None, limit, at_once).concat(), [25, 15, 5]);
                let ended = Some(Group::Ended);
                assert_eq!(pages("disk 5", ended, limit, at_once).concat(), [25, 5]);
            }
        }
        // In the body.
        assert_eq!(pages("SRV-12", None, 10, 100), [vec![12]]);
        assert_eq!(pages("zoe disk srv-7", None, 10, 100), [vec![7]]);
        assert_eq!(pages("author", None, 10, 100).concat(), [0; 0]);
    }

    #[test]
    fn each_row_is_of_the_ticket_system_of_its_ticket_else_of_its_company_else_of_the_default_one()
    {
        let db = database();
        let set = |id: i64, columns: &str| {
            db.execute(&format!("UPDATE acknowledgements SET {columns} WHERE id = ?1"), [id])
        };
        for (company, desk) in [("id:1", "itop"), ("id:2", "salesforce")] {
            db.execute(
                "INSERT INTO company_links (instance, company_key, site_key, org_id, org_name, tickets,
                     updated_at, desk)
                 VALUES ('default', ?1, '', '1', 'x', 1, 0, ?2)",
                [company, desk],
            )
            .unwrap();
        }
        set(1, "company_key = 'id:1', ticket_class = 'Case', ticket_id = '5'").unwrap();
        set(2, "company_key = 'id:2', ticket_class = 'Incident', ticket_id = '6'").unwrap();
        set(3, "company_key = 'id:2'").unwrap();
        set(4, "company_key = 'id:1'").unwrap();
        // Those beyond have no company.
        let of = |desk, default, limit, at_once| {
            let desk = Some(WantedDesk { desk, default });
            let filter =
                InboxFilter { desk, before: Some(6), ..InboxFilter::of(Visible::all(), limit) };
            let page = search(&db, &filter, &["default".to_owned()], at_once).unwrap();
            let ids: Vec<_> = page.rows.iter().map(|row| row.id).collect();
            (ids, page.is_cut)
        };
        let (itop, salesforce) = (DeskName::Itop, DeskName::Salesforce);
        assert_eq!(of(salesforce, itop, 9, 9), (vec![3, 1], false));
        assert_eq!(of(itop, itop, 9, 9), (vec![5, 4, 2], false));
        assert_eq!(of(salesforce, salesforce, 9, 9), (vec![5, 3, 1], false));
        assert_eq!(of(itop, salesforce, 9, 9), (vec![4, 2], false));
        // However many there are of another one, no more are looked at.
        assert_eq!(of(salesforce, itop, 9, 2), (vec![], true));
    }
}
