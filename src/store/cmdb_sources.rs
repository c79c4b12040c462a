//! The data sources of iTop into which equipment is loaded, one a class: a handful of rows.

use jiff::Timestamp;

use super::{
    Store, StoreError,
    db::{self, Connection, params},
    time,
};

/// A data source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CmdbSource {
    /// The class of its CIs.
    pub class: String,
    /// Its id in iTop.
    pub source_id: String,
    /// Its name there.
    pub name: String,
    /// Which attributes it was set up to feed, and how each is kept.
    pub made_for: String,
    /// When that was.
    pub set_up_at: Timestamp,
}

impl Store {
    /// The data sources that are known, by class.
    pub async fn cmdb_sources(&self) -> Result<Vec<CmdbSource>, StoreError> {
        self.read(all).await
    }

    /// These are the data sources from now on: class, id, name and what each was made for.
    pub async fn replace_cmdb_sources(&self, sources: Vec<[String; 4]>) -> Result<(), StoreError> {
        let now = self.now_millis();
        self.write(move |db| {
            db.execute("DELETE FROM cmdb_sources", [])?;
            let mut insert = db.prepare_cached(
                "INSERT INTO cmdb_sources (class, source_id, name, made_for, set_up_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            for [class, source_id, name, made_for] in &sources {
                insert.execute(params![class, source_id, name, made_for, now])?;
            }
            Ok(())
        })
        .await?;
        self.tell_equipment();
        Ok(())
    }
}

/// All, by class.
pub(super) fn all(db: &Connection) -> db::Result<Vec<CmdbSource>> {
    let sql = "SELECT class, source_id, name, made_for, set_up_at FROM cmdb_sources ORDER BY class";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| {
        Ok(CmdbSource {
            class: row.get(0)?,
            source_id: row.get(1)?,
            name: row.get(2)?,
            made_for: row.get(3)?,
            set_up_at: time(row.get(4)?),
        })
    })?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[tokio::test]
    async fn the_last_set_up_is_known_and_nothing_of_those_before() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("bridge.db"), Clock::system()).unwrap();
        assert_eq!(store.cmdb_sources().await.unwrap(), []);
        let source =
            |class: &str, id: &str| [class, id, "ServiceNav", "name:locked"].map(str::to_owned);
        for sources in [vec![source("Server", "1"), source("PC", "2")], vec![source("Server", "3")]]
        {
            store.replace_cmdb_sources(sources).await.unwrap();
        }
        let known = store.cmdb_sources().await.unwrap();
        let ids: Vec<_> = known.iter().map(|source| (&*source.class, &*source.source_id)).collect();
        assert_eq!(ids, [("Server", "3")]);
    }
}
