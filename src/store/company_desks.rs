//! Which ticket systems companies are linked to.

use std::collections::BTreeMap;

use super::{
    Store, StoreError,
    db::{self, OptionalExtension as _, params},
};
use crate::domain::desk_name::DeskName;

/// A company, by its instance and key.
pub type CompanyOfInstance = (String, String);

impl Store {
    /// That of each of these companies that has a link, itself or by one of its sites: all its links lead to
    /// one.
    pub async fn desks_of_companies(
        &self,
        companies: Vec<CompanyOfInstance>,
    ) -> Result<BTreeMap<CompanyOfInstance, DeskName>, StoreError> {
        self.read(move |db| {
            let mut select = db.prepare_cached(
                "SELECT desk FROM company_links WHERE instance = ?1 AND company_key = ?2 LIMIT 1",
            )?;
            let mut desks = BTreeMap::new();
            for (instance, company) in companies {
                let desk = |row: &db::Row<'_>| row.get::<_, DeskName>(0);
                if let Some(desk) = select.query_row(params![instance, company], desk).optional()? {
                    desks.insert((instance, company), desk);
                }
            }
            Ok(desks)
        })
        .await
    }
}
