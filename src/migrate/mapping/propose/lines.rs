//! The lines of a class: a rule for each field, and what has none.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::{
    Planned, Proposal, quoted,
    table::{Fate, How, Kind, Line},
};
use crate::{
    migrate::{
        staging::{Staged, StagingError},
        survey::Model,
    },
    salesforce::Field,
};

impl Proposal<'_> {
    /// The rule of a line; `None` where what it refers to is not moved.
    pub(super) async fn rule(
        &self,
        class: &Planned,
        (field, attribute, how): Line,
        target: Option<&Field>,
        planned: &[Planned],
    ) -> Result<Option<String>, StagingError> {
        let from = format!("from = {}", quoted(attribute));
        let list = |kinds: &[Kind]| {
            let names: Vec<_> = planned
                .iter()
                .filter(|class| matches!(class.fate, Fate::Becomes(kind) if kinds.contains(&kind)))
                .map(|class| quoted(&class.staged.class))
                .collect();
            (!names.is_empty()).then(|| format!("refers_to = [{}]", names.join(", ")))
        };
        let same = match class.fate {
            Fate::Becomes(kind) => vec![kind],
            _ => Vec::new(),
        };
        Ok(match how {
            How::Rule(more) => Some(format!("{from}{more}")),
            How::Whole(rule) => Some(rule.to_owned()),
            How::Class => Some(match target.filter(|target| target.restricted_picklist) {
                Some(target) if !target.offers(&class.staged.class) => {
                    let all: Vec<_> = target.values().collect();
                    let what = format!(
                        "the list of {field} does not have {}; it has {}",
                        class.staged.class,
                        all.join(", ")
                    );
                    format!(
                        "constant = {}, decide = {}",
                        quoted(&class.staged.class),
                        quoted(&what)
                    )
                }
                _ => format!("constant = {}", quoted(&class.staged.class)),
            }),
            How::To(kinds) => list(kinds).map(|list| format!("{from}, {list}")),
            How::ToOrEmpty(kinds) => {
                list(kinds).map(|list| format!("{from}, {list}, or_empty = true"))
            }
            How::Later => list(&same).map(|list| format!("{from}, {list}, later = true")),
            How::Choice(candidates) => {
                match target.filter(|target| !target.picklist_values.is_empty()) {
                    None => Some(from),
                    Some(target) => {
                        let values = self.staging.values(&class.staged.class, attribute).await?;
                        choice(&from, field, target, candidates, values.unwrap_or_default())
                    }
                }
            }
        })
    }
}

/// What has no rule: what is the provider's own is asked about, the rest is said.
pub(super) fn rest(
    staged: &Staged,
    lengths: &BTreeMap<String, (u64, usize)>,
    taken: &BTreeSet<&str>,
    text: &mut String,
) {
    let is_filled =
        |attribute: &str| lengths.get(attribute).is_some_and(|(objects, _)| *objects > 0);
    let own = Model::standard().custom_attributes(&staged.class, &staged.fields);
    for attribute in own.iter().filter(|attribute| is_filled(attribute)) {
        let objects = lengths.get(attribute).map_or(0, |(objects, _)| *objects);
        let what = format!("an attribute of your own, which {objects} objects have");
        let _ = writeln!(
            text,
            "{} = {{ from = {}, decide = {} }}",
            own_field(attribute),
            quoted(attribute),
            quoted(&what)
        );
    }
    // What only shows another object, or what iTop computes, is none of its own.
    let is_shown = |attribute: &str| {
        if matches!(attribute, "obsolescence_flag" | "operational_status" | "organization_name") {
            return true;
        }
        if let Some(stem) = attribute.strip_suffix("_id")
            && taken.contains(format!("{stem}_name").as_str())
        {
            return true;
        }
        let is_name = attribute.strip_suffix("_name").or_else(|| attribute.strip_suffix("_ref"));
        let is_name = is_name
            .is_some_and(|stem| staged.fields.iter().any(|field| *field == format!("{stem}_id")));
        is_name
            || ["tto", "ttr", "cumulatedpending", "sla_t"]
                .iter()
                .any(|start| attribute.starts_with(start))
    };
    let rest: Vec<_> = staged
        .fields
        .iter()
        .filter(|field| !taken.contains(field.as_str()) && !own.contains(field))
        .filter(|field| !staged.logs.contains_key(*field) && is_filled(field) && !is_shown(field))
        .map(|field| format!("{field} ({})", lengths.get(field).map_or(0, |(objects, _)| *objects)))
        .collect();
    if !rest.is_empty() {
        let _ = writeln!(text, "# Not moved (objects that have it): {}", rest.join(", "));
    }
}

/// A rule that chooses: of each value that occurs the first candidate that the org offers, or the same word.
fn choice(
    from: &str,
    field: &str,
    target: &Field,
    candidates: &[(&str, &[&str])],
    values: Vec<(String, u64)>,
) -> Option<String> {
    let offered = |wanted: &str| target.values().find(|value| value.eq_ignore_ascii_case(wanted));
    let (mut pairs, mut unknown) = (Vec::new(), Vec::new());
    for (value, objects) in values.into_iter().filter(|(value, _)| !value.is_empty()) {
        let known = candidates.iter().find(|(known, _)| *known == value).map(|(_, to)| *to);
        let to = known.into_iter().flatten().find_map(|to| offered(to)).or_else(|| offered(&value));
        match to {
            Some(to) => pairs.push(format!("{} = {}", quoted(&value), quoted(to))),
            None => unknown.push(format!("{value} ({objects})")),
        }
    }
    if pairs.is_empty() && unknown.is_empty() {
        return None;
    }
    let mut rule = format!("{from}, values = {{ {} }}", pairs.join(", "));
    if !unknown.is_empty() {
        let all: Vec<_> = target.values().collect();
        let what =
            format!("no value of {field} fits {}; it has {}", unknown.join(", "), all.join(", "));
        let _ = write!(rule, ", decide = {}", quoted(&what));
    }
    Some(rule)
}

/// A field for an attribute of the provider's own.
fn own_field(attribute: &str) -> String {
    let mut name = String::from("iTop");
    for word in
        attribute.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
    {
        name.push('_');
        name.push_str(word);
    }
    name.truncate(40);
    format!("{}__c", name.trim_end_matches('_'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_field_of_ones_own_has_a_name_that_salesforce_takes() {
        assert_eq!(own_field("monitoring_ref"), "iTop_monitoring_ref__c");
        assert_eq!(own_field("a__b_"), "iTop_a_b__c");
        assert!(own_field(&"x_y".repeat(40)).len() <= 43);
    }

    proptest! {
        #[test]
        fn what_is_quoted_is_read_back(text in any::<String>()) {
            let table: toml::Table = toml::from_str(&format!("a = {}", quoted(&text))).unwrap();
            prop_assert_eq!(table["a"].as_str(), Some(text.as_str()));
        }
    }
}
