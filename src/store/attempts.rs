//! What came of the attempts at each row, for the operator who asks why it took so long.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    db::{self, Connection, named_params},
    time,
};
use crate::domain::delivery_state::Problem;

/// How many causes are kept of a row; the oldest go.
const KEPT: i64 = 20;

/// One cause, however often it came in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Attempt {
    /// Stable, for programs.
    pub code: String,
    /// What happened.
    pub message: String,
    /// How often, one after another.
    pub times: u32,
    /// When for the first time.
    pub first_at: Timestamp,
    /// When for the last time.
    pub last_at: Timestamp,
}

/// The causes of a row, oldest first.
pub(super) fn of(db: &Connection, id: i64) -> db::Result<Vec<Attempt>> {
    db.prepare_cached(
        "SELECT code, message, times, first_at, last_at FROM attempts
         WHERE acknowledgement_id = ?1 ORDER BY number",
    )?
    .query_map([id], |row| {
        Ok(Attempt {
            code: row.get(0)?,
            message: row.get(1)?,
            times: row.get(2)?,
            first_at: time(row.get(3)?),
            last_at: time(row.get(4)?),
        })
    })?
    .collect()
}

/// Adds a cause, or counts the last one up if it is the same again.
pub(super) fn add(db: &Connection, id: i64, problem: &Problem, now: i64) -> db::Result<()> {
    let repeated = db
        .prepare_cached(
            "UPDATE attempts SET times = times + 1, last_at = :now
             WHERE acknowledgement_id = :id AND code = :code AND message = :message
               AND number = (SELECT max(number) FROM attempts WHERE acknowledgement_id = :id)",
        )?
        .execute(named_params! {
            ":id": id, ":code": problem.code, ":message": problem.message, ":now": now,
        })?;
    if repeated > 0 {
        return Ok(());
    }
    db.prepare_cached(
        "INSERT INTO attempts (acknowledgement_id, number, code, message, times, first_at, last_at)
         SELECT :id, coalesce(max(number), 0) + 1, :code, :message, 1, :now, :now
         FROM attempts WHERE acknowledgement_id = :id",
    )?
    .execute(named_params! {
        ":id": id, ":code": problem.code, ":message": problem.message, ":now": now,
    })?;
    db.prepare_cached(
        "DELETE FROM attempts WHERE acknowledgement_id = :id AND number <=
             (SELECT max(number) FROM attempts WHERE acknowledgement_id = :id) - :kept",
    )?
    .execute(named_params! {":id": id, ":kept": KEPT})?;
    Ok(())
}
