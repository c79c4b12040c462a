//! The one place that reads the time, for the bridge and for the simulated iTop: a test that moves it moves both.
//!
//! There are three questions, and each has its own answer:
//!
//! - *What time is it?* [`Clock::now`], for what people read and other systems are told. Somebody may
//!   put that clock forward or back at any moment, so that nothing is computed with it.
//! - *Has so much time surely passed?* [`Clock::moment`]. It runs evenly, whatever becomes of the time
//!   of day. A machine that is suspended stops it: then more is waited for than was needed.
//! - *May something be too old by now?* [`Clock::at_latest`]. It is behind neither of the other two and
//!   never goes back: what is compared with it may be taken for too old, never for too young. Where several
//!   machines compare the same, it is the time of one that they all ask ([`Clock::follow`]).

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use rustix::time::{ClockId, clock_gettime};
use tokio::{sync::watch, time::Instant};

/// The time, and waiting for it.
///
/// Time can be made to pass ([`Clock::advance`]): everything that waits on the clock then wakes as if
/// it had. And the time of day can be set ([`Clock::step`]). The service itself does neither: a test
/// that needs a week or a wrong clock does, and the demo, which has a day behind it.
#[derive(Clone, Debug)]
pub struct Clock {
    skipped: Arc<Skipped>,
    /// How far the time of day was set by hand, in nanoseconds.
    set: Arc<AtomicI64>,
    process: Arc<Process>,
}

/// How much time was made to pass: a number that each look at the time can afford to read.
#[derive(Debug, Default)]
struct Skipped {
    nanos: AtomicI64,
    moved: watch::Sender<()>,
}

impl Skipped {
    fn get(&self) -> SignedDuration {
        SignedDuration::from_nanos(self.nanos.load(Ordering::Acquire))
    }
}

/// From where the moments of a process are counted.
#[derive(Debug)]
struct Process {
    began: Instant,
    /// The time of day then, so that a later process can read what is stored of this one.
    began_at: Timestamp,
    /// What had been skipped then.
    skipped: SignedDuration,
    /// The farthest that the time of day was ever seen ahead of the moment, in nanoseconds; or how far ahead
    /// the clock is that is followed.
    ahead: AtomicI64,
    follows: AtomicBool,
    /// The latest time that was given since one is followed, in milliseconds.
    latest: AtomicI64,
}

/// By how much the latest time may run slower between two looks at the clock that it follows, in nanoseconds.
const SLOWER: i64 = 10_000_000;

/// A moment of this process. What is measured between two of them has really passed, less the time
/// in which the machine was suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Timestamp);

