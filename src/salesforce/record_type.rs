//! Which record type new Cases have. The configuration names it as people do; its id is the org's own.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{Client, Error, Refusal, ids::is_id};
use crate::{clock::Moment, domain::new_ticket::RefKind, outgoing::Use};

/// How long an id is kept.
const KEPT: Duration = Duration::from_hours(1);

/// Of the name that was asked for last the id. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct RecordTypes(Arc<Mutex<Option<(String, String, Moment)>>>);

impl Client {
    /// The id of the record type of new Cases; `None` where none is configured.
    pub(super) async fn record_type(&self) -> Result<Option<String>, Error> {
        let Some(name) = self.line().settings.mapping.record_type.clone() else { return Ok(None) };
        if is_id(&name) {
            return Ok(Some(name));
        }
        let now = self.clock.moment();
        let known = self.record_types.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((known, id, at)) = known
            && known == name
            && now.since(at) < KEPT
        {
            return Ok(Some(id));
        }
        let case = self.described(Use::Read, super::CASE).await?;
        let named = case.record_types.iter().find(|kind| kind.developer_name == name);
        let Some(id) = named.filter(|kind| kind.is_usable()).map(|kind| kind.id.clone()) else {
            return Err(Error::Refused(Refusal {
                status: 404,
                code: "INVALID_CROSS_REFERENCE_KEY".to_owned(),
                fields: vec!["RecordTypeId".to_owned()],
                message: format!(
                    "there is no active record type {name} for the user of the bridge"
                ),
                kind: None::<RefKind>,
            }));
        };
        let mut kept = self.record_types.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some((name, id.clone(), now));
        Ok(Some(id))
    }
}
