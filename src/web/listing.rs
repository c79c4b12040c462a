//! Lists in answers: how long they are, in which pages they come, and how they are packed.

use axum::{
    body::Bytes,
    response::{IntoResponse as _, Response},
};
use jiff::Timestamp;
use serde::Serialize;
use tower_http::{
    CompressionLevel,
    compression::{CompressionLayer, predicate::SizeAbove},
};

use super::{
    entity_tag::{KnownTags, tag_of, unless_known},
    problem::ApiError,
};

/// Items in an answer unless `limit` says otherwise.
pub(super) const DEFAULT_LIMIT: usize = 100;

/// Items in an answer at most.
pub(super) const MAX_LIMIT: usize = 1_000;

/// Tickets in an answer at most: a dashboard shows the whole board of most providers.
pub(super) const MAX_TICKETS: usize = 10_000;

/// Bodies of more bytes than this are packed: below, the network takes no time worth the work.
const PACKED_ABOVE: u64 = 8 << 10;

/// Packs long lists where the caller takes them so. The lowest level is enough: it packs a
/// thousand CIs, 50 kB, to a tenth in 0.1 ms.
pub(super) fn packed() -> CompressionLayer<SizeAbove> {
    let above = SizeAbove::new(PACKED_ABOVE);
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(above)
}

/// `limit`, within its bounds.
pub(super) fn limit(asked: Option<usize>, default: usize, most: usize) -> Result<usize, ApiError> {
    let limit = asked.unwrap_or(default);
    if (1..=most).contains(&limit) {
        return Ok(limit);
    }
    Err(ApiError::BadParameter(format!("'limit' must be from 1 to {most}, not {limit}.")))
}

/// What an answer says beside the items of a list.
#[derive(Serialize)]
pub(super) struct Page {
    /// When iTop gave the list.
    pub(super) as_of: Timestamp,
    /// Whether iTop could not give a newer one.
    pub(super) stale: bool,
    /// Where the next page begins.
    pub(super) next: Option<String>,
}

impl Page {
    /// The answer with these items, each written once.
    pub(super) fn of(&self, known: &KnownTags, items: &[impl Serialize]) -> Response {
        let (Ok(items), Ok(rest)) = (serde_json::to_vec(items), serde_json::to_vec(self)) else {
            return ApiError::Internal.into_response();
        };
        let tag = tag_of((&items, self.stale, &self.next));
        // The items go before the members of `rest`, without its opening brace.
        let body = [b"{\"items\":", items.as_slice(), b",", &rest[1..]].concat();
        unless_known(known, &tag, Bytes::from(body))
    }
}
