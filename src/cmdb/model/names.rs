//! What iTop knows by a name and rows give by its id: names are not unique, and may change.

use serde_json::{Map, Value, json};

use crate::{config::Creatable, domain::names::spelling, itop::oql};

/// Something that iTop has under a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Named {
    /// A manufacturer.
    Brand {
        /// Its name.
        name: String,
    },
    /// What a manufacturer calls something of a class.
    Model {
        /// The manufacturer's name.
        brand: String,
        /// Its name.
        name: String,
        /// The class of CIs.
        class: String,
    },
    /// An operating system.
    OsFamily {
        /// Its name.
        name: String,
    },
    /// A version of one.
    OsVersion {
        /// The name of the operating system.
        family: String,
        /// Its name.
        name: String,
    },
    /// A location of an organization.
    Location {
        /// The key of the organization.
        org: String,
        /// Its name.
        name: String,
    },
    /// Something of another class, which is never made.
    Other {
        /// Its class.
        class: String,
        /// Its name.
        name: String,
    },
}

/// Why a name has no id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// iTop has nothing of that name, and it is not to be made.
    Nothing,
    /// iTop has several.
    Several,
    /// What it belongs to has no id.
    NoOwner,
    /// iTop did not make it.
    NotMade {
        /// iTop's words.
        why: String,
    },
}

impl Named {
    /// Its class in iTop.
    #[must_use]
    pub fn class(&self) -> &str {
        match self {
            Self::Brand { .. } => "Brand",
            Self::Model { .. } => "Model",
            Self::OsFamily { .. } => "OSFamily",
            Self::OsVersion { .. } => "OSVersion",
            Self::Location { .. } => "Location",
            Self::Other { class, .. } => class,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Brand { name }
            | Self::Model { name, .. }
            | Self::OsFamily { name }
            | Self::OsVersion { name, .. }
            | Self::Location { name, .. }
            | Self::Other { name, .. } => name,
        }
    }

    /// The word by which the configuration allows it to be made.
    #[must_use]
    pub fn creatable(&self) -> Option<Creatable> {
        match self {
            Self::Brand { .. } => Some(Creatable::Brand),
            Self::Model { .. } => Some(Creatable::Model),
            Self::OsFamily { .. } => Some(Creatable::OsFamily),
            Self::OsVersion { .. } => Some(Creatable::OsVersion),
            Self::Location { .. } => Some(Creatable::Location),
            Self::Other { .. } => None,
        }
    }

    /// What must have an id first.
    pub(super) fn owner(&self) -> Option<Self> {
        match self {
            Self::Model { brand, .. } => Some(Self::Brand { name: brand.clone() }),
            Self::OsVersion { family, .. } => Some(Self::OsFamily { name: family.clone() }),
            Self::Brand { .. }
            | Self::OsFamily { .. }
            | Self::Location { .. }
            | Self::Other { .. } => None,
        }
    }

    /// The same for all spellings that iTop's database takes for one name.
    pub(super) fn folded(&self) -> Self {
        let mut folded = self.clone();
        match &mut folded {
            Self::Model { brand, name, .. } | Self::OsVersion { family: brand, name } => {
                *brand = spelling(brand);
                *name = spelling(name);
            }
            Self::Brand { name }
            | Self::OsFamily { name }
            | Self::Location { name, .. }
            | Self::Other { name, .. } => *name = spelling(name),
        }
        folded
    }

    /// What narrows the list of its class down to those among which names are looked for, beside the
    /// names.
    pub(super) fn condition(&self) -> String {
        match self {
            Self::Model { class, .. } => format!("type = {} AND ", oql::quote(class)),
            // Whatever is no number names no organization.
            Self::Location { org, .. } => format!("org_id = {} AND ", org.parse().unwrap_or(0_u64)),
            Self::Brand { .. }
            | Self::OsFamily { .. }
            | Self::OsVersion { .. }
            | Self::Other { .. } => String::new(),
        }
    }

    /// The attribute that says what an object of its class belongs to.
    pub(super) fn owned_by(&self) -> Option<&'static str> {
        match self {
            Self::Model { .. } => Some("brand_id"),
            Self::OsVersion { .. } => Some("osfamily_id"),
            Self::Brand { .. }
            | Self::OsFamily { .. }
            | Self::Location { .. }
            | Self::Other { .. } => None,
        }
    }

    /// What it is made of, with the id of what it belongs to.
    pub(super) fn fields(&self, owner: Option<&str>) -> Map<String, Value> {
        let mut fields = Map::from_iter([("name".to_owned(), json!(self.name()))]);
        if let Some((attribute, owner)) = self.owned_by().zip(owner) {
            fields.insert(attribute.to_owned(), json!(owner));
        }
        match self {
            Self::Model { class, .. } => {
                fields.insert("type".to_owned(), json!(class));
            }
            Self::Location { org, .. } => {
                fields.insert("org_id".to_owned(), json!(org));
            }
            Self::Brand { .. }
            | Self::OsFamily { .. }
            | Self::OsVersion { .. }
            | Self::Other { .. } => {}
        }
        fields
    }

    /// Why a row goes without it, in a sentence.
    #[must_use]
    pub fn missing(&self, why: &Missing) -> String {
        let (class, name) = (self.class(), self.name());
        match why {
            Missing::Nothing => match self.creatable() {
                Some(creatable) => format!(
                    "iTop has no {class} '{name}', and cmdb.create does not name \"{}\": it is left out.",
                    word(creatable)
                ),
                None => format!("iTop has no {class} '{name}': it is left out."),
            },
            Missing::Several => format!("iTop has several {class} '{name}': it is left out."),
            Missing::NoOwner => format!(
                "The {class} '{name}' belongs to something that iTop does not have: it is left out."
            ),
            Missing::NotMade { why } => {
                format!(
                    "iTop has no {class} '{name}', and did not make it ({why}): it is left out."
                )
            }
        }
    }
}

fn word(creatable: Creatable) -> &'static str {
    match creatable {
        Creatable::Brand => "brand",
        Creatable::Model => "model",
        Creatable::OsFamily => "osfamily",
        Creatable::OsVersion => "osversion",
        Creatable::Location => "location",
    }
}
