//! Every row is made a record, as a load would make it, with references that are looked up among the rows.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use super::{Checked, Finding, IDS};
use crate::{
    itop::ItopZone,
    migrate::{
        mapping::{
            Around, ClassMapping, Form, Mapping, Record, Resolve, RowProblem, Turn, examine,
            is_taken,
        },
        staging::{Staging, StagingError},
    },
    salesforce::Described,
};

/// Rows that are looked at in one step.
const ROWS: u32 = 1_000;

/// The objects that are moved, by their classes. A reference to one of them leads somewhere.
#[derive(Default)]
struct Moved(BTreeMap<String, HashSet<u64>>);

impl Resolve for Moved {
    fn record(&self, class: &str, id: u64) -> Option<String> {
        self.0.get(class)?.contains(&id).then(String::new)
    }

    /// Whose a record will be is known when it is loaded.
    fn owner(&self, _person: u64) -> Option<String> {
        None
    }
}

pub(super) async fn check(
    mapping: &Mapping,
    whole: &BTreeMap<String, Described>,
    staging: &Staging,
    checked: &mut Checked,
    tell: &impl Fn(&str, u64),
) -> Result<(), StagingError> {
    let Ok(zone) = ItopZone::named(&mapping.source.zone) else { return Ok(()) };
    let mut moved = Moved::default();
    for (class, _) in mapping.moved() {
        let mut ids = HashSet::new();
        let mut above = 0;
        loop {
            let rows = staging.rows_above(&class.class, above, ROWS).await?;
            let Some(last) = rows.last() else { break };
            above = last.id;
            ids.extend(rows.iter().filter(|row| is_taken(class, row)).map(|row| row.id));
        }
        moved.0.insert(class.class.clone(), ids);
    }
    let mut unique = HashMap::new();
    for (class, object) in mapping.moved() {
        let Some(described) = whole.get(object) else { continue };
        let count = moved.0.get(&class.class).map_or(0, HashSet::len);
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        tell(&class.class, count);
        checked.rows.push((class.class.clone(), object.to_owned(), count));
        let around = Around { zone: &zone, described, resolve: &moved };
        let mut found = Found::new(class, object, described, &mut unique);
        let mut above = 0;
        loop {
            let rows = staging.rows_above(&class.class, above, ROWS).await?;
            let Some(last) = rows.last() else { break };
            above = last.id;
            for row in rows.iter().filter(|row| is_taken(class, row)) {
                let (record, problems) = examine(class, row, Turn::First, &around);
                found.record(row.id, &record);
                found.problems(row.id, problems);
                if class.has_later() {
                    found.problems(row.id, examine(class, row, Turn::Later, &around).1);
                }
            }
        }
        checked.findings.extend(found.findings());
    }
    Ok(())
}

/// The values that an object's unique fields have so far, as digests.
type Unique = HashMap<(String, String), HashSet<u64>>;

/// What was found of a class.
struct Found<'a> {
    class: &'a ClassMapping,
    object: &'a str,
    /// The fields of which no two records may have one value, but the key.
    unique_fields: Vec<&'a str>,
    unique: &'a mut Unique,
    findings: BTreeMap<(String, &'static str), Finding>,
}

impl<'a> Found<'a> {
    fn new(
        class: &'a ClassMapping,
        object: &'a str,
        described: &'a Described,
        unique: &'a mut Unique,
    ) -> Self {
        let fields = described.fields.iter().filter(|field| field.unique);
        let unique_fields = fields.map(|field| field.name.as_str()).collect();
        Self { class, object, unique_fields, unique, findings: BTreeMap::new() }
    }

    fn record(&mut self, id: u64, record: &Record) {
        for field in self.unique_fields.clone() {
            let Some(value) = record.fields.get(field).and_then(serde_json::Value::as_str) else {
                continue;
            };
            let mut hasher = DefaultHasher::new();
            value.hash(&mut hasher);
            let key = (self.object.to_owned(), field.to_owned());
            if !self.unique.entry(key).or_default().insert(hasher.finish()) {
                let reason = "another row has the same value, and the org takes one of them";
                self.add(id, field, "same-key", reason, None);
            }
        }
    }

    fn problems(&mut self, id: u64, problems: Vec<RowProblem>) {
        for RowProblem { code, field, reason, length } in problems {
            // What nobody has decided is told once, by the mapping's own words.
            let rule = self.class.fields.get(&field);
            if rule.is_some_and(|rule| rule.form == Form::Undecided) {
                continue;
            }
            self.add(id, &field, code.as_str(), &reason, length);
        }
    }

    fn add(
        &mut self,
        id: u64,
        field: &str,
        code: &'static str,
        reason: &str,
        length: Option<usize>,
    ) {
        let empty = || Finding::of(&self.class.class, field, code, reason);
        let finding = self.findings.entry((field.to_owned(), code)).or_insert_with(empty);
        finding.rows += 1;
        if finding.ids.len() < IDS {
            finding.ids.push(id);
        }
        if let Some(length) = length.filter(|length| *length > finding.longest) {
            finding.longest = length;
            reason.clone_into(&mut finding.reason);
        }
    }

    fn findings(self) -> impl Iterator<Item = Finding> {
        self.findings.into_values()
    }
}
