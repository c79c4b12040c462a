//! Any other order and any filter: each row that can be seen is looked at once, and the best are kept.

use std::{
    cmp::{Ordering, Reverse},
    mem,
};

use memchr::memmem::Finder;

use super::{
    BoardSearch, Conditions, Found, Part,
    order::{KeyRef, Place, Rank},
};
use crate::{
    domain::desk_name::DeskName,
    store::{
        as_json,
        db::{self, Connection, Value, ValueRef, params_from_iter},
        foreign,
    },
};

/// The query of all rows among which the words are looked for, made of fixed pieces.
fn candidates(search: &BoardSearch) -> (String, Vec<Value>) {
    let BoardSearch { visible, desk, status, open, team, agent, mine, words, order, .. } = search;
    let mut conditions = Conditions::plain(search);
    let index = match visible.companies() {
        Some(companies) => {
            let is_one = "m.company_key IN (SELECT value FROM json_each(?))";
            conditions.ask(is_one, as_json(companies));
            "INDEXED BY control_tickets_company"
        }
        None => "",
    };
    let (controls, mut values) = foreign::controls(visible, index);
    if let Some(desk) = desk {
        if let Some(class) = desk.class() {
            conditions.ask("+m.ticket_class = ?", class.to_owned());
        } else {
            // iTop has what no other has.
            let others: Vec<_> = DeskName::ALL.into_iter().filter_map(DeskName::class).collect();
            let is_of_none = "+m.ticket_class NOT IN (SELECT value FROM json_each(?))";
            conditions.ask(is_of_none, as_json(&others));
        }
    }
    if let Some(status) = status {
        // The table itself, once: an index of most rows would cost more than all of them.
        conditions.ask("+m.ticket_status = ?", status.clone());
    }
    if let Some(open) = open {
        conditions.ask("+m.ticket_open = ?", i64::from(*open));
    }
    if let Some(team) = team {
        conditions.ask("m.team_words = ?", team.clone());
    }
    if let Some(agent) = agent {
        conditions.ask("m.agent_words = ?", agent.clone());
    }
    if let Some(mine) = mine {
        let is_mine = "? IN (m.author_words, m.login_words, m.agent_words)";
        conditions.ask(is_mine, mine.clone());
    }
    let searched = if words.is_empty() { "'', ''" } else { "m.control_words, m.ticket_words" };
    let sql = format!(
        "SELECT m.instance, m.control_id, m.received_at, {}, {searched}
         FROM {controls} WHERE true{}",
        order.key(),
        conditions.sql
    );
    values.append(&mut conditions.values);
    (sql, values)
}

/// The rows of a page and how many there are.
pub(super) fn found(db: &Connection, search: &BoardSearch) -> db::Result<Found> {
    let finders: Vec<_> = search.words.iter().map(|word| Finder::new(word.as_bytes())).collect();
    let (sql, values) = candidates(search);
    let mut page = Page::new(search);
    let mut select = db.prepare_cached(&sql)?;
    let mut rows = select.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        if !finders.is_empty() {
            let (control, ticket) = (row.get_ref(4)?.as_str()?, row.get_ref(5)?.as_str()?);
            let is_in = |text: &str, word: &Finder<'_>| word.find(text.as_bytes()).is_some();
            if !finders.iter().all(|word| is_in(control, word) || is_in(ticket, word)) {
                continue;
            }
        }
        let key = match row.get_ref(3)? {
            ValueRef::Integer(number) => KeyRef::Number(number),
            text => KeyRef::Text(text.as_str()?),
        };
        let (instance, control) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
        page.see((key, Reverse(row.get(2)?), Reverse(instance), Reverse(control)));
    }
    Ok(page.found())
}

/// The rows of a page, while all are looked at.
struct Page<'s> {
    search: &'s BoardSearch,
    /// The best so far, in no order, and some more that are not.
    kept: Vec<Place>,
    /// The last of the best, once there are enough of them.
    bound: Option<Place>,
    before: u64,
    total: u64,
}

impl<'s> Page<'s> {
    fn new(search: &'s BoardSearch) -> Self {
        Self { search, kept: Vec::new(), bound: None, before: 0, total: 0 }
    }

