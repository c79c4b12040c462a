//! Companies and sites of which something came. A trigger writes them down when a row leaves
//! `accepted`; what was stored a moment ago, or without a wish for a ticket, is known by its count.

use std::collections::HashSet;

use jiff::Timestamp;

use super::{
    NOT_LINKED, Store, StoreError, Term,
    db::{self, Connection, OptionalExtension as _, Value, params, params_from_iter},
    inbox_sources::NOT_FRESH,
    narrowed::push_visible,
    time,
};
use crate::domain::{company_link::LinkKey, visible::Visible};

/// A company or site of which something came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenCompany {
    /// Its instance.
    pub instance: String,
    /// `id:…` or `name:…`.
    pub company_key: String,
    /// The same for a site; `None` for the company itself.
    pub site_key: Option<String>,
    /// What it was last called.
    pub name: Option<String>,
    /// When something of it was last received, to the day; `None` where only the counts know it.
    pub seen_at: Option<Timestamp>,
}

/// How much of a company waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanyWaits {
    /// Its instance.
    pub instance: String,
    /// `id:…` or `name:…`.
    pub company_key: String,
    /// How many of its acknowledgements have no ticket and will get one.
    pub waiting: u64,
    /// When the oldest of those was received.
    pub since: Option<Timestamp>,
}

impl Store {
    /// Every company and site that is seen and of which something came, in no order.
    pub async fn seen_companies(&self, visible: &Visible) -> Result<Vec<SeenCompany>, StoreError> {
        let visible = visible.clone();
        let counted = self.company_waits(&visible);
        self.read(move |db| {
            let snapshot = db.snapshot()?;
            let (sql, values) = seen(&visible);
            let mut companies: Vec<SeenCompany> = snapshot
                .prepare_cached(&sql)?
                .query_map(params_from_iter(values), |row| {
                    Ok(SeenCompany {
                        instance: row.get(0)?,
                        company_key: row.get(1)?,
                        site_key: Some(row.get(2)?).filter(|key: &String| !key.is_empty()),
                        name: row.get(3)?,
                        seen_at: Some(time(row.get(4)?)),
                    })
                })?
                .collect::<Result<_, _>>()?;
            let known: HashSet<(String, String)> = companies
                .iter()
                .filter(|company| company.site_key.is_none())
                .map(|company| (company.instance.clone(), company.company_key.clone()))
                .collect();
            for CompanyWaits { instance, company_key, .. } in counted {
                let key = (instance, company_key);
                if key.1.is_empty() || known.contains(&key) {
                    continue;
                }
                let name = name_in_inbox(&snapshot, &key.0, &key.1)?;
                let (instance, company_key) = key;
                let (site_key, seen_at) = (None, None);
                companies.push(SeenCompany { instance, company_key, site_key, name, seen_at });
            }
            Ok(companies)
        })
        .await
    }

    /// How much waits of each company that is seen and has rows. Costs no query.
    #[must_use]
    pub fn company_waits(&self, visible: &Visible) -> Vec<CompanyWaits> {
        self.inner.changes.company_waits(visible)
    }

    /// How many acknowledgements of each of these sites wait for a link, and since when.
    pub async fn unlinked_sites(
        &self,
        sites: Vec<LinkKey>,
    ) -> Result<Vec<(u64, Option<Timestamp>)>, StoreError> {
        self.read(move |db| {
            let mut count = db.prepare_cached(&of_site())?;
            let mut counts = Vec::with_capacity(sites.len());
            for LinkKey { instance, company, site } in &sites {
                let site = site.as_ref().map(ToString::to_string);
                let key = params![instance.as_str(), company.to_string(), site];
                counts.push(count.query_row(key, |row| {
                    Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?.map(time)))
                })?);
            }
            Ok(counts)
        })
        .await
    }
}

impl Term {
    /// Forgets the companies of which nothing came for `retention_millis`, which have neither link nor ticket,
    /// and the sites, which have no link of their own: whoever may post for a company names its sites as it
    /// likes. Gives back how many.
    pub async fn forget_companies(&self, retention_millis: i64) -> Result<usize, StoreError> {
        let now = self.moment().as_millis().min(self.now_millis());
        let before = now.saturating_sub(retention_millis);
        self.write(move |db| db.execute(FORGET, [before])).await
    }
}

