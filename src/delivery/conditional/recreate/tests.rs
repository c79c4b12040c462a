use super::*;
use crate::config::Period;

const SETTLE: Duration = Duration::from_secs(30);

fn at(seconds: i64) -> Moment {
    Moment::from_millis((1_800_000_000 + seconds) * 1_000)
}

fn settings() -> config::DeliverySection {
    config::DeliverySection { settle: Period::seconds(30), ..config::DeliverySection::default() }
}

fn begin(way: &Recreation, id: i64, now: i64) -> bool {
    way.may_begin(id, at(now), &settings())
}

/// A create of a row that was sent and given up at that time.
fn lose(way: &Recreation, id: i64, now: i64) {
    assert!(begin(way, id, now), "{id} at {now}");
    way.unclear(id, at(now), SETTLE);
    way.left(id);
}

fn verdict(way: &Recreation, id: i64, now: i64) -> Verdict {
    way.verdict(id, at(0), at(now), &settings())
}

fn probe(way: &Recreation, passed: bool, now: i64) {
    let begun = way.probe_begun();
    way.probe_ended(begun, passed, at(now));
}

#[test]
fn a_create_that_was_begun_later_and_succeeded_frees_all_that_had_settled() {
    let way = Recreation::default();
    lose(&way, 1, 0);
    lose(&way, 2, 0);
    // Begun before they had settled: it may have gone ahead of them on the way to the counter.
    assert!(begin(&way, 8, 5));
    way.succeeded(8, at(6));
    assert_eq!(verdict(&way, 1, 40), Verdict::Probe);
    assert_eq!(verdict(&way, 2, 40), Verdict::Probe);
    assert!(begin(&way, 9, 41));
    way.succeeded(9, at(42));
    assert_eq!(verdict(&way, 1, 40), Verdict::Recreate);
    assert_eq!(verdict(&way, 2, 40), Verdict::Recreate);
    assert!(begin(&way, 1, 40) && begin(&way, 2, 40), "and all at once");
}

#[test]
fn a_probe_counts_only_when_it_was_begun_later_and_the_slowest_create_could_have_ended() {
    let way = Recreation::default();
    assert!(begin(&way, 9, -100));
    way.succeeded(9, at(-92));
    lose(&way, 1, 0);
    assert_eq!(verdict(&way, 1, 30), Verdict::Probe);
    let begun = way.probe_begun();
    assert_eq!(verdict(&way, 1, 31), Verdict::Wait, "one at a time");
    way.probe_ended(begun, true, at(32));
    assert_eq!(verdict(&way, 1, 39), Verdict::Wait);
    lose(&way, 2, 39);
    assert_eq!(verdict(&way, 2, 39), Verdict::Probe, "it settled after that probe");
    // A later probe takes nothing from the earlier one.
    probe(&way, true, 39);
    assert_eq!(verdict(&way, 1, 40), Verdict::Recreate);
    assert_eq!(verdict(&way, 2, 46), Verdict::Wait);
}

#[test]
fn without_a_success_they_go_one_at_a_time_and_an_unclear_one_makes_the_others_wait() {
    let way = Recreation::default();
    for id in 1..=5 {
        lose(&way, id, 0);
        assert_eq!(verdict(&way, id, 30), Verdict::Probe);
    }
    probe(&way, true, 30);
    assert_eq!(verdict(&way, 1, 40), Verdict::Recreate);
    assert_eq!(verdict(&way, 2, 40), Verdict::Wait);
    // However it comes to its turn, the second is not sent.
    assert!(!begin(&way, 2, 40));
    assert!(begin(&way, 1, 40));
    way.unclear(1, at(100), SETTLE);
    way.left(1);
    assert_eq!(verdict(&way, 2, 129), Verdict::Wait);
    assert!(!begin(&way, 2, 129));
    assert_eq!(verdict(&way, 2, 160), Verdict::Recreate);
    lose(&way, 2, 160);
    assert_eq!(verdict(&way, 3, 219), Verdict::Wait, "the pause doubles");
    assert_eq!(verdict(&way, 3, 220), Verdict::Recreate);
    assert!(begin(&way, 3, 220));
    way.succeeded(3, at(221));
    assert_eq!(verdict(&way, 4, 221), Verdict::Recreate);
    assert_eq!(verdict(&way, 5, 221), Verdict::Recreate);
}

