//! The rows that are loaded, as a file of CSV.

use sha2::{Digest as _, Sha256};

use crate::domain::hex::hex;

/// The value that leaves an attribute as it is. An empty one clears it.
pub const LEAVE: &str = "<NULL>";

/// The most bytes of a table that is sent at once. PHP takes 8 MB unless it is set to less, and drops
/// the whole of what is longer, the login too.
pub const MAX_TABLE_BYTES: usize = 1 << 20;

/// What separates columns.
const SEPARATOR: char = ';';

/// Rows for a data source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Codes of attributes, the first of which is `primary_key`.
    pub columns: Vec<String>,
    /// Of each row as many values as there are columns.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// As it is sent: UTF-8, a line of columns, then the rows.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut csv = String::new();
        for line in [&self.columns].into_iter().chain(&self.rows) {
            for (number, value) in line.iter().enumerate() {
                if number > 0 {
                    csv.push(SEPARATOR);
                }
                push_quoted(&mut csv, value);
            }
            csv.push('\n');
        }
        csv
    }
}

/// The identity of a piece of equipment in its data source: lower-case hex, because iTop's database
/// takes keys that differ in case or accents for one.
#[must_use]
pub fn primary_key(instance: &str, company_key: &str, equipment_id: &str) -> String {
    const BYTES: usize = 16;
    let mut hash = Sha256::new();
    for part in [instance, company_key, equipment_id] {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hex(&hash.finalize()[..BYTES])
}
