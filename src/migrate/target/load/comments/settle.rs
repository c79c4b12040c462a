//! After an answer that got lost: the comments that are there are read and matched.

use std::{collections::HashMap, time::Duration};

use serde_json::Value;

use crate::{
    migrate::{
        staging::ledger::CommentPart,
        target::{
            COMMENT, TargetError, Waiting,
            load::{Event, Load, texts::body_parts},
        },
    },
    salesforce::loading::quoted,
};

/// How many records one question names whose comments are read.
const PARENTS: usize = 100;

impl Load<'_> {
    /// Looks for the comments of which nothing is known, when they have had time to arrive: each is there then, or
    /// is to be sent. Those of one batch, or of all.
    pub(in crate::migrate::target::load) async fn settle_comments(
        &self,
        batch: Option<i64>,
    ) -> Result<(), TargetError> {
        let begun = self.staging.ledger(move |ledger| ledger.comments_under_way(batch)).await?;
        let Some(begun) = begun else { return Ok(()) };
        if let Ok(begun) = begun.parse() {
            let passed = crate::clock::elapsed(begun, self.clock.now());
            let left = self.how.settled_after.saturating_sub(passed);
            if left > Duration::ZERO {
                (self.tell)(&Event::Waits(Waiting::LostAnswer { seconds: left.as_secs() }));
                self.clock.sleep(left).await;
            }
        }
        let open = self.staging.ledger(move |ledger| {
            let mut open = Vec::new();
            for part in ledger.open_comments(batch)? {
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
                ledger.end_comments(batch, &at)
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