const FORGET: &str = "
    DELETE FROM companies_seen AS c
    WHERE seen_at < ?1
      AND NOT EXISTS (SELECT 1 FROM company_links AS l
          WHERE l.instance = c.instance AND l.company_key = c.company_key
            AND (c.site_key = '' OR l.site_key = c.site_key))
      AND (c.site_key <> ''
          OR NOT EXISTS (SELECT 1 FROM control_tickets AS t INDEXED BY control_tickets_company
              WHERE t.company_key = c.company_key AND t.instance = c.instance))";

/// Sites of one company that are given at most; those with a link are known by that.
const MAX_SITES: i64 = 1_000;

/// All that are seen: there are as many as there are companies and sites, never as many as rows.
fn seen(visible: &Visible) -> (String, Vec<Value>) {
    let mut conditions = String::new();
    let mut values = push_visible(&mut conditions, visible);
    values.push((MAX_SITES + 1).into());
    // In the order of the table's key, by which the company itself comes before its sites.
    let sql = format!(
        "SELECT instance, company_key, site_key, name, seen_at FROM (
             SELECT *, row_number() OVER (
                 PARTITION BY instance, company_key ORDER BY site_key) AS place
             FROM companies_seen WHERE true{conditions})
         WHERE place <= ?"
    );
    (sql, values)
}

