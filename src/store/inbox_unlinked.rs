//! Rows that wait for the link of their company: many at once, because a company that nobody has linked
//! can have very many.

use std::sync::Arc;

use super::{
    NOT_LINKED, Store, StoreError, Term, actions, as_json,
    db::{self, Connection, named_params},
};

/// Rows that are changed in one commit: a post behind it waits for some tens of milliseconds.
const AT_ONCE: usize = 2_000;

impl Term {
    /// What has just become of a row, because its company has no link, becomes of all others of that
    /// company of which the same must be said, in a few commits: those that were never sent, of the same
    /// name, for which there is no link either. Gives back which they are.
    pub async fn follow_unlinked(&self, first: i64) -> Result<Vec<i64>, StoreError> {
        let (now, due) = (self.now_millis(), self.moment().as_millis());
        let mut followed = Vec::new();
        loop {
            let ids = self.write(move |db| follow(db, first, now, due)).await?;
            let are_all = ids.len() < AT_ONCE;
            followed.extend(ids);
            if are_all {
                return Ok(followed);
            }
        }
    }
}

impl Store {
    /// Makes the blocked rows of these companies due: their links have been committed, and each is looked
    /// at again by itself after a while if this does not come to its end.
    pub(super) async fn release_companies(&self, companies: Vec<(String, String)>) {
        self.tell_equipment();
        let changes = &self.inner.changes;
        let mut companies = companies;
        companies.retain(|(instance, company)| changes.has_blocked(instance, company));
        let (companies, mut done) = (Arc::new(companies), Released::default());
        while done.companies < companies.len() {
            let (these, from) = (companies.clone(), done);
            match self.write(move |db| release(db, &these, from)).await {
                Ok(next) => done = next,
                Err(error) => {
                    tracing::warn!(%error, "what waited for a link is looked at later");
                    return;
                }
            }
        }
    }
}

fn follow(db: &Connection, first: i64, now: i64, due: i64) -> db::Result<Vec<i64>> {
    // Blocked ones that are looked at again are due together, too.
    let candidates = |index: &str, whose: &str| {
        format!(
            "SELECT id FROM (
                 SELECT a.id FROM first CROSS JOIN acknowledgements AS a INDEXED BY {index}
                 WHERE {whose} AND a.instance = first.instance
                   AND a.company_key = first.company_key
                   AND a.company_name IS first.company_name
                   AND a.trusted_names = first.trusted_names
                   AND a.event_type = 'acknowledgement' AND a.sent_at IS NULL
                   AND NOT EXISTS (
                       SELECT 1 FROM company_links AS l
                       WHERE l.instance = a.instance AND l.company_key = a.company_key
                         AND l.site_key IN ('', coalesce(a.site_key, '')))
                 LIMIT :limit)"
        )
    };
    let sql = format!(
        "WITH first AS MATERIALIZED (
             SELECT instance, company_key, company_name, trusted_names, state, problem_code, problem,
                 next_attempt_at, ended_at
             FROM acknowledgements
             WHERE id = :first AND state IN ('blocked', 'recorded') AND problem_code = '{NOT_LINKED}')
         UPDATE acknowledgements
         SET state = first.state, problem_code = first.problem_code, problem = first.problem,
             next_attempt_at = first.next_attempt_at, updated_at = :now, ended_at = first.ended_at
         FROM first
         WHERE acknowledgements.id IN ({} UNION ALL {} LIMIT :limit)
         RETURNING acknowledgements.id",
        candidates("acknowledgements_due", "a.state = 'accepted'"),
        candidates(
            "acknowledgements_blocked",
            &format!(
                "a.state = 'blocked' AND a.next_attempt_at <= :due
                   AND a.problem_code = '{NOT_LINKED}'"
            )
        ),
    );
    let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
    db.prepare_cached(&sql)?
        .query_map(
            named_params! {":first": first, ":now": now, ":due": due, ":limit": limit},
            |row| row.get(0),
        )?
        .collect()
}

