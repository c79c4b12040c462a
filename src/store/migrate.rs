//! Bringing a database file to the schema of this program.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior, functions::FunctionFlags};

use super::{StoreError, board_words};
use crate::domain::keys::PartyKey;

const SCHEMA: &str = include_str!("../../schema.sql");

/// The fenced steps of `schema.sql`, in order; step N leaves `user_version` N.
fn steps() -> impl Iterator<Item = &'static str> {
    SCHEMA.split("\n-- step ").skip(1)
}

/// The number of the last step.
pub(super) fn newest() -> i64 {
    i64::try_from(steps().count()).unwrap_or(i64::MAX)
}

/// Applies the steps that the file has not seen, each in its own transaction.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    migrate_up_to(i64::MAX, connection, path)
}

/// As far as this step, it included.
fn migrate_up_to(last: i64, connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let unusable = |error: rusqlite::Error| StoreError::unusable(path, error);
    let found = refuse_newer(connection, path)?;
    respells(connection).and_then(|()| board_words::register(connection)).map_err(unusable)?;
    // A table that is replaced by a new one must not take with it what refers to it.
    let enforced: bool =
        connection.query_row("PRAGMA foreign_keys", [], |row| row.get(0)).map_err(unusable)?;
    connection.pragma_update(None, "foreign_keys", false).map_err(unusable)?;
    for (number, step) in (1..=last).zip(steps()).filter(|(number, _)| *number > found) {
        // The rest of the fence line is the title of the step.
        let sql = step.split_once('\n').map_or("", |(_, sql)| sql);
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(unusable)?;
        transaction.execute_batch(sql).map_err(unusable)?;
        if let Some(table) = with_lost_references(&transaction).map_err(unusable)? {
            let reason = format!("rows of {table} refer to what is not there; restore a backup");
            return Err(StoreError::unusable(path, reason));
        }
        transaction.pragma_update(None, "user_version", number).map_err(unusable)?;
        transaction.commit().map_err(unusable)?;
    }
    connection.pragma_update(None, "foreign_keys", enforced).map_err(unusable)
}

/// The first table of which a row refers to something that is not there.
fn with_lost_references(db: &Connection) -> rusqlite::Result<Option<String>> {
    let mut check = db.prepare("PRAGMA foreign_key_check")?;
    let mut lost = check.query([])?;
    lost.next()?.map(|row| row.get(0)).transpose()
}

/// The schema of a file, unless a newer program wrote it.
pub(super) fn refuse_newer(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let found: i64 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(|error| StoreError::unusable(path, error))?;
    let known = newest();
    if found > known {
        let database = path.display().to_string();
        return Err(StoreError::Newer { database, found, known });
    }
    Ok(found)
}

/// Gives steps the function `respelt`: a key of a company or site as it is written today. What is
/// no such key stays as it is.
fn respells(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("respelt", 1, flags, |call| {
        let key = call.get::<Option<String>>(0)?;
        Ok(key.map(|key| key.parse::<PartyKey>().map_or(key, |key| key.to_string())))
    })
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
    Err(StoreError::unusable(path, reason))
}

