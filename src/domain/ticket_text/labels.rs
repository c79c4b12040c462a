//! The words around the values, in each language.

use serde::Serialize;

use super::Language::{self, En, Fr};
use crate::domain::priority::{Criticality, ElementType};

/// The words around the values of the built-in description, and of a line in the log.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Labels {
    pub(super) output: &'static str,
    acknowledged_by: String,
    #[serde(skip)]
    pub(super) acknowledged_again_by: &'static str,
    pub(super) without_comment: &'static str,
    pub(super) colon: &'static str,
    company: &'static str,
    site: &'static str,
    contract: &'static str,
    equipment: &'static str,
    address: &'static str,
    category: &'static str,
    control: &'static str,
    state: &'static str,
    criticality: &'static str,
    status_changed_at: &'static str,
    acknowledged_at: &'static str,
    expires_at: &'static str,
    link: String,
    event: &'static str,
    warnings: &'static str,
}

impl Labels {
    /// The words for an acknowledgement that comes from `product`.
    pub(super) fn new(language: Language, product: &str) -> Self {
        match language {
            En => Self {
                output: "Output of the control",
                acknowledged_by: format!("Acknowledged in {product} by"),
                acknowledged_again_by: "acknowledged again by",
                without_comment: "without a comment",
                colon: ":",
                company: "Company",
                site: "Site",
                contract: "Contract",
                equipment: "Equipment",
                address: "Address",
                category: "Category",
                control: "Control",
                state: "State",
                criticality: "Criticality",
                status_changed_at: "In this state since",
                acknowledged_at: "Acknowledged at",
                expires_at: "Acknowledged until",
                link: format!("In {product}"),
                event: "Event",
                warnings: "What the bridge could not do as asked",
            },
            Fr => Self {
                output: "Sortie du contrôle",
                acknowledged_by: format!("Acquitté dans {product} par"),
                acknowledged_again_by: "acquitté de nouveau par",
                without_comment: "sans commentaire",
                // A no-break space, as before every colon in French.
                colon: "\u{a0}:",
                company: "Société",
                site: "Site",
                contract: "Contrat",
                equipment: "Équipement",
                address: "Adresse",
                category: "Catégorie",
                control: "Contrôle",
                state: "État",
                criticality: "Criticité",
                status_changed_at: "Dans cet état depuis",
                acknowledged_at: "Acquitté le",
                expires_at: "Acquitté jusqu'au",
                link: format!("Dans {product}"),
                event: "Événement",
                warnings: "Ce que le pont n'a pas pu faire comme demandé",
            },
        }
    }
}

/// What kind of thing a control checks, for people.
pub(super) fn element_type(element: ElementType, language: Language) -> &'static str {
    match (element, language) {
        (ElementType::Equipment, En) => "equipment",
        (ElementType::Equipment, Fr) => "équipement",
        (ElementType::Service, En) => "service",
        (ElementType::Service, Fr) => "service unitaire",
        (ElementType::UserService, En) => "user service",
        (ElementType::UserService, Fr) => "service utilisateur",
    }
}

/// How much a control matters, for people.
pub(super) fn criticality(criticality: Criticality, language: Language) -> &'static str {
    match (criticality, language) {
        (Criticality::Low, En) => "low",
        (Criticality::Low, Fr) => "basse",
        (Criticality::Medium, En) => "medium",
        (Criticality::Medium, Fr) => "moyenne",
        (Criticality::High, En) => "high",
        (Criticality::High, Fr) => "haute",
    }
}
