//! What triggers of PostgreSQL write down of each transaction, in a table that all instances read: whoever has
//! written something, all tell it alike. Numbers are given under the lock of whoever writes, so that they are in the
//! order of the commits, and what is read from a number on has no gaps.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::Notify;

use super::{Changes, Inner, Noted};
use crate::{
    clock::Stopwatch,
    domain::delivery_state::State,
    store::{
        counts::Kept,
        db::{self, Connection, Row, Rows, params},
        moves::{Moved, Standing},
        postgres::Session,
    },
};

/// Rows of the table that are read at once.
pub(in crate::store) const MOST: usize = 20_000;

/// The last one that is known, and those behind it: where it was purged, some of these may have been too.
pub(in crate::store) const SINCE: &str =
    "SELECT number, kind, row_id, instance, control_id, company_key, can_be_seen, received_at,
         from_state, from_code, to_state, to_code
     FROM changes WHERE number >= ?1 ORDER BY number LIMIT ?2";

/// For how long what is in memory counts after the table was last read, in microseconds: it is read each second.
const RECENT: u64 = 3_000_000;

/// A number that no counter comes to.
const UNLIKE_ANY: u64 = 1 << 63;

/// How far the table was read and told.
pub(super) struct Journal {
    position: Mutex<Position>,
    watch: Stopwatch,
    /// When it was last read to its end, by `watch`; zero where nobody reads it.
    heard: AtomicU64,
    /// Counts what may be different each time that it is asked for.
    asked: AtomicU64,
}

/// A place in the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Position {
    /// All changes up to this one were told.
    pub(in crate::store) number: i64,
    /// How often everything was read anew: numbers of before and after are not compared.
    epoch: u64,
}

/// What stands in the table behind a position.
pub(in crate::store) struct Found {
    epoch: u64,
    up_to: i64,
    /// Whether nothing is left behind it.
    is_all: bool,
    noted: Vec<(i64, Noted)>,
}

/// All that is in the database at one moment, and the last change of which it has the outcome.
pub(in crate::store) struct Whole {
    kept: Kept,
    number: i64,
}

impl Whole {
    /// Reads it.
    pub(in crate::store) fn read(db: &Connection) -> db::Result<Self> {
        let is_begun = "SELECT EXISTS (SELECT 1 FROM changes)";
        if !db.query_row(is_begun, [], |row| row.get(0))? {
            // There is always one to begin behind. A crash of the server has emptied the table.
            db.begin()?;
            db.execute("INSERT INTO changes (kind) VALUES ('begin')", [])?;
            db.say("COMMIT")?;
        }
        let db = db.snapshot()?;
        let number = db.query_row("SELECT max(number) FROM changes", [], |row| row.get(0))?;
        Ok(Self { kept: Kept::read(&db)?, number })
    }

    /// The last change of which it has the outcome.
    pub(in crate::store) fn number(&self) -> i64 {
        self.number
    }
}

impl Inner {
    /// A number unlike any before, where nobody knows what has changed: then what was read counts once.
    pub(super) fn never_the_same(&self) -> Option<u64> {
        let journal = self.journal.as_ref()?;
        let heard = journal.heard.load(Ordering::Acquire);
        let is_recent = heard > 0 && journal.watch.micros().saturating_sub(heard) < RECENT;
        (!is_recent).then(|| UNLIKE_ANY | journal.asked.fetch_add(1, Ordering::Relaxed))
    }
}

impl Journal {
    fn lock(&self) -> MutexGuard<'_, Position> {
        self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_heard(&self) {
        self.heard.store(self.watch.micros().max(1), Ordering::Release);
    }
}

impl Changes {
    /// Begins with what is in the database, and goes on with what its table tells.
    pub(in crate::store) fn following(Whole { kept, number }: Whole) -> Self {
        let journal = Journal {
            position: Mutex::new(Position { number, epoch: 0 }),
            watch: Stopwatch::start(),
            heard: AtomicU64::default(),
            asked: AtomicU64::default(),
        };
        journal.note_heard();
        Self(Arc::new(Inner { journal: Some(journal), ..Inner::of(kept) }))
    }

