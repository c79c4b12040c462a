//! What says that a body is of somebody who has signed it: three headers of the Standard Webhooks scheme.

use axum::http::{HeaderMap, HeaderName};

use crate::{
    domain::standard_webhooks::{ID_HEADER, Key, SIGNATURE_HEADER, TIMESTAMP_HEADER, verify},
    web::problem::ApiError,
};

/// The longest id of a message, in bytes.
const MAX_ID: usize = 200;

/// The headers of a message that is signed, as they were sent.
#[derive(Clone, Debug)]
pub(in crate::web) struct Signed {
    /// Of the message: the same each time it is sent.
    pub(in crate::web) id: String,
    /// When it was signed, in seconds since 1970.
    pub(in crate::web) timestamp: i64,
    signatures: String,
}

impl Signed {
    /// Whether there is a signature.
    pub(super) fn is_in(headers: &HeaderMap) -> bool {
        headers.contains_key(SIGNATURE_HEADER)
    }

    /// The headers of a message; `None` where there is no signature.
    ///
    /// # Errors
    /// There is one, and what belongs to it is missing, stands there twice, or is none.
    pub(in crate::web) fn of(headers: &HeaderMap) -> Result<Option<Self>, ApiError> {
        if !Self::is_in(headers) {
            return Ok(None);
        }
        let once = |name: &'static str| {
            let mut values = headers.get_all(HeaderName::from_static(name)).iter();
            let value = values.next().filter(|_| values.next().is_none())?;
            value.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
        };
        let read = || {
            let id = once(ID_HEADER).filter(|id| id.len() <= MAX_ID)?;
            let timestamp = once(TIMESTAMP_HEADER)?.parse().ok()?;
            let signatures = once(SIGNATURE_HEADER)?;
            Some(Self { id: id.to_owned(), timestamp, signatures: signatures.to_owned() })
        };
        read().map(Some).ok_or(ApiError::WrongSignature(
            "A signed post has the headers webhook-id (at most 200 characters), webhook-timestamp \
             (seconds since 1970) and webhook-signature, each once.",
        ))
    }

    /// Whether one of these keys has signed it with this body, as it came.
    pub(super) fn is_by(&self, keys: &[Key], body: &[u8]) -> bool {
        verify(keys, &self.id, self.timestamp, body, &self.signatures)
    }
}
