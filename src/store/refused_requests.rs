//! The requests that iTop refused, as they were sent: what of them it did not like is not always told by
//! its words. Those that it took are not kept: the ticket says what came of them.

use jiff::Timestamp;

use super::{
    Store, StoreError, Term,
    db::{OptionalExtension as _, params},
    time,
};

/// So many are kept, the newest: each may have 64 KiB of description, and a wrong setting makes every
/// create fail.
const KEPT: i64 = 1_000;

/// A request that iTop refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRequest {
    /// When.
    pub refused_at: Timestamp,
    /// The operation, as JSON; without credentials, which are no part of it.
    pub request: String,
}

impl Term {
    /// Keeps the request of a row that iTop has refused, in place of an earlier one.
    pub async fn keep_refused_request(&self, id: i64, request: String) -> Result<(), StoreError> {
        let now = self.now_millis();
        self.write(move |db| {
            // A row that was purged meanwhile has nobody who asks.
            db.prepare_cached(
                "INSERT OR REPLACE INTO refused_requests
                     (number, acknowledgement_id, refused_at, request)
                 SELECT (SELECT coalesce(max(number), 0) + 1 FROM refused_requests), id, ?2, ?3
                 FROM acknowledgements WHERE id = ?1",
            )?
            .execute(params![id, now, request])?;
            db.prepare_cached(
                "DELETE FROM refused_requests
                 WHERE number <= (SELECT max(number) FROM refused_requests) - ?1",
            )?
            .execute([KEPT])?;
            Ok(())
        })
        .await
    }
}

impl Store {
    /// The last request of a row that iTop refused, if it is still known.
    pub async fn refused_request(&self, id: i64) -> Result<Option<RefusedRequest>, StoreError> {
        self.read(move |db| {
            db.prepare_cached(
                "SELECT refused_at, request FROM refused_requests WHERE acknowledgement_id = ?1",
            )?
            .query_row([id], |row| {
                Ok(RefusedRequest { refused_at: time(row.get(0)?), request: row.get(1)? })
            })
            .optional()
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use crate::store::db::Connection;

    use super::*;
    use crate::clock::Clock;

    #[tokio::test]
    async fn the_last_request_of_the_newest_rows_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("bridge.db"), Clock::system()).unwrap();
        let term = store.lead().await;
        let fill = |db: &Connection| {
            db.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= 1001)
                 INSERT INTO acknowledgements (id, instance, event_type, body, state, received_at,
                     updated_at)
                 SELECT i, 'default', 'acknowledgement', '', 'failed', 7, 7 FROM n",
                [],
            )
        };
        store.write(fill).await.unwrap();
        term.keep_refused_request(5, "first".to_owned()).await.unwrap();
        term.keep_refused_request(5, "second".to_owned()).await.unwrap();
        term.keep_refused_request(9_999, "of none".to_owned()).await.unwrap();
        let of = async |id| Some(store.refused_request(id).await.unwrap()?.request);
        assert_eq!(of(5).await.as_deref(), Some("second"));
        assert_eq!(of(9_999).await, None);
        term.keep_refused_request(6, "older".to_owned()).await.unwrap();
        let others = |db: &Connection| {
            db.execute(
                "INSERT INTO refused_requests (number, acknowledgement_id, refused_at, request)
                 SELECT id + 10, id, 7, 'x' FROM acknowledgements WHERE id > 6 AND id < 1002",
                [],
            )
        };
        store.write(others).await.unwrap();
        term.keep_refused_request(5, "newest".to_owned()).await.unwrap();
        assert_eq!(of(5).await.as_deref(), Some("newest"));
        assert_eq!(of(6).await, None, "the oldest went");
        assert_eq!(of(1_000).await.as_deref(), Some("x"));
        // They go with their rows.
        store
            .write(|db| db.execute("DELETE FROM acknowledgements WHERE id = 5", []))
            .await
            .unwrap();
        assert_eq!(of(5).await, None);
    }
}