impl Moment {
    /// A moment that was stored. One that an earlier process has stored lies near the same time of
    /// day, and may be far off where somebody has set the clock between.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        let bound = if millis < 0 { Timestamp::MIN } else { Timestamp::MAX };
        Self(Timestamp::from_millisecond(millis).unwrap_or(bound))
    }

    /// As it is stored.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// How much time has passed since an earlier one; none since a later one.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        elapsed(earlier.0, self.0)
    }

    /// The moment so long after this one, or the last that there is.
    #[must_use]
    pub fn later(self, by: Duration) -> Self {
        Self(later(self.0, by))
    }

    /// The moment so long before this one, or the first that there is.
    #[must_use]
    pub fn earlier(self, by: Duration) -> Self {
        Self(earlier(self.0, by))
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
        Self::started(Arc::default(), Arc::default())
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the time")]
    fn started(skipped: Arc<Skipped>, set: Arc<AtomicI64>) -> Self {
        let process = Process {
            began: Instant::now(),
            began_at: time_of_day(&skipped, &set),
            skipped: skipped.get(),
            ahead: AtomicI64::new(0),
            follows: AtomicBool::new(false),
            latest: AtomicI64::new(i64::MIN),
        };
        Self { skipped, set, process: Arc::new(process) }
    }

    /// The clock of a process that starts now on this machine.
    #[must_use]
    pub fn of_new_process(&self) -> Self {
        Self::started(self.skipped.clone(), self.set.clone())
    }

    /// The clock of another machine: the same time passes, and its time of day is its own.
    #[must_use]
    pub fn elsewhere(&self) -> Self {
        let set = AtomicI64::new(self.set.load(Ordering::Acquire));
        Self::started(self.skipped.clone(), Arc::new(set))
    }

    /// The time of day, with the precision that is stored: milliseconds.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        millis(time_of_day(&self.skipped, &self.set))
    }

    /// The present moment.
    #[must_use]
    pub fn moment(&self) -> Moment {
        let Process { began, began_at, skipped, .. } = &*self.process;
        let passed = SignedDuration::try_from(began.elapsed()).unwrap_or(SignedDuration::MAX);
        let passed = passed.saturating_add(self.skipped.get().saturating_sub(*skipped));
        Moment(began_at.saturating_add(passed).unwrap_or(Timestamp::MAX))
    }

    /// The latest time that it may be: as the time of day, but never put back, and where the machine
    /// was suspended or its clock put forward, with that time. With the precision that is stored.
    #[must_use]
    pub fn at_latest(&self) -> Timestamp {
        if self.process.follows.load(Ordering::Acquire) {
            return self.at_latest_there();
        }
        // In this order: what happens between the two then does not count as being ahead.
        let now = time_of_day(&self.skipped, &self.set);
        let Moment(moment) = self.moment();
        let ahead = i64::try_from(now.duration_since(moment).as_nanos()).unwrap_or(i64::MAX);
        let ahead = self.process.ahead.fetch_max(ahead, Ordering::AcqRel).max(ahead);
        let latest = moment.saturating_add(SignedDuration::from_nanos(ahead));
        millis(latest.unwrap_or(Timestamp::MAX))
    }

    /// The clock of another machine has just shown this. From now on that is the latest time that it may be, in the
    /// place of the own time of day, which others do not know: to be said again every second or so. Time that a
    /// test lets pass passes there too.
    pub fn follow(&self, shown: Timestamp) {
        let Process { ahead, follows, .. } = &*self.process;
        let shown = shown.saturating_add(self.skipped.get()).unwrap_or(Timestamp::MAX);
        let Moment(moment) = self.moment();
        let seen = i64::try_from(shown.duration_since(moment).as_nanos()).unwrap_or(i64::MAX);
        if follows.load(Ordering::Acquire) {
            // Where it was put back, everything would look young: it is followed slowly. One that runs slower than
            // this machine is overtaken by no more than that.
            let known = ahead.load(Ordering::Acquire);
            ahead.store(seen.max(known.saturating_sub(SLOWER)), Ordering::Release);
        } else {
            ahead.store(seen, Ordering::Release);
            follows.store(true, Ordering::Release);
        }
    }

    fn at_latest_there(&self) -> Timestamp {
        let Process { ahead, latest, .. } = &*self.process;
        let Moment(moment) = self.moment();
        let ahead = SignedDuration::from_nanos(ahead.load(Ordering::Acquire));
        let now = moment.saturating_add(ahead).unwrap_or(Timestamp::MAX).as_millisecond();
        let given = latest.fetch_max(now, Ordering::AcqRel).max(now);
        Timestamp::from_millisecond(given).unwrap_or(Timestamp::MAX)
    }

    /// A time that [`Clock::at_latest`] gave, as people read it: as long ago by the time of day as it
    /// is old.
    #[must_use]
    pub fn shown(&self, at_latest: Timestamp) -> Timestamp {
        let age = self.at_latest().duration_since(at_latest);
        settled(self.now().saturating_sub(age), at_latest)
    }

    /// A moment as people read it.
    #[must_use]
    pub fn time_of(&self, moment: Moment) -> Timestamp {
        let left = moment.0.duration_since(self.moment().0);
        settled(self.now().saturating_add(left), millis(moment.0))
    }

    /// Makes time pass for this clock and all its clones, and wakes whoever waits on it.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
        let moved = |nanos: i64| Some(nanos.saturating_add(by));
        // The closure never declines.
        let _ = self.skipped.nanos.fetch_update(Ordering::AcqRel, Ordering::Acquire, moved);
        self.skipped.moved.send_replace(());
    }

    /// Puts the time of day forward or back, as an administrator or NTP does; no time passes. To a
    /// process, having been suspended looks like being put forward.
    pub fn step(&self, by: SignedDuration) {
        let by = i64::try_from(by.as_nanos()).unwrap_or(0);
        self.set.fetch_add(by, Ordering::AcqRel);
    }

    /// Waits for as long as it is now until `deadline`.
    pub async fn sleep_until(&self, deadline: Moment) {
        self.sleep(deadline.since(self.moment())).await;
    }

    /// Waits for `period`: the same time whatever becomes of the time of day meanwhile.
    #[expect(clippy::disallowed_methods, reason = "every other wait goes through here")]
    pub async fn sleep(&self, period: Duration) {
        let mut moved = self.skipped.moved.subscribe();
        let began_ahead = self.skipped.get();
        let began = Instant::now();
        loop {
            moved.mark_unchanged();
            let skipped = self.skipped.get().saturating_sub(began_ahead);
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

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the time")]
fn time_of_day(skipped: &Skipped, set: &AtomicI64) -> Timestamp {
    let set = SignedDuration::from_nanos(set.load(Ordering::Acquire));
    let now = Timestamp::now().saturating_add(skipped.get().saturating_add(set));
    now.unwrap_or(Timestamp::MAX)
}

/// What was computed, or what was stored where the clock was not set between: then the two differ by
/// what it took to compute it, and people shall read the same each time.
fn settled(computed: Result<Timestamp, jiff::Error>, stored: Timestamp) -> Timestamp {
    let computed = computed.map_or(stored, millis);
    let off = computed.duration_since(stored).abs();
    if off < SignedDuration::from_secs(1) { stored } else { computed }
}

/// With the precision that is stored.
fn millis(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

/// Until when something may be begun. It is counted by a clock that runs on while the machine is suspended, and that
/// nobody sets; unlike the times of a [`Clock`] it is not moved with that.
#[derive(Clone, Copy, Debug)]
pub struct BeginBy(Option<Duration>);

impl BeginBy {
    /// It may be begun at any time.
    #[must_use]
    pub const fn any_time() -> Self {
        Self(None)
    }

    /// So long from now on.
    #[must_use]
    pub fn within(period: Duration) -> Self {
        Self(Some(since_boot() + period))
    }

    /// Whether it may not be begun any more.
    #[must_use]
    pub fn is_over(self) -> bool {
        self.0.is_some_and(|latest| since_boot() > latest)
    }
}

/// How long this machine runs, suspended or not.
fn since_boot() -> Duration {
    #[cfg(target_os = "linux")]
    const CLOCK: ClockId = ClockId::Boottime;
    // Elsewhere this one runs on.
    #[cfg(not(target_os = "linux"))]
    const CLOCK: ClockId = ClockId::Monotonic;
    // It is never negative.
    Duration::try_from(clock_gettime(CLOCK)).unwrap_or_default()
}

/// How long something takes. Unlike the times of a [`Clock`] it is not moved with it.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Begins to count.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "what it counts is no time of day")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// Microseconds since the start.
    #[must_use]
    pub fn micros(self) -> u64 {
        u64::try_from(self.elapsed().as_micros()).unwrap_or(u64::MAX)
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
    use proptest::prelude::*;

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

    #[test]
    fn what_may_be_begun_only_so_long_is_over_then() {
        assert!(!BeginBy::any_time().is_over());
        assert!(!BeginBy::within(Duration::from_hours(1)).is_over());
        let soon = BeginBy::within(Duration::from_nanos(1));
        while !soon.is_over() {
            std::thread::yield_now();
        }
    }

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    #[test]
    fn a_clock_that_is_put_forward_or_back_makes_no_time_pass() {
        for by in [HOUR, -HOUR] {
            let clock = Clock::system();
            let (before, began) = (clock.now(), clock.moment());
            clock.step(by);
            assert!(clock.now().duration_since(before).as_secs().abs() >= 3_599);
            assert!(clock.moment().since(began) < Duration::from_mins(1));
        }
    }

    #[test]
    fn what_may_be_old_is_old_by_whichever_clock_went_farther() {
        let clock = Clock::system();
        let age = |since| elapsed(since, clock.at_latest());
        let read = clock.at_latest();
        clock.step(-HOUR);
        clock.advance(Duration::from_mins(5));
        assert!(age(read) >= Duration::from_mins(5), "it goes on though the clock was put back");
        assert!(age(read) < Duration::from_mins(6));
        // Suspended for two hours, of which one is what the clock was behind.
        clock.step(HOUR * 2);
        assert!(age(read) >= Duration::from_mins(65));
        assert!(age(read) < Duration::from_mins(66));
    }

    #[test]
    fn people_read_how_old_something_is_by_the_clock_on_their_wall() {
        let clock = Clock::system();
        let read = clock.at_latest();
        assert_eq!(clock.shown(read), read);
        let due = clock.moment().later(Duration::from_mins(10));
        clock.step(-HOUR);
        let off = |shown: Timestamp, by| shown.duration_since(by).as_secs().abs();
        assert!(off(clock.shown(read), clock.now()) <= 1);
        let in_ten_minutes = later(clock.now(), Duration::from_mins(10));
        assert!(off(clock.time_of(due), in_ten_minutes) <= 1);
    }

    #[test]
    fn machines_that_follow_one_clock_agree_on_how_old_something_is() {
        let shown = "2026-11-28T02:00:00Z".parse::<Timestamp>().unwrap();
        let clocks = [Clock::system(), Clock::system().elsewhere()];
        clocks[0].step(HOUR);
        for clock in &clocks {
            clock.follow(shown);
            clock.step(HOUR * 3);
        }
        let age = |clock: &Clock| elapsed(shown, clock.at_latest());
        assert!(clocks.iter().all(|clock| age(clock) < Duration::from_mins(1)));
        // It goes on by itself, and never back.
        clocks[1].advance(Duration::from_mins(5));
        assert!(age(&clocks[1]) >= Duration::from_mins(5));
        let latest = clocks[1].at_latest();
        clocks[1].follow(shown - HOUR);
        assert!(clocks[1].at_latest() >= latest);
        clocks[1].follow(shown + HOUR);
        assert!(age(&clocks[1]) >= Duration::from_mins(65));
    }

    #[test]
    fn a_new_process_counts_from_the_time_of_day_and_another_machine_has_its_own() {
        let clock = Clock::system();
        let other = clock.elsewhere();
        clock.step(HOUR);
        let restarted = clock.of_new_process();
        assert!(restarted.moment().since(clock.moment()) >= Duration::from_mins(59));
        assert!(clock.now().duration_since(other.now()) >= SignedDuration::from_mins(59));
        clock.advance(Duration::from_hours(2));
        assert!(other.moment().since(clock.moment()) < Duration::from_mins(1));
    }

    proptest! {
        #[test]
        fn nothing_makes_moments_or_the_latest_time_go_back(
            steps in proptest::collection::vec((any::<bool>(), -100_000_i64..100_000), 0..20),
        ) {
            let clock = Clock::system();
            let (mut moment, mut latest) = (clock.moment(), clock.at_latest());
            let began = moment;
            let mut passed = Duration::ZERO;
            for (is_step, seconds) in steps {
                if is_step {
                    clock.step(SignedDuration::from_secs(seconds));
                } else {
                    let by = Duration::from_secs(seconds.unsigned_abs());
                    clock.advance(by);
                    passed += by;
                }
                prop_assert!(clock.moment() >= moment && clock.at_latest() >= latest);
                let now = clock.now();
                (moment, latest) = (clock.moment(), clock.at_latest());
                prop_assert!(latest >= now);
                let measured = moment.since(began);
                prop_assert!(measured >= passed && measured < passed + Duration::from_mins(1));
            }
        }
    }
}
