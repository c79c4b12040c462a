//! The tables: one for each object, one for what the objects are, one for counters.

use rusqlite::Connection;

use super::{fold, quoted};
use crate::schema::{Field, Kind, Object, Schema};

/// Makes what is there before any object; `true` if it was not.
pub(super) fn begin(db: &Connection) -> rusqlite::Result<bool> {
    let new = !db.table_exists(None, "_object")?;
    db.execute_batch(
        "CREATE TABLE IF NOT EXISTS _object (name TEXT PRIMARY KEY, place INTEGER, json TEXT NOT NULL);
         CREATE TABLE IF NOT EXISTS _counter (key TEXT PRIMARY KEY, next INTEGER NOT NULL);",
    )?;
    Ok(new)
}

/// The objects as they were saved.
pub(super) fn load(db: &Connection) -> rusqlite::Result<Schema> {
    let mut statement = db.prepare("SELECT json FROM _object ORDER BY place")?;
    let texts = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut objects = Vec::new();
    for text in texts {
        let object = serde_json::from_str(&text?)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        objects.push(object);
    }
    Ok(Schema { objects })
}

/// Makes the table of an object, or adds the columns that it lacks.
pub(super) fn save(db: &Connection, object: &Object) -> rusqlite::Result<()> {
    let table = quoted(&object.name);
    if db.table_exists(None, object.name.as_str())? {
        for field in &object.fields {
            if !db.column_exists(None, object.name.as_str(), field.name.as_str())? {
                db.execute_batch(&format!("ALTER TABLE {table} ADD COLUMN {}", column(field)))?;
            }
        }
    } else {
        let columns: Vec<String> = object.fields.iter().map(column).collect();
        db.execute_batch(&format!(
            "CREATE TABLE {table} ({}, \"_hidden\" INTEGER NOT NULL DEFAULT 0)",
            columns.join(", ")
        ))?;
    }
    for field in &object.fields {
        // What is looked for by others than SOQL: parents of children, and keys.
        let wanted = field.kind == Kind::Reference || field.external_id || field.unique;
        if wanted && !matches!(field.name.as_str(), "CreatedById" | "LastModifiedById") {
            let index = quoted(&format!("{} by {}", object.name, field.name));
            db.execute_batch(&format!(
                "CREATE INDEX IF NOT EXISTS {index} ON {table} ({})",
                quoted(&field.name)
            ))?;
        }
    }
    let json = serde_json::to_string(object)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    db.execute(
        "INSERT INTO _object VALUES (?1, (SELECT COUNT(*) FROM _object), ?2)
         ON CONFLICT DO UPDATE SET json = ?2",
        [&object.name, &json],
    )?;
    Ok(())
}

fn column(field: &Field) -> String {
    let name = quoted(&field.name);
    let folded = matches!(
        field.kind,
        Kind::String | Kind::Picklist | Kind::Email | Kind::Phone | Kind::Url | Kind::TextArea
    ) && !field.case_sensitive;
    match field.kind {
        Kind::Id => format!("{name} TEXT NOT NULL PRIMARY KEY"),
        Kind::Boolean => format!("{name} INTEGER NOT NULL DEFAULT 0"),
        Kind::Int => format!("{name} INTEGER"),
        Kind::Double => format!("{name} REAL"),
        Kind::Base64 => format!("{name} BLOB"),
        _ if folded => format!("{name} TEXT COLLATE {}", fold::NAME),
        _ => format!("{name} TEXT"),
    }
}

/// What parents of several objects have in common: queries reach an owner's name through it.
pub(super) fn views(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "CREATE VIEW IF NOT EXISTS \"Name\" AS
         SELECT \"Id\", \"Name\", 'User' AS \"Type\", \"Email\", \"IsActive\", \"Username\"
         FROM \"User\"
         UNION ALL SELECT \"Id\", \"Name\", 'Group', \"Email\", 1, NULL FROM \"Group\"",
    )
}
