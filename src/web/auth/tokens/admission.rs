//! Whether one more request is taken from its sender: who that is, and what it may still ask for.

use std::sync::Arc;

use axum::http::request::Parts;
use percent_encoding::percent_decode_str;

use super::{ApiTokens, Callers};
use crate::web::{
    ALWAYS_ANSWERED, IN_PATH,
    auth::{Caller, Identified},
    client::Client,
    problem::ApiError,
};

impl ApiTokens {
    /// Finds out who has sent a request, once for all who ask, and takes it from what that caller may ask for;
    /// tells why it is refused, if it is.
    pub(in crate::web) fn admit(&self, parts: &mut Parts, client: Client) -> Option<ApiError> {
        let path = parts.uri.path().trim_end_matches('/');
        let callers = self.callers.borrow();
        let refused = if ALWAYS_ANSWERED.contains(&path) {
            None
        } else if let Some(token) = path.strip_prefix(IN_PATH) {
            let token = percent_decode_str(token).decode_utf8_lossy();
            self.take(&callers, callers.in_path(&token).as_ref(), client).err()
        } else {
            let found = callers.known(parts, &self.sessions);
            let caller = found.as_ref().map(|known| &known.caller).ok();
            let refused = self.take(&callers, caller, client).err();
            parts.extensions.insert(Identified(found));
            refused
        };
        drop(callers);
        refused
    }

    /// Takes a request from what the one who has signed it may ask for: who that is was not known before.
    pub(in crate::web) fn admit_signer(&self, caller: &Caller) -> Result<(), ApiError> {
        self.take_from(caller)
    }

    fn take(
        &self,
        callers: &Callers,
        caller: Option<&Arc<Caller>>,
        Client(address): Client,
    ) -> Result<(), ApiError> {
        match (caller, callers) {
            (Some(caller), _) => self.take_from(caller),
            (None, Callers::Anyone(anyone)) => self.take_from(anyone),
            (None, Callers::Known { strangers, .. }) => strangers
                .take(address)
                .map_err(|wait| self.refusals.of_address(address, strangers.rate(), wait)),
        }
    }

    fn take_from(&self, caller: &Caller) -> Result<(), ApiError> {
        let allowance = &caller.allowance;
        allowance
            .take()
            .map_err(|wait| self.refusals.of_token(&caller.called(), allowance.rate(), wait))
    }

    /// How many requests were refused because they came too often, by whose rate it was.
    pub(in crate::web) fn refused_by_rate(&self) -> [(&'static str, u64); 2] {
        self.refusals.counts()
    }
}
