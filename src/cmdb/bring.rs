//! Bringing one chunk of rows to iTop: what is there already, the load, the synchronization, the proof.

use super::{
    Federation, lookup,
    model::Model,
    plan::{self, Halving, Planned, Purpose, Run, Share, Verdict},
    worker::{Obstacle, Worker, asks, outcome},
};
use crate::{
    domain::{equipment::Problem, names::spelling},
    itop::synchro::{Counters, DoorError, LEAVE, PRIMARY_KEY, Table},
    store::{Became, CmdbSource, EquipmentLoad, SettledEquipment, Term},
};

/// A row whose CI is decided.
#[derive(Clone, Debug)]
pub(super) struct Decided {
    pub(super) planned: Planned,
    /// The key of the CI that it takes over.
    ci: Option<String>,
    /// What that is called, where it is only known by the name under which it was begun.
    pub(super) called: Option<String>,
    /// Under what a CI is made for it, if one is.
    begun: Option<String>,
    /// Whether its CI is out of use so far.
    pub(super) comes_back: bool,
}

/// A row as it is loaded.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) decided: Decided,
    /// A value for each attribute of the model, in its order.
    pub(super) values: Vec<String>,
    /// Of class, source, organization and values.
    pub(super) hash: Vec<u8>,
    /// What was left out.
    pub(super) left_out: Option<Problem>,
    /// What the load said of it.
    pub(super) words: Option<String>,
}

/// The attribute that every class has, and every source is fed.
const NAME: &str = "name";

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
        let (inner, term) = (&*federation.inner, &self.term.clone());
        let (model, source) = federation.source(class).await?;
        federation.tickets_first().await;
        if federation.find_of_lost_run(term, class).await? {
            // Rows of the chunk may be among them, and are others by now.
            return Ok(());
        }
        let (decided, outcomes) = federation.decide(class, chunk).await?;
        term.settle_equipment(outcomes).await?;
        let made = federation.made(&model, &source, decided).await?;
        let (made, outcomes) = settled_already(made);
        term.settle_equipment(outcomes).await?;
        let made = federation.begin(term, class, made).await?;
        if made.is_empty() {
            return Ok(());
        }
        let unproven = inner.store.unproven_equipment(class).await?;
        let rows = made.len() as u64;
        let new = made.iter().filter(|made| made.decided.ci().is_none()).count() as u64;
        let adopted = made.iter().filter(|made| made.decided.ci.is_some()).count() as u64;
        let pending = unproven.saturating_sub(rows);
        let brought = async {
            let mut made = made;
            federation.touch(&source, &made).await?;
            federation.load(&model, &source, &mut made).await?;
            federation.tickets_first().await;
            // iTop has all of it. What it makes of it is looked for, even if its answer never comes.
            let keys = made.iter().map(|made| made.decided.planned.row.key.clone()).collect();
            Ok(term.begin_equipment_run(class, keys).await.map(|()| made))
        };
        let brought = match brought.await {
            Ok(made) => {
                let made = made?;
                let ran = inner.doors.run(&source.source_id).await;
                if ran.as_ref().is_err_and(DoorError::had_no_effect) {
                    term.end_equipment_run(class).await?;
                }
                ran.map(|counters| (counters, made))
            }
            Err(error) => Err(error),
        };
        let (counters, made) = brought.map_err(|error: DoorError| {
            inner.figures.note(|figures| figures.failures += 1);
            if matches!(error, DoorError::NoMemory { .. } | DoorError::TooLong { .. }) {
                // The same rows go on where this ended; fewer at once from now on.
                let fewer = usize::try_from(rows / 2).unwrap_or(1).max(1);
                self.fewer.insert(class.to_owned(), fewer);
            }
            Obstacle::of(&error, class)
        })?;
        let now = inner.clock.now();
        inner.figures.note(|figures| {
            figures.runs += 1;
            figures.rows += rows;
            figures.last_run_at = Some(now);
        });
        let outcomes = federation.proven(&model, &made).await?;
        let failed = outcomes.iter().filter(|one| is_unproven(&one.became)).count() as u64;
        if failed > 0 {
            // An id that iTop no longer has may be the reason.
            inner.names.forget();
        }
        tracing::info!(class, rows, failed, "equipment was synchronized");
        let made_here = made
            .iter()
            .zip(&outcomes)
            .filter(|(made, one)| made.decided.ci().is_none() && has_ci(&one.became));
        let made_others = counters.created > made_here.count() as u64;
        term.settle_equipment(outcomes).await?;
        if made_others && pending > 0 {
            let sent = made.iter().map(|made| made.decided.planned.row.key.clone()).collect();
            federation.find_begun(term, class, sent).await?;
        }
        term.end_equipment_run(class).await?;
        if counters.reconciled_updated + counters.reconciled_unchanged > adopted + pending {
            tracing::warn!(
                class,
                "a CI was taken over that the bridge did not expect: somebody has made it under the name \
                 of new equipment meanwhile, or the data source was made anew"
            );
        }
        federation.watch_out(term, class, &counters, &Share { rows, new, failed, pending }).await
    }
}

