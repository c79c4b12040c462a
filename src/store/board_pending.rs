//! Controls without a ticket that have one on its way: what the board shows above all others.

use super::{
    InboxFilter, InboxRow, Store, StoreError,
    db::{self, Connection, OptionalExtension as _, params, params_from_iter},
    inbox_query,
};
use crate::domain::{
    acknowledgement::{Acknowledgement, Author, Party, Receipt, read},
    delivery_state::State,
    names,
    visible::Visible,
};

/// Rows of each state that are looked at, the newest: where more wait than anybody reads on a board, the
/// inbox is the place for them.
const LOOKED_AT: usize = 500;

/// Which of them to list.
#[derive(Clone, Debug)]
pub struct PendingSearch {
    /// Only what is seen.
    pub visible: Visible,
    /// Only what has all these words, as texts are [searched](names::searchable).
    pub words: Vec<String>,
    /// Only what the person of this name has acknowledged, likewise.
    pub mine: Option<String>,
    /// How many at most.
    pub limit: usize,
}

/// A control without a ticket, and the acknowledgement that its first one waits for.
#[derive(Clone, Debug)]
pub struct PendingControl {
    /// The row of the inbox.
    pub row: InboxRow,
    /// What it says.
    pub event: Option<Acknowledgement>,
}

impl Store {
    /// The newest of them, newest first.
    pub async fn pending_controls(
        &self,
        search: PendingSearch,
    ) -> Result<Vec<PendingControl>, StoreError> {
        let instances = self.inner.changes.instances();
        let counts = self.counts(&search.visible);
        let waiting: Vec<_> =
            [State::Accepted, State::Creating, State::Unknown, State::Blocked, State::Failed]
                .into_iter()
                .filter(|state| counts.of(*state) > 0)
                .collect();
        if waiting.is_empty() {
            return Ok(Vec::new());
        }
        let many_accepted = counts.of(State::Accepted) > LOOKED_AT as u64;
        self.read(move |db| {
            let snapshot = db.snapshot()?;
            let mut rows = Vec::new();
            for state in waiting {
                if state == State::Accepted && many_accepted {
                    rows.extend(newest_accepted(&snapshot, &search.visible)?);
                } else {
                    rows.extend(newest(&snapshot, &search.visible, state, &instances)?);
                }
            }
            rows.sort_unstable_by_key(|row: &InboxRow| std::cmp::Reverse(row.id));
            let mut found = Vec::new();
            for row in rows {
                if found.len() >= search.limit {
                    break;
                }
                if is_the_first(&snapshot, &row, &search.visible)? {
                    found.push(whole(&snapshot, row)?);
                    found.pop_if(|pending| !search.takes(pending));
                }
            }
            Ok(found)
        })
        .await
    }
}

impl PendingSearch {
    fn takes(&self, pending: &PendingControl) -> bool {
        let event = pending.event.as_ref();
        let author = event.and_then(|event| event.acknowledgement.author.as_ref());
        let login = author.and_then(|author| author.login.as_deref());
        let author = author.map(Author::label);
        let of_person = |name: &String| {
            [author, login].into_iter().flatten().any(|own| names::searchable(own) == *name)
        };
        if !self.mine.as_ref().is_none_or(of_person) {
            return false;
        }
        if self.words.is_empty() {
            return true;
        }
        let equipment = event.and_then(|event| event.equipment.as_ref());
        let texts = [
            pending.row.control_name.as_deref(),
            equipment.map(|equipment| equipment.name.as_str()),
            pending.row.company_name.as_deref(),
            event.and_then(|event| event.site.as_ref()).map(Party::label),
            author,
            login,
        ];
        let texts: Vec<_> = texts.into_iter().flatten().collect();
        let text = names::searchable(&texts.join(" "));
        self.words.iter().all(|word| text.contains(word))
    }
}

/// The newest rows in a state.
fn newest(
    db: &Connection,
    visible: &Visible,
    state: State,
    instances: &[String],
) -> db::Result<Vec<InboxRow>> {
    let filter = InboxFilter { state: Some(state), ..InboxFilter::of(visible.clone(), LOOKED_AT) };
    let (sql, values) = inbox_query::page(&filter, instances);
    db.prepare_cached(&sql)?.query_map(params_from_iter(values), inbox_query::row)?.collect()
}

/// The accepted ones among the newest rows of all: their own index is in the order in which it is their
/// turn, and would have to be sorted whole.
fn newest_accepted(db: &Connection, visible: &Visible) -> db::Result<Vec<InboxRow>> {
    let ids: Vec<i64> = db
        .prepare_cached(
            "SELECT id FROM (SELECT id, state FROM acknowledgements NOT INDEXED
                             ORDER BY id DESC LIMIT ?1)
             WHERE state = 'accepted'",
        )?
        .query_map([i64::try_from(LOOKED_AT).unwrap_or(i64::MAX)], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut rows = Vec::with_capacity(ids.len());
    for id in ids {
        let row = inbox_query::by_id(db, id)?;
        if row.is_among(visible) {
            rows.push(row);
        }
    }
    Ok(rows)
}

/// Whether a row asks for the first ticket of its control, and no newer one asks for it, as far as is seen:
/// a control can have been of several companies.
fn is_the_first(db: &Connection, row: &InboxRow, visible: &Visible) -> db::Result<bool> {
    let Some(control) = &row.control_id else { return Ok(false) };
    let is_seen = |of: Option<String>| visible.contains(&row.instance, of.as_deref());
    let mapped: Option<String> = db
        .prepare_cached(
            "SELECT company_key FROM control_tickets WHERE instance = ?1 AND control_id = ?2",
        )?
        .query_row(params![row.instance, control], |mapped| mapped.get(0))
        .optional()?;
    if mapped.is_some_and(|company| is_seen(Some(company))) {
        return Ok(false);
    }
    let mut newer = db.prepare_cached(
        "SELECT company_key FROM acknowledgements INDEXED BY acknowledgements_control
         WHERE instance = ?1 AND control_id = ?2 AND id > ?3
           AND state NOT IN ('recorded', 'discarded', 'rejected')",
    )?;
    let mut newer = newer.query(params![row.instance, control, row.id])?;
    while let Some(follower) = newer.next()? {
        if is_seen(follower.get(0)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The row with what it says.
fn whole(db: &Connection, row: InboxRow) -> db::Result<PendingControl> {
    let receipt =
        Receipt { at: row.received_at, instance: row.instance.parse().unwrap_or_default() };
    let event = db
        .prepare_cached("SELECT body FROM acknowledgements WHERE id = ?1")?
        .query_row([row.id], |told| Ok(read(told.get_ref(0)?.as_str()?, &receipt).ok()))?;
    Ok(PendingControl { row, event })
}
