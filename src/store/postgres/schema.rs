//! Bringing a database to the schema of this program.

use super::session::Session;
use crate::store::{
    StoreError,
    db::{self, Connection, params},
};

const SCHEMA: &str = include_str!("../../../schema.postgres.sql");

/// The oldest version that has all that is asked of it.
const OLDEST: i64 = 14;

/// The fenced steps of `schema.postgres.sql`, in order, with their numbers.
fn steps() -> impl Iterator<Item = (i64, &'static str)> {
    SCHEMA.split("\n-- step ").skip(1).filter_map(|step| {
        let number = step.split_once(':')?.0.parse().ok()?;
        Some((number, step.split_once('\n')?.1))
    })
}

/// Applies the steps that the database has not seen, each in its own transaction. Nobody else does so meanwhile.
pub(super) fn migrate(db: &Connection, name: &str) -> Result<(), StoreError> {
    let unusable = |error: db::Error| refused(name, error);
    let Connection::Postgres(session) = db else { return Ok(()) };
    session
        .batch("CREATE TABLE IF NOT EXISTS schema_step (number BIGINT NOT NULL)")
        .map_err(unusable)?;
    let found = step_of(db).map_err(unusable)?;
    for (number, sql) in steps().filter(|(number, _)| *number > found) {
        apply(session, db, number, sql).map_err(|error| {
            // Where it cannot be undone the connection has ended, and the step with it.
            let _ = session.batch("ROLLBACK");
            refused(name, error)
        })?;
    }
    Ok(())
}

/// Whether a database is older than this program, or no bridge has served it yet: the next start brings it up to
/// date.
pub(super) fn is_older(db: &Connection, name: &str) -> Result<bool, StoreError> {
    refuse_server(db, name)?;
    let is_there = "SELECT to_regclass('schema_step') IS NOT NULL";
    let unusable = |error: db::Error| refused(name, error);
    if !db.query_row(is_there, [], |row| row.get(0)).map_err(unusable)? {
        return Ok(true);
    }
    let (found, known) = (step_of(db).map_err(unusable)?, newest());
    if found > known {
        return Err(StoreError::Newer { database: name.to_owned(), found, known });
    }
    Ok(found < known)
}

/// The newest step of this program.
fn newest() -> i64 {
    steps().last().map_or(0, |(number, _)| number)
}

/// The last step that was applied.
fn step_of(db: &Connection) -> db::Result<i64> {
    db.query_row("SELECT coalesce(max(number), 0) FROM schema_step", [], |row| row.get(0))
}

fn apply(session: &Session, db: &Connection, number: i64, sql: &str) -> db::Result<()> {
    session.batch("BEGIN")?;
    session.batch(sql)?;
    db.execute("DELETE FROM schema_step", [])?;
    db.execute("INSERT INTO schema_step (number) VALUES (?1)", params![number])?;
    session.batch("COMMIT")
}

/// A server on which not all would go as it should.
fn refuse_server(db: &Connection, name: &str) -> Result<(), StoreError> {
    let setting = |setting: &str| -> Result<String, StoreError> {
        let shown = db.query_row("SELECT current_setting(?1)", params![setting], |row| row.get(0));
        shown.map_err(|error| refused(name, error))
    };
    let version = setting("server_version_num")?.parse::<i64>().unwrap_or(0) / 10_000;
    if version < OLDEST {
        return Err(refused(
            name,
            format!("it is PostgreSQL {version}, and {OLDEST} is the oldest that serves"),
        ));
    }
    let encoding = setting("server_encoding")?;
    if encoding != "UTF8" {
        return Err(refused(
            name,
            format!("its encoding is {encoding}; make it with ENCODING 'UTF8'"),
        ));
    }
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "who fails gives its error away")]
pub(super) fn refused(name: &str, reason: impl ToString) -> StoreError {
    StoreError::Unusable { database: name.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::store::migrate::tests::empty_file;

    /// Tables that only this schema has, beside the one that is not logged.
    const OWN: [&str; 2] = ["hook_wants", "leader"];

    /// Each column, with whether it must have a value: of SQLite after all its steps.
    fn of_sqlite() -> BTreeSet<(String, String)> {
        let db = empty_file();
        let sql = "SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c
                   WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'";
        let mut select = db.prepare(sql).unwrap();
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// The same as the steps say it.
    fn of_steps() -> BTreeSet<(String, String)> {
        let mut columns = BTreeSet::new();
        for (_, sql) in steps() {
            for table in sql.split("CREATE TABLE ").skip(1) {
                let (name, body) = table.split_once(" (\n").unwrap();
                let body = body.split_once("\n);").unwrap().0;
                for line in
                    body.lines().filter(|line| !OWN.contains(&name) && line.starts_with("    "))
                {
                    let word = line.trim_start().split(' ').next().unwrap();
                    // What follows a column on a line of its own begins with a capital, or deeper.
                    if word.starts_with(|first: char| first.is_ascii_lowercase())
                        && !line.starts_with("     ")
                    {
                        columns.insert((name.to_owned(), word.to_owned()));
                    }
                }
            }
            for change in sql.split("ALTER TABLE ").skip(1) {
                let (name, rest) = change.split_once(" ADD COLUMN ").unwrap();
                columns.insert((name.to_owned(), rest.split(' ').next().unwrap().to_owned()));
            }
        }
        columns
    }

    #[test]
    fn both_databases_have_the_same_columns() {
        assert_eq!(of_steps(), of_sqlite());
    }

    #[test]
    fn steps_count_on() {
        let numbers: Vec<_> = steps().map(|(number, _)| number).collect();
        assert_eq!(numbers, (21..=newest()).collect::<Vec<_>>());
    }
}
