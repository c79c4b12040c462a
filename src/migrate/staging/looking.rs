//! What stands in the staging file, for whoever decides what becomes of it.

use std::collections::BTreeMap;

use rusqlite::params;
use serde_json::Value;

use super::{Object, Staging, StagingError};

/// The most values of an attribute that are told apart: what has more is no list.
const MOST_VALUES: i64 = 60;

/// A class that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    /// Its code.
    pub class: String,
    /// The attributes that were read.
    pub fields: Vec<String>,
    /// The entries of each of its logs, how many.
    pub logs: BTreeMap<String, u64>,
    /// How many objects it has.
    pub objects: u64,
}

impl Staging {
    /// The iTop that was read, and its time zone.
    pub async fn source(&self) -> Result<Option<(String, String)>, StagingError> {
        self.aside(|db| Ok(super::about(db, "source")?.zip(super::about(db, "zone")?))).await
    }

    /// The classes of which there are objects, in the order in which they were read.
    pub async fn staged(&self) -> Result<Vec<Staged>, StagingError> {
        self.aside(|db| {
            let mut logs = BTreeMap::<String, BTreeMap<String, u64>>::new();
            let mut each = db.prepare(
                "SELECT class, log, count(*) FROM log_entries GROUP BY class, log",
            )?;
            let mut rows = each.query([])?;
            while let Some(row) = rows.next()? {
                let of = logs.entry(row.get(0)?).or_default();
                of.insert(row.get(1)?, row.get::<_, i64>(2)?.unsigned_abs());
            }
            // Objects of a class that derives from one that was named stand under their own.
            let mut each = db.prepare(
                "SELECT o.class, coalesce(c.fields, '[]'), o.objects FROM (
                     SELECT class, count(*) AS objects FROM objects WHERE gone = 0 GROUP BY class) AS o
                 LEFT JOIN classes AS c ON c.class = o.class
                 ORDER BY coalesce(c.position, 1000000), o.class",
            )?;
            let staged = each.query_map([], |row| {
                let class: String = row.get(0)?;
                let fields: String = row.get(1)?;
                Ok(Staged {
                    fields: serde_json::from_str(&fields).unwrap_or_default(),
                    logs: logs.remove(&class).unwrap_or_default(),
                    objects: row.get::<_, i64>(2)?.unsigned_abs(),
                    class,
                })
            })?;
            staged.collect()
        })
        .await
    }

    /// So many objects of a class with ids above one, in the order of their ids, without their logs.
    pub async fn rows_above(
        &self,
        class: &str,
        above: u64,
        most: u32,
    ) -> Result<Vec<Object>, StagingError> {
        let class = class.to_owned();
        self.aside(move |db| {
            let mut each = db.prepare_cached(
                "SELECT id, fields FROM objects WHERE class = ?1 AND id > ?2 AND gone = 0
                 ORDER BY id LIMIT ?3",
            )?;
            let above = i64::try_from(above).unwrap_or(i64::MAX);
            let rows = each.query_map(params![class, above, most], |row| {
                let fields: String = row.get(1)?;
                let fields = match serde_json::from_str(&fields) {
                    Ok(Value::Object(fields)) => fields,
                    _ => serde_json::Map::new(),
                };
                let id = row.get::<_, i64>(0)?.unsigned_abs();
                Ok(Object { class: class.clone(), id, fields, entries: Vec::new() })
            })?;
            rows.collect()
        })
        .await
    }

    /// The values of an attribute and how many objects have each, the most frequent first; `None` where there
    /// are too many for a list.
    pub async fn values(
        &self,
        class: &str,
        attribute: &str,
    ) -> Result<Option<Vec<(String, u64)>>, StagingError> {
        let names = [class.to_owned(), format!("$.{attribute}")];
        self.aside(move |db| {
            let [class, path] = names;
            let mut each = db.prepare(
                "SELECT coalesce(fields ->> ?2, ''), count(*) FROM objects
                 WHERE class = ?1 AND gone = 0 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?3",
            )?;
            let rows = each.query_map(params![class, path, MOST_VALUES + 1], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
            })?;
            let values: Vec<_> = rows.collect::<Result<_, _>>()?;
            let few = i64::try_from(values.len()).is_ok_and(|length| length <= MOST_VALUES);
            Ok(few.then_some(values))
        })
        .await
    }

    /// The objects that an attribute of a class refers to, each once.
    pub async fn referred(&self, class: &str, attribute: &str) -> Result<Vec<u64>, StagingError> {
        let names = [class.to_owned(), format!("$.{attribute}")];
        self.aside(move |db| {
            let mut each = db.prepare(
                "SELECT DISTINCT CAST(fields ->> ?2 AS INTEGER) FROM objects
                 WHERE class = ?1 AND gone = 0 AND CAST(fields ->> ?2 AS INTEGER) > 0",
            )?;
            let ids = each.query_map(names, |row| Ok(row.get::<_, i64>(0)?.unsigned_abs()))?;
            ids.collect()
        })
        .await
    }

    /// For each of some attributes of a class how many objects have it, and how long the longest is, in
    /// characters.
    pub async fn lengths(
        &self,
        class: &str,
        attributes: &[String],
    ) -> Result<BTreeMap<String, (u64, usize)>, StagingError> {
        let (class, attributes) = (class.to_owned(), attributes.to_vec());
        self.aside(move |db| {
            let mut lengths = BTreeMap::new();
            // One pass for many attributes: SQLite bounds the columns of a question.
            for some in attributes.chunks(200) {
                let columns = (0..some.len()).map(|at| {
                    let path = at + 2;
                    format!(
                        "sum(coalesce(fields ->> ?{path}, '') NOT IN ('', '0')), \
                         max(length(fields ->> ?{path}))"
                    )
                });
                let sql = format!(
                    "SELECT {} FROM objects WHERE class = ?1 AND gone = 0",
                    columns.collect::<Vec<_>>().join(", ")
                );
                let mut values = vec![class.clone()];
                values.extend(some.iter().map(|attribute| format!("$.{attribute}")));
                let counted = db.query_row(&sql, rusqlite::params_from_iter(values), |row| {
                    let of = |column| {
                        row.get::<_, Option<i64>>(column).map(|of| of.unwrap_or(0).unsigned_abs())
                    };
                    let both = |at: usize| of(2 * at).and_then(|one| Ok((one, of(2 * at + 1)?)));
                    (0..some.len()).map(both).collect::<Result<Vec<_>, _>>()
                })?;
                for (attribute, (objects, length)) in some.iter().zip(counted) {
                    let length = usize::try_from(length).unwrap_or(usize::MAX);
                    lengths.insert(attribute.clone(), (objects, length));
                }
            }
            Ok(lengths)
        })
        .await
    }
}
