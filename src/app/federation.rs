//! What keeps equipment in the CMDB, where `[cmdb]` says that something does.

use super::{StartError, client_settings};
use crate::{
    clock::Clock,
    cmdb::Federation,
    config::{Config, Unusable},
    delivery::Delivery,
    desk::{DeskName, Desks},
    itop::{self, Login, synchro::Doors},
    store::Store,
};

/// How the account of `[cmdb]` calls iTop; `None` without the section.
pub(super) fn account(config: &Config) -> Result<Option<itop::Settings>, StartError> {
    let Some(cmdb) = &config.cmdb else { return Ok(None) };
    let password = cmdb.password.clone();
    let password = password.ok_or(Unusable::Key("cmdb.password"))?;
    let login = Login::Form { user: cmdb.user.clone(), password };
    Ok(Some(itop::Settings { login, ..client_settings(config)? }))
}

/// Wires it up, if there is one.
pub(super) fn wired(
    config: &Config,
    desks: &Desks,
    store: &Store,
    delivery: &Delivery,
    clock: &Clock,
) -> Result<Option<Federation>, StartError> {
    let Some((cmdb, account)) = config.cmdb.as_ref().zip(account(config)?) else { return Ok(None) };
    let (itop, client) = desks.itop().ok_or(Unusable::Section(DeskName::Itop))?;
    let doors = Doors::new(client, &account, cmdb.timeout.duration())?;
    let (gate, delivery) = (itop.gate.clone(), delivery.clone());
    let federation =
        Federation::new(store.clone(), doors, gate, delivery, clock.clone(), cmdb.clone());
    Ok(Some(federation))
}
