//! Case logs. iTop reads the whole log of a ticket when it begins an update, and writes it anew at the
//! end: of two lines that overlap in time one is lost, and both are answered with success (seen).

use serde_json::Value;

use super::value::{Draft, Entry, LogChange};
use crate::{
    refusal::Refusal,
    session::{Found, Session},
};

/// A log as it was when the update began.
#[derive(Default)]
pub(super) struct StoredLog {
    text: String,
    entries: Vec<Value>,
}

/// Reads the logs that a draft changes, in its order.
pub(super) fn read(
    session: &Session<'_>,
    found: &Found,
    draft: &Draft,
) -> Result<Vec<StoredLog>, Refusal> {
    let mut logs = Vec::new();
    for (code, _) in &draft.logs {
        let sql = format!("SELECT {code}, {code}_entries FROM base_ticket WHERE id = ?");
        let log = session.database.query_row(&sql, [found.id], |row| {
            let entries: String = row.get(1)?;
            let entries = serde_json::from_str(&entries).unwrap_or_default();
            Ok(StoredLog { text: row.get(0)?, entries })
        })?;
        logs.push(log);
    }
    Ok(logs)
}

/// Writes the logs of a draft: what was read, and what is new after it. A new ticket has none.
pub(super) fn write(
    session: &Session<'_>,
    found: &Found,
    draft: &Draft,
    stored: Vec<StoredLog>,
) -> Result<(), Refusal> {
    let stored = stored.into_iter().chain(std::iter::repeat_with(StoredLog::default));
    for ((code, change), stored) in draft.logs.iter().zip(stored) {
        let (StoredLog { mut text, mut entries }, new) = match change {
            LogChange::Append(entry) => (stored, std::slice::from_ref(entry)),
            LogChange::Replace(entries) => (StoredLog::default(), entries.as_slice()),
        };
        entries.extend(new.iter().map(|entry| entry.shown(session)));
        // A query searches what iTop stores: the text of a text entry, the HTML of the others.
        for kept in new.iter().map(Entry::kept) {
            text.push('\n');
            text.push_str(&kept);
        }
        let sql = format!("UPDATE base_ticket SET {code} = ?, {code}_entries = ? WHERE id = ?");
        session.database.execute(&sql, (text, Value::Array(entries).to_string(), found.id))?;
    }
    Ok(())
}
