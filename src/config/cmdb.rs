//! `[cmdb]`: the equipment that is monitored stands in iTop's CMDB.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use super::Period;
pub use crate::domain::equipment::RetireLimit;
use crate::secret::Secret;

/// What stands for a class where equipment of a category is not kept in the CMDB.
pub const NO_CLASS: &str = "none";

/// How equipment is kept in iTop's CMDB. Without the section nothing of it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cmdb {
    /// The login of the account that loads and synchronizes: one of its own.
    pub user: String,
    /// Its password.
    pub password: Option<Secret>,
    /// A file that holds its password.
    pub password_file: Option<PathBuf>,
    /// What the names of the data sources end with; without one, nothing. For several bridges at one iTop.
    pub label: Option<String>,
    /// The class of iTop for a category of ServiceNav; `none` keeps such equipment out.
    pub classes: BTreeMap<String, String>,
    /// The class of all other categories, and of equipment without one.
    pub default_class: String,
    /// Attributes that classes have which are not of the standard model, beside those of each CI.
    pub other_classes: BTreeMap<String, BTreeSet<String>>,
    /// How each attribute is kept; what is not named is locked.
    pub attributes: BTreeMap<String, Keep>,
    /// By class: what new CIs have of attributes that ServiceNav knows nothing of. Of an external key its
    /// id or its name.
    pub defaults: BTreeMap<String, BTreeMap<String, String>>,
    /// What is made where iTop has nothing of that name.
    pub create: BTreeSet<Creatable>,
    /// Whether a CI that is there already under that name is taken over.
    pub adopt: Adopt,
    /// The status of a CI whose equipment is gone; empty leaves it as it is.
    pub retire: String,
    /// The status of a CI whose equipment has come back.
    pub revive: String,
    /// How much of the equipment of one company and class a list may retire without somebody's consent.
    pub retire_limit: RetireLimit,
    /// Whether the equipment of acknowledgements is kept too where no list has it.
    pub learn: bool,
    /// Rows that are loaded and synchronized at once.
    pub chunk: usize,
    /// How long a load or a synchronization may take.
    pub timeout: Period,
}

impl Default for Cmdb {
    fn default() -> Self {
        Self {
            user: String::new(),
            password: None,
            password_file: None,
            label: None,
            classes: BTreeMap::new(),
            default_class: NO_CLASS.to_owned(),
            other_classes: BTreeMap::new(),
            attributes: BTreeMap::new(),
            defaults: BTreeMap::new(),
            create: BTreeSet::new(),
            adopt: Adopt::Ask,
            retire: "obsolete".to_owned(),
            revive: "production".to_owned(),
            retire_limit: RetireLimit::default(),
            learn: false,
            chunk: 200,
            timeout: Period::minutes(5),
        }
    }
}

impl Cmdb {
    /// The class of equipment of a category; `None` where it is not kept in the CMDB. Categories are
    /// compared without regard to case and blanks around them.
    #[must_use]
    pub fn class_of(&self, category: Option<&str>) -> Option<&str> {
        let fold = |text: &str| text.trim().to_lowercase();
        let category = category.map(fold);
        let named = self.classes.iter().find(|(of, _)| category.as_ref() == Some(&fold(of)));
        let class = named.map_or(&self.default_class, |(_, class)| class);
        (class != NO_CLASS).then_some(class.as_str())
    }

    /// The classes that equipment can be of, each once, in order.
    #[must_use]
    pub fn all_classes(&self) -> BTreeSet<&str> {
        let named = self.classes.values().chain([&self.default_class]);
        named.map(String::as_str).filter(|class| *class != NO_CLASS).collect()
    }

    /// How an attribute is kept.
    #[must_use]
    pub fn keep(&self, attribute: &str) -> Keep {
        let usual = if attribute == "status" { Keep::Free } else { Keep::Locked };
        self.attributes.get(attribute).copied().unwrap_or(usual)
    }

    /// The name of the data source of a class.
    #[must_use]
    pub fn source_name(&self, class: &str) -> String {
        match self.label.as_deref() {
            Some(label) => format!("ServiceNav: {class} ({label})"),
            None => format!("ServiceNav: {class}"),
        }
    }
}

/// How an attribute is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// Sent, and nobody else can change it in iTop (`master_locked`).
    Locked,
    /// Sent; what people change in iTop stays until the equipment changes (`master_unlocked`).
    Free,
    /// Sent, and written only where it is empty (`write_if_empty`).
    IfEmpty,
    /// Not sent.
    No,
}

impl Keep {
    /// Whether a value that is sent is always written.
    #[must_use]
    pub fn is_always_written(self) -> bool {
        matches!(self, Self::Locked | Self::Free)
    }

    /// iTop's word, as `update_policy` of a data source has it.
    #[must_use]
    pub fn update_policy(self) -> &'static str {
        match self {
            Self::Locked | Self::No => "master_locked",
            Self::Free => "master_unlocked",
            Self::IfEmpty => "write_if_empty",
        }
    }
}

/// What is made where iTop has nothing of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Creatable {
    /// Manufacturers.
    Brand,
    /// Models of a brand and a class.
    Model,
    /// Operating systems.
    OsFamily,
    /// Their versions.
    OsVersion,
    /// Locations of an organization.
    Location,
}

/// Whether a CI that is there already under that name, in that organization, is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Adopt {
    /// At once.
    Yes,
    /// When somebody has said so.
    Ask,
    /// Never: the row fails.
    No,
}
