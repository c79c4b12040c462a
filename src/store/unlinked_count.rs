//! How many companies wait for a link, for a figure that stands on every page: counted from company to
//! company in an index, however many rows each of them has, and not beyond what a page shows.

use super::{
    NOT_LINKED, Store, StoreError,
    db::{self, Connection, OptionalExtension as _, named_params},
};
use crate::domain::visible::Visible;

/// Companies that are counted at most.
pub const MOST_UNLINKED: usize = 100;

/// Companies and sites that are looked at for it: some of them have been linked meanwhile.
const LOOKED_AT: usize = 1_000;

impl Store {
    /// How many companies that are seen wait for a link, [`MOST_UNLINKED`] at most.
    pub async fn count_unlinked(&self, visible: &Visible) -> Result<usize, StoreError> {
        let visible = visible.clone();
        self.read(move |db| {
            let snapshot = db.snapshot()?;
            count(&snapshot, &visible)
        })
        .await
    }
}

fn count(db: &Connection, visible: &Visible) -> db::Result<usize> {
    let (mut found, mut looked_at) = (0, 0);
    if let (Some(instance), Some(companies)) = (visible.instance(), visible.companies()) {
        for company in companies {
            found += usize::from(waits(db, instance.as_str(), company, &mut looked_at)?);
            if found == MOST_UNLINKED {
                break;
            }
        }
        return Ok(found);
    }
    let mut here = (visible.instance().map(ToString::to_string).unwrap_or_default(), String::new());
    while found < MOST_UNLINKED && looked_at < LOOKED_AT {
        let Some(next) = next_company(db, &here)? else { break };
        if !visible.contains(&next.0, Some(&next.1)) {
            // Of another instance, as all that follow.
            break;
        }
        found += usize::from(waits(db, &next.0, &next.1, &mut looked_at)?);
        here = next;
    }
    Ok(found)
}

/// The next company that has rows which were not linked once, with its instance.
fn next_company(
    db: &Connection,
    (instance, company): &(String, String),
) -> db::Result<Option<(String, String)>> {
    db.prepare_cached(&company_after())?
        .query_row(named_params! {":instance": instance, ":company": company}, |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()
}

fn company_after() -> String {
    format!(
        "SELECT instance, company_key FROM acknowledgements INDEXED BY acknowledgements_unlinked
         WHERE problem_code = '{NOT_LINKED}' AND (instance, company_key) > (:instance, :company)
         ORDER BY instance, company_key LIMIT 1"
    )
}

/// Whether something of a company, or of one of its sites, waits for a link that there is not.
fn waits(
    db: &Connection,
    instance: &str,
    company: &str,
    looked_at: &mut usize,
) -> db::Result<bool> {
    let mut site: Option<String> = None;
    loop {
        *looked_at += 1;
        let place = named_params! {":instance": instance, ":company": company, ":site": site};
        let waits = db.prepare_cached(&waiting())?.query_row(place, |row| row.get(0))?;
        if waits || *looked_at >= LOOKED_AT {
            return Ok(waits);
        }
        let after = site.as_deref().unwrap_or_default();
        let place = named_params! {":instance": instance, ":company": company, ":site": after};
        site = db.prepare_cached(&site_after())?.query_row(place, |row| row.get(0)).optional()?;
        if site.is_none() {
            return Ok(false);
        }
    }
}

fn site_after() -> String {
    format!(
        "SELECT site_key FROM acknowledgements INDEXED BY acknowledgements_unlinked
         WHERE problem_code = '{NOT_LINKED}' AND instance = :instance AND company_key = :company
           AND site_key > :site
         ORDER BY site_key LIMIT 1"
    )
}

fn waiting() -> String {
    format!(
        "SELECT NOT EXISTS (
             SELECT 1 FROM company_links WHERE instance = :instance AND company_key = :company
               AND site_key IN ('', coalesce(:site, '')))
           AND EXISTS (
             SELECT 1 FROM acknowledgements INDEXED BY acknowledgements_unlinked
             WHERE problem_code = '{NOT_LINKED}' AND instance = :instance
               AND company_key = :company AND site_key IS :site
               AND state IN ('blocked', 'recorded'))"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::keys::{Instance, PartyKey},
        store::{db::params, inbox_query::tests::plan, migrate::tests::empty},
    };

    fn database(companies: usize) -> Connection {
        let db = empty();
        let mut insert = db
            .prepare(
                "INSERT INTO acknowledgements (instance, event_type, company_key, site_key, state,
                     problem_code, body, received_at, updated_at)
                 VALUES (?1, 'acknowledgement', ?2, ?3, ?4, 'company-not-linked', '{}', 7, 7)",
            )
            .unwrap();
        for number in 0..companies {
            for site in [None, Some("id:1"), Some("id:2")] {
                for state in ["blocked", "accepted"] {
                    let company = format!("id:{number}");
                    insert.execute(params!["default", company, site, state]).unwrap();
                }
            }
        }
        drop(insert);
        db
    }

    fn link(db: &Connection, company: &str, site: &str) {
        db.execute(
            "INSERT INTO company_links (instance, company_key, site_key, org_id, org_name, tickets,
                 updated_at) VALUES ('default', ?1, ?2, '3', 'Demo', 1, 7)",
            [company, site],
        )
        .unwrap();
    }

    #[test]
    fn each_company_with_something_that_waits_counts_once() {
        let db = database(5);
        let (default, other) = (Instance::default(), "other".parse::<Instance>().unwrap());
        let counted = |visible: &Visible| count(&db, visible).unwrap();
        assert_eq!(counted(&Visible::all()), 5);
        assert_eq!(counted(&Visible::of_instance(default.clone())), 5);
        assert_eq!(counted(&Visible::of_instance(other)), 0);
        let [one, two] = ["1", "2"].map(|id| PartyKey::id(id).unwrap());
        assert_eq!(counted(&Visible::of_companies(default, [&one, &two])), 2);
        // What is linked with all its sites does not wait, whatever its rows say yet.
        link(&db, "id:1", "");
        assert_eq!(counted(&Visible::all()), 4);
        // Of another one a single site still waits.
        db.execute(
            "DELETE FROM acknowledgements WHERE company_key = 'id:2' AND site_key IS NULL",
            [],
        )
        .unwrap();
        link(&db, "id:2", "id:1");
        assert_eq!(counted(&Visible::all()), 4);
        link(&db, "id:2", "id:2");
        assert_eq!(counted(&Visible::all()), 3);
    }

    #[test]
    fn no_page_counts_further_than_it_shows() {
        assert_eq!(count(&database(MOST_UNLINKED + 20), &Visible::all()).unwrap(), MOST_UNLINKED);
    }

    #[test]
    fn each_step_is_one_look_into_the_index() {
        let db = empty();
        for (sql, values) in [(company_after(), 2), (site_after(), 3), (waiting(), 3)] {
            let plan = plan(&db, &sql, vec![db::Value::Null; values]);
            assert!(plan.contains("COVERING INDEX acknowledgements_unlinked ("), "{plan}");
            assert!(!plan.contains("TEMP B-TREE") && !plan.contains("SCAN a"), "{plan}");
        }
    }
}