/// What a company is called in one of its rows.
fn name_in_inbox(db: &Connection, instance: &str, company: &str) -> db::Result<Option<String>> {
    for sql in names_in_inbox() {
        let name: Option<Option<String>> =
            db.prepare_cached(&sql)?.query_row([instance, company], |row| row.get(0)).optional()?;
        if let Some(name) = name.flatten() {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn names_in_inbox() -> [String; 2] {
    let in_index = |index: &str, condition: &str| {
        format!(
            "SELECT company_name FROM acknowledgements INDEXED BY {index}
             WHERE {condition} AND instance = ?1 AND company_key = ?2 LIMIT 1"
        )
    };
    [
        in_index("acknowledgements_due", "state = 'accepted'"),
        in_index("acknowledgements_company", NOT_FRESH),
    ]
}

fn of_site() -> String {
    format!(
        "SELECT count(*), min(received_at) FROM acknowledgements
             INDEXED BY acknowledgements_unlinked
         WHERE problem_code = '{NOT_LINKED}' AND state = 'blocked'
           AND instance = ?1 AND company_key = ?2 AND site_key = ?3"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::keys::{Instance, PartyKey},
        store::{inbox_query::tests::plan, migrate::tests::empty},
    };

    fn text(text: &str) -> Value {
        text.to_owned().into()
    }

    #[test]
    fn no_question_looks_at_rows_that_it_does_not_need() {
        let db = empty();
        for sql in names_in_inbox() {
            let plan = plan(&db, &sql, vec![text("default"), text("id:42")]);
            assert!(plan.contains("(instance=? AND company_key=?)"), "{plan}");
        }
        let of_site = plan(&db, &of_site(), vec![text("default"), text("id:42"), text("id:7")]);
        assert!(of_site.contains("COVERING INDEX"), "{of_site}");
        let key = "(instance=? AND company_key=? AND site_key=? AND state=?)";
        assert!(of_site.contains(key), "{of_site}");
        let forget = plan(&db, FORGET, vec![7_i64.into()]);
        assert!(!forget.contains("SCAN l") && !forget.contains("SCAN t"), "{forget}");
        let companies = ["42", "43"].map(|id| PartyKey::id(id).unwrap());
        let (sql, values) = seen(&Visible::of_companies(Instance::default(), &companies));
        let limited = plan(&db, &sql, values);
        assert!(limited.contains("(instance=? AND company_key=?)"), "{limited}");
        let (sql, values) = seen(&Visible::all());
        let all = plan(&db, &sql, values);
        assert!(
            !limited.contains("TEMP B-TREE") && !all.contains("TEMP B-TREE"),
            "{limited} {all}"
        );
    }

    #[test]
    fn whoever_makes_sites_up_makes_no_list_without_an_end() {
        let db = empty();
        for (company, sites) in [("id:41", 2), ("id:42", MAX_SITES + 5), ("id:43", 0)] {
            let sites = (0..sites).map(|site| format!("id:{site:05}"));
            for site in std::iter::once(String::new()).chain(sites) {
                db.execute(
                    "INSERT INTO companies_seen (instance, company_key, site_key, seen_at)
                     VALUES ('default', ?1, ?2, 7)",
                    [company, &site],
                )
                .unwrap();
            }
        }
        let many = usize::try_from(MAX_SITES).unwrap();
        assert_eq!(all(&db).len(), 3 + many + 1 + 1);
        for company in ["id:41", "id:42"] {
            db.execute(
                "INSERT INTO company_links (instance, company_key, org_id, org_name, tickets,
                     updated_at) VALUES ('default', ?1, '3', 'Demo', 1, 1)",
                [company],
            )
            .unwrap();
        }
        db.execute(
            "UPDATE company_links SET site_key = 'id:00001' WHERE company_key = 'id:41'",
            [],
        )
        .unwrap();
        // The link of a company keeps that, and no site that nobody has named for long.
        db.execute(FORGET, [8]).unwrap();
        let kept: Vec<_> =
            all(&db).into_iter().map(|(company, site, ..)| (company, site)).collect();
        let row = |company: &str, site: &str| (company.to_owned(), site.to_owned());
        assert_eq!(kept, [row("id:41", ""), row("id:41", "id:00001"), row("id:42", "")]);
    }

    fn all(db: &Connection) -> Vec<(String, String, Option<String>, i64)> {
        let (sql, values) = seen(&Visible::all());
        let mut select = db.prepare(&sql).unwrap();
        let rows = select
            .query_map(params_from_iter(values), |row| {
                Ok((row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })
            .unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn a_row_that_leaves_accepted_makes_company_and_site_known() {
        const DAY: i64 = 86_400_000;
        let db = empty();
        let insert = |id: i64, name: &str, site: Option<&str>, received: i64| {
            db.execute(
                "INSERT INTO acknowledgements (id, instance, event_type, company_key, company_name,
                     site_key, site_name, body, state, received_at, updated_at)
                 VALUES (?1, 'default', 'acknowledgement', 'id:42', ?2, ?3, ?3, '', 'accepted', ?4,
                     ?4)",
                params![id, name, site, received],
            )
            .unwrap();
        };
        let becomes = |id: i64, state: &str| {
            db.execute("UPDATE acknowledgements SET state = ?2 WHERE id = ?1", params![id, state])
                .unwrap();
        };
        let row = |site: &str, name: &str, at: i64| {
            ("id:42".to_owned(), site.to_owned(), Some(name.to_owned()), at)
        };
        insert(1, "Demo", Some("id:7"), DAY);
        assert_eq!(all(&db), []);
        becomes(1, "blocked");
        let both = [row("", "Demo", DAY), row("id:7", "id:7", DAY)];
        assert_eq!(all(&db), both);
        // Within the day only another name counts.
        insert(2, "Demo", None, DAY + 5);
        becomes(2, "creating");
        assert_eq!(all(&db), both);
        insert(3, "Demo SA", None, DAY + 9);
        becomes(3, "creating");
        assert_eq!(all(&db)[0], row("", "Demo SA", DAY + 9));
        // An older name that is delivered later is none.
        insert(4, "Old", None, DAY);
        becomes(4, "failed");
        assert_eq!(all(&db)[0], row("", "Demo SA", DAY + 9));
        insert(5, "Demo SA", None, 3 * DAY);
        becomes(5, "recorded");
        assert_eq!(all(&db)[0], row("", "Demo SA", 3 * DAY));

        db.execute(FORGET, [3 * DAY]).unwrap();
        assert_eq!(all(&db), [row("", "Demo SA", 3 * DAY)]);
        db.execute(
            "INSERT INTO company_links (instance, company_key, org_id, org_name, tickets, updated_at)
             VALUES ('default', 'id:42', '3', 'Demo', 1, 1)",
            [],
        )
        .unwrap();
        db.execute(FORGET, [i64::MAX]).unwrap();
        assert_eq!(all(&db).len(), 1, "what has a link stays");
        db.execute("DELETE FROM company_links", []).unwrap();
        db.execute(FORGET, [i64::MAX]).unwrap();
        assert_eq!(all(&db), []);
    }
}
