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
//!    the unclear one had been sent for `settle`: one that is begun earlier can go ahead of it, and
//!    proves nothing of a lock that is taken in between.
//! 3. Without such a success they go one at a time. One whose answer does not come again goes to
//!    the end, and the next waits until another create succeeds, or for a pause that doubles from
//!    `settle` to an hour.

use std::{
    collections::{HashMap, VecDeque},
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

/// Creates that are under way, and what they have shown of the way.
#[derive(Debug, Default)]
pub(super) struct Recreation(Mutex<Way>);

#[derive(Debug, Default)]
struct Way {
    /// Creates under way, by row, and when they were begun.
    running: HashMap<i64, Timestamp>,
    /// The latest beginning of a create that has succeeded.
    passed: Option<Timestamp>,
    /// How long creates took: when they ended, each slower than all after it.
    slowest: VecDeque<(Timestamp, Duration)>,
    probe: Probe,
    /// Rows whose create is sent again without a success since, and since when they may be.
    trials: HashMap<i64, Timestamp>,
    pause: Option<Pause>,
}

#[derive(Debug, Default)]
struct Probe {
    in_flight: bool,
    /// When the last one that passed was begun, and when it passed.
    passed: Option<(Timestamp, Timestamp)>,
    pause: Option<Pause>,
    /// The ticket that one has made: no more are sent.
    ended: Option<String>,
}

/// Nothing is tried before its end; the next one is twice as long.
#[derive(Clone, Copy, Debug)]
struct Pause {
    until: Timestamp,
    length: Duration,
}

impl Pause {
    fn after(earlier: Option<Self>, first: Duration, now: Timestamp) -> Self {
        let length = earlier.map_or(first, |pause| pause.length * 2).min(LONGEST_PAUSE);
        Self { until: later(now, length), length }
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

/// A row whose ticket is absent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Absent {
    pub(super) id: i64,
    /// When its create was sent.
    pub(super) sent_at: Timestamp,
    /// Since when iTop has answered, and the create was not.
    pub(super) open_since: Timestamp,
}

impl Recreation {
    fn way(&self) -> MutexGuard<'_, Way> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A create is sent.
    pub(super) fn begun(&self, id: i64, now: Timestamp) {
        self.way().running.insert(id, now);
    }

    /// A create was answered with success.
    pub(super) fn succeeded(&self, id: i64, now: Timestamp) {
        let mut way = self.way();
        let Some(begun) = way.running.remove(&id) else { return };
        way.passed = way.passed.max(Some(begun));
        way.trials.clear();
        way.pause = None;
        let took = Duration::try_from(now.duration_since(begun)).unwrap_or_default();
        while way.slowest.back().is_some_and(|(_, slow)| *slow <= took) {
            way.slowest.pop_back();
        }
        way.slowest.push_back((now, took));
    }

    /// A create was answered otherwise: the way is free, and nothing is said of the insert.
    pub(super) fn refused(&self, id: i64) {
        let mut way = self.way();
        way.running.remove(&id);
        way.trials.remove(&id);
    }

    /// No clear answer came.
    pub(super) fn unclear(&self, id: i64, now: Timestamp, settle: Duration) {
        let mut way = self.way();
        way.running.remove(&id);
        if way.trials.remove(&id).is_some() {
            way.pause = Some(Pause::after(way.pause, settle, now));
        }
    }

    /// A row is no longer being delivered, whatever came of it.
    pub(super) fn left(&self, id: i64) {
        self.refused(id);
    }

    /// Whether the create of an absent ticket may be sent again; if so, it counts as one that is.
    pub(super) fn verdict(
        &self,
        absent: Absent,
        now: Timestamp,
        settings: &config::Delivery,
    ) -> Verdict {
        let mut way = self.way();
        let arrived = later(absent.sent_at, settings.settle.duration());
        if way.passed > Some(arrived) || way.trials.contains_key(&absent.id) {
            return Verdict::Recreate;
        }
        if !way.probe_has_passed_since(arrived, now)
            && now < later(absent.open_since, settings.settle_unproven.duration())
        {
            return way.probe_verdict(arrived, now, settings.path_probe);
        }
        // An operator may have discarded one before its turn came.
        let Way { trials, running, .. } = &mut *way;
        trials.retain(|id, since| running.contains_key(id) || now < later(*since, FORGOTTEN));
        let pausing = way.pause.is_some_and(|pause| now < pause.until);
        if pausing || way.trials.len() >= settings.recreate_at_once {
            return Verdict::Wait;
        }
        way.trials.insert(absent.id, now);
        Verdict::Recreate
    }

    /// Whether nothing that was sent before `time` can still be on its way.
    pub(super) fn is_free_since(
        &self,
        time: Timestamp,
        now: Timestamp,
        settings: &config::Delivery,
    ) -> bool {
        let mut way = self.way();
        let arrived = later(time, settings.settle.duration());
        way.passed > Some(arrived)
            || way.probe_has_passed_since(arrived, now)
            || now >= later(time, settings.settle_unproven.duration())
    }

    /// A probe is sent.
    pub(super) fn probe_begun(&self) {
        self.way().probe.in_flight = true;
    }

    /// A probe that was sent at `begun` has ended.
    pub(super) fn probe_ended(&self, begun: Timestamp, passed: bool, now: Timestamp) {
        let probe = &mut self.way().probe;
        probe.in_flight = false;
        if passed {
            probe.passed = Some((begun, now));
            probe.pause = None;
        } else {
            probe.pause = Some(Pause::after(probe.pause, FIRST_PROBE_PAUSE, now));
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
        let age =
            |begun: Timestamp| Duration::try_from(now.duration_since(begun)).unwrap_or_default();
        let way = self.way();
        let mut slow: Vec<_> = way.running.iter().map(|(id, begun)| (*id, age(*begun))).collect();
        slow.retain(|(_, age)| *age > than);
        slow.sort_by_key(|(_, age)| std::cmp::Reverse(*age));
        slow
    }
}

impl Way {
    /// Whether a probe that was sent after `time` has passed, and a create that was right behind the
    /// counter has had the time to end.
    fn probe_has_passed_since(&mut self, time: Timestamp, now: Timestamp) -> bool {
        let forgotten = earlier(now, REMEMBERED);
        while self.slowest.front().is_some_and(|(ended, _)| *ended < forgotten) {
            self.slowest.pop_front();
        }
        let slowest = self.slowest.front().map_or(AFTER_PROBE, |(_, took)| *took);
        self.probe.passed.is_some_and(|(begun, passed)| {
            begun > time && now >= later(passed, slowest.max(AFTER_PROBE))
        })
    }

    fn probe_verdict(&self, arrived: Timestamp, now: Timestamp, probes: Switch) -> Verdict {
        let Probe { in_flight, passed, pause, ended } = &self.probe;
        let pausing = pause.is_some_and(|pause| now < pause.until);
        let has_passed = passed.is_some_and(|(begun, _)| begun > arrived);
        if probes == Switch::Off || *in_flight || pausing || has_passed || ended.is_some() {
            Verdict::Wait
        } else {
            Verdict::Probe
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Period;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn absent(id: i64, sent: i64) -> Absent {
        Absent { id, sent_at: at(sent), open_since: at(sent) }
    }

    fn settings() -> config::Delivery {
        config::Delivery { settle: Period::seconds(30), ..config::Delivery::default() }
    }

    fn verdict(way: &Recreation, absent: Absent, now: i64) -> Verdict {
        way.verdict(absent, at(now), &settings())
    }

    #[test]
    fn a_create_that_succeeded_frees_all_that_had_settled_when_it_was_begun() {
        let way = Recreation::default();
        way.begun(9, at(35));
        way.succeeded(9, at(36));
        assert_eq!(verdict(&way, absent(1, 4), 40), Verdict::Recreate);
        assert_eq!(verdict(&way, absent(2, 3), 40), Verdict::Recreate);
        // Begun before that, it may have gone ahead of this one on the way to the counter.
        assert_eq!(verdict(&way, absent(3, 5), 40), Verdict::Probe);
    }

    #[test]
    fn a_probe_counts_only_when_it_was_begun_later_and_the_slowest_create_could_have_ended() {
        let way = Recreation::default();
        way.begun(9, at(-100));
        way.succeeded(9, at(-92));
        assert_eq!(verdict(&way, absent(1, 0), 31), Verdict::Probe);
        way.probe_begun();
        assert_eq!(verdict(&way, absent(1, 0), 32), Verdict::Wait);
        way.probe_ended(at(31), true, at(33));
        assert_eq!(verdict(&way, absent(1, 0), 40), Verdict::Wait);
        assert_eq!(verdict(&way, absent(2, 1), 60), Verdict::Probe, "sent too late for that probe");
        assert_eq!(verdict(&way, absent(1, 0), 41), Verdict::Recreate);
    }

    #[test]
    fn without_a_success_they_go_one_at_a_time_and_an_unclear_one_makes_the_others_wait() {
        let way = Recreation::default();
        way.probe_begun();
        way.probe_ended(at(31), true, at(31));
        assert_eq!(verdict(&way, absent(1, 0), 40), Verdict::Recreate);
        assert_eq!(verdict(&way, absent(2, 0), 40), Verdict::Wait);
        way.begun(1, at(40));
        let settle = Duration::from_secs(30);
        way.unclear(1, at(100), settle);
        assert_eq!(verdict(&way, absent(2, 0), 129), Verdict::Wait);
        assert_eq!(verdict(&way, absent(2, 0), 130), Verdict::Recreate);
        way.begun(2, at(130));
        way.unclear(2, at(140), settle);
        assert_eq!(verdict(&way, absent(3, 0), 199), Verdict::Wait, "the pause doubles");
        assert_eq!(verdict(&way, absent(3, 0), 200), Verdict::Recreate);
        way.begun(3, at(200));
        way.succeeded(3, at(201));
        assert_eq!(verdict(&way, absent(4, 0), 201), Verdict::Recreate);
        assert_eq!(verdict(&way, absent(5, 0), 201), Verdict::Recreate);
    }

    #[test]
    fn after_a_restore_the_way_counts_as_free_when_it_is_proven_or_long_afterwards() {
        let way = Recreation::default();
        let free = |now| way.is_free_since(at(0), at(now), &settings());
        assert!(!free(599) && free(600));
        way.begun(1, at(30));
        way.succeeded(1, at(40));
        assert!(!free(50), "begun too early");
        way.begun(2, at(50));
        way.succeeded(2, at(51));
        assert!(free(51));
    }

    #[test]
    fn where_no_probe_passes_the_long_wait_stands_in() {
        let way = Recreation::default();
        for (now, pause) in [(30, 5), (35, 10), (45, 20)] {
            assert_eq!(verdict(&way, absent(1, 0), now), Verdict::Probe);
            way.probe_begun();
            way.probe_ended(at(now), false, at(now));
            assert_eq!(verdict(&way, absent(1, 0), now + pause - 1), Verdict::Wait);
        }
        way.end_probing("I-000001".to_owned());
        assert_eq!(verdict(&way, absent(1, 0), 599), Verdict::Wait);
        assert_eq!(verdict(&way, absent(1, 0), 600), Verdict::Recreate);
        assert_eq!(verdict(&way, absent(2, 0), 600), Verdict::Wait);
    }

    #[test]
    fn a_create_that_takes_long_is_told_until_it_ends() {
        let way = Recreation::default();
        way.begun(1, at(0));
        way.begun(2, at(5));
        let than = Duration::from_secs(10);
        assert_eq!(way.slow(than, at(12)), [(1, Duration::from_secs(12))]);
        way.refused(1);
        assert_eq!(way.slow(than, at(12)), []);
    }
}
