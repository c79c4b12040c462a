//! Company links as a table (CSV, RFC 4180) that people fill in with a spreadsheet.

mod cell;
mod read;

pub(super) use cell::unguarded;
pub(super) use read::separator;
pub use read::{Line, LineError, Table, read};

use csv::WriterBuilder;

pub(super) use cell::guarded;

/// The columns, in the order in which they are written. Of what is chosen in iTop the name counts;
/// the key beside it tells which of several of that name is meant.
pub const COLUMNS: [&str; 17] = [
    "instance",
    "company",
    "site",
    "name",
    DESK,
    "organization",
    "organization_id",
    "team",
    "team_id",
    "contact",
    "contact_id",
    "service",
    "service_id",
    "service_element",
    "service_element_id",
    "tickets",
    "remove",
];

/// The column that names the ticket system: written only where there is more than one, and empty it is the one of
/// companies without a link.
pub const DESK: &str = "desk";

/// Columns that are written for people, and passed over where they are read.
pub const FOR_PEOPLE: [&str; 2] = ["organization_tree", "waiting"];

/// Links in a table at most.
pub const MAX_LINES: usize = 5_000;

/// What stands between two cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Separator {
    /// As RFC 4180 has it.
    #[default]
    Comma,
    /// As spreadsheets expect it where the comma is in numbers, such as in French.
    Semicolon,
}

impl Separator {
    fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
        }
    }
}

/// A row that is to be written; cells in the order of [`COLUMNS`] but for `remove`, then those of
/// [`FOR_PEOPLE`].
pub type Row = [String; 18];

/// Whether the table says of each link which ticket system it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Desks {
    /// There is but one.
    Unsaid,
    /// In the column [`DESK`].
    Named,
}

/// The table of some rows, with a byte order mark, from which spreadsheets tell that it is UTF-8. A
/// cell that a spreadsheet would take for a formula begins with an apostrophe, and so does what it would
/// take for one where it is told another separator; [`read`] takes them off again.
#[must_use]
pub fn write(rows: impl IntoIterator<Item = Row>, desks: Desks, separator: Separator) -> String {
    let mut table = WriterBuilder::new()
        .delimiter(separator.byte())
        .terminator(csv::Terminator::CRLF)
        .from_writer(b"\xef\xbb\xbf".to_vec());
    let header: Vec<_> =
        COLUMNS.into_iter().filter(|name| *name != "remove").chain(FOR_PEOPLE).collect();
    let is_written = |column: &str| desks == Desks::Named || column != DESK;
    // Writing into memory cannot fail, and all rows have the length of the first.
    let _ = table.write_record(header.iter().filter(|column| is_written(column)));
    for row in rows {
        let cells = header.iter().zip(&row).filter(|(column, _)| is_written(column));
        let _ = table.write_record(cells.map(|(_, cell)| guarded(cell).into_owned()));
    }
    let bytes = table.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(cell: impl Fn(usize) -> String) -> Row {
        std::array::from_fn(cell)
    }

    #[test]
    fn a_table_begins_with_a_mark_and_its_columns() {
        for (desks, begin) in [
            (Desks::Unsaid, ["instance;company;site;name;organization;", "c0;c1;c2;c3;c5;"]),
            (Desks::Named, ["instance;company;site;name;desk;organization;", "c0;c1;c2;c3;c4;c5;"]),
        ] {
            let written = write([row(|at| format!("c{at}"))], desks, Separator::Semicolon);
            let mut lines = written.strip_prefix('\u{feff}').unwrap().split("\r\n");
            let header = lines.next().unwrap();
            assert!(header.starts_with(begin[0]), "{header}");
            assert!(header.ends_with(";tickets;organization_tree;waiting"), "{header}");
            assert!(lines.next().unwrap().starts_with(begin[1]));
        }
    }

    #[test]
    fn no_cell_is_a_formula() {
        for formula in ["=1+1", "+1", "-1", "@a", "\tx", "\rx", "\nx", "'=x", "''@x", "＝1"] {
            let written = write([row(|_| formula.to_owned())], Desks::Named, Separator::Comma);
            let cells = csv::ReaderBuilder::new().from_reader(written.as_bytes());
            for record in cells.into_records() {
                for cell in &record.unwrap() {
                    assert!(cell.starts_with('\''), "{cell:?}");
                }
            }
        }
    }

    /// What the other kinds of spreadsheets find in a table: each cell of each reading.
    fn all_readings(written: &str) -> Vec<String> {
        let written = written.strip_prefix('\u{feff}').unwrap();
        let read = |separator: u8| {
            csv::ReaderBuilder::new()
                .delimiter(separator)
                .flexible(true)
                .has_headers(false)
                .from_reader(written.as_bytes())
                .into_records()
                .flat_map(|record| record.unwrap().iter().map(str::to_owned).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        };
        let lines = written.split(['\r', '\n']).map(str::to_owned);
        [b',', b';', b'\t', b'|'].into_iter().flat_map(read).chain(lines).collect()
    }

    #[test]
    fn a_cell_is_no_formula_by_whatever_separator_it_is_opened() {
        for text in ["a;=cmd()", "a,=cmd()", "a\t=cmd()", "a\n=cmd()", "a|=cmd()", "a\";=cmd()"] {
            for separator in [Separator::Comma, Separator::Semicolon] {
                let written = write([row(|_| text.to_owned())], Desks::Named, separator);
                for cell in all_readings(&written) {
                    assert!(!cell.trim_start_matches('"').starts_with('='), "{text:?}: {cell:?}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_as_it_was(
            cells in prop::collection::vec("['=+@;,|\"a-cé\t\r\n -]{0,8}", 16),
            semicolon in any::<bool>(),
        ) {
            let separator = if semicolon { Separator::Semicolon } else { Separator::Comma };
            let cell = |at: usize| match COLUMNS[at.min(15)] {
                _ if at >= 16 => "for people".to_owned(),
                "company" => format!("id:{}", cells[at]),
                _ => cells[at].clone(),
            };
            let table = read(&write([row(cell)], Desks::Named, separator)).unwrap();
            prop_assert_eq!(table.lines.len(), 1);
            for (at, column) in COLUMNS.into_iter().enumerate().take(16) {
                let written = cell(at);
                let expected = Some(written.trim()).filter(|text| !text.is_empty());
                prop_assert_eq!(table.lines[0].cell(column), expected, "{}", column);
            }
        }
    }
}
