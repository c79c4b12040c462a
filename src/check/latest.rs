//! The examination that a running bridge makes when somebody asks: one at a time, the last one kept.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::watch;

use super::{Examined, Finding, Told, Verdict, examine};
use crate::{clock::Clock, config::Current, desk::Desks};

/// The examinations of a running bridge. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Checks {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: Current,
    desks: Desks,
    clock: Clock,
    state: watch::Sender<Latest>,
}

/// What is known of the examinations.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "Examinations")]
pub struct Latest {
    /// The one that runs now.
    pub running: Option<UnderWay>,
    /// The last one that has ended since the bridge was started.
    pub latest: Option<Ended>,
}

/// An examination that runs.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "RunningExamination")]
pub struct UnderWay {
    /// Since when.
    pub began_at: Timestamp,
    /// What is being asked; none between two questions.
    pub examining: Option<&'static str>,
    /// What was found so far.
    pub findings: Vec<Finding>,
}

/// An examination that has ended.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Examination")]
pub struct Ended {
    /// When it was asked for.
    pub began_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How many findings somebody should look at.
    pub warnings: usize,
    /// With how many the bridge cannot do its work.
    pub failures: usize,
    /// All that was found, in the order in which it was asked.
    pub findings: Vec<Finding>,
}

impl Ended {
    fn new(run: UnderWay, ended_at: Timestamp) -> Self {
        let UnderWay { began_at, findings, .. } = run;
        let count = |verdict| findings.iter().filter(|found| found.verdict == verdict).count();
        let (warnings, failures) = (count(Verdict::Warning), count(Verdict::Failure));
        Self { began_at, ended_at, warnings, failures, findings }
    }
}

impl Checks {
    /// Nothing was examined yet.
    #[must_use]
    pub fn new(config: Current, desks: Desks, clock: Clock) -> Self {
        let state = watch::Sender::new(Latest::default());
        Self { inner: Arc::new(Inner { config, desks, clock, state }) }
    }

    /// What is known now.
    #[must_use]
    pub fn latest(&self) -> Latest {
        self.inner.state.borrow().clone()
    }

    /// Begins an examination unless one runs, and waits for its end, for `most` at most. It goes on
    /// although nobody waits for it.
    pub async fn run(&self, most: Duration) -> Latest {
        let mut state = self.inner.state.subscribe();
        self.begin();
        tokio::select! {
            _ = state.wait_for(|state| state.running.is_none()) => {}
            () = self.inner.clock.sleep(most) => {}
        }
        self.latest()
    }

    fn begin(&self) {
        let began_at = self.inner.clock.now();
        let is_first = self.inner.state.send_if_modified(|state| {
            let is_first = state.running.is_none();
            if is_first {
                let findings = Vec::new();
                state.running = Some(UnderWay { began_at, examining: None, findings });
            }
            is_first
        });
        if !is_first {
            return;
        }
        let this = self.clone();
        tokio::spawn(async move {
            let examining = this.clone();
            // A defect in it must not be the reason that no other can be asked for.
            if tokio::spawn(async move { examining.examine().await }).await.is_err() {
                tracing::error!("an examination panicked: this is a defect of the bridge");
            }
            this.end();
        });
    }

    /// By the ways that deliveries take, whose bounds hold for it, and as one of the few questions that
    /// anybody may cause at any time.
    async fn examine(&self) {
        let Inner { config, desks, clock, state } = &*self.inner;
        let places = desks.iter().map(|served| served.catalog.desk().place_on_demand());
        let _places = join_all(places).await;
        let config = config.get();
        let mut tell = |told| {
            state.send_modify(|state| {
                let Some(run) = &mut state.running else { return };
                match told {
                    Told::Examining(what) => run.examining = Some(what),
                    Told::Found(finding) => {
                        run.examining = None;
                        run.findings.push(finding);
                    }
                }
            });
        };
        let examined = Examined { desks: Some(desks), ..Examined::of(&config, clock) };
        examine(examined, &mut tell).await;
    }

    fn end(&self) {
        let ended_at = self.inner.clock.now();
        self.inner.state.send_modify(|state| {
            if let Some(run) = state.running.take() {
                let ended = Ended::new(run, ended_at);
                let Ended { warnings, failures, .. } = ended;
                tracing::info!(warnings, failures, "an examination was asked for and has ended");
                state.latest = Some(ended);
            }
        });
    }
}
