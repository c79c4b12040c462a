//! Changing many links: all or none, or only telling what would change.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::{asked, many, view};
use crate::{
    domain::{
        body::FieldError,
        company_link::{CompanyLink, LinkKey, Named},
        desk_name::DeskName,
        link_table::LineError,
    },
    link_check::{LinkItem, check_many},
    store::{ChangedLinks, LinkChange, digest},
    web::{
        AppState,
        api::link_warning::Warnings,
        auth::Caller,
        description::{ChangedLink, PlacedError},
        problem::ApiError,
    },
};

/// Errors that an answer tells at most.
const MOST_ERRORS: usize = 500;

/// Errors in the sentence of a refusal at most.
const IN_SENTENCE: usize = 3;

/// Where a link was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a list, from 0.
    Item(usize),
    /// In a table: the line of the file, from 1.
    Line(u64),
    /// By the bridge itself.
    Match,
}

/// A link that is asked for, or what is wrong with how.
pub(super) struct Asked {
    pub(super) place: Place,
    pub(super) item: Result<LinkItem, Vec<FieldError>>,
}

/// All that is asked for, and what was wrong with the whole before any of it could be read.
#[derive(Default)]
pub(super) struct AllAsked {
    pub(super) items: Vec<Asked>,
    /// What is wrong with a table.
    pub(super) errors: Vec<LineError>,
    /// Lines that ask for nothing.
    pub(super) skipped: usize,
}

impl From<Vec<Asked>> for AllAsked {
    fn from(items: Vec<Asked>) -> Self {
        Self { items, ..Self::default() }
    }
}

/// What became or would become of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "LinkOutcome")]
pub(in crate::web) enum Outcome {
    Created,
    Changed,
    Same,
    Removed,
}

/// What is different in a link.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct FieldChange {
    field: &'static str,
    from: Option<String>,
    to: Option<String>,
}

#[derive(Default, Serialize, JsonSchema)]
struct ReportCounts {
    created: usize,
    changed: usize,
    same: usize,
    removed: usize,
    /// Lines of a table that ask for nothing.
    skipped: usize,
    errors: usize,
}

/// How changes are made.
pub(super) enum Run {
    /// Not: only what they would change is told.
    Dry,
    /// All or none; where a dry run was looked at before, only if it still holds.
    Apply {
        /// What that has answered as `digest`.
        digest: Option<String>,
    },
}

/// What became of all.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LinksReport")]
pub(in crate::web) struct Report {
    dry_run: bool,
    /// Of a dry run: what it would change, in short.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    counts: ReportCounts,
    #[schemars(with = "Vec<ChangedLink>")]
    items: Vec<Value>,
    #[schemars(with = "Vec<PlacedError>")]
    errors: Vec<Value>,
}

/// Checks all links that are asked for, and stores them unless something is wrong or this is a dry run.
pub(super) async fn all(
    state: &AppState,
    caller: &Caller,
    asked: impl Into<AllAsked>,
    run: Run,
) -> Result<Report, ApiError> {
    let dry_run = matches!(run, Run::Dry);
    let AllAsked { items, errors, skipped } = asked.into();
    let total = items.len() + skipped;
    let mut errors: Vec<Value> = errors.iter().map(|error| json!(error)).collect();
    let mut bad = errors.len();
    let mut wrong = |place: Place, found: Vec<FieldError>| {
        bad += 1;
        errors.extend(found.iter().map(|error| at(place, error)));
    };
    let (mut places, mut good) = (Vec::new(), Vec::new());
    let mut first_of = HashMap::<LinkKey, Place>::new();
    for Asked { place, item } in items {
        match item {
            Ok(item) => {
                if let Some(first) = first_of.get(&item.key) {
                    wrong(place, vec![again(&item.key, *first)]);
                    continue;
                }
                first_of.insert(item.key.clone(), place);
                places.push(place);
                good.push(item);
            }
            Err(found) => wrong(place, found),
        }
    }
    let checked = check_many(&state.desks, good, state.clock.now()).await?;
    let mut changes = Vec::with_capacity(checked.len());
    for (place, checked) in places.into_iter().zip(checked) {
        match checked {
            Ok(change) => changes.push((place, change)),
            Err(found) => wrong(place, found),
        }
    }
    if !errors.is_empty() && !dry_run {
        return Err(ApiError::InvalidMany {
            detail: refusal(bad, total, &errors),
            errors: bounded(errors),
        });
    }
    let counts = ReportCounts { skipped, errors: bad, ..ReportCounts::default() };
    let (items, errors) = (Vec::new(), bounded(errors));
    let mut report = Report { dry_run, digest: None, counts, items, errors };
    // What waits now is released by it.
    let waits = waits(state, caller);
    let warnings = Warnings::of(state, changes.iter().map(|(_, change)| change.key())).await?;
    let only: Vec<_> = changes.iter().map(|(_, change)| change.clone()).collect();
    let before = match run {
        Run::Dry => {
            let keys = only.iter().map(|change| change.key().clone()).collect();
            if let Some(key) = state.store.would_have_two_desks(only.clone()).await? {
                return Err(ApiError::other_desk(&key));
            }
            let before = state.store.links_of(keys).await?;
            report.digest = Some(digest(&only, &before));
            before
        }
        Run::Apply { digest } => {
            let put = state.store.change_links(only, caller.visible(), &caller.name, digest);
            match put.await? {
                ChangedLinks::Made(before) => before,
                ChangedLinks::Outdated => return Err(ApiError::PreviewOutdated),
                ChangedLinks::OtherDesk(key) => return Err(ApiError::other_desk(&key)),
            }
        }
    };
    for ((place, change), before) in changes.iter().zip(&before) {
        report.take(*place, change, before.as_ref(), &waits, &warnings);
    }
    if !dry_run {
        let ReportCounts { created, changed, removed, .. } = report.counts;
        tracing::info!(created, changed, removed, by = caller.name, "company links changed");
    }
    Ok(report)
}

