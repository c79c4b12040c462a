//! The report that a customer can sign: each row is accounted for.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::{NAMED, Verify};
use crate::{
    domain::text::{cut_chars, one_line},
    migrate::{
        mapping::key,
        report::{PageError, page},
        target::TargetError,
    },
};

/// How much of a value is told, in characters.
const TOLD: usize = 60;

/// How many failures are named; all are counted.
const FAILURES: usize = 1_000;

/// What became of a class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClassReport {
    /// Its code.
    pub class: String,
    /// What its objects became.
    pub object: String,
    /// How many objects there are in iTop.
    pub objects: u64,
    /// How many of them the mapping leaves out.
    pub left_out: u64,
    /// How many records were made.
    pub created: u64,
    /// How many were there before, and stay as they are.
    pub found: u64,
    /// How many objects did not go, each with its reason.
    pub failed: u64,
    /// How many records lack fields that are set later, or were to be published and are not.
    pub incomplete: u64,
    /// How many were not loaded yet.
    pub not_loaded: u64,
    /// How many records with keys of this class the org counts; more than were made or found are those of another
    /// iTop, or of objects that it no longer has.
    pub in_org: u64,
    /// How many were compared, field by field.
    pub compared: u64,
    /// How many of them differ, or are no longer there.
    pub differing: u64,
}

impl ClassReport {
    /// Whether each object is accounted for, and nothing differs.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.differing == 0 && self.not_loaded == 0 && self.in_org >= self.created + self.found
    }
}

/// What became of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LogReport {
    /// The class.
    pub class: String,
    /// The log.
    pub log: String,
    /// Whether customers may read it.
    pub is_public: bool,
    /// How many entries it has, on records that were made.
    pub entries: u64,
    /// How many comments did not go.
    pub failed: u64,
    /// How many are not there.
    pub not_loaded: u64,
    /// How many comments were compared; a long entry is several.
    pub compared: u64,
    /// How many of them differ.
    pub differing: u64,
}

/// What became of files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// How many were read from iTop.
    pub files: u64,
    /// How many of them hang on records that were made.
    pub on_records: u64,
    /// How many did not go.
    pub failed: u64,
    /// How many are not there.
    pub not_loaded: u64,
    /// How many were compared by checksum, size and record.
    pub compared: u64,
    /// How many of them differ.
    pub differing: u64,
    /// How many bytes they have.
    pub bytes: u64,
}

/// Something that is not as it was to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The object, such as `Incident::200001`.
    pub of: String,
    /// The record.
    pub record: String,
    /// The field; empty where there is no record any more.
    pub field: String,
    /// What was to be there.
    pub expected: String,
    /// What is.
    pub found: String,
}

impl Difference {
    pub(super) fn missing(class: &str, id: u64, record: &str) -> Self {
        Self {
            of: format!("{class}::{id}"),
            record: record.to_owned(),
            field: String::new(),
            expected: "a record".to_owned(),
            found: "none".to_owned(),
        }
    }

    pub(super) fn of(
        class: &str,
        id: u64,
        record: &str,
        field: &str,
        expected: &Value,
        found: &Value,
    ) -> Self {
        Self {
            of: format!("{class}::{id}"),
            record: record.to_owned(),
            field: field.to_owned(),
            expected: shown(expected),
            found: shown(found),
        }
    }
}

fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    cut_chars(&one_line(&text), TOLD).into_owned()
}

/// A reason for which rows did not go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The class.
    pub class: String,
    /// The code.
    pub code: String,
    /// How many rows.
    pub rows: u64,
}

/// A record with one of our keys that was there, and that this migration has not made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FoundRow {
    /// The object.
    pub of: String,
    /// The record.
    pub record: String,
}

/// A row that did not go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedRow {
    /// The object, and what of it.
    pub of: String,
    /// A code.
    pub code: String,
    /// Why.
    pub reason: String,
}

