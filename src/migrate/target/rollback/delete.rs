//! The records that go.

use super::{Event, Rollback};
use crate::{
    migrate::{
        mapping::is_article,
        staging::ledger::Created,
        target::{
            TargetError,
            load::{ONLINE, told},
        },
    },
    salesforce::{
        Error, Refusal,
        loading::{AT_ONCE, ArticleStep},
    },
};

/// How often a record is deleted that others are in the way of.
const ROUNDS: u32 = 5;

impl Rollback<'_> {
    /// Deletes the records of a class that do not stay; how many.
    pub(super) async fn delete(&self, class: &str) -> Result<u64, TargetError> {
        let Some((_, object)) = self.plan().class(class) else { return Ok(0) };
        let is_article = is_article(object);
        let of = class.to_owned();
        let counts = self.staging().ledger(move |ledger| ledger.counts(&of)).await?;
        (self.tell)(&Event::Deletes { what: class.to_owned(), rows: counts.created });
        let mut deleted = 0;
        for round in 1..=ROUNDS {
            let (gone, busy) = self.round(class, is_article, round == ROUNDS).await?;
            deleted += gone;
            if !busy {
                break;
            }
            self.patience().rest(round).await;
        }
        Ok(deleted)
    }

    /// Once through all of them: how many are gone, and whether others were in the way of some.
    async fn round(
        &self,
        class: &str,
        is_article: bool,
        is_last: bool,
    ) -> Result<(u64, bool), TargetError> {
        let (mut above, mut deleted, mut busy) = (0, 0, false);
        loop {
            let of = class.to_owned();
            let ours = self
                .staging()
                .ledger(move |ledger| ledger.to_take_back(&of, above, AT_ONCE))
                .await?;
            let Some(last) = ours.last() else { return Ok((deleted, busy)) };
            above = last.id;
            let ids: Vec<_> = ours.iter().map(|record| record.target.clone()).collect();
            let verdicts: Vec<Result<(), Error>> = if is_article {
                self.delete_articles(class, &ours).await?
            } else {
                let done = self
                    .patience()
                    .ask(class, async || self.client().delete_many(&ids).await)
                    .await?;
                done.into_iter().map(|done| done.map(drop)).collect()
            };
            let (mut gone, mut kept) = (Vec::new(), Vec::new());
            for (record, verdict) in ours.iter().zip(verdicts) {
                match verdict {
                    Ok(()) => {
                        deleted += 1;
                        gone.push(record.id);
                    }
                    Err(error) if is_gone(&error) => gone.push(record.id),
                    Err(Error::Busy { .. }) if !is_last => busy = true,
                    Err(error) => {
                        let (code, reason) = told(&error);
                        kept.push((record.id, format!("{code}: {reason}")));
                    }
                }
            }
            (self.tell)(&Event::Deleted { rows: u64::try_from(gone.len()).unwrap_or(0) });
            let of = class.to_owned();
            self.staging()
                .ledger(move |ledger| gone.iter().try_for_each(|id| ledger.taken_back(&of, *id)))
                .await?;
            self.keep(class, kept).await?;
        }
    }
}

impl Rollback<'_> {
    /// Deletes articles, of which those that are public are archived first; a verdict of each in its place.
    async fn delete_articles(
        &self,
        class: &str,
        ours: &[Created],
    ) -> Result<Vec<Result<(), Error>>, TargetError> {
        let articles: Vec<_> = ours.iter().map(|one| (one.id, one.target.clone())).collect();
        let ids: Vec<_> = ours.iter().map(|one| one.target.clone()).collect();
        let states = self.load.states(class, &articles).await?;
        let public: Vec<_> = ids
            .iter()
            .zip(&states)
            .filter(|(_, state)| state.as_deref() == Some(ONLINE))
            .map(|(id, _)| id.clone())
            .collect();
        let step = async |step, ids: &[String]| {
            self.patience().ask(class, async || self.client().articles(step, ids).await).await
        };
        if !public.is_empty() {
            // What it says is said again by what follows: what is public is not deleted.
            step(ArticleStep::Archive, &public).await?;
        }
        let said = step(ArticleStep::Delete, &ids).await?;
        // What a call has deleted whose answer got lost is refused by the next one, and gone.
        let left = self.load.states(class, &articles).await?;
        let verdicts = said.into_iter().zip(left).map(|(said, left)| match left {
            None => Ok(()),
            Some(_) => said.map_err(refused),
        });
        Ok(verdicts.collect())
    }
}

/// Whether a record that was to be deleted is no longer there.
pub(super) fn is_gone(error: &Error) -> bool {
    const GONE: [&str; 3] = ["ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND"];
    matches!(error, Error::Refused(Refusal { code, .. }) if GONE.contains(&code.as_str()))
}

/// Words of an action, which have no code.
fn refused(words: String) -> Error {
    Error::Refused(Refusal {
        status: 400,
        code: "refused".to_owned(),
        fields: Vec::new(),
        message: words,
        kind: None,
    })
}
