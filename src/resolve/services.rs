//! Service and service element, by the company's contracts.

use std::collections::HashSet;

use super::{Found, ResolveError, Resolver, at_once, find, named, several};
use crate::{
    catalog::{Freshness, Reading},
    desk::Service,
    domain::{
        acknowledgement::{Acknowledgement, Ref},
        company_link::{CompanyLink, Named},
        keys::ObjectId,
        new_ticket::{Chosen, RefKind},
        notice::Notice,
    },
};

/// What the event or the link asks for.
struct Wanted {
    contract: Option<Ref>,
    service: Option<Ref>,
    element: Option<Ref>,
}

/// What came of it, and what was left out.
#[derive(Default)]
struct Choice {
    service: Option<Named>,
    element: Option<Named>,
    warnings: Vec<Notice>,
}

impl Resolver<'_> {
    /// The named service and element, else the link's.
    pub(super) async fn service(
        &mut self,
        event: &Acknowledgement,
        link: &CompanyLink,
    ) -> Result<(Option<Chosen>, Option<Chosen>), ResolveError> {
        let wanted = Wanted::of(event, link);
        if wanted.is_nothing() {
            return Ok((None, None));
        }
        // Both stand in one list: a doubt of one is a doubt of the other.
        let element = RefKind::ServiceElement;
        let kind = if self.doubts.of(element) { element } else { RefKind::Service };
        let mut reading = match self.list(kind, self.catalog.services(self.org)).await {
            Ok(Some(reading)) => Ok(reading),
            Ok(None) => match wanted.at_once() {
                Some(direct) => return Ok(direct),
                None => self.catalog.services(self.org).get(Freshness::Cached).await,
            },
            Err(error) => Err(error),
        };
        if reading.as_ref().is_ok_and(|reading| !choose(reading, &wanted).warnings.is_empty()) {
            reading = self.catalog.services(self.org).get(self.catalog.on_miss()).await;
        }
        match reading {
            Ok(reading) => {
                let choice = choose(&reading, &wanted);
                self.warnings.extend(choice.warnings);
                let service = self.kept(RefKind::Service, choice.service);
                // An element goes with its service.
                let element = choice.element.filter(|_| service.is_some());
                let element = self.kept(RefKind::ServiceElement, element);
                Ok((service, element))
            }
            Err(error) => self.optional(error, RefKind::Service).map(|()| (None, None)),
        }
    }

    /// What was found, unless iTop has refused it twice.
    fn kept(&mut self, kind: RefKind, found: Option<Named>) -> Option<Chosen> {
        match self.unless_refused(kind, found?) {
            Ok(named) => Some(named.into()),
            Err(notice) => {
                self.warnings.push(notice);
                None
            }
        }
    }
}

/// Whether an event or its link names a service, an element or a contract.
pub(super) fn are_named(event: &Acknowledgement, link: &CompanyLink) -> bool {
    !Wanted::of(event, link).is_nothing()
}

impl Wanted {
    fn is_nothing(&self) -> bool {
        self.contract.is_none() && self.service.is_none() && self.element.is_none()
    }

    /// Service and element without a look into a list: not where a contract narrows them, or an
    /// element has to tell its service.
    fn at_once(&self) -> Option<(Option<Chosen>, Option<Chosen>)> {
        if self.contract.is_some() {
            return None;
        }
        let service = at_once(self.service.as_ref()?)?;
        let element = match &self.element {
            Some(element) => Some(at_once(element)?),
            None => None,
        };
        Some((Some(service), element))
    }

    fn of(event: &Acknowledgement, link: &CompanyLink) -> Self {
        let by_key = |default: &Option<Named>| {
            default.as_ref().map(|named| Ref { id: Some(named.id.to_string()), name: None })
        };
        let mut service = event.service.clone();
        let mut element = event.service_element.clone();
        // The link's element belongs to the link's service: it is no default for another one.
        if service.is_none() && element.is_none() {
            service = by_key(&link.defaults.service);
            element = by_key(&link.defaults.service_element);
        }
        Self { contract: event.contract.clone(), service, element }
    }
}

