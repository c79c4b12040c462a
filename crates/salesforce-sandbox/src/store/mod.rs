//! Where the records lie: SQLite, a table for each object.
//!
//! Deleted records stay, marked, as in the Recycle Bin. Hidden ones are there for the unique check
//! and for nobody who asks.

mod cell;
mod fold;
mod tables;

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};
use serde_json::{Map, Value, json};

use crate::{
    access::Access,
    ids,
    schema::{Field, Kind, Object, Schema},
};

pub(crate) use self::{
    cell::{from_sql, to_sql},
    fold::fold,
};

/// A record: field name to value, in the order of the fields.
pub(crate) type Record = Map<String, Value>;

/// Rows that somebody who asks may find.
pub(crate) const LIVE: &str = "\"IsDeleted\" = 0 AND \"_hidden\" = 0";
/// Rows that hold their unique values.
pub(crate) const HELD: &str = "\"IsDeleted\" = 0";

/// The data of an org.
pub(crate) struct State {
    pub(crate) db: Connection,
    pub(crate) schema: Schema,
    pub(crate) access: Access,
}

impl State {
    /// Opens the data, or makes them of `schema`; `true` if they are new.
    pub(crate) fn open(file: Option<&Path>, schema: Schema) -> rusqlite::Result<(Self, bool)> {
        let db = match file {
            Some(file) => Connection::open(file)?,
            None => Connection::open_in_memory()?,
        };
        // Whoever kills the program keeps what was committed; the machine is not unplugged.
        db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;")?;
        db.set_prepared_statement_cache_capacity(256);
        fold::register(&db)?;
        let mut state = Self { db, schema: Schema::default(), access: Access::integration() };
        let new = tables::begin(&state.db)?;
        if new {
            for object in schema.objects {
                state.add_object(object)?;
            }
        } else {
            state.schema = tables::load(&state.db)?;
        }
        tables::views(&state.db)?;
        crate::bulk::begin(&state.db)?;
        crate::deploy::begin(&state.db)?;
        crate::deploy::secure(&mut state)?;
        Ok((state, new))
    }

    /// Makes an object with its table, or brings an existing one to these fields.
    pub(crate) fn add_object(&mut self, object: Object) -> rusqlite::Result<()> {
        tables::save(&self.db, &object)?;
        match self.schema.object_mut(&object.name) {
            Some(existing) => *existing = object,
            None => self.schema.objects.push(object),
        }
        Ok(())
    }

    /// The next number of a counter.
    fn count(&self, key: &str) -> rusqlite::Result<u64> {
        self.db
            .prepare_cached(
                "INSERT INTO _counter (key, next) VALUES (?, 1)
                 ON CONFLICT DO UPDATE SET next = next + 1 RETURNING next",
            )?
            .query_row([key], |row| row.get(0))
    }

    /// An id that no record of the object has or had.
    pub(crate) fn next_id(&self, prefix: &str) -> rusqlite::Result<String> {
        Ok(ids::make(prefix, self.count(prefix)?))
    }

    /// The next automatic number of a field, in its format, such as `CR-{00000}`.
    pub(crate) fn next_number(&self, object: &str, format: &str) -> rusqlite::Result<String> {
        let number = self.count(&format!("number of {object}"))? + 1_000;
        let Some((before, rest)) = format.split_once('{') else { return Ok(number.to_string()) };
        let (digits, after) = rest.split_once('}').unwrap_or((rest, ""));
        Ok(format!("{before}{number:0width$}{after}", width = digits.len()))
    }

    /// Stores a new record, whose values are those of its fields already.
    pub(crate) fn insert(&self, object: &Object, record: &Record) -> rusqlite::Result<()> {
        let columns: Vec<&Field> =
            object.fields.iter().filter(|field| record.contains_key(&field.name)).collect();
        let names: Vec<String> = columns.iter().map(|field| quoted(&field.name)).collect();
        let marks = vec!["?"; columns.len()].join(", ");
        let sql =
            format!("INSERT INTO {} ({}) VALUES ({marks})", quoted(&object.name), names.join(", "));
        let values = columns.iter().map(|field| to_sql(field.kind, &record[&field.name]));
        self.db.prepare_cached(&sql)?.execute(params_from_iter(values))?;
        Ok(())
    }

