//! What goes wrong on demand, so many times for a kind of call.

mod steps;

use std::{sync::Mutex, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::refusal::Refusal;

pub(crate) use self::steps::steps;

/// What goes wrong, where, and how often.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Which calls it strikes. A call that holds others, such as a composite, is struck where one
    /// of them is.
    pub at: Operation,
    /// Only where this object is asked for.
    #[serde(default)]
    pub object: Option<String>,
    /// How many of these calls go well before.
    #[serde(default)]
    pub skip: u32,
    /// How many are struck; none is all of them.
    #[serde(default)]
    pub times: Option<u32>,
    /// Of a thousand of these calls how many are struck, drawn by [`Self::seed`]; none is all of them.
    #[serde(default)]
    pub permille: Option<u32>,
    /// Decides which: the same seed strikes the same calls. Counts as they are drawn.
    #[serde(default)]
    pub seed: u64,
    /// What goes wrong.
    pub kind: FaultKind,
}

impl Fault {
    /// A fault of every call of this kind until it is cleared.
    #[must_use]
    pub fn new(at: Operation, kind: FaultKind) -> Self {
        Self { at, object: None, skip: 0, times: None, permille: None, seed: 0, kind }
    }

    /// For this object alone.
    #[must_use]
    pub fn object(mut self, object: &str) -> Self {
        self.object = Some(object.to_owned());
        self
    }

    /// So many times.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// So many of a thousand, drawn by a seed.
    #[must_use]
    pub fn permille(mut self, permille: u32, seed: u64) -> Self {
        (self.permille, self.seed) = (Some(permille), seed);
        self
    }

    /// Whether the next call is one of those that are drawn.
    fn is_drawn(&mut self) -> bool {
        let Some(permille) = self.permille else { return true };
        // SplitMix64: what comes of one number after the other is as good as random.
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % 1_000 < u64::from(permille)
    }

    /// Only after so many calls went well.
    #[must_use]
    pub fn skip(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }
}

/// Kinds of calls. In bulk jobs and collections each record is one of its kind.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Whatever is asked.
    Any,
    /// The token endpoint.
    Token,
    /// A new record.
    Create,
    /// One record by id or external id.
    Read,
    /// Many records by their ids.
    Retrieve,
    /// A change by id.
    Update,
    /// By external id.
    Upsert,
    /// By id.
    Delete,
    /// SOQL, and its next pages.
    Query,
    /// Describe, global or of one object.
    Describe,
    /// The limits.
    Limits,
    /// Several calls in one, whatever they are.
    Composite,
    /// Everything below `/jobs/ingest`.
    Bulk,
    /// Everything below `/metadata`.
    Deploy,
    /// Everything below `/actions`.
    Action,
}

/// What goes wrong.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The session has ended: 401 for this call and all others with its token.
    SessionExpired,
    /// 401 for this call; a new session does not help.
    SessionRefused,
    /// 403 `REQUEST_LIMIT_EXCEEDED`.
    RequestLimit,
    /// 400 `UNABLE_TO_LOCK_ROW` for a record.
    LockRow,
    /// 400 `STORAGE_LIMIT_EXCEEDED` for a record.
    StorageLimit,
    /// 400 `DUPLICATE_VALUE` for a record, which names neither field nor record, and for which
    /// none is found.
    DuplicateUnknown,
    /// Refused so, without an effect; at the token endpoint `code` is `error` and `message` is
    /// `error_description`.
    Refuse {
        /// The status.
        status: u16,
        /// `errorCode`.
        code: String,
        /// `message`.
        message: String,
    },
    /// A page in HTML with this status, before or after the effect.
    Html {
        /// The status, such as 503.
        status: u16,
        /// Whether the work is done.
        after: bool,
    },
    /// 200 with JSON that is no answer of Salesforce.
    WrongJson {
        /// Whether the work is done.
        after: bool,
    },
    /// The JSON ends in the middle; the work is done.
    Truncated,
    /// The connection closes without an answer.
    Cut {
        /// Whether the work is done.
        after: bool,
    },
    /// Waits before the effect and after it. The work runs to its end whatever the client does.
    Slow {
        /// Milliseconds before the effect.
        #[serde(default)]
        before_ms: u64,
        /// Milliseconds between the effect and the answer.
        #[serde(default)]
        after_ms: u64,
    },
    /// The work waits, before or after its effect, until [`Sandbox::clear_faults`] is called.
    ///
    /// [`Sandbox::clear_faults`]: crate::Sandbox::clear_faults
    Held {
        /// Whether the work is done.
        after: bool,
    },
}

