//! Reading a list of equipment, row by row as it comes: each is held once, in the form in which it is stored.

mod json;
mod lines;
mod table;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Read},
};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json_borrow::{ObjectAsVec, Value};

use super::{
    Equipment,
    fields::{MEMBERS, equipment_of},
};
use crate::domain::{
    body::{Errors, Object, expected},
    keys::EquipmentId,
    names::searchable,
    text::{cut_chars, one_line},
};

/// Rows of a list at most.
pub const MAX_ROWS: usize = 50_000;

/// Wrong rows that are told of one by one.
pub const MOST_TOLD: usize = 20;

/// Names of members that nobody knows, of which that is told.
const MOST_UNKNOWN: usize = 20;

/// In what form a list comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON array, or objects one after another.
    Json,
    /// A JSON object on each line.
    Lines,
    /// A table whose first line names its columns.
    Csv,
}

impl Format {
    /// The format of a content type, which is given in small letters and without parameters.
    #[must_use]
    pub fn of_content_type(essence: &str) -> Option<Self> {
        match essence {
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines"
            | "application/jsonlines" => Some(Self::Lines),
            "text/csv" => Some(Self::Csv),
            "application/json" => Some(Self::Json),
            other => {
                let is_json = other.starts_with("application/") && other.ends_with("+json");
                is_json.then_some(Self::Json)
            }
        }
    }

    /// The content type of the format.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Lines => "application/x-ndjson",
            Self::Csv => "text/csv",
        }
    }

    /// What the number of a row counts.
    fn counts(self) -> &'static str {
        match self {
            Self::Json => "row",
            Self::Lines | Self::Csv => "line",
        }
    }
}

/// A row as it is stored, and all that is compared and searched of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRow {
    /// The id of the equipment within its company.
    pub id: EquipmentId,
    /// [`Equipment::json`].
    pub wanted: Box<str>,
    /// [`Equipment::hash`].
    pub hash: [u8; 32],
    /// What it is found by.
    pub words: Box<str>,
}

impl NewRow {
    /// The row of an equipment.
    #[must_use]
    pub fn of(id: EquipmentId, equipment: &Equipment) -> Self {
        let more = [&equipment.address, &equipment.serial_number, &equipment.site];
        let mut words = format!("{}\n{id}", equipment.name);
        for text in more.into_iter().flatten() {
            words.push('\n');
            words.push_str(text);
        }
        let words = searchable(&words).into_boxed_str();
        let (wanted, hash) = (equipment.json().into_boxed_str(), equipment.hash());
        Self { id, wanted, hash, words }
    }

    /// What is wanted.
    ///
    /// # Errors
    /// Where it was not made by [`Self::of`].
    pub fn equipment(&self) -> serde_json::Result<Equipment> {
        serde_json::from_str(&self.wanted)
    }
}

/// One thing wrong with a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RowError {
    /// Where: which item of a JSON list, or which line of the file, from 1.
    pub row: u64,
    /// The member or column, if it is in one.
    pub member: Option<String>,
    /// `required`, `type`, `length`, `format`, `value`, `macro` or `duplicate`.
    pub code: &'static str,
    /// For whoever sends the list.
    pub message: String,
}

/// A list that was read to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EquipmentList {
    /// Its rows, each id once.
    pub rows: Vec<NewRow>,
    /// Members that nobody knows, with how many rows have them (0: a column of a table); not all, if they are
    /// very many.
    pub unknown: BTreeMap<String, u64>,
}

impl EquipmentList {
    /// What is told of it beside what becomes of its rows.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let told = |(name, rows): (&String, &u64)| match rows {
            0 => format!("There is no column '{name}' here: it was passed over."),
            1 => format!("'{name}' is no member here: it was passed over in 1 row."),
            _ => format!("'{name}' is no member here: it was passed over in {rows} rows."),
        };
        self.unknown.iter().map(told).collect()
    }
}

/// A list that cannot be taken.
#[derive(Debug)]
pub enum ListError {
    /// It did not come to its end.
    Broken(io::Error),
    /// It is not in the form that it should have, and why.
    Unreadable(String),
    /// Rows of it are wrong.
    Rows {
        /// The first of what is wrong, in their order.
        errors: Vec<RowError>,
        /// How many rows are wrong.
        bad: usize,
        /// How many there are.
        total: usize,
        /// What the numbers of rows count: `row` or `line`.
        counts: &'static str,
    },
}

impl ListError {
    /// One sentence for whoever is refused.
    #[must_use]
    pub fn sentence(&self) -> String {
        /// Errors in the sentence at most.
        const SHOWN: usize = 3;
        match self {
            Self::Broken(error) => format!("It broke off: {error}."),
            Self::Unreadable(why) => why.clone(),
            Self::Rows { errors, bad, total, counts } => {
                let told = |error: &RowError| match &error.member {
                    Some(member) => {
                        format!("{counts} {}, {member}: {}", error.row, error.message)
                    }
                    None => format!("{counts} {}: {}", error.row, error.message),
                };
                let mut shown: Vec<_> = errors.iter().take(SHOWN).map(told).collect();
                if errors.len() > SHOWN {
                    shown.push("…".to_owned());
                }
                let shown = shown.join("; ");
                format!("{bad} of {total} rows are wrong, so nothing was changed. {shown}")
            }
        }
    }
}

