//! What hooks are still to be told: whose turn it is, and what came of it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Store, StoreError, Term, as_json,
    db::{self, Connection, OptionalExtension as _, named_params, params},
    time,
};
use crate::{
    clock::Moment,
    domain::{hook_event::HookEvent, keys::Instance},
};

/// A message that a hook is to be sent.
#[derive(Clone, Debug)]
pub struct HookMessage {
    /// Its place in the outbox.
    pub id: i64,
    /// The id that its receiver knows it by.
    pub message_id: String,
    /// What has happened.
    pub event: HookEvent,
    /// When.
    pub occurred_at: Timestamp,
    /// How often it was sent and not taken.
    pub attempts: u32,
    /// When it was first sent and not taken.
    pub first_failed_at: Option<Moment>,
    /// How it was then, JSON.
    pub data: String,
    /// The acknowledgement that it is about, if that is still there.
    pub body: Option<SentBody>,
}

/// What a sender has posted.
#[derive(Clone, Debug)]
pub struct SentBody {
    /// The body as received.
    pub text: String,
    /// When it was.
    pub received_at: Timestamp,
    /// By which instance.
    pub instance: Instance,
}

/// What waits of a hook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HookBacklog {
    /// Messages that wait.
    pub waiting: u64,
    /// When the oldest of them happened.
    pub oldest: Option<Timestamp>,
    /// The next moment at which one is sent again.
    pub next: Option<Moment>,
}

/// How it has gone with a hook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HookRecord {
    /// Messages that were taken, or for which the template gave nothing to send.
    pub delivered: u64,
    /// Attempts that were not.
    pub failed_attempts: u64,
    /// Messages that were given up: after a day, or because too many waited.
    pub given_up: u64,
    /// When the last one was taken.
    pub delivered_at: Option<Timestamp>,
    /// Since when the receiver takes nothing.
    #[serde(skip)]
    pub failing_since: Option<Moment>,
    /// What came of the last attempt, if it failed.
    pub error: Option<String>,
}

/// What came of some messages of a hook.
#[derive(Clone, Debug, Default)]
pub struct HookOutcomes {
    /// These need not be sent again.
    pub delivered: Vec<i64>,
    /// These are sent again at that moment.
    pub failed: Vec<(i64, Moment)>,
    /// These were tried for long enough.
    pub given_up: Vec<i64>,
    /// What happened before then was tried for long enough, whether it was sent or not.
    pub given_up_before: Option<Timestamp>,
    /// The bound: beyond it the oldest go.
    pub most: u64,
}

/// The first message of each queue that is due, those that were sent least often first.
const HEADS: &str = "
    SELECT m.id, m.message_id, m.event, m.occurred_at, m.attempts, m.first_failed_at, m.data,
        a.body, a.received_at, a.instance
    FROM hook_messages AS m INDEXED BY hook_messages_turn
    LEFT JOIN acknowledgements AS a ON a.id = m.acknowledgement_id
    WHERE m.hook = ?1 AND m.next_attempt_at <= ?2 AND NOT EXISTS (
        SELECT 1 FROM hook_messages AS e INDEXED BY hook_messages_queue
        WHERE e.hook = m.hook AND e.queue = m.queue AND e.id < m.id)
    ORDER BY m.attempts, m.id LIMIT ?3";

const BACKLOG: &str = "
    SELECT count(*), min(occurred_at),
        min(CASE WHEN next_attempt_at > ?2 THEN next_attempt_at END)
    FROM hook_messages INDEXED BY hook_messages_turn WHERE hook = ?1";

impl Store {
    /// Waits until a hook may have something new to be told. What has come since the last wait is not
    /// missed.
    #[must_use]
    pub fn hook_messages_noted(&self) -> tokio::sync::watch::Receiver<()> {
        self.inner.changes.hook_messages()
    }

    /// The messages of a hook that may be sent now: one of each control, which the next one follows.
    pub async fn hook_heads(
        &self,
        hook: &str,
        limit: usize,
    ) -> Result<Vec<HookMessage>, StoreError> {
        let (hook, now) = (hook.to_owned(), self.moment().as_millis());
        self.read(move |db| heads(db, &hook, now, limit)).await
    }

