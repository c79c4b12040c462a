//! Reads the classes of iTop, each by ranges of ids, some at a time; what is read is kept at once, so that a
//! process that ends goes on where it was.

use std::{collections::VecDeque, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    classes::{self, CI, TICKET, USER},
    files::FileError,
    object::{self, Kind},
    ranges::{Range, Ranges},
};
use crate::{
    clock::{Clock, Stopwatch},
    itop::{Answer, Client, ItopError, Use},
    migrate::{
        folder::Folder,
        staging::{Known, ReadRange, Staging, StagingError, Table},
    },
};

/// How often a question is asked that iTop does not answer.
const TRIES: u32 = 5;

/// How long to wait after the first try; twice as long after each further one.
const PAUSE: Duration = Duration::from_secs(1);

/// The most classes of CIs or tickets that are told apart: a guard against an iTop that ignores conditions.
const MOST_CLASSES: usize = 200;

/// How much of iTop is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Requests at once. Two are best for an iTop of two processors (measured).
    pub at_once: usize,
    /// Rows a request: 2,000 tickets take 0.6 s and 5 MB (measured).
    pub rows: u64,
    /// Whether each request is followed by a rest as long as it took, so that deliveries that go on beside
    /// come first.
    pub gentle: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self { at_once: 2, rows: 2_000, gentle: false }
    }
}

/// What happens, for whoever looks on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A class is read from here on.
    Class {
        /// Its code.
        class: String,
        /// How many objects iTop says there are.
        counted: u64,
    },
    /// Some of its objects are here.
    Rows {
        /// Their class.
        class: String,
        /// How many.
        rows: u64,
        /// How long iTop took, in microseconds.
        micros: u64,
    },
    /// It is read to its end.
    Read {
        /// Its code.
        class: String,
    },
    /// It cannot be read; the others are.
    Skipped {
        /// Its code.
        class: String,
        /// Why.
        problem: String,
    },
    /// So many files are still to be read.
    Files {
        /// How many.
        missing: usize,
    },
    /// One of them is here.
    File {
        /// Its length.
        bytes: u64,
    },
    /// One of them cannot be read; the others are.
    FileSkipped {
        /// The object that holds it.
        object: String,
        /// Why.
        problem: String,
    },
}

/// It ended before all was read. What was read is kept: the same again goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// iTop did not answer, several times.
    #[error("{class}: {error}; what was read so far is kept, run it again to go on")]
    Itop {
        /// What was read.
        class: String,
        /// Why it failed.
        error: ItopError,
    },
    /// The staging file failed.
    #[error(transparent)]
    Staging(#[from] StagingError),
    /// A file could not be written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The extraction of one iTop.
#[derive(Debug)]
pub struct Extraction<'a> {
    /// Speaks to iTop, with a login that sees everything that moves.
    pub client: &'a Client,
    /// Where it is kept.
    pub staging: &'a Staging,
    /// Where the contents of files are kept.
    pub folder: &'a Folder,
    /// By which pauses are counted.
    pub clock: &'a Clock,
    /// How much of iTop is taken.
    pub pace: Pace,
}

/// What a class is.
enum Looked {
    Here(Table),
    /// It cannot be read, or is not there.
    Not(String),
}

