//! Questions about the org as a whole: whether it answers, which versions, which limits. Nothing here
//! writes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Client, Error, call::Call};
use crate::outgoing::Use;

/// A limit of the org.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Limit {
    /// How much there is.
    pub max: i64,
    /// How much of it is left.
    pub remaining: i64,
}

/// A state of Cases.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CaseState {
    /// As records hold it.
    #[serde(rename = "ApiName")]
    pub name: String,
    /// Whether Cases in it are closed.
    pub is_closed: bool,
    /// Whether new Cases have it.
    pub is_default: bool,
}

impl Client {
    /// Asks for as little as can be asked for, to know that Salesforce answers and lets the bridge in.
    pub async fn ping(&self) -> Result<(), Error> {
        self.call(Use::Read, Call::get("/query?q=SELECT%20Id%20FROM%20Case%20LIMIT%201")).await?;
        Ok(())
    }

    /// Whether the user may make Cases with everything that the bridge sets.
    pub async fn may_create(&self) -> Result<bool, Error> {
        let case = self.describe(super::CASE).await?;
        let field = self.line().settings.mapping.external_id_field.clone();
        Ok(case.createable && case.field(&field).is_some_and(|field| field.createable))
    }

    /// Whether there is room for another record, as far as the user may see that; who may not has to try.
    pub async fn has_room(&self) -> Result<bool, Error> {
        match self.limits().await {
            Ok(limits) => Ok(limits.get("DataStorageMB").is_none_or(|limit| limit.remaining > 0)),
            Err(Error::NotAllowed { .. } | Error::Refused(_)) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// The versions of the API that are offered, such as `67.0`, as they are listed.
    pub async fn versions(&self) -> Result<Vec<String>, Error> {
        versions(self.call(Use::Read, Call::get(VERSIONS)).await?)
    }

    /// The limits of the org, such as `DailyApiRequests` and `DataStorageMB`; those that the user may
    /// not see are absent.
    pub async fn limits(&self) -> Result<BTreeMap<String, Limit>, Error> {
        let json = self.call(Use::Read, Call::get("/limits")).await?;
        let limits = BTreeMap::<String, Value>::deserialize(json).unwrap_or_default();
        // Some have limits of apps in them.
        let limit = |(name, value)| Some((name, Limit::deserialize(value).ok()?));
        Ok(limits.into_iter().filter_map(limit).collect())
    }

    /// The states of Cases.
    pub async fn case_states(&self) -> Result<Vec<CaseState>, Error> {
        self.query(Use::Read, "SELECT ApiName, IsClosed, IsDefault FROM CaseStatus").await
    }
}

/// Where the versions are listed; it is not counted among the requests of the day.
pub(super) const VERSIONS: &str = "/services/data/";

fn versions(json: Value) -> Result<Vec<String>, Error> {
    #[derive(Deserialize)]
    struct Version {
        version: String,
    }
    let versions = Vec::<Version>::deserialize(json).map_err(|error| Error::NotSalesforce {
        reason: format!("the list of versions has another form: {error}"),
    })?;
    Ok(versions.into_iter().map(|version| version.version).collect())
}

/// Whether a version stands in the list of those that are offered.
pub(super) fn expect_version(json: Value, wanted: &str) -> Result<(), Error> {
    let offered = versions(json)?;
    if offered.iter().any(|version| version == wanted) {
        return Ok(());
    }
    let ends = offered.first().zip(offered.last());
    let offered = ends.map(|(first, last)| format!(" (it offers {first} to {last})"));
    Err(Error::Version { version: wanted.to_owned(), offered: offered.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        gate::Reason,
        salesforce::{answer, examples::example},
    };

    #[test]
    fn a_version_that_is_not_offered_is_told_with_those_that_are() {
        let json = answer::read(&example("09-versions"), answer::Known::default()).unwrap();
        assert_eq!(expect_version(json.clone(), "67.0"), Ok(()));
        let error = expect_version(json, "99.0").unwrap_err();
        assert!(error.to_string().ends_with("(it offers 66.0 to 67.0)"), "{error}");
        assert_eq!(error.reason(), Some(Reason::WritesRefused));
    }

    #[test]
    fn limits_are_read() {
        let json = answer::read(&example("54-limits"), answer::Known::default()).unwrap();
        let limits = BTreeMap::<String, Limit>::deserialize(json).unwrap();
        assert_eq!(limits["DailyApiRequests"], Limit { max: 115_000, remaining: 114_021 });
    }
}