/// Faults that are switched on.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    on: Mutex<Vec<Fault>>,
    /// Told when they are cleared.
    cleared: watch::Sender<()>,
}

/// One call: what it does, and to which object.
pub(crate) type Step = (Operation, String);

/// What strikes one request as a whole.
#[derive(Debug)]
pub(crate) struct Strike {
    pub(crate) before: Duration,
    pub(crate) after: Duration,
    pub(crate) kinds: Vec<FaultKind>,
    cleared: watch::Receiver<()>,
}

impl Strike {
    /// Waits until the faults are cleared, if one holds the work there.
    pub(crate) async fn hold(&mut self, after: bool) {
        if self.kinds.contains(&FaultKind::Held { after }) {
            // Its other end is the org's, which this request keeps.
            let _ = self.cleared.changed().await;
        }
    }
}

impl FaultKind {
    /// Whether it strikes a record rather than the request.
    fn is_of_record(&self) -> bool {
        matches!(
            self,
            Self::LockRow | Self::StorageLimit | Self::DuplicateUnknown | Self::Refuse { .. }
        )
    }

    fn refusal(&self, id: &str) -> Option<Refusal> {
        Some(match self {
            Self::LockRow => Refusal::bad(
                "UNABLE_TO_LOCK_ROW",
                format!("unable to obtain exclusive access to this record or 1 records: {id}"),
            )
            .on(&[]),
            Self::StorageLimit => {
                Refusal::bad("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded").on(&[])
            }
            Self::DuplicateUnknown => Refusal::bad(
                "DUPLICATE_VALUE",
                "duplicate value found: <unknown> duplicates value on record with id: <unknown>",
            )
            .on(&[]),
            Self::Refuse { status, code, message } => Refusal::new(*status, code, message),
            _ => return None,
        })
    }
}

impl Faults {
    fn list_mut(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        // Nothing that holds it can panic between two changes that belong together.
        self.on.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn add(&self, fault: Fault) {
        self.list_mut().push(fault);
    }

    pub(crate) fn list(&self) -> Vec<Fault> {
        self.list_mut().clone()
    }

    pub(crate) fn clear(&self) {
        self.list_mut().clear();
        self.cleared.send_replace(());
    }

    /// Takes the faults that strike these steps, each once, and counts.
    fn take(&self, steps: &[Step], of_record: bool) -> Vec<FaultKind> {
        let mut taken = Vec::new();
        let mut on = self.list_mut();
        for fault in on.iter_mut().filter(|fault| fault.kind.is_of_record() == of_record) {
            let meant = |(operation, object): &Step| {
                (fault.at == Operation::Any || fault.at == *operation)
                    && fault.object.as_ref().is_none_or(|own| own.eq_ignore_ascii_case(object))
            };
            if !steps.iter().any(meant) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            if !fault.is_drawn() {
                continue;
            }
            if let Some(times) = &mut fault.times {
                *times = times.saturating_sub(1);
            }
            taken.push(fault.kind.clone());
        }
        on.retain(|fault| fault.times != Some(0));
        taken
    }

    /// What strikes a request that does these steps.
    pub(crate) fn strike(&self, steps: &[Step]) -> Strike {
        // Before they are taken: what is cleared in between is not waited for.
        let cleared = self.cleared.subscribe();
        let (before, after) = (Duration::ZERO, Duration::ZERO);
        let mut strike = Strike { before, after, kinds: Vec::new(), cleared };
        for kind in self.take(steps, false) {
            match kind {
                FaultKind::Slow { before_ms, after_ms } => {
                    strike.before += Duration::from_millis(before_ms);
                    strike.after += Duration::from_millis(after_ms);
                }
                kind => strike.kinds.push(kind),
            }
        }
        strike
    }

    /// What is refused of one record, or of one call that has none; `id` is named by locks.
    pub(crate) fn refuse(
        &self,
        operation: Operation,
        object: &str,
        id: &str,
    ) -> Result<(), Refusal> {
        let taken = self.take(&[(operation, object.to_owned())], true);
        taken.iter().find_map(|kind| kind.refusal(id)).map_or(Ok(()), Err)
    }
}
