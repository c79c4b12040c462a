//! When a create whose answer never came may be sent again.
//!
//! That its ticket is absent does not prove that it will not be made yet: a lock, a queue or a
//! stopped process may hold the create, and what holds the first would hold a second one too and
//! release them together. The condition that each create carries refuses what starts after the
//! other has committed, and nothing else. So before a create is sent again:
//!
//! 1. `settle` must have passed, and the marker must not be there ([`super::settle`]).
//! 2. The way must have been free since: best by a create of another row that has succeeded; else
//!    by a probe that goes the same way and has passed, and then as long as the slowest create of
//!    the last hour took; else `settle_unproven` must pass. Either counts only if it was begun when
//!    the unclear one had settled: one that is begun earlier can go ahead of it, and proves nothing
//!    of a lock that is taken in between.
//! 3. Without such a success they go one at a time. One whose answer does not come again goes to
//!    the end, and the next waits until another create succeeds, or for a pause that doubles from
//!    `settle` to an hour.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use crate::{
    clock::{earlier, later},
    config::{self, Switch},
};

/// How long is waited at least between a probe that has passed and the search: a create with a CI
/// is that much slower between the ticket counter and its insert (ITOP.md).
const AFTER_PROBE: Duration = Duration::from_secs(5);

/// For how long a slow create is remembered.
const REMEMBERED: Duration = Duration::from_hours(1);

/// The longest pause between two creates that are sent again, and between two probes.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// After how long one that may be sent again, and never was, no longer holds up the others.
const FORGOTTEN: Duration = Duration::from_mins(10);

/// The wait after the first probe that did not pass.
const FIRST_PROBE_PAUSE: Duration = Duration::from_secs(5);

/// How many probes that have passed are remembered.
const PROBES: usize = 16;

/// Creates that are under way, and what they have shown of the way.
#[derive(Debug, Default)]
pub(super) struct Recreation(Mutex<Way>);

/// What happened later has the higher number, whatever becomes of the clock.
type Moment = u64;

#[derive(Debug, Default)]
struct Way {
    moment: Moment,
    /// Creates under way, by row, and when they were begun.
    running: HashMap<i64, (Moment, Timestamp)>,
    /// Rows whose outcome is unclear, and when that had first settled.
    unclear: HashMap<i64, Option<Moment>>,
    /// The same of whatever was sent before a backup was restored.
    restored: Option<Moment>,
    /// The latest beginning of a create that has succeeded.
    passed: Option<Moment>,
    /// How long creates took: when they ended, each slower than all after it.
    slowest: VecDeque<(Timestamp, Duration)>,
    probe: Probe,
    /// Rows whose create is sent again without a success since.
    trials: BTreeMap<i64, Trial>,
    pause: Option<Pause>,
}

#[derive(Clone, Copy, Debug)]
struct Trial {
    moment: Moment,
    since: Timestamp,
}

#[derive(Debug, Default)]
struct Probe {
    in_flight: bool,
    /// When those that passed were begun, and when they passed; the latest at the end.
    passed: VecDeque<(Moment, Timestamp)>,
    pause: Option<Pause>,
    /// The ticket that one has made: no more are sent.
    ended: Option<String>,
}

/// Nothing is tried before its end; the next one is twice as long.
#[derive(Clone, Copy, Debug)]
struct Pause {
    moment: Moment,
    until: Timestamp,
    length: Duration,
}

impl Pause {
    fn after(earlier: Option<Self>, first: Duration, moment: Moment, now: Timestamp) -> Self {
        let length = earlier.map_or(first, |pause| pause.length * 2).min(LONGEST_PAUSE);
        Self { moment, until: later(now, length), length }
    }
}

/// What may become of an absent ticket now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Its create may be sent again.
    Recreate,
    /// The way must be probed first.
    Probe,
    /// Not yet.
    Wait,
}