/// How many companies without such rows are passed over in one commit.
const COMPANIES_AT_ONCE: usize = 500;

/// How far the companies whose rows are made due have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Released {
    /// Companies of which all is due.
    companies: usize,
    /// The last row of the next one that is.
    after: i64,
}

/// Makes a bounded number of blocked rows of some companies due, `from` where the last such call ended.
fn release(
    db: &Connection,
    companies: &[(String, String)],
    from: Released,
) -> db::Result<Released> {
    let mut update = db.prepare_cached(RELEASE)?;
    let (mut done, mut room) = (from, AT_ONCE);
    for (instance, company) in companies.iter().skip(from.companies).take(COMPANIES_AT_ONCE) {
        let limit = i64::try_from(room).unwrap_or(i64::MAX);
        let values = named_params! {":instance": instance, ":company": company, ":after": done.after,
        ":limit": limit};
        let ids: Vec<i64> =
            update.query_map(values, |row| row.get(0))?.collect::<Result<_, _>>()?;
        actions::add_linked(db, &as_json(&ids))?;
        if ids.len() == room {
            // There may be more of this one.
            done.after = ids.into_iter().max().unwrap_or(done.after);
            return Ok(done);
        }
        room -= ids.len();
        done = Released { companies: done.companies + 1, after: 0 };
    }
    Ok(done)
}

const RELEASE: &str = "
    UPDATE acknowledgements SET next_attempt_at = 0
    WHERE id IN (
        SELECT id FROM acknowledgements INDEXED BY acknowledgements_company
        WHERE state <> 'accepted' AND state = 'blocked'
          AND instance = :instance AND company_key = :company AND id > :after
        ORDER BY id LIMIT :limit)
    RETURNING id";

#[cfg(test)]
mod tests {

    use super::*;
    use crate::store::{
        db::{self, params},
        inbox_query::tests::plan,
        migrate::tests::empty,
    };

    #[test]
    fn what_waits_is_made_due_a_bounded_number_at_a_time() {
        let db = empty();
        let company = |key: &str| ("default".to_owned(), key.to_owned());
        let mut id = 0;
        let mut insert = |company: &str, state: &str, rows: usize| {
            for _ in 0..rows {
                id += 1;
                db.execute(
                    "INSERT INTO acknowledgements (id, instance, event_type, company_key, body,
                         state, next_attempt_at, received_at, updated_at)
                     VALUES (?1, 'default', 'acknowledgement', ?2, '', ?3, 9, 1, 1)",
                    params![id, company, state],
                )
                .unwrap();
            }
        };
        insert("id:1", "blocked", AT_ONCE + 7);
        insert("id:2", "blocked", 3);
        insert("id:2", "failed", 1);
        insert("id:3", "blocked", 2);
        let due = || -> usize {
            let sql = "SELECT count(*) FROM acknowledgements WHERE next_attempt_at = 0";
            db.query_row(sql, [], |row| row.get(0)).unwrap()
        };
        let companies = [company("id:1"), company("id:2"), company("none")];
        let first = release(&db, &companies, Released::default()).unwrap();
        assert_eq!((first.companies, due()), (0, AT_ONCE));
        let second = release(&db, &companies, first).unwrap();
        assert_eq!((second, due()), (Released { companies: 3, after: 0 }, AT_ONCE + 10));
        // Many companies of which nothing waits are passed over in several commits, too.
        let many: Vec<_> = (0..=COMPANIES_AT_ONCE).map(|n| company(&format!("id:x{n}"))).collect();
        let passed = release(&db, &many, Released::default()).unwrap();
        assert_eq!(passed.companies, COMPANIES_AT_ONCE);

        let text = |text: &str| db::Value::from(text.to_owned());
        let plan = plan(&db, RELEASE, vec![text("default"), text("id:1"), 0.into(), 9.into()]);
        assert!(plan.contains("(instance=? AND company_key=? AND state=? AND id>?)"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE FOR ORDER BY"), "{plan}");
    }
}
