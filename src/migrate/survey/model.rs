//! The standard data model, to tell what a provider has added to it. REST describes no classes; the names of
//! classes and attributes are those of the public data model of iTop 3.2 with all of its modules.

use std::collections::{BTreeMap, BTreeSet};

/// A class a line: `Class < Parent: attribute attribute`.
const STANDARD: &str = include_str!("standard.txt");

/// What every class may have.
const OF_ALL: [&str; 7] = [
    "id",
    "finalclass",
    "friendlyname",
    "obsolescence_flag",
    "obsolescence_date",
    "archive_flag",
    "archive_date",
];

/// What iTop makes of a reference, and of a stop watch.
const DERIVED: [&str; 4] =
    ["_friendlyname", "_obsolescence_flag", "_finalclass_recall", "_archive_flag"];
const STOP_WATCHES: [&str; 3] = ["tto_", "ttr_", "cumulatedpending_"];

/// How classes begin in which iTop keeps what it needs itself: accounts, history, notifications, jobs.
const OWN: [&str; 26] = [
    "Action",
    "AsyncTask",
    "Audit",
    "BulkExport",
    "CMDBChange",
    "DBProperty",
    "Event",
    "Extension",
    "ImpactAnalysis",
    "InlineImage",
    "KeyValue",
    "Mail",
    "ModuleInstallation",
    "OAuth",
    "Query",
    "Resource",
    "Shortcut",
    "Synchro",
    "TagSetFieldData",
    "TemporaryObject",
    "Trigger",
    "URP_",
    "User",
    "lnkAction",
    "lnkAudit",
    "lnkTrigger",
];

/// The classes and attributes of the standard model.
#[derive(Debug)]
pub struct Model(BTreeMap<&'static str, (Option<&'static str>, BTreeSet<&'static str>)>);

impl Model {
    /// That of iTop 3.2.
    #[must_use]
    pub fn standard() -> Self {
        let class = |line: &'static str| {
            let (head, attributes) = line.split_once(':')?;
            let (class, parent) = match head.split_once(" < ") {
                Some((class, parent)) => (class, Some(parent)),
                None => (head, None),
            };
            Some((class, (parent, attributes.split_whitespace().collect())))
        };
        Self(STANDARD.lines().filter_map(class).collect())
    }

    /// Whether it has a class, or iTop keeps in it what it needs itself.
    #[must_use]
    pub fn has(&self, class: &str) -> bool {
        self.0.contains_key(class) || is_own(class)
    }

    /// Whether a class of the standard model derives from another.
    #[must_use]
    pub fn derives(&self, class: &str, from: &str) -> bool {
        let mut at = self.0.get(class);
        while let Some((parent, _)) = at {
            if *parent == Some(from) {
                return true;
            }
            at = parent.and_then(|parent| self.0.get(parent));
        }
        false
    }

    /// The attributes of a class that the standard model lacks; none of a class that it lacks as a whole.
    #[must_use]
    pub fn custom_attributes(&self, class: &str, codes: &[String]) -> Vec<String> {
        let mut known: BTreeSet<&str> = OF_ALL.into();
        let mut at = self.0.get_key_value(class);
        if at.is_none() || is_own(class) {
            return Vec::new();
        }
        // A class derives from few others.
        while let Some((_, (parent, attributes))) = at {
            known.extend(attributes);
            at = parent.and_then(|parent| self.0.get_key_value(parent));
        }
        let is_derived = |code: &str| {
            DERIVED.iter().any(|suffix| code.ends_with(suffix))
                || STOP_WATCHES.iter().any(|prefix| code.starts_with(prefix))
        };
        let custom =
            codes.iter().filter(|code| !known.contains(code.as_str()) && !is_derived(code));
        custom.cloned().collect()
    }
}

/// Whether iTop keeps in a class what it needs itself.
#[must_use]
pub fn is_own(class: &str) -> bool {
    OWN.iter().any(|start| class.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_added_is_told_from_what_itop_derives() {
        let model = Model::standard();
        let codes =
            ["id", "org_id", "org_name", "org_id_friendlyname", "tto_75_passed", "title", "room"];
        let codes = codes.map(str::to_owned);
        assert_eq!(model.custom_attributes("Incident", &codes), ["room"]);
        assert_eq!(model.custom_attributes("Site", &codes), Vec::<String>::new());
        assert!(model.derives("Server", "FunctionalCI") && !model.derives("Server", "Ticket"));
        assert!(
            model.has("VirtualMachine") && model.has("CMDBChangeOpCreate") && !model.has("Site")
        );
    }
}
