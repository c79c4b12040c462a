//! Which ticket system something of an answer is of.

use serde_json::Value;

use super::screen::{Cell, Table};
use crate::desk::DeskName;

/// The ticket system of a link or a ticket of an answer: iTop where it names none.
pub(super) fn named(value: &Value) -> DeskName {
    value["desk"].as_str().and_then(DeskName::parse).unwrap_or(DeskName::Itop)
}

/// Whether any of these links or tickets is not of iTop, so that it has to be told of each.
pub(super) fn are_told<'v>(values: impl IntoIterator<Item = &'v Value>) -> bool {
    values.into_iter().any(|value| named(value) != DeskName::Itop)
}

/// The column that tells it: the last one of a table, and only where something is not of iTop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    is_told: bool,
}

impl Column {
    /// For the links or tickets of these rows.
    pub(super) fn of<'v>(values: impl IntoIterator<Item = &'v Value>) -> Self {
        Self { is_told: are_told(values) }
    }

    /// A table of these columns, and of this one.
    pub(super) fn table(self, headings: &[&str]) -> Table {
        let own = self.is_told.then_some("desk");
        let headings: Vec<_> = headings.iter().copied().chain(own).collect();
        Table::new(&headings)
    }

    /// Its cell in the row of this link or ticket.
    pub(super) fn cell(self, value: &Value) -> Option<Cell> {
        let title = if value.is_null() { "" } else { named(value).title() };
        self.is_told.then(|| Cell::new(title))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::screen::Screen;

    fn shown(rows: &[Value]) -> String {
        let column = Column::of(rows);
        let mut table = column.table(&["ref"]);
        for row in rows {
            let own = Cell::new(row["ref"].as_str().unwrap_or_default());
            table.row([own].into_iter().chain(column.cell(row)));
        }
        table.shown(Screen::PIPED)
    }

    #[test]
    fn with_itop_alone_there_is_no_column_more() {
        let (itop, case) = (json!({"ref": "I-1"}), json!({"ref": "00001", "desk": "salesforce"}));
        assert_eq!(shown(&[itop.clone(), json!(null)]), "I-1\n\n");
        assert_eq!(shown(&[itop, json!(null), case]), "I-1\tiTop\n\t\n00001\tSalesforce\n");
    }
}