impl Federation {
    /// Whose CIs those are that bear the names of rows without one: gives those rows that can be loaded, and
    /// what becomes of the others.
    async fn decide(
        &self,
        class: &str,
        chunk: Vec<Planned>,
    ) -> Result<(Vec<Decided>, Vec<SettledEquipment>), Obstacle> {
        let inner = &*self.inner;
        let asks_for_its_name =
            |planned: &Planned| plan::asks_for_its_name(&planned.row, &planned.load);
        // What is gone before its CI was seen is looked for under the name under which it was begun. So is what was
        // found under that name, and never proven: a run that died may have made it without noting whose it is, and
        // would make another one under another name.
        let begun_unseen = |Planned { row, load }: &Planned| {
            let name = plan::begun_name(row, class, &load.org)?;
            let is_called_otherwise = name != spelling(&row.wanted.name);
            let is_begun =
                load.purpose != Purpose::Keep || (row.ci.is_some() && is_called_otherwise);
            is_begun.then(|| (load.org.clone(), name.to_owned()))
        };
        let wanted: Vec<_> = chunk
            .iter()
            .filter_map(|planned| {
                let Planned { row, load } = planned;
                let own = (load.org.clone(), row.wanted.name.clone());
                if asks_for_its_name(planned) { Some(own) } else { begun_unseen(planned) }
            })
            .collect();
        let seen = match lookup::seen(inner.doors.rest(), &inner.store, &wanted).await {
            Ok(seen) => seen,
            Err(lookup::Unanswered::Itop(error)) => return Err(error.into()),
            Err(lookup::Unanswered::Store(error)) => return Err(error.into()),
        };
        let (mut loadable, mut outcomes) = (Vec::with_capacity(chunk.len()), Vec::new());
        for planned in chunk {
            let Planned { row, load } = &planned;
            if !asks_for_its_name(&planned) {
                // What was retired is not said to be synchronized.
                let comes_back = row.synchronized_at.is_none() && row.ci.is_some();
                let found = begun_unseen(&planned).and_then(|named| seen.get(&named));
                let of_class = found.into_iter().flatten().filter(|(ci, _)| ci.class == class);
                let of_class: Vec<_> = of_class.collect();
                let own = row.ci.as_ref().and_then(|(_, id)| {
                    of_class.iter().find(|(ci, _)| ci.id == *id).map(|(ci, _)| ci.name.clone())
                });
                let (ci, called) = match &*of_class {
                    _ if row.ci.is_some() => (None, own),
                    [(ci, None)] => (Some(ci.id.clone()), Some(ci.name.clone())),
                    _ => (None, None),
                };
                loadable.push(Decided { planned, ci, called, begun: None, comes_back });
                continue;
            }
            let named = (load.org.clone(), spelling(&row.wanted.name));
            let found = seen.get(&named).map(Vec::as_slice).unwrap_or_default();
            let told = lookup::told_to(&row.key, found);
            let became = match plan::judge(row, class, &load.org, &told, inner.config.adopt) {
                Verdict::Creates => {
                    let begun = Some(plan::creates(row, class, &load.org));
                    let (ci, called) = (None, None);
                    loadable.push(Decided { planned, ci, called, begun, comes_back: false });
                    continue;
                }
                Verdict::Adopts(ci) => {
                    let begun = Some(plan::creates(row, class, &load.org));
                    let (ci, comes_back) = (Some(ci.id), ci.is_obsolete);
                    loadable.push(Decided { planned, ci, called: None, begun, comes_back });
                    continue;
                }
                Verdict::Asks(question) => asks(&question),
                Verdict::Fails(problem) => Became::Failed(problem),
            };
            outcomes.push(outcome(row, became));
        }
        Ok((loadable, outcomes))
    }

    /// Marks rows as given to iTop; leaves those that are still what was planned.
    async fn begin(
        &self,
        term: &Term,
        class: &str,
        made: Vec<Made>,
    ) -> Result<Vec<Made>, Obstacle> {
        let load = |Made { decided: Decided { planned, begun, .. }, .. }: &Made| EquipmentLoad {
            key: planned.row.key.clone(),
            wanted_hash: planned.row.wanted_hash.clone(),
            listed: planned.row.listed,
            org_id: planned.load.org.clone(),
            begun: begun.clone(),
            retires: planned.load.purpose != Purpose::Keep,
        };
        let loads = made.iter().map(load).collect();
        let begun = term.begin_equipment(class, loads).await?;
        Ok(made.into_iter().zip(begun).filter_map(|(made, begun)| begun.then_some(made)).collect())
    }

