//! `synchro_import.php`: rows into the table of a data source, and then, if it is asked for, a run.

mod row;

use rusqlite::OptionalExtension as _;
use serde_json::{Map, Value};

use super::{
    Death, Fate,
    door::{Answer, Call},
    output::Page,
    run,
    source::Source,
    table::{self, Table},
};
use crate::session::Session;
use row::Row;

/// What a request says beside its rows.
struct Order {
    synchronize: bool,
    output: String,
    separator: u8,
    qualifier: u8,
    charset: String,
    date_format: String,
    go_on: bool,
}

#[derive(Default)]
struct Loaded {
    issues: usize,
    created: usize,
    updated: usize,
}

/// What ends a request early.
enum Stop {
    /// With this as its last word.
    Refused(String),
    Died(Death),
}

impl From<Death> for Stop {
    fn from(death: Death) -> Self {
        Self::Died(death)
    }
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Died(error.into())
    }
}

pub(super) fn answer(session: &Session<'_>, call: &Call) -> Result<Answer, Death> {
    let simulate = call.is_on("simulate");
    if simulate {
        session.database.execute_batch("SAVEPOINT simulated")?;
    }
    let mut page = Page::default();
    let ended = load(session, call, &mut page);
    if simulate {
        // What MySQL counted up stays counted up.
        let log = "SELECT seq FROM sqlite_sequence WHERE name = 'base_sync_log'";
        let counted: Option<i64> =
            session.database.query_row(log, [], |row| row.get(0)).optional()?;
        session.database.execute_batch("ROLLBACK TO simulated; RELEASE simulated")?;
        let keep = "UPDATE sqlite_sequence SET seq = ? WHERE name = 'base_sync_log'";
        session.database.execute(keep, [counted.unwrap_or(0)])?;
    }
    match ended {
        Ok(()) => {}
        Err(Stop::Refused(message)) => page.comment(&message),
        Err(Stop::Died(death)) => return Err(death),
    }
    Ok(Answer::html(page.written()))
}

fn load(session: &Session<'_>, call: &Call, page: &mut Page) -> Result<(), Stop> {
    let order = Order {
        synchronize: call.text_or("synchronize", "1") == "1",
        output: call.text_or("output", "summary"),
        separator: call.sign("separator", b';'),
        qualifier: call.sign("qualifier", b'"'),
        charset: call.text_or("charset", "UTF-8"),
        date_format: call.text_or("date_format", "Y-m-d H:i:s"),
        go_on: call.is_on("no_stop_on_import_error"),
    };
    let id = call.text_or("data_source_id", "");
    let source = Source::find(session, &id)?
        .ok_or_else(|| Stop::Refused(format!("Unknown data source id: '{id}'")))?;
    let data = call.bytes("csvdata").unwrap_or_default();
    let table = Table::read(data, order.separator, order.qualifier, &order.charset)
        .ok_or_else(|| Stop::Refused("Missing data - at least one line is expected".to_owned()))?;
    check_columns(&source, &table)?;
    if order.output == "details" {
        page.title("Import phase");
    }
    let loaded = load_rows(session, &source, &table, &order, page)?;
    if order.output != "retcode" {
        summarize(&source, &table, &order, call, &loaded, page);
    }
    if order.synchronize {
        let counters = run::run(session, &source, true)?;
        if let Some(error) = counters.error {
            page.paragraph(&format!("ERROR: {error}"));
        }
        if order.output == "details" {
            page.title("Synchronization phase");
            page.comment(
                " No traces. (To activate the traces set \"synchro_trace\" => true in the \
                 configuration file)",
            );
        }
        page.title("Synchronization phase summary");
        for line in counters.lines() {
            page.comment(&line);
        }
    }
    if order.output == "retcode" {
        page.line(loaded.issues.to_string());
    }
    Ok(())
}

fn check_columns(source: &Source, table: &Table) -> Result<(), Stop> {
    let known = |name: &&String| *name == "primary_key" || source.attribute(name).is_some();
    if let Some(unknown) = table.header.iter().find(|name| !known(name)) {
        let class = source.class.name;
        return Err(Stop::Refused(format!("Unknown column '{unknown}' (class: '{class}')")));
    }
    if !table.header.iter().any(|name| name == "primary_key") {
        return Err(Stop::Refused("Missing reconciliation column 'primary_key'".to_owned()));
    }
    Ok(())
}

