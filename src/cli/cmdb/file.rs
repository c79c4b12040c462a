//! The file that is imported.

use std::{ops::Range, path::Path};

use anyhow::{Context as _, bail};
use csv::{ReaderBuilder, StringRecord, WriterBuilder};

use crate::{
    cli::screen::{plain, readable},
    domain::charset,
};

/// Rows under their columns.
#[derive(Debug)]
pub(super) struct Rows {
    /// Codes of attributes.
    pub(super) header: Vec<String>,
    records: Vec<StringRecord>,
    /// The lines of the file on which they begin.
    lines: Vec<u64>,
}

impl Rows {
    /// Reads a file, of whatever alphabet and separator spreadsheets write.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let name = readable(path);
        let bytes = std::fs::read(path).with_context(|| format!("{name} cannot be read"))?;
        let text = charset::from_utf16(&bytes).unwrap_or_else(|| charset::text_of(&bytes));
        Self::of(&text).with_context(|| format!("{name} cannot be imported"))
    }

    fn of(text: &str) -> anyhow::Result<Self> {
        // iTop would take the mark for a part of the first column.
        let text = text.trim_start_matches('\u{feff}');
        let first = text.lines().next().unwrap_or_default();
        let separator = [b',', b';', b'\t']
            .into_iter()
            .max_by_key(|sign| first.bytes().filter(|byte| byte == sign).count())
            .unwrap_or(b',');
        let mut reader = ReaderBuilder::new().delimiter(separator).from_reader(text.as_bytes());
        let header: Vec<_> = reader.headers()?.iter().map(|name| name.trim().to_owned()).collect();
        if let Some(name) = header.iter().find(|name| name.is_empty() || name.contains(',')) {
            bail!("the first line must name attributes by their codes, not '{}'", plain(name));
        }
        let mut sorted: Vec<_> = header.iter().collect();
        sorted.sort_unstable();
        if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            bail!("the column '{}' is there twice", plain(twice[0]));
        }
        let (mut rows, mut lines) = (Vec::new(), Vec::new());
        for row in reader.records() {
            let row = row.map_err(|error| match error.kind() {
                csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
                    let line = pos.as_ref().map_or(0, csv::Position::line);
                    anyhow::anyhow!(
                        "line {line} has {len} cells, and the first line {expected_len}"
                    )
                }
                _ => error.into(),
            })?;
            if row.iter().any(|cell| !cell.trim().is_empty()) {
                lines.push(line_of(text, &row));
                rows.push(row);
            }
        }
        if rows.is_empty() {
            bail!("there are no rows under the first line");
        }
        Ok(Self { header, records: rows, lines })
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// The line of the file on which a row begins.
    pub(super) fn line(&self, row: usize) -> u64 {
        self.lines.get(row).copied().unwrap_or_default()
    }

    /// The rows in parts of at most so many rows and bytes; a longer row is one by itself.
    pub(super) fn chunks(&self, most: usize, bytes: usize) -> Vec<Range<usize>> {
        let mut chunks = Vec::new();
        let (mut start, mut size) = (0, 0);
        for (at, row) in self.records.iter().enumerate() {
            let own = row.as_slice().len() + 3 * row.len();
            if at > start && (at - start == most || size + own > bytes) {
                chunks.push(start..at);
                (start, size) = (at, 0);
            }
            size += own;
        }
        chunks.push(start..self.records.len());
        chunks
    }

    /// Some rows as iTop takes them: with commas, all quoted, and lines that end with LF.
    pub(super) fn csv(&self, rows: Range<usize>) -> String {
        let mut writer =
            WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
        let header = StringRecord::from(self.header.clone());
        for row in [&header].into_iter().chain(&self.records[rows]) {
            // Neither a vector nor rows of one length can fail.
            let _ = writer.write_record(row);
        }
        let bytes = writer.into_inner().unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// The line on which a row begins: what the reader tells may be that of the line end before it.
fn line_of(text: &str, row: &StringRecord) -> u64 {
    let at = row.position().map_or(0, csv::Position::byte);
    let at = usize::try_from(at).unwrap_or(usize::MAX).min(text.len());
    let blank = text[at..].len() - text[at..].trim_start_matches(['\r', '\n']).len();
    let breaks = text[..at + blank].matches('\n').count();
    u64::try_from(breaks).unwrap_or(u64::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_spreadsheet_writes_itop_gets_one_form() {
        let rows = Rows::of(
            "\u{feff}name;org_id->name\r\n\"a; \"\"b\"\"\";Demo\r\n\r\nb;\"two\nlines\"\r\nc;x\r\n",
        )
        .unwrap();
        assert_eq!(rows.header, ["name", "org_id->name"]);
        assert_eq!(rows.csv(0..1), "\"name\",\"org_id->name\"\n\"a; \"\"b\"\"\",\"Demo\"\n");
        assert_eq!((rows.line(0), rows.line(1), rows.line(2)), (2, 4, 6));
    }

    #[test]
    fn what_would_be_taken_for_something_else_is_refused() {
        for (text, says) in [
            ("name,org_id\n", "no rows"),
            ("name,\na,b\n", "must name attributes"),
            ("name,name\na,b\n", "is there twice"),
            ("name,org_id\na,b,c\n", "line 2 has 3 cells"),
        ] {
            let error = format!("{:#}", Rows::of(text).unwrap_err());
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn chunks_have_all_rows_once_and_are_short() {
        let text = (0..7).fold("name\n".to_owned(), |text, n| text + &format!("row-{n}\n"));
        let rows = Rows::of(&text).unwrap();
        assert_eq!(rows.chunks(3, 1_000), [0..3, 3..6, 6..7]);
        assert_eq!(rows.chunks(3, 10), (0..7).map(|n| n..n + 1).collect::<Vec<_>>());
    }
}
