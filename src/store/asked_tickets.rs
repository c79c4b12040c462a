//! The tickets that the board knows among those that somebody names.

use std::collections::BTreeMap;

use super::{
    AgedTicket, Store, StoreError, as_json,
    db::{self, Connection},
    time,
};
use crate::domain::{keys::TicketKey, visible::Visible};

/// A ticket as somebody outside names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AskedTicket {
    /// Its class, as iTop calls it. A word that is none of those is left out of account: ids count across
    /// all classes.
    pub class: Option<String>,
    /// Its id.
    pub id: String,
}

/// Each id in each class that there is, which are few.
const KNOWN: &str = "
    WITH RECURSIVE classes (class) AS (
        SELECT min(class) FROM tickets
        UNION ALL
        SELECT (SELECT min(class) FROM tickets WHERE class > classes.class)
        FROM classes WHERE classes.class IS NOT NULL)
    SELECT t.class, t.id, t.org_id, t.as_of, m.instance, m.company_key
    FROM json_each(?1) AS asked CROSS JOIN classes
    CROSS JOIN tickets AS t ON t.class = classes.class AND t.id = asked.value
    CROSS JOIN control_tickets AS m
        ON m.ticket_class = t.class AND m.ticket_id = t.id AND m.replaced IS NULL";

impl Store {
    /// The tickets of controls that are seen among these.
    pub async fn known_tickets(
        &self,
        asked: Vec<AskedTicket>,
        visible: &Visible,
    ) -> Result<Vec<AgedTicket>, StoreError> {
        let visible = visible.clone();
        self.read(move |db| known(db, asked, &visible)).await
    }
}

fn known(
    db: &Connection,
    asked: Vec<AskedTicket>,
    visible: &Visible,
) -> db::Result<Vec<AgedTicket>> {
    let mut classes = BTreeMap::<String, Vec<Option<String>>>::new();
    for AskedTicket { class, id } in asked {
        classes.entry(id).or_default().push(class);
    }
    let ids: Vec<_> = classes.keys().collect();
    let mut select = db.prepare_cached(KNOWN)?;
    let mut rows = select.query([as_json(&ids)])?;
    let mut found = BTreeMap::<TicketKey, AgedTicket>::new();
    while let Some(row) = rows.next()? {
        let key = TicketKey { class: row.get(0)?, id: row.get(1)? };
        if visible.contains(row.get_ref(4)?.as_str()?, row.get_ref(5)?.as_str_or_null()?) {
            let ticket =
                AgedTicket { key: key.clone(), org: row.get(2)?, as_of: time(row.get(3)?) };
            found.insert(key, ticket);
        }
    }
    // A class that is known says which ticket is meant; another word does not.
    let is_meant = |ticket: &AgedTicket| {
        let id = ticket.key.id.as_str();
        let has = |class: &str| found.keys().any(|key| key.id.as_str() == id && key.class == class);
        classes.get(id).into_iter().flatten().any(|class| match class {
            Some(class) if has(class) => *class == ticket.key.class,
            _ => true,
        })
    };
    Ok(found.values().filter(|ticket| is_meant(ticket)).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::keys::{Instance, PartyKey},
        store::{inbox_query::tests::plan, migrate::tests::empty},
    };

    #[test]
    fn known_tickets_are_found_by_their_ids_and_seen_by_whom_they_concern() {
        let db = empty();
        db.execute_batch(
            "INSERT INTO tickets (class, id, ref, org_id, status, operational_status, title, presence,
                 as_of)
             VALUES ('Incident', '7', 'I-7', '3', 'new', 'ongoing', 't', 'present', 1),
                 ('UserRequest', '8', 'R-8', '3', 'new', 'ongoing', 't', 'present', 1);
             INSERT INTO control_tickets (instance, control_id, control_name, company_key,
                 ticket_class, ticket_id, acknowledgement_id, mapped_at)
             VALUES ('default', 'c', 'C', 'id:42', 'Incident', '7', 1, 1),
                 ('default', 'd', 'D', 'id:43', 'UserRequest', '8', 2, 1);",
        )
        .unwrap();
        let asked = |class: Option<&str>, id: &str| AskedTicket {
            class: class.map(str::to_owned),
            id: id.to_owned(),
        };
        let found = |asked: Vec<AskedTicket>, visible: &Visible| -> Vec<String> {
            let known = known(&db, asked, visible).unwrap();
            known.iter().map(|ticket| format!("{}:{}", ticket.key.class, ticket.key.id)).collect()
        };
        let all = Visible::all();
        let both =
            vec![asked(Some("Incident"), "7"), asked(Some("Demande"), "8"), asked(None, "9")];
        assert_eq!(found(both.clone(), &all), ["Incident:7", "UserRequest:8"]);
        let company = PartyKey::id("42").unwrap();
        let one = Visible::of_companies(Instance::default(), [&company]);
        assert_eq!(found(both, &one), ["Incident:7"]);
        let plan = plan(&db, KNOWN, vec!["[]".to_owned().into()]);
        assert!(plan.contains("SEARCH t USING PRIMARY KEY (class=? AND id=?)"), "{plan}");
        assert!(!plan.contains("SCAN tickets"), "{plan}");
    }
}
