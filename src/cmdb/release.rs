//! Giving CIs back to the users of iTop.
//!
//! What locks an attribute is the replica of an object: iTop asks neither whether its source is obsolete, nor,
//! unless it is configured to, whether the replica is (`DBObject::GetSynchroReplicaFlags`). So the replicas are
//! removed, which leaves their objects as they are; only an administrator may do that.

use serde_json::json;

use super::Federation;
use crate::{
    domain::equipment::EquipmentRow,
    itop::{Client, ItopError, Use},
    store::{Release, StoreError},
};

/// CIs that are unlocked in one request.
const AT_ONCE: usize = 100;

impl Federation {
    /// Notes that CIs are given back, while nothing is loaded: after this their rows are not loaded any more.
    /// Their replicas are still to be removed, see [`unlock`].
    ///
    /// # Errors
    /// The database failed.
    pub async fn release(&self, release: Release) -> Result<Vec<EquipmentRow>, StoreError> {
        let _turn = self.inner.turn.lock().await;
        self.inner.store.release_equipment(release).await
    }

    /// Has a source that was halted go on; false if it was not halted.
    ///
    /// # Errors
    /// The database failed.
    pub async fn resume(&self, class: &str) -> Result<bool, StoreError> {
        let resumed = self.inner.store.resume_equipment(class).await?;
        self.inner.store.tell_equipment();
        Ok(resumed)
    }
}

/// Whether a login may remove replicas.
///
/// # Errors
/// It may not, or iTop did not answer.
pub async fn may_unlock(admin: &Client) -> Result<(), ItopError> {
    let look = json!({
        "operation": "core/get", "class": "SynchroReplica", "output_fields": "id",
        "key": "SELECT SynchroReplica WHERE id = 0",
    });
    admin.call(Use::Read, &look).await.map(|_| ())
}

/// Removes the replicas of CIs from a source, with an administrator's login. The CIs stay, and are nobody's but
/// their users' then. Tells how many were removed; those of CIs that have none are not missed.
///
/// # Errors
/// Some may have been removed; the same again goes on.
pub async fn unlock(
    admin: &Client,
    source_id: &str,
    class: &str,
    ids: &[String],
) -> Result<usize, ItopError> {
    // Whatever is no number names no source.
    let source: u64 = source_id.parse().unwrap_or(0);
    let mut removed = 0;
    for ids in ids.chunks(AT_ONCE) {
        let numbers: Vec<_> = ids.iter().filter_map(|id| id.parse::<u64>().ok()).collect();
        let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
        if numbers.is_empty() {
            continue;
        }
        let query = format!(
            "SELECT SynchroReplica WHERE sync_source_id = {source} AND dest_class = '{}' \
             AND dest_id IN ({})",
            class.replace(['\'', '\\'], ""),
            numbers.join(", ")
        );
        let look = json!({
            "operation": "core/get", "class": "SynchroReplica", "key": query, "output_fields": "id",
        });
        let found = admin.call(Use::Read, &look).await?.objects().count();
        if found == 0 {
            continue;
        }
        let remove = json!({
            "operation": "core/delete", "class": "SynchroReplica", "key": query,
            "comment": "ServiceNav: equipment is given back",
        });
        admin.call(Use::Write, &remove).await?;
        removed += found;
    }
    Ok(removed)
}
