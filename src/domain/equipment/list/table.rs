//! A list as a table, as spreadsheets write it (see [`link_table`](crate::domain::link_table)).

use std::io::{self, BufRead as _, BufReader, Read};

use csv::{ByteRecord, ReaderBuilder};
use serde_json_borrow::{ObjectAsVec, Value};

use super::{ListError, Rows, peeked, without_mark};
use crate::domain::{
    charset::{from_utf16, text_of},
    equipment::fields::MEMBERS,
    link_table::{separator, unguarded},
    text::{cut_chars, one_line},
};

/// The first line is looked at as a whole, up to so many bytes.
const MAX_FIRST_LINE: u64 = 64 * 1024;

pub(super) fn read(from: impl Read, rows: &mut Rows) -> Result<(), ListError> {
    let (begin, mut from) = peeked::<2>(from)?;
    if !matches!(begin, [0xff, 0xfe] | [0xfe, 0xff]) {
        return of_bytes(without_mark(from)?, rows);
    }
    // "Unicode text" of spreadsheets; rare, and read as a whole.
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).map_err(ListError::Broken)?;
    let text = from_utf16(&bytes).unwrap_or_default();
    drop(bytes);
    of_bytes(text.as_bytes(), rows)
}

fn of_bytes(from: impl Read, rows: &mut Rows) -> Result<(), ListError> {
    let mut from = BufReader::new(OneBreak { from, after_return: false });
    let mut first = Vec::new();
    from.by_ref().take(MAX_FIRST_LINE).read_until(b'\n', &mut first).map_err(ListError::Broken)?;
    let text = text_of(&first);
    let (rest, delimiter, skipped) = separator(&text);
    // A last line without a break is counted like the others.
    let all = io::Cursor::new(rest.as_bytes()).chain(from).chain(&b"\n"[..]);
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(all);
    let mut record = ByteRecord::new();
    let mut columns: Option<Vec<Option<&'static str>>> = None;
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return Err(broken(error)),
        }
        // The reader counts empty lines before a record to it; where it ends is sure.
        let breaks: usize = record.iter().map(breaks).sum();
        let end = reader.position().line() + skipped;
        let at = end.saturating_sub(1 + u64::try_from(breaks).unwrap_or_default());
        let cells: Vec<String> = record.iter().map(text_of).collect();
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let Some(columns) = &columns else {
            let Some(named) = columns_of(&cells, at, rows) else { return Ok(()) };
            columns = Some(named);
            continue;
        };
        if rows.is_over(at) {
            break;
        }
        take(&cells, columns, at, rows);
    }
    if columns.is_none() {
        let wrong = "The table is empty: its first line names the columns.".to_owned();
        return Err(ListError::Unreadable(wrong));
    }
    Ok(())
}

fn take(cells: &[String], columns: &[Option<&'static str>], at: u64, rows: &mut Rows) {
    if let Some(cell) = cells.iter().skip(columns.len()).find(|cell| !cell.trim().is_empty()) {
        let message = format!(
            "the line has {} cells, and the first line {}: '{}' stands in none of its columns",
            cells.len(),
            columns.len(),
            shown(cell)
        );
        return rows.refuse(at, vec![("length", None, message)]);
    }
    let cells: Vec<_> = cells.iter().map(|cell| unguarded(cell)).collect();
    let members = columns.iter().zip(&cells).filter_map(|(column, cell)| {
        let cell = Some(cell.trim()).filter(|cell| !cell.is_empty())?;
        Some(((*column)?, Value::Str(cell.into())))
    });
    rows.take(at, &ObjectAsVec::from(members.collect::<Vec<_>>()));
}

/// Which member each column is; `None` for one that is passed over. No columns where they cannot be those of
/// such a table.
fn columns_of(names: &[String], at: u64, rows: &mut Rows) -> Option<Vec<Option<&'static str>>> {
    let mut columns = Vec::with_capacity(names.len());
    let mut wrong = Vec::new();
    for name in names {
        let plain = name.trim().to_lowercase().replace([' ', '-'], "_");
        let column = MEMBERS.into_iter().find(|known| *known == plain);
        if column.is_none() && !plain.is_empty() {
            rows.unknown(name.trim(), 0);
        }
        if column.is_some() && columns.contains(&column) {
            let message = format!("there are two columns '{plain}'");
            wrong.push(("duplicate", Some(plain), message));
        }
        columns.push(column);
    }
    for needed in ["id", "name"] {
        if !columns.contains(&Some(needed)) {
            let message = format!(
                "the first line must name the columns, and one of them must be '{needed}'; there are {}",
                MEMBERS.join(", ")
            );
            wrong.push(("required", Some(needed.to_owned()), message));
        }
    }
    if wrong.is_empty() {
        return Some(columns);
    }
    rows.refuse(at, wrong);
    None
}

fn breaks(cell: &[u8]) -> usize {
    cell.split(|byte| *byte == b'\n').count() - 1
}

fn broken(error: csv::Error) -> ListError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => ListError::Broken(error),
        // Records of bytes of any length have no other errors.
        other => ListError::Unreadable(format!("The table cannot be read: {other:?}.")),
    }
}

/// Foreign text in a sentence.
fn shown(text: &str) -> String {
    cut_chars(&one_line(text), 40).into_owned()
}

/// Line breaks of all kinds as one: lines are counted as an editor counts them.
struct OneBreak<R> {
    from: R,
    after_return: bool,
}

impl<R: Read> Read for OneBreak<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let came = self.from.read(into)?;
            let mut kept = 0;
            for at in 0..came {
                let byte = into[at];
                let is_second = byte == b'\n' && self.after_return;
                self.after_return = byte == b'\r';
                if !is_second {
                    into[kept] = if byte == b'\r' { b'\n' } else { byte };
                    kept += 1;
                }
            }
            // Nothing would say that this was all.
            if kept > 0 || came == 0 {
                return Ok(kept);
            }
        }
    }
}
