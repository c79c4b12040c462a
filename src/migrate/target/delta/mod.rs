//! `migrate delta`: what has changed in iTop since it was sent comes to the org too. What somebody has changed there
//! since is never written over: it is named, and stays.

mod decide;
mod report;

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

pub use decide::Left;
pub use report::{Changes, ClassChanges, Deleted};

use super::{
    Plan, TargetError, Waiting,
    load::{Load, told},
    patience::Patience,
};
use crate::{
    migrate::{
        mapping::Turn,
        staging::{Staging, ledger::CHANGED},
    },
    salesforce::{
        Client, Error,
        loading::{AT_ONCE, Fields},
    },
};
use decide::{Changed, wanted};

/// How many records are looked at together.
const TOGETHER: usize = 1_000;

/// How often a change is sent that others are in the way of.
const TRIES: u32 = 5;

/// The fields of audit that a change sets anew: they are no longer what they were made with.
const OF_THE_LAST_CHANGE: [&str; 2] = ["LastModifiedDate", "LastModifiedById"];

/// What happens, for whoever looks on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The records of a class are held against what iTop has now.
    Changes {
        /// Its code.
        class: String,
        /// How many there are.
        rows: u64,
    },
    /// Some of them were looked at.
    LookedAt {
        /// How many.
        rows: u64,
        /// How many of those were changed in the org.
        changed: u64,
    },
    /// A field stays as it is.
    Left(Left),
    /// It waits.
    #[serde(untagged)]
    Waits(Waiting),
}

/// What has changed in iTop, brought to the org.
pub struct Delta<'a> {
    /// Brings what is new.
    pub load: &'a Load<'a>,
    /// Who looks on.
    pub tell: &'a dyn Fn(&Event),
}

impl std::fmt::Debug for Delta<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delta").field("load", &self.load).finish_non_exhaustive()
    }
}