    /// What waits of a hook.
    pub async fn hook_backlog(&self, hook: &str) -> Result<HookBacklog, StoreError> {
        let (hook, now) = (hook.to_owned(), self.moment().as_millis());
        self.read(move |db| {
            db.prepare_cached(BACKLOG)?.query_row(params![hook, now], |row| {
                Ok(HookBacklog {
                    waiting: row.get(0)?,
                    oldest: row.get::<_, Option<i64>>(1)?.map(time),
                    next: row.get::<_, Option<i64>>(2)?.map(Moment::from_millis),
                })
            })
        })
        .await
    }

    /// How it has gone with a hook so far.
    pub async fn hook_record(&self, hook: &str) -> Result<HookRecord, StoreError> {
        let hook = hook.to_owned();
        self.read(move |db| {
            let record = db
                .prepare_cached(
                    "SELECT delivered, failed_attempts, given_up, delivered_at, failing_since, error
                     FROM hooks WHERE name = ?1",
                )?
                .query_row([hook], |row| {
                    Ok(HookRecord {
                        delivered: row.get(0)?,
                        failed_attempts: row.get(1)?,
                        given_up: row.get(2)?,
                        delivered_at: row.get::<_, Option<i64>>(3)?.map(time),
                        failing_since: row.get::<_, Option<i64>>(4)?.map(Moment::from_millis),
                        error: row.get(5)?,
                    })
                })
                .optional()?;
            Ok(record.unwrap_or_default())
        })
        .await
    }
}

impl Term {
    /// Writes what came of messages of a hook, and how it has gone with it by then: `record` as it was
    /// before, with what is known of its receiver now. Gives back the record, with what was counted.
    pub async fn record_hook_outcomes(
        &self,
        hook: &str,
        outcomes: HookOutcomes,
        record: HookRecord,
    ) -> Result<HookRecord, StoreError> {
        let (hook, now) = (hook.to_owned(), self.moment().as_millis());
        self.write(move |db| write(db, &hook, &outcomes, record, now)).await
    }
}

fn heads(db: &Connection, hook: &str, now: i64, limit: usize) -> db::Result<Vec<HookMessage>> {
    let mut select = db.prepare_cached(HEADS)?;
    let mut rows = select.query(params![hook, now, limit])?;
    let mut heads = Vec::new();
    while let Some(row) = rows.next()? {
        let event: String = row.get(2)?;
        // A later version may have written what this one does not know.
        let Some(event) = HookEvent::parse(&event) else { continue };
        let text: Option<String> = row.get(7)?;
        let body = match text {
            Some(text) => Some(SentBody {
                text,
                received_at: time(row.get(8)?),
                instance: row.get::<_, String>(9)?.parse().unwrap_or_default(),
            }),
            None => None,
        };
        heads.push(HookMessage {
            id: row.get(0)?,
            message_id: row.get(1)?,
            event,
            occurred_at: time(row.get(3)?),
            attempts: row.get(4)?,
            first_failed_at: row.get::<_, Option<i64>>(5)?.map(Moment::from_millis),
            data: row.get(6)?,
            body,
        });
    }
    Ok(heads)
}

fn write(
    db: &Connection,
    hook: &str,
    outcomes: &HookOutcomes,
    mut record: HookRecord,
    now: i64,
) -> db::Result<HookRecord> {
    let remove = |ids: &[i64]| {
        db.prepare_cached(
            "DELETE FROM hook_messages WHERE id IN (SELECT value FROM json_each(?1))",
        )?
        .execute([as_json(ids)])
    };
    record.delivered += as_count(remove(&outcomes.delivered)?);
    record.given_up += as_count(remove(&outcomes.given_up)?);
    record.failed_attempts += as_count(outcomes.failed.len() + outcomes.given_up.len());
    let mut again = db.prepare_cached(
        "UPDATE hook_messages SET attempts = attempts + 1, next_attempt_at = ?2,
             first_failed_at = coalesce(first_failed_at, ?3)
         WHERE id = ?1",
    )?;
    for (id, next) in &outcomes.failed {
        again.execute(params![id, next.as_millis(), now])?;
    }
    if let Some(before) = outcomes.given_up_before {
        let gone = db
            .prepare_cached("DELETE FROM hook_messages WHERE hook = ?1 AND occurred_at < ?2")?
            .execute(params![hook, before.as_millisecond()])?;
        record.given_up += as_count(gone);
    }
    let beyond = db
        .prepare_cached(
            "DELETE FROM hook_messages WHERE hook = ?1 AND id IN (
                 SELECT id FROM hook_messages WHERE hook = ?1 ORDER BY id DESC LIMIT -1 OFFSET ?2)",
        )?
        .execute(params![hook, outcomes.most])?;
    record.given_up += as_count(beyond);
    db.prepare_cached(
        "INSERT OR REPLACE INTO hooks (name, delivered, failed_attempts, given_up, delivered_at,
             failing_since, error)
         VALUES (:name, :delivered, :failed, :given_up, :delivered_at, :since, :error)",
    )?
    .execute(named_params! {
        ":name": hook, ":delivered": record.delivered, ":failed": record.failed_attempts,
        ":given_up": record.given_up,
        ":delivered_at": record.delivered_at.map(Timestamp::as_millisecond),
        ":since": record.failing_since.map(Moment::as_millis), ":error": record.error,
    })?;
    Ok(record)
}

