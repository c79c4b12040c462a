//! What operators did, and who they were: written in the commit of what they did.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    NOT_LINKED,
    db::{self, Connection, OptionalExtension as _, named_params, params},
    time,
};
use crate::domain::visible::Visible;

/// How many are kept of a row; the oldest go.
const KEPT: i64 = 50;

/// Something that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// The row was to be tried at once.
    Retried,
    /// It was given up.
    Discarded,
    /// Its company was linked, for which it had waited.
    Linked,
}

impl Deed {
    fn as_str(self) -> &'static str {
        match self {
            Self::Retried => "retried",
            Self::Discarded => "discarded",
            Self::Linked => "linked",
        }
    }
}

/// What somebody did to a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Action {
    /// When.
    pub at: Timestamp,
    /// The name of the token, or of the person.
    pub by: String,
    /// `retried`, `discarded`, or `linked`: the company for whose link it had waited.
    pub what: String,
    /// Why, where one was asked for.
    pub reason: Option<String>,
}

/// What came of something that was to be done to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Levered {
    /// It was done.
    Done,
    /// The row is in a state in which it cannot be.
    OtherState,
    /// There is no such row, or it is not seen.
    Missing,
}

/// What was done to a row, oldest first.
pub(super) fn of(db: &Connection, id: i64) -> db::Result<Vec<Action>> {
    db.prepare_cached(
        "SELECT at, by, what, reason FROM operator_actions
         WHERE acknowledgement_id = ?1 ORDER BY id",
    )?
    .query_map([id], |row| {
        Ok(Action {
            at: time(row.get(0)?),
            by: row.get(1)?,
            what: row.get(2)?,
            reason: row.get(3)?,
        })
    })?
    .collect()
}

/// Notes what was done to a row.
pub(super) fn add(
    db: &Connection,
    id: i64,
    by: &str,
    deed: Deed,
    reason: Option<&str>,
    now: i64,
) -> db::Result<()> {
    db.prepare_cached(
        "INSERT INTO operator_actions (acknowledgement_id, at, by, what, reason)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![id, now, by, deed.as_str(), reason])?;
    db.prepare_cached(
        "DELETE FROM operator_actions WHERE acknowledgement_id = ?1 AND id <= (
             SELECT id FROM operator_actions WHERE acknowledgement_id = ?1
             ORDER BY id DESC LIMIT 1 OFFSET ?2)",
    )?
    .execute([id, KEPT])?;
    Ok(())
}

/// Notes with rows that have waited for a link that it was put, and by whom: theirs, or their company's.
/// `ids` is JSON.
pub(super) fn add_linked(db: &Connection, ids: &str) -> db::Result<()> {
    db.prepare_cached(&format!(
        "INSERT INTO operator_actions (acknowledgement_id, at, by, what)
         SELECT a.id, l.updated_at, l.updated_by, :what
         FROM json_each(:ids) AS released
         CROSS JOIN acknowledgements AS a ON a.id = released.value
         CROSS JOIN company_links AS l ON l.instance = a.instance AND l.company_key = a.company_key
           AND l.site_key = (
             SELECT max(site_key) FROM company_links AS own
             WHERE own.instance = a.instance AND own.company_key = a.company_key
               AND own.site_key IN ('', coalesce(a.site_key, '')))
         WHERE a.problem_code = '{NOT_LINKED}' AND l.updated_by IS NOT NULL"
    ))?
    .execute(named_params! { ":ids": ids, ":what": Deed::Linked.as_str() })?;
    Ok(())
}

/// Whether there is such a row among what is seen.
pub(super) fn is_seen(db: &Connection, id: i64, visible: &Visible) -> db::Result<bool> {
    let whose: Option<(String, Option<String>)> = db
        .prepare_cached("SELECT instance, company_key FROM acknowledgements WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(whose.is_some_and(|(instance, company)| visible.contains(&instance, company.as_deref())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{as_json, migrate::tests::empty};

    fn row(db: &Connection, company: &str, site: Option<&str>, state: &str) -> i64 {
        db.execute(
            "INSERT INTO acknowledgements (instance, event_type, company_key, site_key, body, state,
                 problem_code, received_at, updated_at)
             VALUES ('default', 'acknowledgement', ?1, ?2, '', ?3, ?4, 1, 1)",
            params![company, site, state, NOT_LINKED],
        )
        .unwrap();
        db.last_insert_rowid().unwrap()
    }

    #[test]
    fn the_newest_are_kept_and_go_with_their_row() {
        let db = empty();
        db.execute_batch("PRAGMA foreign_keys = ON").unwrap();
        let (one, other) = (row(&db, "id:1", None, "failed"), row(&db, "id:1", None, "failed"));
        add(&db, other, "jd", Deed::Discarded, Some("planned"), 5).unwrap();
        for at in 0..KEPT + 10 {
            add(&db, one, "jd", Deed::Retried, None, at).unwrap();
        }
        let kept: Vec<_> = of(&db, one).unwrap().iter().map(|done| done.at).collect();
        assert_eq!(kept, (10..KEPT + 10).map(time).collect::<Vec<_>>());
        let discarded = of(&db, other).unwrap();
        assert_eq!((discarded[0].what.as_str(), discarded.len()), ("discarded", 1));
        db.execute("DELETE FROM acknowledgements WHERE id = ?1", [one]).unwrap();
        let left: i64 =
            db.query_row("SELECT count(*) FROM operator_actions", [], |row| row.get(0)).unwrap();
        assert_eq!(left, 1);
    }

    #[test]
    fn a_link_is_noted_with_the_rows_that_waited_for_it() {
        let db = empty();
        let waits = row(&db, "id:1", None, "blocked");
        let of_site = row(&db, "id:1", Some("id:7"), "blocked");
        let other = row(&db, "id:2", None, "blocked");
        let link = |site: &str, by: Option<&str>| {
            let values = params![site, by];
            let sql =
                "INSERT INTO company_links (instance, company_key, site_key, org_id, org_name,
                           tickets, updated_at, updated_by)
                       VALUES ('default', 'id:1', ?1, '3', 'Demo', 1, 5, ?2)";
            db.execute(sql, values).unwrap();
        };
        let noted = |id: i64| -> Vec<_> {
            of(&db, id).unwrap().into_iter().map(|done| (done.what, done.by)).collect()
        };
        let all = as_json(&[waits, of_site, other]);
        link("", Some("jd"));
        link("id:7", Some("am"));
        add_linked(&db, &all).unwrap();
        assert_eq!(noted(waits), [("linked".to_owned(), "jd".to_owned())]);
        assert_eq!(noted(of_site), [("linked".to_owned(), "am".to_owned())]);
        assert_eq!(noted(other), []);
    }

    #[test]
    fn each_question_has_an_index() {
        let db = empty();
        let plan = |sql: &str| -> String {
            let mut explain = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let steps = explain.query_map([], |row| row.get::<_, String>(3)).unwrap();
            steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
        };
        let of = plan("SELECT at FROM operator_actions WHERE acknowledgement_id = 1 ORDER BY id");
        let index = "USING INDEX operator_actions_acknowledgement (acknowledgement_id=?)";
        assert_eq!(of, format!("SEARCH operator_actions {index}"));
        // What is purged asks for what refers to it.
        let gone = plan("DELETE FROM operator_actions WHERE acknowledgement_id = 1");
        assert!(gone.contains("(acknowledgement_id=?)"), "{gone}");
    }
}
