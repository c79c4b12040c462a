//! Which ticket systems companies are linked to.

use std::collections::BTreeMap;

use super::{
    Store, StoreError,
    db::{self, Connection, OptionalExtension as _},
};
use crate::domain::desk_name::DeskName;

/// A company, by its instance and key.
pub type CompanyOfInstance = (String, String);

/// The desk of a company of an instance: all its links lead to one.
const OF_COMPANY: &str =
    "SELECT desk FROM company_links WHERE instance = ?1 AND company_key = ?2 LIMIT 1";

/// That of a company, if it has a link, itself or by one of its sites.
pub(super) fn desk_of_company(
    db: &Connection,
    instance: &str,
    company: &str,
) -> db::Result<Option<DeskName>> {
    db.prepare_cached(OF_COMPANY)?.query_row([instance, company], |row| row.get(0)).optional()
}

impl Store {
    /// That of each of these companies that has a link, itself or by one of its sites: all its links lead to
    /// one.
    pub async fn desks_of_companies(
        &self,
        companies: Vec<CompanyOfInstance>,
    ) -> Result<BTreeMap<CompanyOfInstance, DeskName>, StoreError> {
        self.read(move |db| {
            let mut desks = BTreeMap::new();
            for (instance, company) in companies {
                if let Some(desk) = desk_of_company(db, &instance, &company)? {
                    desks.insert((instance, company), desk);
                }
            }
            Ok(desks)
        })
        .await
    }
}
