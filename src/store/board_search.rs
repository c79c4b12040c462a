//! Searching the board: any filter, any order, pages in both directions, and how many there are.
//!
//! What is looked at most, the newest tickets of a group, is read in the order of an index. All else
//! walks over the rows that can be seen: of each only the columns that are asked for are read, and the
//! best of a page are kept on the way. Tickets themselves are read for the rows of the page alone.

use std::{
    cmp::{Ordering, Reverse},
    collections::BTreeMap,
    mem,
};

use memchr::memmem::Finder;
use rusqlite::{Connection, params, params_from_iter, types::Value};
use serde::{Deserialize, Serialize};

use super::{
    InboxRow, Store, StoreError, as_json,
    board_row::{BoardRow, TOLD, told},
    control_tickets::{COLUMNS, ITS_TICKET, row},
    inbox_query,
};
use crate::domain::{priority::Priority, visible::Visible};

/// What has become of a ticket, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Work on it goes on.
    Open,
    /// Resolved.
    Resolved,
    /// Closed.
    Closed,
    /// Deleted in iTop, out of sight, or lost in a restore.
    Gone,
}

impl Group {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Open, Self::Resolved, Self::Closed, Self::Gone];

    /// The word under which it is stored and asked for.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
            Self::Gone => "gone",
        }
    }
}

/// By what the board is ordered. Rows that are equal by it follow each other by age, the newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// How long ago the acknowledgement came.
    Age,
    /// The priority, 1 first and none last.
    Priority,
    /// The name of the control, then its equipment.
    Control,
    /// The company, then its site.
    Company,
    /// iTop's status.
    Status,
    /// The agent; tickets without one come first.
    Agent,
    /// The number of the ticket, shorter ones first.
    Ticket,
}

impl Order {
    /// All of them, by the words that ask for them.
    pub const ALL: [(&'static str, Self); 7] = [
        ("age", Self::Age),
        ("priority", Self::Priority),
        ("control", Self::Control),
        ("company", Self::Company),
        ("status", Self::Status),
        ("agent", Self::Agent),
        ("ticket", Self::Ticket),
    ];

    /// What a row is ordered by.
    fn key(self) -> &'static str {
        match self {
            Self::Age => "0",
            Self::Priority => "m.ticket_priority",
            // As much of it as anybody sees: the key stands in addresses.
            Self::Control => "substr(m.control_words, 1, 80)",
            Self::Company => "substr(m.company_words, 1, 80)",
            Self::Status => "m.ticket_status",
            Self::Agent => "substr(m.agent_words, 1, 80)",
            Self::Ticket => "printf('%04d%s', length(m.ticket_number), m.ticket_number)",
        }
    }
}

/// Where a row stands in an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    key: Key,
    received_at: i64,
    instance: String,
    control: String,
}

/// What a row is ordered by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Key {
    Number(i64),
    Text(String),
}

/// The same without copies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum KeyRef<'a> {
    Number(i64),
    Text(&'a str),
}

type Rank<'a> = (KeyRef<'a>, Reverse<i64>, Reverse<&'a str>, Reverse<&'a str>);

impl Place {
    fn rank(&self) -> Rank<'_> {
        let key = match &self.key {
            Key::Number(number) => KeyRef::Number(*number),
            Key::Text(text) => KeyRef::Text(text),
        };
        (key, Reverse(self.received_at), Reverse(&self.instance), Reverse(&self.control))
    }

    fn of((key, Reverse(received_at), Reverse(instance), Reverse(control)): Rank<'_>) -> Self {
        let key = match key {
            KeyRef::Number(number) => Key::Number(number),
            KeyRef::Text(text) => Key::Text(text.to_owned()),
        };
        Self { key, received_at, instance: instance.to_owned(), control: control.to_owned() }
    }
}

/// Which part of the list a page is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its beginning.
    First,
    /// What follows this row.
    After(Place),
    /// What stands before this row, as much of it as fits.
    Before(Place),
}