/// The whole report.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// When it was made.
    pub made_at: Timestamp,
    /// By which version of the program.
    pub program: &'static str,
    /// The iTop.
    pub source: String,
    /// The org.
    pub target: String,
    /// How many records of each class were compared; none is all.
    pub sample: Option<usize>,
    /// By which they were chosen.
    pub seed: u64,
    /// Whether each row is accounted for, and nothing differs.
    pub is_sound: bool,
    /// The classes.
    pub classes: Vec<ClassReport>,
    /// The logs.
    pub logs: Vec<LogReport>,
    /// The files.
    pub files: Option<FileReport>,
    /// Records that were there and that this migration has not made, the first of them: they stay as they are.
    pub found: Vec<FoundRow>,
    /// Why rows did not go, the most frequent first.
    pub reasons: Vec<Reason>,
    /// Rows that did not go, the first of them.
    pub failed: Vec<FailedRow>,
    /// What differs, the first of it.
    pub differences: Vec<Difference>,
}

impl Report {
    pub(super) async fn new(verify: &Verify<'_>) -> Result<Self, TargetError> {
        let source = verify.staging.ledger(|ledger| ledger.about("source")).await?;
        Ok(Self {
            made_at: verify.clock.now(),
            program: env!("CARGO_PKG_VERSION"),
            source: source.unwrap_or_default(),
            target: verify.client.instance().map(String::from).unwrap_or_default(),
            sample: verify.sample.records,
            seed: verify.sample.seed,
            is_sound: false,
            classes: Vec::new(),
            logs: Vec::new(),
            files: None,
            found: Vec::new(),
            reasons: Vec::new(),
            failed: Vec::new(),
            differences: Vec::new(),
        })
    }

    pub(super) async fn finish(&mut self, verify: &Verify<'_>) -> Result<(), TargetError> {
        let order = verify.plan.order.clone();
        let read = verify.staging.ledger(move |ledger| {
            let mut found = Vec::new();
            for class in order {
                let room = NAMED.saturating_sub(found.len());
                let rows = ledger.found(&class, room)?.into_iter();
                found.extend(rows.map(|(id, record)| FoundRow { of: key(&class, id), record }));
            }
            Ok((found, ledger.failure_codes()?, ledger.failures(FAILURES)?))
        });
        let (found, codes, failed) = read.await?;
        self.found = found;
        let reason = |(class, code, rows)| Reason { class, code, rows };
        self.reasons = codes.into_iter().map(reason).collect();
        self.failed = failed
            .into_iter()
            .map(|failure| FailedRow {
                of: format!("{}::{} {}", failure.class, failure.id, failure.part).trim().to_owned(),
                code: failure.code,
                reason: failure.reason,
            })
            .collect();
        let logs = self.logs.iter().all(|log| log.differing == 0 && log.not_loaded == 0);
        let files =
            self.files.as_ref().is_none_or(|files| files.differing == 0 && files.not_loaded == 0);
        self.is_sound = self.classes.iter().all(ClassReport::is_sound) && logs && files;
        Ok(())
    }

    /// As a page.
    ///
    /// # Errors
    /// When its template is wrong: a defect.
    pub fn page(&self) -> Result<String, PageError> {
        #[derive(Serialize)]
        struct Shown<'r> {
            #[serde(flatten)]
            report: &'r Report,
            bars: Vec<(&'r str, u64)>,
            reason_bars: Vec<(String, u64)>,
        }
        let records = |class: &ClassReport| class.created + class.found;
        let bars = self.classes.iter().map(|class| (class.class.as_str(), records(class)));
        let reasons = self.reasons.iter();
        let reasons =
            reasons.map(|reason| (format!("{} {}", reason.class, reason.code), reason.rows));
        let shown = Shown { report: self, bars: bars.collect(), reason_bars: reasons.collect() };
        page(include_str!("page.html"), &shown)
    }

    /// In short, for what is written down of the step.
    pub(super) fn summary(&self) -> String {
        json!({"is_sound": self.is_sound, "classes": self.classes}).to_string()
    }
}