impl Extraction<'_> {
    /// Reads all classes, those named too, that are not read in this pass yet, and all files.
    ///
    /// # Errors
    /// When iTop does not answer although it was asked several times, or nothing more can be kept.
    pub async fn run(&self, named: &[String], tell: &impl Fn(&Event)) -> Result<(), ExtractError> {
        let pass = self.staging.pass().await?;
        let users = self.concrete(USER).await?;
        let [cis, tickets] = [self.concrete(CI).await?, self.concrete(TICKET).await?];
        let order = classes::in_order(users, cis, tickets, named);
        for (position, class) in order.iter().enumerate() {
            if self.staging.known(class, pass).await? == Known::Read {
                continue;
            }
            match self.look(class).await? {
                Looked::Here(table) => {
                    tell(&Event::Class { class: class.clone(), counted: table.counted });
                    self.staging.begin_class(&table, position).await?;
                    self.read(&table, pass, tell).await?;
                    self.staging.end_class(class, pass).await?;
                    tell(&Event::Read { class: class.clone() });
                }
                Looked::Not(problem) => {
                    self.staging.skip_class(class, position, &problem, pass).await?;
                    tell(&Event::Skipped { class: class.clone(), problem });
                }
            }
        }
        self.read_files(tell).await
    }

    /// The concrete classes below an abstract one of which there is an object: each question names those that
    /// are known, and brings one that is not.
    async fn concrete(&self, class: &str) -> Result<Vec<String>, ExtractError> {
        let mut known: Vec<String> = Vec::new();
        while known.len() < MOST_CLASSES {
            let but = match known.as_slice() {
                [] => String::new(),
                known => format!(" WHERE finalclass NOT IN ('{}')", known.join("','")),
            };
            let operation = json!({
                "operation": "core/get", "class": class, "key": format!("SELECT {class}{but}"),
                "output_fields": "finalclass", "limit": "1", "page": "1",
            });
            match self.ask(class, Use::Read, &operation).await? {
                Ok(answer) => {
                    let next = answer.objects().next().map(|(concrete, ..)| concrete.to_owned());
                    match next {
                        Some(next) if !known.contains(&next) => known.push(next),
                        _ => break,
                    }
                }
                // What this iTop does not have brings nothing.
                Err(_) => break,
            }
        }
        known.sort();
        Ok(known)
    }

    /// Which attributes a class has, and how many objects there are.
    async fn look(&self, class: &str) -> Result<Looked, ExtractError> {
        let mut fields = match self.codes(class).await? {
            Ok(codes) => classes::worth_reading(codes),
            Err(problem) => return Ok(Looked::Not(problem)),
        };
        let answer = loop {
            let operation = json!({
                "operation": "core/get", "class": class, "key": format!("SELECT {class}"),
                "output_fields": fields.join(","), "limit": "1", "page": "1",
            });
            let problem = match self.ask(class, Use::Read, &operation).await? {
                Ok(answer) => break answer,
                Err(problem) => problem,
            };
            // Among the codes of an iTop are some that it does not show; it names one each time.
            let unknown = problem.split('\'').nth(1).unwrap_or_default();
            let Some(at) = fields.iter().position(|field| field == unknown) else {
                return Ok(Looked::Not(problem));
            };
            fields.remove(at);
        };
        let sample = answer.objects().next().map(|(.., fields)| fields.clone()).unwrap_or_default();
        let is = |field: &String, kind| {
            sample.get(field).is_some_and(|value| object::kind(value) == kind)
        };
        fields.retain(|field| !is(field, Kind::Links) && !is(field, Kind::Document));
        Ok(Looked::Here(Table {
            class: class.to_owned(),
            logs: fields.iter().filter(|field| is(field, Kind::Log)).cloned().collect(),
            fields,
            documents: classes::documents(class),
            counted: answer.found().and_then(|found| found.try_into().ok()).unwrap_or(0),
        }))
    }

    /// The codes of a class's attributes.
    async fn codes(&self, class: &str) -> Result<Result<Vec<String>, String>, ExtractError> {
        let mut tries = Tries::new(self.clock);
        loop {
            let error = match self.client.attribute_codes(class).await {
                Ok(Some(codes)) => return Ok(Ok(codes)),
                Ok(None) => return Ok(Err("iTop does not have this class".to_owned())),
                Err(error) => error,
            };
            if let Some(problem) = tries.after(class, error).await? {
                return Ok(Err(problem));
            }
        }
    }

    /// Reads a class to its end.
    async fn read(
        &self,
        table: &Table,
        pass: i64,
        tell: &impl Fn(&Event),
    ) -> Result<(), ExtractError> {
        if table.counted == 0 {
            return Ok(());
        }
        let read = self.staging.ranges(&table.class).await?;
        let mut ranges = Ranges::new(self.pace.rows, read);
        let mut asked = FuturesUnordered::new();
        loop {
            while asked.len() < self.pace.at_once.max(1)
                && let Some(range) = ranges.next()
            {
                asked.push(self.range(table, range, ranges.is_wide(range).then(|| ranges.most())));
            }
            let Some(brought) = asked.next().await else { return Ok(()) };
            let (range, answer, micros) = brought?;
            let rows: Vec<_> = answer.objects().collect();
            let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
            let all = answer.found().and_then(|all| all.try_into().ok()).unwrap_or(count);
            if all > count {
                ranges.too_many(range);
                continue;
            }
            let logs = &table.logs;
            let objects = rows
                .into_iter()
                .map(|(class, id, fields)| object::object(class, id, fields, logs))
                .collect();
            let Range { above, up_to } = range;
            self.staging.keep(table, ReadRange { above, up_to, micros }, objects, pass).await?;
            tell(&Event::Rows { class: table.class.clone(), rows: count, micros });
            ranges.brought(range, count);
            if ranges.may_be_last(count) && self.is_end(&table.class, up_to).await? {
                ranges.nothing_above(up_to);
            }
        }
    }

    /// A range of a class; with a bound it brings no more than so many rows, and says how many there are.
    async fn range(
        &self,
        table: &Table,
        range: Range,
        most: Option<u64>,
    ) -> Result<(Range, Answer, u64), ExtractError> {
        let Table { class, fields, .. } = table;
        let Range { above, up_to } = range;
        let mut operation = json!({
            "operation": "core/get", "class": class,
            "key": format!("SELECT {class} WHERE id > {above} AND id <= {up_to}"),
            "output_fields": fields.join(","),
        });
        if let Some(most) = most {
            operation["limit"] = json!(most.to_string());
            operation["page"] = json!("1");
        }
        let watch = Stopwatch::start();
        let answer = self.ask(class, Use::List, &operation).await?;
        let micros = watch.micros();
        if self.pace.gentle {
            self.clock.sleep(Duration::from_micros(micros)).await;
        }
        let refused = |reason| ItopError::NoClearAnswer { reason };
        let answer = answer.map_err(|reason| ExtractError::Itop {
            class: class.clone(),
            error: refused(reason),
        })?;
        Ok((range, answer, micros))
    }

    /// Whether a class has nothing above an id.
    async fn is_end(&self, class: &str, id: u64) -> Result<bool, ExtractError> {
        let operation = json!({
            "operation": "core/get", "class": class,
            "key": format!("SELECT {class} WHERE id > {id}"),
            "output_fields": "id", "limit": "1", "page": "1",
        });
        let answer = self.ask(class, Use::Read, &operation).await?;
        Ok(answer.is_ok_and(|answer| answer.objects().next().is_none()))
    }

    /// Asks several times before it gives up. What iTop itself refuses (no such class, no right) is told apart:
    /// it is not asked again.
    pub(super) async fn ask(
        &self,
        class: &str,
        purpose: Use,
        operation: &Value,
    ) -> Result<Result<Answer, String>, ExtractError> {
        let mut tries = Tries::new(self.clock);
        loop {
            let error = match self.client.call(purpose, operation).await {
                Ok(answer) => return Ok(Ok(answer)),
                Err(error) => error,
            };
            if let Some(problem) = tries.after(class, error).await? {
                return Ok(Err(problem));
            }
        }
    }
}

