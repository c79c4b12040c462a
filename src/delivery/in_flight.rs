//! How many deliveries run at once.
//!
//! A real iTop creates most tickets a second with a certain number in flight, and fewer with more
//! (ITOP.md, "Speed"). Which number differs from iTop to iTop and from hour to hour, so it is
//! found by trying. Latency alone would mislead: it doubles while throughput still grows. And one
//! throughput after the other would mislead too: an iTop whose machine others use is now and then
//! half as fast for half a minute, whatever is in flight.
//!
//! 1. So the limit and a rival are in force in turn, for a short round each: what makes iTop
//!    slower meanwhile hits both. A pair of rounds is one ratio of throughputs.
//! 2. A round counts what was written and the time that it took, while the limit was what held
//!    others back. A delivery that takes long holds one place of several, and no more: a mean of
//!    lengths would hang on it.
//! 3. Rivals are sought first upwards, at most doubling, then half-way to what is known to be too
//!    high or too low.
//! 4. More is kept where it brings a tenth of what it could; fewer, where it loses less than that.
//!    The mean of the pairs decides, of which the farthest count no more than the next ones. A
//!    rival wins only if it is plain, and loses sooner. In the end, if nothing is plain, more wins
//!    that seemed worthwhile, but of fewer only what seemed to bring more: too few cost more than
//!    too many.
//! 5. With no rival left, the limit rests; then rivals are sought above and below in turn, after
//!    growing numbers of deliveries, which are smaller where few are in flight.
//!
//! A failed write takes time and brings nothing, which can only lower the limit. An interruption
//! (a closed gate) ends the contest and keeps the limit.

mod contest;
mod round;

use std::{mem, ops::RangeInclusive};

use self::{
    contest::{CHANCE, Contest},
    round::Round,
};
use crate::{clock::Moment, itop::ItopError};

/// Where the search begins, within the bounds: the best of the one real iTop that was measured.
const START: u16 = 4;

/// How many deliveries a limit rests before rivals are sought: from the first number, doubling,
/// to the last.
const REST: RangeInclusive<u32> = 128..=1024;

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
pub(super) struct Begun(Moment);

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

/// The limit of deliveries in flight, which follows what iTop can do. It reads no clock and
/// starts nothing: it is told of each delivery, and asked.
#[derive(Debug)]
pub(super) struct InFlight {
    bounds: RangeInclusive<u16>,
    /// In force: `home`, or its rival.
    limit: u16,
    /// The best known.
    home: u16,
    /// Nothing from here down is worth trying.
    too_low: u16,
    /// Nothing from here up is worth trying.
    too_high: u16,
    /// How far a rival may be from `home`.
    step: u16,
    /// `None` while `home` rests.
    contest: Option<Contest>,
    /// On which side to seek next.
    next: Way,
    /// Deliveries until rivals are sought.
    rest: u32,
    /// How long the next rest is.
    patience: u32,
    round: Round,
    /// The variance of pairs of rounds, as contests have shown it.
    chance: f64,
}

impl InFlight {
    /// Bounds whose end lies before their start allow the start alone; nothing allows less than 1.
    pub(super) fn new(least: u16, most: u16) -> Self {
        let least = least.max(1);
        let most = most.max(least);
        let limit = START.clamp(least, most);
        let mut this = Self {
            bounds: least..=most,
            limit,
            home: limit,
            too_low: least - 1,
            too_high: most.saturating_add(1),
            step: most,
            contest: None,
            next: Way::Up,
            rest: 0,
            patience: *REST.start(),
            round: Round::after(limit),
            chance: CHANCE,
        };
        this.search();
        this
    }

    /// How many deliveries may run at once now.
    pub(super) fn limit(&self) -> u16 {
        self.limit
    }

    /// Deliveries begin, or none does though more could; `running` counts all with them.
    pub(super) fn begun(&mut self, running: usize, now: Moment) -> Begun {
        if running < usize::from(self.limit) {
            self.pause();
        }
        Begun(now)
    }

    /// A delivery has ended; `running` still counts it.
    pub(super) fn ended(&mut self, begun: Begun, running: usize, now: Moment, written: Written) {
        if running < usize::from(self.limit) {
            self.pause();
            return;
        }
        self.round.add(begun.0, now, written);
        if !self.round.is_over(self.limit) {
            return;
        }
        let round = mem::replace(&mut self.round, Round::from(now));
        let Some(mut contest) = self.contest.take() else {
            self.rest = self.rest.saturating_sub(round.counted());
            if self.rest == 0 {
                self.seek_anew();
            }
            return;
        };
        if let Some(throughput) = round.throughput(self.limit, now) {
            let next = contest.round(self.limit, throughput);
            if let Some(won) = contest.verdict(self.chance) {
                self.chance = contest.variance(self.chance);
                self.conclude(contest.rival, won);
                return;
            }
            self.change_to(next);
        }
        self.contest = Some(contest);
    }

    /// Deliveries stop or go on for another reason than the limit: what was being measured is
    /// void, and what is known is kept.
    pub(super) fn interrupted(&mut self) {
        self.contest = None;
        self.limit = self.home;
        self.round = Round::after(self.limit);
    }

    /// The limit does not hold others back.
    fn pause(&mut self) {
        if self.round.void()
            && let Some(contest) = &mut self.contest
        {
            contest.pause();
        }
    }

    fn conclude(&mut self, rival: u16, won: bool) {
        let way = if rival > self.home { Way::Up } else { Way::Down };
        match (way, won) {
            (Way::Up, true) => self.too_low = self.home,
            (Way::Down, true) => self.too_high = self.home,
            (Way::Up, false) => self.too_high = rival,
            (Way::Down, false) => self.too_low = rival,
        }
        if won {
            self.home = rival;
            self.step = self.step.saturating_mul(2);
            self.patience = *REST.start();
        } else {
            self.next = way.other();
        }
        self.search();
    }

    /// The limit has rested: what was too much, or too little, may be so no longer.
    fn seek_anew(&mut self) {
        let way = self.next;
        // What an interruption has left to try comes first.
        if self.target(Way::Up).is_none() && self.target(Way::Down).is_none() {
            match way {
                Way::Up => self.too_high = self.bounds.end().saturating_add(1),
                Way::Down => self.too_low = self.bounds.start() - 1,
            }
            // Near enough to lose little, far enough to differ by more than chance; fewer lose more.
            self.step = self.home.div_ceil(match way {
                Way::Up => 3,
                Way::Down => 4,
            });
        }
        self.search();
        if self.contest.is_none() {
            self.next = way.other();
        }
    }

    /// Lets the next rival compete; rests at the best known limit when none is left.
    fn search(&mut self) {
        for way in [self.next, self.next.other()] {
            if let Some(rival) = self.target(way) {
                self.next = way;
                self.contest = Some(Contest::between(self.home, rival));
                if self.limit != rival {
                    self.change_to(self.home);
                }
                return;
            }
        }
        // Too few in flight costs most: that is doubted sooner.
        let longest = *REST.end() / u32::from(START) * u32::from(self.home.min(START));
        self.rest = self.patience.min(longest);
        self.patience = (self.patience * 2).min(longest);
        self.change_to(self.home);
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
        if limit != self.limit {
            self.round = Round::after(limit.max(self.limit));
            self.limit = limit;
        }
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