fn as_count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{inbox_query::tests::plan, migrate::tests::empty};

    #[test]
    fn whose_turn_it_is_is_found_in_the_order_of_an_index() {
        let heads = plan(&empty(), HEADS, vec!["h".to_owned().into(), 0.into(), 9.into()]);
        assert!(heads.contains("SEARCH m USING INDEX hook_messages_turn (hook=?)"), "{heads}");
        let queue =
            "SEARCH e USING COVERING INDEX hook_messages_queue (hook=? AND queue=? AND id<?)";
        assert!(heads.contains(queue), "{heads}");
        assert!(!heads.contains("TEMP B-TREE"), "{heads}");
        let backlog = plan(&empty(), BACKLOG, vec!["h".to_owned().into(), 0.into()]);
        assert!(backlog.contains("USING COVERING INDEX hook_messages_turn (hook=?)"), "{backlog}");
    }

    #[test]
    fn beyond_the_bound_the_oldest_go_and_are_counted() {
        let db = empty();
        let mut insert = db
            .prepare(
                "INSERT INTO hook_messages (hook, queue, message_id, event, occurred_at, data)
                 VALUES (?1, ?2, 'm', 'ticket.created', ?3, '{}')",
            )
            .unwrap();
        for n in 1..=9_i64 {
            insert.execute(params!["h", format!("q{}", n % 2), n * 1_000]).unwrap();
            insert.execute(params!["other", "q", n]).unwrap();
        }
        let left = |hook: &str| -> Vec<i64> {
            let mut select =
                db.prepare("SELECT occurred_at FROM hook_messages WHERE hook = ?1").unwrap();
            select.query_map([hook], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        // One of each queue, the oldest.
        let due: Vec<_> = super::heads(&db, "h", 0, 9).unwrap().into_iter().collect();
        assert_eq!(due.iter().map(|head| head.occurred_at.as_second()).collect::<Vec<_>>(), [1, 2]);
        let later = Moment::from_millis(5_000);
        let outcomes = HookOutcomes {
            delivered: vec![due[0].id],
            failed: vec![(due[1].id, later)],
            most: 6,
            ..HookOutcomes::default()
        };
        let record = write(&db, "h", &outcomes, HookRecord::default(), 4_000).unwrap();
        assert_eq!((record.delivered, record.failed_attempts, record.given_up), (1, 1, 2));
        assert_eq!(left("h"), [4_000, 5_000, 6_000, 7_000, 8_000, 9_000]);
        assert_eq!(left("other").len(), 9);
        // What happened before a time is given up as a whole.
        let outcomes =
            HookOutcomes { given_up_before: Some(time(8_000)), most: 6, ..HookOutcomes::default() };
        let record = write(&db, "h", &outcomes, record, 4_000).unwrap();
        assert_eq!((record.given_up, left("h")), (6, vec![8_000, 9_000]));
    }

    #[test]
    fn what_failed_waits_and_holds_up_its_queue_alone() {
        let db = empty();
        for queue in ["a", "a", "b"] {
            db.execute(
                "INSERT INTO hook_messages (hook, queue, message_id, event, occurred_at, data)
                 VALUES ('h', ?1, 'm', 'ticket.created', 1, '{}')",
                [queue],
            )
            .unwrap();
        }
        let ids = |now: i64| -> Vec<i64> {
            super::heads(&db, "h", now, 9).unwrap().iter().map(|head| head.id).collect()
        };
        assert_eq!(ids(0), [1, 3]);
        let failed = vec![(1, Moment::from_millis(5_000))];
        let outcomes = HookOutcomes { failed, most: 9, ..HookOutcomes::default() };
        write(&db, "h", &outcomes, HookRecord::default(), 0).unwrap();
        assert_eq!(ids(4_999), [3]);
        // Those that were sent least often go first.
        assert_eq!(ids(5_000), [3, 1]);
    }
}
