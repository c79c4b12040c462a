//! The rows that are loaded, as a file of CSV.

/// The value that leaves an attribute as it is. An empty one clears it.
pub const LEAVE: &str = "<NULL>";

/// The most bytes of a request that loads. PHP takes 8 MB unless it is set to less, and drops the whole of
/// what is longer, the login too.
pub const MAX_TABLE_BYTES: usize = 1 << 20;

/// The first column: the identity of a row in its data source.
pub const PRIMARY_KEY: &str = "primary_key";

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
