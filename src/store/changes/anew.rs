//! What others may have done is not known.

use std::sync::atomic::Ordering;

use tokio::sync::Notify;

use super::Changes;
use crate::store::{
    counts::Kept,
    db::{self, Connection},
};

impl Changes {
    /// Begins with what is in the database, as if anything may have changed.
    pub(in crate::store) fn begin_anew(&self, connection: &Connection) -> db::Result<()> {
        let read = Kept::read(connection)?;
        self.kept().begin_anew(read);
        for counter in &self.0.counters {
            counter.fetch_add(1, Ordering::Release);
        }
        self.0.commits.fetch_add(1, Ordering::Release);
        self.0.turns.iter().for_each(Notify::notify_one);
        self.0.hook_messages.send_replace(());
        Ok(())
    }
}
