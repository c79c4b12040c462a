//! Looking at equipment: pages in the order of instance, company and id.

use super::{COLUMNS, row};
use crate::{
    domain::{
        equipment::{EquipmentRow, EquipmentState, Held},
        keys::EquipmentId,
        visible::Visible,
        wanted_words::WantedWords,
    },
    store::{
        Store, StoreError,
        db::{self, Connection, Value, params_from_iter},
    },
};

/// Rows that are looked at for one page at most, where an index does not find them.
const LOOKED_AT: usize = 100_000;

/// Which rows to list.
#[derive(Clone, Debug)]
pub struct EquipmentFilter {
    /// Only what is seen.
    pub visible: Visible,
    /// Only this id.
    pub id: Option<EquipmentId>,
    /// Only this state.
    pub state: Option<EquipmentState>,
    /// Only those for which a person is asked this.
    pub held: Option<Held>,
    /// Only those of this class in iTop.
    pub class: Option<String>,
    /// Only those with this problem.
    pub problem: Option<String>,
    /// Only those with these words: in name, id, address, serial number or site.
    pub words: WantedWords,
    /// Only those after this one, by instance, company and id.
    pub after: Option<[String; 3]>,
    /// How many at most.
    pub limit: usize,
}

impl EquipmentFilter {
    /// All that is seen.
    #[must_use]
    pub fn of(visible: Visible, limit: usize) -> Self {
        Self {
            visible,
            id: None,
            state: None,
            held: None,
            class: None,
            problem: None,
            words: WantedWords::of(""),
            after: None,
            limit,
        }
    }
}

/// Some rows.
#[derive(Clone, Debug, Default)]
pub struct EquipmentPage {
    /// The rows.
    pub rows: Vec<EquipmentRow>,
    /// After which the next page begins, if there may be more.
    pub next: Option<[String; 3]>,
    /// Whether it has ended before it was full, because so many had been looked at.
    pub is_cut: bool,
}

impl Store {
    /// A page of rows.
    pub async fn equipment_page(
        &self,
        filter: EquipmentFilter,
    ) -> Result<EquipmentPage, StoreError> {
        self.read(move |db| page(db, &filter, LOOKED_AT)).await
    }
}

fn page(db: &Connection, filter: &EquipmentFilter, looked_at: usize) -> db::Result<EquipmentPage> {
    let snapshot = db.snapshot()?;
    let mut page = EquipmentPage::default();
    let mut left = looked_at;
    // Company by company: each has an index in the order of its ids.
    for (instance, company) in companies(&snapshot, filter)? {
        let after =
            filter.after.as_ref().filter(|after| after[0] == instance && after[1] == company);
        let (sql, values) =
            query(filter, &instance, &company, after.map(|after| after[2].as_str()));
        let mut select = snapshot.prepare_cached(&sql)?;
        let mut rows = select.query(params_from_iter(values))?;
        while let Some(found) = rows.next()? {
            if left == 0 {
                // The last one that was looked at is the one before this.
                page.is_cut = true;
                return Ok(page);
            }
            left -= 1;
            let is_it = has_words(found.get_ref(WORDS)?.as_str()?, &filter.words);
            let place = [instance.clone(), company.clone(), found.get(2)?];
            if is_it {
                if page.rows.len() == filter.limit {
                    page.next = page.rows.last().map(place_of);
                    return Ok(page);
                }
                page.rows.push(row(&found)?);
            }
            page.next = Some(place);
        }
    }
    page.next = None;
    Ok(page)
}

/// The column after those of a row.
const WORDS: usize = 20;

fn has_words(text: &str, words: &WantedWords) -> bool {
    words.is_empty() || words.missing_in([text]).is_empty()
}

fn place_of(row: &EquipmentRow) -> [String; 3] {
    let key = &row.key;
    [key.instance.to_string(), key.company.to_string(), key.id.to_string()]
}

/// The companies of which a page may have rows, in order.
fn companies(db: &Connection, filter: &EquipmentFilter) -> db::Result<Vec<(String, String)>> {
    let mut select = db.prepare_cached(
        "SELECT instance, company_key FROM equipment_lists WHERE (instance, company_key) >= (?1, ?2)
         ORDER BY instance, company_key",
    )?;
    let (instance, company) = match &filter.after {
        Some([instance, company, _]) => (instance.as_str(), company.as_str()),
        None => ("", ""),
    };
    let mut rows = select.query([instance, company])?;
    let mut companies = Vec::new();
    while let Some(row) = rows.next()? {
        let (instance, company): (String, String) = (row.get(0)?, row.get(1)?);
        if filter.visible.contains(&instance, Some(&company)) {
            companies.push((instance, company));
        }
    }
    Ok(companies)
}

/// The rows of one company: only what is asked for stands in the query, and state and question have an index.
fn query(
    filter: &EquipmentFilter,
    instance: &str,
    company: &str,
    after: Option<&str>,
) -> (String, Vec<Value>) {
    let EquipmentFilter { id, state, held, class, problem, .. } = filter;
    let index = match (id, held, state) {
        (Some(_), ..) | (None, None, None) => "",
        (None, Some(_), _) => " INDEXED BY equipment_held",
        (None, None, Some(_)) => " INDEXED BY equipment_state",
    };
    let mut sql = format!(
        "SELECT {COLUMNS}, words FROM equipment{index} WHERE instance = ? AND company_key = ?"
    );
    let mut values: Vec<Value> = vec![instance.to_owned().into(), company.to_owned().into()];
    let mut ask = |condition: &str, value: &str| {
        sql.push_str(condition);
        values.push(value.to_owned().into());
    };
    if let Some(id) = id {
        ask(" AND equipment_id = ?", id.as_str());
    }
    if let Some(after) = after {
        ask(" AND equipment_id > ?", after);
    }
    if let Some(held) = held {
        ask(" AND held = ?", held.as_str());
    }
    if let Some(state) = state {
        ask(" AND state = ?", state.as_str());
    }
    if let Some(class) = class {
        ask(" AND class = ?", class);
    }
    if let Some(problem) = problem {
        ask(" AND problem_code = ?", problem);
    }
    sql.push_str(" ORDER BY equipment_id");
    (sql, values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{inbox_query::tests::plan, migrate::tests::empty};

    #[test]
    fn every_filter_is_in_the_order_of_an_index() {
        let db = empty();
        for filters in 0..64_u8 {
            let asked = |filter: u8| (filters >> filter) & 1 == 1;
            let filter = EquipmentFilter {
                id: asked(0).then(|| "7".parse().unwrap()),
                state: asked(1).then_some(EquipmentState::Failed),
                held: asked(2).then_some(Held::Retire),
                class: asked(3).then(|| "Server".to_owned()),
                problem: asked(4).then(|| "x".to_owned()),
                ..EquipmentFilter::of(Visible::all(), 100)
            };
            let after = asked(5).then_some("6");
            let (sql, values) = query(&filter, "default", "id:42", after);
            let plan = plan(&db, &sql, values);
            assert!(plan.starts_with("SEARCH equipment USING"), "{filter:?}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{filter:?}: {plan}");
        }
    }
}
