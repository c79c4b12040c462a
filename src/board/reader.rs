//! What reads the statuses from iTop: one loop a class, so that a slow one holds up no other.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinSet,
};

use super::{Board, QUEUE, Question};
use crate::{
    clock::earlier,
    desk::{DeskError, Served},
    domain::{
        keys::{OrgId, TicketId, TicketKey},
        ticket_status::{Presence, TicketStatus},
    },
    itop,
    store::{AgedTicket, Life, Recognised, Term},
};

/// How long questions are gathered into one query.
const GATHER: Duration = Duration::from_millis(3);

/// How many tickets are read with their logs at once.
const LOGS_AT_ONCE: usize = 50;

/// Open tickets looked at in one round.
const OPEN_TICKETS: usize = 100_000;

/// The part of the board that reads from iTop; runs until it is dropped, at one place at a time. Cheap to
/// clone.
#[derive(Clone)]
pub struct Refresher {
    board: Board,
    questions: Arc<Mutex<mpsc::Receiver<Question>>>,
}

impl std::fmt::Debug for Refresher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Refresher")
    }
}

#[derive(Clone)]
struct StatusReader {
    board: Board,
    term: Term,
    /// The ticket system that has the tickets of its class.
    served: Served,
}

impl Refresher {
    pub(super) fn new(board: Board, questions: mpsc::Receiver<Question>) -> Self {
        Self { board, questions: Arc::new(Mutex::new(questions)) }
    }

    /// Answers questions for a Term, and asks about tickets that nobody has asked about for long.
    pub async fn run(self, term: Term) {
        let board = self.board.clone();
        tokio::select! {
            () = self.answer(term) => {}
            () = board.clone().refresh_by_itself() => {}
            () = board.read_changed() => {}
        }
    }

    /// Passes each question on to the loop of its class.
    async fn answer(self, term: Term) {
        let mut asked = self.questions.lock().await;
        let mut loops = JoinSet::new();
        let mut classes = HashMap::<String, mpsc::Sender<Question>>::new();
        while let Some(question) = asked.recv().await {
            let Some(ticket) = question.tickets.first() else { continue };
            // Of one that is not served any more, what is known stays what it was.
            let Some(served) = self.board.desks.of_ticket(&ticket.key) else { continue };
            let (board, term, served) = (self.board.clone(), term.clone(), served.clone());
            let reader = StatusReader { board, term, served };
            let class = ticket.key.class.clone();
            let questions = classes.entry(class).or_insert_with_key(|class| {
                let (sender, questions) = mpsc::channel(QUEUE);
                loops.spawn(reader.answer_class(class.clone(), questions));
                sender
            });
            // A loop ends only by a defect; then the bridge should too.
            if questions.send(question).await.is_err() {
                return;
            }
        }
    }
}

impl StatusReader {
    async fn answer_class(self, class: String, mut questions: mpsc::Receiver<Question>) {
        let mut waiting = Vec::new();
        let mut read = HashMap::new();
        while questions.recv_many(&mut waiting, QUEUE).await > 0 {
            self.board.clock.sleep(GATHER).await;
            while let Ok(question) = questions.try_recv() {
                waiting.push(question);
            }
            let mut wanted = BTreeMap::new();
            for ticket in waiting.iter().flat_map(|question| &question.tickets) {
                // Whoever asked before the last read was saved has not seen it.
                if read.get(&ticket.key.id).is_none_or(|read_at| *read_at <= ticket.as_of) {
                    wanted.insert(ticket.key.id.clone(), ticket.org.clone());
                }
            }
            self.read_all(&class, wanted, &mut read).await;
            for question in waiting.drain(..) {
                // Whoever asked may have run out of patience.
                let _ = question.answered.send(());
            }
        }
    }

