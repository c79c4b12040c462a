//! Searching the board: any filter, any order, pages in both directions, and how many there are.
//!
//! What is looked at most, the newest tickets of a group, is read in the order of an index. All else
//! walks over the rows that can be seen: of each only the columns that are asked for are read, and the
//! best of a page are kept on the way. Tickets themselves are read for the rows of the page alone.

mod order;
mod straight;
mod walk;

pub use order::{Order, Place};

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    InboxRow, Store, StoreError, as_json,
    board_row::{BoardRow, TOLD, told},
    control_tickets::{COLUMNS, ITS_TICKET, row},
    db::{self, Value, params},
    inbox_query,
};
use crate::domain::{desk_name::DeskName, priority::Priority, visible::Visible};

/// What has become of a ticket, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "TicketGroup")]
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
    /// Only tickets of this ticket system.
    pub desk: Option<DeskName>,
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
            desk: None,
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
        let Self { visible, desk, status, open, team, agent, mine, words, order, .. } = self;
        let other = [status, team, agent, mine];
        *order == Order::Age
            && visible.companies().is_none()
            && desk.is_none()
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
            let snapshot = db.snapshot()?;
            let Found { places, before, total } =
                if search.is_straight() { straight::found(&snapshot, &search)? } else { walk::found(&snapshot, &search)? };
            let mut rows = Vec::with_capacity(places.len());
            let mut select = snapshot.prepare_cached(&format!(
                "SELECT {COLUMNS}, {TOLD} FROM control_tickets AS m JOIN tickets AS t ON {ITS_TICKET}
                 WHERE m.instance = ?1 AND m.control_id = ?2"
            ))?;
            for Place { instance, control, .. } in &places {
                let read = |found: &db::Row<'_>| {
                    Ok(BoardRow { found: row(found)?, told: told(found)? })
                };
                let mut row: BoardRow = select.query_row(params![instance, control], read)?;
                row.hide_foreign(&snapshot, &search.visible)?;
                rows.push(row);
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
