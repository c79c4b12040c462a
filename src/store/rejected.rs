//! What was refused, kept for the operator: many senders ignore answers. It has bounds, so that a
//! sender that is wrong all day is not the reason that the disk fills, and takes the place of its own
//! rows before that of others.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Store, StoreError,
    changes::Changes,
    db::{self, Connection, OptionalExtension as _, params},
    hook_wants,
    inbox_sources::NOT_FRESH,
    meta,
};
use crate::domain::{
    acknowledgement::{Glimpse, Party},
    delivery_state::{Problem, State},
    keys::{ControlId, EventId, Instance},
};

/// Rows that are kept of one day at most.
const MOST_A_DAY: u64 = 2_000;

/// Bytes of bodies and sentences that are kept of one day at most.
const MOST_BYTES_A_DAY: u64 = 4 * 1024 * 1024;

const DAY: i64 = 24 * 60 * 60 * 1_000;

/// What is kept of this day, under this name in `meta`.
const TODAY: &str = "rejected_today";

/// A body that was refused.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// The instance that sent it.
    pub instance: Instance,
    /// What could be told of it.
    pub glimpse: Glimpse,
    /// The beginning of the body.
    pub body: String,
    /// When it came.
    pub received_at: Timestamp,
    /// Why it was refused.
    pub problem: Problem,
}

/// What is kept of one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Day {
    /// Which, in days since 1970 (UTC).
    number: i64,
    /// No row before this one is of that day.
    first: i64,
    rows: u64,
    bytes: u64,
}

impl Store {
    /// Keeps bodies that were refused. Beyond the bounds of a day the oldest ones go of the instance that
    /// has most of them.
    pub async fn keep_rejected(&self, rejected: Vec<Rejected>) -> Result<(), StoreError> {
        let today = self.now_millis().div_euclid(DAY);
        let changes = self.inner.changes.clone();
        self.write(move |db| {
            let mut day = known_of(db, today)?.unwrap_or(Day { number: today, ..Day::default() });
            let mut shares = None;
            let mut ids = Vec::with_capacity(rejected.len());
            for row in &rejected {
                let id = insert(db, &changes, row)?;
                ids.push(id);
                if day.rows == 0 {
                    day.first = id;
                }
                day.rows += 1;
                day.bytes += size(&row.body, &row.problem.message);
                if let Some(shares) = &mut shares {
                    *HashMap::entry(shares, row.instance.to_string()).or_default() += 1;
                }
                while day.rows > MOST_A_DAY || day.bytes > MOST_BYTES_A_DAY {
                    let shares = match &mut shares {
                        Some(shares) => shares,
                        unknown => unknown.insert(shares_of(db, &day)?),
                    };
                    remove_one(db, &mut day, shares)?;
                }
            }
            hook_wants::note_rejected(db, &ids)?;
            keep_known(db, &day)
        })
        .await
    }
}

/// A refused row that an operator has ticked off.
#[derive(Clone, Copy, Debug)]
pub(super) struct TickedOff {
    pub(super) id: i64,
    /// What was kept of it.
    pub(super) bytes: u64,
}

/// Rows that were ticked off take no place of others any more.
pub(super) fn ticked_off(db: &Connection, rows: &[TickedOff], now: i64) -> db::Result<()> {
    let Some(mut day) = known_of(db, now.div_euclid(DAY))? else { return Ok(()) };
    for row in rows.iter().filter(|row| row.id >= day.first) {
        day.rows = day.rows.saturating_sub(1);
        day.bytes = day.bytes.saturating_sub(row.bytes);
    }
    keep_known(db, &day)
}

fn known_of(db: &Connection, today: i64) -> db::Result<Option<Day>> {
    let known = meta::get(db, TODAY)?.and_then(|text| serde_json::from_str(&text).ok());
    Ok(known.filter(|known: &Day| known.number == today))
}

fn keep_known(db: &Connection, day: &Day) -> db::Result<()> {
    // Numbers can always be written as JSON.
    meta::set(db, TODAY, &serde_json::to_string(day).unwrap_or_default())
}

fn size(body: &str, message: &str) -> u64 {
    u64::try_from(body.len() + message.len()).unwrap_or(u64::MAX)
}

fn insert(db: &Connection, changes: &Changes, row: &Rejected) -> db::Result<i64> {
    let Rejected { instance, glimpse, body, received_at, problem } = row;
    let event_type = glimpse.event_type.map_or("unknown", |kind| kind.as_str());
    let company_key = glimpse.company.as_ref().map(|company| company.key.to_string());
    db.prepare_cached(
        "INSERT INTO acknowledgements (instance, event_id, event_type, company_key, company_name,
             control_id, control_name, body, state, problem_code, problem, received_at,
             updated_at, ended_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'rejected', ?, ?, ?11, ?11, ?11)",
    )?
    .execute(params![
        instance.as_str(),
        glimpse.event_id.as_ref().map(EventId::as_str),
        event_type,
        company_key,
        glimpse.company.as_ref().map(Party::label),
        glimpse.control_id.as_ref().map(ControlId::as_str),
        glimpse.control_name,
        body,
        problem.code,
        problem.message,
        received_at.as_millisecond(),
    ])?;
    let id = db.last_insert_rowid()?;
    let company = company_key.as_deref().unwrap_or_default();
    // No answer about the control is another one for it.
    let received_at = received_at.as_millisecond();
    let place = (instance.as_str(), company);
    changes.note_new(id, place, None, State::Rejected, Some(problem), received_at);
    Ok(id)
}

/// How many rows of the day each instance has.
type Shares = HashMap<String, u64>;

fn shares_of(db: &Connection, day: &Day) -> db::Result<Shares> {
    db.prepare_cached(&format!(
        "SELECT instance, count(*) FROM acknowledgements INDEXED BY acknowledgements_state
         WHERE state = 'rejected' AND {NOT_FRESH} AND id >= ?1 GROUP BY instance"
    ))?
    .query_map([day.first], |row| Ok((row.get(0)?, row.get(1)?)))?
    .collect()
}

/// Removes the oldest row of the instance that has most of them.
fn remove_one(db: &Connection, day: &mut Day, shares: &mut Shares) -> db::Result<()> {
    let largest = shares.iter_mut().max_by(|(a, of_a), (b, of_b)| (of_a, a).cmp(&(of_b, b)));
    let oldest: Option<(i64, String, String)> = match &largest {
        None => None,
        Some((instance, _)) => db
            .prepare_cached(&format!(
                "SELECT id, body, problem FROM acknowledgements INDEXED BY acknowledgements_state
                 WHERE state = 'rejected' AND {NOT_FRESH} AND id >= ?1 AND instance = ?2
                 ORDER BY id LIMIT 1"
            ))?
            .query_row(params![day.first, instance], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?,
    };
    let (Some((_, share)), Some((id, body, message))) = (largest, oldest) else {
        // They have been purged.
        *day = Day { number: day.number, ..Day::default() };
        return Ok(());
    };
    *share = share.saturating_sub(1);
    db.prepare_cached("DELETE FROM acknowledgements WHERE id = ?1")?.execute([id])?;
    day.rows = day.rows.saturating_sub(1);
    day.bytes = day.bytes.saturating_sub(size(&body, &message));
    Ok(())
}
