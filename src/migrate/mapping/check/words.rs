//! What the file itself says, held to what the org has and what was read.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Finding;
use crate::{
    migrate::{
        mapping::{
            AUDIT_FIELDS, ClassMapping, FieldRule, Form, Mapping, Publish, apply::record_type,
        },
        schema::Org,
        staging::Staged,
    },
    salesforce::{Described, Field},
};

/// Everything that has to be said or mended before rows are looked at.
pub(super) fn check(
    mapping: &Mapping,
    org: &Org,
    whole: &BTreeMap<String, Described>,
    staged: &[Staged],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(what) = &mapping.people.decide {
        findings.push(Finding::of("people", "owner", "undecided", what));
    }
    for staged in staged.iter().filter(|staged| mapping.class(&staged.class).is_none()) {
        let reason = format!("the mapping has no word on its {} objects", staged.objects);
        findings.push(Finding::of(&staged.class, "", "undecided", reason));
    }
    for class in &mapping.classes {
        if let Some(what) = &class.decide {
            findings.push(Finding::of(&class.class, "", "undecided", what));
        }
        let Some(object) = class.target() else { continue };
        let Some(described) = whole.get(object) else {
            let reason = format!("the org has no {object} that the user of the bridge sees");
            findings.push(Finding::of(&class.class, "", "no-object", reason));
            continue;
        };
        let there = org.get(object).and_then(Option::as_ref);
        let staged = staged.iter().find(|staged| staged.class == class.class);
        findings.extend(of_class(class, object, described, there));
        findings.extend(staged.into_iter().flat_map(|staged| of_conditions(class, staged)));
        for (field, rule) in class.rules() {
            findings.extend(of_rule(class, field, rule, described, staged));
        }
    }
    for logs in &mapping.logs {
        let becomes_case =
            mapping.class(&logs.class).and_then(ClassMapping::target) == Some("Case");
        if !becomes_case {
            let reason =
                format!("the entries of {} cannot become comments: only Cases have them", logs.log);
            findings.push(Finding::of(&logs.class, "", "no-comments", reason));
        }
    }
    findings
}

fn of_class(
    class: &ClassMapping,
    object: &str,
    described: &Described,
    there: Option<&Described>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |field: &str, code, reason: String| {
        findings.push(Finding::of(&class.class, field, code, reason));
    };
    if !described.createable {
        find("", "no-right", format!("the user of the bridge may not create records of {object}"));
    }
    if let Some(key) = there.and_then(|there| there.field(&class.key))
        && !(key.external_id && key.unique && key.case_sensitive)
    {
        let reason = "it must be an external id, unique and case-sensitive".to_owned();
        find(&class.key, "no-key", reason);
    }
    if let Some(name) = &class.record_type
        && record_type(class, described).is_none()
    {
        find(
            "RecordTypeId",
            "no-value",
            format!("there is no active record type {name} for the user"),
        );
    }
    for field in described.mandatory() {
        let filled = [class.key.as_str(), "RecordTypeId"].contains(&field.name.as_str());
        if !filled && !class.rules().any(|(name, rule)| name == field.name && !rule.later) {
            find(
                &field.name,
                "mandatory",
                "a record must have it, and the mapping has no rule for it".to_owned(),
            );
        }
    }
    findings
}

/// The attributes by which a class is divided that were not read: no object has a value of theirs.
fn of_conditions(class: &ClassMapping, staged: &Staged) -> Vec<Finding> {
    let published = match &class.publish {
        Publish::All(_) => None,
        Publish::Where(values) => Some(values),
    };
    let named = std::iter::once(&class.only).chain(published).flat_map(|values| values.keys());
    named
        .filter(|attribute| !staged.fields.contains(attribute) && *attribute != "id")
        .map(|attribute| {
            let reason = format!("{} has no attribute {attribute} that was read", class.class);
            Finding::of(&class.class, "", "no-attribute", reason)
        })
        .collect()
}

fn of_rule(
    class: &ClassMapping,
    name: &str,
    rule: &FieldRule,
    described: &Described,
    staged: Option<&Staged>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find =
        |code, reason: String| findings.push(Finding::of(&class.class, name, code, reason));
    if let Some(what) = &rule.decide {
        find("undecided", what.clone());
    }
    if let Some(staged) = staged {
        let is_read = |attribute: &str| {
            attribute == "id" || staged.fields.iter().any(|field| field == attribute)
        };
        for attribute in rule.attributes().into_iter().filter(|attribute| !is_read(attribute)) {
            find(
                "no-attribute",
                format!("{} has no attribute {attribute} that was read", class.class),
            );
        }
    }
    // Whether these may be set only a try tells.
    if AUDIT_FIELDS.contains(&name) {
        return findings;
    }
    let Some(field) = described.field(name) else {
        find("no-field", "the org has no such field that the user of the bridge sees".to_owned());
        return findings;
    };
    if !field.createable {
        find("no-right", "the user of the bridge may not set it".to_owned());
    }
    for value in not_offered(rule, field) {
        find("no-value", format!("the org's list does not offer '{value}'"));
    }
    findings
}

/// The values of a rule that a restricted list does not have.
fn not_offered<'r>(rule: &'r FieldRule, field: &Field) -> Vec<&'r str> {
    if !field.restricted_picklist {
        return Vec::new();
    }
    let all: Vec<&Value> = match &rule.form {
        Form::Constant(value) => vec![value],
        Form::Chosen { values, otherwise, .. } => values.values().chain(otherwise).collect(),
        _ => Vec::new(),
    };
    let mut missing: Vec<_> =
        all.into_iter().filter_map(Value::as_str).filter(|value| !field.offers(value)).collect();
    missing.sort_unstable();
    missing.dedup();
    missing
}
