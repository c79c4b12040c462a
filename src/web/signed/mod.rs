//! What whoever has a signed link is shown of a control: where its ticket is in iTop (`open`), a badge
//! for pages that show pictures, a card for pages that show frames. One signature is good for all
//! three, which only read, for as long as the control is of the company that it was signed for: each row
//! of a board of thousands is signed once instead of three times.

pub(super) mod badge;
pub(super) mod card;
mod glyphs;
pub(super) mod open;
mod svg;

use axum::{extract::FromRequestParts, http::request::Parts};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Addresses, AppState, api::acknowledgements::parsed, parameters::Params, problem::ApiError, view,
};
use crate::{
    domain::{
        keys::{ControlId, Instance, PartyKey},
        priority::Priority,
        ticket_status::Presence,
        visible::Visible,
    },
    store::{Controls, TicketOfControl},
};

/// What stands in a signed link.
#[derive(Deserialize, JsonSchema)]
pub(super) struct LinkParams {
    control: Option<String>,
    instance: Option<String>,
    company: Option<String>,
    signature: Option<String>,
}

/// The control of a link that this bridge has signed.
pub(super) struct Signed {
    instance: Instance,
    control: ControlId,
    company: PartyKey,
}

/// The control of a link; none where the link was not signed by this bridge for that control.
pub(super) struct MaybeSigned(Option<Signed>);

impl FromRequestParts<AppState> for MaybeSigned {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let Params(params) = Params::<LinkParams>::from_request_parts(parts, state).await?;
        Signed::of(params, &state.addresses).map(Self)
    }
}

impl Signed {
    fn of(params: LinkParams, addresses: &Addresses) -> Result<Option<Self>, ApiError> {
        let instance: Option<Instance> = parsed("instance", params.instance)?;
        let instance = instance.unwrap_or_default();
        let control: Option<ControlId> = parsed("control", params.control)?;
        let company: Option<PartyKey> = parsed("company", params.company)?;
        let signature = params.signature.unwrap_or_default();
        let named = control.zip(company);
        Ok(named
            .filter(|(control, company)| {
                addresses.is_signed(&instance, company, control, &signature)
            })
            .map(|(control, company)| Self { instance, control, company }))
    }

    /// What is stored of it. A control that has moved to another company takes nobody along.
    async fn stored(&self, state: &AppState) -> Result<Controls, ApiError> {
        let Self { instance, control, company } = self;
        let visible = Visible::of_companies(instance.clone(), [company]);
        Ok(state.store.controls(instance, std::slice::from_ref(control), &visible).await?)
    }

    /// What may be shown of it now. Nobody waits for iTop here: a status that is old is read again for
    /// whoever looks next.
    async fn shown(&self, state: &AppState) -> Result<Shown, ApiError> {
        let Controls { tickets, rows } = self.stored(state).await?;
        if let Some(found) = tickets.first() {
            if state.clock.at_latest() >= state.board.refresh_from(&found.ticket) {
                state.board.refresh_ahead([found.ticket.aged()]);
            }
            let name = found.mapping.control_name.clone();
            return Ok(Shown { name: Some(name), is: Is::of(found) });
        }
        let rows: Vec<_> = rows.iter().collect();
        let is = match view::newest_pending(&rows) {
            Some(_) => Is::OnItsWay,
            None => Is::Without,
        };
        let name = rows.iter().max_by_key(|row| row.id).and_then(|row| row.control_name.clone());
        Ok(Shown { name, is })
    }
}

/// What is shown of a control.
struct Shown {
    /// Of the control.
    name: Option<String>,
    is: Is,
}

/// How it is about a control's ticket.
enum Is {
    /// It can be seen.
    Ticket(Box<Seen>),
    /// It has this number, and the account of the bridge does not see it any more.
    NotVisible(String),
    /// It had this number, and has been deleted in iTop.
    Deleted(String),
    /// It belongs to another organization by now: nothing of it is told.
    Moved,
    /// The next one waits or is being made.
    OnItsWay,
    /// There is none.
    Without,
}

/// What is shown of a ticket.
struct Seen {
    number: String,
    /// iTop's code.
    status: String,
    operational_status: String,
    priority: Option<Priority>,
    team: Option<String>,
    agent: Option<String>,
    /// When iTop gave this.
    as_of: jiff::Timestamp,
}

impl Is {
    fn of(found: &TicketOfControl) -> Self {
        let status = &found.ticket.status;
        let number = || status.number.clone();
        if found.is_hidden {
            return Self::Moved;
        }
        match found.ticket.presence {
            Presence::Deleted => Self::Deleted(number()),
            Presence::NotVisible => Self::NotVisible(number()),
            Presence::Present => Self::Ticket(Box::new(Seen {
                number: number(),
                status: status.status.clone(),
                operational_status: status.operational_status.clone(),
                priority: status.priority,
                team: status.team.clone(),
                agent: status.agent.clone(),
                as_of: found.ticket.as_of,
            })),
        }
    }
}
