//! What a survey asks of an org, beside its limits and its objects. Nothing here writes.

use serde::{Deserialize, Serialize};

use super::{Client, Error, call::Call};
use crate::outgoing::Use;

/// The org itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all(deserialize = "PascalCase"))]
pub struct Organization {
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its edition, in Salesforce's words.
    #[serde(default, rename(deserialize = "OrganizationType"))]
    pub edition: Option<String>,
    /// Whether it is a sandbox.
    #[serde(default)]
    pub is_sandbox: Option<bool>,
}

/// A rule by which new records are compared with those that are there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all(deserialize = "PascalCase"))]
pub struct DuplicateRule {
    /// Its name for programs.
    #[serde(default)]
    pub developer_name: String,
    /// Of which object.
    #[serde(default, rename(deserialize = "SobjectType"))]
    pub object: String,
    /// Whether it is in use.
    #[serde(default)]
    pub is_active: bool,
}

/// An active user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ActiveUser {
    /// The id.
    pub id: String,
    /// The e-mail address.
    #[serde(default)]
    pub email: Option<String>,
}

impl Client {
    /// The names of the objects that the user sees.
    pub async fn objects(&self) -> Result<Vec<String>, Error> {
        #[derive(Deserialize)]
        struct Objects {
            sobjects: Vec<Named>,
        }
        #[derive(Deserialize)]
        struct Named {
            name: String,
        }
        let json = self.call(Use::List, Call::get("/sobjects/")).await?;
        let objects = Objects::deserialize(json).map_err(|error| Error::NotSalesforce {
            reason: format!("the list of objects has another form: {error}"),
        })?;
        Ok(objects.sobjects.into_iter().map(|object| object.name).collect())
    }

    /// The org itself, as far as the user may know.
    pub async fn organization(&self) -> Result<Option<Organization>, Error> {
        let query = "SELECT Name, OrganizationType, IsSandbox FROM Organization";
        Ok(self.query(Use::Read, query).await?.into_iter().next())
    }

    /// The rules by which new records are compared with those that are there.
    pub async fn duplicate_rules(&self) -> Result<Vec<DuplicateRule>, Error> {
        let query = "SELECT DeveloperName, SobjectType, IsActive FROM DuplicateRule";
        self.query(Use::Read, query).await
    }

    /// The active users, with their e-mail addresses.
    pub async fn active_users(&self) -> Result<Vec<ActiveUser>, Error> {
        self.query(Use::List, "SELECT Id, Email FROM User WHERE IsActive = true").await
    }
}
