//! The worker: which rows come next, and what waits.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{
    Federation,
    figures::{Halt, OfHold, OfState},
    links::{Company, Links},
    plan::{self, Ended, Facts, Planned, Question, Step},
};
use crate::{
    clock::Moment,
    config,
    delivery::backoff::growing,
    domain::{
        equipment::{EquipmentRow, EquipmentState, Problem},
        hex::hex,
        keys::EquipmentId,
        visible::Visible,
    },
    itop::{ItopError, synchro::DoorError},
    store::{Became, CmdbSource, EquipmentQueue, SettledEquipment, StoreError, Term},
};

/// How long nothing may happen before the equipment is looked at again all the same.
const LOOK_AGAIN: Duration = Duration::from_mins(1);

/// The first and the longest wait after something stood in the way.
const PAUSES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(5));

/// How long nothing is loaded at least where iTop may still be at work on an earlier load: one that is held up and
/// comes after its successor would put older values in its place.
const UNCLEAR: Duration = Duration::from_secs(30);

/// Rows that are read and planned together.
const PAGE: usize = 500;

/// Rows of one company that are read together at least, as a part of a chunk.
const LEAST_PART: usize = 8;

/// Rows that are looked at in one turn: where the first are of a class that waits, others go.
const MOST_LOOKED_AT: usize = 20_000;

/// How long a load waits for tickets. A synchronization does not slow their creates down (SYNC.md), so that
/// this is politeness: where tickets never cease, equipment goes on between them.
const PATIENCE: Duration = Duration::from_mins(1);

/// What ends a turn early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Obstacle {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// iTop is away: nothing goes on for a while.
    #[error("{0}")]
    Way(String),
    /// What iTop did is not known, nor whether it is still at it: nothing goes on for a while.
    #[error("{0}")]
    Unclear(String),
    /// The source of one class does not work: others go on.
    #[error("{class}: {words}")]
    Source {
        /// The class.
        class: String,
        /// What was said.
        words: String,
    },
    /// The source of one class is not there, which is the same while it is one of `[cmdb]`.
    #[error("{class}: {words}")]
    NoSource {
        /// The class.
        class: String,
        /// What was said.
        words: String,
    },
}

impl From<ItopError> for Obstacle {
    fn from(error: ItopError) -> Self {
        Self::Way(error.to_string())
    }
}

impl Obstacle {
    /// What an error at a door means for a class.
    pub(super) fn of(error: &DoorError, class: &str) -> Self {
        let words = error.to_string();
        match error {
            DoorError::Away(_) | DoorError::NoLogin { .. } => Self::Way(words),
            DoorError::Unclear { .. } => Self::Unclear(words),
            DoorError::NoSource { .. } => Self::NoSource { class: class.to_owned(), words },
            DoorError::NotAllowed { .. }
            | DoorError::Refused { .. }
            | DoorError::NoMemory { .. }
            | DoorError::TooLong { .. } => Self::Source { class: class.to_owned(), words },
        }
    }
}

/// What a turn has come to.
enum Turned {
    /// There may be more.
    Again,
    /// Nothing can be done now.
    Idle,
}

/// What the worker knows between turns.
pub(super) struct Worker {
    pub(super) term: Term,
    /// By which links rows were last planned; none since the start.
    links: Links,
    /// What rows were last planned by.
    mapping: Option<String>,
    /// Classes whose source does not work, until when, and how often that was found.
    paused: HashMap<String, (Moment, u32)>,
    /// How many rows of a class are loaded together where that is fewer than configured.
    pub(super) fewer: HashMap<String, usize>,
    /// The company that the last chunk began with.
    last: Option<Company>,
    in_a_row: u32,
}

