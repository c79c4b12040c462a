//! Bringing one chunk of rows to iTop: what is there already, the load, the synchronization, the proof.

use super::{
    Federation, lookup,
    plan::{self, Halving, Planned, Purpose, Run, Share, Verdict},
    worker::{Obstacle, Worker, asks, outcome},
};
use crate::{
    domain::{equipment::Problem, names::spelling},
    itop::synchro::{Counters, DoorError, Table},
    store::{Became, EquipmentLoad, EquipmentOutcome},
};

/// A row as it is loaded.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) planned: Planned,
    /// The values of [`Federation::columns`], in their order.
    pub(super) values: Vec<String>,
    /// Of class, organization, purpose and values.
    pub(super) hash: Vec<u8>,
    /// What was left out, because iTop has nothing of that name.
    pub(super) left_out: Option<Problem>,
    /// The CI that it has, or that it takes over.
    pub(super) ci: Option<String>,
    /// What was decided about CIs that are there.
    pub(super) decided: Option<String>,
    /// What the load said of it.
    pub(super) words: Option<String>,
}

/// As many rows are turned away one by one before it is taken for something else than the rows.
const MOST_TURNED_AWAY: usize = 10;

impl Worker {
    /// Brings a chunk of one class.
    pub(super) async fn bring(
        &mut self,
        federation: &Federation,
        class: &str,
        chunk: Vec<Planned>,
    ) -> Result<(), Obstacle> {
        let inner = &*federation.inner;
        let Some(source) = federation.source(class).await? else {
            return Err(Obstacle::Source {
                class: class.to_owned(),
                words: format!(
                    "iTop has no data source for the class {class} that the bridge knows: run \
                     'cmdb setup' with an administrator's login"
                ),
            });
        };
        federation.tickets_first().await;
        let made = federation.made(class, chunk).await?;
        let (made, mut outcomes) = settled_already(made);
        let made = federation.decide(class, made, &mut outcomes).await?;
        inner.store.settle_equipment(outcomes).await?;
        let mut made = federation.begin(class, made).await?;
        if made.is_empty() {
            return Ok(());
        }
        let all = inner.store.unproven_equipment(class).await?;
        let mut share = Share {
            rows: made.len() as u64,
            new: made.iter().filter(|made| made.ci().is_none()).count() as u64,
            failed: 0,
            pending: all.saturating_sub(made.len() as u64),
        };
        let brought = async {
            federation.load(class, &source, &mut made).await?;
            federation.tickets_first().await;
            inner.doors.run(&source).await
        };
        let counters = match brought.await {
            Ok(counters) => counters,
            Err(error) => {
                inner.figures.note(|figures| figures.failures += 1);
                if matches!(error, DoorError::NoMemory { .. } | DoorError::TooLong { .. }) {
                    // The same rows go on where this ended; fewer at once from now on.
                    self.fewer.insert(class.to_owned(), (made.len() / 2).max(1));
                }
                return Err(Obstacle::of(&error, class));
            }
        };
        let now = inner.clock.now();
        inner.figures.note(|figures| {
            figures.runs += 1;
            figures.rows += share.rows;
            figures.last_run_at = Some(now);
        });
        let outcomes = federation.proven(class, &made).await?;
        let failed = outcomes.iter().filter(|one| matches!(one.became, Became::Failed(_)));
        share.failed = failed.count() as u64;
        inner.store.settle_equipment(outcomes).await?;
        federation.watch_out(class, &counters, &share).await
    }
}

impl Federation {
    /// Whose CIs those are that bear the names of rows without one: leaves those rows that can be loaded.
    async fn decide(
        &self,
        class: &str,
        made: Vec<Made>,
        outcomes: &mut Vec<EquipmentOutcome>,
    ) -> Result<Vec<Made>, Obstacle> {
        let inner = &*self.inner;
        let wanted: Vec<_> = made
            .iter()
            .filter(|made| made.asks_for_its_name())
            .map(|made| (made.planned.load.org.clone(), made.planned.row.wanted.name.clone()))
            .collect();
        if wanted.is_empty() {
            return Ok(made);
        }
        let seen = match lookup::seen(inner.doors.rest(), &inner.store, &wanted).await {
            Ok(seen) => seen,
            Err(lookup::Unanswered::Itop(error)) => return Err(error.into()),
            Err(lookup::Unanswered::Store(error)) => return Err(error.into()),
        };
        let mut loadable = Vec::with_capacity(made.len());
        for mut made in made {
            if !made.asks_for_its_name() {
                loadable.push(made);
                continue;
            }
            let Planned { row, load } = &made.planned;
            let named = (load.org.clone(), spelling(&row.wanted.name));
            let found = seen.get(&named).map(Vec::as_slice).unwrap_or_default();
            let told = lookup::told_to(&row.key, found);
            let creates = plan::creates(row, class, &load.org);
            match plan::judge(row, class, &load.org, &told, inner.config.adopt) {
                Verdict::Creates => made.decided = Some(creates),
                Verdict::Adopts(ci) => {
                    made.decided = Some(format!("adopt:{}::{}", ci.class, ci.id));
                    made.ci = Some(ci.id);
                }
                Verdict::Asks(question) => {
                    outcomes.push(outcome(row, asks(&question)));
                    continue;
                }
                Verdict::Fails(problem) => {
                    outcomes.push(outcome(row, Became::Failed(problem)));
                    continue;
                }
            }
            loadable.push(made);
        }
        Ok(loadable)
    }

