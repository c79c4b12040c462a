//! On a server, where there is one: tests/run starts it and says where (`BRIDGE_TESTS_POSTGRES`).

mod terms;

use std::{collections::HashMap, env, fs, path::Path};

use super::*;

/// A database of its own, removed when this is dropped.
pub(super) struct Database {
    pub(super) admin: Session,
    pub(super) name: String,
    pub(super) server: Server,
}

impl Database {
    /// `None` where there is no server.
    pub(super) fn make() -> Option<Self> {
        let Ok(address) = env::var("BRIDGE_TESTS_POSTGRES") else {
            eprintln!("left out, for there is no PostgreSQL: tests/run starts it");
            return None;
        };
        let of = |database: &str| {
            let url = Some(format!("{address}/{database}"));
            Server::of_section(&StoreSection { url, ..StoreSection::default() }).unwrap()
        };
        let admin = Session::connect(&of("postgres"), SETTINGS, Clock::system()).unwrap();
        let name = format!("bridge_{:x}", rand::random::<u64>());
        admin.batch(&format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")).unwrap();
        let server = of(&name);
        Some(Self { admin, name, server })
    }

    fn writer(&self) -> Connection {
        writer(&self.server, Clock::system()).unwrap()
    }

    /// As a configuration names it.
    fn section(&self) -> StoreSection {
        let server = env::var("BRIDGE_TESTS_POSTGRES").ok();
        let url = server.map(|server| format!("{server}/{}", self.name));
        StoreSection { url, ..StoreSection::default() }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Self { admin, name, .. } = self;
        let drop = format!("DROP DATABASE {name} WITH (FORCE)");
        // It waits for the server, which a thread that drives tasks must not.
        thread::scope(|scope| scope.spawn(move || admin.batch(&drop).unwrap()).join().unwrap());
    }
}

#[test]
fn several_bridges_serve_a_database_and_a_newer_one_is_refused() {
    let Some(database) = Database::make() else { return };
    let (db, other) = (database.writer(), database.writer());
    assert!(!is_alone(&db).unwrap());
    assert!(look_at(&database, |_| Ok(Some(()))).unwrap().is_some());
    db.execute("UPDATE schema_step SET number = 999", []).unwrap();
    let newer = writer(&database.server, Clock::system()).err().unwrap();
    assert!(matches!(newer, StoreError::Newer { found: 999, .. }), "{newer}");
    assert!(matches!(look_at(&database, |_| Ok(Some(()))), Err(StoreError::Newer { .. })));
    drop((db, other));
}

#[test]
fn what_must_be_alone_is_and_stays_so() {
    let Some(database) = Database::make() else { return };
    let db = database.writer();
    // However often it asks.
    assert!(is_alone(&db).unwrap() && is_alone(&db).unwrap());
    let second = writer(&database.server, Clock::system()).err().unwrap();
    assert!(
        matches!(&second, StoreError::Locked { holder, .. } if holder.starts_with("process ")),
        "{second}"
    );
    drop(db);
    // The server sees in its own time that a connection has ended, and a moment is waited for that.
    drop(database.writer());
}

#[test]
fn no_schema_is_changed_below_those_who_serve_it() {
    let Some(database) = Database::make() else { return };
    let db = database.writer();
    db.execute("UPDATE schema_step SET number = number - 1", []).unwrap();
    let newer = writer(&database.server, Clock::system()).err().unwrap();
    assert!(matches!(newer, StoreError::Locked { .. }), "{newer}");
}

/// As a configuration has it looked into.
fn look_at<T: Send>(
    database: &Database,
    read: impl FnOnce(&Connection) -> db::Result<Option<T>> + Send,
) -> Result<Option<T>, StoreError> {
    look(&database.section(), read)
}

#[test]
fn before_the_first_start_there_is_nothing_to_look_at() {
    let Some(database) = Database::make() else { return };
    assert_eq!(look_at(&database, |_| Ok(Some(1))).unwrap(), None);
    assert_eq!(look_at(&database, doubts).unwrap(), None);
    drop(database.writer());
    assert_eq!(look_at(&database, doubts).unwrap(), None);
    let off = format!("ALTER DATABASE {} SET synchronous_commit = off", database.name);
    database.admin.batch(&off).unwrap();
    assert!(look_at(&database, doubts).unwrap().unwrap().contains("synchronous_commit is off"));
}

#[test]
fn values_come_back_as_they_were_but_for_what_no_text_can_hold() {
    let Some(database) = Database::make() else { return };
    let db = reader(&database.server, None).unwrap();
    let values = params![7_i64, true, "é\0b", None::<i64>, [1_u8, 2].as_slice()];
    let read = db.query_row("SELECT ?1, ?2, ?3, ?4, ?5", values, |row| {
        let (number, yes): (i64, bool) = (row.get(0)?, row.get(1)?);
        let (text, nothing): (String, Option<i64>) = (row.get(2)?, row.get(3)?);
        Ok((number, yes, text, nothing, row.get::<_, Vec<u8>>(4)?))
    });
    assert_eq!(read.unwrap(), (7, true, "é b".to_owned(), None, vec![1, 2]));
    let written = db.execute("CREATE TABLE t (x BIGINT)", []);
    assert!(written.is_err(), "it only reads");
}

#[test]
fn a_statement_without_end_is_broken_off() {
    let Some(database) = Database::make() else { return };
    let db = reader(&database.server, Some(Duration::from_millis(100))).unwrap();
    let endless =
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT 0 FROM n) SELECT count(*) FROM n";
    let error = db.query_row(endless, [], |row| row.get::<_, i64>(0)).unwrap_err();
    assert!(matches!(StoreError::from(error), StoreError::TooLong));
}

