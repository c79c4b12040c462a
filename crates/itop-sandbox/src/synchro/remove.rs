//! Deleting objects, and data sources.

use rusqlite::OptionalExtension as _;
use serde_json::{Map, Value, json};

use crate::{
    classes::{self, Class},
    refusal::Refusal,
    session::{Found, Session},
};

/// `core/delete`: what it deleted, and what went with it for the integrity of the database.
pub(crate) fn delete(
    session: &Session<'_>,
    class: &'static Class,
    key: &Value,
    simulate: bool,
) -> Result<Value, Refusal> {
    let query = session.selection(class, key)?;
    let sql = format!("SELECT DISTINCT {0}.finalclass, {0}.id {1}", query.alias, query.from);
    let mut statement =
        session.read_only(&sql).ok_or_else(|| Refusal::error("Wrong format for key"))?;
    let found: Vec<Found> = statement
        .query_map([], |row| Ok(Found { class: row.get(0)?, id: row.get(1)? }))?
        .collect::<Result<_, _>>()?;
    drop(statement);
    let mut deleted = found.clone();
    for object in &found {
        refuse_owned(session, object)?;
        deleted.extend(belonging(session, class, object)?);
    }
    let mut objects = Map::new();
    for object in &deleted {
        let name = format!("{}::{}", object.class, object.id);
        objects.insert(name, shown(session, object)?);
    }
    if !simulate {
        for object in &found {
            let class = classes::find(session.flavour, &object.class).unwrap_or(class);
            remove(session, class, object)?;
        }
    }
    let others = deleted.len() - found.len();
    let besides = match others {
        0 => String::new(),
        others => format!(" plus (for DB integrity) {others}"),
    };
    let message = format!("Deleted: {}{besides}", found.len());
    Ok(json!({ "code": 0, "message": message, "objects": objects }))
}

/// What goes with an object. The replicas of a source go too, and are not named (recorded).
fn belonging(
    session: &Session<'_>,
    class: &'static Class,
    object: &Found,
) -> Result<Vec<Found>, rusqlite::Error> {
    let sql = if class.table == "sync_source" {
        "SELECT finalclass, id FROM (
             SELECT finalclass, id, attcode, CASE finalclass WHEN 'SynchroAttLinkSet' THEN 1
                 WHEN 'SynchroAttribute' THEN 2 ELSE 3 END AS place
             FROM base_sync_attribute WHERE sync_source_id = ?1
             UNION ALL
             SELECT 'SynchroLog', id, '', 4 FROM base_sync_log WHERE sync_source_id = ?1
         ) ORDER BY place, attcode, id"
    } else if class.table == "ci" {
        "SELECT finalclass, id FROM every_ticket_ci WHERE functionalci_id = ?1
         UNION ALL
         SELECT 'SynchroReplica', id FROM base_sync_replica WHERE dest_id = ?1
             AND dest_class = (SELECT finalclass FROM base_ci WHERE id = ?1)"
    } else {
        return Ok(Vec::new());
    };
    session
        .database
        .prepare(sql)?
        .query_map([object.id], |row| Ok(Found { class: row.get(0)?, id: row.get(1)? }))?
        .collect()
}

fn shown(session: &Session<'_>, object: &Found) -> Result<Value, Refusal> {
    let sql = format!("SELECT friendlyname FROM \"{}\" WHERE id = ?", object.class);
    let name: String = session
        .database
        .query_row(&sql, [object.id], |row| row.get(0))
        .optional()?
        .unwrap_or_default();
    Ok(json!({
        "code": 0,
        "message": "",
        "class": object.class,
        "key": object.id.to_string(),
        "fields": { "id": object.id.to_string(), "friendlyname": name },
    }))
}

/// Refuses to delete what a source has made, unless that lets its users (recorded of "nobody", which
/// iTop says by itself; of the others not).
pub(crate) fn refuse_owned(session: &Session<'_>, object: &Found) -> Result<(), Refusal> {
    let source: Option<String> = session
        .database
        .prepare_cached(
            "SELECT s.name FROM base_sync_replica r JOIN base_sync_source s ON s.id = r.sync_source_id
             WHERE r.dest_id = ? AND r.dest_class = ? AND r.status_dest_creator = 1
                 AND s.user_delete_policy = 'nobody' LIMIT 1",
        )?
        .query_row((object.id, &object.class), |row| row.get(0))
        .optional()?;
    match source {
        None => Ok(()),
        Some(source) => Err(Refusal::error(format!(
            "Found issue(s): target_class = {}, target_id = {}, issues = You <b>cannot delete the \
             object</b> because it is owned by the external data source {source}",
            object.class, object.id
        ))),
    }
}

/// Removes an object and what belongs to it: the CI of a ticket leaves its link, and the replicas of
/// an object go with it, so that their rows come as new ones (recorded).
pub(crate) fn remove(
    session: &Session<'_>,
    class: &'static Class,
    object: &Found,
) -> Result<(), rusqlite::Error> {
    let Found { class: name, id } = object;
    let database = session.database;
    database.execute(
        "DELETE FROM base_sync_replica WHERE dest_id = ? AND dest_class = ?",
        (id, name),
    )?;
    match class.table {
        "ticket" | "ci" => {
            let end = if class.table == "ci" { "functionalci_id" } else { "ticket_id" };
            database.execute(&format!("DELETE FROM base_ticket_ci WHERE {end} = ?"), [id])?;
        }
        "sync_source" => {
            for table in ["attribute", "replica", "log"] {
                let sql = format!("DELETE FROM base_sync_{table} WHERE sync_source_id = ?");
                database.execute(&sql, [id])?;
            }
        }
        _ => {}
    }
    database.execute(&format!("DELETE FROM base_{} WHERE id = ?", class.table), [id])?;
    Ok(())
}

/// Forgets a replica; its object stays.
pub(super) fn forget(session: &Session<'_>, replica: i64) -> Result<(), rusqlite::Error> {
    session.database.execute("DELETE FROM base_sync_replica WHERE id = ?", [replica])?;
    Ok(())
}
