//! The rows that are loaded, as a file of CSV.

use std::collections::BTreeMap;

/// The value that leaves an attribute as it is. An empty one clears it.
pub const LEAVE: &str = "<NULL>";

/// The most bytes of a request that loads. PHP takes 8 MB unless it is set to less, and drops the whole of
/// what is longer, the login too.
pub const MAX_TABLE_BYTES: usize = 1 << 20;

/// The first column: the identity of a row in its data source.
pub const PRIMARY_KEY: &str = "primary_key";

/// The dates among the attributes that are sent. iTop takes [`LEAVE`] for no date: of a row that is new to the
/// source it becomes an empty one, which clears the date of a CI that is taken over (seen on 3.2.0). Only
/// a column that is not sent leaves a date alone.
const DATES: [&str; 3] = ["purchase_date", "end_of_warranty", "move2production"];

/// What separates columns.
const SEPARATOR: char = ';';

/// Rows for a data source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Codes of attributes, the first of which is [`PRIMARY_KEY`].
    pub columns: Vec<String>,
    /// Of each row as many values as there are columns.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// As it is sent: UTF-8 without a byte order mark, a line of columns, then the rows. All is quoted:
    /// what is not, iTop trims. Lines end with LF alone: iTop takes a CR behind a quote for a cell.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut csv = String::new();
        for line in [&self.columns].into_iter().chain(&self.rows) {
            for (number, value) in line.iter().enumerate() {
                if number > 0 {
                    csv.push(SEPARATOR);
                }
                csv.push('"');
                csv.push_str(&value.replace('"', "\"\""));
                csv.push('"');
            }
            csv.push('\n');
        }
        csv
    }

    /// The same rows in tables that leave no date by a value: each without the columns of dates that its
    /// rows leave. With each goes which rows of the whole it has.
    pub(super) fn parts(&self) -> Vec<(Self, Vec<usize>)> {
        let is_date = |column: &String| DATES.contains(&column.as_str());
        let dates: Vec<_> =
            (0..self.columns.len()).filter(|at| is_date(&self.columns[*at])).collect();
        let mut parts = BTreeMap::<Vec<usize>, Vec<usize>>::new();
        for (number, row) in self.rows.iter().enumerate() {
            let left =
                dates.iter().copied().filter(|at| row.get(*at).is_some_and(|text| text == LEAVE));
            parts.entry(left.collect()).or_default().push(number);
        }
        let without = |row: &[String], left: &[usize]| {
            let kept = row.iter().enumerate().filter(|(at, _)| !left.contains(at));
            kept.map(|(_, text)| text.clone()).collect()
        };
        let part = |(left, numbers): (Vec<usize>, Vec<usize>)| {
            let rows = numbers.iter().map(|number| without(&self.rows[*number], &left)).collect();
            (Self { columns: without(&self.columns, &left), rows }, numbers)
        };
        parts.into_iter().map(part).collect()
    }

    /// What is wrong with it, if anything is: rows of another length end a load, and a key twice loses
    /// one of its rows without a word.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let width = self.columns.len();
        let mut keys: Vec<_> = self.rows.iter().filter_map(|row| row.first()).collect();
        keys.sort_unstable();
        if self.columns.first().is_none_or(|first| first != PRIMARY_KEY) {
            Some("the first column of a table must be primary_key")
        } else if self.rows.iter().any(|row| row.len() != width) {
            Some("a row has another number of values than there are columns")
        } else if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            Some("a key stands in the table twice")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_that_is_left_is_not_sent() {
        let text = |text: &str| text.to_owned();
        let row =
            |key: &str, bought: &str, ends: &str| [key, bought, ends, LEAVE].map(text).to_vec();
        let table = Table {
            columns: [PRIMARY_KEY, "purchase_date", "end_of_warranty", "status"].map(text).to_vec(),
            rows: vec![
                row("0a", "2026-01-01", LEAVE),
                row("0b", LEAVE, LEAVE),
                row("0c", "2026-01-02", LEAVE),
                row("0d", "", "2026-01-03"),
            ],
        };
        let parts = table.parts();
        let shown: Vec<_> =
            parts.iter().map(|(part, rows)| (part.columns.join(" "), rows.clone())).collect();
        let expected = [
            ("primary_key purchase_date end_of_warranty status".to_owned(), vec![3]),
            ("primary_key status".to_owned(), vec![1]),
            ("primary_key purchase_date status".to_owned(), vec![0, 2]),
        ];
        assert_eq!(shown, expected);
        // What else is left is said.
        assert_eq!(parts[1].0.rows, [[text("0b"), text(LEAVE)]]);
    }

    fn table(rows: &[&[&str]]) -> Table {
        let texts = |row: &[&str]| row.iter().map(|text| (*text).to_owned()).collect();
        Table {
            columns: texts(&[PRIMARY_KEY, "name"]),
            rows: rows.iter().map(|row| texts(row)).collect(),
        }
    }

    #[test]
    fn whatever_stands_in_a_value_it_stays_one() {
        let csv = table(&[&["0a", " a; \"b\"\nc "], &["0b", LEAVE]]).csv();
        assert_eq!(
            csv,
            "\"primary_key\";\"name\"\n\"0a\";\" a; \"\"b\"\"\nc \"\n\"0b\";\"<NULL>\"\n"
        );
    }

    #[test]
    fn a_table_that_would_lose_rows_is_no_table() {
        assert_eq!(table(&[&["0a", "a"], &["0b", "a"]]).fault(), None);
        assert!(table(&[&["0a", "a"], &["0b"]]).fault().unwrap().contains("number of values"));
        assert!(
            table(&[&["0a", "a"], &["0b", "a"], &["0a", "b"]]).fault().unwrap().contains("twice")
        );
        assert!(Table::default().fault().unwrap().contains("first column"));
    }
}
