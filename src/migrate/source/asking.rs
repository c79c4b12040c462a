//! Questions to iTop that are asked several times before they are given up, and what they tell of classes.

use std::{collections::VecDeque, time::Duration};

use serde_json::{Value, json};

use super::{
    classes,
    object::{self, Kind},
};
use crate::{
    clock::Clock,
    itop::{Answer, Client, ItopError, Use},
    migrate::staging::Table,
};

/// What is told of a class that is not there.
pub const ABSENT: &str = "iTop does not have this class";

/// How often a question is asked that iTop does not answer.
const TRIES: u32 = 5;

/// How long to wait after the first try; twice as long after each further one.
const PAUSE: Duration = Duration::from_secs(1);

/// The most classes of CIs or tickets that are told apart: a guard against an iTop that ignores conditions.
const MOST_CLASSES: usize = 200;

/// iTop did not answer, several times.
#[derive(Debug, thiserror::Error)]
#[error("{class}: {}; what was read so far is kept, run it again to go on", words(.error))]
pub struct AskError {
    /// What was asked for.
    pub class: String,
    /// Why it failed.
    pub error: ItopError,
}

/// What is said of an error here, where the login is mostly an administrator's and not the bridge's own.
fn words(error: &ItopError) -> String {
    match error {
        ItopError::BadCredentials => "iTop does not accept this login and password".to_owned(),
        ItopError::ProfileMissing { message } => format!(
            "this account may not use iTop's web services, for which it needs the profile REST Services User: {message}"
        ),
        error => error.to_string(),
    }
}

/// Asks iTop.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// Speaks to iTop.
    pub client: &'a Client,
    /// By which pauses are counted.
    pub clock: &'a Clock,
}

/// What a class is.
#[derive(Debug)]
pub enum Looked {
    /// It can be read.
    Here {
        /// What of it is read.
        table: Table,
        /// The id of its newest object, if there is one.
        newest: Option<u64>,
    },
    /// It cannot be read, or is not there.
    Not(String),
}

impl Asking<'_> {
    /// The concrete classes below an abstract one of which there is an object: each question names those that
    /// are known, and brings one that is not.
    pub async fn concrete(&self, class: &str) -> Result<Vec<String>, AskError> {
        self.distinct(class, "finalclass", &[]).await
    }

    /// The values that an attribute has anywhere in a class, beside those that are known already. What this
    /// iTop does not have, or does not show, brings none.
    pub async fn distinct(
        &self,
        class: &str,
        attribute: &str,
        but: &[String],
    ) -> Result<Vec<String>, AskError> {
        let mut known = but.to_vec();
        while known.len() < but.len() + MOST_CLASSES {
            let narrowed = match known.as_slice() {
                [] => String::new(),
                known => format!(" WHERE {attribute} NOT IN ('{}')", known.join("','")),
            };
            let operation = json!({
                "operation": "core/get", "class": class, "key": format!("SELECT {class}{narrowed}"),
                "output_fields": attribute, "limit": "1", "page": "1",
            });
            let Ok(answer) = self.ask(class, Use::Read, &operation).await? else { break };
            let value = answer.objects().next().and_then(|(concrete, _, fields)| match attribute {
                "finalclass" => Some(concrete),
                attribute => fields.get(attribute).and_then(Value::as_str),
            });
            match value.filter(|value| is_code(value)) {
                Some(next) if !known.iter().any(|known| known == next) => {
                    known.push(next.to_owned());
                }
                _ => break,
            }
        }
        let mut found = known.split_off(but.len());
        found.sort();
        Ok(found)
    }

    /// How many objects a query finds; `None` where iTop refuses it.
    pub async fn count(&self, class: &str, query: &str) -> Result<Option<u64>, AskError> {
        let operation = json!({
            "operation": "core/get", "class": class, "key": query, "output_fields": "id",
            "limit": "1", "page": "1",
        });
        let answer = self.ask(class, Use::Read, &operation).await?;
        Ok(answer.ok().and_then(|answer| answer.found()).and_then(|found| found.try_into().ok()))
    }

    /// Which attributes a class has, and how many objects there are.
    pub async fn look(&self, class: &str) -> Result<Looked, AskError> {
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
        let newest = answer.objects().next().map(|(_, id, _)| id);
        let sample = answer.objects().next().map(|(.., fields)| fields.clone()).unwrap_or_default();
        let is = |field: &String, kind| {
            sample.get(field).is_some_and(|value| object::kind(value) == kind)
        };
        fields.retain(|field| !is(field, Kind::Links) && !is(field, Kind::Document));
        let table = Table {
            class: class.to_owned(),
            logs: fields.iter().filter(|field| is(field, Kind::Log)).cloned().collect(),
            fields,
            documents: classes::documents(class),
            counted: answer.found().and_then(|found| found.try_into().ok()).unwrap_or(0),
        };
        Ok(Looked::Here { table, newest })
    }

    /// The codes of a class's attributes.
    pub async fn codes(&self, class: &str) -> Result<Result<Vec<String>, String>, AskError> {
        let mut tries = Tries::new(self.clock);
        loop {
            let error = match self.client.attribute_codes(class).await {
                Ok(Some(codes)) => return Ok(Ok(codes)),
                Ok(None) => return Ok(Err(ABSENT.to_owned())),
                Err(error) => error,
            };
            if let Some(problem) = tries.after(class, error).await? {
                return Ok(Err(problem));
            }
        }
    }

    /// Whether a class has nothing above an id that meets a condition.
    pub(super) async fn is_end(
        &self,
        class: &str,
        id: u64,
        condition: &str,
    ) -> Result<bool, AskError> {
        let operation = json!({
            "operation": "core/get", "class": class,
            "key": format!("SELECT {class} WHERE id > {id}{condition}"),
            "output_fields": "id", "limit": "1", "page": "1",
        });
        let answer = self.ask(class, Use::Read, &operation).await?;
        Ok(answer.is_ok_and(|answer| answer.objects().next().is_none()))
    }

    /// Asks several times before it gives up. What iTop itself refuses (no such class, no right) is told apart:
    /// it is not asked again.
    pub async fn ask(
        &self,
        class: &str,
        purpose: Use,
        operation: &Value,
    ) -> Result<Result<Answer, String>, AskError> {
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

/// Whether a value can be named in a query as it is: codes of classes.
fn is_code(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
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
    async fn after(&mut self, class: &str, error: ItopError) -> Result<Option<String>, AskError> {
        match &error {
            ItopError::Refused { .. } if !error.is_passing() => return Ok(Some(error.to_string())),
            ItopError::NotAllowed { .. } => return Ok(Some(error.to_string())),
            _ => {}
        }
        let stays = matches!(error, ItopError::BadCredentials | ItopError::ProfileMissing { .. });
        let Some(pause) = self.pauses.pop_front().filter(|_| !stays) else {
            return Err(AskError { class: class.to_owned(), error });
        };
        tracing::warn!(class, %error, "iTop is asked again");
        self.clock.sleep(pause).await;
        Ok(None)
    }
}
