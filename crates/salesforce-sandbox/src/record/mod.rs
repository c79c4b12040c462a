//! What can be done with records: make, read, change, delete, and all that is checked then.

mod articles;
mod check;
mod content;
mod create;
mod delete;
mod duplicates;
mod find;
mod rules;
mod show;
mod update;
mod value;

use std::{
    cell::RefCell,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    fault::Faults, options::Options, refusal::Refusal, schema::Object, soql::Cursors, store::State,
    web::Usage,
};

pub(crate) use self::{
    delete::row_words,
    find::Matches,
    update::Upserted,
    value::{date, date_time},
};

/// A body, or a record to be.
pub(crate) type Body = Map<String, Value>;

/// What one call, and those inside it, work with.
pub(crate) struct Work<'a> {
    pub(crate) state: &'a State,
    pub(crate) options: &'a Options,
    pub(crate) faults: &'a Faults,
    /// The id of the user that asks.
    pub(crate) user: &'a str,
    /// The version of the API that is asked, such as `67.0`.
    pub(crate) version: String,
    /// When the call began, as Salesforce writes it.
    pub(crate) now: String,
    /// What the headers of the call ask for.
    pub(crate) asked: Asked,
    /// Values that picklists grew: object, field, value.
    pub(crate) grown: &'a RefCell<Vec<(String, String, String)>>,
    /// Queries that have more pages.
    pub(crate) pages: &'a Mutex<Cursors>,
    /// How much of what a day has is left.
    pub(crate) usage: Usage,
}

/// What headers ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// `Sforce-Auto-Assign`
    pub(crate) auto_assign: bool,
    /// `Sforce-Duplicate-Rule-Header: allowSave`
    pub(crate) allow_save: bool,
    /// How many rows a page of a query has.
    pub(crate) batch_size: usize,
}

impl Default for Asked {
    fn default() -> Self {
        Self { auto_assign: true, allow_save: false, batch_size: 2_000 }
    }
}

impl Work<'_> {
    /// The object of this name, if this user may see it.
    pub(crate) fn object(&self, name: &str) -> Result<&Object, Refusal> {
        let object = self.state.schema.object(name);
        object.filter(|object| self.state.access.sees(&object.name)).ok_or_else(Refusal::not_found)
    }

    pub(crate) fn cursors(&self) -> MutexGuard<'_, Cursors> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same call for another version or with other headers: what a part of a composite has.
    pub(crate) fn with(&self, version: &str, asked: Asked) -> Self {
        Self { version: version.to_owned(), now: self.now.clone(), asked, ..*self }
    }
}

/// A time as Salesforce writes it: to the second, in UTC.
pub(crate) fn stamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string()
}