/// Statements that are written out in the sources of the store, with the constants that stand in them.
fn statements() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut statements = Vec::new();
    let parts = ["equipment", "board_search", "switch"].map(|part| folder.join(part));
    for folder in parts.into_iter().chain([folder]) {
        for file in fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
            // These are about a file.
            let own = ["backup.rs", "migrate.rs", "changes.rs", "board_words.rs", "hook_wants.rs"];
            let is_source = file.extension().is_some_and(|extension| extension == "rs");
            if is_source && !own.iter().any(|own| file.ends_with(own)) {
                statements.extend(statements_of(&fs::read_to_string(file).unwrap()));
            }
        }
    }
    statements
}

fn statements_of(source: &str) -> Vec<String> {
    let source = source.split("\n#[cfg(test)]\nmod").next().unwrap_or_default();
    let mut constants = HashMap::new();
    let mut found = Vec::new();
    let mut before = "";
    // Between two quotes stands a text, every other time: none of the store has a quote in it.
    for (at, piece) in source.split('"').enumerate() {
        if at % 2 == 0 {
            before = piece;
            continue;
        }
        let text = piece.replace("\\\n", " ");
        let name =
            before.rsplit_once("const ").and_then(|(_, rest)| rest.strip_suffix(": &str = "));
        let name = name.or_else(|| {
            before.rsplit_once("const ").and_then(|(_, rest)| rest.strip_suffix(": &str =\n    "))
        });
        if let Some(name) = name {
            constants.insert(format!("{{{name}}}"), text.clone());
        }
        let begins = text.trim_start();
        let verbs = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "];
        if verbs.iter().any(|verb| begins.starts_with(verb)) {
            found.push(text);
        }
    }
    let whole = |mut text: String| {
        for _ in 0..3 {
            for (name, value) in &constants {
                text = text.replace(name.as_str(), value);
            }
        }
        (!text.contains('{')).then_some(text)
    };
    found.into_iter().filter_map(whole).collect()
}

#[test]
fn each_statement_that_is_written_out_can_be_prepared() {
    let Some(database) = Database::make() else { return };
    let Connection::Postgres(session) = database.writer() else {
        panic!("it is one of PostgreSQL")
    };
    let statements = statements();
    assert!(statements.len() > 100, "only {} were found", statements.len());
    // What has functions of SQLite has words of its own for a server.
    let own = ["pragma_table_info", "searchable("];
    let both = |sql: &String| !own.iter().any(|own| sql.contains(own));
    for sql in statements.into_iter().filter(both) {
        if let Err(error) = session.prepares(&sql).map_err(|error| error.to_string()) {
            let says = |some: [&str; 2]| some.iter().any(|words| error.contains(words));
            // Only the types of what is given with it would say so.
            let is_open = says([
                "could not determine data type of parameter",
                "is of type bigint but expression is of type text",
            ]);
            // More is added to it.
            let is_piece =
                says(["missing FROM-clause entry", "must appear in the GROUP BY clause"]);
            assert!(is_open || is_piece, "{error}: {sql}\n{}", translated(&sql));
        }
    }
}
