//! What says on a terminal that something is going on. Elsewhere nothing is said.

use std::{
    path::PathBuf,
    sync::mpsc::{self, RecvTimeoutError},
    thread::JoinHandle,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

/// How often it moves.
const TICK: Duration = Duration::from_millis(120);

/// What takes how long nobody knows. It goes from the terminal when this is dropped.
pub(super) struct Waiting(ProgressBar);

impl Waiting {
    /// For what is waited.
    pub(super) fn on(what: impl Into<String>) -> Self {
        let bar = ProgressBar::new_spinner().with_message(what.into());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    /// Something else is waited for now.
    pub(super) fn say(&self, what: impl Into<String>) {
        self.0.set_message(what.into());
    }

    /// Prints something above it.
    pub(super) fn beside(&self, print: impl FnOnce()) {
        self.0.suspend(print);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// So many things, done one after another. The bar goes from the terminal when this is dropped.
pub(super) struct Steps(ProgressBar);

impl Steps {
    /// None of so many are done.
    pub(super) fn of(all: usize, what: &str) -> Self {
        let bar = ProgressBar::new(u64::try_from(all).unwrap_or(u64::MAX));
        let style = "{msg} {wide_bar} {pos} of {len}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    /// The same, of things of which many are done each second.
    pub(super) fn many(all: usize, what: &str) -> Self {
        let steps = Self::of(all, what);
        let style = "{msg} {wide_bar} {human_pos} of {human_len}, {per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(style) {
            steps.0.set_style(style);
        }
        steps
    }

    /// So many more are.
    pub(super) fn add(&self, steps: u64) {
        self.0.inc(steps);
    }

    /// Prints something above it.
    pub(super) fn beside(&self, print: impl FnOnce()) {
        self.0.suspend(print);
    }

    /// So many are.
    pub(super) fn done(&self, steps: usize) {
        self.0.set_position(u64::try_from(steps).unwrap_or(u64::MAX));
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// What is sent, or comes, of so many bytes, or of nobody knows how many. It goes from the terminal when this is
/// dropped.
pub(super) struct Bytes(ProgressBar);

/// Moves the bar of what is sent.
#[derive(Clone)]
pub(super) struct Counter(ProgressBar);

impl Bytes {
    pub(super) fn of(all: Option<u64>, what: &str) -> Self {
        let (bar, style) = match all {
            Some(all) => (
                ProgressBar::new(all),
                "{msg} {wide_bar} {binary_bytes} of {binary_total_bytes}, {eta} left",
            ),
            None => (ProgressBar::new_spinner(), "{spinner} {msg} {binary_bytes} {elapsed}"),
        };
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    pub(super) fn counter(&self) -> Counter {
        Counter(self.0.clone())
    }
}

impl Counter {
    /// So many bytes more; what follows the last one is done by whoever takes them.
    pub(super) fn add(&self, bytes: usize) {
        self.0.inc(u64::try_from(bytes).unwrap_or(u64::MAX));
        if self.0.length().is_some_and(|all| self.0.position() >= all) {
            self.0.set_message("the bridge takes it");
        }
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A file that becomes as long as another one. The bar goes from the terminal when this is dropped.
pub(super) struct Growing {
    stop: Option<mpsc::Sender<()>>,
    watching: Option<JoinHandle<()>>,
}

impl Growing {
    /// Watches `file` until it has so many bytes; then only `afterwards` is waited for.
    pub(super) fn watch(file: PathBuf, bytes: u64, what: &str, afterwards: &'static str) -> Self {
        let bar = ProgressBar::new(bytes).with_message(what.to_owned());
        let style = "{msg} {wide_bar} {binary_bytes} of {binary_total_bytes}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        let (stop, stopped) = mpsc::channel();
        // A thread: what is watched keeps its own one busy.
        let watching = std::thread::spawn(move || {
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                let length = std::fs::metadata(&file).map_or(0, |file| file.len());
                bar.set_position(length.min(bytes));
                if length >= bytes {
                    bar.set_message(afterwards);
                }
            }
            bar.finish_and_clear();
        });
        Self { stop: Some(stop), watching: Some(watching) }
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(watching) = self.watching.take() {
            // It has nothing that could fail but the terminal.
            let _ = watching.join();
        }
    }
}
