//! How long to wait between attempts.

use std::time::Duration;

use crate::config::DeliverySection;

/// The wait after `attempts` attempts: doubling from the first to the longest, of which a random
/// part between half and all is taken, so that rows that failed together do not return together.
pub(super) fn backoff(settings: &DeliverySection, attempts: u32) -> Duration {
    jittered(longest(settings, attempts))
}

/// The longest that this wait can be.
pub(super) fn longest(settings: &DeliverySection, attempts: u32) -> Duration {
    doubled(settings.backoff_first.duration(), settings.backoff_max.duration(), attempts)
}

/// The wait after `attempts` attempts at anything else, likewise.
pub(crate) fn growing(first: Duration, most: Duration, attempts: u32) -> Duration {
    jittered(doubled(first, most, attempts))
}

fn doubled(first: Duration, most: Duration, attempts: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1).min(30));
    first.saturating_mul(doubled).min(most)
}

fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(rand::random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Period;

    #[test]
    fn waits_grow_to_their_limit_and_differ() {
        let settings = DeliverySection::default();
        for attempts in 0..100 {
            let wait = backoff(&settings, attempts);
            assert!(wait >= Period::millis(2_500).duration(), "{attempts}: {wait:?}");
            assert!(wait <= settings.backoff_max.duration(), "{attempts}: {wait:?}");
        }
        assert!(backoff(&settings, 20) >= settings.backoff_max.duration() / 2);
    }
}
