//! What the bridge runs on: its database, its listeners, its process.

use std::fs;

use super::{
    families::{Families, Labels, Number, labels},
    way::at,
};
use crate::{store::Standing, web::AppState};

/// Bounds of how long a commit takes, in seconds.
const COMMITS: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// Bounds of how many writes share one.
const WRITES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// The database.
pub(super) fn store(families: &mut Families, state: &AppState) {
    let commits = state.store.commits();
    families.histograms(
        "store_commit_duration_seconds",
        "How long a commit took, with the writes in it, until it was on the disk",
        [(Labels::new(), Number::spread(&commits.micros, 1_000_000, &COMMITS))],
    );
    families.histograms(
        "store_commit_writes",
        "How many writes shared a commit",
        [(Labels::new(), Number::spread(&commits.writes, 1, &WRITES))],
    );
    families.counter("store_commit_failures", "Commits that have failed", commits.failed);
    families.gauge(
        "store_writing",
        "Whether the last commit succeeded: 1, or 0",
        state.store.is_writing(),
    );
    if let Some(standing) = state.store.standing() {
        families.gauge(
            "leading",
            "Whether this instance leads: 1, or 0; where several may serve the database",
            matches!(standing, Standing::Leading(_)),
        );
    }
    families.gauge(
        "store_damaged",
        "Whether a part of the database was found to be damaged: 1, or 0",
        state.store.is_damaged(),
    );
}

/// Whoever is connected.
pub(super) fn front(families: &mut Families, state: &AppState) {
    let (open, most) = state.rooms.open_streams();
    families.gauge("event_streams", "Event streams that are open", open);
    families.gauge("event_streams_limit", "Event streams that may be open", most);
    families.counters(
        "requests_refused_by_rate",
        "Requests that were answered 429, by whose rate it was: that of a token, or of an address",
        state.tokens.refused_by_rate().map(|(by, count)| (labels([("by", by)]), count)),
    );
    families.gauge(
        "certificate_end_timestamp_seconds",
        "When the certificate of the bridge ends, in seconds since 1970; 0 where it has none",
        state.tls.as_ref().map_or(0.0, |tls| at(tls.ends())),
    );
}

/// What the system says of the process; what it does not say is left out.
#[derive(Debug)]
pub(super) struct Process {
    resident_bytes: Option<u64>,
    open_files: Option<usize>,
}

impl Process {
    pub(super) fn read() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        // The one that lists them is among them.
        let open_files = fs::read_dir("/proc/self/fd").map(|files| files.count().saturating_sub(1));
        Self { resident_bytes: resident_bytes(&status), open_files: open_files.ok() }
    }
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1_024)
}

/// The process, by the names that all processes have.
pub(super) fn process(families: &mut Families, state: &AppState, process: &Process) {
    let version = labels([("version", env!("CARGO_PKG_VERSION"))]);
    families.info("build", "Which bridge runs", version);
    families.of_process(
        "process_start_time_seconds",
        "When the process began, in seconds since 1970",
        at(state.history.up_since()),
    );
    if let Some(bytes) = process.resident_bytes {
        families.of_process("process_resident_memory_bytes", "The memory that it has", bytes);
    }
    if let Some(files) = process.open_files {
        families.of_process("process_open_fds", "The files that it has open", files);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_is_found_among_the_lines_of_the_system() {
        let status = "Name:\tbridge\nVmPeak:\t  200 kB\nVmRSS:\t    3072 kB\nThreads:\t4\n";
        assert_eq!(resident_bytes(status), Some(3_072 * 1_024));
        assert_eq!(resident_bytes("Name:\tbridge\n"), None);
    }
}
