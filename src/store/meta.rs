//! Single values of the database.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Store, StoreError, Term,
    db::{self, Connection, OptionalExtension as _, params},
    time,
};
use crate::domain::{
    keys::{TicketId, TicketKey},
    marker::Marker,
};

/// A ticket that is known to carry a marker: a search that does not find it proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    /// The ticket.
    pub key: TicketKey,
    /// The marker that was read back from it.
    pub marker: Marker,
}

/// A restore of this file from a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// For how long bridges have run on this file since, as far as was noted.
    pub ran: Duration,
    /// The highest ticket id that the backup knew.
    pub floor: u64,
    /// Whether nothing that was sent before it can still be under way.
    pub is_free: bool,
    /// When, by the bridge's clock, which may have been set before or since.
    pub at: Timestamp,
    /// The newest change of a Case that the backup knew, by the clock of Salesforce: no note that it does
    /// not know is older.
    pub newest_case: Option<Timestamp>,
}

const CANARY: &str = "canary";
const PATH_PROBE_ENDED: &str = "path_probe_ended";
pub(super) const RESTORED_AT: &str = "restored_at";
/// The highest ticket id that a restored backup knew: what it has not delivered has a higher one.
pub(super) const RESTORED_FLOOR: &str = "restored_floor";
/// Milliseconds for which bridges have run since the restore.
pub(super) const RESTORED_RAN: &str = "restored_ran";
/// Whether what was sent before the restore has ended.
pub(super) const RESTORED_IS_FREE: &str = "restored_is_free";
/// The newest time that a restored backup knew of a Case, by the clock of Salesforce.
pub(super) const RESTORED_NOTES: &str = "restored_notes";
pub(super) const HIGHEST_TICKET_ID: &str = "highest_ticket_id";

impl Store {
    /// The value of that name, made by `fresh` the first time.
    pub async fn meta_or_insert(&self, name: &str, fresh: String) -> Result<String, StoreError> {
        let name = name.to_owned();
        self.write(move |db| {
            if let Some(value) = get(db, &name)? {
                return Ok(value);
            }
            set(db, &name, &fresh)?;
            Ok(fresh)
        })
        .await
    }

    /// The highest ticket id that any answer of iTop has shown ([`TicketKey::sequence`]).
    pub async fn highest_ticket_id(&self) -> Result<u64, StoreError> {
        let value = self.read(|db| get(db, HIGHEST_TICKET_ID)).await?;
        Ok(value.and_then(|value| value.parse().ok()).unwrap_or(0))
    }
}

impl Term {
    /// An answer of iTop has shown a ticket of this id.
    pub async fn saw_ticket_id(&self, id: u64) -> Result<(), StoreError> {
        self.write(move |db| raise_highest_ticket_id(db, id)).await
    }

    /// iTop's newest ticket has this id: where it is lower than what was kept (iTop was restored from
    /// a backup of its own, or its counter was set back), new tickets get ids that searches above
    /// the old one would not see. What is kept, and what unfinished rows keep, is lowered; nothing
    /// is raised. Tells whether anything was.
    pub async fn lower_highest_ticket_id(&self, newest: u64) -> Result<bool, StoreError> {
        self.write(move |db| {
            let known = get(db, HIGHEST_TICKET_ID)?.and_then(|value| value.parse::<u64>().ok());
            let is_lower = known.is_some_and(|known| newest < known);
            if is_lower {
                set(db, HIGHEST_TICKET_ID, &newest.to_string())?;
                db.execute(
                    "UPDATE acknowledgements SET id_floor = ?1
                     WHERE (state IN ('accepted', 'creating', 'unknown', 'failed', 'blocked')
                            OR late_look_at IS NOT NULL)
                       AND id_floor > ?1",
                    [newest],
                )?;
            }
            Ok(is_lower)
        })
        .await
    }
}

impl Store {
    /// When this file was last restored from a backup, if it was: the bridge does not know what
    /// it did between the two.
    pub async fn restored(&self) -> Result<Option<Restored>, StoreError> {
        self.read(|db| {
            let Some(at) = get(db, RESTORED_AT)? else { return Ok(None) };
            let ran = get(db, RESTORED_RAN)?.and_then(|millis| millis.parse().ok()).unwrap_or(0);
            let floor = get(db, RESTORED_FLOOR)?.and_then(|floor| floor.parse().ok()).unwrap_or(0);
            let is_free = get(db, RESTORED_IS_FREE)?.is_some();
            let newest_case =
                get(db, RESTORED_NOTES)?.and_then(|millis| millis.parse().ok()).map(time);
            let at = time(at.parse().unwrap_or(0));
            let ran = Duration::from_millis(ran);
            Ok(Some(Restored { ran, floor, is_free, at, newest_case }))
        })
        .await
    }
}

impl Term {
    /// Nothing that was sent before the restore can still be under way, also after a restart.
    pub async fn note_restored_is_free(&self) -> Result<(), StoreError> {
        self.write(|db| set(db, RESTORED_IS_FREE, "1")).await
    }

    /// For how long bridges have run since the restore. How long ago it was by the time of day says
    /// nothing: that may be set.
    pub async fn note_ran_since_restore(&self, ran: Duration) -> Result<(), StoreError> {
        self.write(move |db| set(db, RESTORED_RAN, &ran.as_millis().to_string())).await
    }
}

impl Store {
    /// Why the way of creates is no longer probed, if it is not: the ticket that a probe made.
    pub async fn path_probe_ended(&self) -> Result<Option<String>, StoreError> {
        self.read(|db| get(db, PATH_PROBE_ENDED)).await
    }
}

impl Term {
    /// A probe has made this ticket: none is sent any more, also after a restart.
    pub async fn end_path_probe(&self, ticket: String) -> Result<(), StoreError> {
        self.write(move |db| set(db, PATH_PROBE_ENDED, &ticket)).await
    }
}

impl Store {
    /// The newest ticket whose marker was read back.
    pub async fn canary(&self) -> Result<Option<Canary>, StoreError> {
        let value = self.read(|db| get(db, CANARY)).await?;
        Ok(value.and_then(|value| {
            let (key, marker) = value.rsplit_once(' ')?;
            let (class, id) = key.split_once(' ')?;
            let key = TicketKey { class: class.to_owned(), id: TicketId::new(id) };
            Some(Canary { key, marker: Marker::from_digits(marker)? })
        }))
    }
}

pub(super) fn get(db: &Connection, name: &str) -> db::Result<Option<String>> {
    db.prepare_cached("SELECT value FROM meta WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

pub(super) fn set(db: &Connection, name: &str, value: &str) -> db::Result<()> {
    db.prepare_cached(
        "INSERT INTO meta (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )?
    .execute([name, value])?;
    Ok(())
}

pub(super) fn remove(db: &Connection, name: &str) -> db::Result<()> {
    db.prepare_cached("DELETE FROM meta WHERE name = ?1")?.execute([name]).map(drop)
}

/// Remembers the highest ticket id: it only grows.
pub(super) fn raise_highest_ticket_id(db: &Connection, id: u64) -> db::Result<()> {
    let id = i64::try_from(id).unwrap_or(i64::MAX);
    db.prepare_cached(
        "INSERT INTO meta (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value
         WHERE CAST(value AS INTEGER) < CAST(excluded.value AS INTEGER)",
    )?
    .execute(params![HIGHEST_TICKET_ID, id.to_string()])?;
    Ok(())
}

pub(super) fn set_canary(db: &Connection, canary: &Canary) -> db::Result<()> {
    let Canary { key, marker } = canary;
    set(db, CANARY, &format!("{} {} {}", key.class, key.id, marker.digits()))
}
