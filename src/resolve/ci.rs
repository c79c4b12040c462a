//! The CI of the equipment: by the key that the event gives, by the one that inventory tools
//! wrote, by name; ServiceNav's own id of the equipment is never taken for a key of iTop.

use super::{Found, ResolveError, Resolver, candidates, find, named};
use crate::{
    catalog::{Freshness, Reading},
    domain::acknowledgement::{Acknowledgement, Ref},
    itop::CiList,
    store::Named,
};

impl Resolver<'_> {
    /// The CI, if exactly one of this company fits.
    pub(super) async fn ci(
        &mut self,
        event: &Acknowledgement,
    ) -> Result<Option<Named>, ResolveError> {
        let ways = ways(event);
        if ways.is_empty() {
            return Ok(None);
        }
        let mut reading = self.catalog.cis(self.org, Freshness::Cached).await;
        // The first way is the best one: where it fails, a newer list may know.
        if reading.as_ref().is_ok_and(|reading| judge(reading, &ways[0]).is_err()) {
            reading = self.catalog.cis(self.org, self.catalog.on_miss()).await;
        }
        let reading = match reading {
            Ok(reading) => reading,
            Err(error) => return self.optional(error, "CIs").map(|()| None),
        };
        for way in &ways {
            match judge(&reading, way) {
                Ok(ci) => return Ok(Some(ci)),
                Err(why) => self.warnings.push(why),
            }
        }
        self.warnings.push("The ticket has no CI.".to_owned());
        Ok(None)
    }
}

/// A way to the CI, and what it is called in a sentence.
struct Way {
    what: String,
    wanted: Ref,
}

fn ways(event: &Acknowledgement) -> Vec<Way> {
    let mut ways = Vec::new();
    if let Some(ci) = &event.ci {
        ways.push(Way { what: format!("CI {}", super::shown(ci)), wanted: ci.clone() });
    }
    if let Some(equipment) = &event.equipment {
        if let Some(key) = &equipment.itsm_id {
            ways.push(Way {
                what: format!("The itsm_id {key} of equipment '{}'", equipment.name),
                wanted: Ref { id: Some(key.clone()), name: None },
            });
        }
        ways.push(Way {
            what: format!("Equipment '{}'", equipment.name),
            wanted: Ref { id: None, name: Some(equipment.name.clone()) },
        });
    }
    ways
}

fn judge(reading: &Reading<CiList>, way: &Way) -> Result<Named, String> {
    match find(reading.listed.items.iter(), &way.wanted) {
        Found::One { item, .. } => Ok(named(&item)),
        Found::Several(several) => Err(format!(
            "{} is the name of several CIs of this company in iTop: {}.",
            way.what,
            candidates(&several)
        )),
        Found::Nothing => Err(format!("{} is no active CI of this company in iTop.", way.what)),
    }
}