/// What to look for on the board.
#[derive(Clone, Debug)]
pub struct BoardSearch {
    /// Only what is seen.
    pub visible: Visible,
    /// Only tickets of this status.
    pub status: Option<String>,
    /// Only open ones, or only the others.
    pub open: Option<bool>,
    /// Only tickets of this group.
    pub group: Option<Group>,
    /// Only tickets of this priority.
    pub priority: Option<Priority>,
    /// Only tickets of the team of this name, as it is [searched](crate::domain::names::searchable).
    pub team: Option<String>,
    /// Only tickets of the agent of this name, likewise.
    pub agent: Option<String>,
    /// Only what the person of this name has acknowledged, or is the agent of, likewise.
    pub mine: Option<String>,
    /// Only what has all these words, likewise.
    pub words: Vec<String>,
    /// By what it is ordered.
    pub order: Order,
    /// Whether the other way round.
    pub descending: bool,
    /// Which part of it.
    pub part: Part,
    /// How many at most.
    pub limit: usize,
    /// Whether with what these controls wait for.
    pub pending: bool,
}

impl BoardSearch {
    /// The newest of all that is seen, this many at most.
    #[must_use]
    pub fn of(visible: Visible, limit: usize) -> Self {
        Self {
            visible,
            status: None,
            open: None,
            group: None,
            priority: None,
            team: None,
            agent: None,
            mine: None,
            words: Vec::new(),
            order: Order::Age,
            descending: false,
            part: Part::First,
            limit,
            pending: false,
        }
    }

    /// Whether an index has the order and all that is asked for.
    fn is_straight(&self) -> bool {
        let Self { visible, status, open, team, agent, mine, words, order, .. } = self;
        let other = [status, team, agent, mine];
        *order == Order::Age
            && visible.companies().is_none()
            && open.is_none()
            && words.is_empty()
            && other.iter().all(|filter| filter.is_none())
    }
}

/// A page of the board.
#[derive(Clone, Debug)]
pub struct BoardPage {
    /// Its rows, in order.
    pub rows: Vec<BoardRow>,
    /// Where the first of them stands, and the last.
    pub ends: Option<(Place, Place)>,
    /// How many rows come before them.
    pub before: u64,
    /// How many rows there are, on all pages.
    pub total: u64,
    /// Where that was asked for: of each of these controls the newest acknowledgement, and the newest one
    /// that asks for something, in no order.
    pub acknowledgements: Vec<InboxRow>,
}

impl Store {
    /// A page of what is looked for, all of it at one moment.
    pub async fn search_board(&self, search: BoardSearch) -> Result<BoardPage, StoreError> {
        self.read(move |db| {
            let snapshot = db.unchecked_transaction()?;
            let Found { places, before, total } =
                if search.is_straight() { straight(&snapshot, &search)? } else { walk(&snapshot, &search)? };
            let mut rows = Vec::with_capacity(places.len());
            let mut select = snapshot.prepare_cached(&format!(
                "SELECT {COLUMNS}, {TOLD} FROM control_tickets AS m JOIN tickets AS t ON {ITS_TICKET}
                 WHERE m.instance = ?1 AND m.control_id = ?2"
            ))?;
            for Place { instance, control, .. } in &places {
                let read = |found: &rusqlite::Row<'_>| {
                    Ok(BoardRow { found: row(found)?, told: told(found)? })
                };
                rows.push(select.query_row(params![instance, control], read)?);
            }
            let ends = places.first().cloned().zip(places.last().cloned());
            let mut acknowledgements = Vec::new();
            if search.pending {
                let mut controls = BTreeMap::<_, Vec<_>>::new();
                for Place { instance, control, .. } in places {
                    controls.entry(instance).or_default().push(control);
                }
                for (instance, controls) in controls {
                    let controls = as_json(&controls);
                    let visible = &search.visible;
                    acknowledgements
                        .extend(inbox_query::of_controls(&snapshot, &instance, &controls, visible)?);
                }
            }
            Ok(BoardPage { rows, ends, before, total, acknowledgements })
        })
        .await
    }
}

