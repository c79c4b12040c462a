//! What the lists hold.

#![expect(missing_docs, reason = "fields are called what they are; the others say it")]

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::keys::{ObjectId, OrgId};

/// A company of iTop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Organization {
    pub id: OrgId,
    pub name: String,
    /// Its code; often empty.
    pub code: String,
    pub parent: Option<OrgId>,
    pub parent_name: Option<String>,
}

/// A contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Person {
    pub id: ObjectId,
    /// First and last name, as iTop shows them.
    pub name: String,
    pub email: String,
    pub phone: String,
}

/// A team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Team {
    pub id: ObjectId,
    pub name: String,
    pub email: String,
}

/// A customer contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Contract {
    pub id: ObjectId,
    pub name: String,
}

/// A service with its elements and the contracts that it stands in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Service {
    pub id: ObjectId,
    pub name: String,
    /// What it is; may be empty.
    pub description: String,
    /// The contracts of the company that include it.
    pub contracts: Vec<Contract>,
    /// The elements that a ticket may name.
    pub elements: Vec<Element>,
}

/// A service element (`ServiceSubcategory`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Element {
    pub id: ObjectId,
    pub name: String,
    /// `incident` or `service_request`.
    pub request_type: String,
}
