//! How often each caller may call, so that the storm of one leaves the bridge to the others: so often for each
//! token, and for each address of those who are not known. Whatever is beyond is refused before anything of its
//! body is read: nothing of it was stored, and it can be sent again.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::Clock as _,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed, keyed::HashMapStateStore},
};

use super::{problem::ApiError, seldom::Seldom};
use crate::{
    clock::{Clock, Moment},
    counting::Tally,
};

/// For how long a rate is counted: whoever was quiet may call as often at once.
const WINDOW: u32 = 10;

/// After how many questions those addresses are forgotten that have all of their allowance again.
const FORGET_EVERY: u32 = 10_000;

/// The clock by which allowances grow again.
#[derive(Clone, Debug)]
struct Ticks {
    clock: Clock,
    since: Moment,
}

impl Ticks {
    fn of(clock: &Clock) -> Self {
        Self { clock: clock.clone(), since: clock.moment() }
    }
}

impl governor::clock::Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.clock.moment().since(self.since)
    }
}

type Middleware = NoOpMiddleware<Duration>;

/// How long until the next request would be taken.
pub(super) type Wait = Duration;

fn quota(rate: u32) -> Quota {
    // A checked configuration has no rate of 0.
    let rate = NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN);
    Quota::per_second(rate)
        .allow_burst(rate.saturating_mul(NonZeroU32::MIN.saturating_add(WINDOW - 1)))
}

/// What one caller may still ask for. Cheap to clone.
#[derive(Clone)]
pub(super) struct Allowance {
    rate: u32,
    left: Arc<RateLimiter<NotKeyed, InMemoryState, Ticks, Middleware>>,
    ticks: Ticks,
}

impl fmt::Debug for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Allowance").field("rate", &self.rate).finish_non_exhaustive()
    }
}

impl Allowance {
    /// All of so many requests a second.
    pub(super) fn new(rate: u32, clock: &Clock) -> Self {
        let ticks = Ticks::of(clock);
        let left = RateLimiter::direct_with_clock(quota(rate), ticks.clone());
        Self { rate, left: Arc::new(left), ticks }
    }

    /// Requests a second.
    pub(super) fn rate(&self) -> u32 {
        self.rate
    }

    /// Takes one request from it.
    ///
    /// # Errors
    /// Nothing is left for so long.
    pub(super) fn take(&self) -> Result<(), Wait> {
        self.left.check().map_err(|until| until.wait_time_from(self.ticks.now()))
    }
}

/// What those who are not known may still ask for, by the address that they come from.
pub(super) struct Strangers {
    rate: u32,
    left: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, Ticks, Middleware>,
    ticks: Ticks,
    asked: AtomicU32,
}

impl fmt::Debug for Strangers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Strangers").field("rate", &self.rate).finish_non_exhaustive()
    }
}

impl Strangers {
    /// So many requests a second for each address.
    pub(super) fn new(rate: u32, clock: &Clock) -> Self {
        let ticks = Ticks::of(clock);
        let left = RateLimiter::new(quota(rate), HashMapStateStore::default(), ticks.clone());
        Self { rate, left, ticks, asked: AtomicU32::new(0) }
    }

    /// Requests a second.
    pub(super) fn rate(&self) -> u32 {
        self.rate
    }

    /// Takes one request from what an address may ask for.
    ///
    /// # Errors
    /// Nothing is left for so long.
    pub(super) fn take(&self, address: IpAddr) -> Result<(), Wait> {
        if self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(FORGET_EVERY) {
            self.left.retain_recent();
            self.left.shrink_to_fit();
        }
        self.left.check_key(&host(address)).map_err(|until| until.wait_time_from(self.ticks.now()))
    }
}

/// One host has all addresses of its network of IPv6.
fn host(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            Ipv6Addr::from(network).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// Whose rate it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Token,
    Address,
}

/// What was refused because it came too often. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Refusals {
    counted: Arc<Tally<2>>,
    told: Seldom,
}

