//! Who leads of those that serve one database.

use super::*;
use crate::{
    clock::BeginBy,
    store::{Standing, Store, Term},
};

/// A database, and a bridge that serves it.
async fn served() -> Option<(Database, Store)> {
    let database = tokio::task::spawn_blocking(Database::make).await.unwrap()?;
    let store = beside(&database).await;
    Some((database, store))
}

/// Another one.
async fn beside(database: &Database) -> Store {
    Store::of(&database.section(), Clock::system()).await.unwrap()
}

/// Runs a statement beside all of them.
async fn does(database: Database, sql: &str) -> Database {
    let sql = sql.to_owned();
    let done = tokio::task::spawn_blocking(move || {
        let session = Session::connect(&database.server, SETTINGS, Clock::system()).unwrap();
        session.batch(&sql).unwrap();
        drop(session);
        database
    });
    done.await.unwrap()
}

/// Waits for the server, which whoever drives tasks must not.
async fn end<T: Send + 'static>(database: Database, stores: T) {
    tokio::task::spawn_blocking(move || drop((stores, database))).await.unwrap();
}

/// What a Term writes, and whether it did.
async fn writes(term: &Term, id: u64) -> Result<(), StoreError> {
    term.saw_ticket_id(id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_leads_and_the_next_one_when_it_has_gone() {
    let Some((database, first)) = served().await else { return };
    let second = beside(&database).await;
    let term = first.lead().await;
    assert_eq!(first.standing(), Some(Standing::Leading(1)));
    assert_eq!(second.standing(), Some(Standing::Following));
    let next = tokio::spawn({
        let second = second.clone();
        async move { second.lead().await }
    });
    writes(&term, 5).await.unwrap();
    assert!(!term.claim().await.unwrap().is_over() && !term.over().is_cancelled());
    let over = term.over();
    drop(term);
    let next = next.await.unwrap();
    over.cancelled().await;
    assert_eq!(first.standing(), Some(Standing::Following));
    assert_eq!(second.standing(), Some(Standing::Leading(2)));
    writes(&next, 7).await.unwrap();
    assert_eq!(first.highest_ticket_id().await.unwrap(), 7);
    end(database, (first, second, next)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposed_term_writes_nothing() {
    let Some((database, store)) = served().await else { return };
    let term = store.lead().await;
    writes(&term, 5).await.unwrap();
    // As another instance does that leads; this one has not noticed anything yet.
    let database = does(database, "UPDATE leader SET term = term + 1").await;
    let all = tokio::join!(writes(&term, 6), writes(&term, 7), term.claim());
    assert!(matches!(
        all,
        (Err(StoreError::Deposed), Err(StoreError::Deposed), Err(StoreError::Deposed))
    ));
    term.over().cancelled().await;
    assert!(matches!(writes(&term, 8).await, Err(StoreError::Deposed)));
    assert_eq!(store.highest_ticket_id().await.unwrap(), 5);
    // It still answers, and may lead again.
    assert!(store.takes_writes().await && store.is_writing());
    assert_eq!(store.standing(), Some(Standing::Following));
    drop(term);
    let term = store.lead().await;
    assert_eq!(store.standing(), Some(Standing::Leading(3)));
    writes(&term, 9).await.unwrap();
    assert_eq!(store.highest_ticket_id().await.unwrap(), 9);
    end(database, (store, term)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_a_lost_term_and_nothing_else() {
    let Some((database, store)) = served().await else { return };
    let term = store.lead().await;
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let database = does(database, cut).await;
    // Its heartbeat sees that.
    term.over().cancelled().await;
    assert!(matches!(writes(&term, 6).await, Err(StoreError::Deposed)));
    drop(term);
    // Whoever answers connects anew, before anything is asked by the connection that is gone.
    assert!(store.is_readable().await);
    store.write(|db| crate::store::meta::set(db, "test", "1")).await.unwrap();
    let term = store.lead().await;
    assert_eq!(store.standing(), Some(Standing::Leading(2)));
    writes(&term, 7).await.unwrap();
    end(database, (store, term)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_leader_may_do_nobody_else_does() {
    let Some((database, first)) = served().await else { return };
    let second = beside(&database).await;
    let term = first.lead().await;
    assert!(matches!(second.hold("second").await, Err(StoreError::Deposed)));
    first.hold("first").await.unwrap();
    assert_eq!(second.held().await.unwrap().unwrap().by, "first");
    assert!(matches!(second.end_hold().await, Err(StoreError::Deposed)));
    end(database, (first, second, term)).await;
}

#[tokio::test]
async fn with_a_file_a_write_may_be_begun_at_any_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("bridge.db"), Clock::system()).unwrap();
    let term = store.lead().await;
    let any_time = format!("{:?}", BeginBy::any_time());
    assert_eq!(format!("{:?}", term.claim().await.unwrap()), any_time);
    assert!(term.is_alone().await.unwrap() && !term.over().is_cancelled());
}
