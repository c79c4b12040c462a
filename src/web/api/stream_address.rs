//! Who may listen to which changes: by a token, or by an address that was signed for one.
//!
//! A page in a browser opens an event stream by its address alone (`EventSource` sends no header of the
//! page's choice), and a token in an address would stand in the log of each proxy. So whoever has a
//! token asks for an address first, which is good for one stream and for a moment.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{HeaderValue, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{acknowledgements::parsed, links::party_key};
use crate::{
    clock::{Clock, later},
    domain::{
        keys::{Instance, PartyKey},
        visible::Visible,
    },
    web::{
        Addresses, AppState, STREAM,
        addresses::encoded,
        auth::{Caller, Reader},
        content::NoBody,
        parameters::Params,
        problem::ApiError,
    },
};

/// How long after it was asked for an address can be opened.
const LIFETIME: Duration = Duration::from_mins(1);

/// What such a signature is for.
const PURPOSE: &str = "stream";

#[derive(Deserialize, JsonSchema)]
pub(in crate::web) struct StreamParams {
    instance: Option<String>,
    company: Option<String>,
    /// The name of the token that asked for this address.
    caller: Option<String>,
    /// Until when it can be opened, in seconds since 1970.
    expires: Option<i64>,
    signature: Option<String>,
}

/// Which changes are wanted, and by whom.
pub(in crate::web) struct Wanted {
    pub(super) caller: Arc<Caller>,
    pub(super) visible: Visible,
    pub(super) company: Option<PartyKey>,
}

impl FromRequestParts<AppState> for Wanted {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let params = Params::<StreamParams>::from_request_parts(parts, state).await;
        if let Ok(Params(params)) = &params
            && params.signature.is_some()
        {
            return signed_for(state, params).ok_or(ApiError::Unauthorized);
        }
        // Whoever may not call learns nothing of what is wrong with the address.
        let Reader(caller) = Reader::from_request_parts(parts, state).await?;
        Self::new(caller, &params?.0)
    }
}

impl Wanted {
    fn new(caller: Arc<Caller>, params: &StreamParams) -> Result<Self, ApiError> {
        let named: Option<Instance> = parsed("instance", params.instance.clone())?;
        let visible = caller.narrowed_to(named.as_ref())?;
        let company = params.company.as_deref().map(party_key).transpose()?;
        Ok(Self { caller, visible, company })
    }

    /// What an address says before its signature.
    fn query(&self, expires: i64) -> String {
        let (instance, company) = (self.visible.instance(), self.company.as_ref());
        let own = [
            ("expires", Some(expires.to_string())),
            ("caller", Some(self.caller.name.clone())),
            ("instance", instance.map(ToString::to_string)),
            ("company", company.map(ToString::to_string)),
        ];
        let own = own.into_iter().filter_map(|(name, value)| Some((name, value?)));
        own.map(|(name, value)| format!("{name}={}", encoded(&value))).collect::<Vec<_>>().join("&")
    }
}

/// `POST /api/v1/tickets/stream/address`: an address of the stream that needs no token.
pub(in crate::web) async fn address(
    Reader(caller): Reader,
    State(addresses): State<Addresses>,
    State(clock): State<Clock>,
    Params(params): Params<StreamParams>,
    _: NoBody,
) -> Result<Response, ApiError> {
    if !caller.has_token() {
        return Err(ApiError::Forbidden(
            "An address is signed for a token. Whoever comes through the proxy opens the stream itself, \
             by the same way."
                .to_owned(),
        ));
    }
    let wanted = Wanted::new(caller, &params)?;
    let expires = later(clock.now(), LIFETIME).as_second();
    let query = wanted.query(expires);
    let address = addresses.signed(STREAM, &query, PURPOSE, &[wanted.caller.id.expose(), &query]);
    let expires_at = Timestamp::from_second(expires).unwrap_or(Timestamp::MAX);
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((no_store, Json(json!({"address": address, "expires_at": expires_at}))).into_response())
}

/// What an address was signed for, if it was, and may still be opened.
fn signed_for(state: &AppState, params: &StreamParams) -> Option<Wanted> {
    let (name, signature) = (params.caller.as_deref()?, params.signature.as_deref()?);
    // After the clock was put back, none is good for longer than it was meant to be.
    let now = state.clock.now();
    let expires = params
        .expires
        .filter(|expires| (now.as_second()..=later(now, LIFETIME).as_second()).contains(expires))?;
    state.tokens.named(name).into_iter().find_map(|caller| {
        let Reader(caller) = Reader::of(caller).ok()?;
        let wanted = Wanted::new(caller, params).ok()?;
        let signed = [wanted.caller.id.expose(), &wanted.query(expires)];
        state.addresses.verifies(PURPOSE, &signed, signature).then_some(wanted)
    })
}
