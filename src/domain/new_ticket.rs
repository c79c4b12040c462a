//! A ticket that is to be made, in words that every ticket system has.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Serialize, Serializer, ser::SerializeStruct as _};

use super::{
    company_link::Named,
    keys::{ObjectId, OrgId},
    marker::Marker,
    priority::Priority,
    ticket_text::Language,
};

/// What a ticket can refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "a kind is called what it is")]
#[repr(usize)]
pub enum RefKind {
    /// The company whose ticket it is.
    Company,
    /// The team that takes it.
    Team,
    /// The caller.
    Contact,
    Service,
    ServiceElement,
    Ci,
}

impl RefKind {
    /// All there are, in the order in which they are counted.
    pub const ALL: [Self; 6] =
        [Self::Company, Self::Team, Self::Contact, Self::Service, Self::ServiceElement, Self::Ci];

    /// The word for it, for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Team => "team",
            Self::Contact => "contact",
            Self::Service => "service",
            Self::ServiceElement => "service-element",
            Self::Ci => "ci",
        }
    }

    /// What people call it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Team => "team",
            Self::Contact => "contact",
            Self::Service => "service",
            Self::ServiceElement => "service element",
            Self::Ci => "CI",
        }
    }

    /// The same in a language.
    #[must_use]
    pub fn word_in(self, language: Language) -> &'static str {
        match (language, self) {
            (Language::En, kind) => kind.word(),
            (Language::Fr, Self::Company) => "société",
            (Language::Fr, Self::Team) => "équipe",
            (Language::Fr, Self::Contact) => "contact",
            (Language::Fr, Self::Service) => "service",
            (Language::Fr, Self::ServiceElement) => "élément de service",
            (Language::Fr, Self::Ci) => "CI",
        }
    }
}

/// How a write names an object that a ticket refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// By its key; found in a list, or given by the sender.
    Key {
        /// The key.
        id: ObjectId,
        /// Its name; empty where only the key was given and no list was read.
        name: String,
    },
    /// By its exact name: no list was there to look it up in, and the ticket system does.
    Name(String),
    /// By its e-mail address, likewise.
    Email(String),
}

impl Chosen {
    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Key { name, .. } | Self::Name(name) | Self::Email(name) => name,
        }
    }

    /// Its key, where that is known.
    #[must_use]
    pub fn id(&self) -> Option<&ObjectId> {
        match self {
            Self::Key { id, .. } => Some(id),
            Self::Name(_) | Self::Email(_) => None,
        }
    }
}

impl From<Named> for Chosen {
    fn from(Named { id, name }: Named) -> Self {
        Self::Key { id, name }
    }
}

/// As `{id, name}`.
impl Serialize for Chosen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut shown = serializer.serialize_struct("Chosen", 2)?;
        shown.serialize_field("id", &self.id())?;
        shown.serialize_field("name", self.name())?;
        shown.end()
    }
}

/// What a ticket refers to beside its company.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "its fields say what they are")]
pub struct Refs {
    pub team: Chosen,
    pub contact: Option<Chosen>,
    pub service: Option<Chosen>,
    pub service_element: Option<Chosen>,
    pub ci: Option<Chosen>,
}

impl Refs {
    /// Those that there are.
    pub fn iter(&self) -> impl Iterator<Item = &Chosen> {
        let optional = [&self.contact, &self.service, &self.service_element, &self.ci];
        std::iter::once(&self.team).chain(optional.into_iter().flatten())
    }

    /// The one of a kind; none for the company.
    #[must_use]
    pub fn get(&self, kind: RefKind) -> Option<&Chosen> {
        match kind {
            RefKind::Company => None,
            RefKind::Team => Some(&self.team),
            RefKind::Contact => self.contact.as_ref(),
            RefKind::Service => self.service.as_ref(),
            RefKind::ServiceElement => self.service_element.as_ref(),
            RefKind::Ci => self.ci.as_ref(),
        }
    }
}

/// A ticket that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTicket {
    /// The company.
    pub org: OrgId,
    /// What else it refers to.
    pub refs: Refs,
    /// Plain text, within the limit of the ticket system.
    pub title: String,
    /// HTML, within the limit of the ticket system.
    pub description: String,
    /// The priority that the ticket system shall come to.
    pub priority: Priority,
    /// When it began; never later than now.
    pub started_at: Timestamp,
    /// Further attributes, as configured.
    pub fields: BTreeMap<String, String>,
    /// By which it is found again.
    pub marker: Marker,
}