    /// Reads these tickets in full batches; `read` tells of each ticket when it was last read.
    async fn read_all(
        &self,
        class: &str,
        mut wanted: BTreeMap<TicketId, OrgId>,
        read: &mut HashMap<TicketId, Timestamp>,
    ) {
        if wanted.is_empty() {
            return;
        }
        let batch = self.served.catalog.desk().statuses_at_once(self.board.settings.batch);
        let full = wanted.len().next_multiple_of(batch);
        self.fill_up(class, &mut wanted, full).await;
        let wanted: Vec<_> = wanted.into_iter().collect();
        for ids in wanted.chunks(batch) {
            let as_of = self.board.clock.at_latest();
            if self.read(class, ids, as_of).await.is_ok() {
                read.extend(ids.iter().map(|(id, _)| (id.clone(), as_of)));
            }
        }
        // What was asked for before this has been answered, or its asker has lost patience.
        let forget = earlier(self.board.clock.at_latest(), super::PATIENCE * 2);
        read.retain(|_, read_at| *read_at > forget);
    }

    /// A batch costs iTop little more than one ticket: the open tickets that somebody will ask
    /// about next, from half of their age on, are read with it, so that the batches are full and
    /// their number is bounded.
    async fn fill_up(&self, class: &str, wanted: &mut BTreeMap<TicketId, OrgId>, most: usize) {
        let board = &self.board;
        let old = earlier(board.clock.at_latest(), board.settings.max_age.duration() / 2);
        let of = [self.served.name()];
        match board.store.stale_tickets(Life::Open, &of, old, most * 2).await {
            Ok(stale) => {
                for AgedTicket { key, org, .. } in stale {
                    if wanted.len() < most && key.class == class {
                        wanted.insert(key.id, org);
                    }
                }
            }
            Err(error) => tracing::error!(%error, "open tickets could not be listed"),
        }
    }

    async fn read(
        &self,
        class: &str,
        ids: &[(TicketId, OrgId)],
        as_of: Timestamp,
    ) -> Result<(), DeskError> {
        let Served { catalog, gate } = &self.served;
        let outcome = catalog.desk().statuses(class, ids.iter().map(|(id, _)| id)).await;
        gate.after_read(&outcome);
        self.board.reads.count(usize::from(outcome.is_err()));
        let present = outcome?;
        self.board.reads.add(2, ids.len() as u64);
        // Where ids are given once, what has one is what it was, and what is gone reads as what is not visible.
        let gives_anew = catalog.desk().itop();
        let (missing, recognised) = match gives_anew {
            Some(client) => (self.missing(client, class, ids, &present).await, Recognised::NotYet),
            None => (not_visible(class, ids, &present), Recognised::Yes),
        };
        let doubtful = match self.term.save_statuses(present, recognised, missing, as_of).await {
            Ok(doubtful) => doubtful,
            Err(error) => {
                tracing::error!(%error, "ticket statuses could not be saved");
                return Ok(());
            }
        };
        for tickets in doubtful.chunks(LOGS_AT_ONCE) {
            if let Some(client) = gives_anew {
                self.recognise(client, class, tickets, as_of).await?;
            }
        }
        Ok(())
    }

    /// Tickets that look otherwise than before: somebody has changed their title, or moved them; or iTop
    /// was restored from its backup and has given their ids to others, which are no business of the
    /// controls that had them. Their markers tell.
    async fn recognise(
        &self,
        client: &itop::Client,
        class: &str,
        tickets: &[TicketStatus],
        as_of: Timestamp,
    ) -> Result<(), DeskError> {
        let store = &self.board.store;
        let keys = tickets.iter().map(|ticket| ticket.key.clone()).collect();
        let mapped = match store.controls_of_tickets(keys).await {
            Ok(mapped) => mapped,
            Err(error) => {
                tracing::error!(%error, "the controls of tickets could not be read");
                return Ok(());
            }
        };
        let markers: Vec<_> =
            mapped.iter().filter_map(|found| found.mapping.identity.marker.clone()).collect();
        let ids = tickets.iter().map(|ticket| &ticket.key.id);
        let attributes = self.served.catalog.marker_attributes();
        let seen = client.marked_statuses(class, ids, &attributes, &markers).await;
        self.served.gate.after_read(&seen);
        let (mut same, mut gone) = (Vec::new(), Vec::new());
        for (ticket, borne) in seen? {
            let is_the_same = mapped.iter().any(|found| {
                let before = &found.ticket.status;
                before.key == ticket.key && found.mapping.identity.is_still(before, &ticket, &borne)
            });
            if is_the_same {
                same.push(ticket);
            } else {
                gone.push((ticket.key, Presence::Deleted));
            }
        }
        if let Err(error) = self.term.save_statuses(same, Recognised::Yes, gone, as_of).await {
            tracing::error!(%error, "ticket statuses could not be saved");
        }
        Ok(())
    }