impl Refusals {
    pub(super) fn new(clock: Clock) -> Self {
        let told = Seldom::new(clock, "further requests came faster than their rate allows");
        Self { counted: Arc::default(), told }
    }

    /// How many there were since the start, by whose rate it was.
    pub(super) fn counts(&self) -> [(&'static str, u64); 2] {
        let [tokens, addresses] = self.counted.read();
        [("token", tokens), ("address", addresses)]
    }

    /// The answer to one more request of a token.
    pub(super) fn of_token(&self, called: &str, rate: u32, wait: Wait) -> ApiError {
        self.counted.count(Of::Token as usize);
        if self.told.is_told() {
            tracing::warn!(caller = called, rate, "it calls more often than its rate allows");
        }
        too_many(
            &format!(
                "The {called} may make {rate} requests a second (rate, in auth.tokens or auth)."
            ),
            wait,
        )
    }

    /// The answer to one more request of an address of which nobody is known.
    pub(super) fn of_address(&self, address: IpAddr, rate: u32, wait: Wait) -> ApiError {
        self.counted.count(Of::Address as usize);
        if self.told.is_told() {
            let mend = "auth.rate_per_address; behind a proxy also server.trusted_proxies";
            tracing::warn!(client = %address, rate, mend, "callers who are not known call too often");
        }
        too_many(
            &format!(
                "Whoever is not known may make {rate} requests a second from one address \
                 (auth.rate_per_address)."
            ),
            wait,
        )
    }
}

fn too_many(whose: &str, wait: Wait) -> ApiError {
    // Whole seconds, and never none.
    let after = wait.as_millis().div_ceil(1_000).max(1);
    let after = u64::try_from(after).unwrap_or(u64::MAX);
    ApiError::TooMany {
        detail: format!(
            "{whose} Nothing of this one was taken: send it again when the seconds of Retry-After have passed."
        ),
        after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowance_is_that_of_ten_seconds_and_comes_back() {
        let clock = Clock::system();
        let allowance = Allowance::new(5, &clock);
        let taken = || (0..1_000).take_while(|_| allowance.take().is_ok()).count();
        assert_eq!(taken(), 50);
        let wait = allowance.take().unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_millis(200), "{wait:?}");
        clock.advance(Duration::from_secs(2));
        assert_eq!(taken(), 10);
        clock.advance(Duration::from_hours(1));
        assert_eq!(taken(), 50);
    }

    #[test]
    fn the_allowance_of_one_address_is_none_of_another() {
        let clock = Clock::system();
        let strangers = Strangers::new(1, &clock);
        let take = |address: &str| strangers.take(address.parse().unwrap()).is_ok();
        for _ in 0..10 {
            assert!(take("203.0.113.9") && take("2001:db8::1"));
        }
        for same in ["203.0.113.9", "::ffff:203.0.113.9", "2001:db8::1", "2001:db8::ffff:1"] {
            assert!(!take(same), "{same}");
        }
        assert!(take("203.0.113.10") && take("2001:db8:0:1::1"));
    }

    #[test]
    fn addresses_that_are_quiet_again_are_forgotten() {
        let clock = Clock::system();
        let strangers = Strangers::new(1_000, &clock);
        let all = |from: u32| (from..from + FORGET_EVERY).map(|n| IpAddr::V4(n.into()));
        assert!(all(1).all(|address| strangers.take(address).is_ok()));
        clock.advance(Duration::from_mins(1));
        assert!(all(1 << 24).all(|address| strangers.take(address).is_ok()));
        assert!(strangers.left.len() <= FORGET_EVERY as usize + 1, "{}", strangers.left.len());
    }

    #[test]
    fn what_is_refused_says_when_to_come_again() {
        let refusals = |wait| too_many("", wait);
        for (wait, seconds) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2)] {
            let ApiError::TooMany { after, .. } = refusals(Duration::from_millis(wait)) else {
                panic!("it is another error");
            };
            assert_eq!(after, seconds, "{wait} ms");
        }
    }
}