impl Recreation {
    fn way(&self) -> MutexGuard<'_, Way> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a create may be sent now: always the first one of a row, and one that is sent again
    /// as [`Recreation::verdict`] says. It counts as under way then.
    pub(super) fn may_begin(&self, id: i64, now: Timestamp, settings: &config::Delivery) -> bool {
        let mut way = self.way();
        if let Some(settled) = way.unclear.get(&id).copied()
            && (settled.is_none() || way.passed <= settled)
            && !way.takes_trial(id, now, settings)
        {
            return false;
        }
        let begun = (way.next_moment(), now);
        way.running.insert(id, begun);
        true
    }

    /// A create was answered with success.
    pub(super) fn succeeded(&self, id: i64, now: Timestamp) {
        let mut way = self.way();
        way.unclear.remove(&id);
        let Some((begun, _)) = way.ended(id, now) else { return };
        way.passed = way.passed.max(Some(begun));
        // What was begun before a trial says nothing about it.
        way.trials.retain(|_, trial| trial.moment > begun);
        way.pause = way.pause.filter(|pause| pause.moment > begun);
    }

    /// A create was answered otherwise: the way is free, and nothing is said of the insert.
    pub(super) fn refused(&self, id: i64) {
        self.way().running.remove(&id);
    }

    /// No clear answer came.
    pub(super) fn unclear(&self, id: i64, now: Timestamp, settle: Duration) {
        let mut way = self.way();
        way.ended(id, now);
        way.unclear.insert(id, None);
        if way.trials.remove(&id).is_some() {
            let moment = way.next_moment();
            way.pause = Some(Pause::after(way.pause, settle, moment, now));
        }
    }

    /// A row is no longer being delivered, whatever came of it.
    pub(super) fn left(&self, id: i64) {
        let mut way = self.way();
        way.running.remove(&id);
        way.trials.remove(&id);
    }

    /// A row's outcome is known.
    pub(super) fn settled(&self, id: i64) {
        self.way().unclear.remove(&id);
    }

    /// Whether the create of an absent row, which has settled, may be sent again; if so, a place is
    /// kept for it. `open_since` is since when iTop has answered, and the create was not.
    pub(super) fn verdict(
        &self,
        id: i64,
        open_since: Timestamp,
        now: Timestamp,
        settings: &config::Delivery,
    ) -> Verdict {
        let mut way = self.way();
        let moment = way.next_moment();
        let settled = *way.unclear.entry(id).or_default().get_or_insert(moment);
        if way.passed > Some(settled) {
            return Verdict::Recreate;
        }
        let unproven = settings.settle_unproven.duration();
        if !way.probe_has_passed_since(settled, now) && now < later(open_since, unproven) {
            return way.probe_verdict(settled, now, settings.path_probe);
        }
        if way.takes_trial(id, now, settings) { Verdict::Recreate } else { Verdict::Wait }
    }

    /// Whether nothing can still be on its way that was sent before a backup was restored, which has
    /// settled; `restored` is when it was.
    pub(super) fn is_free_of_what_was_before(
        &self,
        restored: Timestamp,
        now: Timestamp,
        settings: &config::Delivery,
    ) -> bool {
        let mut way = self.way();
        let moment = way.next_moment();
        let settled = *way.restored.get_or_insert(moment);
        way.passed > Some(settled)
            || way.probe_has_passed_since(settled, now)
            || now >= later(restored, settings.settle_unproven.duration())
    }

    /// A probe is sent; when, for [`Recreation::probe_ended`].
    pub(super) fn probe_begun(&self) -> Moment {
        let mut way = self.way();
        way.probe.in_flight = true;
        way.next_moment()
    }

