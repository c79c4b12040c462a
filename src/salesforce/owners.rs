//! What the owners of Cases are called. The call that reads two thousand Cases at once brings ids alone;
//! names are read beside it, and kept for an hour.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::Deserialize;
use serde_json::json;

use super::{Client, Error, call::Call, ids::is_id, soql};
use crate::{clock::Moment, outgoing::Use};

/// How long a name is kept.
const KEPT: Duration = Duration::from_hours(1);

/// How many names are kept; an org has fewer queues and agents.
const MOST: usize = 50_000;

/// How many records are read at once.
const AT_ONCE: usize = 2_000;

/// How ids of queues begin.
const GROUP: &str = "00G";

/// The names of owners. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Owners(Arc<Mutex<HashMap<String, (String, Moment)>>>);

/// Whose a Case is: a queue or an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) team: Option<String>,
    pub(super) agent: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    id: String,
    name: Option<String>,
}

impl Owners {
    /// Who an id is, as far as that is known.
    pub(super) fn of(&self, id: &str) -> Owner {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = known.get(id).map(|(name, _)| name.clone()).filter(|name| !name.is_empty());
        if id.starts_with(GROUP) {
            Owner { team: name, agent: None }
        } else {
            Owner { team: None, agent: name }
        }
    }

    fn unknown<'i>(&self, ids: impl Iterator<Item = &'i str>, now: Moment) -> BTreeSet<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = |id: &str| known.get(id).is_some_and(|(_, at)| now.since(*at) < KEPT);
        ids.filter(|id| is_id(id) && !is_fresh(id)).map(ToOwned::to_owned).collect()
    }

    fn keep(&self, names: impl IntoIterator<Item = (String, String)>, now: Moment) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() > MOST {
            known.clear();
        }
        known.extend(names.into_iter().map(|(id, name)| (id, (name, now))));
    }
}

impl Client {
    /// Reads what owners are called, as far as it is not known: one call for queues and one for agents.
    /// An owner that is not visible has no name. A failure leaves names out: nothing depends on them.
    pub(super) async fn name_owners(&self, ids: impl Iterator<Item = &str>) {
        let now = self.clock.moment();
        let unknown = self.owners.unknown(ids, now);
        let (groups, users): (Vec<_>, Vec<_>) =
            unknown.into_iter().partition(|id| id.starts_with(GROUP));
        for (object, ids) in [("Group", groups), ("User", users)] {
            for ids in ids.chunks(AT_ONCE) {
                match self.names(object, ids).await {
                    Ok(named) => {
                        let nameless = ids.iter().map(|id| (id.clone(), String::new()));
                        let named = named
                            .into_iter()
                            .map(|named| (named.id, named.name.unwrap_or_default()));
                        self.owners.keep(nameless.chain(named), now);
                    }
                    Err(error) => {
                        tracing::debug!(%error, "the owners of Cases could not be named");
                    }
                }
            }
        }
    }

    async fn names(&self, object: &str, ids: &[String]) -> Result<Vec<Named>, Error> {
        let body = json!({"ids": ids, "fields": ["Id", "Name"]});
        let call = Call::post(format!("/composite/sobjects/{object}"), body);
        let json = self.call(Use::Read, call).await?;
        let records = json.as_array().cloned().unwrap_or_default();
        Ok(soql::decoded(records).collect())
    }
}
