//! How many deliveries run at once.
//!
//! A real iTop creates most tickets a second with a certain number in flight, and fewer with more
//! (ITOP.md, "Speed"). Which number differs from iTop to iTop and from hour to hour, so it is
//! found by trying. Latency alone would mislead: it doubles while throughput still grows.
//!
//! 1. The throughput of a limit is the limit divided by the mean length of a delivery. Only
//!    deliveries count that wrote, and during which the limit was what held others back.
//! 2. Other limits are tried, first upwards, at most doubling, then half-way to what is known to
//!    be too high or too low. A trial ends as soon as it is plain how it compares.
//! 3. More is kept where it brings a tenth of what it could; fewer, where it loses less than that.
//! 4. With nothing left to try, the limit rests; then a neighbour is tried, above and below in
//!    turn, after growing numbers of deliveries.
//! 5. When the throughput of the limit itself has changed by a third, all is searched anew; first
//!    downwards, if it fell: deliveries then take longer, and no more get done.
//!
//! A failed write takes time and brings nothing, which can only lower the limit. An interruption
//! (a closed gate) ends the trial and keeps the limit.

use std::{ops::RangeInclusive, time::Duration};

use crate::itop::ItopError;

/// Where the search begins, within the bounds: the best of the one real iTop that was measured.
const START: u16 = 4;

/// How many deliveries a trial needs at least; a limit above this needs a round of its own.
const TRIAL_AT_LEAST: u16 = 8;

/// How many deliveries the throughput of the limit itself is taken from, at least.
const WINDOW_AT_LEAST: u32 = 32;

/// How many deliveries are enough, however much their lengths differ.
const ENOUGH: u32 = 256;

/// The relative standard error at which a mean is known well enough.
const PRECISE: f64 = 0.03;

/// How many standard errors from the bar a trial is plainly good or bad.
const PLAIN: f64 = 2.0;

/// The share of what more in flight could bring at best that makes it worthwhile.
const WORTHWHILE: f64 = 0.1;

/// Beyond this ratio of throughputs, at the same limit, iTop is another one than before.
const ANOTHER: f64 = 0.7;

/// How much of an older throughput a newer one replaces, while neither is far from the other.
const NEWER: f64 = 0.25;

/// How many deliveries a limit rests before its neighbours are tried: from the first number,
/// doubling, to the last.
const REST: RangeInclusive<u32> = 64..=256;

/// What a delivery wrote into iTop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// A ticket, or a line in one.
    Yes,
    /// A write was sent and brought nothing for a reason that may be the load: no clear answer,
    /// or a database that was busy.
    InVain,
    /// Nothing, which says nothing about how fast iTop writes.
    Nothing,
}

impl Written {
    /// What a write that ended so says about iTop's load.
    pub(super) fn after(error: &ItopError) -> Self {
        match error {
            ItopError::NoClearAnswer { .. } => Self::InVain,
            error if error.is_passing() => Self::InVain,
            _ => Self::Nothing,
        }
    }
}

/// How a delivery began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    /// The number of changes of the limit before.
    changes: u64,
    /// Whether the limit was reached.
    full: bool,
}

/// A direction of the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

