//! A look into a database that another process may serve.

use std::path::Path;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rusqlite::{Connection, OpenFlags};

#[cfg(feature = "postgres")]
use super::postgres;
use super::{
    CmdbSource, EquipmentHalt, StoreError, cmdb_sources, company_links, db, equipment, migrate,
    with_suffix, writer,
};
use crate::{config::StoreSection, domain::company_link::CompanyLink};

/// The company links of a database, which is neither locked nor changed; `None` where there is no
/// such file.
///
/// # Errors
/// [`StoreError::Newer`] and [`StoreError::Unusable`], as [`Store::open`](super::Store::open) has
/// them.
pub fn links_at(path: &Path) -> Result<Option<Vec<CompanyLink>>, StoreError> {
    if !path.exists() {
        return Ok(None);
    }
    let unusable = |error: rusqlite::Error| StoreError::unusable(path, error);
    let connection = open(path).map_err(unusable)?;
    migrate::refuse_newer(&connection, path)?;
    let links = company_links::all_of_any_step(&connection.into());
    links.map(Some).map_err(|error| StoreError::unusable(path, error))
}

/// The data sources of equipment, likewise; none of a database that knows nothing of them yet.
///
/// # Errors
/// As [`links_at`].
pub fn cmdb_sources_at(path: &Path) -> Result<Option<Vec<CmdbSource>>, StoreError> {
    /// The step of the schema that knows them.
    const SINCE: i64 = 19;
    since(SINCE, path, cmdb_sources::all)
}

/// The data sources of which nothing is loaded for now, likewise.
///
/// # Errors
/// As [`links_at`].
pub fn equipment_halts_at(path: &Path) -> Result<Option<Vec<EquipmentHalt>>, StoreError> {
    /// The step of the schema that knows them.
    const SINCE: i64 = 20;
    since(SINCE, path, equipment::halts)
}

/// What is read of a database that has come to this step.
fn since<T>(
    step: i64,
    path: &Path,
    read: impl FnOnce(&db::Connection) -> db::Result<T>,
) -> Result<Option<T>, StoreError> {
    if !path.exists() {
        return Ok(None);
    }
    let unusable = |error: rusqlite::Error| StoreError::unusable(path, error);
    let connection = open(path).map_err(unusable)?;
    if migrate::refuse_newer(&connection, path)? < step {
        return Ok(None);
    }
    read(&connection.into()).map(Some).map_err(|error| StoreError::unusable(path, error))
}

/// The company links of the database that a configuration names, as [`links_at`] gives them.
///
/// # Errors
/// As [`links_at`].
pub fn links_of(section: &StoreSection) -> Result<Option<Vec<CompanyLink>>, StoreError> {
    #[cfg(feature = "postgres")]
    if section.url.is_some() {
        return postgres::look(section, |db| Ok(Some(company_links::all(db)?)));
    }
    links_at(&section.path)
}

/// The data sources of equipment, as [`cmdb_sources_at`] gives them.
///
/// # Errors
/// As [`links_at`].
pub fn cmdb_sources_of(section: &StoreSection) -> Result<Option<Vec<CmdbSource>>, StoreError> {
    #[cfg(feature = "postgres")]
    if section.url.is_some() {
        return postgres::look(section, |db| Ok(Some(cmdb_sources::all(db)?)));
    }
    cmdb_sources_at(&section.path)
}

/// The data sources of which nothing is loaded for now, as [`equipment_halts_at`] gives them.
///
/// # Errors
/// As [`links_at`].
pub fn equipment_halts_of(
    section: &StoreSection,
) -> Result<Option<Vec<EquipmentHalt>>, StoreError> {
    #[cfg(feature = "postgres")]
    if section.url.is_some() {
        return postgres::look(section, |db| Ok(Some(equipment::halts(db)?)));
    }
    equipment_halts_at(&section.path)
}

/// What may go wrong with the database that a configuration names, in a sentence; what can be said of a file is
/// said when it is opened.
///
/// # Errors
/// As [`links_at`].
pub fn doubts_of(section: &StoreSection) -> Result<Option<String>, StoreError> {
    #[cfg(feature = "postgres")]
    if section.url.is_some() {
        return postgres::look(section, postgres::doubts);
    }
    let _ = section;
    Ok(None)
}

/// Why an address cannot be that of a database, if it cannot.
#[must_use]
pub fn fault_of_url(url: &str) -> Option<String> {
    #[cfg(feature = "postgres")]
    return postgres::parse(url).err();
    #[cfg(not(feature = "postgres"))]
    {
        let _ = url;
        Some(
            "store.url: this program was built without PostgreSQL (the feature 'postgres')"
                .to_owned(),
        )
    }
}

/// Opens a database to be read, whoever writes to it.
pub(crate) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = if with_suffix(path, "-wal").exists() {
        Connection::open_with_flags(path, flags)?
    } else {
        // Nobody writes to it. Opened in the usual way it would get two files beside it, of whoever
        // runs this, which the account of the bridge could not write.
        let path = utf8_percent_encode(&path.to_string_lossy(), NON_ALPHANUMERIC).to_string();
        let address = format!("file:{}?immutable=1", path.replace("%2F", "/"));
        Connection::open_with_flags(address, flags | OpenFlags::SQLITE_OPEN_URI)?
    };
    connection.busy_timeout(writer::BUSY)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Clock, store::Store};

    #[tokio::test]
    async fn a_look_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("br#i d?ge.db");
        assert_eq!(links_at(&path).unwrap(), None);
        assert!(!path.exists());
        let store = Store::open(&path, Clock::system()).unwrap();
        // While it is served, and after.
        assert_eq!(links_at(&path).unwrap(), Some(vec![]));
        drop(store);
        let files = || std::fs::read_dir(folder.path()).unwrap().count();
        let before = files();
        assert_eq!(links_at(&path).unwrap(), Some(vec![]));
        assert_eq!(files(), before);
    }

    #[test]
    fn a_file_that_is_no_database_is_unusable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bridge.db");
        std::fs::write(&path, "no database, and longer than a header of one would be".repeat(99))
            .unwrap();
        assert!(matches!(links_at(&path), Err(StoreError::Unusable { .. })));
    }
}
