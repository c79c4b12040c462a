//! Whose equipment a request is about.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    config::{Cmdb, Config},
    domain::{
        body::FieldError,
        equipment::Held,
        keys::{EquipmentId, Instance, PartyKey},
        text::one_line,
    },
    store::HoldWhich,
    web::{api::acknowledgements::parsed, api::links::party_key, auth::Caller, problem::ApiError},
};

/// Ids that can be named one by one.
const MAX_IDS: usize = 1_000;

/// Whose equipment it is.
#[derive(Debug, Deserialize, JsonSchema)]
pub(in crate::web) struct CompanyParams {
    pub(super) company: String,
    pub(super) instance: Option<String>,
}

/// A company of an instance, of which the caller may see the equipment.
pub(super) struct Whose {
    pub(super) instance: Instance,
    pub(super) company: PartyKey,
    /// As it was written, where it is told by its name.
    pub(super) name: Option<String>,
}

impl Whose {
    /// That of a request.
    pub(super) fn of(
        caller: &Caller,
        company: &str,
        instance: Option<String>,
    ) -> Result<Self, ApiError> {
        let named: Option<Instance> = parsed("instance", instance)?;
        let instance = caller.instance(named.as_ref())?;
        let key = party_key(company)?;
        caller.may_see_company(&key)?;
        let name = company.trim().strip_prefix("name:").map(one_line);
        Ok(Self { instance, company: key, name })
    }
}

/// The company that a request names, else the only one of the token.
pub(super) fn company_of(caller: &Caller, named: Option<String>) -> Result<String, ApiError> {
    match (named, caller.visible().companies()) {
        (Some(named), _) => Ok(named),
        (None, Some([only])) => Ok(only.clone()),
        (None, _) => {
            let detail =
                "Say of which company: 'company=id:42', or 'company=name:Demo' where it has no id.";
            Err(ApiError::BadParameter(detail.to_owned()))
        }
    }
}

/// The section `[cmdb]`, without which no equipment is taken.
pub(super) fn cmdb(config: &Config) -> Result<&Cmdb, ApiError> {
    config.cmdb.as_ref().ok_or(ApiError::CmdbOff)
}

/// What somebody answers to what is held.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EquipmentAnswer")]
pub(in crate::web) struct AnswerBody {
    /// `id:42`, or `name:Demo` where it has no id.
    company: String,
    instance: Option<String>,
    /// What would be done.
    what: Held,
    /// Only of this class; empty: of those that have none yet.
    class: Option<String>,
    /// Only these.
    #[schemars(length(min = 1, max = 1_000))]
    ids: Option<Vec<String>>,
    /// Only if it is still what this `digest` of the hold says.
    digest: Option<String>,
}

impl AnswerBody {
    /// Which rows it is about.
    pub(super) fn which(self, caller: &Caller) -> Result<HoldWhich, ApiError> {
        let Whose { instance, company, .. } = Whose::of(caller, &self.company, self.instance)?;
        let ids = self.ids.as_deref().map(read_ids).transpose()?;
        let Self { what, class, digest, .. } = self;
        Ok(HoldWhich { instance, company, what, class, ids, digest })
    }
}

/// Which failed rows are tried again.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EquipmentRetry")]
pub(in crate::web) struct RetryBody {
    /// `id:42`, or `name:Demo` where it has no id.
    pub(super) company: String,
    pub(super) instance: Option<String>,
    /// Only these.
    #[schemars(length(min = 1, max = 1_000))]
    pub(super) ids: Option<Vec<String>>,
    /// Only those with this problem.
    pub(super) problem: Option<String>,
}

/// The ids of a body, each once.
pub(super) fn read_ids(ids: &[String]) -> Result<Vec<EquipmentId>, ApiError> {
    let wrong = |pointer: String, code, message: String| {
        ApiError::Invalid(vec![FieldError { pointer, code, message }])
    };
    if !(1..=MAX_IDS).contains(&ids.len()) {
        let message = format!("must be a list of 1 to {MAX_IDS} ids");
        return Err(wrong("/ids".to_owned(), "value", message));
    }
    let read = ids.iter().enumerate().map(|(at, id)| {
        id.parse::<EquipmentId>()
            .map_err(|error| wrong(format!("/ids/{at}"), "format", format!("an id {error}")))
    });
    Ok(read.collect::<Result<BTreeSet<_>, _>>()?.into_iter().collect())
}
