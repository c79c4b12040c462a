//! The CI of the equipment: by the key that the event gives, by the one that inventory tools
//! wrote, by what its own id stands for in the federation, by name; that id is never taken for a key of iTop.

use super::{Found, ResolveError, Resolver, at_once, find, named, several};
use crate::{
    catalog::Freshness,
    desk::{CiList, DeskError},
    domain::{
        acknowledgement::{Acknowledgement, Ref},
        company_link::Named,
        keys::ObjectId,
        new_ticket::{Chosen, RefKind},
        notice::{CiWay, Notice},
    },
};

impl Resolver<'_> {
    /// The CI, if exactly one of this company fits.
    pub(super) async fn ci(
        &mut self,
        event: &Acknowledgement,
    ) -> Result<Option<Chosen>, ResolveError> {
        let ways = ways(event, self.federated);
        let Some(best) = ways.first() else { return Ok(None) };
        // One CI is asked for by itself where its list could have fifty thousand others.
        let asked = if self.doubts.of(RefKind::Ci) {
            match self.ask_for(&ways).await {
                // iTop tells apart names that differ in nothing but white space: a list does not.
                Ok(cis)
                    if self.doubts.of_a_name(RefKind::Ci)
                        && ways.iter().all(|way| judge(&cis, way).is_err()) =>
                {
                    match self.catalog.cis(self.org).get(Freshness::Cached).await {
                        Ok(reading) => {
                            return Ok(self.first_that_fits(&reading.listed.items, &ways));
                        }
                        Err(error) => Err(error),
                    }
                }
                asked => asked,
            }
        } else {
            match self.list(RefKind::Ci, self.catalog.cis(self.org)).await {
                Ok(None) if let Some(direct) = at_once(&best.wanted) => return Ok(Some(direct)),
                Ok(None) => self.ask_for(&ways).await,
                // The first way is the best one: where it fails, iTop may know more by now.
                Ok(Some(reading))
                    if judge(&reading.listed.items, best).is_err()
                        && self.catalog.may_lack(&reading) =>
                {
                    self.ask_for(&ways).await
                }
                Ok(Some(reading)) => return Ok(self.first_that_fits(&reading.listed.items, &ways)),
                Err(error) => Err(error),
            }
        };
        match asked {
            Ok(cis) => Ok(self.first_that_fits(&cis, &ways)),
            Err(error) => self.optional(error, RefKind::Ci).map(|()| None),
        }
    }

    /// The CIs that any of the ways may mean.
    async fn ask_for(&self, ways: &[Way]) -> Result<CiList, DeskError> {
        let keys = ways.iter().filter_map(|way| way.wanted.id.as_deref());
        let keys: Vec<_> =
            keys.filter(|key| self.catalog.desk().is_key(key)).map(ObjectId::new).collect();
        let names: Vec<_> = ways.iter().filter_map(|way| way.wanted.name.as_deref()).collect();
        self.catalog.cis_called(self.org, &keys, &names).await
    }

    fn first_that_fits(&mut self, cis: &CiList, ways: &[Way]) -> Option<Chosen> {
        for way in ways {
            match judge(cis, way).and_then(|ci| self.unless_refused(RefKind::Ci, ci)) {
                Ok(ci) => return Some(ci.into()),
                Err(why) => self.warnings.push(why),
            }
        }
        self.warnings.push(Notice::NoCi);
        None
    }
}

/// Whether an event names something that may be a CI.
pub(super) fn is_named(event: &Acknowledgement) -> bool {
    event.ci.is_some() || event.equipment.is_some()
}

/// A way to the CI, and how it is told of.
struct Way {
    told: CiWay,
    wanted: Ref,
}

fn ways(event: &Acknowledgement, federated: Option<&ObjectId>) -> Vec<Way> {
    let mut ways = Vec::new();
    if let Some(ci) = &event.ci {
        ways.push(Way { told: CiWay::Ci(ci.clone()), wanted: ci.clone() });
    }
    if let Some(equipment) = &event.equipment {
        let name = &equipment.name;
        if let Some(key) = &equipment.itsm_id {
            ways.push(Way {
                told: CiWay::ItsmId { key: key.clone(), equipment: name.clone() },
                wanted: Ref { id: Some(key.clone()), name: None },
            });
        }
        if let (Some(id), Some(key)) = (&equipment.id, federated) {
            ways.push(Way {
                told: CiWay::Federation { id: id.clone(), equipment: name.clone() },
                wanted: Ref { id: Some(key.to_string()), name: None },
            });
        }
        ways.push(Way {
            told: CiWay::Equipment(name.clone()),
            wanted: Ref { id: None, name: Some(name.clone()) },
        });
    }
    ways
}

fn judge(cis: &CiList, way: &Way) -> Result<Named, Notice> {
    let told = || way.told.clone();
    match find(cis.iter(), &way.wanted) {
        Found::One { item, .. } => Ok(named(&item)),
        Found::Several(items) => {
            Err(Notice::CiAmbiguous { way: told(), candidates: several(&items) })
        }
        Found::Nothing => Err(Notice::CiUnknown { way: told() }),
    }
}
