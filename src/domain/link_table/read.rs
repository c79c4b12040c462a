//! Reading a table as spreadsheets write it: with commas, semicolons or tabs.

use csv::{ReaderBuilder, StringRecord};
use schemars::JsonSchema;
use serde::Serialize;

use super::{COLUMNS, FOR_PEOPLE, MAX_LINES, cell::unguarded};
use crate::domain::text::{cut_chars, one_line};

/// One thing wrong with a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LineError {
    /// The line of the file on which it stands, from 1.
    pub line: u64,
    /// The column, if it is in one.
    pub column: Option<String>,
    /// Stable, for programs.
    pub code: &'static str,
    /// For whoever filled the table in.
    pub message: String,
}

/// A line that says something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it begins in the file, from 1.
    pub number: u64,
    /// By the places of [`COLUMNS`]; empty ones are absent.
    cells: Vec<Option<String>>,
}

impl Line {
    /// What stands in a column, without blanks around it; `None` where it is empty.
    #[must_use]
    pub fn cell(&self, column: &str) -> Option<&str> {
        let at = COLUMNS.iter().position(|known| *known == column)?;
        self.cells.get(at)?.as_deref()
    }

    /// Whether it wants no link: it tells of a company that has none, and says nothing of one.
    #[must_use]
    pub fn wants_nothing(&self) -> bool {
        let tells_whose = ["instance", "company", "site", "name", "desk", "tickets"];
        COLUMNS.iter().zip(&self.cells).all(|(column, cell)| {
            let says_no = *column == "remove" && flag(cell.as_deref()) == Some(false);
            cell.is_none() || says_no || tells_whose.contains(column)
        })
    }

    /// Yes or no in a column, as spreadsheets and people write it; `Err` with what is neither.
    pub fn flag(&self, column: &str) -> Result<Option<bool>, &str> {
        match self.cell(column) {
            None => Ok(None),
            Some(cell) => flag(Some(cell)).map(Some).ok_or(cell),
        }
    }
}

fn flag(cell: Option<&str>) -> Option<bool> {
    const YES: [&str; 8] = ["yes", "true", "on", "1", "x", "oui", "vrai", "o"];
    const NO: [&str; 7] = ["no", "false", "off", "0", "non", "faux", "n"];
    let cell = cell?;
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(cell));
    if is(&YES) { Some(true) } else { is(&NO).then_some(false) }
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its lines; those on which nothing stands are left out.
    pub lines: Vec<Line>,
}

/// Reads a table whose first line names its columns, in any order.
///
/// # Errors
/// What is wrong with its first line or its shape; what its cells say is for others to judge.
pub fn read(text: &str) -> Result<Table, Vec<LineError>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (text, separator, skipped) = separator(text);
    let mut reader = ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let Some(Ok(header)) = records.next() else {
        return Err(vec![error(1, None, "required", "The table is empty.".to_owned())]);
    };
    let first = line_of(text, &header) + skipped;
    let columns = columns(&header, first)?;
    let (mut lines, mut errors) = (Vec::new(), Vec::new());
    for record in records {
        // Whatever the text is, it is UTF-8, and any number of cells is taken.
        let Ok(record) = record else { continue };
        let number = line_of(text, &record) + skipped;
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if let Some(cell) = record.iter().skip(columns.len()).find(|cell| !cell.trim().is_empty()) {
            let cell = shown(cell);
            let message = format!(
                "The line has {} cells, and the first line {}: '{cell}' stands in none of its columns.",
                record.len(),
                columns.len()
            );
            errors.push(error(number, None, "length", message));
            continue;
        }
        if lines.len() == MAX_LINES {
            let message = format!("A table may have at most {MAX_LINES} links.");
            errors.push(error(number, None, "length", message));
            break;
        }
        let mut cells = vec![None; COLUMNS.len()];
        for (place, cell) in columns.iter().zip(&record) {
            let cell = unguarded(cell);
            let cell = cell.trim();
            if let Some(place) = place.filter(|_| !cell.is_empty()) {
                cells[place] = Some(cell.to_owned());
            }
        }
        lines.push(Line { number, cells });
    }
    if errors.is_empty() { Ok(Table { lines }) } else { Err(errors) }
}

/// What the first line says stands between cells: a line `sep=;`, which some spreadsheets write and
/// all hide, or whatever of the three it has most of. Gives back the text behind such a line, and how
/// many lines it was.
pub(in crate::domain) fn separator(text: &str) -> (&str, u8, u64) {
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    let told = line.trim_end_matches('\r').trim_matches('"');
    if let Some([separator]) = told.strip_prefix("sep=").map(str::as_bytes)
        && b";,\t|".contains(separator)
    {
        return (rest, *separator, 1);
    }
    let count = |separator: u8| line.bytes().filter(|byte| *byte == separator).count();
    let most = [b',', b';', b'\t'].into_iter().max_by_key(|separator| count(*separator));
    // Of a single column any will do.
    (text, most.filter(|most| count(*most) > 0).unwrap_or(b','), 0)
}

