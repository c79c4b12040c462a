//! A real iTop, of whose creates about a quarter are disturbed.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::fault_proxy::{self, Fate};

/// Longer than the client waits, shorter than `settle`.
const LATE: Duration = Duration::from_millis(2_500);

/// The proxy before it.
pub struct Disturbed {
    pub url: String,
    faults: Arc<Faults>,
}

struct Faults {
    on: AtomicBool,
    random: Mutex<StdRng>,
    seen: [AtomicU32; 4],
}

impl Disturbed {
    pub async fn start(upstream: &str, seed: u64) -> Self {
        let faults = Arc::new(Faults {
            on: AtomicBool::new(false),
            random: Mutex::new(StdRng::seed_from_u64(seed)),
            seen: Default::default(),
        });
        let shared = faults.clone();
        let url = fault_proxy::start(upstream, move || shared.fate()).await;
        Self { url, faults }
    }

    pub fn disturb(&self, on: bool) {
        self.faults.on.store(on, Ordering::SeqCst);
    }

    pub fn counts(&self) -> String {
        let seen = self.faults.seen.each_ref().map(|count| count.load(Ordering::SeqCst));
        format!(
            "creates cut before {}, answer lost {}, finished after the client gave up {}, \
             502 after the effect {}",
            seen[0], seen[1], seen[2], seen[3]
        )
    }
}

impl Faults {
    fn fate(&self) -> Fate {
        if !self.on.load(Ordering::SeqCst) {
            return Fate::Forward;
        }
        let chance = self.random.lock().expect("no panic while drawing").random_range(0..100);
        let (fate, kind) = match chance {
            0..5 => (Fate::CutBefore, 0),
            5..14 => (Fate::CutAfter, 1),
            14..19 => (Fate::Late(LATE), 2),
            19..25 => (Fate::BadGatewayAfter, 3),
            _ => return Fate::Forward,
        };
        self.seen[kind].fetch_add(1, Ordering::SeqCst);
        fate
    }
}