impl Delta<'_> {
    fn staging(&self) -> &Staging {
        self.load.staging
    }

    fn client(&self) -> &Client {
        self.load.client
    }

    fn plan(&self) -> &Arc<Plan> {
        self.load.plan
    }

    fn now(&self) -> String {
        self.load.clock.now().to_string()
    }

    fn patience(&self) -> Patience<'_, impl Fn(Waiting)> {
        let told = |waiting| (self.tell)(&Event::Waits(waiting));
        Patience { client: self.client(), clock: self.load.clock, waits: self.load.how.waits, told }
    }

    /// Brings what is new, then what is other than it was; names what iTop no longer has.
    ///
    /// # Errors
    /// When it ended before its end. What was brought is written down: the same again goes on.
    pub async fn run(&self) -> Result<Changes, TargetError> {
        let at = self.now();
        let run = self.staging().ledger(move |ledger| ledger.begin_step("delta", &at)).await?;
        let mut changes = Changes::before(self).await?;
        self.load.run().await?;
        self.staging().ledger(|ledger| ledger.forget_unchanged()).await?;
        for class in self.plan().order.clone() {
            let of = self.class(&class, run, &mut changes.left).await?;
            changes.classes.push(of);
        }
        changes.finish(self).await?;
        let (at, json) = (self.now(), json!(changes.classes).to_string());
        self.staging().ledger(move |ledger| ledger.end_step(run, &at, &json)).await?;
        Ok(changes)
    }

    async fn class(
        &self,
        class: &str,
        run: i64,
        left: &mut Vec<Left>,
    ) -> Result<ClassChanges, TargetError> {
        let object = self.plan().class(class).map(|(_, object)| object.to_owned());
        let object = object.unwrap_or_default();
        let mut changes = ClassChanges::of(class, &object);
        let of = class.to_owned();
        let counts = self.staging().ledger(move |ledger| ledger.counts(&of)).await?;
        (self.tell)(&Event::Changes { class: class.to_owned(), rows: counts.created });
        let mut above = 0;
        loop {
            let (of, plan) = (class.to_owned(), Arc::clone(self.plan()));
            let looked = self.staging().ledger(move |ledger| {
                let before = ledger.made_before(&of, above, TOGETHER)?;
                let last = before.last().map(|made| made.object.id);
                let rows = before.len();
                let mut others = Vec::new();
                for made in before {
                    let turns = [Turn::First, Turn::Later]
                        .map(|turn| plan.examined(ledger, &made.object, turn));
                    others.extend(wanted(&plan, made, turns));
                }
                Ok((last, rows, others))
            });
            let (last, rows, others) = looked.await?;
            let Some(last) = last else { return Ok(changes) };
            above = last;
            let mut done = 0;
            let mut others = others.into_iter().peekable();
            while others.peek().is_some() {
                let some: Vec<_> = others.by_ref().take(AT_ONCE).collect();
                done += self.change(&object, some, run, left).await?;
            }
            changes.changed += done;
            let rows = u64::try_from(rows).unwrap_or(u64::MAX);
            (self.tell)(&Event::LookedAt { rows, changed: done });
        }
    }

    /// Changes records as far as nobody else has; how many.
    async fn change(
        &self,
        object: &str,
        changed: Vec<Changed>,
        run: i64,
        left: &mut Vec<Left>,
    ) -> Result<u64, TargetError> {
        let mut asked: Vec<_> = changed.iter().flat_map(|of| of.fields()).collect();
        // Of a record with nothing but problems it is asked whether it is there.
        asked.push("Id".to_owned());
        asked.sort();
        asked.dedup();
        let (mut rows, mut done, mut tried) = (changed, 0, 1);
        while !rows.is_empty() {
            let ids: Vec<_> = rows.iter().map(|row| row.target.clone()).collect();
            let there = self
                .patience()
                .ask(object, async || self.client().read_many(object, &ids, &asked).await)
                .await?;
            // Decided anew each time: an answer that got lost, or somebody, may have changed it.
            let (mut outgoing, mut settled) = (Vec::new(), Vec::new());
            for (row, there) in rows.into_iter().zip(there) {
                let decided = row.decided(self.plan(), object, there.as_ref());
                if tried == 1 {
                    self.leave(&decided.left, run).await?;
                    left.extend(decided.left);
                }
                if decided.fields.is_empty() {
                    settled.push((row, decided.there));
                } else {
                    outgoing.push((row, decided.fields, decided.there));
                }
            }
            self.keep(settled).await?;
            if outgoing.is_empty() {
                break;
            }
            self.patience().gate().await?;
            let sent: Vec<_> = outgoing
                .iter()
                .map(|(row, fields, _)| {
                    let mut fields = fields.clone();
                    fields.insert("Id".to_owned(), Value::from(row.target.clone()));
                    fields
                })
                .collect();
            match self.client().update_many(object, &sent).await {
                Ok(verdicts) => {
                    let (mut kept, mut again, mut refused) = (Vec::new(), Vec::new(), Vec::new());
                    for ((row, fields, there), verdict) in outgoing.into_iter().zip(verdicts) {
                        match verdict {
                            Ok(_) => {
                                done += 1;
                                let mut now = there;
                                now.extend(fields);
                                kept.push((row, now));
                            }
                            Err(Error::Busy { .. }) if tried < TRIES => again.push(row),
                            Err(error) => refused.push(row.refused(&fields, told(&error))),
                        }
                    }
                    self.keep(kept).await?;
                    for refused in refused {
                        self.leave(&refused, run).await?;
                        left.extend(refused);
                    }
                    if !again.is_empty() {
                        self.patience().rest(tried).await;
                    }
                    rows = again;
                }
                Err(error) => {
                    self.patience().after(object, error, tried).await?;
                    rows = outgoing.into_iter().map(|(row, ..)| row).collect();
                }
            }
            tried += 1;
        }
        Ok(done)
    }

    /// Writes down what records have by now.
    async fn keep(&self, mut rows: Vec<(Changed, Fields)>) -> Result<(), TargetError> {
        rows.retain(|(_, fields)| !fields.is_empty());
        if rows.is_empty() {
            return Ok(());
        }
        for (_, fields) in &mut rows {
            fields.extend(OF_THE_LAST_CHANGE.map(|name| (name.to_owned(), Value::Null)));
        }
        let keep = self.staging().ledger(move |ledger| {
            rows.iter().try_for_each(|(row, fields)| ledger.sent_since(&row.class, row.id, fields))
        });
        Ok(keep.await?)
    }

    /// Fields that stay as they are, each with why.
    async fn leave(&self, fields: &[Left], run: i64) -> Result<(), TargetError> {
        if fields.is_empty() {
            return Ok(());
        }
        for of in fields {
            (self.tell)(&Event::Left(of.clone()));
        }
        let (fields, at) = (fields.to_vec(), self.now());
        let noted = self.staging().ledger(move |ledger| {
            fields.iter().try_for_each(|of| {
                let part = format!("{CHANGED}{}", of.field);
                ledger.fail((&of.class, of.id, &part), (&of.code, &of.reason), run, &at)
            })
        });
        Ok(noted.await?)
    }
}
