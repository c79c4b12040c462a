//! Rows that wait for the link of their company: many at once, because a company that nobody has linked
//! can have very many.

use rusqlite::{Connection, named_params};

use super::{NOT_LINKED, Store, StoreError};

/// Rows that are changed in one commit: a post behind it waits for some tens of milliseconds.
const AT_ONCE: usize = 2_000;

impl Store {
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

fn follow(db: &Connection, first: i64, now: i64, due: i64) -> rusqlite::Result<Vec<i64>> {
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

/// Makes the blocked rows of a company due.
pub(super) fn release_company(
    db: &Connection,
    instance: &str,
    company: &str,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE acknowledgements INDEXED BY acknowledgements_company SET next_attempt_at = 0
         WHERE state <> 'accepted' AND state = 'blocked' AND instance = ?1 AND company_key = ?2",
    )?
    .execute([instance, company])?;
    Ok(())
}