/// The rows of a page.
struct Found {
    places: Vec<Place>,
    before: u64,
    total: u64,
}

/// Conditions, each with the value that it asks for.
#[derive(Default)]
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    fn ask(&mut self, condition: &str, value: impl Into<Value>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
        self.values.push(value.into());
    }

    /// Those that the index of ages has the columns of.
    fn plain(search: &BoardSearch) -> Self {
        let mut conditions = Self::default();
        if let Some(instance) = search.visible.instance() {
            // Without the sign the order of the index would not be seen in it any more.
            conditions.ask("+m.instance = ?", instance.to_string());
        }
        if let Some(group) = search.group {
            conditions.ask("m.ticket_group = ?", group.as_str().to_owned());
        }
        if let Some(priority) = search.priority {
            conditions.ask("m.ticket_priority = ?", i64::from(u8::from(priority)));
        }
        conditions
    }
}

const BY_AGE: &str = "control_tickets AS m INDEXED BY control_tickets_age";

/// The query of a page in the order of the index of ages.
fn straight_page(search: &BoardSearch) -> (String, Vec<Value>) {
    let BoardSearch { descending, part, limit, .. } = search;
    let mut conditions = Conditions::plain(search);
    // Ascending by age is descending by time; a page before a row is read backwards.
    let backwards = matches!(part, Part::Before(_));
    let newest_first = *descending == backwards;
    let (than, order) = if newest_first { ("<", "DESC") } else { (">", "ASC") };
    if let Part::After(place) | Part::Before(place) = part {
        conditions.sql.push_str(" AND (m.received_at, m.instance, m.control_id) ");
        conditions.sql.push_str(than);
        conditions.sql.push_str(" (?, ?, ?)");
        let Place { received_at, instance, control, .. } = place;
        let place = [(*received_at).into(), instance.clone().into(), control.clone().into()];
        conditions.values.extend(place);
    }
    conditions.values.push(i64::try_from(*limit).unwrap_or(i64::MAX).into());
    let sql = format!(
        "SELECT m.received_at, m.instance, m.control_id FROM {BY_AGE} WHERE true{}
         ORDER BY m.received_at {order}, m.instance {order}, m.control_id {order} LIMIT ?",
        conditions.sql
    );
    (sql, conditions.values)
}

/// How many rows there are, or how many come before a place.
fn straight_count(search: &BoardSearch, before: Option<&Place>) -> (String, Vec<Value>) {
    let mut conditions = Conditions::plain(search);
    if let Some(place) = before {
        let than = if search.descending { "<" } else { ">" };
        conditions.sql.push_str(" AND (m.received_at, m.instance, m.control_id) ");
        conditions.sql.push_str(than);
        conditions.sql.push_str(" (?, ?, ?)");
        let Place { received_at, instance, control, .. } = place;
        let place = [(*received_at).into(), instance.clone().into(), control.clone().into()];
        conditions.values.extend(place);
    }
    (format!("SELECT count(*) FROM {BY_AGE} WHERE true{}", conditions.sql), conditions.values)
}

fn straight(db: &Connection, search: &BoardSearch) -> rusqlite::Result<Found> {
    let (sql, values) = straight_page(search);
    let place = |row: &rusqlite::Row<'_>| {
        Ok(Place {
            key: Key::Number(0),
            received_at: row.get(0)?,
            instance: row.get(1)?,
            control: row.get(2)?,
        })
    };
    let mut places: Vec<Place> = db
        .prepare_cached(&sql)?
        .query_map(params_from_iter(values), place)?
        .collect::<Result<_, _>>()?;
    if matches!(search.part, Part::Before(_)) {
        places.reverse();
    }
    let count = |before: Option<&Place>| {
        let (sql, values) = straight_count(search, before);
        db.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))
    };
    let total = count(None)?;
    let before = match (&search.part, places.first()) {
        (Part::First, _) => 0,
        (_, Some(first)) => count(Some(first))?,
        (Part::After(_), None) => total,
        (Part::Before(_), None) => 0,
    };
    Ok(Found { places, before, total })
}

