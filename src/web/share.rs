//! What each token has of being received at once. What is beyond waits, so that the flood of one token
//! leaves the store's queue, and the memory, to the others.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::{HeaderMap, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// All of one token, in KiB of bodies: some five lists of 1,000, or thousands of single posts.
const WHOLE: u32 = 4 * 1024;

/// What a body counts for whose length is not told, in KiB.
const UNTOLD: u32 = 256;

/// Long bodies of one token that come at once: half of those of all. One that sends them slowly leaves the
/// other half.
const LONG_BODIES: usize = 4;

/// Posts of one token that wait for their outcome at once; what is beyond is answered at once. Each has a
/// connection of its own, of which there are only so many.
const WAITING: usize = 256;

/// As many addresses are remembered before those are looked for that send nothing any more.
const ADDRESSES: usize = 1_024;

/// What is left to one token. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Receiving {
    bodies: Arc<Semaphore>,
    long_bodies: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for Receiving {
    fn default() -> Self {
        let of = |places| Arc::new(Semaphore::new(places));
        Self { bodies: of(WHOLE as usize), long_bodies: of(LONG_BODIES), waiting: of(WAITING) }
    }
}

/// What those have whose bodies say who has sent them, address by address, until they were read. For long bodies
/// all of them together have as much as one token, so that whoever has none takes no more than half of the places.
#[derive(Clone, Debug, Default)]
pub(super) struct Unproven {
    of_all: Receiving,
    known: Arc<Mutex<HashMap<IpAddr, Receiving>>>,
}

impl Unproven {
    /// That of one address.
    pub(super) fn of(&self, address: IpAddr) -> Receiving {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= ADDRESSES {
            known.retain(|_, receiving| receiving.is_used());
        }
        let long_bodies = &self.of_all.long_bodies;
        let new = || Receiving { long_bodies: long_bodies.clone(), ..Receiving::default() };
        known.entry(address).or_insert_with(new).clone()
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
        Share { _permit: self.bodies.clone().acquire_many_owned(kib).await.ok() }
    }

    /// A place for a long body, when there is one.
    pub(super) async fn long_body(&self) -> Option<OwnedSemaphorePermit> {
        self.long_bodies.clone().acquire_owned().await.ok()
    }

    /// A place to wait for an outcome, if there is one now.
    pub(super) fn waiting(&self) -> Option<OwnedSemaphorePermit> {
        self.waiting.clone().try_acquire_owned().ok()
    }

    /// Whether a body comes, or waits for its turn: what is taken of this holds it.
    fn is_used(&self) -> bool {
        Arc::strong_count(&self.bodies) > 1
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[tokio::test]
    async fn addresses_that_send_nothing_any_more_are_forgotten() {
        let unproven = Unproven::default();
        let address = |number: u32| IpAddr::V4(number.into());
        let length = (header::CONTENT_LENGTH, HeaderValue::from_static("4194304"));
        let headers = HeaderMap::from_iter([length]);
        let share = unproven.of(address(0)).share(&headers).await;
        for number in 1..10_000 {
            drop(unproven.of(address(number)));
        }
        let known = || unproven.known.lock().unwrap().len();
        assert!(known() <= ADDRESSES, "{}", known());
        // Whoever sends is still the same, and has nothing left; others have all.
        let free = |number| unproven.of(address(number)).bodies.available_permits();
        assert_eq!((free(0), free(1)), (0, WHOLE as usize));
        drop(share);
        assert_eq!(free(0), WHOLE as usize);
    }
}