    /// How two rows stand to each other in the list.
    fn order(&self, a: Rank<'_>, b: Rank<'_>) -> Ordering {
        if self.search.descending { b.cmp(&a) } else { a.cmp(&b) }
    }

    /// Whether the first of two rows is nearer to where the page begins to be filled.
    fn is_nearer(&self, a: Rank<'_>, b: Rank<'_>) -> bool {
        let order = self.order(a, b);
        if matches!(self.search.part, Part::Before(_)) { order.is_gt() } else { order.is_lt() }
    }

    fn see(&mut self, rank: Rank<'_>) {
        self.total += 1;
        match &self.search.part {
            Part::First => {}
            Part::After(place) => {
                if self.order(rank, place.rank()).is_le() {
                    self.before += 1;
                    return;
                }
            }
            Part::Before(place) => {
                if self.order(rank, place.rank()).is_ge() {
                    return;
                }
                self.before += 1;
            }
        }
        if self.bound.as_ref().is_some_and(|bound| !self.is_nearer(rank, bound.rank())) {
            return;
        }
        self.kept.push(Place::of(rank));
        // Sorted now and then, a row costs next to nothing.
        if self.kept.len() >= 2 * self.search.limit + 64 {
            self.tidy();
            self.bound = self.kept.last().cloned();
        }
    }

    fn tidy(&mut self) {
        let mut kept = mem::take(&mut self.kept);
        kept.sort_unstable_by(|a, b| {
            if self.is_nearer(a.rank(), b.rank()) { Ordering::Less } else { Ordering::Greater }
        });
        kept.truncate(self.search.limit);
        self.kept = kept;
    }

    fn found(mut self) -> Found {
        self.tidy();
        let mut places = self.kept;
        let mut before = self.before;
        if matches!(self.search.part, Part::Before(_)) {
            places.reverse();
            before -= u64::try_from(places.len()).unwrap_or(before);
        }
        Found { places, before, total: self.total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            keys::{Instance, PartyKey},
            visible::Visible,
        },
        store::{Order, inbox_query::tests::plan, migrate::tests::empty},
    };

    #[test]
    fn all_else_walks_once_over_what_is_seen() {
        let db = empty();
        let text = || Some("text".to_owned());
        let company = PartyKey::id("42").unwrap();
        let all = Visible::all();
        let limited = Visible::of_companies(Instance::default(), [&company]);
        for (filters, whose) in
            (0..=u8::MAX).flat_map(|filters| [(filters, &all), (filters, &limited)])
        {
            let asked = |filter: u8| (filters >> filter) & 1 == 1;
            let is_limited = whose.limits().is_some();
            let visible = if asked(0) { whose.of_company(&company) } else { whose.clone() };
            for (_, order) in Order::ALL {
                let search = BoardSearch {
                    desk: asked(7).then_some(if asked(1) {
                        DeskName::Salesforce
                    } else {
                        DeskName::Itop
                    }),
                    status: if asked(1) { text() } else { None },
                    open: asked(2).then_some(true),
                    team: if asked(3) { text() } else { None },
                    agent: if asked(4) { text() } else { None },
                    mine: if asked(5) { text() } else { None },
                    words: if asked(6) { vec!["a".to_owned()] } else { Vec::new() },
                    order,
                    ..BoardSearch::of(visible.clone(), 100)
                };
                let (sql, values) = candidates(&search);
                let plan = plan(&db, &sql, values);
                let expected = if is_limited {
                    "SEARCH c USING INDEX control_tickets_company (company_key=?)"
                } else if asked(0) {
                    "SEARCH m USING INDEX control_tickets_company (company_key=?)"
                } else {
                    "SCAN m"
                };
                assert!(plan.lines().next().unwrap().starts_with(expected), "{search:?}: {plan}");
                let has_others = ["TEMP B-TREE", "SCAN t", "SCAN company_links", "MATERIALIZE"];
                assert!(!has_others.iter().any(|bad| plan.contains(bad)), "{search:?}: {plan}");
            }
        }
    }
}
