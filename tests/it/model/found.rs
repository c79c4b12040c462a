//! Sequences that once did not hold.

use super::{
    check,
    operation::{On, Operation, Trouble},
};

#[test]
fn a_line_that_a_backup_does_not_know_is_not_added_again() {
    // Its ticket is older than the backup: a search above the ids that the backup knew missed it.
    use Operation::{Backup, Post, Restore};
    check(&[Post(0), Post(1), Backup, Post(6), Restore]).unwrap();
}

#[test]
fn a_line_that_read_only_mode_refuses_does_not_fail_its_row() {
    // A missing right and read-only mode use the same words.
    use Operation::{Post, ReadOnly};
    check(&[Post(3), ReadOnly(1), Post(9), ReadOnly(3)]).unwrap();
}

#[test]
fn a_slow_create_is_not_made_again_after_a_crash() {
    use Operation::{Crash, Fault, Pass, Post};
    let slow = Fault(Trouble::Slow, On::Create, 2);
    check(&[Post(1), slow, Post(0), Crash, Pass(2), Post(0), Pass(4)]).unwrap();
}
