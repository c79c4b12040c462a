//! The ticket systems that are configured.

use std::collections::BTreeMap;

use super::{
    StartError,
    settings::{salesforce_settings, templates},
};
use crate::{
    catalog::Catalog,
    clock::Clock,
    config::Config,
    delivery::DeskSettings,
    desk::{Desk, DeskName, Desks, Served},
    domain::ticket_text::Templates,
    gate::Gate,
    itop, salesforce,
};

/// All of them, and the client of Salesforce, if that is one.
pub(super) fn wired(
    config: &Config,
    itop: &itop::Client,
    clock: &Clock,
) -> Result<(Desks, Option<salesforce::Client>), StartError> {
    let served = |desk: Desk| {
        let gate = Gate::new(clock.clone(), desk.name());
        let catalog =
            Catalog::new(desk, &gate, clock, config.catalog.clone(), config.ticket.clone());
        Served { catalog, gate }
    };
    let itop = served(itop.clone().into());
    let Some(section) = &config.salesforce else { return Ok((Desks::new(itop, []), None)) };
    let client = salesforce::Client::new(&salesforce_settings(section)?, clock.clone())?;
    let salesforce = served(client.clone().into());
    let desks = match config.links.desk {
        DeskName::Itop => Desks::new(itop, [salesforce]),
        DeskName::Salesforce => Desks::new(salesforce, [itop]),
    };
    Ok((desks, Some(client)))
}

/// What tickets are made of at each of them.
pub(super) fn settings(config: &Config) -> Result<BTreeMap<DeskName, DeskSettings>, StartError> {
    let ticket = &config.ticket;
    let itop = DeskSettings { team: ticket.team.clone(), templates: templates(ticket)? };
    let mut settings = BTreeMap::from([(DeskName::Itop, itop)]);
    if let Some(section) = &config.salesforce {
        let (title, description) = (ticket.title.as_deref(), ticket.description.as_deref());
        let templates = Templates::new(ticket.language, title, description, &section.fields)?;
        let of_salesforce = DeskSettings { team: section.queue.clone(), templates };
        settings.insert(DeskName::Salesforce, of_salesforce);
    }
    Ok(settings)
}