    /// Changes rows in the table of the source that were loaded before and never seen in iTop as they were sent.
    /// iTop passes over what is equal to its table, whatever the object holds. A name that is left alone is
    /// such a change, and does no harm if it is synchronized before the row itself comes.
    async fn touch(&self, source: &CmdbSource, made: &[Made]) -> Result<(), DoorError> {
        let rows = made.iter().map(|made| &made.decided.planned.row);
        let unproven = rows.filter(|row| row.class.is_some() && row.sent_hash.is_none());
        let rows: Vec<_> =
            unproven.map(|row| vec![row.key.primary_key(), LEAVE.to_owned()]).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let columns = [PRIMARY_KEY, NAME].map(str::to_owned).to_vec();
        self.inner.doors.load(&source.source_id, &Table { columns, rows }).await?;
        self.inner.figures.note(|figures| figures.loads += 1);
        Ok(())
    }

    /// Loads rows. Where they are turned away together, those are found that are so alone.
    async fn load(
        &self,
        model: &Model,
        source: &CmdbSource,
        made: &mut [Made],
    ) -> Result<(), DoorError> {
        let Err(error) = self.load_part(model, source, made).await else { return Ok(()) };
        if !may_be_about_rows(&error) {
            return Err(error);
        }
        // Whether it is the columns of the source is found out without rows.
        self.inner.doors.try_columns(&source.source_id, &model.columns()).await?;
        let mut halving = Halving::new(made.len());
        if let [only] = made {
            only.words = Some(error.to_string());
        }
        while let Some(part) = halving.next_part() {
            let Err(error) = self.load_part(model, source, &mut made[part.clone()]).await else {
                continue;
            };
            if !may_be_about_rows(&error) {
                return Err(error);
            }
            if part.len() == 1 {
                made[part.start].words = Some(error.to_string());
            }
            halving.turned_away(part);
            if halving.found().len() >= MOST_TURNED_AWAY {
                return Err(error);
            }
        }
        Ok(())
    }

    async fn load_part(
        &self,
        model: &Model,
        source: &CmdbSource,
        made: &mut [Made],
    ) -> Result<(), DoorError> {
        let row = |made: &Made| {
            let key = made.decided.planned.row.key.primary_key();
            [key].into_iter().chain(made.values.iter().cloned()).collect()
        };
        let table = Table { columns: model.columns(), rows: made.iter().map(row).collect() };
        let loaded = self.inner.doors.load(&source.source_id, &table).await?;
        self.inner.figures.note(|figures| figures.loads += 1);
        for issue in loaded.issues {
            if let Some(made) = made.get_mut(issue.row) {
                made.words = Some(issue.message);
            }
        }
        Ok(())
    }

    /// What a run did beyond what was asked of it stops its source, until somebody has looked.
    async fn watch_out(
        &self,
        term: &Term,
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
        let reason = format!(
            "the synchronization of '{source}' did more than it was asked to: {}",
            surprises.join("; ")
        );
        tracing::error!(
            class,
            reason,
            "nothing more is loaded into this source until somebody has looked: 'equipment resume'"
        );
        term.halt_equipment(class, reason).await?;
        Ok(())
    }
}

impl Decided {
    /// The key of the CI that it has, or that it takes over.
    pub(super) fn ci(&self) -> Option<&str> {
        let row = &self.planned.row;
        let own = row.ci.as_ref().filter(|_| row.class.is_some()).map(|(_, id)| &**id);
        self.ci.as_deref().or(own)
    }
}

/// Whether the CI of a row was seen.
fn has_ci(became: &Became) -> bool {
    match became {
        Became::Synchronized { .. } | Became::Seen { .. } => true,
        Became::Retired { ci, .. } => ci.is_some(),
        Became::Left { lost } => lost.is_none(),
        Became::Failed(_) | Became::Waits(_) | Became::Asks { .. } => false,
    }
}

/// Whether iTop may have failed with a row.
fn is_unproven(became: &Became) -> bool {
    match became {
        Became::Failed(_) | Became::Seen { .. } => true,
        Became::Retired { sent_hash, .. } => sent_hash.is_none(),
        Became::Left { lost } => lost.is_some(),
        Became::Synchronized { .. } | Became::Waits(_) | Became::Asks { .. } => false,
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
fn settled_already(made: Vec<Made>) -> (Vec<Made>, Vec<SettledEquipment>) {
    let is_known = |made: &Made| {
        let row = &made.decided.planned.row;
        row.class.is_some() && row.sent_hash.as_ref() == Some(&made.hash)
    };
    let (known, other): (Vec<_>, Vec<_>) = made.into_iter().partition(is_known);
    let outcomes = known.into_iter().map(|made| {
        let Made {
            decided: Decided { planned: Planned { row, load }, .. }, hash, left_out, ..
        } = made;
        let became = match (load.purpose, row.ci.clone()) {
            (Purpose::Keep, Some(ci)) => Became::Synchronized { ci, sent_hash: hash, left_out },
            (Purpose::Leave, _) => Became::Left { lost: None },
            (Purpose::Retire | Purpose::Keep, ci) => Became::Retired { ci, sent_hash: Some(hash) },
        };
        outcome(&row, became)
    });
    (other, outcomes.collect())
}