#[cfg(test)]
mod upgrades;

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A database as a new bridge has it.
    pub(in crate::store) fn empty() -> crate::store::db::Connection {
        empty_file().into()
    }

    /// The same as SQLite has it.
    pub(in crate::store) fn empty_file() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, Path::new("test.db")).unwrap();
        connection
    }

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
    fn a_database_of_the_first_steps_keeps_what_it_has() {
        let mut connection = Connection::open_in_memory().unwrap();
        for (number, step) in (1_i64..).zip(steps()).take(3) {
            connection.execute_batch(step.split_once('\n').unwrap().1).unwrap();
            connection.pragma_update(None, "user_version", number).unwrap();
        }
        connection
            .execute_batch(
                "INSERT INTO acknowledgements (instance, event_id, event_type, marker, fingerprint,
                     company_key, control_id, control_name, body, state, received_at, updated_at)
                 VALUES ('default', 'a', 'acknowledgement', '0', 'f', 'name:Espace  Été', 'c', 'C',
                     '{}', 'created', 1, 1),
                     ('default', 'b', 'acknowledgement', '1', 'f', 'id:42', 'd', 'D', '{}',
                     'blocked', 1, 1),
                     ('default', 'c', 'acknowledgement', '2', 'f', 'id:42', 'd', 'D',
                     '{\"control\":{\"status_changed_at\":\"1970-01-01T00:00:00Z\"}}', 'created', 1, 1),
                     ('default', 'd', 'acknowledgement', '3', 'f', 'id:42', 'd', 'D',
                     '{\"control\":{\"status_changed_at\":\"2026-11-21T08:14:09Z\"}}', 'created', 1, 1);
                 INSERT INTO tickets (class, id, ref, org_id, status, operational_status, title,
                     presence, as_of) VALUES ('Incident', 7, 'I-7', 3, 'new', 'ongoing', 't',
                     'present', 1);
                 INSERT INTO control_tickets (instance, control_id, control_name, company_key,
                     ticket_class, ticket_id, acknowledgement_id, mapped_at)
                 VALUES ('default', 'c', 'C', 'name:Espace  Été', 'Incident', 7, 1, 1);
                 INSERT INTO company_links (instance, company_key, site_key, org_id, org_name,
                     tickets, updated_at)
                 VALUES ('default', 'name:Espace  Été', '', 3, 'Demo', 1, 1),
                     ('default', 'name:espace été', '', 3, 'Demo', 1, 2);
                 INSERT INTO attempts VALUES (1, 1, 'itop-unavailable', 'm', 1, 1, 1);",
            )
            .unwrap();
        migrate(&mut connection, Path::new("test.db")).unwrap();
        let texts = |sql: &str| -> Vec<(String, Option<String>)> {
            let mut select = connection.prepare(sql).unwrap();
            let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            rows.map(Result::unwrap).collect()
        };
        let pair = |a: &str, b: Option<&str>| (a.to_owned(), b.map(str::to_owned));
        let key = PartyKey::name("Espace Été").unwrap().to_string();
        assert_eq!(
            texts("SELECT company_key, fingerprint FROM acknowledgements ORDER BY id"),
            [
                pair(&key, None),
                pair("id:42", Some("f")),
                // A time before 2000 is none.
                pair("id:42", None),
                pair("id:42", Some("f")),
            ]
        );
        assert_eq!(texts("SELECT company_key, org_name FROM company_links").len(), 1);
        assert_eq!(
            texts("SELECT company_key, CAST(org_id AS TEXT) FROM control_tickets"),
            [pair(&key, Some("3"))]
        );
        assert_eq!(
            texts("SELECT ticket_status, CAST(ticket_open AS TEXT) FROM control_tickets"),
            [pair("new", Some("1"))]
        );
        assert_eq!(
            texts("SELECT code, message FROM attempts"),
            [pair("itop-unavailable", Some("m"))]
        );
    }

    #[test]
    fn the_board_learns_of_its_acknowledgements_what_is_still_there() {
        let mut connection = Connection::open_in_memory().unwrap();
        respells(&connection).unwrap();
        for (number, step) in (1_i64..).zip(steps()).take(9) {
            connection.execute_batch(step.split_once('\n').unwrap().1).unwrap();
            connection.pragma_update(None, "user_version", number).unwrap();
        }
        connection
            .execute_batch(
                r#"INSERT INTO acknowledgements (id, instance, event_type, company_name, site_name,
                     body, state, received_at, updated_at)
                 VALUES (1, 'default', 'acknowledgement', 'Démo', 'Lyon',
                     '{"control": {"element_type": "Service"},
                       "acknowledgement": {"author": {"name": "Zoé", "login": "zm"}}}',
                     'created', 5, 5),
                     (2, 'default', 'acknowledgement', 'Démo', NULL,
                     '{"acknowledgement": {"author": "jdupont"}}', 'created', 6, 6);
                 INSERT INTO tickets (class, id, ref, org_id, status, operational_status, title,
                     priority, presence, as_of)
                 VALUES ('Incident', '7', 'I-7', '3', 'new', 'ongoing', 'Été', 2, 'present', 1),
                     ('Incident', '8', 'I-8', '3', 'closed', 'closed', 'b', NULL, 'present', 1);
                 INSERT INTO control_tickets (instance, control_id, control_name, company_key,
                     ticket_class, ticket_id, acknowledgement_id, mapped_at, equipment_name, replaced)
                 VALUES ('default', 'a', 'Disk', 'id:1', 'Incident', '7', 1, 9, 'Srv', NULL),
                     ('default', 'b', 'B', 'id:1', 'Incident', '8', 2, 9, NULL, NULL),
                     ('default', 'c', 'C', 'id:1', 'Incident', '7', 3, 9, NULL, 'I-6');"#,
            )
            .unwrap();
        migrate(&mut connection, Path::new("test.db")).unwrap();
        let sql =
            "SELECT concat_ws('|', company_name, site_name, element_type, author, author_login,
                       received_at, ticket_group, ticket_number, ticket_priority, company_words,
                       control_words, ticket_words) FROM control_tickets ORDER BY control_id";
        let mut select = connection.prepare(sql).unwrap();
        let rows = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(
            rows.map(Result::unwrap).collect::<Vec<_>>(),
            [
                "Démo|Lyon|service|Zoé|zm|5|open|I-7|2|demo\nlyon|disk\nsrv\ndemo\nlyon\nzoe\nzm|i-7 ete",
                "Démo|jdupont|jdupont|6|closed|I-8|9|demo|b\ndemo\njdupont\njdupont|i-8 b",
                "9|gone|I-6|9||c|i-6",
            ]
        );
    }

    #[test]
    fn keys_that_were_numbers_become_texts() {
        let mut connection = Connection::open_in_memory().unwrap();
        // As the store opens it.
        connection.pragma_update(None, "foreign_keys", true).unwrap();
        respells(&connection).unwrap();
        for (number, step) in (1_i64..).zip(steps()).take(5) {
            connection.execute_batch(step.split_once('\n').unwrap().1).unwrap();
            connection.pragma_update(None, "user_version", number).unwrap();
        }
        connection
            .execute_batch(
                "INSERT INTO acknowledgements (instance, event_id, event_type, body, state,
                     ticket_class, ticket_id, line_org_id, received_at, updated_at)
                 VALUES ('default', 'a', 'acknowledgement', '{}', 'reused', 'Incident', 104, 3, 1, 1),
                     ('default', 'b', 'acknowledgement', '{}', 'blocked', NULL, NULL, NULL, 1, 1);
                 INSERT INTO attempts (acknowledgement_id, number, code, message, times, first_at,
                     last_at) VALUES (2, 1, 'c', 'm', 1, 1, 1);
                 INSERT INTO tickets (class, id, ref, org_id, status, operational_status, title,
                     presence, as_of) VALUES ('Incident', 104, 'I-7', 3, 'new', 'ongoing', 't',
                     'present', 1);
                 INSERT INTO control_tickets (instance, control_id, control_name, company_key,
                     ticket_class, ticket_id, acknowledgement_id, mapped_at, org_id)
                 VALUES ('default', 'c', 'C', 'id:42', 'Incident', 104, 1, 1, 3);
                 INSERT INTO company_links (instance, company_key, org_id, org_name, tickets,
                     team_id, updated_at) VALUES ('default', 'id:42', 3, 'Demo', 1, 37, 1);",
            )
            .unwrap();
        migrate(&mut connection, Path::new("test.db")).unwrap();
        for (keys, table) in [
            ("ticket_id, line_org_id", "acknowledgements WHERE event_id = 'a'"),
            ("id, org_id", "tickets"),
            ("ticket_id, org_id", "control_tickets"),
            ("team_id, org_id", "company_links"),
        ] {
            let select = format!("SELECT {keys} FROM {table}");
            // Only a text is read as one.
            let row: (String, String) =
                connection.query_row(&select, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            let expected = if table == "company_links" { "37" } else { "104" };
            assert_eq!(row, (expected.to_owned(), "3".to_owned()), "{table}");
        }
        let count = |sql: &str| -> i64 { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
        assert_eq!(count("SELECT count(*) FROM acknowledgements WHERE ticket_id IS NULL"), 1);
        assert_eq!(count("SELECT count(*) FROM attempts"), 1);
        assert_eq!(count("SELECT count(*) FROM pragma_foreign_key_check"), 0);
        assert!(connection.execute("DELETE FROM tickets", []).is_err(), "a control points there");
    }

    #[test]
    fn a_newer_database_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", 999).unwrap();
        let refusal = migrate(&mut connection, Path::new("test.db")).unwrap_err();
        assert!(matches!(refusal, StoreError::Newer { found: 999, .. }));
    }
}