impl Federation {
    /// Brings equipment to iTop for a Term, for as long as it is run.
    pub async fn run(self, term: Term) {
        let inner = &*self.inner;
        let mut worker = Worker::new(term);
        // What was loaded for the last Term may be under way still.
        if inner.store.is_equipment_begun().await.unwrap_or(true) {
            inner.clock.sleep(UNCLEAR).await;
        }
        loop {
            let mut gate = inner.gate.watch();
            if !inner.gate.is_open() {
                // Its sender lives as long as the bridge.
                let _ = gate
                    .wait_for(|state| matches!(state, crate::gate::GateState::Open { .. }))
                    .await;
            }
            let turned = worker.turn(&self).await;
            self.note_states().await;
            let pause = match turned {
                Ok(Turned::Again) => {
                    worker.in_a_row = 0;
                    inner.figures.note(|figures| figures.obstacle = None);
                    continue;
                }
                Ok(Turned::Idle) => {
                    worker.in_a_row = 0;
                    if worker.paused.is_empty() {
                        inner.figures.note(|figures| figures.obstacle = None);
                    }
                    worker.until_the_next(inner.clock.moment())
                }
                Err(obstacle) => {
                    let pause = worker.stopped_by(&self, &obstacle);
                    // Whatever is told meanwhile, the way is not better for it.
                    inner.clock.sleep(pause).await;
                    continue;
                }
            };
            tokio::select! {
                () = inner.store.equipment_changed() => {}
                () = inner.clock.sleep(pause) => {}
            }
        }
    }

    /// The next step of a row, as its company is linked and the configuration says.
    pub(super) fn next(&self, links: &Links, row: &EquipmentRow) -> Step {
        let org = links.org(&row.key, &row.wanted);
        let facts = Facts {
            org: org.map(|(id, name)| (&**id, &**name)),
            class: self.inner.config.class_of(row.wanted.category.as_deref()),
            retires: self.retires(row.class.as_deref()),
        };
        plan::next(row, &facts)
    }

    /// Waits while tickets wait, but not for ever.
    pub(super) async fn tickets_first(&self) {
        let inner = &*self.inner;
        let end = inner.clock.moment().later(PATIENCE);
        while inner.clock.moment() < end && inner.delivery.is_busy().await {
            inner.clock.sleep(Duration::from_millis(100)).await;
        }
    }

    /// What metrics and pages tell, as it is now.
    async fn note_states(&self) {
        let inner = &*self.inner;
        let read = async {
            let store = &inner.store;
            let counts = store.equipment_counts(&Visible::all()).await?;
            let states = EquipmentState::ALL.map(|state| (state, counts.of(state)));
            let held = store.equipment_by_hold().await?;
            Ok::<_, StoreError>((states, held, store.equipment_halts().await?))
        };
        // A failure is told by the turn, which asks the same database.
        let Ok((states, held, halts)) = read.await else { return };
        inner.figures.note(|figures| {
            figures.states =
                states.into_iter().map(|(state, rows)| OfState { state, rows }).collect();
            figures.held = held.into_iter().map(|(held, rows)| OfHold { held, rows }).collect();
            figures.halts = halts
                .into_iter()
                .map(|halt| Halt { class: halt.class, at: halt.at, reason: halt.reason })
                .collect();
        });
    }
}

impl Worker {
    fn new(term: Term) -> Self {
        Self {
            term,
            links: Links::default(),
            mapping: None,
            paused: HashMap::new(),
            fewer: HashMap::new(),
            last: None,
            in_a_row: 0,
        }
    }

    async fn turn(&mut self, federation: &Federation) -> Result<Turned, Obstacle> {
        let inner = &*federation.inner;
        let _turn = inner.turn.lock().await;
        self.follow(federation).await?;
        let Plan { planned, settled } = self.plan(federation).await?;
        let Some(first) = planned.first() else {
            return Ok(if settled > 0 { Turned::Again } else { Turned::Idle });
        };
        let class = first.load.class.clone();
        let most = self.fewer.get(&class).copied().unwrap_or(inner.config.chunk).max(1);
        let chunk: Vec<_> = plan::chunk(&planned, most).into_iter().cloned().collect();
        match self.bring(federation, &class, chunk.clone()).await {
            // Nobody will make it anew.
            Err(Obstacle::NoSource { .. }) if !inner.config.all_classes().contains(&*class) => {
                let failed = chunk.iter().map(|planned| cannot_be_retired(&planned.row, &class));
                self.term.settle_equipment(failed.collect()).await?;
            }
            brought => brought?,
        }
        self.paused.remove(&class);
        Ok(Turned::Again)
    }

