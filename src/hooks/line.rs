//! What sends the messages of one hook.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};

use super::{Hook, Hooks, IN_FLIGHT, Inner, MOST_WAITING, message::message, receiver::Sent};
use crate::{
    clock::Moment,
    delivery::backoff::growing,
    store::{HookMessage, HookOutcomes, HookRecord, StoreError, Term},
};

/// The wait after a message was not taken: from the first to the longest, doubling, with jitter.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_mins(15);

/// For how long a message is sent again.
const GIVE_UP: Duration = Duration::from_hours(24);

/// Messages that are looked at together, each of another control.
const AT_ONCE: usize = 32;

/// So many messages in a row that were refused: it is not the messages.
const REFUSED_IN_A_ROW: u32 = 3;

/// How long the database is left alone where it fails.
const STORE_FAILED: Duration = Duration::from_secs(10);

/// The messages of one hook on their way.
pub(super) struct Line<'h> {
    hooks: &'h Hooks,
    hook: &'h Hook,
    term: &'h Term,
    record: HookRecord,
    /// How often in a row the receiver took nothing.
    failures: u32,
    /// How many messages in a row it refused.
    refused: u32,
    /// Until when it is left alone.
    resume_at: Option<Moment>,
    /// Whether these messages have told that it takes nothing: they were sent together.
    has_failed: bool,
}

/// A post that is being made, until it has its answer or is dropped.
struct Post<'h>(&'h AtomicUsize);

impl<'h> Post<'h> {
    fn begin(in_flight: &'h AtomicUsize) -> Self {
        in_flight.fetch_add(1, Ordering::Relaxed);
        Self(in_flight)
    }
}

impl Drop for Post<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<'h> Line<'h> {
    pub(super) fn new(hooks: &'h Hooks, hook: &'h Hook, term: &'h Term) -> Self {
        let mut record = HookRecord::default();
        hooks.learn(&hook.name, |known| record = known.record.clone());
        let (failures, refused, resume_at, has_failed) = Default::default();
        Self { hooks, hook, term, record, failures, refused, resume_at, has_failed }
    }

