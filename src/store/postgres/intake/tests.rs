use futures_util::future::join_all;

use super::NAME;
use crate::{
    domain::{delivery_state::State, visible::Visible},
    store::{
        Accepted, InboxRow, NewAcknowledgement, Store,
        postgres::listener::tests::{Two, event},
    },
};

async fn accept(store: &Store, new: NewAcknowledgement) -> (Accepted, InboxRow) {
    store.accept(vec![new]).await.unwrap().remove(0)
}

/// How a row is stored.
async fn stored(store: &Store, id: i64) -> InboxRow {
    store.acknowledgement(id, &Visible::all()).await.unwrap().unwrap()
}

#[test]
fn of_what_is_posted_together_each_is_answered_for_itself() {
    let Some((runtime, two)) = Two::open() else { return };
    runtime.block_on(async {
        let Two { first, second, .. } = &two;
        let posts = (0..300).map(|number| async move {
            let store = if number % 3 == 0 { second } else { first };
            accept(store, event(&format!("c{number}"), "Disk")).await
        });
        for (accepted, row) in join_all(posts).await {
            assert!(matches!(accepted, Accepted::New));
            let (is, said) = (stored(first, row.id).await, row);
            assert_eq!((is.event_id, is.control_id), (said.event_id, said.control_id));
            assert_eq!((is.company_name, is.received_at), (said.company_name, said.received_at));
        }
        // The same event ten times at once, at both; and once as another one.
        let same = (0..10).map(|number| {
            accept(if number % 2 == 0 { first } else { second }, event("same", "Disk"))
        });
        let same = join_all(same).await;
        let new = same.iter().filter(|(accepted, _)| matches!(accepted, Accepted::New)).count();
        assert_eq!(new, 1);
        assert!(same.iter().all(|(_, row)| row.id == same[0].1.id));
        let mut other = event("other", "Disk");
        other.event.event_id = event("same", "Disk").event.event_id;
        let (accepted, known) = accept(first, other).await;
        assert!(matches!(accepted, Accepted::Conflict(_)));
        assert_eq!(known.id, same[0].1.id);
        // What no text can hold there.
        let mut nul = event("nul", "Disk");
        nul.event.control.name = "Disk\0C:".to_owned();
        let (accepted, row) = accept(first, nul).await;
        assert!(matches!(accepted, Accepted::New));
        assert_eq!(stored(second, row.id).await.control_name.as_deref(), Some("Disk C:"));
        two.both_know().await;
        assert_eq!(second.counts(&Visible::all()).of(State::Accepted), 302);
    });
    assert_eq!(two.first.stored_since_start(), 302);
}

#[test]
fn what_is_posted_is_stored_though_its_connection_was_lost() {
    let Some((runtime, two)) = Two::open() else { return };
    for number in 0..5 {
        two.cut(NAME);
        runtime.block_on(async {
            let (accepted, _) = accept(&two.first, event(&format!("c{number}"), "Disk")).await;
            assert!(!matches!(accepted, Accepted::Conflict(_)));
            assert_eq!(two.first.counts(&Visible::all()).total(), number + 1);
        });
    }
    runtime.block_on(two.both_know());
}
