//! Single values of the database.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Store, StoreError, time};
use crate::domain::{keys::TicketKey, marker::Marker};

/// A ticket that is known to carry a marker: a search that does not find it proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    /// The ticket.
    pub key: TicketKey,
    /// The marker that was read back from it.
    pub marker: Marker,
}

const CANARY: &str = "canary";
pub(super) const RESTORED_AT: &str = "restored_at";
const HIGHEST_TICKET_ID: &str = "highest_ticket_id";

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

    /// The highest ticket id that any answer of iTop has shown.
    pub async fn highest_ticket_id(&self) -> Result<u64, StoreError> {
        let value = self.read(|db| get(db, HIGHEST_TICKET_ID)).await?;
        Ok(value.and_then(|value| value.parse().ok()).unwrap_or(0))
    }

    /// When this file was last restored from a backup, if it was: the bridge does not know what
    /// it did between the two.
    pub async fn restored(&self) -> Result<Option<Timestamp>, StoreError> {
        let value = self.read(|db| get(db, RESTORED_AT)).await?;
        Ok(value.and_then(|millis| millis.parse().ok()).map(time))
    }

    /// The newest ticket whose marker was read back.
    pub async fn canary(&self) -> Result<Option<Canary>, StoreError> {
        let value = self.read(|db| get(db, CANARY)).await?;
        Ok(value.and_then(|value| {
            let mut parts = value.split(' ');
            let class = parts.next()?.to_owned();
            let id = parts.next()?.parse().ok()?;
            let marker = Marker::from_digits(parts.next()?)?;
            Some(Canary { key: TicketKey { class, id }, marker })
        }))
    }
}

pub(super) fn get(db: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    db.prepare_cached("SELECT value FROM meta WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

pub(super) fn set(db: &Connection, name: &str, value: &str) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO meta (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )?
    .execute([name, value])?;
    Ok(())
}

/// Remembers the highest ticket id: it only grows.
pub(super) fn raise_highest_ticket_id(db: &Connection, id: i64) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO meta (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value
         WHERE CAST(value AS INTEGER) < CAST(excluded.value AS INTEGER)",
    )?
    .execute(params![HIGHEST_TICKET_ID, id.to_string()])?;
    Ok(())
}

pub(super) fn set_canary(db: &Connection, canary: &Canary) -> rusqlite::Result<()> {
    let Canary { key, marker } = canary;
    set(db, CANARY, &format!("{} {} {}", key.class, key.id, marker.digits()))
}
