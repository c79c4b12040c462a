//! What each token has of being received at once. What is beyond waits, so that the flood of one token
//! leaves the store's queue, and the memory, to the others.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// All of one token, in KiB of bodies: some five lists of 1,000, or thousands of single posts.
const WHOLE: u32 = 4 * 1024;

/// What a body counts for whose length is not told, in KiB.
const UNTOLD: u32 = 256;

/// What is left to one token.
#[derive(Clone, Debug)]
pub(super) struct Receiving(Arc<Semaphore>);

impl Default for Receiving {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(WHOLE as usize)))
    }
}

/// A part of it, until it is dropped: asked for before a body is read, and given back when that is stored.
pub(super) struct Share {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Receiving {
    /// Waits until there is enough left for the body behind these headers.
    pub(super) async fn share(&self, headers: &HeaderMap) -> Share {
        let length = headers.get(header::CONTENT_LENGTH);
        let bytes = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        let kib = bytes.map_or(UNTOLD, |bytes| {
            // A longer body than that is taken alone.
            u32::try_from(bytes.div_ceil(1024)).map_or(WHOLE, |kib| kib.clamp(1, WHOLE))
        });
        // The semaphore is never closed.
        Share { _permit: self.0.clone().acquire_many_owned(kib).await.ok() }
    }
}
