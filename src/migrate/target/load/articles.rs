//! Articles are made as drafts; those of which the mapping says so are published when all else is there: what is
//! public is no longer changed, nor gets files.

use std::sync::Arc;

use serde_json::Value;

use super::{Event, Load};
use crate::{
    migrate::{
        mapping::{ClassMapping, is_published},
        staging::ledger::PUBLISH,
        target::TargetError,
    },
    salesforce::loading::{ArticleStep, READ_AT_ONCE},
};

/// How many articles are published in one call.
const AT_ONCE: usize = 100;

/// The field that says whether an article is public, and its values.
pub(in crate::migrate::target) const STATUS: &str = "PublishStatus";
pub(in crate::migrate::target) const DRAFT: &str = "Draft";
pub(in crate::migrate::target) const ONLINE: &str = "Online";

/// The code of an article that Salesforce did not publish: its words have none.
const NOT_PUBLISHED: &str = "not-published";

impl Load<'_> {
    /// Publishes what the mapping says of what is still a draft.
    pub(super) async fn publish(&self, run: i64) -> Result<(), TargetError> {
        for class in &self.plan.order {
            if self.plan.mapping.class(class).is_some_and(ClassMapping::publishes) {
                self.publish_class(class, run).await?;
            }
        }
        Ok(())
    }

    async fn publish_class(&self, class: &str, run: i64) -> Result<(), TargetError> {
        let mut above = 0;
        loop {
            let (of, plan) = (class.to_owned(), Arc::clone(self.plan));
            let next = self.staging.ledger(move |ledger| {
                let Some((mapping, _)) = plan.class(&of) else { return Ok((Vec::new(), None)) };
                let rows = ledger.whole(&of, mapping.has_later(), above, READ_AT_ONCE)?;
                let last = rows.last().map(|(object, _)| object.id);
                let rows = rows.into_iter().filter(|(object, _)| is_published(mapping, object));
                let rows = rows.map(|(object, target)| (object.id, target));
                Ok((rows.collect::<Vec<_>>(), last))
            });
            let (articles, last) = next.await?;
            let Some(last) = last else { return Ok(()) };
            above = last;
            let states = self.states(class, &articles).await?;
            let drafts: Vec<_> = articles
                .into_iter()
                .zip(states)
                .filter(|(_, state)| state.as_deref() == Some(DRAFT))
                .map(|(article, _)| article)
                .collect();
            for drafts in drafts.chunks(AT_ONCE) {
                self.publish_some(class, drafts, run).await?;
            }
        }
    }

    async fn publish_some(
        &self,
        class: &str,
        drafts: &[(u64, String)],
        run: i64,
    ) -> Result<(), TargetError> {
        let versions: Vec<_> = drafts.iter().map(|(_, target)| target.clone()).collect();
        let said = self
            .patience()
            .ask(class, async || self.client.articles(ArticleStep::Publish, &versions).await)
            .await?;
        // What a call has published whose answer got lost is refused by the next one, and public.
        let states = self.states(class, drafts).await?;
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for (((id, _), said), state) in drafts.iter().zip(said).zip(states) {
            match said {
                Err(reason) if state.as_deref() != Some(ONLINE) => failed.push((*id, reason)),
                _ => done.push(*id),
            }
        }
        for (id, reason) in &failed {
            self.tell_failed(&format!("{class}::{id} {PUBLISH}"), NOT_PUBLISHED, reason);
        }
        let articles = u64::try_from(done.len()).unwrap_or(u64::MAX);
        let (of, at) = (class.to_owned(), self.now());
        self.staging
            .ledger(move |ledger| {
                for id in done {
                    ledger.mend(&of, id, PUBLISH)?;
                }
                for (id, reason) in &failed {
                    ledger.fail((&of, *id, PUBLISH), (NOT_PUBLISHED, reason), run, &at)?;
                }
                Ok(())
            })
            .await?;
        (self.tell)(&Event::Published { class: class.to_owned(), articles });
        Ok(())
    }

    /// Whether articles are public, each in its place; nothing of one that is gone.
    pub(in crate::migrate::target) async fn states(
        &self,
        class: &str,
        articles: &[(u64, String)],
    ) -> Result<Vec<Option<String>>, TargetError> {
        let Some((_, object)) = self.plan.class(class) else { return Ok(Vec::new()) };
        let asked = [STATUS.to_owned()];
        let mut states = Vec::with_capacity(articles.len());
        for articles in articles.chunks(READ_AT_ONCE) {
            let ids: Vec<_> = articles.iter().map(|(_, target)| target.clone()).collect();
            let read = self
                .patience()
                .ask(class, async || self.client.read_many(object, &ids, &asked).await)
                .await?;
            let state = |read: &Value| read.as_str().map(ToOwned::to_owned);
            states.extend(read.iter().map(|read| state(read.as_ref()?.get(STATUS)?)));
        }
        Ok(states)
    }
}