/// Loads the rows. The first that the database refuses ends it, unless the request goes on with
/// errors; what came before stays.
fn load_rows(
    session: &Session<'_>,
    source: &Source,
    table: &Table,
    order: &Order,
    page: &mut Page,
) -> Result<Loaded, Stop> {
    let mut loaded = Loaded::default();
    let mut fate = Fate::of_rows(&session.strike.kinds);
    let day_format = table::date_only(&order.date_format);
    for (n, values) in table.rows.iter().enumerate() {
        let mut row = Row::new(source, table, values);
        let stored = stored(session, source, &row.primary_key())?;
        if order.output == "details" {
            let entry = if stored.is_some() { "Update" } else { "New" };
            let key = row.primary_key();
            page.line(format!("{n}: {entry} entry, reconciliation: '`primary_key` = '{key}''"));
        }
        let wrong = row.convert_dates(&order.date_format, &day_format, stored.is_none());
        if order.output == "details" {
            for message in wrong {
                page.line(format!("{n}: {message}"));
            }
        }
        if stored.is_some() {
            loaded.updated += 1;
        } else {
            loaded.created += 1;
        }
        if let Err(error) = row.check(stored.is_some()) {
            if !order.go_on {
                return Err(Stop::Refused(format!(
                    "MySQLException: {error} in /var/www/itop/core/cmdbsource.class.inc.php:626\n\
                     Stack trace:\n\
                     #0 /var/www/itop/core/cmdbsource.class.inc.php(580): CMDBSource::DBQuery()\n\
                     #1 /var/www/itop/synchro/synchro_import.php(586): CMDBSource::Query()\n\
                     #2 {{main}}"
                )));
            }
            loaded.issues += 1;
            page.line(format!("{n}: Import error '{error}' (continuing)..."));
            continue;
        }
        match stored {
            Some(stored) => update(session, &stored, row.columns())?,
            None => insert(session, source, &row)?,
        }
        fate.step()?;
    }
    Ok(loaded)
}

/// A row of the table as it is.
struct Stored {
    id: i64,
    columns: Map<String, Value>,
    status: String,
    has_object: bool,
}

fn stored(
    session: &Session<'_>,
    source: &Source,
    primary_key: &str,
) -> Result<Option<Stored>, rusqlite::Error> {
    session
        .database
        .prepare_cached(
            "SELECT id, columns, status, dest_id != 0 FROM base_sync_replica
             WHERE sync_source_id = ? AND primary_key = ?",
        )?
        .query_row((source.id, primary_key), |row| {
            let columns: String = row.get(1)?;
            Ok(Stored {
                id: row.get(0)?,
                columns: serde_json::from_str(&columns).unwrap_or_default(),
                status: row.get(2)?,
                has_object: row.get(3)?,
            })
        })
        .optional()
}

fn insert(session: &Session<'_>, source: &Source, row: &Row<'_>) -> Result<(), rusqlite::Error> {
    let columns = Value::Object(row.columns()).to_string();
    session
        .database
        .prepare_cached(
            "INSERT INTO base_sync_replica
                 (sync_source_id, primary_key, columns, status_last_seen, info_creation_date)
             VALUES (?1, ?2, ?3, ?4, ?4)",
        )?
        .execute((source.id, row.primary_key(), columns, &session.now))?;
    Ok(())
}

/// As iTop's trigger does: each row that comes is seen, and one that comes back or differs from what
/// the table has is to be processed.
fn update(
    session: &Session<'_>,
    stored: &Stored,
    sent: Map<String, Value>,
) -> Result<(), rusqlite::Error> {
    let mut columns = stored.columns.clone();
    columns.extend(sent);
    let named = |columns: &Map<String, Value>| -> Vec<(String, Value)> {
        let said = columns.iter().filter(|(_, value)| !value.is_null());
        let mut said: Vec<_> = said.map(|(code, value)| (code.clone(), value.clone())).collect();
        said.sort_by(|(a, _), (b, _)| a.cmp(b));
        said
    };
    let status = match &*stored.status {
        "obsolete" if stored.has_object => "modified",
        "obsolete" => "new",
        "synchronized" if named(&columns) != named(&stored.columns) => "modified",
        status => status,
    };
    session
        .database
        .prepare_cached(
            "UPDATE base_sync_replica SET columns = ?, status = ?, status_last_seen = ? WHERE id = ?",
        )?
        .execute((Value::Object(columns).to_string(), status, &session.now, stored.id))?;
    Ok(())
}

fn summarize(
    source: &Source,
    table: &Table,
    order: &Order,
    call: &Call,
    loaded: &Loaded,
    page: &mut Page,
) {
    page.title("Import phase summary");
    let size = call.bytes("csvdata").unwrap_or_default().len();
    for line in [
        format!("Data Source: {}", source.id),
        format!("Synchronize: {}", i32::from(order.synchronize)),
        format!("Class: {}", source.class.name),
        format!("Separator: {}", char::from(order.separator)),
        format!("Qualifier: {}", char::from(order.qualifier)),
        format!("Charset Encoding:{}", order.charset),
        format!("Date and time format: '{}' ", order.date_format),
        format!("Date only format: '{}' ", table::date_only(&order.date_format)),
        format!("Data Size: {size}"),
        format!("Data Lines: {}", table.rows.len()),
        format!("Columns: {}", table.header.join(", ")),
        format!("Output format: {}", order.output),
        format!("Simulate: {}", i32::from(call.is_on("simulate"))),
        format!("Change tracking comment: {}", call.text_or("comment", "")),
        format!("Issues (before synchro): {}", loaded.issues),
        format!("Created (before synchro): {}", loaded.created),
        format!("Updated (before synchro): {}", loaded.updated),
    ] {
        page.comment(&line);
    }
}
