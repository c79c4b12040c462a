//! How many requests of the day were used, which each answer tells, and how the bridge holds back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::header::HeaderName;

/// What an answer says of the limit: `api-usage=18/5000`, and more behind a semicolon.
pub(super) const HEADER: HeaderName = HeaderName::from_static("sforce-limit-info");

/// Above this part of the day's requests, in percent, what nobody waits for is slowed.
const SLOWED_ABOVE: u64 = 80;

/// What such a read waits at 80 %, and for each percent above.
const A_PERCENT: Duration = Duration::from_secs(1);

/// The requests of the day, as the last answer told. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Usage(Arc<Numbers>);

#[derive(Debug, Default)]
struct Numbers {
    used: AtomicU64,
    /// 0 before the first answer.
    most: AtomicU64,
}

impl Usage {
    /// Keeps what an answer told.
    pub(super) fn note(&self, (used, most): (u64, u64)) {
        self.0.used.store(used, Ordering::Relaxed);
        self.0.most.store(most, Ordering::Relaxed);
    }

    /// How many were used, of how many; `None` before the first answer that told.
    pub(super) fn read(&self) -> Option<(u64, u64)> {
        let most = self.0.most.load(Ordering::Relaxed);
        (most > 0).then(|| (self.0.used.load(Ordering::Relaxed), most))
    }

    /// What a read that nobody waits for waits by itself.
    pub(super) fn pause(&self) -> Option<Duration> {
        pause(self.read()?)
    }
}

fn pause((used, most): (u64, u64)) -> Option<Duration> {
    let percent = used.saturating_mul(100) / most.max(1);
    let above = percent.checked_sub(SLOWED_ABOVE)?;
    Some(A_PERCENT * u32::try_from(above.min(20)).unwrap_or(20) + A_PERCENT)
}

/// Reads what an answer says.
pub(super) fn read(text: &str) -> Option<(u64, u64)> {
    let usage = text.split(';').find_map(|part| part.trim().strip_prefix("api-usage="))?;
    let (used, most) = usage.split_once('/')?;
    let most = most.split('(').next()?.trim().parse().ok()?;
    Some((used.trim().parse().ok()?, most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_the_org_is_read_whatever_else_is_told() {
        assert_eq!(read("api-usage=18/5000"), Some((18, 5000)));
        let app = "api-usage=25/5000; per-app-api-usage=17/250(appName=sample-app)";
        assert_eq!(read(app), Some((25, 5000)));
        assert_eq!(read("per-app-api-usage=17/250(appName=x)"), None);
        assert_eq!(read("api-usage=a/b"), None);
    }

    #[test]
    fn what_nobody_waits_for_is_slowed_more_and_more_above_four_fifths() {
        assert_eq!(pause((79, 100)), None);
        assert_eq!(pause((80, 100)), Some(Duration::from_secs(1)));
        assert_eq!(pause((100, 100)), Some(Duration::from_secs(21)));
        assert_eq!(pause((u64::MAX, 1)), Some(Duration::from_secs(21)));
        assert_eq!(Usage::default().pause(), None);
    }
}
