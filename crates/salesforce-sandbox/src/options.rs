//! How a sandbox is made, and where it can behave in more than one way.

use std::{fmt, path::PathBuf, pin::Pin, sync::Arc, time::Duration};

use jiff::Timestamp;

/// How a sandbox is made.
#[expect(clippy::struct_excessive_bools, reason = "each says whether something is there")]
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the data lie; none keeps them in memory. An existing file goes on with its data and
    /// its objects; who had logged in has to do it again.
    pub file: Option<PathBuf>,
    /// Whether the bridge's package is there: `Bridge_Ack__c`, `CI__c`, `Itop_Id__c`, ….
    pub package: bool,
    /// Whether the org has Knowledge.
    pub knowledge: bool,
    /// Whether accounts, contacts, queues and configuration items are there.
    pub provider: bool,
    /// Whether the user of the API may write `CreatedDate` and its like when a record is made.
    pub audit_fields: bool,
    /// How many requests a day are allowed.
    pub daily_requests: u64,
    /// The versions of the API, oldest first.
    pub versions: Vec<String>,
    /// What `instance_url` says; none is the host that was asked.
    pub instance_url: Option<String>,
    /// How long a session lives without a request, in seconds.
    pub session_secs: i64,
    /// The queue that the active assignment rule gives new Cases to, by name, unless a request
    /// says `Sforce-Auto-Assign: FALSE`.
    pub assignment_rule: Option<String>,
    /// Whether the standard rule warns of a second Contact of one name or address.
    pub duplicate_rule: bool,
    /// Where documents and sightings differ.
    pub switches: Switches,
    /// The time.
    pub now: Now,
    /// How faults wait.
    pub pauses: Pauses,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            file: None,
            package: true,
            knowledge: true,
            provider: true,
            audit_fields: false,
            daily_requests: 100_000,
            versions: ["65.0", "66.0", "67.0"].map(ToOwned::to_owned).to_vec(),
            instance_url: None,
            session_secs: 7_200,
            assignment_rule: None,
            duplicate_rule: false,
            switches: Switches::default(),
            now: Now::default(),
            pauses: Pauses::default(),
        }
    }
}

/// Where documents and sightings differ, or nobody knows. The default is what was seen last, or
/// else what is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Switches {
    /// What the message of `DUPLICATE_VALUE` says of the other record.
    pub duplicate: DuplicateSaid,
    /// What a missing external id is called.
    pub missing: MissingSaid,
    /// What the token endpoint says of a wrong audience.
    pub audience: AudienceSaid,
    /// What becomes of line breaks in texts.
    pub line_breaks: LineBreaks,
    /// Whether records that were rolled back keep an id in the answer of a collection.
    pub rolled_back_with_id: bool,
    /// Whether a line break inside a cell of a bulk job is taken for a wrong end of line.
    pub breaks_in_cells_refused: bool,
    /// Whether limits are also said for the application that asks.
    pub limits_per_app: bool,
    /// Whether failed rows of a collection have `"id": null`.
    pub failed_with_null_id: bool,
    /// Whether what a duplicate rule found is spelt `duplicateResult`; seen is `duplicateResut`.
    pub duplicate_result_spelt_right: bool,
}

/// What the message of `DUPLICATE_VALUE` says of the other record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DuplicateSaid {
    /// Its id of 15 characters.
    #[default]
    Short,
    /// Its id of 18 characters, as was seen in January 2026.
    Long,
    /// `<unknown>`, for the field as well.
    Unknown,
}

/// What a 404 for an external id says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingSaid {
    /// "The requested resource does not exist"
    #[default]
    Resource,
    /// "Provided external ID field does not exist or is not accessible: X"
    ExternalId,
}

/// What the token endpoint says of a wrong audience.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AudienceSaid {
    /// "audience is invalid"
    #[default]
    Invalid,
    /// "Audience validation failed"
    ValidationFailed,
}

/// What becomes of line breaks in texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineBreaks {
    /// They stay.
    #[default]
    Kept,
    /// CR LF and CR become LF.
    Lf,
    /// All become CR LF.
    CrLf,
}

/// Where the time comes from.
#[derive(Clone)]
pub struct Now(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Now {
    /// The time that this function says.
    pub fn of(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub(crate) fn get(&self) -> Timestamp {
        (self.0)()
    }
}

impl Default for Now {
    fn default() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place of this crate that asks it")]
        Self::of(Timestamp::now)
    }
}

impl fmt::Debug for Now {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Now")
    }
}

type Pause = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How time passes while a fault makes somebody wait.
#[derive(Clone)]
pub struct Pauses(Arc<dyn Fn(Duration) -> Pause + Send + Sync>);

impl Pauses {
    /// As long as this function lets it.
    pub fn of<F>(pause: impl Fn(Duration) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self(Arc::new(move |time| Box::pin(pause(time))))
    }

    pub(crate) async fn pause(&self, time: Duration) {
        if !time.is_zero() {
            (self.0)(time).await;
        }
    }
}

impl Default for Pauses {
    fn default() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place of this crate that waits")]
        Self::of(tokio::time::sleep)
    }
}

impl fmt::Debug for Pauses {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Pauses")
    }
}
