//! All that is stored of one control: its ticket, and its acknowledgements as long as they are kept.

use super::{
    Action, Attempt, BoardRow, InboxFilter, InboxRow, Store, StoreError, actions, attempts,
    board_row::{TOLD, told},
    control_tickets::{COLUMNS, ITS_TICKET, row},
    db::{self, Connection, OptionalExtension as _, params, params_from_iter},
    inbox_query,
};
use crate::domain::{
    keys::{ControlId, Instance},
    visible::Visible,
};

/// Acknowledgements that are shown of one control at most, the newest.
const SHOWN: usize = 50;

/// What is stored of a control, at one moment.
#[derive(Clone, Debug)]
pub struct ControlHistory {
    /// The control and its ticket, if it has one.
    pub row: Option<BoardRow>,
    /// Its acknowledgements, newest first.
    pub acknowledgements: Vec<PastAcknowledgement>,
    /// Whether there are more of them.
    pub has_more: bool,
}

/// An acknowledgement with what came of it.
#[derive(Clone, Debug)]
pub struct PastAcknowledgement {
    /// The row of the inbox.
    pub row: InboxRow,
    /// What came of its attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// What operators did to it, oldest first.
    pub actions: Vec<Action>,
    /// The words that it added to the ticket's log.
    pub line: Option<String>,
    /// How often they were gone and were added again.
    pub lost_lines: u32,
    /// The body as received.
    pub body: String,
}

impl Store {
    /// What is stored and seen of a control.
    pub async fn history_of_control(
        &self,
        instance: &Instance,
        control: &ControlId,
        visible: &Visible,
    ) -> Result<ControlHistory, StoreError> {
        let visible = visible.in_instance(instance);
        let (instance, control) = (instance.to_string(), control.clone());
        self.read(move |db| {
            let snapshot = db.snapshot()?;
            let sql = format!(
                "SELECT {COLUMNS}, {TOLD}
                 FROM control_tickets AS m JOIN tickets AS t ON {ITS_TICKET}
                 WHERE m.instance = ?1 AND m.control_id = ?2"
            );
            let found = snapshot
                .prepare_cached(&sql)?
                .query_row(params![instance, control.as_str()], |found| {
                    Ok(BoardRow { found: row(found)?, told: told(found)? })
                })
                .optional()?;
            let mut found: Option<BoardRow> =
                found.filter(|row: &BoardRow| row.found.mapping.is_among(&visible));
            if let Some(row) = &mut found {
                row.hide_foreign(&snapshot, &visible)?;
            }
            let filter = InboxFilter {
                control: Some(control),
                ..InboxFilter::of(visible.clone(), SHOWN + 1)
            };
            let (sql, values) = inbox_query::page(&filter, &[]);
            let mut rows: Vec<InboxRow> = snapshot
                .prepare_cached(&sql)?
                .query_map(params_from_iter(values), inbox_query::row)?
                .collect::<Result<_, _>>()?;
            let has_more = rows.len() > SHOWN;
            rows.truncate(SHOWN);
            let acknowledgements = rows.into_iter().map(|row| past(&snapshot, row));
            Ok(ControlHistory {
                row: found,
                acknowledgements: acknowledgements.collect::<Result<_, _>>()?,
                has_more,
            })
        })
        .await
    }
}

fn past(db: &Connection, row: InboxRow) -> db::Result<PastAcknowledgement> {
    let (attempts, actions) = (attempts::of(db, row.id)?, actions::of(db, row.id)?);
    db.prepare_cached("SELECT line, lost_lines, body FROM acknowledgements WHERE id = ?1")?
        .query_row([row.id], |kept| {
            Ok(PastAcknowledgement {
                line: kept.get::<_, Option<String>>(0)?.filter(|line| !line.is_empty()),
                lost_lines: kept.get(1)?,
                body: kept.get(2)?,
                row,
                attempts,
                actions,
            })
        })
}