/// The query of all rows among which the words are looked for, made of fixed pieces.
fn candidates(search: &BoardSearch) -> (String, Vec<Value>) {
    let BoardSearch { visible, status, open, team, agent, mine, words, order, .. } = search;
    let mut conditions = Conditions::plain(search);
    let index = match visible.companies() {
        Some(companies) => {
            let is_one = "m.company_key IN (SELECT value FROM json_each(?))";
            conditions.ask(is_one, as_json(companies));
            "INDEXED BY control_tickets_company"
        }
        None => "",
    };
    if let Some(status) = status {
        // The table itself, once: an index of most rows would cost more than all of them.
        conditions.ask("+m.ticket_status = ?", status.clone());
    }
    if let Some(open) = open {
        conditions.ask("+m.ticket_open = ?", i64::from(*open));
    }
    if let Some(team) = team {
        conditions.ask("m.team_words = ?", team.clone());
    }
    if let Some(agent) = agent {
        conditions.ask("m.agent_words = ?", agent.clone());
    }
    if let Some(mine) = mine {
        let is_mine = "? IN (m.author_words, m.login_words, m.agent_words)";
        conditions.ask(is_mine, mine.clone());
    }
    let searched = if words.is_empty() { "'', ''" } else { "m.control_words, m.ticket_words" };
    let sql = format!(
        "SELECT m.instance, m.control_id, m.received_at, {}, {searched}
         FROM control_tickets AS m {index} WHERE true{}",
        order.key(),
        conditions.sql
    );
    (sql, conditions.values)
}

fn walk(db: &Connection, search: &BoardSearch) -> rusqlite::Result<Found> {
    let finders: Vec<_> = search.words.iter().map(|word| Finder::new(word.as_bytes())).collect();
    let (sql, values) = candidates(search);
    let mut page = Page::new(search);
    let mut select = db.prepare_cached(&sql)?;
    let mut rows = select.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        if !finders.is_empty() {
            let (control, ticket) = (row.get_ref(4)?.as_str()?, row.get_ref(5)?.as_str()?);
            let is_in = |text: &str, word: &Finder<'_>| word.find(text.as_bytes()).is_some();
            if !finders.iter().all(|word| is_in(control, word) || is_in(ticket, word)) {
                continue;
            }
        }
        let key = match row.get_ref(3)? {
            rusqlite::types::ValueRef::Integer(number) => KeyRef::Number(number),
            text => KeyRef::Text(text.as_str()?),
        };
        let (instance, control) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
        page.see((key, Reverse(row.get(2)?), Reverse(instance), Reverse(control)));
    }
    Ok(page.found())
}

/// The rows of a page, while all are looked at.
struct Page<'s> {
    search: &'s BoardSearch,
    /// The best so far, in no order, and some more that are not.
    kept: Vec<Place>,
    /// The last of the best, once there are enough of them.
    bound: Option<Place>,
    before: u64,
    total: u64,
}

impl<'s> Page<'s> {
    fn new(search: &'s BoardSearch) -> Self {
        Self { search, kept: Vec::new(), bound: None, before: 0, total: 0 }
    }

    /// How two rows stand to each other in the list.
    fn order(&self, a: Rank<'_>, b: Rank<'_>) -> Ordering {
        if self.search.descending { b.cmp(&a) } else { a.cmp(&b) }
    }

    /// Whether the first of two rows is nearer to where the page begins to be filled.
    fn is_nearer(&self, a: Rank<'_>, b: Rank<'_>) -> bool {
        let order = self.order(a, b);
        if matches!(self.search.part, Part::Before(_)) { order.is_gt() } else { order.is_lt() }
    }

