//! Later passes: what was read before, and what is seen again.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};

use super::{Staging, StagingError};

/// How a class was read before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadBefore {
    /// When that pass was begun.
    pub begun: Timestamp,
    /// The attributes that were read.
    pub fields: Vec<String>,
}

impl Staging {
    /// A pass is begun, or goes on: the first time counts.
    pub async fn begun(&self, pass: i64, at: Timestamp) -> Result<(), StagingError> {
        self.aside(move |db| {
            let words = [format!("begun {pass}"), at.to_string()];
            db.execute("INSERT OR IGNORE INTO about VALUES (?1, ?2)", words).map(drop)
        })
        .await
    }

    /// How a class was last read to its end; `None` where it never was, or nobody knows when.
    pub async fn read_before(&self, class: &str) -> Result<Option<ReadBefore>, StagingError> {
        let class = class.to_owned();
        self.aside(move |db| {
            let before: Option<(String, String)> = db
                .query_row(
                    "SELECT classes.fields, about.value FROM classes
                     JOIN about ON about.name = 'begun ' || classes.read_in
                     WHERE classes.class = ?1 AND classes.problem IS NULL",
                    [class],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            let before = before.and_then(|(fields, begun)| {
                let fields = serde_json::from_str(&fields).ok()?;
                Some(ReadBefore { begun: begun.parse().ok()?, fields })
            });
            Ok(before)
        })
        .await
    }

    /// These objects of a class are there in this pass; gives those that are not known yet.
    pub async fn seen(
        &self,
        class: &str,
        ids: Vec<u64>,
        pass: i64,
    ) -> Result<Vec<u64>, StagingError> {
        let class = class.to_owned();
        self.aside(move |db| {
            let tx = db.transaction()?;
            let mut unknown = Vec::new();
            let mut see = tx.prepare_cached(
                "UPDATE objects SET seen_in = ?3, gone = 0 WHERE class = ?1 AND id = ?2",
            )?;
            for id in ids {
                let row = i64::try_from(id).unwrap_or(i64::MAX);
                if see.execute(params![class, row, pass])? == 0 {
                    unknown.push(id);
                }
            }
            drop(see);
            tx.commit()?;
            Ok(unknown)
        })
        .await
    }
}