#[test]
fn where_several_may_go_at_once_an_unclear_one_takes_one_place() {
    let several = config::DeliverySection { recreate_at_once: 3, ..settings() };
    let way = Recreation::default();
    for id in 1..=5 {
        lose(&way, id, 0);
        assert_eq!(verdict(&way, id, 30), Verdict::Probe);
    }
    probe(&way, true, 30);
    assert!(way.may_begin(1, at(40), &several));
    way.unclear(1, at(41), SETTLE);
    way.left(1);
    let begun = [2, 3, 4].map(|id| way.may_begin(id, at(42), &several));
    assert_eq!(begun, [true, true, false]);
    assert!(way.may_begin(4, at(71), &several), "the pause has passed");
}

#[test]
fn a_trial_that_ends_without_a_create_gives_its_place_to_the_next_and_keeps_none() {
    let way = Recreation::default();
    for id in 1..=2 {
        lose(&way, id, 0);
        assert_eq!(verdict(&way, id, 30), Verdict::Probe);
    }
    probe(&way, true, 30);
    assert_eq!(verdict(&way, 1, 40), Verdict::Recreate);
    // Its company was unlinked meanwhile: it waits, and is no longer looked for.
    way.left(1);
    assert_eq!(verdict(&way, 2, 40), Verdict::Recreate);
    assert!(!begin(&way, 1, 40), "linked again, it waits for its turn");
    assert!(begin(&way, 2, 40));
}

#[test]
fn where_no_probe_passes_the_long_wait_stands_in() {
    let way = Recreation::default();
    lose(&way, 1, 0);
    lose(&way, 2, 0);
    for (now, pause) in [(30, 5), (35, 10), (45, 20)] {
        assert_eq!(verdict(&way, 1, now), Verdict::Probe);
        probe(&way, false, now);
        assert_eq!(verdict(&way, 1, now + pause - 1), Verdict::Wait);
    }
    way.end_probing("I-000001".to_owned());
    assert_eq!(verdict(&way, 1, 599), Verdict::Wait);
    assert_eq!(verdict(&way, 1, 600), Verdict::Recreate);
    assert_eq!(verdict(&way, 2, 600), Verdict::Wait);
}

#[test]
fn after_a_restore_the_way_is_free_when_it_is_proven_or_long_afterwards() {
    let way = Recreation::default();
    assert!(begin(&way, 1, 20));
    let free = |now| way.is_free_of_what_was_before(at(0), at(now), &settings());
    assert!(!free(30));
    way.succeeded(1, at(40));
    assert!(!free(599) && free(600), "begun too early");
    assert!(begin(&way, 2, 50));
    way.succeeded(2, at(51));
    assert!(free(51));
}

#[test]
fn after_a_restart_only_what_comes_later_proves_the_way() {
    let way = Recreation::default();
    assert!(begin(&way, 9, 0));
    way.succeeded(9, at(1));
    // Nobody knows when this one was sent.
    assert_eq!(verdict(&way, 1, 30), Verdict::Probe);
    assert!(begin(&way, 8, 31));
    way.succeeded(8, at(32));
    assert_eq!(verdict(&way, 1, 33), Verdict::Recreate);
}

#[test]
fn a_create_that_takes_long_is_told_until_it_ends() {
    let way = Recreation::default();
    assert!(begin(&way, 1, 0) && begin(&way, 2, 5));
    let than = Duration::from_secs(10);
    assert_eq!(way.slow(than, at(12)), [(1, Duration::from_secs(12))]);
    way.refused(1);
    assert_eq!(way.slow(than, at(12)), []);
}
