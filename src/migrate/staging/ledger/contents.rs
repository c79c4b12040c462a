//! Files as versions of documents.

use rusqlite::{Row, params};

use super::{How, Ledger};
use crate::migrate::staging::tables::{integer, unsigned};

/// A file whose contents are in the folder, and the record that it hangs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The object that holds it.
    pub id: u64,
    /// In which attribute.
    pub attribute: String,
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// The digest under which its contents lie.
    pub sha256: String,
    /// The record; empty where it was taken back without the file.
    pub target: String,
}

/// A file that stands in the org.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What it was made of.
    pub of: Pending,
    /// Its version.
    pub version: String,
    /// Its document.
    pub document: String,
    /// Whether it was there before.
    pub is_found: bool,
    /// The class and id of what it hangs on.
    pub owner: (String, u64),
}

const PENDING: &str = "f.id, f.attribute, f.name, f.bytes, f.sha256, coalesce(r.target, '')";

impl Ledger<'_> {
    /// The files of a class above an id that are not in the org and have not failed in this load.
    pub fn pending_files(
        &self,
        class: &str,
        above: u64,
        run: i64,
        most: usize,
    ) -> rusqlite::Result<Vec<Pending>> {
        self.0
            .prepare_cached(&format!(
                "SELECT {PENDING} FROM files f
                 JOIN records r ON r.class = f.owner_class AND r.id = f.owner_id
                 WHERE f.class = ?1 AND f.id > ?2 AND f.sha256 IS NOT NULL AND r.how = 'created'
                   AND NOT EXISTS (SELECT 1 FROM contents c WHERE c.class = f.class AND c.id = f.id
                                   AND c.attribute = f.attribute AND c.document IS NOT NULL)
                   AND NOT EXISTS (SELECT 1 FROM row_failures x WHERE x.class = f.class
                                   AND x.id = f.id AND x.part = f.attribute AND x.run = ?3)
                 ORDER BY f.id LIMIT ?4"
            ))?
            .query_map(params![class, integer(above), run, integer(most)], pending)?
            .collect()
    }

    /// A file is about to be sent; whether it was before, and nothing is known of that.
    pub fn begin_content(&self, class: &str, file: &Pending) -> rusqlite::Result<bool> {
        let known = self.0.execute(
            "INSERT OR IGNORE INTO contents (class, id, attribute) VALUES (?1, ?2, ?3)",
            params![class, integer(file.id), file.attribute],
        )?;
        Ok(known == 0)
    }

    /// It stands in the org.
    pub fn has_content(
        &self,
        class: &str,
        file: &Pending,
        how: How,
        (version, document): (&str, &str),
    ) -> rusqlite::Result<()> {
        self.0.execute(
            "UPDATE contents SET how = ?4, version = ?5, document = ?6
             WHERE class = ?1 AND id = ?2 AND attribute = ?3",
            params![class, integer(file.id), file.attribute, how.as_str(), version, document],
        )?;
        self.mend(class, file.id, &file.attribute)
    }

    /// It is not there.
    pub fn drop_content(&self, class: &str, id: u64, attribute: &str) -> rusqlite::Result<()> {
        self.0
            .execute(
                "DELETE FROM contents WHERE class = ?1 AND id = ?2 AND attribute = ?3",
                params![class, integer(id), attribute],
            )
            .map(drop)
    }

    /// The files of a class above an id that stand in the org.
    pub fn contents(&self, class: &str, above: u64, most: usize) -> rusqlite::Result<Vec<Content>> {
        self.0
            .prepare_cached(&format!(
                "SELECT {PENDING}, c.version, c.document, c.how = 'found', f.owner_class, f.owner_id
                 FROM contents c
                 JOIN files f ON f.class = c.class AND f.id = c.id AND f.attribute = c.attribute
                 LEFT JOIN records r ON r.class = f.owner_class AND r.id = f.owner_id
                 WHERE c.class = ?1 AND c.id > ?2 AND c.document IS NOT NULL
                 ORDER BY c.id LIMIT ?3"
            ))?
            .query_map(params![class, integer(above), integer(most)], |row| {
                Ok(Content {
                    of: pending(row)?,
                    version: row.get(6)?,
                    document: row.get(7)?,
                    is_found: row.get(8)?,
                    owner: (row.get(9)?, unsigned(row.get(10)?)),
                })
            })?
            .collect()
    }

    /// Of the files of a class: how many could be read from iTop, and how many of those hang on a record that was
    /// made.
    pub fn count_files(&self, class: &str) -> rusqlite::Result<(u64, u64)> {
        let sql = "SELECT count(*), count(r.id) FROM files f
                   LEFT JOIN records r ON r.class = f.owner_class AND r.id = f.owner_id
                        AND r.how = 'created'
                   WHERE f.class = ?1 AND f.sha256 IS NOT NULL";
        self.0.query_row(sql, [class], |row| Ok((unsigned(row.get(0)?), unsigned(row.get(1)?))))
    }
}

fn pending(row: &Row<'_>) -> rusqlite::Result<Pending> {
    let name: Option<String> = row.get(2)?;
    let bytes: Option<i64> = row.get(3)?;
    Ok(Pending {
        id: unsigned(row.get(0)?),
        attribute: row.get(1)?,
        name: name.unwrap_or_default(),
        bytes: unsigned(bytes.unwrap_or(0)),
        sha256: row.get(4)?,
        target: row.get(5)?,
    })
}