    /// A probe has ended.
    pub(super) fn probe_ended(&self, begun: Moment, passed: bool, now: Timestamp) {
        let mut way = self.way();
        let moment = way.next_moment();
        let probe = &mut way.probe;
        probe.in_flight = false;
        if passed {
            if probe.passed.len() == PROBES {
                probe.passed.pop_front();
            }
            probe.passed.push_back((begun, now));
            probe.pause = None;
        } else {
            probe.pause = Some(Pause::after(probe.pause, FIRST_PROBE_PAUSE, moment, now));
        }
    }

    /// A probe has made this ticket: none is sent any more.
    pub(super) fn end_probing(&self, ticket: String) {
        let probe = &mut self.way().probe;
        probe.in_flight = false;
        probe.ended = Some(ticket);
    }

    /// The ticket that a probe has made.
    pub(super) fn probing_ended(&self) -> Option<String> {
        self.way().probe.ended.clone()
    }

    /// The creates that have been under way for longer than that, oldest first, and for how long.
    pub(super) fn slow(&self, than: Duration, now: Timestamp) -> Vec<(i64, Duration)> {
        let way = self.way();
        let age = |(id, (_, begun)): (&i64, &(Moment, Timestamp))| (*id, since(*begun, now));
        let mut slow: Vec<_> = way.running.iter().map(age).collect();
        slow.retain(|(_, age)| *age > than);
        slow.sort_by_key(|(_, age)| std::cmp::Reverse(*age));
        slow
    }
}

impl Way {
    fn next_moment(&mut self) -> Moment {
        self.moment += 1;
        self.moment
    }

    /// A create is no longer under way; when it was begun. How long it took is remembered, also
    /// where it was given up: then it took that long at least.
    fn ended(&mut self, id: i64, now: Timestamp) -> Option<(Moment, Timestamp)> {
        let (moment, begun) = self.running.remove(&id)?;
        let took = since(begun, now);
        while self.slowest.back().is_some_and(|(_, slow)| *slow <= took) {
            self.slowest.pop_back();
        }
        self.slowest.push_back((now, took));
        Some((moment, begun))
    }

    /// Whether this row may be the one that is tried, or one of those.
    fn takes_trial(&mut self, id: i64, now: Timestamp, settings: &config::Delivery) -> bool {
        if self.trials.contains_key(&id) {
            return true;
        }
        // An operator may have discarded one before its turn came.
        let Self { trials, running, .. } = self;
        trials.retain(|id, trial| running.contains_key(id) || now < later(trial.since, FORGOTTEN));
        // One without a clear answer keeps its place until the pause has passed.
        let pausing = self.pause.is_some_and(|pause| now < pause.until);
        if self.trials.len() + usize::from(pausing) >= settings.recreate_at_once {
            return false;
        }
        let trial = Trial { moment: self.next_moment(), since: now };
        self.trials.insert(id, trial);
        true
    }

    /// Whether a probe that was sent later has passed, and a create that was right behind the
    /// counter has had the time to end.
    fn probe_has_passed_since(&mut self, unclear: Moment, now: Timestamp) -> bool {
        let forgotten = earlier(now, REMEMBERED);
        while self.slowest.front().is_some_and(|(ended, _)| *ended < forgotten) {
            self.slowest.pop_front();
        }
        let slowest = self.slowest.front().map_or(AFTER_PROBE, |(_, took)| *took);
        let wait = slowest.max(AFTER_PROBE);
        let mut passed = self.probe.passed.iter();
        passed.any(|(begun, passed)| *begun > unclear && now >= later(*passed, wait))
    }

    fn probe_verdict(&self, unclear: Moment, now: Timestamp, probes: Switch) -> Verdict {
        let Probe { in_flight, passed, pause, ended } = &self.probe;
        let pausing = pause.is_some_and(|pause| now < pause.until);
        let has_passed = passed.back().is_some_and(|(begun, _)| *begun > unclear);
        if probes == Switch::Off || *in_flight || pausing || has_passed || ended.is_some() {
            Verdict::Wait
        } else {
            Verdict::Probe
        }
    }
}