    /// Marks rows as given to iTop; leaves those that are still what was planned.
    async fn begin(&self, class: &str, made: Vec<Made>) -> Result<Vec<Made>, Obstacle> {
        let load = |made: &Made| EquipmentLoad {
            key: made.planned.row.key.clone(),
            wanted_hash: made.planned.row.wanted_hash.clone(),
            listed: made.planned.row.listed,
            org_id: made.planned.load.org.clone(),
            decided: made.decided.clone(),
        };
        let loads = made.iter().map(load).collect();
        let begun = self.inner.store.begin_equipment(class, loads).await?;
        Ok(made.into_iter().zip(begun).filter_map(|(made, begun)| begun.then_some(made)).collect())
    }

    /// Loads rows. Where they are turned away together, those are found that are so alone.
    async fn load(&self, class: &str, source: &str, made: &mut [Made]) -> Result<(), DoorError> {
        match self.load_part(class, source, made).await {
            Err(error) if may_be_about_rows(&error) && made.len() > 1 => {
                // Whether it is the columns of the source is found out without rows.
                self.inner.doors.try_columns(source, &self.all_columns(class)).await?;
                let mut halving = Halving::new(made.len());
                while let Some(part) = halving.next_part() {
                    match self.load_part(class, source, &mut made[part.clone()]).await {
                        Ok(()) => {}
                        Err(error) if may_be_about_rows(&error) => {
                            if part.len() == 1 {
                                made[part.start].words = Some(error.to_string());
                            }
                            halving.turned_away(part);
                            if halving.found().len() >= MOST_TURNED_AWAY {
                                return Err(error);
                            }
                        }
                        Err(error) => return Err(error),
                    }
                }
                Ok(())
            }
            Err(error) if may_be_about_rows(&error) => {
                self.inner.doors.try_columns(source, &self.all_columns(class)).await?;
                made[0].words = Some(error.to_string());
                Ok(())
            }
            other => other,
        }
    }

    async fn load_part(
        &self,
        class: &str,
        source: &str,
        made: &mut [Made],
    ) -> Result<(), DoorError> {
        let row = |made: &Made| {
            let key = made.planned.row.key.primary_key();
            [key].into_iter().chain(made.values.iter().cloned()).collect()
        };
        let table =
            Table { columns: self.all_columns(class), rows: made.iter().map(row).collect() };
        let loaded = self.inner.doors.load(source, &table).await?;
        self.inner.figures.note(|figures| figures.loads += 1);
        for issue in loaded.issues {
            if let Some(made) = made.get_mut(issue.row) {
                made.words = Some(issue.message);
            }
        }
        Ok(())
    }

    /// The columns of a load, the key first.
    pub(super) fn all_columns(&self, class: &str) -> Vec<String> {
        let columns = self.columns(class).into_iter().map(str::to_owned);
        ["primary_key".to_owned()].into_iter().chain(columns).collect()
    }

    /// What a run did beyond what was asked of it stops its source, until somebody has looked.
    async fn watch_out(
        &self,
        class: &str,
        counters: &Counters,
        share: &Share,
    ) -> Result<(), Obstacle> {
        let run = Run {
            created: counters.created,
            changed: counters.updated + counters.reconciled_updated,
            found: counters.reconciled_unchanged,
            errors: counters.creation_errors
                + counters.update_errors
                + counters.reconciliation_errors,
            deleted: counters.deleted + counters.deletion_errors,
            obsoleted: counters.obsoleted + counters.obsolescence_errors,
        };
        let surprises = plan::surprises(&run, share);
        if surprises.is_empty() {
            return Ok(());
        }
        let source = self.config().source_name(class);
        let reason = format!("the synchronization of '{source}' did more than it was asked to: {}", surprises.join("; "));
        tracing::error!(
            class,
            reason,
            "nothing more is loaded into this source until somebody has looked: 'equipment resume'"
        );
        self.inner.store.halt_equipment(class, reason).await?;
        Ok(())
    }
}

impl Made {
    fn asks_for_its_name(&self) -> bool {
        plan::asks_for_its_name(&self.planned.row, &self.planned.load)
    }

    /// Key of the CI that it has, or that it takes over.
    pub(super) fn ci(&self) -> Option<&str> {
        let row = &self.planned.row;
        let own = row.ci.as_ref().filter(|_| row.class.is_some()).map(|(_, id)| &**id);
        self.ci.as_deref().or(own)
    }
}

/// Whether fewer rows, or others, may pass where these did not.
fn may_be_about_rows(error: &DoorError) -> bool {
    match error {
        DoorError::Refused { .. } | DoorError::TooLong { .. } => true,
        // A firewall that objects to a word.
        DoorError::Away(error) => error.may_be_about_the_request(),
        DoorError::NoLogin { .. }
        | DoorError::NoSource { .. }
        | DoorError::NotAllowed { .. }
        | DoorError::NoMemory { .. }
        | DoorError::Unclear { .. } => false,
    }
}

/// What iTop was given already, exactly so, and read back, needs no load.
fn settled_already(made: Vec<Made>) -> (Vec<Made>, Vec<EquipmentOutcome>) {
    let (known, other): (Vec<_>, Vec<_>) =
        made.into_iter().partition(|made| made.planned.row.sent_hash.as_ref() == Some(&made.hash));
    let outcomes = known.into_iter().map(|made| {
        let Made { planned: Planned { row, load }, hash, left_out, .. } = made;
        let became = match (load.purpose, row.ci.clone()) {
            (Purpose::Keep, Some(ci)) => Became::Synchronized { ci, sent_hash: hash, left_out },
            (Purpose::Leave, _) => Became::Left,
            (Purpose::Retire | Purpose::Keep, _) => Became::Retired { sent_hash: Some(hash) },
        };
        outcome(&row, became)
    });
    (other, outcomes.collect())
}
