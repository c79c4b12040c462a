//! Files of CSV, and the values in them.

use csv::{ByteRecord, ReaderBuilder};
use jiff::fmt::strtime::BrokenDownTime;

const BOM: &[u8] = "\u{feff}".as_bytes();

/// A file of CSV.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) header: Vec<String>,
    /// Values in UTF-8, or in whatever bytes came without another charset being said.
    pub(super) rows: Vec<Vec<Vec<u8>>>,
}

impl Table {
    /// Reads a file; none has no line at all.
    pub(super) fn read(data: &[u8], separator: u8, qualifier: u8, charset: &str) -> Option<Self> {
        let data = converted(data, charset);
        // The reader would drop the mark; in iTop it becomes part of the first column.
        let (mark, data) = data.strip_prefix(BOM).map_or(("", &*data), |rest| ("\u{feff}", rest));
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator)
            .quote(qualifier)
            .from_reader(data);
        let mut rows = reader
            .byte_records()
            .filter_map(Result::ok)
            .map(|row: ByteRecord| row.iter().map(<[u8]>::to_vec).collect::<Vec<_>>());
        let mut header: Vec<String> =
            rows.next()?.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        if let Some(first) = header.first_mut() {
            first.insert_str(0, mark);
        }
        Some(Self { header, rows: rows.collect() })
    }
}

/// The bytes in UTF-8. Only the two charsets that were recorded are known; what says another is
/// taken as it is.
fn converted(data: &[u8], charset: &str) -> Vec<u8> {
    if charset.eq_ignore_ascii_case("ISO-8859-1") {
        let text: String = data.iter().map(|byte| char::from(*byte)).collect();
        return text.into_bytes();
    }
    data.to_vec()
}

/// The format of a date without a time: the part of `format` before the time.
pub(super) fn date_only(format: &str) -> String {
    let end = format.find(['H', 'h', 'G', 'g', 'i', 's', 'A', 'a']).unwrap_or(format.len());
    format[..end].trim_end_matches([' ', 'T', ',', '-']).to_owned()
}

/// A date that was sent in `format`, as PHP writes formats, in the form of SQL; none is no date.
pub(super) fn date(format: &str, value: &str, day: bool) -> Option<String> {
    let mut pattern = String::new();
    for sign in format.chars() {
        match sign {
            'Y' | 'm' | 'd' | 'H' | 'y' => pattern.extend(['%', sign]),
            'j' => pattern.push_str("%d"),
            'n' => pattern.push_str("%m"),
            'G' => pattern.push_str("%H"),
            'i' => pattern.push_str("%M"),
            's' => pattern.push_str("%S"),
            '%' => pattern.push_str("%%"),
            sign => pattern.push(sign),
        }
    }
    let time = BrokenDownTime::parse(&pattern, value).ok()?;
    let date = time.to_date().ok()?;
    if day {
        return Some(date.strftime("%Y-%m-%d").to_string());
    }
    let time = time.to_time().unwrap_or_default();
    Some(date.to_datetime(time).strftime("%Y-%m-%d %H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_come_in_the_format_that_is_said() {
        for (format, value, day, expected) in [
            ("Y-m-d", "2026-11-20", true, Some("2026-11-20")),
            ("d/m/Y", "20/11/2026", true, Some("2026-11-20")),
            ("d/m/Y H:i", "20/11/2026 10:30", false, Some("2026-11-20 10:30:00")),
            ("Y-m-d", "20/11/2026", true, None),
            ("Y-m-d", "", true, None),
        ] {
            assert_eq!(date(format, value, day).as_deref(), expected, "{format} {value}");
        }
        assert_eq!(date_only("Y-m-d H:i:s"), "Y-m-d");
        assert_eq!(date_only("d/m/Y"), "d/m/Y");
    }

    #[test]
    fn a_mark_becomes_part_of_the_first_column() {
        let table = Table::read("\u{feff}a;b\r\n\"1;\"\"2\";3\n".as_bytes(), b';', b'"', "UTF-8");
        let table = table.unwrap();
        assert_eq!(table.header, ["\u{feff}a", "b"]);
        assert_eq!(table.rows, [[b"1;\"2".to_vec(), b"3".to_vec()]]);
        assert!(Table::read(b"", b';', b'"', "UTF-8").is_none());
    }
}
