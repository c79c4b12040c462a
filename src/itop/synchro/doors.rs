//! Who goes through the doors.

use std::time::Duration;

use serde_json::json;

use super::{
    Counters, DoorError, Import, ImportAnswer, Loaded, MAX_TABLE_BYTES, RowIssue, Table, export,
    import, load, page, run,
};
use crate::{
    itop::{Client, ClientError, ItopError, Settings, Use},
    outgoing::Raw,
};

/// How long an answer may be, in bytes: a page, of which a load has a line or two a row.
const PAGE: usize = 8 << 20;

/// The same of an export, of which 50,000 incidents with all their texts have 52 MB (SYNC.md).
const EXPORT: usize = 256 << 20;

/// What is shorter than this was not cut for its length: nobody limits forms to less.
const SHORT: usize = 64 << 10;

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
    pub fn new(
        client: &Client,
        account: &Settings,
        timeout: Duration,
    ) -> Result<Self, ClientError> {
        Ok(Self { client: client.with_account(account)?, timeout })
    }

    /// As [`Client::renew`].
    ///
    /// # Errors
    /// As there.
    pub fn renew(&self, account: &Settings) -> Result<bool, ClientError> {
        self.client.renew(account)
    }

    /// REST with the same account.
    #[must_use]
    pub fn rest(&self) -> &Client {
        &self.client
    }

    /// Loads rows into the table of a data source (`synchro_import.php`, without synchronizing). Rows that
    /// the database refuses are left out and told; all others are loaded. The same rows again do no harm.
    ///
    /// # Errors
    /// After any for which [`DoorError::had_no_effect`] does not hold some rows may have been loaded.
    pub async fn load(&self, source: &str, table: &Table) -> Result<Loaded, DoorError> {
        if let Some(fault) = table.fault() {
            return Err(DoorError::Refused { message: fault.to_owned() });
        }
        let bytes = table.csv().len();
        if bytes > MAX_TABLE_BYTES {
            return Err(DoorError::TooLong { bytes });
        }
        let mut loaded = Loaded::default();
        for (number, (part, rows)) in table.parts().into_iter().enumerate() {
            let of_part = self.load_csv(source, &part.csv(), part.rows.len()).await;
            let of_part = of_part.map_err(|error| match error {
                // Those before have been loaded.
                error if number > 0 && error.had_no_effect() => {
                    DoorError::Unclear { reason: error.to_string() }
                }
                error => error,
            })?;
            loaded.class = of_part.class;
            loaded.created += of_part.created;
            loaded.updated += of_part.updated;
            let of_whole = of_part.issues.into_iter().map(|issue| RowIssue {
                row: rows.get(issue.row).copied().unwrap_or(issue.row),
                ..issue
            });
            loaded.issues.extend(of_whole);
        }
        loaded.issues.sort_by_key(|issue| issue.row);
        Ok(loaded)
    }

    /// Whether rows of these columns could be loaded: a load without rows and without a synchronization,
    /// which would take all rows that are there for missing. Tells the class of the source.
    ///
    /// # Errors
    /// As [`Doors::load`], and nothing was loaded.
    pub async fn try_columns(&self, source: &str, columns: &[String]) -> Result<String, DoorError> {
        let table = Table { columns: columns.to_vec(), rows: Vec::new() };
        Ok(self.load_csv(source, &table.csv(), 0).await?.class)
    }

    async fn load_csv(&self, source: &str, csv: &str, rows: usize) -> Result<Loaded, DoorError> {
        let fields = [
            ("data_source_id", source),
            ("synchronize", "0"),
            ("no_stop_on_import_error", "1"),
            ("output", "details"),
            ("separator", ";"),
            ("qualifier", "\""),
            ("charset", "UTF-8"),
            ("date_format", "Y-m-d"),
            ("csvdata", csv),
        ];
        let answer = self.post("synchro/synchro_import.php", &fields, PAGE).await;
        let (raw, text) = self.let_in(answer, csv.len()).await?;
        load::read(&raw, &text, source, rows)
    }

    /// Processes what was loaded (`synchro_exec.php`): everything of that source, whoever loaded it.
    ///
    /// # Errors
    /// [`DoorError::Unclear`] and [`DoorError::NoMemory`] leave a part done; the same again goes on.
    pub async fn run(&self, source: &str) -> Result<Counters, DoorError> {
        let fields = [("data_sources", source)];
        let answer = self.post("synchro/synchro_exec.php", &fields, PAGE).await;
        let (raw, text) = page::text(answer)?;
        run::read(&raw, &text, source)
    }

    /// Imports CSV at once (`import.php`).
    ///
    /// # Errors
    /// After [`DoorError::Unclear`] and [`DoorError::NoMemory`] some rows may have been imported.
    pub async fn import(&self, import: &Import<'_>) -> Result<ImportAnswer, DoorError> {
        let keys = import.keys.join(",");
        if keys.is_empty() {
            let message = "no keys are named by which objects are found";
            return Err(DoorError::Refused { message: message.to_owned() });
        }
        let fields = [
            ("class", import.class),
            ("reconciliationkeys", &keys),
            ("simulate", if import.simulate { "1" } else { "0" }),
            ("no_localize", "1"),
            ("charset", "UTF-8"),
            ("separator", ","),
            ("qualifier", "\""),
            ("output", "details"),
            ("csvdata", import.csv),
        ];
        let answer = self.post("webservices/import.php", &fields, PAGE).await;
        let (raw, text) = self.let_in(answer, import.csv.len()).await?;
        import::read(&raw, &text, import.simulate)
    }

    /// The CSV of a query in OQL with these attributes (`export-v2.php`), separated by commas.
    ///
    /// # Errors
    /// What is no `text/csv` is none.
    pub async fn export(&self, query: &str, fields: &[String]) -> Result<Vec<u8>, DoorError> {
        let names = fields.join(",");
        let fields = [
            ("expression", query),
            ("format", "csv"),
            ("fields", &names),
            ("no_localize", "1"),
            ("separator", ","),
            ("text-qualifier", "\""),
            ("charset", "UTF-8"),
            ("formatted_text", "0"),
        ];
        let answer = self.post("webservices/export-v2.php", &fields, EXPORT).await;
        let (raw, text) = page::text(answer)?;
        export::read(raw, &text)
    }

    async fn post(
        &self,
        path: &str,
        fields: &[(&'static str, &str)],
        longest: usize,
    ) -> Result<Raw, ItopError> {
        self.client.page(path, fields, self.timeout, longest).await
    }

    /// The text of an answer to a request with so many bytes of CSV. PHP drops all of a form that is too
    /// long, the login too: whether it is that is asked with a short one.
    async fn let_in(
        &self,
        answer: Result<Raw, ItopError>,
        bytes: usize,
    ) -> Result<(Raw, String), DoorError> {
        match page::text(answer) {
            Err(DoorError::Away(ItopError::TurnedAway { status: 413, .. })) => {
                Err(DoorError::TooLong { bytes })
            }
            Err(DoorError::NoLogin { .. }) if bytes > SHORT && self.is_let_in().await => {
                Err(DoorError::TooLong { bytes })
            }
            read => read,
        }
    }

    /// Whether the login holds.
    async fn is_let_in(&self) -> bool {
        let nothing = json!({"operation": "list_operations"});
        self.client.call(Use::Read, &nothing).await.is_ok()
    }
}