    /// Takes up what was said otherwise since the last turn: the configuration, sources, and links.
    async fn follow(&mut self, federation: &Federation) -> Result<(), StoreError> {
        let store = &federation.inner.store;
        let sources = federation.sources().await?;
        let digest = mapping(&federation.inner.config, &sources);
        if self.mapping.as_ref() != Some(&digest) {
            if self.term.plan_equipment_by(digest.clone()).await? {
                tracing::info!(
                    "all equipment is planned anew: [cmdb] or a data source is another one"
                );
            }
            self.mapping = Some(digest);
            self.paused.clear();
        }
        let links = Links::new(store.links(&Visible::all()).await?);
        links.follow(&self.links, store, &self.term).await?;
        self.links = links;
        Ok(())
    }

    /// Plans rows of one class, as many as make a chunk; what needs no load is settled. Companies take turns: each
    /// chunk begins with another one, and has rows of all, those first that have waited longest.
    async fn plan(&mut self, federation: &Federation) -> Result<Plan, Obstacle> {
        let inner = &*federation.inner;
        let halts = inner.store.equipment_halts().await?;
        let now = inner.clock.moment();
        let waits = |class: &str| {
            self.paused.get(class).is_some_and(|(until, _)| *until > now)
                || halts.iter().any(|halt| halt.class == class)
        };
        let queues = inner.store.equipment_queues().await?;
        let most = inner.config.chunk;
        let mut part = most.div_ceil(queues.len().max(1)).max(most / LEAST_PART);
        let mut lanes: Vec<_> =
            behind(self.last.as_ref(), queues).into_iter().map(Lane::of).collect();
        let (mut first, mut outcomes) = (None, Vec::new());
        let (mut looked_at, mut of_first) = (0, 0);
        'rounds: while lanes.iter().any(|lane| !lane.is_read) && looked_at < MOST_LOOKED_AT {
            for lane in lanes.iter_mut().filter(|lane| !lane.is_read) {
                let page = inner.store.equipment_due(&lane.queue, lane.after.take(), part).await?;
                lane.is_read = page.len() < part;
                lane.after = page.last().map(|row| (row.changed_at, row.key.id.clone()));
                looked_at += page.len();
                for row in page {
                    match federation.next(&self.links, &row) {
                        Step::Loads(load) if waits(&load.class) => {}
                        Step::Loads(load) => {
                            let (class, _) = first.get_or_insert_with(|| {
                                (load.class.clone(), lane.queue.company.clone())
                            });
                            if *class == load.class {
                                of_first += 1;
                                lane.planned.push(Planned { row, load });
                            }
                        }
                        other => {
                            outcomes.extend(became(&other).map(|became| outcome(&row, became)));
                        }
                    }
                }
                if of_first >= most {
                    break 'rounds;
                }
            }
            part = PAGE;
        }
        if let Some((_, company)) = first {
            self.last = Some(company);
        }
        let settled = outcomes.len();
        self.term.settle_equipment(outcomes).await?;
        let planned = plan::in_turns(lanes.into_iter().map(|lane| lane.planned).collect());
        Ok(Plan { planned, settled })
    }

    /// Something stood in the way: tells it, and how long to wait.
    fn stopped_by(&mut self, federation: &Federation, obstacle: &Obstacle) -> Duration {
        let inner = &*federation.inner;
        let words = obstacle.to_string();
        let (first, most) = PAUSES;
        inner.figures.note(|figures| figures.obstacle = Some(words.clone()));
        match obstacle {
            Obstacle::Source { class, .. } | Obstacle::NoSource { class, .. } => {
                let times = self.paused.get(class).map_or(1, |(_, times)| times + 1);
                let until = inner.clock.moment().later(growing(first, most, times));
                self.paused.insert(class.clone(), (until, times));
                tracing::warn!(class, reason = words, "equipment of this class waits");
                // Others go on at once.
                Duration::ZERO
            }
            Obstacle::Way(_) | Obstacle::Unclear(_) | Obstacle::Store(_) => {
                self.in_a_row += 1;
                tracing::warn!(reason = words, "equipment waits");
                let pause = growing(first, most, self.in_a_row);
                let is_unclear = matches!(obstacle, Obstacle::Unclear(_));
                if is_unclear { pause.max(UNCLEAR) } else { pause }
            }
        }
    }

    /// How long nothing is to be done, unless something changes.
    fn until_the_next(&self, now: Moment) -> Duration {
        let pauses = self.paused.values().filter(|(until, _)| *until > now);
        let pauses = pauses.map(|(until, _)| until.since(now));
        pauses.chain([LOOK_AGAIN]).min().unwrap_or(LOOK_AGAIN)
    }
}

