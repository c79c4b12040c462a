//! The newest tickets first, or the oldest: in the order of an index, from which all is read.

use super::{
    BoardSearch, Conditions, Found, Part,
    order::{Key, Place},
};
use crate::store::db::{self, Connection, Value, params_from_iter};

const BY_AGE: &str = "control_tickets AS m INDEXED BY control_tickets_age";

/// The query of a page in the order of the index of ages.
fn page(search: &BoardSearch) -> (String, Vec<Value>) {
    let BoardSearch { descending, part, limit, .. } = search;
    let mut conditions = Conditions::plain(search);
    // Ascending by age is descending by time; a page before a row is read backwards.
    let backwards = matches!(part, Part::Before(_));
    let newest_first = *descending == backwards;
    let (than, order) = if newest_first { ("<", "DESC") } else { (">", "ASC") };
    if let Part::After(place) | Part::Before(place) = part {
        beyond(&mut conditions, than, place);
    }
    conditions.values.push(i64::try_from(*limit).unwrap_or(i64::MAX).into());
    let sql = format!(
        "SELECT m.received_at, m.instance, m.control_id FROM {BY_AGE} WHERE true{}
         ORDER BY m.received_at {order}, m.instance {order}, m.control_id {order} LIMIT ?",
        conditions.sql
    );
    (sql, conditions.values)
}

/// Only what is on one side of a place in the index.
fn beyond(conditions: &mut Conditions, than: &str, place: &Place) {
    conditions.sql.push_str(" AND (m.received_at, m.instance, m.control_id) ");
    conditions.sql.push_str(than);
    conditions.sql.push_str(" (?, ?, ?)");
    let Place { received_at, instance, control, .. } = place;
    let place = [(*received_at).into(), instance.clone().into(), control.clone().into()];
    conditions.values.extend(place);
}

/// How many rows there are, or how many come before a place.
fn count(search: &BoardSearch, before: Option<&Place>) -> (String, Vec<Value>) {
    let mut conditions = Conditions::plain(search);
    if let Some(place) = before {
        let than = if search.descending { "<" } else { ">" };
        beyond(&mut conditions, than, place);
    }
    (format!("SELECT count(*) FROM {BY_AGE} WHERE true{}", conditions.sql), conditions.values)
}

/// The rows of a page and how many there are.
pub(super) fn found(db: &Connection, search: &BoardSearch) -> db::Result<Found> {
    let (sql, values) = page(search);
    let place = |row: &db::Row<'_>| {
        Ok(Place {
            key: Key::Number(0),
            received_at: row.get(0)?,
            instance: row.get(1)?,
            control: row.get(2)?,
        })
    };
    let mut places: Vec<Place> = db
        .prepare_cached(&sql)?
        .query_map(params_from_iter(values), place)?
        .collect::<Result<_, _>>()?;
    if matches!(search.part, Part::Before(_)) {
        places.reverse();
    }
    let counted = |before: Option<&Place>| {
        let (sql, values) = count(search, before);
        db.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))
    };
    let total = counted(None)?;
    let before = match (&search.part, places.first()) {
        (Part::First, _) | (Part::Before(_), None) => 0,
        (_, Some(first)) => counted(Some(first))?,
        (Part::After(_), None) => total,
    };
    Ok(Found { places, before, total })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{keys::Instance, priority::Priority, visible::Visible},
        store::{Group, inbox_query::tests::plan, migrate::tests::empty},
    };

    fn place() -> Place {
        let text = |text: &str| text.to_owned();
        Place { key: Key::Number(0), received_at: 7, instance: text("default"), control: text("c") }
    }

    #[test]
    fn the_newest_of_a_group_are_read_in_the_order_of_their_index() {
        let db = empty();
        for filters in 0..16_u8 {
            let asked = |filter: u8| (filters >> filter) & 1 == 1;
            for part in [Part::First, Part::After(place()), Part::Before(place())] {
                let visible = if asked(0) {
                    Visible::of_instance(Instance::default())
                } else {
                    Visible::all()
                };
                let search = BoardSearch {
                    group: asked(1).then_some(Group::Open),
                    priority: asked(2).then_some(Priority::High),
                    descending: asked(3),
                    part,
                    ..BoardSearch::of(visible, 100)
                };
                assert!(search.is_straight());
                let queries = [page(&search), count(&search, None), count(&search, Some(&place()))];
                for (sql, values) in queries {
                    let plan = plan(&db, &sql, values);
                    assert!(plan.contains("USING COVERING INDEX control_tickets_age"), "{plan}");
                    assert!(!plan.contains("TEMP B-TREE"), "{search:?}: {plan}");
                }
            }
        }
    }
}
