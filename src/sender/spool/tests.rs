//! Events kept in a folder.

use super::*;

fn events(spool: &Spool) -> Vec<String> {
    let read = |number| fs::read_to_string(spool.path(number)).unwrap();
    spool.waiting().unwrap().into_iter().map(read).collect()
}

#[test]
fn events_are_kept_in_order_and_under_numbers_that_only_grow() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(&folder.path().join("a/spool")).unwrap();
    for event in ["one", "two"] {
        spool.keep(event.as_bytes()).unwrap();
    }
    for number in spool.waiting().unwrap() {
        spool.remove(number).unwrap();
    }
    assert_eq!(spool.keep(b"three").unwrap(), 3);
    assert_eq!(events(&spool), ["three"]);
    // Also where the file with the last number is lost.
    fs::remove_file(spool.folder.join(".number")).unwrap();
    assert_eq!(spool.keep(b"four").unwrap(), 4);
    assert_eq!(events(&spool), ["three", "four"]);
}

#[test]
fn many_at_once_have_a_number_each() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let spool = &spool;
            scope.spawn(move || {
                for event in 0..10 {
                    spool.keep(format!("{thread}-{event}").as_bytes()).unwrap();
                }
            });
        }
    });
    let events = events(&spool);
    assert_eq!(events.len(), 80);
    for thread in 0..8 {
        let its: Vec<_> = events.iter().filter(|e| e.starts_with(&format!("{thread}-"))).collect();
        assert!(its.is_sorted(), "{its:?}");
    }
}

#[test]
fn their_length_is_looked_at_only_when_it_may_be_too_much() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    let noted = || Noted::read(&spool.folder).bytes;
    let first = spool.keep(&[b'x'; 1_000]).unwrap();
    spool.keep(&[b'x'; 500]).unwrap();
    assert_eq!(noted(), Some(1_500));
    spool.remove(first).unwrap();
    assert_eq!((spool.keep(b"x").unwrap(), noted()), (3, Some(1_501)));
    // It seems to be full, and one look tells that it is not.
    fs::write(spool.folder.join(".number"), format!("3 {MAX_BYTES}")).unwrap();
    assert_eq!((spool.keep(b"x").unwrap(), noted()), (4, Some(502)));
    // As an earlier program has left it.
    fs::write(spool.folder.join(".number"), "4").unwrap();
    assert_eq!((spool.keep(b"x").unwrap(), noted()), (5, Some(503)));
    // And really full.
    let large = File::create(spool.path(2)).unwrap();
    large.set_len(MAX_BYTES).unwrap();
    fs::write(spool.folder.join(".number"), format!("5 {MAX_BYTES}")).unwrap();
    assert!(matches!(spool.keep(b"x"), Err(SpoolError::Full { events: 4, .. })));
    for number in spool.waiting().unwrap() {
        spool.remove(number).unwrap();
    }
    assert_eq!((spool.keep(b"x").unwrap(), noted()), (6, Some(1)));
}

#[test]
fn only_so_many_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    for number in 1..=MAX_EVENTS as u64 {
        fs::write(spool.path(number), "x").unwrap();
    }
    assert!(matches!(spool.keep(b"more"), Err(SpoolError::Full { events: 10_000, .. })));
    spool.remove(1).unwrap();
    spool.keep(b"more").unwrap();
}
