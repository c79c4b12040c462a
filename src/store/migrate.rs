//! Bringing a database file to the schema of this program.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

const SCHEMA: &str = include_str!("../../schema.sql");

/// The fenced steps of `schema.sql`, in order; step N leaves `user_version` N.
fn steps() -> impl Iterator<Item = &'static str> {
    SCHEMA.split("\n-- step ").skip(1)
}

/// Applies the steps that the file has not seen, each in its own transaction.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let unusable = |error: rusqlite::Error| StoreError::Unusable {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let found = refuse_newer(connection, path)?;
    for (number, step) in (1_i64..).zip(steps()).filter(|(number, _)| *number > found) {
        // The rest of the fence line is the title of the step.
        let sql = step.split_once('\n').map_or("", |(_, sql)| sql);
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(unusable)?;
        transaction.execute_batch(sql).map_err(unusable)?;
        transaction.pragma_update(None, "user_version", number).map_err(unusable)?;
        transaction.commit().map_err(unusable)?;
    }
    Ok(())
}

/// The schema of a file, unless a newer program wrote it.
pub(super) fn refuse_newer(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let found: i64 =
        connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(|error| {
            StoreError::Unusable { path: path.to_owned(), reason: error.to_string() }
        })?;
    let known = i64::try_from(steps().count()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    Ok(found)
}

/// After an unclean stop the file is looked through before anything is built on it.
pub(super) fn quick_check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let verdict: rusqlite::Result<String> =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    let reason = match verdict {
        Ok(verdict) if verdict == "ok" => return Ok(()),
        Ok(damage) => format!("it is damaged ({damage}); restore a backup"),
        Err(error) => error.to_string(),
    };
    Err(StoreError::Unusable { path: path.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_applies_to_an_empty_database() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, Path::new("test.db")).unwrap();
        migrate(&mut connection, Path::new("test.db")).unwrap();
        let version: i64 =
            connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(version, i64::try_from(steps().count()).unwrap());
    }

    #[test]
    fn a_newer_database_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", 999).unwrap();
        let refusal = migrate(&mut connection, Path::new("test.db")).unwrap_err();
        assert!(matches!(refusal, StoreError::Newer { found: 999, .. }));
    }
}