    /// Changes these fields of a record.
    pub(crate) fn change(
        &self,
        object: &Object,
        id: &str,
        changes: &Record,
    ) -> rusqlite::Result<()> {
        let columns: Vec<&Field> =
            object.fields.iter().filter(|field| changes.contains_key(&field.name)).collect();
        if columns.is_empty() {
            return Ok(());
        }
        let sets: Vec<String> =
            columns.iter().map(|field| format!("{} = ?", quoted(&field.name))).collect();
        let sql =
            format!("UPDATE {} SET {} WHERE \"Id\" = ?", quoted(&object.name), sets.join(", "));
        let values = columns
            .iter()
            .map(|field| to_sql(field.kind, &changes[&field.name]))
            .chain([rusqlite::types::Value::Text(id.to_owned())]);
        self.db.prepare_cached(&sql)?.execute(params_from_iter(values))?;
        Ok(())
    }

    /// Hides a record from everybody who asks, or shows it again; whether there is one.
    pub(crate) fn hide(&self, object: &Object, id: &str, hidden: bool) -> rusqlite::Result<bool> {
        let sql = format!("UPDATE {} SET \"_hidden\" = ? WHERE \"Id\" = ?", quoted(&object.name));
        Ok(self.db.execute(&sql, params![hidden, id])? > 0)
    }

    /// Records for which this condition of ours holds, by id.
    pub(crate) fn rows(
        &self,
        object: &Object,
        condition: &str,
        values: &[rusqlite::types::Value],
    ) -> rusqlite::Result<Vec<Record>> {
        let names: Vec<String> = object.fields.iter().map(|field| quoted(&field.name)).collect();
        let sql = format!(
            "SELECT {} FROM {} WHERE {condition} ORDER BY \"Id\"",
            names.join(", "),
            quoted(&object.name)
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            let mut record = Record::new();
            for (place, field) in object.fields.iter().enumerate() {
                record.insert(field.name.clone(), from_sql(field.kind, row.get_ref(place)?));
            }
            records.push(record);
        }
        Ok(records)
    }

    /// The record of an id, whatever has become of it.
    pub(crate) fn row(&self, object: &Object, id: &str) -> rusqlite::Result<Option<Record>> {
        let rows = self.rows(object, "\"Id\" = ?", &[id.to_owned().into()])?;
        Ok(rows.into_iter().next())
    }

    /// Whether somebody who asks finds this id, and whether it is deleted; none if not at all.
    pub(crate) fn is_deleted(&self, object: &Object, id: &str) -> rusqlite::Result<Option<bool>> {
        let sql = format!(
            "SELECT \"IsDeleted\" FROM {} WHERE \"Id\" = ? AND \"_hidden\" = 0",
            quoted(&object.name)
        );
        self.db.prepare_cached(&sql)?.query_row([id], |row| row.get(0)).optional()
    }

    /// Ids of the records that have this value in this field, at most `limit`.
    pub(crate) fn ids_by(
        &self,
        object: &Object,
        field: &Field,
        value: &Value,
        which: &str,
        limit: u32,
    ) -> rusqlite::Result<Vec<String>> {
        let sql = format!(
            "SELECT \"Id\" FROM {} WHERE {} = ? AND {which} ORDER BY \"Id\" LIMIT {limit}",
            quoted(&object.name),
            quoted(&field.name)
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        statement.query_map([to_sql(field.kind, value)], |row| row.get(0))?.collect()
    }

    /// What Case.Status says of a Case: whether it is closed.
    pub(crate) fn is_closed(&self, status: &str) -> rusqlite::Result<bool> {
        let found = self
            .db
            .prepare_cached("SELECT \"IsClosed\" FROM \"CaseStatus\" WHERE \"ApiName\" = ?")?
            .query_row([status], |row| row.get(0))
            .optional()?;
        Ok(found.unwrap_or(false))
    }

    /// The record types of an object: id, name, developer name, whether active.
    pub(crate) fn record_types(
        &self,
        object: &str,
    ) -> rusqlite::Result<Vec<(String, String, String, bool)>> {
        self.db
            .prepare_cached(
                "SELECT \"Id\", \"Name\", \"DeveloperName\", \"IsActive\" FROM \"RecordType\"
                 WHERE \"SobjectType\" = ? AND \"IsDeleted\" = 0 ORDER BY \"Id\"",
            )?
            .query_map([object], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
            .collect()
    }

    /// Does `work`, or nothing of it if it fails.
    pub(crate) fn atomically<T, E: From<rusqlite::Error>>(
        &self,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        self.db.execute_batch("SAVEPOINT work")?;
        let done = work();
        if done.is_err() {
            self.db.execute_batch("ROLLBACK TO work")?;
        }
        self.db.execute_batch("RELEASE work")?;
        done
    }
}

/// A name as SQL takes it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', ""))
}

/// What a field has where nothing was said: false rather than nothing for what is true or false.
pub(crate) fn empty(field: &Field) -> Value {
    if field.kind == Kind::Boolean { json!(false) } else { Value::Null }
}
