use futures_util::FutureExt as _;
use serde_json::json;
use tokio::{runtime::Runtime, sync::broadcast::error::RecvError, time::timeout};

use super::*;
use crate::{
    domain::{
        acknowledgement::{Glimpse, Receipt, read},
        delivery_state::{Problem, State},
        desk_name::DeskName,
        hook_event::HookEvent,
        keys::{ControlId, Instance, OrgId, TicketId, TicketKey},
        ticket_status::TicketStatus,
        visible::Visible,
    },
    store::{
        Counts, Delivered, HookWants, InboxRow, Levered, NewAcknowledgement, Recognised, Rejected,
        Store, counts::Kept, postgres::tests::Database,
    },
};

/// How long something may take to be heard.
const PATIENCE: Duration = Duration::from_secs(30);

/// Two bridges on one database.
pub(in crate::store::postgres) struct Two {
    pub(in crate::store::postgres) database: Database,
    pub(in crate::store::postgres) first: Store,
    pub(in crate::store::postgres) second: Store,
}

impl Two {
    /// `None` where there is no server.
    pub(in crate::store::postgres) fn open() -> Option<(Runtime, Self)> {
        let database = Database::make()?;
        let runtime = Runtime::new().unwrap();
        let open = || Store::open_server(database.server.clone(), Clock::system()).unwrap();
        let (first, second) = (open(), open());
        Some((runtime, Self { database, first, second }))
    }

    /// Both hold in memory what is in the database.
    pub(in crate::store::postgres) async fn both_know(&self) {
        for store in [&self.first, &self.second] {
            until("the counts are those of the database", async || {
                let read = store.read(Kept::read).await.unwrap();
                let (counts, causes) = (read.sum(&Visible::all()), read.causes());
                let known = store.causes_counted().into_iter().filter(|(.., count)| *count > 0);
                counts == counted(store) && known.collect::<Vec<_>>() == causes
            })
            .await;
        }
    }

    /// Ends the connections of this name, of both.
    pub(in crate::store::postgres) fn cut(&self, called: &str) {
        let Two { database: Database { admin, name, .. }, .. } = self;
        let cut = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = '{name}' AND application_name = '{called}'"
        );
        admin.batch(&cut).unwrap();
    }

    /// Whether anybody may connect to the database.
    fn allow_connections(&self, are_allowed: bool) {
        let Two { database: Database { admin, name, .. }, .. } = self;
        admin.batch(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {are_allowed}")).unwrap();
    }
}

fn counted(store: &Store) -> Counts {
    store.counts(&Visible::all())
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let watch = Stopwatch::start();
    while !holds().await {
        assert!(watch.elapsed() < PATIENCE, "in vain: {what}");
        Clock::system().sleep(Duration::from_millis(5)).await;
    }
}

fn control(id: &str) -> ControlId {
    id.parse().unwrap()
}

fn version_of(store: &Store, id: &str) -> u64 {
    store.version_of(&Instance::default(), &control(id))
}

/// Posts an event of a control.
async fn post(store: &Store, id: &str) -> InboxRow {
    store.accept(vec![event(id, "Disk C:")]).await.unwrap().remove(0).1
}

/// The event of a control, as it was received.
pub(in crate::store::postgres) fn event(id: &str, name: &str) -> NewAcknowledgement {
    let body = json!({
        "event_id": format!("of-{id}"),
        "company": {"id": 42, "name": "Demo"},
        "equipment": {"name": "Server4"},
        "control": {"id": id, "element_type": "service", "name": name, "state": "CRITICAL"},
        "acknowledgement": {"author": "jdupont"}
    })
    .to_string();
    let at = Clock::system().now();
    let event = read(&body, &Receipt { at, instance: Instance::default() }).unwrap();
    NewAcknowledgement {
        instance: Instance::default(),
        event,
        body,
        received_at: at,
        request_id: None,
        trace: None,
        trusted_names: true,
        state: State::Accepted,
        problem: None,
        warnings: Vec::new(),
    }
}

/// What comes in good time.
async fn heard<T>(awaited: impl Future<Output = T>) -> T {
    timeout(PATIENCE, awaited).await.expect("it is heard of")
}

