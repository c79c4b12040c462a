//! The rows of a class, in batches with a verdict on each row.

use std::sync::Arc;

use super::{Event, Load};
use crate::{
    migrate::{
        staging::{
            Object,
            ledger::{BatchRow, Ending, Filled, How, Ledger, Part, Way},
        },
        target::TargetError,
    },
    salesforce::{
        Error, Refusal,
        loading::{AT_ONCE, Verdict},
    },
};

/// How many rows go in one call, by how often they were tried: what is in each other's way is taken apart.
const SIZES: [usize; 5] = [AT_ONCE, 50, 20, 5, 1];

/// How often a row is sent that others are in the way of.
const TRIES: u32 = 5;

/// How long the rows of a call are at most, in bytes.
const BYTES: usize = 4 << 20;

/// The code of a row whose answer got lost.
const LOST: &str = "no-clear-answer";

impl Load<'_> {
    /// All rows of a class that are not there: new ones first, then those that are to be sent again.
    pub(super) async fn class(&self, class: &str, pass: i64, run: i64) -> Result<(), TargetError> {
        let part = self.part(class, pass, run);
        let asked = part.clone();
        let rows = self.staging.ledger(move |ledger| ledger.pending(&asked)).await?;
        let (object, of) = (part.object.clone(), class.to_owned());
        (self.tell)(&Event::Class { class: of, object, rows, pass });
        let is_bulk = rows >= self.how.bulk_from;
        let mut above = 0;
        loop {
            self.patience().gate().await?;
            let filled = self.fill(class, pass, run, above, is_bulk).await?;
            if filled.failed > 0 {
                self.tell_rows(class, 0, filled.failed, 0);
            }
            if let Some(batch) = filled.batch {
                self.send(&self.part(class, pass, run), batch, is_bulk).await?;
            }
            match filled.up_to {
                Some(up_to) => above = up_to,
                None => break,
            }
        }
        self.send_again(class, pass, run).await
    }

    async fn fill(
        &self,
        class: &str,
        pass: i64,
        run: i64,
        above: u64,
        is_bulk: bool,
    ) -> Result<Filled, TargetError> {
        let (way, most) = if is_bulk {
            (Way::Bulk, super::jobs::MOST)
        } else {
            (Way::Collection, (AT_ONCE, BYTES))
        };
        let (part, plan) = (self.part(class, pass, run), Arc::clone(self.plan));
        let filled = self.staging.ledger(move |ledger| {
            let limited = part.is_limited;
            ledger.fill(&part, way, above, most, |ledger: &Ledger<'_>, object: &Object, target| {
                match part.pass {
                    1 => plan.new_row(ledger, object),
                    _ => plan.later_row(ledger, object, target, limited),
                }
            })
        });
        Ok(filled.await?)
    }

    /// Sends rows that others were in the way of, or of which nothing is known: fewer at once each time.
    async fn send_again(&self, class: &str, pass: i64, run: i64) -> Result<(), TargetError> {
        loop {
            let part = self.part(class, pass, run);
            let failed = self.staging.ledger(move |ledger| {
                let failed = ledger.give_up(&part, TRIES)?;
                Ok((failed, ledger.waiting(&part)?))
            });
            let (failed, waiting) = failed.await?;
            if failed > 0 {
                self.tell_rows(class, 0, failed, 0);
            }
            let Some(waiting) = waiting else { return Ok(()) };
            self.patience().rest(waiting.tries + 1).await;
            let rows = u64::try_from(waiting.rows).unwrap_or(u64::MAX);
            let is_bulk = waiting.tries < 2 && rows >= self.how.bulk_from;
            let place = usize::try_from(waiting.tries).unwrap_or(usize::MAX);
            let size = SIZES.get(place).copied().unwrap_or(1);
            let (way, size) =
                if is_bulk { (Way::Bulk, super::jobs::MOST.0) } else { (Way::Collection, size) };
            loop {
                self.patience().gate().await?;
                let part = self.part(class, pass, run);
                let tries = waiting.tries;
                let batch =
                    self.staging.ledger(move |ledger| ledger.again(&part, way, tries, size));
                let Some(batch) = batch.await? else { break };
                self.send(&self.part(class, pass, run), batch, is_bulk).await?;
            }
        }
    }

    async fn send(&self, part: &Part, batch: i64, is_bulk: bool) -> Result<(), TargetError> {
        if is_bulk && self.send_job(part, batch).await? {
            return Ok(());
        }
        self.send_collections(part, batch).await
    }

    /// Sends the rows of a batch as collections.
    pub(super) async fn send_collections(
        &self,
        part: &Part,
        batch: i64,
    ) -> Result<(), TargetError> {
        let rows = self.staging.ledger(move |ledger| ledger.rows(batch)).await?;
        for rows in rows.chunks(AT_ONCE) {
            self.send_collection(part, rows).await?;
        }
        self.end_batch(batch).await
    }

    pub(super) async fn end_batch(&self, batch: i64) -> Result<(), TargetError> {
        let at = self.now();
        Ok(self.staging.ledger(move |ledger| ledger.end_batch(batch, &at)).await?)
    }

    /// One call: what had no effect is repeated as a whole, what got lost is looked for.
    async fn send_collection(&self, part: &Part, rows: &[BatchRow]) -> Result<(), TargetError> {
        let fields: Vec<_> = rows.iter().map(|row| row.fields.clone()).collect();
        let mut tried = 1;
        let verdicts = loop {
            self.patience().gate().await?;
            let sent = match part.pass {
                1 => self.client.create_many(&part.object, &fields).await,
                _ => self.client.update_many(&part.object, &fields).await,
            };
            match sent {
                Ok(verdicts) => break verdicts,
                Err(error) if error.had_no_effect() => {
                    self.patience().after(&part.class, error, tried).await?;
                }
                Err(error) => {
                    tracing::warn!(class = part.class, %error, "an answer got lost");
                    return self.after_lost(part, rows).await;
                }
            }
            tried += 1;
        };
        self.judge(part, rows.iter().zip(verdicts).collect()).await
    }

    /// Of rows whose answer got lost: what is there was made by them, the rest is sent again.
    pub(super) async fn after_lost(
        &self,
        part: &Part,
        rows: &[BatchRow],
    ) -> Result<(), TargetError> {
        let found = self.by_keys(part, rows.iter()).await?;
        let endings = rows.iter().map(|row| {
            let ending = match found.get(&row.key) {
                Some(target) if part.pass == 1 => Ending::Record(target.clone(), How::Created),
                // A change can be made twice.
                _ => Ending::Again { why: LOST.to_owned(), doubt: part.pass == 1 },
            };
            (row.id, ending)
        });
        self.end_rows(part, endings.collect()).await
    }

    async fn by_keys<'r>(
        &self,
        part: &Part,
        rows: impl Iterator<Item = &'r BatchRow>,
    ) -> Result<std::collections::HashMap<String, String>, TargetError> {
        let keys: Vec<_> = rows.map(|row| row.key.clone()).collect();
        if keys.is_empty() || part.pass != 1 {
            return Ok(std::collections::HashMap::new());
        }
        let field = self.plan.class(&part.class).map(|(class, _)| class.key.clone());
        let field = field.unwrap_or_default();
        let what = format!("{} by key", part.class);
        self.patience()
            .ask(&what, async || self.client.by_keys(&part.object, &field, &keys).await)
            .await
    }

    /// Writes down what came of rows.
    pub(super) async fn judge(
        &self,
        part: &Part,
        verdicts: Vec<(&BatchRow, Verdict)>,
    ) -> Result<(), TargetError> {
        let is_double = |verdict: &Verdict| verdict == &Err(Error::DuplicateValue);
        let doubles = verdicts.iter().filter(|(_, verdict)| is_double(verdict));
        let found = self.by_keys(part, doubles.map(|(row, _)| *row)).await?;
        let is_full = verdicts.iter().any(|(_, verdict)| verdict == &Err(Error::StorageLimit));
        let endings = verdicts.into_iter().map(|(row, verdict)| {
            let ending = match verdict {
                Ok(target) if part.pass == 1 => Ending::Record(target, How::Created),
                Ok(_) => Ending::Set,
                Err(Error::DuplicateValue) => match found.get(&row.key) {
                    // It was sent before, and nobody else has its key.
                    Some(target) if row.doubt => Ending::Record(target.clone(), How::Created),
                    Some(target) => Ending::Record(target.clone(), How::Found),
                    None => again("DUPLICATE_VALUE"),
                },
                Err(Error::Busy { code }) => again(&code),
                Err(Error::StorageLimit) => again("STORAGE_LIMIT_EXCEEDED"),
                Err(error) if error.had_no_effect() => {
                    let (code, reason) = told(&error);
                    Ending::Failed(code, reason)
                }
                Err(_) => Ending::Again { why: LOST.to_owned(), doubt: true },
            };
            (row.id, ending)
        });
        self.end_rows(part, endings.collect()).await?;
        if is_full { Err(TargetError::StorageLimit) } else { Ok(()) }
    }

    async fn end_rows(&self, part: &Part, endings: Vec<(u64, Ending)>) -> Result<(), TargetError> {
        let (mut done, mut failed, mut sent_again) = (0, 0, 0);
        for (id, ending) in &endings {
            match ending {
                Ending::Record(..) | Ending::Set => done += 1,
                Ending::Again { .. } => sent_again += 1,
                Ending::Failed(code, reason) => {
                    failed += 1;
                    self.tell_failed(&format!("{}::{id}", part.class), code, reason);
                }
            }
        }
        let (owned, at) = (part.clone(), self.now());
        self.staging.ledger(move |ledger| ledger.end_rows(&Part { at, ..owned }, &endings)).await?;
        self.tell_rows(&part.class, done, failed, sent_again);
        Ok(())
    }

    fn tell_rows(&self, class: &str, done: usize, failed: usize, again: usize) {
        if done + failed + again == 0 {
            return;
        }
        let [done, failed, again] =
            [done, failed, again].map(|count| u64::try_from(count).unwrap_or(u64::MAX));
        (self.tell)(&Event::Rows { class: class.to_owned(), done, failed, again });
    }

    pub(super) fn tell_failed(&self, what: &str, code: &str, reason: &str) {
        let [what, code, reason] = [what, code, reason].map(ToOwned::to_owned);
        (self.tell)(&Event::Failed { what, code, reason });
    }
}

fn again(why: &str) -> Ending {
    Ending::Again { why: why.to_owned(), doubt: false }
}

/// The code of what is refused, and why.
pub(in crate::migrate::target) fn told(error: &Error) -> (String, String) {
    match error {
        Error::Refused(Refusal { code, fields, message, .. }) => {
            let fields = fields.join(", ");
            let reason = match (fields.is_empty(), message.is_empty()) {
                (true, true) => "Salesforce refuses it".to_owned(),
                (true, false) => message.clone(),
                (false, true) => fields,
                (false, false) => format!("{fields}: {message}"),
            };
            (code.clone(), reason)
        }
        Error::DuplicateValue => ("DUPLICATE_VALUE".to_owned(), error.to_string()),
        Error::Busy { code } => (code.clone(), error.to_string()),
        error => ("not-done".to_owned(), error.to_string()),
    }
}
