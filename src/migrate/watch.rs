//! A look at a migration from elsewhere, for pages that ask for it again and again: however many look on, its
//! folder is read seldom enough to be no burden, for anybody.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::Mutex;

use super::{
    folder::Folder,
    staging::{Seen, StepRun},
};
use crate::clock::{Clock, Moment};

/// How long what was read is told again at least, and so many times as long as reading took.
const AGAIN: (Duration, u32) = (Duration::from_secs(2), 20);

/// The least time between two looks of which a rate is made.
const LEAST_BETWEEN: Duration = Duration::from_secs(2);

/// The reports that steps write, by their names without ending.
pub const REPORTS: [&str; 2] = ["survey", "verify"];

/// Looks at the folder of a migration. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Watch {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    clock: Clock,
    last: Mutex<Option<Last>>,
}

/// What was seen at a moment.
#[derive(Clone, Debug)]
pub struct Looked {
    /// When.
    pub at: Timestamp,
    /// What the staging file says; `None` where there is none yet.
    pub seen: Option<Seen>,
    /// The reports that there are, and when each was written.
    pub reports: Vec<(&'static str, Timestamp)>,
    /// How much is done each second by the step that is under way, as far as that is known.
    pub rate: Option<f64>,
}

#[derive(Debug)]
struct Last {
    moment: Moment,
    again_at: Moment,
    looked: Result<Arc<Looked>, Arc<str>>,
}

impl Watch {
    /// At this folder; nothing of it is looked at yet.
    #[must_use]
    pub fn new(folder: PathBuf, clock: Clock) -> Self {
        Self { inner: Arc::new(Inner { folder, clock, last: Mutex::default() }) }
    }

    /// What it says now, or a moment ago.
    ///
    /// # Errors
    /// A sentence that says why nothing can be seen.
    pub async fn look(&self) -> Result<Arc<Looked>, Arc<str>> {
        let Inner { clock, last, .. } = &*self.inner;
        let mut last = last.lock().await;
        let moment = clock.moment();
        if let Some(known) = last.as_ref().filter(|known| moment < known.again_at) {
            return known.looked.clone();
        }
        let looked = self.read(moment, last.as_ref()).await;
        let (at_least, times) = AGAIN;
        let took = clock.moment().since(moment);
        let again_at = clock.moment().later(at_least.max(took * times));
        *last = Some(Last { moment, again_at, looked: looked.clone() });
        looked
    }

    /// The page of a report.
    ///
    /// # Errors
    /// A sentence that says why it cannot be read.
    pub async fn report(&self, name: &'static str) -> Result<Option<String>, String> {
        let path = self.inner.folder.clone();
        let read = tokio::task::spawn_blocking(move || {
            let folder = Folder::of(&path).map_err(|error| error.to_string())?;
            let file = folder.file(&format!("{name}.html"));
            match std::fs::read_to_string(&file) {
                Ok(text) => Ok(Some(text)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(format!("{}: {error}", file.display())),
            }
        });
        read.await.unwrap_or_else(|error| Err(error.to_string()))
    }

    async fn read(&self, moment: Moment, before: Option<&Last>) -> Result<Arc<Looked>, Arc<str>> {
        let (path, at) = (self.inner.folder.clone(), self.inner.clock.now());
        let read = tokio::task::spawn_blocking(move || read(&path, at)).await;
        let mut looked = read.map_err(|error| error.to_string()).flatten()?;
        let before = before.and_then(|before| Some((before.moment, before.looked.as_ref().ok()?)));
        looked.rate = before.and_then(|(then, before)| {
            let between = moment.since(then);
            if between < LEAST_BETWEEN { before.rate } else { rate(before, &looked, between) }
        });
        Ok(Arc::new(looked))
    }
}

fn read(path: &Path, at: Timestamp) -> Result<Looked, String> {
    let folder = Folder::of(path).map_err(|error| error.to_string())?;
    let seen = Seen::at(&folder.staging()).map_err(|error| error.to_string())?;
    let written = |name: &'static str| {
        let file = std::fs::metadata(folder.file(&format!("{name}.html"))).ok()?;
        Some((name, Timestamp::try_from(file.modified().ok()?).ok()?))
    };
    Ok(Looked { at, seen, reports: REPORTS.into_iter().filter_map(written).collect(), rate: None })
}

/// How much of one run was done between two looks, each second.
fn rate(before: &Looked, now: &Looked, between: Duration) -> Option<f64> {
    let [before, now] = [before, now].map(|looked| {
        let seen = looked.seen.as_ref()?;
        Some((seen.under_way()?.id, seen))
    });
    let ((run, before), (same, now)) = before.zip(now)?;
    let done = done(now).abs_diff(done(before));
    (run == same)
        .then(|| f64::from(u32::try_from(done).unwrap_or(u32::MAX)) / between.as_secs_f64())
}

/// All that a step can have done so far, or undone.
fn done(seen: &Seen) -> u64 {
    let classes = seen.classes.iter();
    if seen.under_way().is_some_and(|run| run.step == StepRun::EXTRACT) {
        return classes.map(|class| class.objects.read).sum::<u64>() + seen.files.read;
    }
    classes.map(|class| class.objects.there + class.failed).sum::<u64>()
        + seen.comments.there
        + seen.files.there
}
