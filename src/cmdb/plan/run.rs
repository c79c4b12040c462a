//! Whether a run did what was asked of it, and nothing else.

/// What a run of a source counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Objects made.
    pub created: u64,
    /// Objects changed that were the source's own, or found by name.
    pub changed: u64,
    /// Objects found by name which were as wanted already.
    pub found: u64,
    /// Rows for which that failed.
    pub errors: u64,
    /// Objects deleted, or that could not be.
    pub deleted: u64,
    /// Objects made obsolete because their rows did not come again, or that could not be.
    pub obsoleted: u64,
}

/// What was asked of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Rows that were loaded for it.
    pub rows: u64,
    /// Those among them without a CI.
    pub new: u64,
    /// Those among them that were not as sent afterwards.
    pub failed: u64,
    /// Other rows that were loaded before and never read back: iTop tries them again in each run.
    pub pending: u64,
}

/// What a run did beyond what was asked of it, a sentence each. Nobody but the bridge has rows in its
/// sources, and none of them deletes: each of these is somebody else's doing.
#[must_use]
pub fn surprises(run: &Run, share: &Share) -> Vec<String> {
    let mut sentences = Vec::new();
    if run.deleted > 0 {
        sentences.push(format!(
            "it deleted {} objects, or tried to: somebody has changed the delete policy of the source",
            run.deleted
        ));
    }
    if run.obsoleted > 0 {
        sentences.push(format!(
            "it made {} objects obsolete, or tried to: somebody has changed the delete policy of the \
             source",
            run.obsoleted
        ));
    }
    let most = share.rows + share.pending;
    let done = run.created + run.changed + run.found + run.errors;
    if done > most {
        sentences.push(format!(
            "it processed {done} rows, and the bridge had sent {most}: somebody else has loaded rows into \
             the source"
        ));
    }
    let new = share.new + share.pending;
    if run.created > new {
        sentences.push(format!(
            "it made {} objects, and the bridge had sent {new} new ones: the source, or CIs of it, were \
             deleted, or somebody else has loaded rows into it",
            run.created
        ));
    }
    let known = share.failed + share.pending;
    if run.errors > known && done <= most {
        sentences.push(format!(
            "it had {} errors, of which {known} are those of rows of the bridge",
            run.errors
        ));
    }
    sentences
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_not_asked_for_is_told() {
        let share = Share { rows: 10, new: 4, failed: 1, pending: 2 };
        let quiet = Run { created: 3, changed: 6, errors: 3, ..Run::default() };
        assert_eq!(surprises(&quiet, &share), [""; 0]);
        // A row that had failed before is made at last.
        assert!(surprises(&Run { created: 6, errors: 1, ..Run::default() }, &share).is_empty());
        for loud in [
            Run { deleted: 1, ..quiet },
            Run { obsoleted: 1, ..quiet },
            Run { changed: 7, ..quiet },
            Run { created: 7, changed: 2, ..quiet },
            Run { errors: 4, changed: 5, ..quiet },
        ] {
            assert_eq!(surprises(&loud, &share).len(), 1, "{loud:?}");
        }
    }

    proptest! {
        /// Whatever becomes of the rows that the bridge has sent, nothing is told.
        #[test]
        fn the_bridge_is_never_surprised_by_its_own_rows(
            outcomes in proptest::collection::vec((any::<bool>(), 0..4_u8), 0..40),
            others in proptest::collection::vec(0..4_u8, 0..10),
        ) {
            let mut run = Run::default();
            let mut share = Share {
                rows: outcomes.len() as u64, pending: others.len() as u64, ..Share::default()
            };
            for (is_new, outcome) in outcomes {
                share.new += u64::from(is_new);
                match (outcome, is_new) {
                    (0, _) => {}
                    (1, true) => run.created += 1,
                    (1 | 2, _) => run.changed += 1,
                    _ => {
                        run.errors += 1;
                        share.failed += 1;
                    }
                }
            }
            for outcome in others {
                match outcome {
                    0 => {}
                    1 => run.created += 1,
                    2 => run.changed += 1,
                    _ => run.errors += 1,
                }
            }
            prop_assert_eq!(surprises(&run, &share), Vec::<String>::new());
        }
    }
}
