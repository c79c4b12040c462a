//! Databases of every earlier schema, with rows in all their tables, brought to today's.

use std::collections::BTreeMap;

use rusqlite::types::Value;

use super::*;
use crate::domain::equipment::{EquipmentState, Held};

/// A row by its columns. Numbers are texts too: a key may have become one.
type Row = BTreeMap<String, Option<String>>;

const STATES: [&str; 10] = [
    "accepted",
    "creating",
    "unknown",
    "created",
    "reused",
    "failed",
    "blocked",
    "recorded",
    "discarded",
    "rejected",
];

const ROWS: usize = STATES.len();

fn last_step() -> i64 {
    i64::try_from(steps().count()).unwrap()
}

fn path() -> &'static Path {
    Path::new("test.db")
}

fn version(db: &Connection) -> i64 {
    db.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

fn texts(db: &Connection, sql: &str) -> Vec<String> {
    db.prepare(sql).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// Those that nothing refers to come last.
fn tables(db: &Connection) -> Vec<String> {
    texts(
        db,
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
         ORDER BY name NOT IN ('acknowledgements', 'tickets'), name",
    )
}

/// All that makes up the schema.
fn schema(db: &Connection) -> Vec<String> {
    texts(
        db,
        "SELECT concat_ws(' ', type, name, tbl_name, sql) FROM sqlite_schema ORDER BY type, name",
    )
}

/// What stands in this column of the table, in the row with this number: words and numbers that tell whence they are.
fn sample(table: &str, column: &str, kind: &str, number: usize) -> Value {
    let integer = |number: usize| Value::Integer(i64::try_from(number).unwrap());
    match (column, kind) {
        ("state", _) if table == "equipment" => {
            let states = EquipmentState::ALL;
            Value::Text(states[number % states.len()].as_str().to_owned())
        }
        ("held", _) => Value::Text(Held::ALL[number % Held::ALL.len()].as_str().to_owned()),
        ("state", _) => Value::Text(STATES[number].to_owned()),
        ("presence", _) => {
            Value::Text(["present", "deleted", "not_visible"][number % 3].to_owned())
        }
        ("tickets" | "by_number" | "ticket_open" | "trusted_names", _) => integer(number % 2),
        // What is brought to iTop's CMDB has other classes, of which some tables have each once.
        ("class", _) if table.starts_with("cmdb") || table.starts_with("equipment") => {
            Value::Text(format!("Class{number}"))
        }
        ("class" | "ticket_class", _) => Value::Text("Incident".to_owned()),
        // Of acknowledgements, tickets, and whatever refers to them.
        ("id" | "ticket_id" | "acknowledgement_id", "INTEGER") => integer(number + 1),
        ("id" | "ticket_id", _) => Value::Text((number + 1).to_string()),
        ("body", _) => Value::Text(format!(r#"{{"control":{{"element_type":"host {number}"}}}}"#)),
        ("company_key", _) => Value::Text(format!("id:{number}")),
        (_, "INTEGER") => integer(number + 1_000),
        (_, "BLOB") => Value::Blob(vec![1, u8::try_from(number).unwrap()]),
        _ => Value::Text(format!("{column} é {number}")),
    }
}

/// Puts rows into each table: of all columns, and every other one of those alone that it must have.
fn fill(db: &Connection) {
    for table in tables(db) {
        let mut select = db
            .prepare("SELECT name, type, \"notnull\" OR pk > 0 FROM pragma_table_info(?1)")
            .unwrap();
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let columns: Vec<(String, String, bool)> =
            select.query_map([&table], read).unwrap().map(Result::unwrap).collect();
        for number in 0..ROWS {
            let filled: Vec<_> =
                columns.iter().filter(|(_, _, must)| *must || number % 2 == 0).collect();
            let names: Vec<_> = filled.iter().map(|(name, _, _)| name.as_str()).collect();
            let values = filled.iter().map(|(name, kind, _)| sample(&table, name, kind, number));
            let places = vec!["?"; names.len()].join(", ");
            let insert = format!("INSERT INTO {table} ({}) VALUES ({places})", names.join(", "));
            db.execute(&insert, rusqlite::params_from_iter(values))
                .unwrap_or_else(|error| panic!("{insert}: {error}"));
        }
    }
}

/// All rows of each table, in no order that means anything.
fn content(db: &Connection) -> BTreeMap<String, Vec<Row>> {
    let rows = |table: &String| {
        let mut select = db.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let names: Vec<String> = select.column_names().map(str::to_owned).collect();
        let read = |row: &rusqlite::Row<'_>| {
            let text = |(place, name): (usize, &String)| {
                let value = match row.get::<_, Value>(place)? {
                    Value::Null => None,
                    Value::Integer(number) => Some(number.to_string()),
                    Value::Text(text) => Some(text),
                    Value::Blob(bytes) => Some(format!("{bytes:?}")),
                    Value::Real(number) => Some(number.to_string()),
                };
                Ok((name.clone(), value))
            };
            names.iter().enumerate().map(text).collect::<rusqlite::Result<Row>>()
        };
        let mut rows: Vec<Row> = select.query_map([], read).unwrap().map(Result::unwrap).collect();
        rows.sort();
        (table.clone(), rows)
    };
    tables(db).iter().map(rows).collect()
}

/// The columns that both have, of the tables that the earlier one has.
fn shared(of: &BTreeMap<String, Vec<Row>>, with: &BTreeMap<String, Vec<Row>>) -> Vec<Vec<Row>> {
    let of_table = |(table, theirs): (&String, &Vec<Row>)| {
        let known = &theirs[0];
        let known = |name: &String| known.contains_key(name) && with[table][0].contains_key(name);
        let keep = |row: &Row| row.clone().into_iter().filter(|(name, _)| known(name)).collect();
        let mut kept: Vec<Row> = of[table].iter().map(keep).collect();
        kept.sort();
        kept
    };
    with.iter().filter(|(table, _)| of.contains_key(*table)).map(of_table).collect()
}

/// A database as it was at a step, with rows in all tables.
fn filled(step: i64, mut db: Connection) -> Connection {
    db.pragma_update(None, "foreign_keys", true).unwrap();
    migrate_up_to(step, &mut db, path()).unwrap();
    fill(&db);
    db
}

#[test]
fn every_earlier_database_keeps_its_rows_and_comes_to_the_same_schema() {
    let mut fresh = Connection::open_in_memory().unwrap();
    migrate(&mut fresh, path()).unwrap();
    for step in 2..=last_step() {
        let mut db = filled(step, Connection::open_in_memory().unwrap());
        let before = content(&db);
        assert!(before.values().all(|rows| rows.len() == ROWS), "{before:?}");
        migrate(&mut db, path()).unwrap_or_else(|error| panic!("from step {step}: {error}"));
        assert_eq!(version(&db), last_step());
        assert_eq!(schema(&db), schema(&fresh), "from step {step}");
        let after = content(&db);
        assert_eq!(shared(&after, &before), shared(&before, &after), "from step {step}");
        assert_eq!(texts(&db, "PRAGMA integrity_check"), ["ok"]);
        assert!(with_lost_references(&db).unwrap().is_none());
    }
}

#[test]
fn a_step_that_fails_leaves_the_file_as_it_was() {
    let mut failed = 0;
    for step in 2..last_step() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bridge.db");
        drop(filled(step, Connection::open(&file).unwrap()));

        // No room for a page more, as on a full disk.
        let mut full = Connection::open(&file).unwrap();
        let pages: i64 = full.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        full.pragma_update(None, "max_page_count", pages).unwrap();
        let refused = migrate(&mut full, &file);
        drop(full);
        let mut left = Connection::open(&file).unwrap();
        let reached = version(&left);
        assert_eq!(refused.is_ok(), reached == last_step(), "from step {step}: {refused:?}");
        failed += usize::from(refused.is_err());

        let mut expected = filled(step, Connection::open_in_memory().unwrap());
        migrate_up_to(reached, &mut expected, path()).unwrap();
        assert_eq!(schema(&left), schema(&expected), "from step {step}");
        assert_eq!(content(&left), content(&expected), "from step {step}");

        // Once there is room, it goes on from there.
        migrate(&mut left, &file).unwrap();
        migrate(&mut expected, path()).unwrap();
        assert_eq!(content(&left), content(&expected), "from step {step}");
    }
    assert!(failed > 2, "{failed} steps failed for want of room");
}