    fn see(&mut self, rank: Rank<'_>) {
        self.total += 1;
        match &self.search.part {
            Part::First => {}
            Part::After(place) => {
                if self.order(rank, place.rank()).is_le() {
                    self.before += 1;
                    return;
                }
            }
            Part::Before(place) => {
                if self.order(rank, place.rank()).is_ge() {
                    return;
                }
                self.before += 1;
            }
        }
        if self.bound.as_ref().is_some_and(|bound| !self.is_nearer(rank, bound.rank())) {
            return;
        }
        self.kept.push(Place::of(rank));
        // Sorted now and then, a row costs next to nothing.
        if self.kept.len() >= 2 * self.search.limit + 64 {
            self.tidy();
            self.bound = self.kept.last().cloned();
        }
    }

    fn tidy(&mut self) {
        let mut kept = mem::take(&mut self.kept);
        kept.sort_unstable_by(|a, b| {
            if self.is_nearer(a.rank(), b.rank()) { Ordering::Less } else { Ordering::Greater }
        });
        kept.truncate(self.search.limit);
        self.kept = kept;
    }

    fn found(mut self) -> Found {
        self.tidy();
        let mut places = self.kept;
        let mut before = self.before;
        if matches!(self.search.part, Part::Before(_)) {
            places.reverse();
            before -= u64::try_from(places.len()).unwrap_or(before);
        }
        Found { places, before, total: self.total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::keys::{Instance, PartyKey},
        store::{inbox_query::tests::plan, migrate::tests::empty},
    };

    fn place() -> Place {
        let text = |text: &str| text.to_owned();
        Place { key: Key::Number(0), received_at: 7, instance: text("default"), control: text("c") }
    }

    #[test]
    fn the_newest_of_a_group_are_read_in_the_order_of_their_index() {
        let db = empty();
        for filters in 0..16_u8 {
            let asked = |filter: u8| (filters >> filter) & 1 == 1;
            for part in [Part::First, Part::After(place()), Part::Before(place())] {
                let visible = if asked(0) {
                    Visible::of_instance(Instance::default())
                } else {
                    Visible::all()
                };
                let search = BoardSearch {
                    group: asked(1).then_some(Group::Open),
                    priority: asked(2).then_some(Priority::High),
                    descending: asked(3),
                    part,
                    ..BoardSearch::of(visible, 100)
                };
                assert!(search.is_straight());
                let queries = [
                    straight_page(&search),
                    straight_count(&search, None),
                    straight_count(&search, Some(&place())),
                ];
                for (sql, values) in queries {
                    let plan = plan(&db, &sql, values);
                    assert!(plan.contains("USING COVERING INDEX control_tickets_age"), "{plan}");
                    assert!(!plan.contains("TEMP B-TREE"), "{search:?}: {plan}");
                }
            }
        }
    }

    #[test]
    fn all_else_walks_once_over_what_is_seen() {
        let db = empty();
        let text = || Some("text".to_owned());
        for filters in 0..128_u8 {
            let asked = |filter: u8| (filters >> filter) & 1 == 1;
            let mut visible = Visible::all();
            if asked(0) {
                visible = visible.of_company(&PartyKey::id("42").unwrap());
            }
            for (_, order) in Order::ALL {
                let search = BoardSearch {
                    status: if asked(1) { text() } else { None },
                    open: asked(2).then_some(true),
                    team: if asked(3) { text() } else { None },
                    agent: if asked(4) { text() } else { None },
                    mine: if asked(5) { text() } else { None },
                    words: if asked(6) { vec!["a".to_owned()] } else { Vec::new() },
                    order,
                    ..BoardSearch::of(visible.clone(), 100)
                };
                let (sql, values) = candidates(&search);
                let plan = plan(&db, &sql, values);
                let expected = if asked(0) {
                    "SEARCH m USING INDEX control_tickets_company (company_key=?)"
                } else {
                    "SCAN m"
                };
                assert!(plan.lines().next().unwrap().starts_with(expected), "{search:?}: {plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{search:?}: {plan}");
            }
        }
    }
}
