//! How the last days were: quarters of an hour, and changes of the gate.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Store, StoreError, Term,
    db::{self, Connection, params},
    time,
};
use crate::domain::{bucket::Bucket, desk_name::DeskName};

/// A change of the gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GateChange {
    /// When.
    pub at: Timestamp,
    /// Whose; without it that of iTop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desk: Option<DeskName>,
    /// Why it was closed, as a code; none where it was opened.
    pub reason: Option<String>,
    /// What had happened, for people.
    pub message: Option<String>,
}

// What else is kept bears the name of a ticket system.
const ACKNOWLEDGEMENTS: &str = "acknowledgements";

const SINCE: &str = "SELECT start, kind, value FROM history WHERE start >= ?1 ORDER BY start";
const CHANGES: &str = "SELECT at, desk, reason, message FROM gate_changes WHERE at >= ?1 ORDER BY at DESC, id DESC LIMIT ?2";
const OLD: [&str; 2] =
    ["DELETE FROM history WHERE start < ?1", "DELETE FROM gate_changes WHERE at < ?1"];

impl Store {
    /// The quarters of an hour that have begun since then, in their order.
    pub async fn history(&self, since: Timestamp) -> Result<Vec<Bucket>, StoreError> {
        self.read(move |db| read(db, since)).await
    }
}

impl Term {
    /// Keeps these quarters of an hour, in the place of what was kept of them, and nothing that is older
    /// than `oldest`.
    pub async fn save_history(
        &self,
        buckets: Vec<Bucket>,
        oldest: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |db| {
            for bucket in &buckets {
                save(db, bucket)?;
            }
            OLD.iter().try_for_each(|delete| {
                db.prepare_cached(delete)?.execute([oldest.as_millisecond()]).map(drop)
            })
        })
        .await
    }
}

impl Store {
    /// The newest changes of the gate since then, at most `most`, in their order.
    pub async fn gate_changes(
        &self,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<GateChange>, StoreError> {
        self.read(move |db| {
            let mut select = db.prepare_cached(CHANGES)?;
            let rows = select.query_map(params![since.as_millisecond(), most], |row| {
                Ok(GateChange {
                    at: time(row.get(0)?),
                    desk: row.get(1)?,
                    reason: row.get(2)?,
                    message: row.get(3)?,
                })
            })?;
            let mut changes = rows.collect::<Result<Vec<_>, _>>()?;
            changes.reverse();
            Ok(changes)
        })
        .await
    }
}

impl Term {
    /// Keeps a change of the gate.
    pub async fn note_gate_change(&self, change: GateChange) -> Result<(), StoreError> {
        self.write_statement(move |db| {
            let GateChange { at, desk, reason, message } = &change;
            db.prepare_cached(
                "INSERT INTO gate_changes (at, desk, reason, message) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![at.as_millisecond(), desk.map(DeskName::code), reason, message])
            .map(drop)
        })
        .await
    }
}

fn read(db: &Connection, since: Timestamp) -> db::Result<Vec<Bucket>> {
    let mut select = db.prepare_cached(SINCE)?;
    let mut rows = select.query([since.as_millisecond()])?;
    let mut buckets = Vec::<Bucket>::new();
    while let Some(row) = rows.next()? {
        let start = time(row.get(0)?);
        let (kind, value): (String, String) = (row.get(1)?, row.get(2)?);
        if buckets.last().is_none_or(|last| last.start != start) {
            buckets.push(Bucket::empty(start));
        }
        let Some(bucket) = buckets.last_mut() else { continue };
        if kind == ACKNOWLEDGEMENTS {
            bucket.acknowledgements = value.parse().unwrap_or(0);
        } else if let Some(desk) = DeskName::parse(&kind)
            && let Ok(answers) = serde_json::from_str(&value)
        {
            bucket.add(desk, answers);
        }
        // What a later version may have kept beside these is none of ours.
    }
    Ok(buckets)
}

fn save(db: &Connection, bucket: &Bucket) -> db::Result<()> {
    let start = bucket.start.as_millisecond();
    let answers = DeskName::ALL.into_iter().filter_map(|desk| {
        let answers = serde_json::to_string(&bucket.answers(desk)?).ok()?;
        Some((desk.code(), answers))
    });
    let values = [(ACKNOWLEDGEMENTS, bucket.acknowledgements.to_string())];
    for (kind, value) in values.into_iter().chain(answers) {
        db.prepare_cached(
            "INSERT INTO history (start, kind, value) VALUES (?1, ?2, ?3)
             ON CONFLICT (start, kind) DO UPDATE SET value = excluded.value",
        )?
        .execute(params![start, kind, value])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Clock, domain::bucket::Answers, store::migrate::tests::empty};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn what_was_kept_is_read_and_what_is_old_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("bridge.db"), Clock::system()).unwrap();
        let term = store.lead().await;
        let itop = Some(Answers { count: 7, median: 65_000, p95: 90_000 });
        let bucket = |start: &str, itop, acknowledgements| Bucket {
            itop,
            acknowledgements,
            ..Bucket::empty(at(start))
        };
        let old = bucket("2026-11-20T10:00:00Z", itop, 1);
        let quiet = bucket("2026-11-26T10:00:00Z", None, 0);
        let mut busy = bucket("2026-11-26T10:15:00Z", itop, 12);
        busy.add(DeskName::Salesforce, Answers { count: 2, median: 200_000, p95: 400_000 });
        let change = |time: &str, reason: Option<&str>| GateChange {
            at: at(time),
            desk: reason.filter(|reason| *reason != "maintenance").map(|_| DeskName::Salesforce),
            reason: reason.map(str::to_owned),
            message: reason.map(|_| "refused".to_owned()),
        };
        let closed = change("2026-11-26T10:01:00Z", Some("unreachable"));
        let opened = change("2026-11-26T10:02:00Z", None);
        let long_ago = change("2026-11-20T10:00:00Z", Some("maintenance"));
        for change in [&long_ago, &closed, &opened] {
            term.note_gate_change(change.clone()).await.unwrap();
        }
        let never = Timestamp::MIN;
        let all = vec![old, quiet.clone(), busy.clone()];
        term.save_history(all.clone(), never).await.unwrap();
        assert_eq!(store.history(never).await.unwrap(), all);
        let more = Bucket { acknowledgements: 13, ..busy };
        term.save_history(vec![more.clone()], at("2026-11-21T00:00:00Z")).await.unwrap();
        assert_eq!(store.history(never).await.unwrap(), [quiet, more.clone()]);
        assert_eq!(store.history(more.start).await.unwrap(), [more]);
        assert_eq!(store.gate_changes(never, 9).await.unwrap(), [closed, opened.clone()]);
        assert_eq!(store.gate_changes(never, 1).await.unwrap(), [opened]);
    }

    #[test]
    fn no_question_looks_at_all_rows() {
        let db = empty();
        for sql in [SINCE, CHANGES, OLD[0], OLD[1]] {
            let mut explain = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let parameters = vec![1_i64; sql.matches('?').count()];
            let plan = explain
                .query_map(db::params_from_iter(parameters), |row| row.get::<_, String>(3))
                .unwrap();
            let plan: Vec<_> = plan.map(Result::unwrap).collect();
            assert!(plan.iter().all(|step| step.starts_with("SEARCH")), "{sql}: {plan:?}");
        }
    }
}
