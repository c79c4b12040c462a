//! Entries of logs become comments. A comment has no key: what is sent is written down before, and after an answer
//! that got lost the comments that are there are read and matched.

use std::{collections::HashMap, time::Duration};

use serde_json::Value;

use super::{
    Event, Load,
    records::told,
    texts::{body_parts, comment_fields},
};
use crate::{
    migrate::{
        mapping::Logs,
        staging::ledger::CommentPart,
        target::{CASE, COMMENT, TargetError, Waiting},
    },
    salesforce::{
        Error,
        loading::{AT_ONCE, Fields, quoted},
    },
};

/// How many entries are looked at together.
const ENTRIES: usize = 500;

/// How often comments are sent that others are in the way of.
const TRIES: u32 = 5;

/// How many records one question names whose comments are read.
const PARENTS: usize = 100;

/// A comment that is to be sent.
struct Outgoing {
    part: CommentPart,
    fields: Fields,
}

impl Load<'_> {
    /// The comments of all logs.
    pub(super) async fn comments(&self, run: i64) -> Result<(), TargetError> {
        for logs in self.plan.mapping.logs.clone() {
            // Only Cases have comments; 'verify' names what is not moved.
            if self.plan.class(&logs.class).is_none_or(|(_, object)| object != CASE) {
                continue;
            }
            let (class, log) = (logs.class.clone(), logs.log.clone());
            let count =
                self.staging.ledger(move |ledger| ledger.count_entries(&class, &log)).await?;
            let (class, log) = (logs.class.clone(), logs.log.clone());
            (self.tell)(&Event::Comments { class, log, entries: count });
            self.log(&logs, run).await?;
        }
        Ok(())
    }

    async fn log(&self, logs: &Logs, run: i64) -> Result<(), TargetError> {
        let is_audited = self.plan.mapping.class(&logs.class).is_some_and(|class| class.audit);
        let zone = is_audited.then(|| self.plan.zone().clone());
        let mut behind = (0, -1);
        loop {
            let (asked, zone) = (logs.clone(), zone.clone());
            let next = self.staging.ledger(move |ledger| {
                let entries = ledger.entries(&asked.class, &asked.log, behind, ENTRIES)?;
                let mut outgoing = Vec::new();
                for entry in &entries {
                    for (place, body) in body_parts(entry).iter().enumerate() {
                        let part = CommentPart {
                            class: asked.class.clone(),
                            id: entry.id,
                            log: asked.log.clone(),
                            position: entry.position,
                            part: u64::try_from(place).unwrap_or(u64::MAX),
                        };
                        let has_failed =
                            ledger.has_failed(&asked.class, entry.id, &part.name(), run)?;
                        if !has_failed && ledger.comment(&part)?.is_none() {
                            let fields = comment_fields(entry, body, &asked, zone.as_ref());
                            outgoing.push(Outgoing { part, fields });
                        }
                    }
                }
                let last = entries.last().map(|entry| (entry.id, entry.position));
                Ok((outgoing, last, entries.len()))
            });
            let (outgoing, last, entries) = next.await?;
            let Some((id, position)) = last else { return Ok(()) };
            behind = (id, i64::try_from(position).unwrap_or(i64::MAX));
            let mut made = 0;
            let mut outgoing = outgoing.into_iter().peekable();
            while outgoing.peek().is_some() {
                let batch: Vec<_> = outgoing.by_ref().take(AT_ONCE).collect();
                made += self.send_comments(batch, run).await?;
            }
            let entries = u64::try_from(entries).unwrap_or(u64::MAX);
            (self.tell)(&Event::Commented { entries, made });
        }
    }

    /// Sends comments until each is there or refused; says how many are there.
    async fn send_comments(&self, mut batch: Vec<Outgoing>, run: i64) -> Result<u64, TargetError> {
        let mut made = 0;
        let mut tried = 1;
        while !batch.is_empty() {
            self.patience().gate().await?;
            let parts: Vec<_> = batch.iter().map(|comment| comment.part.clone()).collect();
            let at = self.now();
            self.staging.ledger(move |ledger| ledger.begin_comments(&parts, &at)).await?;
            let fields: Vec<_> = batch.iter().map(|comment| comment.fields.clone()).collect();
            match self.client.create_many(COMMENT, &fields).await {
                Ok(verdicts) => {
                    let before = batch.len();
                    let again = self.keep_comments(batch, verdicts, tried, run).await?;
                    made += u64::try_from(before - again.len()).unwrap_or(0);
                    batch = again;
                    if !batch.is_empty() {
                        self.patience().rest(tried).await;
                    }
                }
                Err(error) if error.had_no_effect() => {
                    self.drop_comments(&batch).await?;
                    self.patience().after("comments", error, tried).await?;
                }
                Err(error) => {
                    tracing::warn!(%error, "an answer got lost");
                    self.settle_comments().await?;
                    let parts: Vec<_> = batch.iter().map(|comment| comment.part.clone()).collect();
                    let there = self.staging.ledger(move |ledger| {
                        parts.iter().map(|part| ledger.comment(part)).collect::<Result<Vec<_>, _>>()
                    });
                    let there = there.await?;
                    let mut kept = there.iter().map(Option::is_none);
                    batch.retain(|_| kept.next().unwrap_or(true));
                    if tried > TRIES {
                        return Err(TargetError::Org { what: "comments".to_owned(), error });
                    }
                }
            }
            tried += 1;
        }
        Ok(made)
    }

    /// Writes down what came of comments; those that others were in the way of come back.
    async fn keep_comments(
        &self,
        batch: Vec<Outgoing>,
        verdicts: Vec<Result<String, Error>>,
        tried: u32,
        run: i64,
    ) -> Result<Vec<Outgoing>, TargetError> {
        let is_full = verdicts.contains(&Err(Error::StorageLimit));
        let (mut done, mut again) = (Vec::new(), Vec::new());
        for (comment, verdict) in batch.into_iter().zip(verdicts) {
            match verdict {
                Err(Error::Busy { .. } | Error::StorageLimit) if tried < TRIES => {
                    again.push(comment);
                }
                verdict => {
                    if let Err(error) = &verdict {
                        let (code, reason) = told(error);
                        let CommentPart { class, id, .. } = &comment.part;
                        let what = format!("{class}::{id} {}", comment.part.name());
                        self.tell_failed(&what, &code, &reason);
                    }
                    done.push((comment.part, verdict.map_err(|error| told(&error))));
                }
            }
        }
        let waiting: Vec<_> = again.iter().map(|comment| comment.part.clone()).collect();
        let at = self.now();
        self.staging
            .ledger(move |ledger| {
                for (part, verdict) in &done {
                    match verdict {
                        Ok(target) => ledger.set_comment(part, None, Some(target))?,
                        Err((code, reason)) => {
                            ledger.drop_comment(part)?;
                            let name = part.name();
                            ledger.fail((&part.class, part.id, &name), (code, reason), run, &at)?;
                        }
                    }
                }
                for part in &waiting {
                    ledger.drop_comment(part)?;
                }
                ledger.end_comments(&at)
            })
            .await?;
        if is_full { Err(TargetError::StorageLimit) } else { Ok(again) }
    }

    async fn drop_comments(&self, batch: &[Outgoing]) -> Result<(), TargetError> {
        let parts: Vec<_> = batch.iter().map(|comment| comment.part.clone()).collect();
        let at = self.now();
        self.staging
            .ledger(move |ledger| {
                parts.iter().try_for_each(|part| ledger.drop_comment(part))?;
                ledger.end_comments(&at)
            })
            .await?;
        Ok(())
    }

    /// Looks for the comments of which nothing is known, when they have had time to arrive: each is there then, or
    /// is to be sent.
    pub(super) async fn settle_comments(&self) -> Result<(), TargetError> {
        let Some(begun) = self.staging.ledger(|ledger| ledger.comments_under_way()).await? else {
            return Ok(());
        };
        if let Ok(begun) = begun.parse() {
            let passed = crate::clock::elapsed(begun, self.clock.now());
            let left = self.how.settled_after.saturating_sub(passed);
            if left > Duration::ZERO {
                (self.tell)(&Event::Waits(Waiting::LostAnswer { seconds: left.as_secs() }));
                self.clock.sleep(left).await;
            }
        }
        let open = self.staging.ledger(|ledger| {
            let mut open = Vec::new();
            for part in ledger.open_comments()? {
                let CommentPart { class, id, log, position, .. } = &part;
                let entry = ledger.entry(class, *id, log, *position)?;
                let known = ledger.comments_of(class, *id)?;
                open.push((part, entry, known));
            }
            Ok(open)
        });
        let open = open.await?;
        let mut parents: Vec<_> =
            open.iter().filter_map(|(_, entry, _)| Some(entry.as_ref()?.target.clone())).collect();
        parents.sort();
        parents.dedup();
        let mut there = self.comments_of(&parents).await?;
        for (.., known) in &open {
            for id in known {
                there.retain(|_, ids| {
                    ids.retain(|other| other != id);
                    !ids.is_empty()
                });
            }
        }
        let settled: Vec<_> = open
            .into_iter()
            .map(|(part, entry, _)| {
                let place = usize::try_from(part.part).unwrap_or(usize::MAX);
                let found = entry.and_then(|entry| {
                    let body = body_parts(&entry).into_iter().nth(place)?;
                    there.get_mut(&(entry.target, compared(&body)))?.pop()
                });
                (part, found)
            })
            .collect();
        let at = self.now();
        self.staging
            .ledger(move |ledger| {
                for (part, found) in &settled {
                    match found {
                        Some(target) => ledger.set_comment(part, None, Some(target))?,
                        None => ledger.drop_comment(part)?,
                    }
                }
                ledger.end_comments(&at)
            })
            .await?;
        Ok(())
    }

    /// The comments that records have: of each record and text their ids.
    async fn comments_of(
        &self,
        parents: &[String],
    ) -> Result<HashMap<(String, String), Vec<String>>, TargetError> {
        let mut there: HashMap<_, Vec<String>> = HashMap::new();
        for parents in parents.chunks(PARENTS) {
            let named: Vec<_> = parents.iter().map(|parent| quoted(parent)).collect();
            let query = format!(
                "SELECT Id, ParentId, CommentBody FROM {COMMENT} WHERE ParentId IN ({})",
                named.join(",")
            );
            let found =
                self.patience().ask("comments", async || self.client.records(&query).await).await?;
            for comment in found {
                let text = |name: &str| comment.get(name).and_then(Value::as_str);
                let Some((id, parent)) = text("Id").zip(text("ParentId")) else { continue };
                let body = compared(text("CommentBody").unwrap_or_default());
                there.entry((parent.to_owned(), body)).or_default().push(id.to_owned());
            }
        }
        Ok(there)
    }
}

/// A text as it is compared: what storing makes of line ends and blanks at the ends says nothing.
fn compared(body: &str) -> String {
    body.replace("\r\n", "\n").trim().to_owned()
}
