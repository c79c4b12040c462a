//! What a data source masters: users cannot change it.

use std::collections::BTreeMap;

use rusqlite::types::Value as Sql;

use crate::{
    classes::Class,
    refusal::Refusal,
    session::{Found, Session},
};

/// The attributes of an object that a source updates and has locked.
pub(super) fn locked(session: &Session<'_>, found: &Found) -> Result<Vec<String>, rusqlite::Error> {
    let mut statement = session.database.prepare_cached(
        "SELECT DISTINCT a.attcode FROM base_sync_replica r
         JOIN base_sync_attribute a ON a.sync_source_id = r.sync_source_id
         WHERE r.dest_id = ? AND r.dest_class = ? AND a.\"update\" = 1
             AND a.update_policy = 'master_locked'",
    )?;
    statement.query_map((found.id, &found.class), |row| row.get(0))?.collect()
}

/// Refuses a change of what a source has locked, as a whole (recorded). That the value it has
/// already may be written is taken from how iTop checks changes.
pub(crate) fn refuse_locked(
    session: &Session<'_>,
    class: &'static Class,
    found: &Found,
    values: &BTreeMap<&'static str, Sql>,
) -> Result<(), Refusal> {
    let locked = locked(session, found)?;
    let mut issues = Vec::new();
    for (code, value) in values {
        if !locked.iter().any(|locked| locked == code) {
            continue;
        }
        let sql = format!("SELECT \"{code}\" IS ? FROM base_{} WHERE id = ?", class.table);
        let same: bool = session.database.query_row(&sql, (value, found.id), |row| row.get(0))?;
        if !same {
            let label = class.attribute(code).map_or(*code, |attribute| attribute.label);
            issues.push(format!(
                "The field {label} ({code}) is not writable because it is mastered by the data \
                 synchronization. Value not set."
            ));
        }
    }
    Refusal::of_issues(&issues, class.name, found.id)
}
