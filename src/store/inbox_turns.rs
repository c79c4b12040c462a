//! Whose turn it is in the inbox, without a look at all that wait.

use super::{
    Store, StoreError,
    db::{self, Connection, OptionalExtension as _, named_params, params},
};
use crate::{clock::Moment, domain::desk_name::DeskName};

/// A row whose turn has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The row.
    pub id: i64,
    /// Its instance and control: deliveries of one control run one after another.
    pub control: (String, String),
}

/// Of which rows is asked, where more than one ticket system is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfDesk {
    /// Those of companies that are linked to this one.
    Linked(DeskName),
    /// All but those of companies that are linked to one of these: those that are not linked, and those that
    /// are linked to what is not served.
    AllBut(Vec<DeskName>),
}

impl OfDesk {
    fn has(&self, db: &Connection, (instance, company): &(String, String)) -> db::Result<bool> {
        let desk: Option<String> = db
            .prepare_cached(
                "SELECT desk FROM company_links WHERE instance = ?1 AND company_key = ?2 LIMIT 1",
            )?
            .query_row([instance, company], |row| row.get(0))
            .optional()?;
        let is = |one: &DeskName| desk.as_deref() == Some(one.code());
        Ok(match self {
            Self::Linked(desk) => is(desk),
            Self::AllBut(others) => !others.iter().any(is),
        })
    }

    /// The same as a condition of the rows `a`.
    pub(super) fn condition(&self) -> String {
        let of_company = "coalesce((SELECT l.desk FROM company_links AS l
             WHERE l.instance = a.instance AND l.company_key = a.company_key LIMIT 1), '')";
        match self {
            Self::Linked(desk) => format!("{of_company} = '{}'", desk.code()),
            Self::AllBut(others) => {
                let codes: Vec<_> =
                    others.iter().map(|desk| format!("'{}'", desk.code())).collect();
                format!("{of_company} NOT IN ({})", codes.join(", "))
            }
        }
    }
}

/// The companies that one ticket system has to do with; all where there is only one.
fn kept(
    db: &Connection,
    companies: Vec<(String, String)>,
    of: Option<&OfDesk>,
) -> db::Result<Vec<(String, String)>> {
    let Some(of) = of else { return Ok(companies) };
    let mut kept = Vec::with_capacity(companies.len());
    for company in companies {
        if of.has(db, &company)? {
            kept.push(company);
        }
    }
    Ok(kept)
}

/// Blocked rows that are due and looked at together, those that wait longest.
const BLOCKED_AT_ONCE: u32 = 1_000;

/// Rows of one company that are looked at together at least, as a part of all: so many deliveries
/// may run at once.
const LEAST_PART: usize = 8;

impl Store {
    /// Rows whose turn has come at `now`: the oldest of each company first, then the second oldest of
    /// each, so that one company's storm does not starve another; never a row that is behind
    /// another one of its control.
    pub async fn due(
        &self,
        now: Moment,
        limit: usize,
        of: Option<OfDesk>,
    ) -> Result<Vec<Due>, StoreError> {
        let now = now.as_millis();
        let companies = self.inner.changes.with_accepted();
        self.read(move |db| {
            let companies = kept(db, companies, of.as_ref())?;
            let of_each = limit.div_ceil(companies.len().max(1)).max(limit / LEAST_PART);
            let mut queues = Vec::with_capacity(companies.len());
            for company in companies {
                queues.push(accepted(db, &company, now, of_each)?);
            }
            queues.extend(blocked(db, now, of.as_ref())?);
            Ok(in_turns(queues, limit))
        })
        .await
    }

    /// Whether another row of the same control is before this one and still under way.
    pub async fn is_behind_another(&self, id: i64) -> Result<bool, StoreError> {
        self.read(move |db| {
            let sql = format!(
                "SELECT NOT ({FIRST_OF_ITS_CONTROL}) FROM acknowledgements AS a WHERE id = ?1"
            );
            let is_behind = db.prepare_cached(&sql)?.query_row([id], |row| row.get(0));
            Ok(is_behind.optional()?.unwrap_or(false))
        })
        .await
    }

    /// When the next row is due of those that were not due at `time`.
    pub async fn next_due_after(
        &self,
        time: Moment,
        of: Option<OfDesk>,
    ) -> Result<Option<Moment>, StoreError> {
        let now = time.as_millis();
        let companies = self.inner.changes.with_accepted();
        self.read(move |db| {
            let companies = kept(db, companies, of.as_ref())?;
            let mut accepted = db.prepare_cached(
                "SELECT min(next_attempt_at) FROM acknowledgements INDEXED BY acknowledgements_due
                 WHERE state = 'accepted' AND instance = ?1 AND company_key = ?2
                   AND next_attempt_at > ?3",
            )?;
            let mut next: Option<i64> = db
                .prepare_cached(
                    "SELECT min(next_attempt_at)
                     FROM acknowledgements INDEXED BY acknowledgements_blocked
                     WHERE state = 'blocked' AND next_attempt_at > ?1",
                )?
                .query_row([now], |row| row.get(0))?;
            for (instance, company) in companies {
                let of_company: Option<i64> =
                    accepted.query_row(params![instance, company, now], |row| row.get(0))?;
                next = next.into_iter().chain(of_company).min();
            }
            Ok(next.map(Moment::from_millis))
        })
        .await
    }
}

/// The rows of one company, oldest first.
type Queue = Vec<Due>;

/// No row of the same control is before this one and still under way.
const FIRST_OF_ITS_CONTROL: &str = "NOT EXISTS (
    SELECT 1 FROM acknowledgements AS earlier
    WHERE earlier.instance = a.instance AND earlier.control_id = a.control_id
      AND earlier.id < a.id AND earlier.state IN ('accepted', 'creating', 'unknown'))";

