//! Who goes through the doors.

use std::time::Duration;

use super::{Counters, DoorError, Import, ImportAnswer, Loaded, Table};
use crate::itop::{Client, ClientError, Settings};

/// The way to the doors of one iTop, with one account. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Doors {
    client: Client,
    timeout: Duration,
}

impl Doors {
    /// Doors for the account in these settings, which share the slots of `client`: a request here takes
    /// one that reads take, never one of the writes, so that no delivery waits for it. `timeout` is how
    /// long a request may take.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn new(client: &Client, account: &Settings, timeout: Duration) -> Result<Self, ClientError>;

    /// As [`Client::renew`].
    ///
    /// # Errors
    /// As there.
    pub fn renew(&self, account: &Settings) -> Result<bool, ClientError>;

    /// REST with the same account.
    #[must_use]
    pub fn rest(&self) -> &Client { &self.client }

    /// Loads rows into the table of a data source (`synchro_import.php`, without synchronizing). Rows that
    /// the database refuses are left out and told; all others are loaded. The same rows again do no harm.
    ///
    /// # Errors
    /// After any but the three that say that nothing has happened, some rows may have been loaded.
    pub async fn load(&self, source: &str, table: &Table) -> Result<Loaded, DoorError>;

    /// Whether rows of these columns could be loaded: a load without rows, and without a synchronization,
    /// which would take all rows that are there for missing. Tells the class of the source.
    ///
    /// # Errors
    /// As [`Doors::load`].
    pub async fn try_columns(&self, source: &str, columns: &[String]) -> Result<String, DoorError>;

    /// Processes what was loaded (`synchro_exec.php`): everything of that source, whoever loaded it.
    ///
    /// # Errors
    /// [`DoorError::Unclear`] and [`DoorError::NoMemory`] leave a part done; the same again goes on.
    pub async fn run(&self, source: &str) -> Result<Counters, DoorError>;

    /// Imports CSV at once (`import.php`).
    ///
    /// # Errors
    /// After [`DoorError::Unclear`] and [`DoorError::NoMemory`] some rows may have been imported.
    pub async fn import(&self, import: &Import<'_>) -> Result<ImportAnswer, DoorError>;

    /// The CSV of a query in OQL with these attributes (`export-v2.php`), separated by commas.
    ///
    /// # Errors
    /// What is no `text/csv` is none.
    pub async fn export(&self, query: &str, fields: &[String]) -> Result<Vec<u8>, DoorError>;
}