/// Which of [`COLUMNS`] each column is; `None` for one that is passed over.
fn columns(header: &StringRecord, line: u64) -> Result<Vec<Option<usize>>, Vec<LineError>> {
    let (mut columns, mut errors) = (Vec::new(), Vec::new());
    for name in header {
        let name = name.trim().to_lowercase();
        let place = COLUMNS.iter().position(|known| *known == name);
        if place.is_none() && !name.is_empty() && !FOR_PEOPLE.contains(&name.as_str()) {
            let name = shown(&name);
            let message = format!("There is no column '{name}'; there are {}.", COLUMNS.join(", "));
            errors.push(error(line, Some(name), "unknown", message));
        }
        if place.is_some() && columns.contains(&place) {
            let message = format!("There are two columns '{name}'.");
            errors.push(error(line, Some(name), "duplicate", message));
        }
        columns.push(place);
    }
    if !columns.contains(&COLUMNS.iter().position(|known| *known == "company")) {
        let message = "The first line must name the columns, and one of them must be 'company'.";
        errors.push(error(line, Some("company".to_owned()), "required", message.to_owned()));
    }
    if errors.is_empty() { Ok(columns) } else { Err(errors) }
}

/// The line on which a record of this text begins. The reader counts empty lines before it to it.
fn line_of(text: &str, record: &StringRecord) -> u64 {
    let Some(position) = record.position() else { return 1 };
    let at = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let rest = text.get(at..).unwrap_or_default();
    let empty = rest.bytes().take_while(|byte| b"\r\n".contains(byte));
    position.line() + empty.map(|byte| u64::from(byte == b'\n')).sum::<u64>()
}

fn error(line: u64, column: Option<String>, code: &'static str, message: String) -> LineError {
    LineError { line, column, code, message }
}

/// Foreign text in a sentence.
fn shown(text: &str) -> String {
    cut_chars(&one_line(text), 40).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(errors: &[LineError]) -> Vec<(u64, Option<&str>, &str)> {
        errors.iter().map(|error| (error.line, error.column.as_deref(), error.code)).collect()
    }

    #[test]
    fn a_table_is_read_however_a_spreadsheet_wrote_it() {
        for text in [
            "company,organization,waiting\nid:42,\"Demo, SA\",3\n",
            "\u{feff}Company;Organization\r\nid:42;Demo, SA\r\n\r\n;;\r\n",
            "organization\tcompany\tsite\nDemo, SA\tid:42\t\n",
            "sep=|\r\ncompany|organization\r\n id:42 |Demo, SA|\r\n",
            "\"company\";\"organization\";\n\"id:42\";\"Demo, SA\";;\n",
        ] {
            let table = read(text).unwrap();
            assert_eq!(table.lines.len(), 1, "{text}");
            let line = &table.lines[0];
            assert_eq!(line.cell("company"), Some("id:42"), "{text}");
            assert_eq!(line.cell("organization"), Some("Demo, SA"), "{text}");
            assert_eq!((line.cell("site"), line.cell("team")), (None, None), "{text}");
        }
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        let table = read("sep=,\ncompany,name\n\nid:1,\"two\nlines\"\nid:2,b\n").unwrap();
        let numbers: Vec<_> = table.lines.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [4, 6]);
    }

    #[test]
    fn what_is_wrong_with_the_shape_is_named() {
        for (text, expected) in [
            ("", vec![(1, None, "required")]),
            (
                "a,b\n",
                vec![
                    (1, Some("a"), "unknown"),
                    (1, Some("b"), "unknown"),
                    (1, Some("company"), "required"),
                ],
            ),
            ("company,Company\n", vec![(1, Some("company"), "duplicate")]),
            (
                "company,name\nid:1,a,b\nid:2,a\nid:3,a,,c\n",
                vec![(2, None, "length"), (4, None, "length")],
            ),
        ] {
            assert_eq!(told(&read(text).unwrap_err()), expected, "{text:?}");
        }
        let many = format!("company\n{}", "id:1\n".repeat(MAX_LINES + 3));
        assert_eq!(told(&read(&many).unwrap_err()), [(5_002, None, "length")]);
    }

    #[test]
    fn yes_and_no_are_read_in_both_languages() {
        let table = read("company;tickets;remove\na;VRAI;\nb;non;x\nc;maybe;off\n").unwrap();
        let flags: Vec<_> =
            table.lines.iter().map(|line| (line.flag("tickets"), line.flag("remove"))).collect();
        assert_eq!(
            flags,
            [
                (Ok(Some(true)), Ok(None)),
                (Ok(Some(false)), Ok(Some(true))),
                (Err("maybe"), Ok(Some(false))),
            ]
        );
        let wants: Vec<_> = table.lines.iter().map(Line::wants_nothing).collect();
        assert_eq!(wants, [true, false, true]);
    }
}