/// How often a question may be asked again.
struct Tries<'a> {
    clock: &'a Clock,
    pauses: VecDeque<Duration>,
}

impl<'a> Tries<'a> {
    fn new(clock: &'a Clock) -> Self {
        Self { clock, pauses: (0..TRIES - 1).map(|tried| PAUSE * 2_u32.pow(tried)).collect() }
    }

    /// What follows on an error: nothing, after a pause; or iTop's own words where it refuses for good.
    ///
    /// # Errors
    /// When it was asked often enough, or is not to be asked again.
    async fn after(
        &mut self,
        class: &str,
        error: ItopError,
    ) -> Result<Option<String>, ExtractError> {
        match &error {
            ItopError::Refused { .. } if !error.is_passing() => return Ok(Some(error.to_string())),
            ItopError::NotAllowed { .. } => return Ok(Some(error.to_string())),
            _ => {}
        }
        let stays = matches!(error, ItopError::BadCredentials | ItopError::ProfileMissing { .. });
        let Some(pause) = self.pauses.pop_front().filter(|_| !stays) else {
            return Err(ExtractError::Itop { class: class.to_owned(), error });
        };
        tracing::warn!(class, %error, "iTop is asked again");
        self.clock.sleep(pause).await;
        Ok(None)
    }
}