fn since(begun: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(begun)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Period;

    const SETTLE: Duration = Duration::from_secs(30);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn settings() -> config::Delivery {
        config::Delivery { settle: Period::seconds(30), ..config::Delivery::default() }
    }

    fn begin(way: &Recreation, id: i64, now: i64) -> bool {
        way.may_begin(id, at(now), &settings())
    }

    /// A create of a row that was sent and given up at that time.
    fn lose(way: &Recreation, id: i64, now: i64) {
        assert!(begin(way, id, now), "{id} at {now}");
        way.unclear(id, at(now), SETTLE);
        way.left(id);
    }

    fn verdict(way: &Recreation, id: i64, now: i64) -> Verdict {
        way.verdict(id, at(0), at(now), &settings())
    }

    fn probe(way: &Recreation, passed: bool, now: i64) {
        let begun = way.probe_begun();
        way.probe_ended(begun, passed, at(now));
    }

    #[test]
    fn a_create_that_was_begun_later_and_succeeded_frees_all_that_had_settled() {
        let way = Recreation::default();
        lose(&way, 1, 0);
        lose(&way, 2, 0);
        // Begun before they had settled: it may have gone ahead of them on the way to the counter.
        assert!(begin(&way, 8, 5));
        way.succeeded(8, at(6));
        assert_eq!(verdict(&way, 1, 40), Verdict::Probe);
        assert_eq!(verdict(&way, 2, 40), Verdict::Probe);
        assert!(begin(&way, 9, 41));
        way.succeeded(9, at(42));
        assert_eq!(verdict(&way, 1, 40), Verdict::Recreate);
        assert_eq!(verdict(&way, 2, 40), Verdict::Recreate);
        assert!(begin(&way, 1, 40) && begin(&way, 2, 40), "and all at once");
    }

    #[test]
    fn a_probe_counts_only_when_it_was_begun_later_and_the_slowest_create_could_have_ended() {
        let way = Recreation::default();
        assert!(begin(&way, 9, -100));
        way.succeeded(9, at(-92));
        lose(&way, 1, 0);
        assert_eq!(verdict(&way, 1, 30), Verdict::Probe);
        let begun = way.probe_begun();
        assert_eq!(verdict(&way, 1, 31), Verdict::Wait, "one at a time");
        way.probe_ended(begun, true, at(32));
        assert_eq!(verdict(&way, 1, 39), Verdict::Wait);
        lose(&way, 2, 39);
        assert_eq!(verdict(&way, 2, 39), Verdict::Probe, "it settled after that probe");
        // A later probe takes nothing from the earlier one.
        probe(&way, true, 39);
        assert_eq!(verdict(&way, 1, 40), Verdict::Recreate);
        assert_eq!(verdict(&way, 2, 46), Verdict::Wait);
    }

    #[test]
    fn without_a_success_they_go_one_at_a_time_and_an_unclear_one_makes_the_others_wait() {
        let way = Recreation::default();
        for id in 1..=5 {
            lose(&way, id, 0);
            assert_eq!(verdict(&way, id, 30), Verdict::Probe);
        }
        probe(&way, true, 30);
        assert_eq!(verdict(&way, 1, 40), Verdict::Recreate);
        assert_eq!(verdict(&way, 2, 40), Verdict::Wait);
        // However it comes to its turn, the second is not sent.
        assert!(!begin(&way, 2, 40));
        assert!(begin(&way, 1, 40));
        way.unclear(1, at(100), SETTLE);
        way.left(1);
        assert_eq!(verdict(&way, 2, 129), Verdict::Wait);
        assert!(!begin(&way, 2, 129));
        assert_eq!(verdict(&way, 2, 160), Verdict::Recreate);
        lose(&way, 2, 160);
        assert_eq!(verdict(&way, 3, 219), Verdict::Wait, "the pause doubles");
        assert_eq!(verdict(&way, 3, 220), Verdict::Recreate);
        assert!(begin(&way, 3, 220));
        way.succeeded(3, at(221));
        assert_eq!(verdict(&way, 4, 221), Verdict::Recreate);
        assert_eq!(verdict(&way, 5, 221), Verdict::Recreate);
    }

    #[test]
    fn where_several_may_go_at_once_an_unclear_one_takes_one_place() {
        let several = config::Delivery { recreate_at_once: 3, ..settings() };
        let way = Recreation::default();
        for id in 1..=5 {
            lose(&way, id, 0);
            assert_eq!(verdict(&way, id, 30), Verdict::Probe);
        }
        probe(&way, true, 30);
        assert!(way.may_begin(1, at(40), &several));
        way.unclear(1, at(41), SETTLE);
        way.left(1);
        let begun = [2, 3, 4].map(|id| way.may_begin(id, at(42), &several));
        assert_eq!(begun, [true, true, false]);
        assert!(way.may_begin(4, at(71), &several), "the pause has passed");
    }

    #[test]
    fn a_trial_that_ends_without_a_create_gives_its_place_to_the_next_and_keeps_none() {
        let way = Recreation::default();
        for id in 1..=2 {
            lose(&way, id, 0);
            assert_eq!(verdict(&way, id, 30), Verdict::Probe);
        }
        probe(&way, true, 30);
        assert_eq!(verdict(&way, 1, 40), Verdict::Recreate);
        // Its company was unlinked meanwhile: it waits, and is no longer looked for.
        way.left(1);
        assert_eq!(verdict(&way, 2, 40), Verdict::Recreate);
        assert!(!begin(&way, 1, 40), "linked again, it waits for its turn");
        assert!(begin(&way, 2, 40));
    }

    #[test]
    fn where_no_probe_passes_the_long_wait_stands_in() {
        let way = Recreation::default();
        lose(&way, 1, 0);
        lose(&way, 2, 0);
        for (now, pause) in [(30, 5), (35, 10), (45, 20)] {
            assert_eq!(verdict(&way, 1, now), Verdict::Probe);
            probe(&way, false, now);
            assert_eq!(verdict(&way, 1, now + pause - 1), Verdict::Wait);
        }
        way.end_probing("I-000001".to_owned());
        assert_eq!(verdict(&way, 1, 599), Verdict::Wait);
        assert_eq!(verdict(&way, 1, 600), Verdict::Recreate);
        assert_eq!(verdict(&way, 2, 600), Verdict::Wait);
    }

    #[test]
    fn after_a_restore_the_way_is_free_when_it_is_proven_or_long_afterwards() {
        let way = Recreation::default();
        assert!(begin(&way, 1, 20));
        let free = |now| way.is_free_of_what_was_before(at(0), at(now), &settings());
        assert!(!free(30));
        way.succeeded(1, at(40));
        assert!(!free(599) && free(600), "begun too early");
        assert!(begin(&way, 2, 50));
        way.succeeded(2, at(51));
        assert!(free(51));
    }

    #[test]
    fn after_a_restart_only_what_comes_later_proves_the_way() {
        let way = Recreation::default();
        assert!(begin(&way, 9, 0));
        way.succeeded(9, at(1));
        // Nobody knows when this one was sent.
        assert_eq!(verdict(&way, 1, 30), Verdict::Probe);
        assert!(begin(&way, 8, 31));
        way.succeeded(8, at(32));
        assert_eq!(verdict(&way, 1, 33), Verdict::Recreate);
    }

    #[test]
    fn a_create_that_takes_long_is_told_until_it_ends() {
        let way = Recreation::default();
        assert!(begin(&way, 1, 0) && begin(&way, 2, 5));
        let than = Duration::from_secs(10);
        assert_eq!(way.slow(than, at(12)), [(1, Duration::from_secs(12))]);
        way.refused(1);
        assert_eq!(way.slow(than, at(12)), []);
    }
}