#[test]
fn what_one_bridge_writes_the_other_knows() {
    let Some((runtime, two)) = Two::open() else { return };
    runtime.block_on(async {
        let Two { first, second, .. } = &two;
        let (before, all_before) = (version_of(second, "c1"), second.version());
        let mut changes = second.changes(Visible::all());
        let mut of_another = second.changes(Visible::of_instance("other".parse().unwrap()));
        let posted = post(first, "c1").await;
        // Whoever has written it knows it at once.
        assert_eq!(counted(first).of(State::Accepted), 1);
        assert_eq!(first.stored_since_start(), 1);
        heard(second.turns_changed(DeskName::Itop)).await;
        let change = heard(changes.recv()).await.unwrap();
        assert_eq!(
            (change.control_id.as_str(), change.company_key.as_deref()),
            ("c1", Some("id:42"))
        );
        assert_eq!(of_another.try_recv(), None);
        assert_eq!(counted(second), counted(first));
        assert_eq!(second.moves(), first.moves());
        assert!(version_of(second, "c1") > before && second.version() > all_before);

        // One waits for what comes of it while the other delivers.
        let mut outcome = Box::pin(first.outcomes().subscribe(posted.id));
        let term = second.lead().await;
        assert!(
            term.begin_create(posted.id, 7, Vec::new(), DeskName::Itop).await.unwrap().is_some()
        );
        until("it is begun", async || counted(first).of(State::Creating) == 1).await;
        assert_eq!(outcome.as_mut().now_or_never(), None);
        let problem = Problem::new("company-not-linked", "it waits");
        term.block(posted.id, problem, Vec::new(), Clock::system().moment()).await.unwrap();
        assert!(heard(outcome).await);
        let linkless = (State::Blocked, "company-not-linked".to_owned(), 1);
        assert!(first.causes_counted().contains(&linkless));
        assert_eq!(first.moves().between(State::Creating, State::Blocked), 1);
        two.both_know().await;

        let outcome = second.outcomes().subscribe(posted.id);
        let (all, known) = (Visible::all(), "known".to_owned());
        assert_eq!(first.discard(posted.id, &all, "jd", known).await.unwrap(), Levered::Done);
        assert!(heard(outcome).await);
        until("it is given up", async || counted(second).of(State::Discarded) == 1).await;
        two.both_know().await;
    });
}

#[test]
fn a_ticket_that_another_bridge_reads_or_makes_is_told() {
    let Some((runtime, two)) = Two::open() else { return };
    runtime.block_on(async {
        let Two { first, second, .. } = &two;
        let posted = post(first, "c1").await;
        let key = TicketKey { class: "Incident".to_owned(), id: TicketId::new("7") };
        let ticket = TicketStatus {
            status: "new".to_owned(),
            operational_status: "ongoing".to_owned(),
            ..TicketStatus::gone(key, "I-7".to_owned(), OrgId::new("3"))
        };
        let delivered = Delivered {
            state: State::Created,
            ticket: ticket.clone(),
            warnings: None,
            has_marker: true,
            read_back_at: None,
        };
        let outcome = first.outcomes().subscribe(posted.id);
        let mut changes = first.changes(Visible::all());
        let term = second.lead().await;
        term.record_delivered(vec![(posted.id, delivered)]).await.unwrap();
        assert!(heard(outcome).await);
        assert_eq!(heard(changes.recv()).await.unwrap().control_id, "c1");
        let (instance, all) = (Instance::default(), Visible::all());
        let found = first.controls(&instance, &[control("c1")], &all).await.unwrap();
        assert_eq!(found.tickets[0].ticket.status.number, "I-7");
        two.both_know().await;

        changes.skip();
        let before = version_of(first, "c1");
        let as_of = Clock::system().at_latest();
        let saved = term.save_statuses(vec![ticket.clone()], Recognised::Yes, Vec::new(), as_of);
        saved.await.unwrap();
        // It is younger now, which nobody sees.
        until("it was read", async || version_of(first, "c1") != before).await;
        assert_eq!(changes.try_recv(), None);
        let assigned = TicketStatus { status: "assigned".to_owned(), ..ticket };
        let saved = term.save_statuses(vec![assigned], Recognised::Yes, Vec::new(), as_of);
        saved.await.unwrap();
        assert_eq!(heard(changes.recv()).await.unwrap().control_id, "c1");
    });
}

#[test]
fn whoever_tells_hooks_or_brings_equipment_is_woken_by_another_bridge() {
    let Some((runtime, two)) = Two::open() else { return };
    runtime.block_on(async {
        let Two { first, second, .. } = &two;
        let wants = HookWants {
            name: "h".to_owned(),
            events: vec![HookEvent::AcknowledgementRejected],
            visible: Visible::all(),
        };
        second.lead().await.set_hooks(vec![wants]).await.unwrap();
        let mut noted = second.hook_messages_noted();
        noted.mark_unchanged();
        let rejected = Rejected {
            instance: Instance::default(),
            glimpse: Glimpse::default(),
            body: "{}".to_owned(),
            received_at: Clock::system().now(),
            problem: Problem::new("not-json", "it is none"),
        };
        first.keep_rejected(vec![rejected]).await.unwrap();
        heard(noted.changed()).await.unwrap();
        assert_eq!(second.hook_backlog("h").await.unwrap().waiting, 1);
        let source = ["Server", "7", "Servers", "{}"].map(str::to_owned);
        first.replace_cmdb_sources(vec![source]).await.unwrap();
        heard(second.equipment_changed()).await;
        two.both_know().await;
    });
}

