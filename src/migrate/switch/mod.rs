//! What moves in the bridge when a provider leaves iTop: its companies' links and the tickets of their controls, by
//! what has become of them in the org. Nothing is guessed: what has no record stays as it is, and says why.

mod links;
mod tickets;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    mapping::Mapping,
    staging::{Staging, StagingError},
};

/// The object of companies.
const ACCOUNT: &str = "Account";

/// An object with its name.
#[derive(Clone, Debug, Deserialize)]
pub struct Named {
    /// Its id in iTop.
    pub id: String,
    /// Its name there.
    pub name: String,
}

/// A link, as the bridge tells of it.
#[derive(Clone, Debug, Deserialize)]
pub struct Link {
    /// Of its company.
    pub instance: String,
    /// `id:…` or `name:…`.
    pub company: String,
    /// The same of the site; none for the company itself.
    pub site: Option<String>,
    /// What people call it.
    pub name: Option<String>,
    /// Where it leads; iTop without it.
    pub desk: Option<String>,
    /// To which organization.
    pub organization: Named,
    /// Whether acknowledgements become tickets.
    pub tickets: bool,
    /// Taken where an acknowledgement names none.
    pub team: Option<Named>,
    /// The same.
    pub contact: Option<Named>,
    /// The same.
    pub service: Option<Named>,
    /// The same.
    pub service_element: Option<Named>,
}

/// The ticket of a control, as the bridge tells of it.
#[derive(Clone, Debug, Deserialize)]
pub struct Ticket {
    /// Of the control.
    pub instance: String,
    /// The control.
    pub control: String,
    /// Its company.
    pub company: String,
    /// The class of the ticket.
    pub class: String,
    /// Its id.
    pub id: String,
    /// Its number.
    pub number: String,
    /// The organization that it had when the control got it.
    pub organization: String,
}

/// What the bridge has.
#[derive(Clone, Debug)]
pub struct Standing {
    /// All links.
    pub links: Vec<Link>,
    /// The tickets of controls that are not in Salesforce.
    pub tickets: Vec<Ticket>,
}

/// Which companies move.
#[derive(Clone, Debug)]
pub struct Which {
    /// Their keys; all whose organizations have moved without it.
    pub companies: Option<Vec<String>>,
    /// The queue of links that have a team which is none there.
    pub queue: Option<String>,
}

/// A part of a link that is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Without {
    /// Of the link's company.
    pub instance: String,
    /// The company.
    pub company: String,
    /// The site, if it is one's link.
    pub site: Option<String>,
    /// Which part.
    pub member: String,
    /// Why.
    pub why: String,
}

/// A company that stays where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CompanyLeft {
    /// Its instance.
    pub instance: String,
    /// The company.
    pub company: String,
    /// Why.
    pub why: String,
}

/// A control that keeps its ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ControlLeft {
    /// Its instance.
    pub instance: String,
    /// The control.
    pub control: String,
    /// The class of the ticket.
    pub class: String,
    /// Its id.
    pub id: String,
    /// Why.
    pub why: String,
}

/// What the bridge is asked to move, and what it is not.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The links, as they are to be.
    pub items: Vec<Value>,
    /// The tickets, with their Cases.
    pub tickets: Vec<Value>,
    /// What links do not have any more.
    pub without: Vec<Without>,
    /// Companies that stay.
    pub companies_left: Vec<CompanyLeft>,
    /// Controls that keep their tickets.
    pub controls_left: Vec<ControlLeft>,
}

/// What is to move of what the bridge has.
///
/// # Errors
/// When the staging file fails.
pub async fn asked(
    staging: &Staging,
    mapping: &Mapping,
    standing: Standing,
    which: Which,
) -> Result<Asked, StagingError> {
    let mapping = mapping.clone();
    staging
        .ledger(move |ledger| {
            let mut asked = Asked::default();
            let there = links::of(ledger, &mapping, &standing, &which, &mut asked)?;
            tickets::of(ledger, &mapping, &standing, &there, &mut asked)?;
            Ok(asked)
        })
        .await
}
