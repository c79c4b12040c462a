//! Whether deliveries are held, since when and by whom; and what is still under way then.

use jiff::Timestamp;

use super::{
    Store, StoreError,
    db::{self, Connection},
    meta, time,
};

/// Deliveries are held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Since when.
    pub since: Timestamp,
    /// Who has held them.
    pub by: String,
}

const HELD: &str = "held";

/// Writes of which nobody knows what came of them, and lines that are still to be read back.
const UNSETTLED: &str = "SELECT
    (SELECT count(*) FROM acknowledgements INDEXED BY acknowledgements_state
     WHERE state IN ('creating', 'unknown') AND state <> 'accepted')
    + (SELECT count(*) FROM acknowledgements INDEXED BY acknowledgements_read_back
       WHERE read_back_at IS NOT NULL AND state = 'reused')";

impl Store {
    /// Whether deliveries are held.
    pub async fn held(&self) -> Result<Option<Held>, StoreError> {
        self.read(held).await
    }

    /// Deliveries are held from now on; whoever has held them first stays who it was. Only whoever delivers can
    /// say so.
    pub async fn hold(&self, by: &str) -> Result<Held, StoreError> {
        let (now, by) = (self.now_millis(), by.to_owned());
        self.write_where_led(move |db| {
            if let Some(held) = held(db)? {
                return Ok(held);
            }
            meta::set(db, HELD, &format!("{now} {by}"))?;
            Ok(Held { since: time(now), by })
        })
        .await
    }

    /// Deliveries are held no more.
    pub async fn end_hold(&self) -> Result<(), StoreError> {
        self.write_where_led(|db| meta::remove(db, HELD)).await
    }

    /// How many rows have no clear outcome yet.
    pub async fn unsettled(&self) -> Result<u64, StoreError> {
        self.read(unsettled).await
    }
}

pub(super) fn held(db: &Connection) -> db::Result<Option<Held>> {
    let kept = meta::get(db, HELD)?;
    Ok(kept.and_then(|kept| {
        let (since, by) = kept.split_once(' ')?;
        Some(Held { since: time(since.parse().ok()?), by: by.to_owned() })
    }))
}

pub(super) fn unsettled(db: &Connection) -> db::Result<u64> {
    db.prepare_cached(UNSETTLED)?.query_row([], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{inbox_query::tests::plan, migrate::tests::empty};

    #[test]
    fn what_is_under_way_is_counted_in_indices() {
        let plan = plan(&empty(), UNSETTLED, Vec::new());
        for index in ["acknowledgements_state (state=?", "acknowledgements_read_back"] {
            assert!(plan.contains(index), "{plan}");
        }
    }
}
