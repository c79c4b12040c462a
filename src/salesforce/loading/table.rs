//! Tables as Bulk API 2.0 takes and gives them.

use serde_json::Value;

use super::Fields;

/// What stands for nothing in a cell; an empty one says nothing. As a value of its own it cannot be sent.
const NOTHING: &str = "#N/A";

/// How long one cell may be, in characters.
const LONGEST: usize = 131_072;

/// A table that is filled row by row.
#[derive(Debug)]
pub struct Sheet {
    columns: Vec<String>,
    lines: Vec<u8>,
    rows: usize,
}

impl Sheet {
    /// One with these columns and no row.
    #[must_use]
    pub fn new(columns: Vec<String>) -> Self {
        Self::with_room(columns, 0)
    }

    /// The same, with room for so many bytes: a large one that grows is copied again and again.
    #[must_use]
    pub fn with_room(columns: Vec<String>, bytes: usize) -> Self {
        let mut sheet = Self { columns, lines: Vec::with_capacity(bytes), rows: 0 };
        let names = sheet.columns.clone();
        sheet.line(names.iter().map(String::as_str));
        sheet
    }

    /// Adds a record; says false, and adds nothing, where it holds what no cell can: a collection takes it.
    pub fn push(&mut self, record: &Fields) -> bool {
        let cells: Vec<_> = self.columns.iter().map(|column| cell(record.get(column))).collect();
        let fits = |cell: &String| cell != NOTHING && cell.chars().count() <= LONGEST;
        let is_whole = record.keys().all(|name| self.columns.contains(name));
        if !is_whole || !cells.iter().all(fits) {
            return false;
        }
        self.line(cells.iter().map(String::as_str));
        self.rows += 1;
        true
    }

    fn line<'c>(&mut self, cells: impl Iterator<Item = &'c str>) {
        for (place, cell) in cells.enumerate() {
            if place > 0 {
                self.lines.push(b',');
            }
            if cell.contains([',', '"', '\n']) || cell.starts_with(' ') || cell.ends_with(' ') {
                self.lines.push(b'"');
                self.lines.extend(cell.replace('"', "\"\"").bytes());
                self.lines.push(b'"');
            } else {
                self.lines.extend(cell.bytes());
            }
        }
        self.lines.push(b'\n');
    }

    /// How many rows it has.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many bytes it has.
    #[must_use]
    pub fn size(&self) -> usize {
        self.lines.len()
    }

    /// The table.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        self.lines
    }
}

/// A value as a cell: with one kind of line end, which is that of the table.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.replace("\r\n", "\n").replace('\r', "\n"),
        Some(other) => other.to_string(),
    }
}

/// What came of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What stands in the column by which rows are told apart.
    pub key: String,
    /// The id of its record; empty where there is none.
    pub id: String,
    /// Why it failed.
    pub error: Option<String>,
}

/// Reads a table of results, whose rows are told apart by the column `key`.
///
/// # Errors
/// When it has no such column, or is no table.
pub fn outcomes(table: &[u8], key: &str) -> Result<Vec<Outcome>, csv::Error> {
    let mut reader = csv::Reader::from_reader(table);
    let headers = reader.headers()?.clone();
    let place = |name: &str| headers.iter().position(|header| header == name);
    let Some(key) = place(key) else {
        let problem = std::io::Error::other(format!("a table of results has no column {key}"));
        return Err(problem.into());
    };
    let (id, error) = (place("sf__Id"), place("sf__Error"));
    let outcome = |row: csv::StringRecord| {
        let cell = |place: usize| row.get(place).unwrap_or_default().to_owned();
        Outcome { key: cell(key), id: id.map(cell).unwrap_or_default(), error: error.map(cell) }
    };
    reader.records().map(|row| row.map(outcome)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::salesforce::examples;

    fn record(value: &Value) -> Fields {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_table_is_written_as_in_the_example() {
        let columns = ["Itop_Id__c", "Name", "Parent.Itop_Id__c", "Description"];
        let mut sheet = Sheet::new(columns.map(str::to_owned).to_vec());
        let demo = json!({"Itop_Id__c": "1", "Name": "Demo", "Description": "Say \"hi\", twice"});
        assert!(sheet.push(&record(&demo)));
        // What stands for nothing there cannot be a value here.
        assert!(!sheet.push(&record(&json!({"Name": "#N/A"}))));
        assert!(!sheet.push(&record(&json!({"Other": "x"}))));
        assert_eq!(sheet.rows(), 1);
        let example = examples::file("43-bulk-upload");
        let expected = example["request"]["body"].as_str().unwrap();
        let first_two: String = expected.split_inclusive('\n').take(2).collect();
        assert_eq!(String::from_utf8(sheet.bytes()).unwrap(), first_two);
    }

    #[test]
    fn values_are_cells() {
        let mut sheet = Sheet::new(["A", "B", "C", "D"].map(str::to_owned).to_vec());
        assert!(sheet.push(&record(&json!({"A": true, "B": 1.5, "C": null, "D": "a\r\nb\rc"}))));
        assert_eq!(sheet.bytes(), b"A,B,C,D\ntrue,1.5,,\"a\nb\nc\"\n");
        assert!(outcomes(b"sf__Id,Name\n1,x\n", "Key").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(texts in proptest::collection::vec("[a-c,\"\n é;]{0,12}", 1..6)) {
            let mut sheet = Sheet::new(vec!["Key".to_owned(), "Other".to_owned()]);
            for text in &texts {
                let row = record(&json!({"Key": text, "Other": "x"}));
                prop_assert!(sheet.push(&row));
            }
            let read = outcomes(&sheet.bytes(), "Key").unwrap();
            let read: Vec<_> = read.into_iter().map(|outcome| outcome.key).collect();
            prop_assert_eq!(read, texts);
        }
    }
}
