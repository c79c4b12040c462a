//! The parts of which the sentences are made.

use super::{Candidates, CiWay, Fault, Origin};
use crate::domain::{
    acknowledgement::Ref,
    new_ticket::RefKind,
    ticket_text::Language::{self, En, Fr},
};

/// A name in quotation marks.
pub(super) fn quoted(name: &str, language: Language) -> String {
    match language {
        En => format!("'{name}'"),
        Fr => format!("«\u{a0}{name}\u{a0}»"),
    }
}

/// What a reference looks like behind the word for what it is.
pub(super) fn shown(wanted: &Ref, language: Language) -> String {
    match (&wanted.name, &wanted.id, language) {
        (Some(name), Some(id), En) => format!("{} (key {id})", quoted(name, En)),
        (Some(name), Some(id), Fr) => format!("{} (clé {id})", quoted(name, Fr)),
        (Some(name), None, _) => quoted(name, language),
        (None, Some(id), En) => format!("with key {id}"),
        (None, Some(id), Fr) => format!("de clé {id}"),
        (None, None, _) => String::new(),
    }
}

/// What is wrong with a value that was left out, behind that value.
pub(super) fn fault(fault: Fault, language: Language) -> &'static str {
    match (fault, language) {
        (Fault::Unusable, En) => "cannot be used there",
        (Fault::Unusable, Fr) => "n'y est pas utilisable",
        (Fault::TooLong, En) => "is too long",
        (Fault::TooLong, Fr) => "est trop long",
        (Fault::Macro, En) => "is a macro that the sender has not replaced",
        (Fault::Macro, Fr) => "est une macro que l'émetteur n'a pas remplacée",
        (Fault::NoOffset, En) => "has no offset, and source.time_zone is not given",
        (Fault::NoOffset, Fr) => {
            "n'a pas de décalage horaire, et source.time_zone n'est pas indiqué"
        }
    }
}

/// What begins a sentence about such an object.
pub(super) fn subject(kind: RefKind, language: Language) -> &'static str {
    match (kind, language) {
        (RefKind::Company, En) => "Company",
        (RefKind::Company, Fr) => "La société",
        (RefKind::Team, En) => "Team",
        (RefKind::Team, Fr) => "L'équipe",
        (RefKind::Contact, En) => "Contact",
        (RefKind::Contact, Fr) => "Le contact",
        (RefKind::Service, En) => "Service",
        (RefKind::Service, Fr) => "Le service",
        (RefKind::ServiceElement, En) => "Service element",
        (RefKind::ServiceElement, Fr) => "L'élément de service",
        (RefKind::Ci, En) => "CI",
        (RefKind::Ci, Fr) => "Le CI",
    }
}

/// The word with its article.
pub(super) fn with_article(kind: RefKind, language: Language) -> String {
    match language {
        En => format!("the {}", kind.word()),
        Fr => {
            let article = match kind {
                RefKind::Company => "la ",
                RefKind::Team | RefKind::ServiceElement => "l'",
                RefKind::Contact | RefKind::Service | RefKind::Ci => "le ",
            };
            format!("{article}{}", kind.word_in(Fr))
        }
    }
}

/// What a list has several of.
pub(super) fn plural(kind: RefKind, language: Language) -> &'static str {
    match (kind, language) {
        (RefKind::Company, En) => "companies",
        (RefKind::Company, Fr) => "sociétés",
        (RefKind::Team, En) => "teams",
        (RefKind::Team, Fr) => "équipes",
        (RefKind::Contact, _) => "contacts",
        (RefKind::Service, _) => "services",
        (RefKind::ServiceElement, En) => "service elements",
        (RefKind::ServiceElement, Fr) => "éléments de service",
        (RefKind::Ci, En) => "CIs",
        (RefKind::Ci, Fr) => "CI",
    }
}

/// How a ticket has ended. A word that iTop's own model does not have is shown as it is.
pub(super) fn ended(status: &str, language: Language) -> &str {
    match (status, language) {
        ("resolved", Fr) => "résolu",
        ("closed", Fr) => "fermé",
        (other, _) => other,
    }
}

impl Origin {
    pub(super) fn team(self, wanted: &Ref, language: Language) -> String {
        let shown = shown(wanted, language);
        match (self, language) {
            (Self::Event, _) => format!("{} {shown}", subject(RefKind::Team, language)),
            (Self::Link, En) => format!("The link's default team {shown}"),
            (Self::Link, Fr) => format!("L'équipe par défaut du lien, {shown},"),
            (Self::Configuration, En) => format!("The configured team {shown}"),
            (Self::Configuration, Fr) => format!("L'équipe configurée {shown}"),
        }
    }

    pub(super) fn contact(self, wanted: &Ref, language: Language) -> String {
        let shown = shown(wanted, language);
        match (self, language) {
            (Self::Event, _) => format!("{} {shown}", subject(RefKind::Contact, language)),
            (Self::Link, En) => format!("The link's default contact {shown}"),
            (Self::Link, Fr) => format!("Le contact par défaut du lien, {shown},"),
            (Self::Configuration, En) => format!("The configured contact {shown}"),
            (Self::Configuration, Fr) => format!("Le contact configuré {shown}"),
        }
    }
}

impl CiWay {
    pub(super) fn say(&self, language: Language) -> String {
        match (self, language) {
            (Self::Ci(wanted), _) => {
                format!("{} {}", subject(RefKind::Ci, language), shown(wanted, language))
            }
            (Self::ItsmId { key, equipment }, En) => {
                format!("The itsm_id {key} of equipment {}", quoted(equipment, En))
            }
            (Self::ItsmId { key, equipment }, Fr) => {
                format!("L'itsm_id {key} de l'équipement {}", quoted(equipment, Fr))
            }
            (Self::Federation { id, equipment }, En) => {
                format!("The federated equipment {id}, {},", quoted(equipment, En))
            }
            (Self::Federation { id, equipment }, Fr) => {
                format!("L'équipement fédéré {id}, {},", quoted(equipment, Fr))
            }
            (Self::Equipment(name), En) => format!("Equipment {}", quoted(name, En)),
            (Self::Equipment(name), Fr) => format!("L'équipement {}", quoted(name, Fr)),
        }
    }
}

impl Candidates {
    pub(super) fn say(&self, language: Language) -> String {
        let key = match language {
            En => "key",
            Fr => "clé",
        };
        let first: Vec<_> = self
            .first
            .iter()
            .map(|named| format!("{} ({key} {})", quoted(&named.name, language), named.id))
            .collect();
        let first = first.join(", ");
        match (self.more, language) {
            (0, _) => first,
            (more, En) => format!("{first}, and {more} more"),
            (1, Fr) => format!("{first} et un autre"),
            (more, Fr) => format!("{first} et {more} autres"),
        }
    }
}
