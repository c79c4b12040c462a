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

use crate::{
    clock::Moment,
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
type Tick = u64;

#[derive(Debug, Default)]
struct Way {
    tick: Tick,
    /// Creates under way, by row, and when they were begun.
    running: HashMap<i64, (Tick, Moment)>,
    /// Rows whose outcome is unclear, and when that had first settled.
    unclear: HashMap<i64, Option<Tick>>,
    /// The same of whatever was sent before a backup was restored.
    restored: Option<Tick>,
    /// The latest beginning of a create that has succeeded.
    passed: Option<Tick>,
    /// How long creates took: when they ended, each slower than all after it.
    slowest: VecDeque<(Moment, Duration)>,
    probe: Probe,
    /// Rows whose create is sent again without a success since.
    trials: BTreeMap<i64, Trial>,
    pause: Option<Pause>,
}

#[derive(Clone, Copy, Debug)]
struct Trial {
    tick: Tick,
    since: Moment,
}

#[derive(Debug, Default)]
struct Probe {
    in_flight: bool,
    /// When those that passed were begun, and when they passed; the latest at the end.
    passed: VecDeque<(Tick, Moment)>,
    pause: Option<Pause>,
    /// The ticket that one has made: no more are sent.
    ended: Option<String>,
}

/// Nothing is tried before its end; the next one is twice as long.
#[derive(Clone, Copy, Debug)]
struct Pause {
    tick: Tick,
    until: Moment,
    length: Duration,
}

impl Pause {
    fn after(earlier: Option<Self>, first: Duration, tick: Tick, now: Moment) -> Self {
        let length = earlier.map_or(first, |pause| pause.length * 2).min(LONGEST_PAUSE);
        Self { tick, until: now.later(length), length }
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
    pub(super) fn may_begin(
        &self,
        id: i64,
        now: Moment,
        settings: &config::DeliverySection,
    ) -> bool {
        let mut way = self.way();
        if let Some(settled) = way.unclear.get(&id).copied()
            && (settled.is_none() || way.passed <= settled)
            && !way.takes_trial(id, now, settings)
        {
            return false;
        }
        let begun = (way.next_tick(), now);
        way.running.insert(id, begun);
        true
    }

    /// A create was answered with success.
    pub(super) fn succeeded(&self, id: i64, now: Moment) {
        let mut way = self.way();
        way.unclear.remove(&id);
        let Some((begun, _)) = way.ended(id, now) else { return };
        way.passed = way.passed.max(Some(begun));
        // What was begun before a trial says nothing about it.
        way.trials.retain(|_, trial| trial.tick > begun);
        way.pause = way.pause.filter(|pause| pause.tick > begun);
    }

    /// A create was answered otherwise: the way is free, and nothing is said of the insert.
    pub(super) fn refused(&self, id: i64) {
        self.way().running.remove(&id);
    }

    /// No clear answer came.
    pub(super) fn unclear(&self, id: i64, now: Moment, settle: Duration) {
        let mut way = self.way();
        way.ended(id, now);
        way.unclear.insert(id, None);
        if way.trials.remove(&id).is_some() {
            let tick = way.next_tick();
            way.pause = Some(Pause::after(way.pause, settle, tick, now));
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
        open_since: Moment,
        now: Moment,
        settings: &config::DeliverySection,
    ) -> Verdict {
        let mut way = self.way();
        let tick = way.next_tick();
        let settled = *way.unclear.entry(id).or_default().get_or_insert(tick);
        if way.passed > Some(settled) {
            return Verdict::Recreate;
        }
        let unproven = settings.settle_unproven.duration();
        if !way.probe_has_passed_since(settled, now) && now < open_since.later(unproven) {
            return way.probe_verdict(settled, now, settings.path_probe);
        }
        if way.takes_trial(id, now, settings) { Verdict::Recreate } else { Verdict::Wait }
    }

    /// Whether nothing can still be on its way that was sent before a backup was restored, which has
    /// settled; `restored` is when it was.
    pub(super) fn is_free_of_what_was_before(
        &self,
        restored: Moment,
        now: Moment,
        settings: &config::DeliverySection,
    ) -> bool {
        let mut way = self.way();
        let tick = way.next_tick();
        let settled = *way.restored.get_or_insert(tick);
        way.passed > Some(settled)
            || way.probe_has_passed_since(settled, now)
            || now >= restored.later(settings.settle_unproven.duration())
    }

    /// A probe is sent; when, for [`Recreation::probe_ended`].
    pub(super) fn probe_begun(&self) -> Tick {
        let mut way = self.way();
        way.probe.in_flight = true;
        way.next_tick()
    }

    /// A probe has ended.
    pub(super) fn probe_ended(&self, begun: Tick, passed: bool, now: Moment) {
        let mut way = self.way();
        let tick = way.next_tick();
        let probe = &mut way.probe;
        probe.in_flight = false;
        if passed {
            if probe.passed.len() == PROBES {
                probe.passed.pop_front();
            }
            probe.passed.push_back((begun, now));
            probe.pause = None;
        } else {
            probe.pause = Some(Pause::after(probe.pause, FIRST_PROBE_PAUSE, tick, now));
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
    pub(super) fn slow(&self, than: Duration, now: Moment) -> Vec<(i64, Duration)> {
        let way = self.way();
        let age = |(id, (_, begun)): (&i64, &(Tick, Moment))| (*id, now.since(*begun));
        let mut slow: Vec<_> = way.running.iter().map(age).collect();
        slow.retain(|(_, age)| *age > than);
        slow.sort_by_key(|(_, age)| std::cmp::Reverse(*age));
        slow
    }
}

impl Way {
    fn next_tick(&mut self) -> Tick {
        self.tick += 1;
        self.tick
    }

    /// A create is no longer under way; when it was begun. How long it took is remembered, also
    /// where it was given up: then it took that long at least.
    fn ended(&mut self, id: i64, now: Moment) -> Option<(Tick, Moment)> {
        let (tick, begun) = self.running.remove(&id)?;
        let took = now.since(begun);
        while self.slowest.back().is_some_and(|(_, slow)| *slow <= took) {
            self.slowest.pop_back();
        }
        self.slowest.push_back((now, took));
        Some((tick, begun))
    }

    /// Whether this row may be the one that is tried, or one of those.
    fn takes_trial(&mut self, id: i64, now: Moment, settings: &config::DeliverySection) -> bool {
        if self.trials.contains_key(&id) {
            return true;
        }
        // An operator may have discarded one before its turn came.
        let Self { trials, running, .. } = self;
        trials.retain(|id, trial| running.contains_key(id) || now < trial.since.later(FORGOTTEN));
        // One without a clear answer keeps its place until the pause has passed.
        let pausing = self.pause.is_some_and(|pause| now < pause.until);
        if self.trials.len() + usize::from(pausing) >= settings.recreate_at_once {
            return false;
        }
        let trial = Trial { tick: self.next_tick(), since: now };
        self.trials.insert(id, trial);
        true
    }

    /// Whether a probe that was sent later has passed, and a create that was right behind the
    /// counter has had the time to end.
    fn probe_has_passed_since(&mut self, unclear: Tick, now: Moment) -> bool {
        let forgotten = now.earlier(REMEMBERED);
        while self.slowest.front().is_some_and(|(ended, _)| *ended < forgotten) {
            self.slowest.pop_front();
        }
        let slowest = self.slowest.front().map_or(AFTER_PROBE, |(_, took)| *took);
        let wait = slowest.max(AFTER_PROBE);
        let mut passed = self.probe.passed.iter();
        passed.any(|(begun, passed)| *begun > unclear && now >= passed.later(wait))
    }

    fn probe_verdict(&self, unclear: Tick, now: Moment, probes: Switch) -> Verdict {
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

#[cfg(test)]
mod tests;
