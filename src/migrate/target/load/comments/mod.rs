//! Entries of logs become comments. A comment has no key: what is sent is written down before, and after an answer
//! that got lost the comments that are there are read and matched.

mod settle;

use std::mem::take;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{
    Event, Load,
    records::told,
    texts::{body_parts, comment_fields},
};
use crate::{
    migrate::{
        mapping::Logs,
        staging::ledger::CommentPart,
        target::{CASE, COMMENT, TargetError},
    },
    salesforce::{
        Error,
        loading::{AT_ONCE, Fields},
    },
};

/// How many entries are looked at together.
const ENTRIES: usize = 2_000;

/// How many calls are under way at once: an org works on 200 comments for seconds, and on those of different records
/// beside one another.
const CALLS: usize = 4;

/// How often comments are sent that others are in the way of.
const TRIES: u32 = 5;

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
            let calls = together(outgoing).into_iter().map(|group| self.send_group(group, run));
            let sent = stream::iter(calls).buffer_unordered(CALLS);
            let made = sent.try_fold(0, async |made, more| Ok(made + more)).await?;
            let entries = u64::try_from(entries).unwrap_or(u64::MAX);
            (self.tell)(&Event::Commented { entries, made });
        }
    }

    /// Sends comments, one call after the other; says how many are there.
    async fn send_group(&self, group: Vec<Outgoing>, run: i64) -> Result<u64, TargetError> {
        let mut made = 0;
        let mut group = group.into_iter().peekable();
        while group.peek().is_some() {
            let batch: Vec<_> = group.by_ref().take(AT_ONCE).collect();
            made += self.send_comments(batch, run).await?;
        }
        Ok(made)
    }

    /// Sends comments until each is there or refused; says how many are there.
    async fn send_comments(&self, mut batch: Vec<Outgoing>, run: i64) -> Result<u64, TargetError> {
        let mut made = 0;
        let mut tried = 1;
        while !batch.is_empty() {
            self.patience().gate().await?;
            let parts: Vec<_> = batch.iter().map(|comment| comment.part.clone()).collect();
            let at = self.now();
            let number =
                self.staging.ledger(move |ledger| ledger.begin_comments(&parts, &at)).await?;
            let fields: Vec<_> = batch.iter().map(|comment| comment.fields.clone()).collect();
            match self.client.create_many(COMMENT, &fields).await {
                Ok(verdicts) => {
                    let before = batch.len();
                    let again = self.keep_comments((number, batch), verdicts, tried, run).await?;
                    made += u64::try_from(before - again.len()).unwrap_or(0);
                    batch = again;
                    if !batch.is_empty() {
                        self.patience().rest(tried).await;
                    }
                }
                Err(error) if error.had_no_effect() => {
                    self.drop_comments(number, &batch).await?;
                    self.patience().after("comments", error, tried).await?;
                }
                Err(error) => {
                    tracing::warn!(%error, "an answer got lost");
                    self.settle_comments(Some(number)).await?;
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
        (number, batch): (i64, Vec<Outgoing>),
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
                ledger.end_comments(Some(number), &at)
            })
            .await?;
        if is_full { Err(TargetError::StorageLimit) } else { Ok(again) }
    }

    async fn drop_comments(&self, number: i64, batch: &[Outgoing]) -> Result<(), TargetError> {
        let parts: Vec<_> = batch.iter().map(|comment| comment.part.clone()).collect();
        let at = self.now();
        self.staging
            .ledger(move |ledger| {
                parts.iter().try_for_each(|part| ledger.drop_comment(part))?;
                ledger.end_comments(Some(number), &at)
            })
            .await?;
        Ok(())
    }
}

/// Comments in groups of as many as one call takes. Those of one record stay together, so that no call waits for the
/// lock of another one; where they are more, they are a group of their own.
fn together(outgoing: Vec<Outgoing>) -> Vec<Vec<Outgoing>> {
    let (mut groups, mut group) = (Vec::new(), Vec::new());
    let mut rest = outgoing.into_iter().peekable();
    while let Some(first) = rest.next() {
        let id = first.part.id;
        let mut of_record = vec![first];
        while let Some(next) = rest.next_if(|next| next.part.id == id) {
            of_record.push(next);
        }
        if !group.is_empty() && group.len() + of_record.len() > AT_ONCE {
            groups.push(take(&mut group));
        }
        group.append(&mut of_record);
    }
    if !group.is_empty() {
        groups.push(group);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_of_one_record_are_in_one_group() {
        let of = |id: u64, count: u64| {
            (0..count).map(move |part| Outgoing {
                part: CommentPart {
                    class: "Incident".to_owned(),
                    id,
                    log: "public_log".to_owned(),
                    position: part,
                    part: 0,
                },
                fields: Fields::new(),
            })
        };
        let outgoing =
            of(1, 150).chain(of(2, 50)).chain(of(3, 1)).chain(of(4, 450)).chain(of(5, 2));
        let groups = together(outgoing.collect());
        let ids = |group: &Vec<Outgoing>| {
            let mut ids: Vec<_> = group.iter().map(|one| one.part.id).collect();
            ids.dedup();
            (ids, group.len())
        };
        let groups: Vec<_> = groups.iter().map(ids).collect();
        assert_eq!(groups, [(vec![1, 2], 200), (vec![3], 1), (vec![4], 450), (vec![5], 2)]);
    }
}
