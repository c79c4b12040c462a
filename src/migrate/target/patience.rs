//! Calls that are repeated, and the limit that no call goes past.

use std::time::Duration;

use serde::Serialize;

use super::TargetError;
use crate::{
    clock::Clock,
    salesforce::{Client, Error},
};

/// How often a question is asked that is not answered.
const TRIES: u32 = 6;

/// How long to wait after the first try; twice as long after each further one.
const PAUSE: Duration = Duration::from_secs(1);

/// Of the requests of a day, in percent, what a migration leaves to others: the bridge and the people who work.
const LEFT_TO_OTHERS: u64 = 5;

/// How often it is looked whether there are requests again.
const AN_HOUR: Duration = Duration::from_hours(1);

/// What is waited for, for whoever looks on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Waiting {
    /// The requests of these 24 hours are nearly used up.
    Limit {
        /// How many are used.
        used: u64,
        /// Of how many.
        most: u64,
        /// When it is looked again.
        until: String,
    },
    /// What may have been done in spite of a lost answer is waited for.
    LostAnswer {
        /// For how long, in seconds.
        seconds: u64,
    },
}

/// Calls, with patience.
pub(super) struct Patience<'a, T> {
    pub(super) client: &'a Client,
    pub(super) clock: &'a Clock,
    /// Whether to wait for the limit of the day.
    pub(super) waits: bool,
    /// Whom to tell of it.
    pub(super) told: T,
}

impl<T: Fn(Waiting)> Patience<'_, T> {
    /// Goes on only while others have requests left.
    pub(super) async fn gate(&self) -> Result<(), TargetError> {
        loop {
            let Some((used, most)) = self.client.usage() else { return Ok(()) };
            if used < most.saturating_sub(most * LEFT_TO_OTHERS / 100) {
                return Ok(());
            }
            self.limit(used, most).await?;
        }
    }

    /// The limit is reached: waits and looks, or ends.
    async fn limit(&self, used: u64, most: u64) -> Result<(), TargetError> {
        if !self.waits {
            return Err(TargetError::RequestLimit { used, most });
        }
        let until = crate::clock::later(self.clock.now(), AN_HOUR).to_string();
        (self.told)(Waiting::Limit { used, most, until });
        self.clock.sleep(AN_HOUR).await;
        // Its answer tells how many are used by now; whatever else it says, the next call meets.
        let _ = self.client.ping().await;
        Ok(())
    }

    /// What follows on an error of a call: nothing, after a pause, where it is worth trying again.
    ///
    /// # Errors
    /// When it was tried often enough, or is not worth it.
    pub(super) async fn after(
        &self,
        what: &str,
        error: Error,
        tried: u32,
    ) -> Result<(), TargetError> {
        match error {
            Error::RequestLimit { daily: true, used } => {
                let (used, most) = used.unwrap_or_default();
                self.limit(used, most).await
            }
            Error::StorageLimit => Err(TargetError::StorageLimit),
            error if is_passing(&error) && tried < TRIES => {
                tracing::warn!(what, %error, "Salesforce is asked again");
                self.clock.sleep(pause(tried)).await;
                Ok(())
            }
            error => Err(TargetError::Org { what: what.to_owned(), error }),
        }
    }

    /// Asks until it is answered: for what changes nothing, or can be done twice.
    pub(super) async fn ask<A>(
        &self,
        what: &str,
        question: impl AsyncFn() -> Result<A, Error>,
    ) -> Result<A, TargetError> {
        let mut tried = 1;
        loop {
            self.gate().await?;
            match question().await {
                Ok(answer) => return Ok(answer),
                Err(error) => self.after(what, error, tried).await?,
            }
            tried += 1;
        }
    }

    /// Waits before rows are sent again that were in somebody's way.
    pub(super) async fn rest(&self, tried: u32) {
        self.clock.sleep(pause(tried)).await;
    }
}

/// Whether the same call may be answered otherwise in a while. What stands between is asked again too: it may
/// stand there for this one request.
fn is_passing(error: &Error) -> bool {
    error.is_passing() || error.may_be_about_the_request()
}

/// Twice as long each time, and never quite the same: others wait too.
fn pause(tried: u32) -> Duration {
    let whole = PAUSE * 2_u32.pow(tried.saturating_sub(1).min(6));
    whole / 2 + whole.mul_f64(rand::random::<f64>()) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_differ() {
        for tried in 1..9 {
            let whole = PAUSE * 2_u32.pow((tried - 1).min(6));
            assert!(pause(tried) >= whole / 2 && pause(tried) <= whole, "{tried}");
        }
    }
}