impl Way {
    fn other(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// The limit of deliveries in flight, which follows what iTop can do. It knows no clock and
/// starts nothing: it is told of each delivery, and asked.
#[derive(Debug)]
pub(super) struct InFlight {
    bounds: RangeInclusive<u16>,
    /// In force: `home`, or the one on trial.
    limit: u16,
    /// The best known.
    home: u16,
    /// Deliveries a second of `home`; `None` until it was measured.
    throughput: Option<f64>,
    /// Nothing from here down is worth trying.
    too_low: u16,
    /// Nothing from here up is worth trying.
    too_high: u16,
    /// How far a trial may be from `home`.
    step: u16,
    /// On which side of `home` the limit on trial is; `None` while `home` itself is in force.
    trial: Option<Way>,
    /// On which side to try next.
    next: Way,
    /// Deliveries until the neighbours are tried.
    rest: u32,
    /// How long the next rest is.
    patience: u32,
    window: Window,
    changes: u64,
}

impl InFlight {
    /// Bounds whose end lies before their start allow the start alone; nothing allows less than 1.
    pub(super) fn new(least: u16, most: u16) -> Self {
        let least = least.max(1);
        let most = most.max(least);
        let limit = START.clamp(least, most);
        Self {
            bounds: least..=most,
            limit,
            home: limit,
            throughput: None,
            too_low: least - 1,
            too_high: most.saturating_add(1),
            step: most,
            trial: None,
            next: Way::Up,
            rest: 0,
            patience: *REST.start(),
            window: Window::after_change_to(limit),
            changes: 0,
        }
    }

    /// How many deliveries may run at once now.
    pub(super) fn limit(&self) -> u16 {
        self.limit
    }

    /// A delivery begins; `running` counts it and all that begin with it.
    pub(super) fn begun(&self, running: usize) -> Begun {
        Begun { changes: self.changes, full: running >= usize::from(self.limit) }
    }

    /// A delivery has ended; `running` still counts it.
    pub(super) fn ended(&mut self, begun: Begun, running: usize, took: Duration, written: Written) {
        let held_back = begun.full && running >= usize::from(self.limit);
        if begun.changes != self.changes || !held_back || written == Written::Nothing {
            return;
        }
        self.window.add(took, written);
        match (self.trial, self.throughput) {
            (Some(way), Some(home)) => self.judge_trial(way, home),
            _ => self.measure_home(),
        }
    }

    /// Deliveries stop or go on for another reason than the limit: what was being measured is
    /// void, and what is known is kept.
    pub(super) fn interrupted(&mut self) {
        self.trial = None;
        self.limit = self.home;
        self.changes += 1;
        self.window = Window::after_change_to(self.limit);
    }

    fn judge_trial(&mut self, way: Way, home: f64) {
        let throughput = self.window.throughput(self.limit);
        let farther = f64::from(self.limit.abs_diff(self.home)) / f64::from(self.home);
        let bar = match way {
            Way::Up => home * (1.0 + WORTHWHILE * farther),
            Way::Down => home * (1.0 - WORTHWHILE * farther),
        };
        if self.window.ended < u32::from(self.limit.max(TRIAL_AT_LEAST)) {
            return;
        }
        let plain = (throughput - bar).abs() > PLAIN * self.window.error() * throughput;
        if !plain && !self.window.is_precise() {
            return;
        }
        // Where nothing gets done at all, fewer in flight is the better way to wait.
        let good = throughput > bar || (way == Way::Down && throughput >= bar);
        match (way, good) {
            (Way::Up, true) => self.too_low = self.home,
            (Way::Down, true) => self.too_high = self.home,
            (Way::Up, false) => self.too_high = self.limit,
            (Way::Down, false) => self.too_low = self.limit,
        }
        if good {
            self.home = self.limit;
            self.throughput = Some(throughput);
            self.step = self.step.saturating_mul(2);
            self.patience = *REST.start();
        } else {
            self.next = way.other();
        }
        self.search();
    }

    fn measure_home(&mut self) {
        let Window { ended, .. } = self.window;
        let throughput = self.window.throughput(self.limit);
        let Some(known) = self.throughput else {
            // The first trial is for twice as many, which a rough measure is good enough for.
            let precise = ended >= u32::from(TRIAL_AT_LEAST) && self.window.is_precise();
            if precise || ended >= WINDOW_AT_LEAST {
                self.throughput = Some(throughput);
                self.search();
            }
            return;
        };
        if ended < WINDOW_AT_LEAST || !self.window.is_precise() {
            return;
        }
        self.rest = self.rest.saturating_sub(ended);
        self.window = Window::default();
        if throughput < known * ANOTHER || throughput > known / ANOTHER {
            self.throughput = Some(throughput);
            self.next = if throughput < known { Way::Down } else { Way::Up };
            self.open(Way::Up);
            self.open(Way::Down);
            self.step = *self.bounds.end();
            self.patience = *REST.start();
            self.search();
            return;
        }
        self.throughput = Some(known + (throughput - known) * NEWER);
        if self.rest > 0 {
            return;
        }
        let way = self.next;
        if self.target(Way::Up).is_none() && self.target(Way::Down).is_none() {
            self.open(way);
        }
        self.search();
        if self.trial.is_none() {
            self.next = way.other();
        }
    }

    /// Tries the next limit; rests at the best known one when none is left.
    fn search(&mut self) {
        for way in [self.next, self.next.other()] {
            if let Some(limit) = self.target(way) {
                self.next = way;
                self.trial = Some(way);
                self.change_to(limit);
                return;
            }
        }
        self.trial = None;
        self.step = 1;
        self.rest = self.patience;
        self.patience = (self.patience * 2).min(*REST.end());
        self.change_to(self.home);
    }

    /// Forgets what was too much, or too little.
    fn open(&mut self, way: Way) {
        match way {
            Way::Up => self.too_high = self.bounds.end().saturating_add(1),
            Way::Down => self.too_low = self.bounds.start() - 1,
        }
    }

    /// The limit to try on that side, if one is left.
    fn target(&self, way: Way) -> Option<u16> {
        let home = self.home;
        match way {
            Way::Up => {
                let farthest = home.saturating_add(self.step.min(home));
                let half_way = home + (self.too_high - home).div_ceil(2);
                Some(farthest.min(half_way).min(self.too_high - 1)).filter(|limit| *limit > home)
            }
            Way::Down => {
                let nearest = home.saturating_sub(self.step);
                let half_way = self.too_low + (home - self.too_low) / 2;
                Some(nearest.max(half_way).max(self.too_low + 1)).filter(|limit| *limit < home)
            }
        }
    }

    fn change_to(&mut self, limit: u16) {
        if limit == self.limit {
            self.window = Window::default();
            return;
        }
        self.limit = limit;
        self.changes += 1;
        self.window = Window::after_change_to(limit);
    }
}

/// What was measured since something changed.
#[derive(Debug, Default)]
struct Window {
    /// Deliveries to pass over first.
    pass_over: u16,
    ended: u32,
    wrote: u32,
    seconds: f64,
    squares: f64,
}

impl Window {
    /// The first round after a change began while there were fewer in flight, or more: it says
    /// nothing about the new limit.
    fn after_change_to(limit: u16) -> Self {
        Self { pass_over: limit, ..Self::default() }
    }

    fn add(&mut self, took: Duration, written: Written) {
        if self.pass_over > 0 {
            self.pass_over -= 1;
            return;
        }
        // The clock knows no less than a millisecond.
        let seconds = took.max(Duration::from_millis(1)).as_secs_f64();
        self.ended += 1;
        self.wrote += u32::from(written == Written::Yes);
        self.seconds += seconds;
        self.squares += seconds * seconds;
    }

    /// Deliveries a second (Little's law).
    fn throughput(&self, limit: u16) -> f64 {
        f64::from(limit) * f64::from(self.wrote) / self.seconds.max(f64::MIN_POSITIVE)
    }

    /// The standard error of the mean length, relative to it.
    fn error(&self) -> f64 {
        let ended = f64::from(self.ended);
        let mean = self.seconds / ended;
        let variance = (self.squares / ended - mean * mean).max(0.0);
        (variance / ended).sqrt() / mean
    }

    fn is_precise(&self) -> bool {
        self.ended >= ENOUGH || self.error() <= PRECISE
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cmp::Reverse,
        collections::{BTreeMap, BinaryHeap},
    };

    use proptest::{
        collection::vec,
        prelude::{Strategy, any, prop_oneof},
        prop_assert, proptest,
    };
    use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

    use super::*;

    const ITEMS: u32 = 5_000;
    const ALONE: f64 = 0.2;

    /// How long a write takes that shares iTop with `busy` in all, as `sandbox::Latency` has it:
    /// throughput peaks at `best`, and is 17 % lower at four times that.
    fn as_the_sandbox(best: u16) -> impl Fn(u16) -> f64 {
        let best = f64::from(best);
        move |busy| {
            let busy = f64::from(busy);
            let throughput = (1.0 - 0.17 * (busy - best) / (3.0 * best)).clamp(0.3, 1.0);
            ALONE * (busy / best).max(1.0) / throughput
        }
    }

    /// The one real iTop that was measured (ITOP.md, "Speed"), straight lines between. Its
    /// latency doubles while throughput still grows.
    fn as_a_real_one(busy: u16) -> f64 {
        const SEEN: [(f64, f64); 4] = [(1.0, 4.7), (4.0, 8.3), (16.0, 6.9), (64.0, 1.0)];
        let busy = f64::from(busy);
        let after = SEEN.partition_point(|seen| seen.0 < busy).clamp(1, SEEN.len() - 1);
        let ((from, slower), (to, faster)) = (SEEN[after - 1], SEEN[after]);
        busy / (slower + (faster - slower) * (busy - from) / (to - from))
    }

    /// A simulated iTop under a full inbox, in time that is only counted.
    struct Drain<L> {
        latency: L,
        /// Each length is up to this share longer or shorter.
        noise: f64,
        random: StdRng,
        now: u64,
    }

    impl<L: Fn(u16) -> f64> Drain<L> {
        fn new(latency: L, noise: f64, seed: u64) -> Self {
            Self { latency, noise, random: StdRng::seed_from_u64(seed), now: 0 }
        }

        /// Deliveries a second, with as many in flight as the rule says.
        fn by(mut self, rule: &mut InFlight) -> f64 {
            let start = self.now;
            // By the time of their end, in microseconds.
            let mut running = BinaryHeap::new();
            let mut begun = BTreeMap::new();
            let mut next = 0;
            for _ in 0..ITEMS {
                let limit = rule.limit();
                assert!(rule.bounds.contains(&limit), "{limit}");
                let free = usize::from(limit).saturating_sub(running.len());
                let left = usize::try_from(ITEMS - next).unwrap();
                let how = rule.begun(running.len() + free.min(left));
                for _ in 0..free.min(left) {
                    let busy = u16::try_from(running.len() + 1).unwrap();
                    let noise = self.random.random_range(-1.0..=1.0) * self.noise;
                    let took = Duration::from_secs_f64((self.latency)(busy) * (1.0 + noise));
                    let end = self.now + u64::try_from(took.as_micros()).unwrap();
                    running.push(Reverse((end, next)));
                    begun.insert(next, (how, took));
                    next += 1;
                }
                let in_flight = running.len();
                let Reverse((end, item)) = running.pop().unwrap();
                let (how, took) = begun.remove(&item).unwrap();
                self.now = end;
                rule.ended(how, in_flight, took, Written::Yes);
            }
            let took = Duration::from_micros(self.now - start).as_secs_f64();
            f64::from(ITEMS) / took
        }
    }

    /// The throughput of the rule, as a share of what the best fixed number gets.
    fn share<L: Fn(u16) -> f64>(
        latency: impl Fn() -> L,
        best: u16,
        noise: f64,
        seed: u64,
        rule: &mut InFlight,
    ) -> f64 {
        let drain = || Drain::new(latency(), noise, seed);
        drain().by(rule) / drain().by(&mut InFlight::new(best, best))
    }

    fn by_default() -> InFlight {
        let config = crate::config::Delivery::default();
        InFlight::new(config.in_flight_min, config.in_flight_max)
    }

    const BESTS: [u16; 7] = [1, 2, 3, 4, 6, 8, 12];

    #[test]
    fn whatever_number_is_best_a_drain_is_nearly_as_fast() {
        for best in BESTS {
            let mut rule = by_default();
            let share = share(|| as_the_sandbox(best), best, 0.0, 0, &mut rule);
            println!("best {best}: {share:.3} of its throughput, at {} in the end", rule.home);
            assert!(share >= 0.95, "{best}: {share}");
            assert!(rule.home.abs_diff(best) <= 1, "{best}: {}", rule.home);
        }
    }

    #[test]
    fn noise_does_not_lead_it_astray() {
        for best in BESTS {
            let shares = (0..5)
                .map(|seed| share(|| as_the_sandbox(best), best, 0.3, seed, &mut by_default()));
            let worst = shares.fold(1.0, f64::min);
            println!("best {best}: at worst {worst:.3} of its throughput");
            assert!(worst >= 0.93, "{best}: {worst}");
        }
    }

    #[test]
    fn latency_that_grows_with_throughput_does_not_stop_it() {
        for seed in 0..5 {
            let mut rule = by_default();
            let share = share(|| as_a_real_one, 4, 0.3, seed, &mut rule);
            assert!(share >= 0.93, "{share} at {}", rule.home);
        }
    }

    #[test]
    fn an_itop_that_changes_is_followed() {
        for (noise, least) in [(0.0, 0.95), (0.3, 0.9)] {
            let mut rule = by_default();
            let (mut took, mut at_best) = (0.0, 0.0);
            for (seed, best) in [4, 8, 2].into_iter().enumerate() {
                let drain = || Drain::new(as_the_sandbox(best), noise, seed.try_into().unwrap());
                took += drain().by(&mut rule).recip();
                at_best += drain().by(&mut InFlight::new(best, best)).recip();
                println!("best {best}: at {} in the end", rule.home);
            }
            let share = at_best / took;
            println!("4, 8, 2 with noise {noise}: {share:.3} of the best throughput");
            assert!(share >= least, "{share}");
        }
    }

    /// A delivery that begins and ends with as many in flight as may be.
    fn one(rule: &mut InFlight, millis: u64, written: Written) {
        let begun = rule.begun(rule.limit().into());
        rule.ended(begun, rule.limit().into(), Duration::from_millis(millis), written);
    }

    #[test]
    fn without_a_backlog_nothing_is_tried() {
        let mut rule = by_default();
        for running in [0, 1, 2, 3].into_iter().cycle().take(1_000) {
            let begun = rule.begun(running);
            rule.ended(begun, running, Duration::from_millis(200), Written::Yes);
        }
        assert_eq!(rule.limit(), START);
    }

    #[test]
    fn what_writes_nothing_steers_nothing() {
        let mut rule = by_default();
        for _ in 0..1_000 {
            one(&mut rule, 1, Written::Nothing);
        }
        assert_eq!(rule.limit(), START);
    }

    #[test]
    fn writes_in_vain_lower_it_and_success_raises_it_again() {
        let mut rule = InFlight::new(2, 16);
        let mut highest = 0;
        for _ in 0..1_000 {
            one(&mut rule, 30_000, Written::InVain);
            highest = highest.max(rule.limit());
        }
        // The first trial is upwards, before anything is known to be wrong.
        assert!(rule.home == 2 && highest <= 8, "{} {highest}", rule.home);
        for _ in 0..1_000 {
            one(&mut rule, 200, Written::Yes);
        }
        assert!(rule.home > 8, "{}", rule.home);
    }

    #[test]
    fn an_interruption_keeps_what_is_known() {
        let mut rule = by_default();
        Drain::new(as_the_sandbox(8), 0.0, 0).by(&mut rule);
        let known = rule.home;
        for _ in 0..100 {
            let before = rule.begun(rule.limit().into());
            for _ in 0..3 {
                one(&mut rule, 30_000, Written::InVain);
            }
            rule.interrupted();
            assert_eq!(rule.limit(), known);
            // It began before the interruption, and ends after it.
            rule.ended(before, rule.limit().into(), Duration::from_mins(1), Written::InVain);
        }
        assert_eq!(rule.limit(), known);
    }

    #[derive(Clone, Debug)]
    enum Event {
        Ended { running: usize, millis: u64, written: Written },
        Interrupted,
    }

    fn event() -> impl Strategy<Value = Event> {
        let written = prop_oneof![
            8 => any::<()>().prop_map(|()| Written::Yes),
            1 => any::<()>().prop_map(|()| Written::InVain),
            1 => any::<()>().prop_map(|()| Written::Nothing),
        ];
        prop_oneof![
            50 => (0_usize..40, 0_u64..2_000, written)
                .prop_map(|(running, millis, written)| Event::Ended { running, millis, written }),
            1 => any::<()>().prop_map(|()| Event::Interrupted),
        ]
    }

    proptest! {
        #[test]
        fn the_limit_stays_within_its_bounds(
            least in any::<u16>(),
            more in prop_oneof![0_u16..20, any::<u16>()],
            small in any::<bool>(),
            events in vec(event(), 0..2_000),
        ) {
            let least = if small { least % 20 } else { least };
            let mut rule = InFlight::new(least, least.saturating_add(more));
            for event in events {
                match event {
                    Event::Ended { running, millis, written } => {
                        let running = if small { running } else { usize::from(u16::MAX) };
                        let begun = rule.begun(running);
                        rule.ended(begun, running, Duration::from_millis(millis), written);
                    }
                    Event::Interrupted => rule.interrupted(),
                }
                prop_assert!(rule.bounds.contains(&rule.limit()) && rule.limit() > 0);
            }
        }
    }
}