    /// Sends until it is dropped.
    pub(super) async fn run(mut self) {
        let hooks = self.hooks;
        let clock = &hooks.inner.clock;
        let mut noted = hooks.inner.store.hook_messages_noted();
        loop {
            noted.borrow_and_update();
            let next = match self.pass().await {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(hook = self.hook.name, %error, "messages of a hook wait");
                    Some(clock.moment().later(STORE_FAILED))
                }
            };
            tokio::select! {
                // The store lives as long as this.
                _ = noted.changed() => {}
                () = async {
                    match next {
                        Some(next) => clock.sleep_until(next).await,
                        None => std::future::pending().await,
                    }
                } => {}
            }
        }
    }

    /// Sends what is due; when to look again, if that is known.
    async fn pass(&mut self) -> Result<Option<Moment>, StoreError> {
        let Inner { store, clock, .. } = &*self.hooks.inner;
        let name = &self.hook.name;
        let backlog = store.hook_backlog(name).await?;
        self.hooks.learn(name, |known| known.backlog = backlog);
        let mut outcomes = HookOutcomes { most: MOST_WAITING, ..HookOutcomes::default() };
        if backlog.waiting > MOST_WAITING {
            self.write(outcomes.clone()).await?;
        }
        let now = clock.moment();
        if let Some(resume_at) = self.resume_at.filter(|resume_at| *resume_at > now) {
            return Ok(Some(resume_at));
        }
        if backlog.waiting == 0 {
            return Ok(None);
        }
        // One is enough to see whether the receiver is there again.
        let limit = if self.failures > 0 { 1 } else { AT_ONCE };
        let heads = store.hook_heads(name, limit).await?;
        if heads.is_empty() {
            return Ok(backlog.next);
        }
        self.has_failed = false;
        for (head, sent) in self.send_all(heads).await {
            self.learn(&head, sent, &mut outcomes);
        }
        if self.record.failing_since.is_some_and(|since| now.since(since) >= GIVE_UP) {
            let before = clock.now().saturating_sub(jiff::SignedDuration::from_hours(24));
            outcomes.given_up_before = before.ok();
        }
        self.write(outcomes).await?;
        // There may be more.
        Ok(Some(self.resume_at.unwrap_or(now)))
    }

    /// What came of each message; of those that were not sent because the receiver had gone, nothing.
    async fn send_all(&self, heads: Vec<HookMessage>) -> Vec<(HookMessage, Sent)> {
        let Inner { clock, desks, .. } = &*self.hooks.inner;
        let is_away = AtomicBool::new(false);
        let send = |head: HookMessage| {
            let is_away = &is_away;
            async move {
                if is_away.load(Ordering::Relaxed) {
                    return None;
                }
                let told = message(&head, |key| desks.address(key));
                let sent = {
                    let _post = Post::begin(&self.hook.in_flight);
                    self.hook.receiver.send(&told, clock.now().as_second()).await
                };
                if matches!(sent, Sent::Away { .. }) {
                    is_away.store(true, Ordering::Relaxed);
                }
                Some((head, sent))
            }
        };
        let outcomes = stream::iter(heads).map(send).buffer_unordered(IN_FLIGHT);
        outcomes.filter_map(async |outcome| outcome).collect().await
    }

    fn learn(&mut self, head: &HookMessage, sent: Sent, outcomes: &mut HookOutcomes) {
        let clock = &self.hooks.inner.clock;
        let now = clock.moment();
        let (why, pause) = match sent {
            Sent::Taken => {
                outcomes.delivered.push(head.id);
                self.record.delivered_at = Some(clock.now());
                self.record.error = None;
                if self.record.failing_since.take().is_some() {
                    tracing::info!(
                        hook = self.hook.name,
                        "the receiver of a hook takes messages again"
                    );
                }
                (self.failures, self.refused, self.resume_at) = (0, 0, None);
                return;
            }
            Sent::Away { why, wait } => (why, Some(wait.unwrap_or_default())),
            Sent::Refused(why) => {
                self.refused += 1;
                (why, (self.refused >= REFUSED_IN_A_ROW).then_some(Duration::ZERO))
            }
        };
        if let Some(asked) = pause {
            self.failures += u32::from(!self.has_failed);
            self.has_failed = true;
            let wait = growing(FIRST_WAIT, LONGEST_WAIT, self.failures).max(asked);
            self.resume_at = Some(now.later(wait));
            if self.record.failing_since.is_none() {
                self.record.failing_since = Some(now);
                tracing::warn!(
                    hook = self.hook.name,
                    why,
                    "the receiver of a hook takes nothing; what it is to be told waits for up to a day"
                );
            }
        } else {
            tracing::warn!(
                hook = self.hook.name,
                message = head.message_id,
                why,
                "a message was refused"
            );
        }
        self.record.error = Some(why);
        let tried_since = head.first_failed_at.unwrap_or(now);
        if now.since(tried_since) >= GIVE_UP {
            outcomes.given_up.push(head.id);
        } else {
            let wait = growing(FIRST_WAIT, LONGEST_WAIT, head.attempts + 1);
            outcomes.failed.push((head.id, now.later(wait)));
        }
    }

    async fn write(&mut self, outcomes: HookOutcomes) -> Result<(), StoreError> {
        let (store, name) = (&self.hooks.inner.store, &self.hook.name);
        let before = self.record.given_up;
        let record = self.term.record_hook_outcomes(name, outcomes, self.record.clone()).await?;
        let given_up = record.given_up - before;
        if given_up > 0 {
            tracing::warn!(
                hook = name,
                messages = given_up,
                "messages of a hook were given up: its receiver was away for a day, or too many waited"
            );
        }
        self.record = record;
        let backlog = store.hook_backlog(name).await?;
        self.hooks.learn(name, |known| {
            known.record = self.record.clone();
            known.backlog = backlog;
        });
        Ok(())
    }
}
