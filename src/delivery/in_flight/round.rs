//! What a limit gets done in a short time.

use std::time::Duration;

use super::Written;
use crate::clock::Moment;

/// How many deliveries a round counts, rounded up to a multiple of the limit: deliveries that
/// begin together also end together.
const DELIVERIES: u16 = 16;

/// What has ended since the limit changed, or since the last round.
#[derive(Debug)]
pub(super) struct Round {
    /// Deliveries to pass over first.
    pass_over: u32,
    /// When counting began.
    since: Option<Moment>,
    ended: u32,
    wrote: u32,
    /// For how long places were taken by deliveries that wrote nothing.
    elsewhere: Duration,
}

impl Round {
    /// After a change between limits up to this: two rounds of deliveries are passed over. Those
    /// in the first began while there were fewer in flight, or more. In the second the quick ones
    /// end first of many that began together, as if iTop had become faster.
    pub(super) fn after(limit: u16) -> Self {
        Self {
            pass_over: 2 * u32::from(limit),
            since: None,
            ended: 0,
            wrote: 0,
            elsewhere: Duration::ZERO,
        }
    }

    /// At the same limit as the last one, which ended now.
    pub(super) fn from(now: Moment) -> Self {
        Self { pass_over: 0, since: Some(now), ..Self::after(0) }
    }

    /// The limit was not what held others back: counting begins anew with the next end. Says
    /// whether it had begun.
    pub(super) fn void(&mut self) -> bool {
        let counting = self.pass_over == 0;
        *self = Self { pass_over: self.pass_over.max(1), ..Self::after(0) };
        counting
    }

    pub(super) fn add(&mut self, begun: Moment, now: Moment, written: Written) {
        let Some(since) = self.since.filter(|_| self.pass_over == 0) else {
            self.pass_over = self.pass_over.saturating_sub(1);
            self.since = Some(now);
            return;
        };
        if written == Written::Nothing {
            self.elsewhere += now.since(begun.max(since));
            return;
        }
        self.ended += 1;
        self.wrote += u32::from(written == Written::Yes);
    }

    /// How many deliveries were counted.
    pub(super) fn counted(&self) -> u32 {
        self.ended
    }

    pub(super) fn is_over(&self, limit: u16) -> bool {
        self.ended >= u32::from(DELIVERIES.div_ceil(limit)) * u32::from(limit)
    }

    /// Deliveries a second that wrote, in the time of those that did not write nothing; `None`
    /// where counting has not begun.
    pub(super) fn throughput(&self, limit: u16, now: Moment) -> Option<f64> {
        let took = now.since(self.since?);
        let places = f64::from(limit);
        let taken = places * took.as_secs_f64() - self.elsewhere.as_secs_f64();
        // The clock knows no less than a millisecond.
        Some(places * f64::from(self.wrote) / taken.max(0.001))
    }
}
