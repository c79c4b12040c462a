//! Reading `mapping.toml`. Each error names a line, and the key.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde::Deserialize;
use toml::Spanned;

use super::{ClassMapping, Form, Mapping, NONE, is_article};
use crate::{config::explain, itop::ItopZone};

/// The mapping cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// There is none, or it cannot be read.
    #[error("{path} cannot be read: {reason}; 'migrate map' writes one")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// It says something that cannot be meant.
    #[error("{path}: {reason}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Line, key and reason.
        reason: String,
    },
}

/// Reads the mapping.
///
/// # Errors
/// When there is none, or something in it is wrong.
pub fn read(path: &Path) -> Result<Mapping, MappingError> {
    let text = std::fs::read_to_string(path).map_err(|error| MappingError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    parse(&text).map_err(|reason| MappingError::Wrong { path: path.to_owned(), reason })
}

/// The lines of what is checked after it was read.
#[derive(Deserialize)]
struct Places {
    #[serde(default)]
    classes: Vec<ClassPlace>,
    #[serde(default)]
    logs: Vec<ClassPlace>,
}

#[derive(Deserialize)]
struct ClassPlace {
    class: Spanned<String>,
    #[serde(default)]
    fields: BTreeMap<Spanned<String>, toml::Value>,
}

pub(super) fn parse(text: &str) -> Result<Mapping, String> {
    let mapping: Mapping = toml::from_str(text).map_err(|error| explain::in_file(text, error))?;
    let places: Places = toml::from_str(text).map_err(|error| explain::in_file(text, error))?;
    let line = |at: usize| text.get(..at).unwrap_or(text).matches('\n').count() + 1;
    if let Err(error) = ItopZone::named(&mapping.source.zone) {
        return Err(format!("source.zone: {error}"));
    }
    let mut seen = BTreeSet::new();
    for (class, place) in mapping.classes.iter().zip(&places.classes) {
        let at = |key: &str, reason: &str| {
            let line = line(place.class.span().start);
            Err(format!("line {line}, class {}: {key}{reason}", class.class))
        };
        if !seen.insert(&class.class) {
            return at("", "it stands here a second time");
        }
        if let Some((key, reason)) = contradiction(class) {
            return at(key, reason);
        }
        for (field, rule) in &class.fields {
            let place = place.fields.keys().find(|place| place.as_ref() == field);
            let line = line(place.map_or(0, |place| place.span().start));
            let unknown = rule
                .refers_to()
                .iter()
                .find(|to| mapping.class(to).is_none_or(|to| to.target().is_none()));
            if let Some(unknown) = unknown {
                return Err(format!(
                    "line {line}, {}.{field}: refers_to: {unknown} is not moved",
                    class.class
                ));
            }
            let chooses_nothing = match &rule.form {
                Form::Chosen { values, otherwise, .. } => values.is_empty() && otherwise.is_none(),
                _ => false,
            };
            if chooses_nothing && rule.decide.is_none() {
                return Err(format!("line {line}, {}.{field}: values: there is none", class.class));
            }
        }
    }
    for (logs, place) in mapping.logs.iter().zip(&places.logs) {
        if mapping.class(&logs.class).is_none_or(|class| class.target().is_none()) {
            let line = line(place.class.span().start);
            return Err(format!("line {line}, logs: {} is not moved", logs.class));
        }
    }
    Ok(mapping)
}

/// What of a class cannot be meant: a key, and why.
fn contradiction(class: &ClassMapping) -> Option<(&'static str, &'static str)> {
    let is_name = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    match class.target() {
        _ if !is_name(&class.class) => Some(("class: ", "it is not the code of a class")),
        None if class.leave.is_none() && class.decide.is_none() => {
            Some(("leave: ", "say why the class is not moved"))
        }
        None if !class.fields.is_empty() => Some(("fields: ", "the class is not moved")),
        None => None,
        Some(object) if !is_name(object) => {
            Some(("object: ", "it is not the name of an object; a class that stays has \"none\""))
        }
        Some(object) if class.publishes() && !is_article(object) => {
            Some(("publish: ", "only articles of Knowledge are published"))
        }
        Some(_) if class.leave.is_some() => {
            Some(("leave: ", "it goes with object = \"none\" alone"))
        }
        Some(_) if !is_name(&class.key) => {
            Some(("key: ", "name the external id by which a record is known again"))
        }
        Some(_) if class.fields.contains_key(&class.key) => {
            Some(("key: ", "it is filled in by itself; it has no rule"))
        }
        Some(_) if class.fields.contains_key("RecordTypeId") => {
            Some(("fields: ", "RecordTypeId is filled in by record_type"))
        }
        Some(_) => class
            .fields
            .keys()
            .any(|field| !is_name(field) || field == NONE)
            .then_some(("fields: ", "some are no names of fields")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::mapping::{As, Publish, Words};

    const WHOLE: &str = r#"
[source]
url = "https://itop.example/"
zone = "Europe/Paris"
[people]
owner = "Support"
by_email = true
[[classes]]
class = "Organization"
object = "Account"
key = "iTop_Key__c"
[classes.fields]
Name = { from = "name", cut = true }
[[classes]]
class = "Incident"
object = "Case"
key = "iTop_Key__c"
record_type = "Incident"
audit = true
where = { status = ["new", "assigned"] }
[classes.fields]
Subject     = { from = "title", cut = true }
Description = { template = "{ref}\n{description}", as = "text" }
Status      = { from = "status", values = { new = "New" }, otherwise = "New" }
AccountId   = { from = "org_id", refers_to = ["Organization"] }
ParentId    = { from = "parent_incident_id", refers_to = ["Incident"], later = true }
OwnerId     = { from = "agent_id", as = "owner" }
CreatedDate = { from = "start_date", as = "date_time" }
Origin      = { constant = "iTop" }
Reason      = { from = "origin", decide = "iTop's 'monitoring' has no value in Reason" }
[[classes]]
class = "FAQ"
object = "Knowledge__kav"
key = "iTop_Key__c"
publish = { status = ["published"] }
[[classes]]
class = "WebServer"
object = "none"
leave = "CIs are kept elsewhere"
[[logs]]
class = "Incident"
log = "public_log"
public = true
[files]
attachments = true
"#;

    #[test]
    fn a_whole_mapping_is_read() {
        let mapping = parse(WHOLE).unwrap();
        let moved: Vec<_> = mapping.moved().map(|(_, object)| object).collect();
        assert_eq!(moved, ["Account", "Case", "Knowledge__kav"]);
        let incident = mapping.class("Incident").unwrap();
        assert_eq!(incident.needs().collect::<Vec<_>>(), ["Organization"]);
        assert!(incident.has_later() && incident.fields["Subject"].cut);
        let title = Form::Taken(Words::From("title".to_owned()), As::Plain);
        assert_eq!(incident.fields["Subject"].form, title);
        assert_eq!(incident.fields["Description"].attributes(), ["ref", "description"]);
        assert!(incident.fields["Reason"].decide.is_some());
        let published = BTreeMap::from([("status".to_owned(), vec!["published".to_owned()])]);
        assert_eq!(mapping.class("FAQ").unwrap().publish, Publish::Where(published));
        assert!(!incident.publishes());
        assert!(mapping.logs[0].public && mapping.files.attachments && mapping.people.by_email);
    }

    #[test]
    fn the_example_of_the_documents_is_a_mapping() {
        let text = include_str!("../../../docs/migration.md");
        let example =
            text.split("```toml title=mapping.toml\n").nth(1).unwrap().split("```").next().unwrap();
        let mapping = parse(example).unwrap();
        assert_eq!(mapping.moved().count(), 2);
        assert!(mapping.class("Incident").unwrap().audit);
    }

    #[test]
    fn each_error_names_line_and_key() {
        for (of, is, says) in [
            ("cut = true", "cutt = true", "line 13, column"),
            ("cut = true", "cutt = true", "cutt"),
            ("{ constant = \"iTop\" }", "{ constant = [] }", "line 29, column"),
            ("{ constant = \"iTop\" }", "{ constant = 1, from = \"a\" }", "exclude one another"),
            ("as = \"date_time\"", "as = \"datetime\"", "line 28, column"),
            ("as = \"date_time\"", "as = \"date_time\", later = true", "`later` is for references"),
            ("template = \"{ref}", "template = \"{ref", "line 23, column"),
            ("[\"Organization\"]", "[\"Site\"]", "line 25, Incident.AccountId: refers_to: Site"),
            ("[\"Organization\"]", "[\"WebServer\"]", "refers_to: WebServer is not moved"),
            ("\"WebServer\"", "\"Incident\"", "line 37, class Incident: it stands here a second"),
            ("leave = ", "decides = ", "line 39"),
            ("{ status = [\"published\"] }", "\"yes\"", "line 35, column"),
            ("{ status = [\"published\"] }", "\"yes\"", "true, false, or attributes"),
            ("\"Knowledge__kav\"", "\"Solution\"", "line 32, class FAQ: publish: only articles"),
            ("leave = \"CIs are kept elsewhere\"\n", "", "line 37, class WebServer: leave:"),
            ("Europe/Paris", "Europe/Pariss", "source.zone"),
            (
                "[[logs]]\nclass = \"Incident\"",
                "[[logs]]\nclass = \"Change\"",
                "line 41, logs: Change",
            ),
            ("Origin      =", "RecordTypeId =", "line 15, class Incident: fields: RecordTypeId"),
        ] {
            assert!(WHOLE.contains(of), "{of}");
            let error = parse(&WHOLE.replacen(of, is, 1)).unwrap_err();
            assert!(error.contains(says), "{says:?} is not in {error:?}");
        }
    }
}
