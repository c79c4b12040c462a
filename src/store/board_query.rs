//! Looking at the board: pages of controls and their tickets.

use super::{
    Store, StoreError, TicketOfControl, as_json,
    control_tickets::{COLUMNS, ITS_TICKET, row},
    db::{Value, params_from_iter},
    foreign,
};
use crate::domain::visible::Visible;

/// Which tickets to list.
#[derive(Clone, Debug)]
pub struct BoardFilter {
    /// Only what is seen.
    pub visible: Visible,
    /// Only tickets of this status.
    pub status: Option<String>,
    /// Only open ones, or only the others.
    pub open: Option<bool>,
    /// Only tickets of these numbers.
    pub numbers: Option<Vec<String>>,
    /// Only controls after this one, by instance and id.
    pub after: Option<(String, String)>,
    /// How many at most.
    pub limit: usize,
}

impl BoardFilter {
    /// All that is seen, this many at most.
    #[must_use]
    pub fn of(visible: Visible, limit: usize) -> Self {
        Self { visible, status: None, open: None, numbers: None, after: None, limit }
    }
}

impl Store {
    /// A page of the board, ordered by instance and control.
    pub async fn board(&self, filter: BoardFilter) -> Result<Vec<TicketOfControl>, StoreError> {
        self.read(move |db| {
            let (sql, values) = page(&filter);
            let mut found: Vec<_> = db
                .prepare_cached(&sql)?
                .query_map(params_from_iter(values), row)?
                .collect::<Result<_, _>>()?;
            for found in &mut found {
                foreign::mark(db, &filter.visible, found)?;
            }
            Ok(found)
        })
        .await
    }
}

/// The controls of tickets with some numbers. One whose ticket is gone, because its id was given to
/// another one, keeps the number that it had.
const NUMBERED: &str = "(
         SELECT n.instance, n.control_id
         FROM tickets AS numbered INDEXED BY tickets_ref
         CROSS JOIN control_tickets AS n INDEXED BY control_tickets_ticket
             ON n.ticket_class = numbered.class AND n.ticket_id = numbered.id
         WHERE n.replaced IS NULL AND numbered.ref IN (SELECT value FROM json_each(?))
         UNION ALL
         SELECT instance, control_id
         FROM control_tickets INDEXED BY control_tickets_by_replaced
         WHERE replaced IN (SELECT value FROM json_each(?))) AS found
     CROSS JOIN control_tickets AS m
         ON m.instance = found.instance AND m.control_id = found.control_id";

/// The query of a page, made of fixed pieces: only what is asked for stands in it, and each filter has
/// an index, which but for numbers and several companies is in the order of the board.
fn page(filter: &BoardFilter) -> (String, Vec<Value>) {
    let BoardFilter { visible, status, open, numbers, after, limit } = filter;
    let (instance, companies) = (visible.instance(), visible.companies());
    let index = if numbers.is_some() {
        // Its own key.
        ""
    } else if companies.is_some() {
        "INDEXED BY control_tickets_company"
    } else if status.is_some() {
        "INDEXED BY control_tickets_status"
    } else if open.is_some() {
        "INDEXED BY control_tickets_open"
    } else {
        // The table is in that order itself.
        ""
    };
    let controls = if numbers.is_some() { NUMBERED } else { "control_tickets AS m" };
    let from = format!("{controls} {index} CROSS JOIN tickets AS t");
    let mut sql = format!("SELECT {COLUMNS} FROM {from} ON {ITS_TICKET} WHERE true");
    // In both parts of `NUMBERED`.
    let mut values: Vec<Value> = numbers
        .iter()
        .flat_map(|numbers| [as_json(numbers), as_json(numbers)])
        .map(Value::from)
        .collect();
    let mut open = *open;
    // What would tell something of a ticket finds none that is hidden; it is not open either.
    if let Some((is_hidden, asked)) = foreign::is_hidden(visible, "m") {
        if status.is_some() || numbers.is_some() || open == Some(true) {
            sql.push_str(" AND NOT ");
            sql.push_str(&is_hidden);
            values.extend(asked);
        } else if open.take().is_some() {
            sql.push_str(" AND (m.ticket_open = 0 OR ");
            sql.push_str(&is_hidden);
            sql.push(')');
            values.extend(asked);
        }
    }
    let mut ask = |condition: &str, value: Value| {
        sql.push_str(condition);
        values.push(value);
    };
    match companies {
        // One alone keeps the order of the board.
        Some([company]) => ask(" AND m.company_key = ?", company.clone().into()),
        Some(several) => {
            ask(" AND m.company_key IN (SELECT value FROM json_each(?))", as_json(several).into());
        }
        None => {}
    }
    if let Some(status) = status {
        ask(" AND m.ticket_status = ?", status.clone().into());
    }
    if let Some(open) = open {
        ask(" AND m.ticket_open = ?", open.into());
    }
    if let Some(instance) = instance {
        ask(" AND m.instance = ?", instance.to_string().into());
    }
    if let Some((instance, control)) = after {
        ask(" AND (m.instance, m.control_id) > (?", instance.clone().into());
        ask(", ?)", control.clone().into());
    }
    ask(
        " ORDER BY m.instance, m.control_id LIMIT ?",
        i64::try_from(*limit).unwrap_or(i64::MAX).into(),
    );
    (sql, values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::keys::{Instance, PartyKey},
        store::{inbox_query::tests::plan, migrate::tests::empty},
    };

    #[test]
    fn every_filter_has_an_index_in_the_order_of_the_board() {
        let db = empty();
        let text = |text: &str| Some(text.to_owned());
        for filters in 0..64_u8 {
            let asked = |filter: u8| (filters >> filter) & 1 == 1;
            let company = PartyKey::id("42").unwrap();
            let mut visible = Visible::all();
            if asked(0) {
                visible = visible.in_instance(&Instance::default());
            }
            if asked(1) {
                visible = visible.of_company(&company);
            }
            let filter = BoardFilter {
                visible,
                status: if asked(2) { text("new") } else { None },
                open: asked(3).then_some(true),
                numbers: asked(4).then(|| vec!["I-1".to_owned()]),
                after: asked(5).then(|| ("default".to_owned(), "c".to_owned())),
                limit: 100,
            };
            let (sql, values) = page(&filter);
            let plan = plan(&db, &sql, values);
            // Without a filter a page is the beginning of the table, in its order.
            let may_scan = filters == 0;
            assert!(may_scan || !plan.contains("SCAN m"), "{filter:?}: {plan}");
            assert!(!plan.contains("SCAN t"), "{filter:?}: {plan}");
            let sorts = plan.contains("USE TEMP B-TREE FOR ORDER BY");
            assert_eq!(sorts, filter.numbers.is_some(), "{filter:?}: {plan}");
        }
    }

    #[test]
    fn what_is_hidden_is_left_out_by_keys_alone() {
        let db = empty();
        let companies = ["42", "43"].map(|id| PartyKey::id(id).unwrap());
        for status in [None, Some("new".to_owned())] {
            for open in [None, Some(true), Some(false)] {
                for numbers in [None, Some(vec!["I-1".to_owned()])] {
                    let visible = Visible::of_companies(Instance::default(), &companies);
                    let (status, numbers) = (status.clone(), numbers.clone());
                    let filter =
                        BoardFilter { status, open, numbers, ..BoardFilter::of(visible, 9) };
                    let (sql, values) = page(&filter);
                    let plan = plan(&db, &sql, values);
                    for table in ["SCAN m", "SCAN t", "SCAN company_links"] {
                        assert!(!plan.contains(table), "{filter:?}: {plan}");
                    }
                }
            }
        }
    }
}