    /// What is to be told of the transaction that is about to be committed, with what others have committed before
    /// it; and has them told that there is something.
    pub(super) fn find(&self, db: &Connection, session: &Session) -> db::Result<Option<Found>> {
        let Some(position) = self.position() else { return Ok(None) };
        let found = since(self, db, position)?;
        match &found {
            Some(Found { up_to, .. }) if *up_to == position.number => {}
            Some(Found { up_to, is_all: true, .. }) => {
                session.ahead(&format!("NOTIFY changes, '{up_to}'"));
            }
            _ => session.ahead("NOTIFY changes"),
        }
        Ok(found)
    }

    /// Tells what was found, unless it was told already.
    pub(in crate::store) fn tell_found(&self, found: Found) {
        let Some(journal) = &self.0.journal else { return };
        let mut position = journal.lock();
        if found.epoch != position.epoch {
            // Everything was read anew meanwhile, with this in it or before it: whoever listens tells it then.
            return;
        }
        let told = position.number;
        let noted = found.noted.into_iter().filter(|(number, _)| *number > told);
        let noted: Vec<_> = noted.map(|(_, noted)| noted).collect();
        position.number = told.max(found.up_to);
        let ended: Vec<_> = noted.iter().filter_map(Noted::ended).collect();
        self.tell_noted(noted);
        drop(position);
        // Who has delivered may be another process, which cannot tell whoever waits here.
        for row in ended {
            self.0.outcomes.tell(row);
        }
    }

    /// Tells what was committed since it last did; false where that is not known any more.
    pub(in crate::store) fn follow(&self, db: &Connection) -> db::Result<bool> {
        let Some(journal) = &self.0.journal else { return Ok(true) };
        loop {
            let Some(found) = since(self, db, *journal.lock())? else { return Ok(false) };
            let is_all = found.is_all;
            self.tell_found(found);
            if is_all {
                return Ok(true);
            }
        }
    }

    /// Somebody listens, and has told all that there was just now.
    pub(in crate::store) fn note_heard(&self) {
        if let Some(journal) = &self.0.journal {
            journal.note_heard();
        }
    }

    /// The last change that was told.
    pub(in crate::store) fn told(&self) -> i64 {
        self.position().map_or(0, |position| position.number)
    }

    /// Nobody hears of changes any more: what is asked for comes from the database.
    pub(in crate::store) fn become_deaf(&self) {
        if let Some(journal) = &self.0.journal {
            journal.heard.store(0, Ordering::Release);
        }
    }

    /// Goes on with what is in the database now: anything may have changed.
    pub(in crate::store) fn begin_anew(&self, Whole { kept, number }: Whole) {
        let Inner { journal, counters, commits, turns, hook_messages, equipment, .. } = &*self.0;
        let Some(journal) = journal else { return };
        let mut position = journal.lock();
        *position = Position { number, epoch: position.epoch + 1 };
        self.kept().replace(kept);
        for counter in counters {
            counter.fetch_add(1, Ordering::Release);
        }
        commits.fetch_add(1, Ordering::Release);
        drop(position);
        journal.note_heard();
        turns.iter().for_each(Notify::notify_one);
        hook_messages.send_replace(());
        equipment.notify_one();
        self.0.listeners.tell_anything();
        self.0.outcomes.have_look_again();
    }

    /// Up to where changes were told.
    pub(in crate::store) fn position(&self) -> Option<Position> {
        self.0.journal.as_ref().map(|journal| *journal.lock())
    }
}

/// What stands behind a position; `None` where some of it was purged.
fn since(changes: &Changes, db: &Connection, position: Position) -> db::Result<Option<Found>> {
    let mut select = db.prepare_cached(SINCE)?;
    changes.found(position, select.query(params![position.number, MOST])?)
}

impl Changes {
    /// What [`SINCE`] has found behind a position; `None` where some of it was purged.
    pub(in crate::store) fn found(
        &self,
        Position { number, epoch }: Position,
        mut rows: Rows<'_>,
    ) -> db::Result<Option<Found>> {
        let first = rows.next()?.map(|row| row.get::<_, i64>("number")).transpose()?;
        if first != Some(number) {
            return Ok(None);
        }
        let mut found = Found { epoch, up_to: number, is_all: true, noted: Vec::new() };
        let mut read = 1;
        while let Some(row) = rows.next()? {
            read += 1;
            found.up_to = row.get("number")?;
            let noted = self.noted(&row)?.into_iter().flatten();
            let number = found.up_to;
            found.noted.extend(noted.map(|noted| (number, noted)));
        }
        found.is_all = read < MOST;
        Ok(Some(found))
    }