/// What waits of one company.
struct Lane {
    queue: EquipmentQueue,
    /// Behind which row it is read on.
    after: Option<(Timestamp, EquipmentId)>,
    /// Whether it was read to its end.
    is_read: bool,
    planned: Vec<Planned>,
}

impl Lane {
    fn of(queue: EquipmentQueue) -> Self {
        Self { queue, after: None, is_read: false, planned: Vec::new() }
    }
}

/// The companies from behind one of them, and then the others.
fn behind(last: Option<&Company>, mut queues: Vec<EquipmentQueue>) -> Vec<EquipmentQueue> {
    let before = queues.partition_point(|queue| Some(&queue.company) <= last);
    queues.rotate_left(before);
    queues
}

struct Plan {
    /// What is to be loaded, of one class, companies in turns.
    planned: Vec<Planned>,
    /// How many rows needed no load.
    settled: usize,
}

/// What becomes of a row that is not loaded.
fn became(step: &Step) -> Option<Became> {
    Some(match step {
        Step::Loads(_) => return None,
        Step::Ends(Ended::Retired) => Became::Retired { ci: None, sent_hash: None },
        Step::Ends(Ended::Left) => Became::Left { lost: None },
        Step::Waits(problem) => Became::Waits(problem.clone()),
        Step::Asks(question) => asks(question),
    })
}

/// A row has left a class that has no source any more.
fn cannot_be_retired(row: &EquipmentRow, class: &str) -> SettledEquipment {
    let message = format!(
        "Its CI cannot be retired: [cmdb] has no {class} any more, and iTop has no data source for it. Retire the \
         CI in iTop and set cmdb.retire = \"\"; or give the category its class again, run 'cmdb setup', and \
         retry."
    );
    outcome(row, Became::Failed(Problem::new("not-retired", message)))
}

pub(super) fn asks(question: &Question) -> Became {
    Became::Asks {
        held: question.held,
        held_for: question.held_for.clone(),
        problem: question.problem(),
    }
}

pub(super) fn outcome(row: &EquipmentRow, became: Became) -> SettledEquipment {
    SettledEquipment {
        key: row.key.clone(),
        wanted_hash: row.wanted_hash.clone(),
        listed: row.listed,
        became,
    }
}

/// A digest of what rows are planned by: where it is another one, what iTop holds may not be what is wanted.
fn mapping(config: &config::Cmdb, sources: &[CmdbSource]) -> String {
    let config::Cmdb {
        classes,
        default_class,
        other_classes,
        attributes,
        defaults,
        create,
        adopt,
        retire,
        revive,
        ..
    } = config;
    let sources: Vec<_> =
        sources.iter().map(|source| [&source.class, &source.source_id, &source.made_for]).collect();
    let all = serde_json::json!([
        classes,
        default_class,
        other_classes,
        attributes,
        defaults,
        create,
        adopt,
        retire,
        revive,
        sources
    ]);
    hex(&Sha256::digest(all.to_string()))
}
