//! The one place that reads the time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// Wall-clock time, and waiting for it.
///
/// A clock can be moved forward ([`Clock::advance`]): everything that waits on it then wakes as
/// if the time had passed. The service itself never does so; a test that needs a week does.
#[derive(Clone, Debug)]
pub struct Clock {
    ahead: Arc<Ahead>,
}

/// How far the clock was moved: a number that each look at the time can afford to read.
#[derive(Debug)]
struct Ahead {
    nanos: AtomicI64,
    moved: watch::Sender<()>,
}

impl Ahead {
    fn get(&self) -> SignedDuration {
        SignedDuration::from_nanos(self.nanos.load(Ordering::Acquire))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl Clock {
    /// The time of the operating system.
    #[must_use]
    pub fn system() -> Self {
        let (nanos, moved) = (AtomicI64::new(0), watch::Sender::new(()));
        Self { ahead: Arc::new(Ahead { nanos, moved }) }
    }

    /// The present instant, with the precision that is stored: milliseconds.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the time")]
    pub fn now(&self) -> Timestamp {
        let now = Timestamp::now().saturating_add(self.ahead.get());
        let millis = now.map_or(Timestamp::MAX, |now| now).as_millisecond();
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
    }

    /// Moves this clock and all its clones forward and wakes whoever waits on it.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
        let moved = |nanos: i64| Some(nanos.saturating_add(by));
        // The closure never declines.
        let _ = self.ahead.nanos.fetch_update(Ordering::AcqRel, Ordering::Acquire, moved);
        self.ahead.moved.send_replace(());
    }

    /// Waits for as long as it is now until `deadline`.
    pub async fn sleep_until(&self, deadline: Timestamp) {
        let left = deadline.duration_since(self.now());
        self.sleep(Duration::try_from(left).unwrap_or_default()).await;
    }

    /// Waits for `period`: the same time whatever becomes of the system's clock meanwhile, unless
    /// this clock is moved forward.
    #[expect(clippy::disallowed_methods, reason = "every other wait goes through here")]
    pub async fn sleep(&self, period: Duration) {
        let mut moved = self.ahead.moved.subscribe();
        let began_ahead = self.ahead.get();
        let began = tokio::time::Instant::now();
        loop {
            moved.mark_unchanged();
            let skipped = self.ahead.get().saturating_sub(began_ahead);
            let passed = began.elapsed() + Duration::try_from(skipped).unwrap_or_default();
            let Some(left) = period.checked_sub(passed).filter(|left| !left.is_zero()) else {
                return;
            };
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                // The sender lives as long as `self`, so an error cannot occur; waiting again
                // would be right all the same.
                _ = moved.changed() => {}
            }
        }
    }
}

/// How long something takes. Unlike the times of a [`Clock`] it is not moved with it.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(tokio::time::Instant);

impl Stopwatch {
    /// Begins to count.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "what it counts is no time of day")]
    pub fn start() -> Self {
        Self(tokio::time::Instant::now())
    }

    /// Microseconds since the start.
    #[must_use]
    pub fn micros(self) -> u64 {
        u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// How much time has passed since then; none where the clock was put back.
#[must_use]
pub fn elapsed(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or_default()
}

/// The instant so long after another one, or the last that there is.
#[must_use]
pub fn later(time: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// The instant so long before another one, or the first that there is.
#[must_use]
pub fn earlier(time: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    time.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_week_passes_at_once_when_the_clock_is_moved() {
        let clock = Clock::system();
        let before = clock.now();
        let waiting = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(Duration::from_hours(24 * 7)).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_hours(24 * 7));
        waiting.await.expect("the sleeper wakes");
        assert!(clock.now().duration_since(before) >= SignedDuration::from_hours(24 * 7));
    }
}
