//! The companies that have tickets, for whoever chooses one.

use super::{
    Store, StoreError,
    db::{self, Connection, OptionalExtension as _, params},
};
use crate::domain::{names, visible::Visible};

/// Companies that are listed at most: beyond that one searches.
const LISTED: usize = 1_000;

/// A company on the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardCompany {
    /// `id:…` or `name:…`.
    pub key: String,
    /// What it is called; its key where that is not known.
    pub name: String,
}

impl Store {
    /// The companies that are seen and have a control with a ticket, by name.
    pub async fn companies_of_board(
        &self,
        visible: &Visible,
    ) -> Result<Vec<BoardCompany>, StoreError> {
        let visible = visible.clone();
        let mut found = self.read(move |db| companies(db, &visible)).await?;
        found.sort_by_cached_key(|company| names::searchable(&company.name));
        Ok(found)
    }
}

const NEXT: &str = "SELECT min(company_key) FROM control_tickets INDEXED BY control_tickets_company
     WHERE company_key > ?1";
const NAME: &str = "SELECT company_name FROM control_tickets INDEXED BY control_tickets_company
     WHERE company_key = ?1 LIMIT 1";
const NAME_IN_INSTANCE: &str =
    "SELECT company_name FROM control_tickets INDEXED BY control_tickets_company
     WHERE company_key = ?1 AND instance = ?2 LIMIT 1";

/// From each company to the next one in the index, however many controls a company has.
fn companies(db: &Connection, visible: &Visible) -> db::Result<Vec<BoardCompany>> {
    let mut found = Vec::new();
    let mut last = String::new();
    let mut next = db.prepare_cached(NEXT)?;
    while found.len() < LISTED {
        let Some(key) = next.query_row([&last], |row| row.get::<_, Option<String>>(0))? else {
            break;
        };
        let is_seen = visible.companies().is_none_or(|companies| companies.contains(&key));
        let name: Option<Option<String>> = match visible.instance() {
            _ if !is_seen => None,
            Some(instance) => db
                .prepare_cached(NAME_IN_INSTANCE)?
                .query_row(params![key, instance.as_str()], |row| row.get(0))
                .optional()?,
            None => db.prepare_cached(NAME)?.query_row([&key], |row| row.get(0)).optional()?,
        };
        if let Some(name) = name {
            found
                .push(BoardCompany { name: name.unwrap_or_else(|| key.clone()), key: key.clone() });
        }
        last = key;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::keys::{Instance, PartyKey},
        store::{inbox_query::tests::plan, migrate::tests::empty},
    };

    #[test]
    fn each_company_is_found_once_and_by_an_index() {
        let db = empty();
        db.execute_batch(
            "INSERT INTO tickets (class, id, ref, org_id, status, operational_status, title,
                 presence, as_of)
             VALUES ('Incident', '7', 'I-7', '3', 'new', 'ongoing', 't', 'present', 1);",
        )
        .unwrap();
        for (instance, control, company) in
            [("a", "1", "id:1"), ("a", "2", "id:1"), ("a", "3", "id:2"), ("b", "1", "id:3")]
        {
            db.execute(
                "INSERT INTO control_tickets (instance, control_id, control_name, company_key,
                     ticket_class, ticket_id, acknowledgement_id, mapped_at, company_name)
                 VALUES (?1, ?2, 'C', ?3, 'Incident', '7', 1, 1, nullif('N' || ?3, 'Nid:3'))",
                [instance, control, company],
            )
            .unwrap();
        }
        let a: Instance = "a".parse().unwrap();
        let names = |visible: &Visible| {
            let found = companies(&db, visible).unwrap();
            found.into_iter().map(|company| company.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&Visible::all()), ["Nid:1", "Nid:2", "id:3"]);
        assert_eq!(names(&Visible::of_instance(a.clone())), ["Nid:1", "Nid:2"]);
        let (two, three) = (PartyKey::id("2").unwrap(), PartyKey::id("3").unwrap());
        assert_eq!(names(&Visible::of_companies(a, [&two, &three])), ["Nid:2"]);
        for sql in [NEXT, NAME, NAME_IN_INSTANCE] {
            let values = ["id:1", "a"].map(|text| text.to_owned().into());
            let values = values[..sql.matches('?').count()].to_vec();
            let plan = plan(&db, sql, values);
            assert!(plan.contains("SEARCH control_tickets USING"), "{plan}");
        }
    }
}
