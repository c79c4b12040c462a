//! What a run of a data source counts.

use rusqlite::named_params;

use crate::session::Session;

/// Objects, and those among them that came with a warning.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    pub(super) all: i64,
    pub(super) warned: i64,
}

impl Count {
    pub(super) fn add(&mut self, warning: bool) {
        self.all += 1;
        self.warned += i64::from(warning);
    }

    fn shown(self) -> String {
        format!("{} ({} warnings)", self.all, self.warned)
    }
}

/// The counters of a run.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Why it did nothing.
    pub(super) error: Option<&'static str>,
    pub(super) replicas: i64,
    pub(super) touched: i64,
    pub(super) deleted: i64,
    pub(super) deletion_errors: i64,
    pub(super) obsoleted: i64,
    pub(super) obsolescence_errors: i64,
    pub(super) created: Count,
    pub(super) creation_errors: i64,
    pub(super) updated: Count,
    pub(super) update_errors: i64,
    pub(super) reconciled_updated: Count,
    pub(super) reconciled_unchanged: Count,
    pub(super) reconciliation_errors: i64,
    pub(super) disappeared: i64,
}

impl Counters {
    /// The lines of the summary.
    pub(super) fn lines(&self) -> [String; 14] {
        [
            format!("Replicas: {}", self.replicas),
            format!("Replicas touched since last synchro: {}", self.touched),
            format!("Objects deleted: {}", self.deleted),
            format!("Objects deletion errors: {}", self.deletion_errors),
            format!("Objects obsoleted: {}", self.obsoleted),
            format!("Objects obsolescence errors: {}", self.obsolescence_errors),
            format!("Objects created: {}", self.created.shown()),
            format!("Objects creation errors: {}", self.creation_errors),
            format!("Objects updated: {}", self.updated.shown()),
            format!("Objects update errors: {}", self.update_errors),
            format!("Objects reconciled (updated): {}", self.reconciled_updated.shown()),
            format!("Objects reconciled (unchanged): {}", self.reconciled_unchanged.shown()),
            format!("Objects reconciliation errors: {}", self.reconciliation_errors),
            format!("Replica disappeared, no action taken: {}", self.disappeared),
        ]
    }

    /// Begins the entry of a run in the history: it says "running" until the run ends.
    pub(super) fn begin(&self, session: &Session<'_>, source: i64) -> Result<i64, rusqlite::Error> {
        session
            .database
            .prepare_cached(
                "INSERT INTO base_sync_log (sync_source_id, start_date, stats_nb_replica_total)
                 VALUES (?, ?, ?)",
            )?
            .execute((source, &session.now, self.replicas))?;
        Ok(session.database.last_insert_rowid())
    }

    /// Ends it.
    pub(super) fn end(&self, session: &Session<'_>, log: i64) -> Result<(), rusqlite::Error> {
        session
            .database
            .prepare_cached(
                "UPDATE base_sync_log SET end_date = :now, status = :status, last_error = :error,
                     stats_nb_replica_seen = :seen, stats_nb_obj_deleted = :deleted,
                     stats_nb_obj_deleted_errors = :deletion_errors,
                     stats_nb_obj_obsoleted = :obsoleted,
                     stats_nb_obj_obsoleted_errors = :obsolescence_errors,
                     stats_nb_obj_created = :created, stats_nb_obj_created_errors = :creation_errors,
                     stats_nb_obj_updated = :updated, stats_nb_obj_updated_errors = :update_errors,
                     stats_nb_replica_reconciled_errors = :reconciliation_errors,
                     stats_nb_replica_disappeared_no_action = :disappeared
                 WHERE id = :log",
            )?
            .execute(named_params! {
                ":now": session.now,
                ":status": if self.error.is_some() { "error" } else { "completed" },
                ":error": self.error.unwrap_or_default(),
                ":seen": self.touched,
                ":deleted": self.deleted,
                ":deletion_errors": self.deletion_errors,
                ":obsoleted": self.obsoleted,
                ":obsolescence_errors": self.obsolescence_errors,
                ":created": self.created.all,
                ":creation_errors": self.creation_errors,
                ":updated": self.updated.all,
                ":update_errors": self.update_errors,
                ":reconciliation_errors": self.reconciliation_errors,
                ":disappeared": self.disappeared,
                ":log": log,
            })?;
        Ok(())
    }
}