fn choose(reading: &Reading<Vec<Service>>, wanted: &Wanted) -> Choice {
    let mut choice = Choice::default();
    let contract = choice.contract(&reading.listed.items, wanted);
    let in_contract = |service: &Service| {
        let has = |id: &ObjectId| service.contracts.iter().any(|contract| contract.id == *id);
        contract.as_ref().is_none_or(has)
    };
    let services: Vec<Service> =
        reading.listed.items.iter().filter(|service| in_contract(service)).cloned().collect();
    if let Some(service) = &wanted.service {
        let wanted_one = service.clone();
        choice.warnings.push(match find(&services, service) {
            Found::One { item, renamed } => {
                choice.service = Some(named(item));
                if renamed {
                    let (kind, name) = (RefKind::Service, item.name.clone());
                    let renamed = Notice::CalledOtherwise { kind, wanted: wanted_one, name };
                    choice.warnings.push(renamed);
                }
                choice.element(item, wanted);
                return choice;
            }
            Found::Several(items) => {
                Notice::ServiceAmbiguous { wanted: wanted_one, candidates: several(&items) }
            }
            Found::Nothing if contract.is_some() => {
                Notice::ServiceNotInContract { wanted: wanted_one }
            }
            Found::Nothing => Notice::ServiceInNoContract { wanted: wanted_one },
        });
        if let Some(element) = &wanted.element {
            choice.warnings.push(Notice::ElementWithoutService { wanted: element.clone() });
        }
    } else if let Some(element) = &wanted.element {
        choice.element_alone(&services, element);
    }
    choice
}

impl Choice {
    fn contract(&mut self, services: &[Service], wanted: &Wanted) -> Option<ObjectId> {
        let contract = wanted.contract.as_ref()?;
        let mut contracts: Vec<_> =
            services.iter().flat_map(|service| service.contracts.clone()).collect();
        let mut seen = HashSet::new();
        contracts.retain(|contract| seen.insert(contract.id.clone()));
        let wanted = contract.clone();
        self.warnings.push(match find(&contracts, contract) {
            Found::One { item, .. } => return Some(item.id.clone()),
            Found::Several(items) => {
                Notice::ContractAmbiguous { wanted, candidates: several(&items) }
            }
            Found::Nothing => Notice::ContractUnknown { wanted },
        });
        None
    }

    /// An element of the chosen service.
    fn element(&mut self, service: &Service, wanted: &Wanted) {
        let Some(element) = &wanted.element else { return };
        let wanted = element.clone();
        self.warnings.push(match find(&service.elements, element) {
            Found::One { item, .. } => {
                self.element = Some(named(item));
                return;
            }
            Found::Several(items) => {
                Notice::ElementAmbiguous { wanted, candidates: several(&items) }
            }
            Found::Nothing => Notice::ElementNotOfService { wanted, service: service.name.clone() },
        });
    }

    /// An element whose service was not named: it tells the service, if only one has it.
    fn element_alone(&mut self, services: &[Service], element: &Ref) {
        let elements: Vec<_> =
            services.iter().flat_map(|service| service.elements.clone()).collect();
        let wanted = element.clone();
        self.warnings.push(match find(&elements, element) {
            Found::One { item, .. } => {
                let owner = services
                    .iter()
                    .find(|service| service.elements.iter().any(|element| element.id == item.id));
                self.service = owner.map(named);
                self.element = Some(named(item));
                return;
            }
            Found::Several(items) => {
                let has_one = |service: &&Service| {
                    service.elements.iter().any(|element| items.contains(&element))
                };
                match &services.iter().filter(has_one).collect::<Vec<_>>()[..] {
                    [_] => Notice::ElementAmbiguous { wanted, candidates: several(&items) },
                    owners => {
                        Notice::ElementInSeveralServices { wanted, services: several(owners) }
                    }
                }
            }
            Found::Nothing => Notice::ElementInNoService { wanted },
        });
    }
}