/// How much waits of each company, by its instance and key.
fn waits(state: &AppState, caller: &Caller) -> BTreeMap<(String, String), u64> {
    let waits = state.store.company_waits(caller.visible()).into_iter();
    waits.map(|one| ((one.instance, one.company_key), one.waiting)).collect()
}

impl Report {
    fn take(
        &mut self,
        place: Place,
        change: &LinkChange,
        before: Option<&CompanyLink>,
        waits: &BTreeMap<(String, String), u64>,
        warnings: &Warnings<'_>,
    ) {
        let key = change.key();
        let after = match change {
            LinkChange::Put(link) => Some(&**link),
            LinkChange::Remove(_) => None,
        };
        let (outcome, count) = match (before, after) {
            (None, Some(_)) => (Outcome::Created, &mut self.counts.created),
            (Some(known), Some(link)) if !known.says_the_same(link) => {
                (Outcome::Changed, &mut self.counts.changed)
            }
            (Some(_), None) => (Outcome::Removed, &mut self.counts.removed),
            (Some(_), Some(_)) | (None, None) => (Outcome::Same, &mut self.counts.same),
        };
        *count += 1;
        let company = (key.instance.to_string(), key.company.to_string());
        let is_new = outcome == Outcome::Created;
        let waiting = waits.get(&company).copied().filter(|_| is_new).unwrap_or_default();
        // A link that stays as it was keeps its time.
        let kept = if outcome == Outcome::Same { before } else { after };
        let mut item = json!({
            "instance": key.instance,
            "company": key.company,
            "site": key.site,
            "name": after.or(before).and_then(|link| link.name.as_deref()),
            "outcome": outcome,
            "changes": differences(before, after),
            "waiting": waiting,
            "link": kept.map(view),
            "warnings": after.map_or(Vec::new(), |link| warnings.about(&link.key)),
        });
        match place {
            Place::Item(at) => item["index"] = json!(at),
            Place::Line(line) => item["line"] = json!(line),
            Place::Match => {}
        }
        self.items.push(item);
    }
}

/// What an update would change, in words.
fn differences(before: Option<&CompanyLink>, after: Option<&CompanyLink>) -> Vec<FieldChange> {
    type Text = fn(&CompanyLink) -> Option<String>;
    fn told(named: Option<&Named>) -> Option<String> {
        named.map(|named| format!("{} ({})", named.name, named.id))
    }
    const FIELDS: [(&str, Text); 8] = [
        ("name", |link| link.name.clone()),
        // Told of a change alone: where both are the same there is none.
        ("desk", |link| Some(link.desk.code().to_owned())),
        ("organization", |link| Some(format!("{} ({})", link.org_name, link.org))),
        ("tickets", |link| Some(if link.tickets { "on" } else { "off" }.to_owned())),
        ("team", |link| told(link.defaults.team.as_ref())),
        ("contact", |link| told(link.defaults.contact.as_ref())),
        ("service", |link| told(link.defaults.service.as_ref())),
        ("service_element", |link| told(link.defaults.service_element.as_ref())),
    ];
    let both = FIELDS.into_iter().map(|(field, text)| FieldChange {
        field,
        from: before.and_then(text),
        to: after.and_then(text),
    });
    let itop = Some(DeskName::Itop.code());
    let is_told = |change: &FieldChange| {
        // Where a link is new or gone, that it leads to iTop goes without saying.
        let ends = [&change.from, &change.to].map(Option::as_deref);
        change.from != change.to
            && (change.field != "desk" || ends.iter().any(|end| end.is_some() && *end != itop))
    };
    both.filter(is_told).collect()
}

fn again(key: &LinkKey, first: Place) -> FieldError {
    let first = match first {
        Place::Item(at) => format!("item {at}"),
        Place::Line(line) => format!("line {line}"),
        Place::Match => "another one".to_owned(),
    };
    let whose = match &key.site {
        Some(site) => format!("site {site} of company {}", key.company),
        None => format!("company {}", key.company),
    };
    FieldError {
        pointer: if key.site.is_some() { "/site" } else { "/company" }.to_owned(),
        code: "duplicate",
        message: format!("the link of {whose} stands in {first} already"),
    }
}

/// An error where it stands.
fn at(place: Place, error: &FieldError) -> Value {
    match place {
        Place::Item(at) => many::in_item(at, error),
        Place::Line(line) => {
            let (column, message) = (asked::column(error), error.message.clone());
            json!(LineError { line, column, code: error.code, message })
        }
        Place::Match => json!(error),
    }
}

fn bounded(mut errors: Vec<Value>) -> Vec<Value> {
    errors.truncate(MOST_ERRORS);
    errors
}

/// One sentence for whoever is refused.
fn refusal(bad: usize, total: usize, errors: &[Value]) -> String {
    let text = |error: &Value| {
        let message = error["message"].as_str().unwrap_or_default();
        match (error["pointer"].as_str(), error["line"].as_u64(), error["column"].as_str()) {
            (Some(pointer), ..) => format!("{pointer}: {message}"),
            (None, Some(line), Some(column)) => format!("line {line}, {column}: {message}"),
            (None, Some(line), None) => format!("line {line}: {message}"),
            (None, None, _) => message.to_owned(),
        }
    };
    let mut shown: Vec<_> = errors.iter().take(IN_SENTENCE).map(text).collect();
    if errors.len() > IN_SENTENCE {
        shown.push("…".to_owned());
    }
    let total = total.max(bad);
    format!("{bad} of {total} cannot be kept, so nothing was changed. {}", shown.join("; "))
}