/// Reads a list. Each wrong row is named, and none is left out: the list is taken whole or not at all.
///
/// # Errors
/// [`ListError`].
pub fn read(from: impl Read, format: Format) -> Result<EquipmentList, ListError> {
    let mut rows = Rows::new(format.counts());
    match format {
        Format::Json => json::read(from, &mut rows)?,
        Format::Lines => lines::read(from, &mut rows)?,
        Format::Csv => table::read(from, &mut rows)?,
    }
    rows.list()
}

/// What was read so far.
struct Rows {
    list: EquipmentList,
    /// Where each id stands.
    places: HashMap<EquipmentId, u64>,
    errors: Vec<RowError>,
    bad: usize,
    total: usize,
    counts: &'static str,
}

impl Rows {
    fn new(counts: &'static str) -> Self {
        let list = EquipmentList::default();
        Self { list, places: HashMap::new(), errors: Vec::new(), bad: 0, total: 0, counts }
    }

    /// Takes the text of a row.
    fn take_json(&mut self, at: u64, text: &str) {
        match serde_json::from_str::<Value<'_>>(text) {
            Ok(Value::Object(members)) => self.take(at, &members),
            Ok(other) => {
                let message = expected("an object: one equipment", &other);
                self.refuse(at, vec![("type", None, message)]);
            }
            Err(error) => self.refuse(at, vec![("format", None, format!("is not JSON: {error}"))]),
        }
    }

    fn take(&mut self, at: u64, members: &ObjectAsVec<'_>) {
        for name in members.keys().filter(|name| !MEMBERS.contains(name)) {
            self.unknown(name, 1);
        }
        let mut errors = Errors::default();
        let Some((id, equipment)) = equipment_of(&Object::root(members), &mut errors) else {
            let told = errors.found.into_iter().map(|error| {
                let name = error.pointer.trim_start_matches('/').replace('/', ".");
                (error.code, Some(name).filter(|name| !name.is_empty()), error.message)
            });
            return self.refuse(at, told.collect());
        };
        if let Some(first) = self.places.get(&id) {
            let message = format!(
                "the id '{id}' stands in {} {first} already: each may stand there once",
                self.counts
            );
            return self.refuse(at, vec![("duplicate", Some("id".to_owned()), message)]);
        }
        self.total += 1;
        self.places.insert(id.clone(), at);
        // Of a list that is refused nothing is needed any more.
        if self.bad == 0 {
            self.list.rows.push(NewRow::of(id, &equipment));
        }
    }

    /// Notes a member that nobody knows.
    fn unknown(&mut self, name: &str, rows: u64) {
        let name = cut_chars(&one_line(name), 60).into_owned();
        if let Some(count) = self.list.unknown.get_mut(&name) {
            *count += rows;
        } else if self.list.unknown.len() < MOST_UNKNOWN {
            self.list.unknown.insert(name, rows);
        }
    }

    /// Notes what is wrong with a row.
    fn refuse(&mut self, row: u64, wrong: Vec<(&'static str, Option<String>, String)>) {
        self.total += 1;
        self.bad += 1;
        self.list.rows = Vec::new();
        if self.bad <= MOST_TOLD {
            let told = wrong.into_iter().map(|(code, member, message)| RowError {
                row,
                member,
                code,
                message,
            });
            self.errors.extend(told);
        }
    }

    /// Whether there are more rows than a list may have; it need not be read on then.
    fn is_over(&mut self, at: u64) -> bool {
        let is_over = self.total >= MAX_ROWS;
        if is_over {
            let message = format!("a list may have at most {MAX_ROWS} rows");
            self.refuse(at, vec![("length", None, message)]);
        }
        is_over
    }

    fn list(self) -> Result<EquipmentList, ListError> {
        let Self { list, errors, bad, total, counts, .. } = self;
        if bad == 0 { Ok(list) } else { Err(ListError::Rows { errors, bad, total, counts }) }
    }
}

/// The first bytes of what comes, and all of it again.
fn peeked<const N: usize>(mut from: impl Read) -> Result<([u8; N], impl Read), ListError> {
    let (mut begin, mut length) = ([0; N], 0);
    while length < N {
        match from.read(&mut begin[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(ListError::Broken(error)),
        }
    }
    Ok((begin, io::Cursor::new(begin).take(length as u64).chain(from)))
}

/// The same without the mark with which programs of Windows begin UTF-8.
fn without_mark(from: impl Read) -> Result<impl Read, ListError> {
    const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];
    let (begin, mut all) = peeked::<3>(from)?;
    if begin == MARK {
        all.read_exact(&mut [0; MARK.len()]).map_err(ListError::Broken)?;
    }
    Ok(all)
}

/// What a reading error of JSON means.
fn not_json(error: serde_json::Error) -> ListError {
    if error.is_io() {
        return ListError::Broken(error.into());
    }
    if error.is_data() {
        return ListError::Unreadable(format!("It is no list of equipment: {error}."));
    }
    ListError::Unreadable(format!("It is not JSON: {error}."))
}
