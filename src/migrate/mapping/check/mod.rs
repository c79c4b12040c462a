//! Whether a mapping can be loaded: by itself, by what the org has, and by every row that was read.

mod rows;
mod words;

use std::collections::BTreeMap;

use serde::Serialize;

use super::Mapping;
use crate::{
    migrate::{
        schema::{self, Lengths, Org, Wanted},
        staging::{Staging, StagingError},
    },
    salesforce::Described,
};

/// Something that is wrong with a mapping, or with rows under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The class.
    pub class: String,
    /// The field of Salesforce; empty for the class as a whole.
    pub field: String,
    /// For programs; each is stable.
    pub code: &'static str,
    /// How many rows; 0 where it is not about rows.
    pub rows: u64,
    /// How long the longest text is, where texts are too long.
    pub longest: usize,
    /// The ids of the first few.
    pub ids: Vec<u64>,
    /// For people.
    pub reason: String,
}

/// What came of a check.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Checked {
    /// What has to be mended first.
    pub findings: Vec<Finding>,
    /// How many rows each class would bring, with the object that they become.
    pub rows: Vec<(String, String, u64)>,
    /// Fields and objects that 'migrate schema' makes.
    pub to_make: Vec<String>,
}

/// The most ids that a finding names.
const IDS: usize = 3;

impl Finding {
    fn of(class: &str, field: &str, code: &'static str, reason: impl Into<String>) -> Self {
        Self {
            class: class.to_owned(),
            field: field.to_owned(),
            code,
            rows: 0,
            longest: 0,
            ids: Vec::new(),
            reason: reason.into(),
        }
    }
}

/// Checks a mapping against the org, and against every row that was read.
///
/// # Errors
/// When the staging file fails.
pub async fn check(
    mapping: &Mapping,
    org: &Org,
    staging: &Staging,
    tell: &impl Fn(&str, u64),
) -> Result<Checked, StagingError> {
    let staged = staging.staged().await?;
    let wanted = schema::wanted(mapping, org, &lengths(mapping, staging).await?);
    let whole = deployed(org, &wanted);
    let mut checked = Checked { to_make: to_make(&wanted), ..Checked::default() };
    checked.findings.extend(words::check(mapping, org, &whole, &staged));
    rows::check(mapping, &whole, staging, &mut checked, tell).await?;
    Ok(checked)
}

/// How long the longest values are of what a mapping takes.
///
/// # Errors
/// When the staging file fails.
pub async fn lengths(mapping: &Mapping, staging: &Staging) -> Result<Lengths, StagingError> {
    let mut lengths = Lengths::new();
    for (class, _) in mapping.moved() {
        let mut attributes: Vec<_> =
            class.rules().flat_map(|(_, rule)| rule.attributes()).map(ToOwned::to_owned).collect();
        attributes.sort();
        attributes.dedup();
        for (attribute, (_, length)) in staging.lengths(&class.class, &attributes).await? {
            lengths.insert((class.class.clone(), attribute), length);
        }
    }
    Ok(lengths)
}

/// The objects as they will be when all that is wanted is deployed.
fn deployed(org: &Org, wanted: &[Wanted]) -> BTreeMap<String, Described> {
    let whole = |(object, described): (&String, &Option<Described>)| {
        let wanted = wanted.iter().find(|wanted| wanted.object == *object);
        Some((object.clone(), schema::deployed(described.as_ref(), wanted)?))
    };
    org.iter().filter_map(whole).collect()
}

fn to_make(wanted: &[Wanted]) -> Vec<String> {
    let each = wanted.iter().flat_map(|wanted| {
        let object = wanted.is_new.then(|| wanted.object.clone());
        let fields = wanted.fields.iter().map(|field| format!("{}.{}", wanted.object, field.name));
        object.into_iter().chain(fields)
    });
    each.collect()
}
