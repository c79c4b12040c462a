//! What a class of iTop takes of what is known of equipment, and as which attributes.
//!
//! What a class does not have is not sent, and what is not known of an equipment is left as it is in iTop.

mod classes;
mod lookup;
mod names;
mod row;

pub use classes::{
    ALWAYS, Attribute, all_codes, demanded, is_known, is_standard, standard_classes, target_of,
};
pub use lookup::{Known, Names};
pub use names::{Missing, Named};
pub use row::Values;

use crate::{
    config::{Cmdb, Keep},
    itop::synchro::PRIMARY_KEY,
};

/// What is sent of a class, as the configuration has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    class: String,
    fed: Vec<Fed>,
    retire: String,
    revive: String,
}

/// An attribute that is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fed {
    /// Its code.
    pub code: String,
    /// How it is kept.
    pub keep: Keep,
    /// Where its values come from.
    pub(super) from: From,
}

/// Where the values of an attribute come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// What is known of an equipment.
    Equipment(Attribute),
    /// What the configuration says for all of a class.
    Given(String),
}

impl Model {
    /// What is sent of a class; `None` where nobody has said what it has.
    #[must_use]
    pub fn of(config: &Cmdb, class: &str) -> Option<Self> {
        let has = |attribute: &Attribute| match classes::standard(class) {
            Some(codes) => codes.contains(&attribute.code()),
            None => config
                .other_classes
                .get(class)
                .is_some_and(|codes| attribute.is_of_any_ci() || codes.contains(attribute.code())),
        };
        let mut fed: Vec<_> = Attribute::ALL
            .into_iter()
            .filter(has)
            .map(|attribute| (attribute, config.keep(attribute.code())))
            .filter(|(_, keep)| *keep != Keep::No)
            .map(|(attribute, keep)| Fed {
                code: attribute.code().to_owned(),
                keep,
                from: From::Equipment(attribute),
            })
            .collect();
        if fed.is_empty() {
            return None;
        }
        let given = config.defaults.get(class).into_iter().flatten();
        // A CI that is taken over keeps what it has.
        fed.extend(given.map(|(code, value)| Fed {
            code: code.clone(),
            keep: Keep::IfEmpty,
            from: From::Given(value.trim().to_owned()),
        }));
        let has_status = fed.iter().any(|fed| fed.code == Attribute::Status.code());
        let word = |word: &str| if has_status { word.to_owned() } else { String::new() };
        Some(Self {
            class: class.to_owned(),
            retire: word(&config.retire),
            revive: word(&config.revive),
            fed,
        })
    }

    /// The class.
    #[must_use]
    pub fn class(&self) -> &str {
        &self.class
    }

    /// The attributes that are sent, in the order of their columns.
    #[must_use]
    pub fn fed(&self) -> &[Fed] {
        &self.fed
    }

    /// The columns of its rows, the key first.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        let codes = self.fed.iter().map(|fed| fed.code.clone());
        [PRIMARY_KEY.to_owned()].into_iter().chain(codes).collect()
    }

    /// Which attributes are sent, and how each is kept, in a line: a data source that was made for another
    /// one has to be mended.
    #[must_use]
    pub fn made_for(&self) -> String {
        let fed = self.fed.iter().map(|fed| format!("{}:{}", fed.code, fed.keep.update_policy()));
        fed.collect::<Vec<_>>().join(",")
    }

    /// The status of what is gone; `None` where the class has none, or nothing is done then.
    #[must_use]
    pub fn retired(&self) -> Option<&str> {
        Some(self.retire.as_str()).filter(|word| !word.is_empty())
    }

    /// The status of what has come back, likewise.
    #[must_use]
    pub fn revived(&self) -> Option<&str> {
        Some(self.revive.as_str()).filter(|word| !word.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(config: &Cmdb, class: &str) -> String {
        Model::of(config, class).unwrap().columns()[1..].join(" ")
    }

    #[test]
    fn a_class_takes_what_it_has() {
        let config = Cmdb::default();
        let ci = "name org_id description business_criticity status";
        let hardware = "serialnumber brand_id model_id location_id purchase_date end_of_warranty";
        let os = "osfamily_id osversion_id";
        assert_eq!(columns(&config, "Printer"), format!("{ci} {hardware}"));
        assert_eq!(columns(&config, "PC"), format!("{ci} {hardware} {os}"));
        assert_eq!(columns(&config, "Server"), format!("{ci} {hardware} managementip {os}"));
        assert_eq!(columns(&config, "StorageSystem"), format!("{ci} {hardware} managementip"));
        assert_eq!(columns(&config, "VirtualMachine"), format!("{ci} managementip {os}"));
        assert_eq!(Model::of(&config, "Unheard"), None);
    }

    #[test]
    fn the_configuration_says_what_is_sent_and_what_locks() {
        let config: Cmdb = toml::from_str(
            "attributes = { description = 'no', serialnumber = 'if-empty', name = 'free' }\n\
             other_classes = { Sensor = ['serialnumber'] }\n\
             defaults = { NetworkDevice = { networkdevicetype_id = 'Switch' } }\n",
        )
        .unwrap();
        assert_eq!(columns(&config, "Sensor"), "name org_id business_criticity serialnumber");
        let device = Model::of(&config, "NetworkDevice").unwrap();
        let keep = |code: &str| device.fed().iter().find(|fed| fed.code == code).unwrap().keep;
        assert_eq!(keep("name"), Keep::Free);
        assert_eq!(keep("serialnumber"), Keep::IfEmpty);
        assert_eq!(keep("status"), Keep::Free);
        assert_eq!(keep("org_id"), Keep::Locked);
        assert_eq!(keep("networkdevicetype_id"), Keep::IfEmpty);
        assert_eq!((device.retired(), device.revived()), (Some("obsolete"), Some("production")));
        // Without a status nothing can be said to be retired.
        assert_eq!(Model::of(&config, "Sensor").unwrap().retired(), None);
    }
}
