//! Service and service element, by the company's contracts.

use super::{Found, ResolveError, Resolver, candidates, find, named, shown};
use crate::{
    catalog::{Freshness, Reading},
    domain::{
        acknowledgement::{Acknowledgement, Ref},
        keys::ObjectId,
    },
    itop::Service,
    store::{CompanyLink, Named},
};

/// What the event or the link asks for.
struct Wanted {
    contract: Option<Ref>,
    service: Option<Ref>,
    element: Option<Ref>,
}

/// What came of it, with a sentence for each thing left out.
#[derive(Default)]
struct Choice {
    service: Option<Named>,
    element: Option<Named>,
    warnings: Vec<String>,
}

impl Resolver<'_> {
    /// The named service and element, else the link's.
    pub(super) async fn service(
        &mut self,
        event: &Acknowledgement,
        link: &CompanyLink,
    ) -> Result<(Option<Named>, Option<Named>), ResolveError> {
        let wanted = Wanted::of(event, link);
        if wanted.contract.is_none() && wanted.service.is_none() && wanted.element.is_none() {
            return Ok((None, None));
        }
        let mut reading = self.catalog.services(self.org, Freshness::Cached).await;
        if reading.as_ref().is_ok_and(|reading| !choose(reading, &wanted).warnings.is_empty()) {
            reading = self.catalog.services(self.org, self.catalog.on_miss()).await;
        }
        match reading {
            Ok(reading) => {
                let choice = choose(&reading, &wanted);
                self.warnings.extend(choice.warnings);
                Ok((choice.service, choice.element))
            }
            Err(error) => self.optional(error, "services").map(|()| (None, None)),
        }
    }
}

impl Wanted {
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
        contract.is_none_or(|id| service.contracts.iter().any(|contract| contract.id == id))
    };
    let services: Vec<Service> =
        reading.listed.items.iter().filter(|service| in_contract(service)).cloned().collect();
    if let Some(service) = &wanted.service {
        let found = find(&services, service);
        let why = match found {
            Found::One { item, renamed } => {
                choice.service = Some(named(item));
                if renamed {
                    choice.warnings.push(format!(
                        "Service {} is called '{}' in iTop; the key decides.",
                        shown(service),
                        item.name
                    ));
                }
                choice.element(item, wanted);
                return choice;
            }
            Found::Several(several) => format!("is ambiguous: {}", candidates(&several)),
            Found::Nothing if contract.is_some() => {
                "is not in the named contract of this company in iTop".to_owned()
            }
            Found::Nothing => "is in no contract of this company in iTop".to_owned(),
        };
        choice.warnings.push(format!("Service {} {why}; the ticket has none.", shown(service)));
        if let Some(element) = &wanted.element {
            choice
                .warnings
                .push(format!("Service element {} was left out with its service.", shown(element)));
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
        contracts.sort_by_key(|contract| contract.id);
        contracts.dedup_by_key(|contract| contract.id);
        let why = match find(&contracts, contract) {
            Found::One { item, .. } => return Some(item.id),
            Found::Several(several) => format!("is ambiguous: {}", candidates(&several)),
            Found::Nothing => "is no contract of this company in iTop".to_owned(),
        };
        self.warnings
            .push(format!("Contract {} {why}; it does not narrow the services.", shown(contract)));
        None
    }

    /// An element of the chosen service.
    fn element(&mut self, service: &Service, wanted: &Wanted) {
        let Some(element) = &wanted.element else { return };
        let why = match find(&service.elements, element) {
            Found::One { item, .. } => {
                self.element = Some(named(item));
                return;
            }
            Found::Several(several) => format!("is ambiguous: {}", candidates(&several)),
            Found::Nothing => {
                format!("is no element of service '{}' that such a ticket can have", service.name)
            }
        };
        self.warnings
            .push(format!("Service element {} {why}; the ticket has none.", shown(element)));
    }

    /// An element whose service was not named: it tells the service, if only one has it.
    fn element_alone(&mut self, services: &[Service], wanted: &Ref) {
        let elements: Vec<_> =
            services.iter().flat_map(|service| service.elements.clone()).collect();
        let why = match find(&elements, wanted) {
            Found::One { item, .. } => {
                let owner = services
                    .iter()
                    .find(|service| service.elements.iter().any(|element| element.id == item.id));
                self.service = owner.map(named);
                self.element = Some(named(item));
                return;
            }
            Found::Several(several) => {
                let has_one = |service: &&Service| {
                    service.elements.iter().any(|element| several.contains(&element))
                };
                match &services.iter().filter(has_one).collect::<Vec<_>>()[..] {
                    [_] => format!("is ambiguous: {}", candidates(&several)),
                    owners => format!(
                        "stands in several services ({}), and none was named",
                        candidates(owners)
                    ),
                }
            }
            Found::Nothing => {
                "is in no service of this company's contracts that such a ticket can have"
                    .to_owned()
            }
        };
        self.warnings
            .push(format!("Service element {} {why}; the ticket has none.", shown(wanted)));
    }
}