/// What is due of a company: the oldest of those that were never tried, and of those whose time has
/// come those that wait longest.
fn accepted(
    db: &Connection,
    (instance, company): &(String, String),
    now: i64,
    limit: usize,
) -> db::Result<Queue> {
    let part = |when: &str| {
        format!(
            "SELECT id, control_id FROM (
                 SELECT id, control_id FROM acknowledgements AS a INDEXED BY acknowledgements_due
                 WHERE state = 'accepted' AND instance = ?1 AND company_key = ?2 AND {when}
                   AND {FIRST_OF_ITS_CONTROL}
                 ORDER BY next_attempt_at, id LIMIT ?4)"
        )
    };
    let sql = format!(
        "{} UNION ALL {} ORDER BY id LIMIT ?4",
        part("next_attempt_at = 0"),
        part("next_attempt_at > 0 AND next_attempt_at <= ?3"),
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    db.prepare_cached(&sql)?
        .query_map(params![instance, company, now, limit], |row| {
            Ok(Due { id: row.get(0)?, control: (instance.clone(), row.get(1)?) })
        })?
        .collect()
}

/// What asks for the blocked rows that are due, by company.
fn blocked_sql(of: Option<&OfDesk>) -> String {
    let of_desk = of.map(|of| format!("AND {}", of.condition())).unwrap_or_default();
    format!(
        "SELECT id, instance, control_id, company_key FROM (
             SELECT id, instance, control_id, company_key
             FROM acknowledgements AS a INDEXED BY acknowledgements_blocked
             WHERE state = 'blocked' AND next_attempt_at <= :now AND {FIRST_OF_ITS_CONTROL} {of_desk}
             ORDER BY next_attempt_at, id LIMIT :most)
         ORDER BY instance, company_key, id"
    )
}

/// The blocked rows that are due, by company.
fn blocked(db: &Connection, now: i64, of: Option<&OfDesk>) -> db::Result<Vec<Queue>> {
    let mut select = db.prepare_cached(&blocked_sql(of))?;
    let mut rows = select.query(named_params! {":now": now, ":most": BLOCKED_AT_ONCE})?;
    let (mut queues, mut last) = (Vec::<Queue>::new(), None);
    while let Some(row) = rows.next()? {
        let (instance, company): (String, Option<String>) = (row.get(1)?, row.get(3)?);
        let due = Due { id: row.get(0)?, control: (instance.clone(), row.get(2)?) };
        let whose = Some((instance, company));
        match queues.last_mut().filter(|_| last == whose) {
            Some(queue) => queue.push(due),
            None => queues.push(vec![due]),
        }
        last = whose;
    }
    Ok(queues)
}

/// The first of each queue, oldest first, then the second of each.
fn in_turns(queues: Vec<Queue>, limit: usize) -> Vec<Due> {
    let numbered = queues.into_iter().flat_map(|queue| queue.into_iter().enumerate());
    let mut turns: Vec<_> = numbered.collect();
    turns.sort_by_key(|(turn, due)| (*turn, due.id));
    turns.truncate(limit);
    turns.into_iter().map(|(_, due)| due).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{inbox_query::tests::plan, migrate::tests::empty};

    #[test]
    fn blocked_rows_of_a_desk_are_found_by_indices() {
        let db = empty();
        let (itop, salesforce) = (DeskName::Itop, DeskName::Salesforce);
        for of in [
            None,
            Some(OfDesk::Linked(salesforce)),
            Some(OfDesk::Linked(itop)),
            Some(OfDesk::AllBut(vec![salesforce])),
            Some(OfDesk::AllBut(vec![itop, salesforce])),
        ] {
            let sql = blocked_sql(of.as_ref());
            let plan = plan(&db, &sql, vec![0.into(), 1.into()]);
            let steps =
                |table: &str| plan.lines().filter(|step| step.contains(table)).collect::<Vec<_>>();
            let rows = steps("SEARCH a ");
            assert!(
                rows.len() == 1 && rows[0].contains("acknowledgements_blocked (next_attempt_at<?)"),
                "{plan}"
            );
            let links = steps("SEARCH l ");
            assert_eq!(links.len(), usize::from(of.is_some()), "{plan}");
            assert!(
                links.iter().all(|step| step.contains("(instance=? AND company_key=?)")),
                "{plan}"
            );
            assert!(!plan.contains("SCAN a") && !plan.contains("SCAN l"), "{plan}");
        }
    }

    #[test]
    fn each_row_is_of_one_of_the_desks_that_are_served() {
        let db = empty();
        let company = |key: &str| ("default".to_owned(), key.to_owned());
        for (key, desk) in [("id:1", "itop"), ("id:2", "salesforce"), ("id:3", "another")] {
            db.execute(
                "INSERT INTO company_links (instance, company_key, site_key, org_id, org_name, tickets,
                     updated_at, desk)
                 VALUES ('default', ?1, '', '1', 'x', 1, 0, ?2)",
                params![key, desk],
            )
            .unwrap();
        }
        let (itop, salesforce) = (DeskName::Itop, DeskName::Salesforce);
        let of = |of: OfDesk| {
            ["id:1", "id:2", "id:3", "id:4"].map(|key| of.has(&db, &company(key)).unwrap())
        };
        assert_eq!(of(OfDesk::Linked(itop)), [true, false, false, false]);
        assert_eq!(of(OfDesk::Linked(salesforce)), [false, true, false, false]);
        assert_eq!(of(OfDesk::AllBut(vec![salesforce])), [true, false, true, true]);
        assert_eq!(of(OfDesk::AllBut(vec![itop])), [false, true, true, true]);
    }
}
