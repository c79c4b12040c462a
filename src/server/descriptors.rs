//! How many files the process may have open: each connection is one.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Files that are open beside connections: the database with its readers, the log, the runtime.
const OTHERS: usize = 64;

/// Raises the limit of open files to the highest that the system allows this process: the one that
/// it starts with is made for programs that select, and is no protection.
pub fn raise_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}

/// How many connections there can be at once: `wanted`, or fewer where the limit of open files
/// leaves less beside the calls to iTop and the database.
pub(super) fn connections_for(wanted: usize, itop_in_flight: usize) -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let fit = fitting(limit, itop_in_flight);
    if fit < wanted {
        tracing::warn!(
            limit,
            connections = fit,
            "the limit of open files leaves room for fewer connections than \
             server.max_connections = {wanted}"
        );
    }
    wanted.min(fit)
}

fn fitting(limit: usize, itop_in_flight: usize) -> usize {
    // A call to iTop has a connection, and another one may still be closing.
    let kept = OTHERS + 2 * itop_in_flight;
    // Where the limit is below all that, half of it is still better than nothing.
    limit.saturating_sub(kept).max(limit / 2).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_files_are_kept_for_itop_and_the_database() {
        for (limit, connections) in [(256, 156), (1_024, 924), (usize::MAX, usize::MAX - 100)] {
            assert_eq!(fitting(limit, 18), connections);
        }
        assert_eq!(fitting(100, 18), 50);
        assert_eq!(fitting(0, 18), 1);
    }
}