#[test]
fn what_was_answered_is_known_at_once_whoever_else_writes() {
    const EACH: u64 = 100;
    let Some((runtime, two)) = Two::open() else { return };
    runtime.block_on(async {
        let posts = async |store: &Store, name: &str| {
            for number in 0..EACH {
                post(store, &format!("{name}{number}")).await;
                assert!(counted(store).total() > number);
            }
        };
        tokio::join!(posts(&two.first, "a"), posts(&two.second, "b"));
        two.both_know().await;
    });
    // Nothing was told twice.
    assert_eq!([&two.first, &two.second].map(Store::stored_since_start), [2 * EACH; 2]);
}

#[test]
fn a_bridge_that_was_cut_off_reads_everything_anew() {
    let Some((runtime, two)) = Two::open() else { return };
    let (first, second) = (&two.first, &two.second);
    let (mut changes, outcome) = runtime.block_on(async {
        let posted = post(first, "c1").await;
        two.both_know().await;
        assert_eq!(version_of(first, "c1"), version_of(first, "c1"));
        (first.changes(Visible::all()), first.outcomes().subscribe(posted.id))
    });
    two.allow_connections(false);
    two.cut(NAME);
    runtime.block_on(async {
        // What was read is not given again while nobody knows what has changed.
        let is_new = async || version_of(first, "c1") != version_of(first, "c1");
        until("it is cut off", is_new).await;
        assert_ne!(first.version(), first.version());
        until("the other one too", async || second.version() != second.version()).await;
        post(second, "c2").await;
        // Whoever has written it knows it all the same.
        assert_eq!((counted(first).total(), counted(second).total()), (1, 2));
    });
    two.allow_connections(true);
    runtime.block_on(async {
        until("it is heard", async || counted(first).total() == 2).await;
        until("it stays", async || version_of(first, "c1") == version_of(first, "c1")).await;
        assert!(matches!(heard(changes.recv()).await, Err(RecvError::Lagged(_))));
        // Nothing has come of it, but something could have.
        assert!(!heard(outcome).await);
        two.both_know().await;
        post(second, "c3").await;
        until("it goes on", async || counted(first).total() == 3).await;
    });
}

#[test]
fn a_bridge_that_is_behind_what_was_purged_reads_everything_anew() {
    let Some((runtime, two)) = Two::open() else { return };
    let admin = Session::connect(&two.database.server, SETTINGS, Clock::system()).unwrap();
    // What was told of this row is gone when it is looked for.
    admin
        .batch(
            "BEGIN; SET LOCAL session_replication_role = replica;
             INSERT INTO acknowledgements (instance, event_type, company_key, body, state, received_at, updated_at)
             VALUES ('default', 'acknowledgement', 'id:42', '', 'accepted', 7, 7);
             DELETE FROM changes; INSERT INTO changes (kind) VALUES ('begin'); NOTIFY changes; COMMIT",
        )
        .unwrap();
    runtime.block_on(async {
        let both = [&two.first, &two.second];
        until("it is known", async || both.iter().all(|store| counted(store).total() == 1)).await;
        post(&two.first, "c1").await;
        until("it goes on", async || both.iter().all(|store| counted(store).total() == 2)).await;
        assert_eq!(both.map(Store::stored_since_start), [1; 2]);
    });
}

#[test]
fn changes_are_purged_that_were_told_but_for_the_last() {
    let Some((runtime, two)) = Two::open() else { return };
    let begin = || Listening::begin(&two.database.server, &Clock::system()).unwrap();
    let (mut listening, whole) = begin();
    let changes = Changes::following(whole);
    let left = |listening: &Listening| -> u64 {
        listening.db.query_row("SELECT count(*) FROM changes", [], |row| row.get(0)).unwrap()
    };
    for name in ["c1", "c2"] {
        runtime.block_on(post(&two.first, name));
    }
    let all = left(&listening);
    assert!(changes.follow(&listening.db).unwrap());
    listening.purge(&changes).unwrap();
    assert_eq!(left(&listening), all, "they were not told a while ago");
    listening.purge(&changes).unwrap();
    assert_eq!(left(&listening), 1);
    assert!(changes.follow(&listening.db).unwrap(), "nothing is missing");
    runtime.block_on(async {
        post(&two.second, "c3").await;
        two.both_know().await;
    });
    assert!(changes.follow(&listening.db).unwrap());
    assert_eq!(changes.counts(&Visible::all()).total(), 3);
}
