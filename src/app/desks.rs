//! The ticket systems that are configured.

use super::StartError;
use crate::{
    catalog::Catalog,
    clock::Clock,
    config::{Config, Unusable},
    delivery::DeskSettings,
    desk::{Desk, DeskName, Desks, Served},
    domain::ticket_text::TemplateError,
    gate::Gate,
    outgoing,
};

/// All of them, the one of companies without a link first.
pub(super) fn wired(config: &Config, clock: &Clock) -> Result<Desks, StartError> {
    let served = |name| {
        let desk = Desk::configured(name, config, clock)?;
        if let Some(outgoing::Proxy { address, variable, .. }) = outgoing::proxy(&desk.called()) {
            tracing::info!(proxy = address, variable, "{} is called through a proxy", name.title());
        }
        let gate = Gate::new(clock.clone(), name);
        let catalog =
            Catalog::new(desk, &gate, clock, config.catalog.clone(), config.ticket.clone());
        Ok::<_, StartError>(Served { catalog, gate })
    };
    let default = config.default_desk();
    if !config.has(default) {
        return Err(Unusable::Section(default).into());
    }
    let others = config.desks().filter(|name| *name != default);
    Ok(Desks::new(served(default)?, others.map(served).collect::<Result<Vec<_>, _>>()?))
}

/// What tickets are made of at each of them.
pub(super) fn settings(
    config: &Config,
) -> Result<impl IntoIterator<Item = (DeskName, DeskSettings)>, TemplateError> {
    let of = |name| {
        let team = config.team(name).map(str::to_owned);
        Ok((name, DeskSettings { team, templates: config.templates(name)? }))
    };
    config.desks().map(of).collect::<Result<Vec<_>, _>>()
}
