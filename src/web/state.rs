//! What handlers can ask for.

use std::sync::Arc;

use axum::extract::FromRef;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{ApiTokens, ControlAnswers, Signer};
use crate::{
    board::Board,
    catalog::Catalog,
    clock::Clock,
    delivery::Delivery,
    domain::keys::{ControlId, Instance, TicketKey},
    itop,
    store::Store,
};

/// Everything behind the routes; a handler takes the parts that it uses. One pointer, because
/// each request clones it.
#[derive(Clone, Debug)]
pub struct AppState(Arc<Parts>);

/// What there is behind the routes.
#[derive(Debug)]
#[expect(missing_docs, reason = "the parts are documented where they are defined")]
pub struct Parts {
    pub store: Store,
    pub catalog: Catalog,
    pub delivery: Delivery,
    pub board: Board,
    pub clock: Clock,
    pub tokens: ApiTokens,
    pub addresses: Addresses,
    pub answers: ControlAnswers,
}

impl From<Parts> for AppState {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl std::ops::Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

macro_rules! part {
    ($($part:ident: $kind:ty),* $(,)?) => {$(
        impl FromRef<AppState> for $kind {
            fn from_ref(state: &AppState) -> Self {
                state.$part.clone()
            }
        }
    )*};
}

part! {
    store: Store,
    catalog: Catalog,
    delivery: Delivery,
    board: Board,
    clock: Clock,
    tokens: ApiTokens,
    addresses: Addresses,
    answers: ControlAnswers,
}

/// The addresses that answers link to. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Addresses {
    inner: Arc<AddressesInner>,
}

#[derive(Debug)]
struct AddressesInner {
    bridge: String,
    itop: String,
    signer: Signer,
}

impl Addresses {
    /// `bridge` and `itop` are the roots as people reach them.
    #[must_use]
    pub fn new(bridge: &str, itop: &str, signer: Signer) -> Self {
        let root = |url: &str| url.trim_end_matches('/').to_owned();
        let inner = AddressesInner { bridge: root(bridge), itop: root(itop), signer };
        Self { inner: Arc::new(inner) }
    }

    /// The page of a ticket in iTop.
    #[must_use]
    pub fn ticket(&self, key: &TicketKey) -> String {
        itop::address(&self.inner.itop, key)
    }

    /// The signed link by which a browser without a token gets to a control's ticket.
    #[must_use]
    pub fn open(&self, instance: &str, control: &str) -> String {
        let signature = self.inner.signer.sign(instance, control);
        format!(
            "{}/controls/{}/open?instance={}&signature={signature}",
            self.inner.bridge,
            encoded(control),
            encoded(instance)
        )
    }

    /// Whether a signature is that of this control.
    #[must_use]
    pub fn is_signed(&self, instance: &Instance, control: &ControlId, signature: &str) -> bool {
        self.inner.signer.verify(instance.as_str(), control.as_str(), signature)
    }
}

/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as a part of an address.
pub(super) fn encoded(text: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(text, RESERVED)
}