    /// What became of the tickets that were not in the answer: deleted only where the account
    /// sees the organization and, as far as can be told, all others, to which a ticket may have
    /// been moved: iTop leaves out without notice what it may not show.
    async fn missing(
        &self,
        client: &itop::Client,
        class: &str,
        ids: &[(TicketId, OrgId)],
        present: &[TicketStatus],
    ) -> Vec<(TicketKey, Presence)> {
        let present: HashSet<_> = present.iter().map(|status| &status.key.id).collect();
        let missing: Vec<_> = ids.iter().filter(|(id, _)| !present.contains(id)).collect();
        if missing.is_empty() {
            return Vec::new();
        }
        let catalog = &self.served.catalog;
        let Ok(companies) = catalog.companies().get(catalog.on_miss()).await else {
            return Vec::new();
        };
        let sees = |org: &OrgId| companies.listed.items.iter().any(|company| company.id == *org);
        let limited = if missing.iter().any(|(_, org)| sees(org)) {
            let hides = client.hides_organizations().await;
            self.served.gate.after_read(&hides);
            let Ok(hides) = hides else { return Vec::new() };
            // Where it cannot be told, it may be so.
            hides.unwrap_or(true)
        } else {
            true
        };
        missing
            .into_iter()
            .map(|(id, org)| {
                let key = TicketKey { class: class.to_owned(), id: id.clone() };
                let deleted = !limited && sees(org);
                (key, if deleted { Presence::Deleted } else { Presence::NotVisible })
            })
            .collect()
    }
}

/// Those that are not in an answer, of which nothing else can be told.
fn not_visible(
    class: &str,
    ids: &[(TicketId, OrgId)],
    present: &[TicketStatus],
) -> Vec<(TicketKey, Presence)> {
    let there: HashSet<_> = present.iter().map(|status| &status.key.id).collect();
    let missing = ids.iter().filter(|(id, _)| !there.contains(id));
    let key = |id: &TicketId| TicketKey { class: class.to_owned(), id: id.clone() };
    missing.map(|(id, _)| (key(id), Presence::NotVisible)).collect()
}

impl Board {
    /// Asks about tickets that nobody asks about: the open ones often, of the others one batch at
    /// a time, because there may be a million of them and hardly any changes again.
    async fn refresh_by_itself(self) {
        let refresh = self.settings.refresh.duration();
        let ended = self.settings.refresh_ended.duration();
        loop {
            self.clock.sleep(refresh / 2).await;
            self.refresh_older(Life::Open, refresh, OPEN_TICKETS).await;
            self.refresh_older(Life::Ended, ended, self.settings.batch).await;
        }
    }

    async fn refresh_older(&self, which: Life, age: Duration, most: usize) {
        let before = earlier(self.clock.at_latest(), age);
        // What cannot be asked now would fill the batch of what can.
        let is_open = |served: &&Served| served.gate.is_way_open();
        let of: Vec<_> = self.desks.iter().filter(is_open).map(Served::name).collect();
        let stale = match self.store.stale_tickets(which, &of, before, most).await {
            Ok(stale) => stale,
            Err(error) => {
                tracing::error!(%error, "tickets could not be listed");
                return;
            }
        };
        let is_open = |ticket: &AgedTicket| {
            self.desks.of_ticket(&ticket.key).is_some_and(|served| served.gate.is_way_open())
        };
        for tickets in stale.chunks(self.settings.batch) {
            // One batch after another, and none while the way is closed: what stays stale is
            // asked about in the next round.
            let still = tickets.iter().filter(|ticket| is_open(ticket)).cloned();
            if !self.ask(still).await {
                return;
            }
        }
    }
}
