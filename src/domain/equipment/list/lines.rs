//! A list as a JSON object on each line.

use std::io::{BufRead as _, BufReader, Read};

use super::{ListError, Rows, without_mark};

pub(super) fn read(from: impl Read, rows: &mut Rows) -> Result<(), ListError> {
    let mut from = BufReader::new(without_mark(from)?);
    let mut line = Vec::new();
    for at in 1.. {
        line.clear();
        if from.read_until(b'\n', &mut line).map_err(ListError::Broken)? == 0 {
            break;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if rows.is_over(at) {
            break;
        }
        match str::from_utf8(&line) {
            Ok(text) => rows.take_json(at, text),
            Err(_) => rows.refuse(at, vec![("format", None, "is not UTF-8".to_owned())]),
        }
    }
    Ok(())
}