    /// What a row of the table tells: of a row of the inbox, and of a control.
    fn noted(&self, row: &Row<'_>) -> db::Result<[Option<Noted>; 2]> {
        let kind: String = row.get("kind")?;
        Ok(match kind.as_str() {
            "inbox" => [moved(row)?, self.changed(row)?],
            "hook" => [Some(Noted::HookMessage), None],
            "equipment" => [Some(Noted::Equipment), None],
            _ => [None, None],
        })
    }

    fn changed(&self, row: &Row<'_>) -> db::Result<Option<Noted>> {
        let Some(control) = row.get_ref("control_id")?.as_str_or_null()? else { return Ok(None) };
        let (instance, company) = (row.get_ref("instance")?, row.get_ref("company_key")?);
        let (instance, company) = (instance.as_str()?, company.as_str_or_null()?);
        Ok(Some(self.noted_control(instance, control, company, row.get("can_be_seen")?)))
    }
}

impl Noted {
    /// The row of which something has come.
    fn ended(&self) -> Option<i64> {
        match self {
            Self::Row(moved) if moved.ends_an_attempt() => Some(moved.id),
            _ => None,
        }
    }
}

fn moved(row: &Row<'_>) -> db::Result<Option<Noted>> {
    let Some(id) = row.get("row_id")? else { return Ok(None) };
    Ok(Some(Noted::Row(Moved {
        id,
        instance: row.get("instance")?,
        company: row.get::<_, Option<String>>("company_key")?.unwrap_or_default(),
        received_at: row.get("received_at")?,
        from: standing(row, "from_state", "from_code")?,
        to: standing(row, "to_state", "to_code")?,
    })))
}

fn standing(row: &Row<'_>, state: &str, code: &str) -> db::Result<Option<Standing>> {
    let Some(state) = row.get_ref(state)?.as_str_or_null()?.and_then(State::parse) else {
        return Ok(None);
    };
    Ok(Some(Standing::of(state, row.get_ref(code)?.as_str_or_null()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::visible::Visible;

    /// New rows, as they were found after everything had been read anew so often.
    fn found(epoch: u64, numbers: std::ops::RangeInclusive<i64>) -> Found {
        let row = |id| {
            let to = Some(Standing::of(State::Accepted, None));
            let (instance, company) = ("default".to_owned(), String::new());
            Noted::Row(Moved { id, instance, company, received_at: 7, from: None, to })
        };
        let up_to = *numbers.end();
        let noted = numbers.map(|number| (number, row(number))).collect();
        Found { epoch, up_to, is_all: true, noted }
    }

    #[test]
    fn what_was_told_or_read_anew_is_not_told_again() {
        let behind = |number| Whole { kept: Kept::default(), number };
        let changes = Changes::following(behind(5));
        for (found, told, total) in [
            (found(0, 6..=8), 8, 3),
            (found(0, 6..=9), 9, 4),
            // Who has written is behind who listens.
            (found(0, 6..=7), 9, 4),
        ] {
            changes.tell_found(found);
            assert_eq!((changes.told(), changes.counts(&Visible::all()).total()), (told, total));
        }
        changes.begin_anew(behind(20));
        for (found, told, total) in [
            // What was found before may have other numbers now.
            (found(0, 10..=25), 20, 0),
            (found(1, 21..=21), 21, 1),
        ] {
            changes.tell_found(found);
            assert_eq!((changes.told(), changes.counts(&Visible::all()).total()), (told, total));
        }
        assert_eq!(changes.stored(), 5);
    }

    #[test]
    fn where_nobody_hears_nothing_is_the_same_twice() {
        let changes = Changes::following(Whole { kept: Kept::default(), number: 1 });
        let Changes(inner) = &changes;
        assert_eq!(inner.never_the_same(), None);
        changes.become_deaf();
        let unlike = [0; 3].map(|_| inner.never_the_same().unwrap());
        assert!(unlike[0] != unlike[1] && unlike[1] != unlike[2]);
        changes.begin_anew(Whole { kept: Kept::default(), number: 1 });
        assert_eq!(inner.never_the_same(), None);
    }
}
