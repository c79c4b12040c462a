//! What callers may ask of the board.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{acknowledgements::parsed, links::party_key, tickets::status};
use crate::{
    desk::{DeskName, Desks},
    domain::{
        hex::{hex, unhex},
        keys::Instance,
        names::{search_words, searchable},
        priority::Priority,
        visible::Visible,
    },
    store::{BoardSearch, Group, Order, Part, PendingSearch, Place},
    web::{
        auth::Caller,
        listing::{DEFAULT_LIMIT, MAX_TICKETS, limit},
        problem::ApiError,
    },
};

/// The longest question, in characters.
const MAX_QUESTION: usize = 200;

/// Controls without a ticket that are listed at most.
const MAX_PENDING: usize = 50;

/// What can be asked of the board. All but `instance`, `company`, `status`, `open`,
/// `cursor` and `limit` make it a search.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(in crate::web) struct BoardParams {
    pub(in crate::web) instance: Option<String>,
    pub(in crate::web) company: Option<String>,
    /// Only tickets of this ticket system.
    pub(in crate::web) desk: Option<DeskName>,
    /// A code of iTop, such as `assigned`.
    #[schemars(regex(pattern = "^[A-Za-z0-9_]+$"))]
    pub(in crate::web) status: Option<String>,
    /// Only those that are open, or that are not.
    pub(in crate::web) open: Option<bool>,
    pub(in crate::web) cursor: Option<String>,
    /// At most 10,000; 100 unless it says otherwise.
    #[schemars(range(min = 1, max = 10_000))]
    pub(in crate::web) limit: Option<usize>,
    /// Words that must all occur, in control, equipment, company, site, ticket or person.
    #[schemars(length(max = 200))]
    pub(in crate::web) q: Option<String>,
    /// What has become of the tickets.
    #[schemars(extend("enum" = ["open", "resolved", "closed", "gone", "all"]))]
    pub(in crate::web) group: Option<String>,
    /// 1 to 4.
    pub(in crate::web) priority: Option<String>,
    /// Its name.
    pub(in crate::web) team: Option<String>,
    /// Its name.
    pub(in crate::web) agent: Option<String>,
    /// The name of a person, or `true` for the caller.
    pub(in crate::web) mine: Option<String>,
    /// `age`, `priority`, `control`, `company`, `status`, `agent` or `ticket`; `-age` the other way round.
    #[schemars(regex(pattern = "^-?(age|priority|control|company|status|agent|ticket)$"))]
    pub(in crate::web) sort: Option<String>,
    /// The `prev` of an earlier answer.
    pub(in crate::web) before: Option<String>,
    /// Whether the answer says how many there are.
    pub(in crate::web) count: Option<bool>,
    /// Whether with what has no ticket yet.
    pub(in crate::web) pending: Option<bool>,
    /// Whether with what the acknowledgement told.
    pub(in crate::web) details: Option<bool>,
}

impl BoardParams {
    /// Whether anything is asked that only a search can answer.
    pub(super) fn is_search(&self) -> bool {
        let texts = [
            &self.q,
            &self.group,
            &self.priority,
            &self.team,
            &self.agent,
            &self.mine,
            &self.sort,
            &self.before,
        ];
        let flags = [self.count, self.pending, self.details];
        self.desk.is_some()
            || texts.iter().any(|text| text.is_some())
            || flags.iter().any(Option::is_some)
    }

    /// What of all that the caller may see.
    pub(super) fn visible(&self, caller: &Caller) -> Result<Visible, ApiError> {
        narrowed(caller, self.instance.as_deref(), self.company.as_deref())
    }

    pub(super) fn search(&self, caller: &Caller, desks: &Desks) -> Result<BoardSearch, ApiError> {
        let limit = limit(self.limit, DEFAULT_LIMIT, MAX_TICKETS)?;
        let (order, descending) = self.order()?;
        let name = |name: &Option<String>| name.as_deref().map(searchable);
        Ok(BoardSearch {
            desk: self.desk,
            status: self.status.clone().map(|text| status(text, desks)).transpose()?,
            open: self.open,
            group: self.group.as_deref().map(group).transpose()?.flatten(),
            priority: self.priority.as_deref().map(priority).transpose()?,
            team: name(&self.team),
            agent: name(&self.agent),
            mine: self.mine(caller),
            words: self.words()?,
            order,
            descending,
            part: self.part()?,
            pending: self.pending == Some(true),
            ..BoardSearch::of(self.visible(caller)?, limit)
        })
    }

    fn words(&self) -> Result<Vec<String>, ApiError> {
        let question = self.q.as_deref().unwrap_or_default();
        if question.chars().count() > MAX_QUESTION {
            let detail = format!("'q' must have at most {MAX_QUESTION} characters.");
            return Err(ApiError::BadParameter(detail));
        }
        Ok(search_words(question))
    }

    /// The person whose tickets are asked for.
    fn mine(&self, caller: &Caller) -> Option<String> {
        let named = self.mine.as_deref()?;
        Some(searchable(if named == "true" { &caller.name } else { named }))
    }

    fn order(&self) -> Result<(Order, bool), ApiError> {
        let Some(sort) = &self.sort else { return Ok((Order::Age, false)) };
        let (name, descending) = match sort.strip_prefix('-') {
            Some(name) => (name, true),
            None => (sort.as_str(), false),
        };
        let known = Order::ALL.into_iter().find(|(known, _)| *known == name);
        known.map(|(_, order)| (order, descending)).ok_or_else(|| {
            let known: Vec<_> = Order::ALL.iter().map(|(known, _)| *known).collect();
            let known = known.join(", ");
            ApiError::BadParameter(format!(
                "'sort' must be one of {known}, with '-' before it or not."
            ))
        })
    }

    fn part(&self) -> Result<Part, ApiError> {
        let read = |name: &str, text: &str| {
            let of_another = format!(
                "'{name}' must be the '{}' of an earlier answer in the same order.",
                if name == "before" { "prev" } else { "next" }
            );
            let read = unhex(text).and_then(|bytes| serde_json::from_slice(&bytes).ok());
            read.filter(|cursor: &Cursor| cursor.sort == self.sort)
                .map(|cursor| cursor.place)
                .ok_or(ApiError::BadParameter(of_another))
        };
        match (&self.cursor, &self.before) {
            (Some(_), Some(_)) => {
                let detail = "'cursor' and 'before' are two pages: ask for one of them.";
                Err(ApiError::BadParameter(detail.to_owned()))
            }
            (Some(cursor), None) => read("cursor", cursor).map(Part::After),
            (None, Some(before)) => read("before", before).map(Part::Before),
            (None, None) => Ok(Part::First),
        }
    }

    /// By which the next page is asked for, or the one before, from a row at the end of this one.
    pub(super) fn cursor(&self, place: &Place) -> Option<String> {
        let cursor = Cursor { sort: self.sort.clone(), place: place.clone() };
        serde_json::to_vec(&cursor).ok().map(|bytes| hex(&bytes))
    }

    /// What to list of controls without a ticket: nothing where a ticket's own properties are asked for.
    pub(super) fn pending(&self, search: &BoardSearch) -> Option<PendingSearch> {
        let of_tickets = [&self.status, &self.priority, &self.team, &self.agent];
        let lists_them = search.pending
            && search.desk.is_none()
            && search.part == Part::First
            && search.open != Some(false)
            && search.group.is_none_or(|group| group == Group::Open)
            && of_tickets.iter().all(|filter| filter.is_none());
        lists_them.then(|| PendingSearch {
            visible: search.visible.clone(),
            words: search.words.clone(),
            mine: search.mine.clone(),
            limit: MAX_PENDING,
        })
    }
}

/// What a caller may see, of the instance and the company that are named.
pub(super) fn narrowed(
    caller: &Caller,
    instance: Option<&str>,
    company: Option<&str>,
) -> Result<Visible, ApiError> {
    let named: Option<Instance> = parsed("instance", instance.map(str::to_owned))?;
    let visible = caller.narrowed_to(named.as_ref())?;
    Ok(match company.map(party_key).transpose()? {
        Some(company) => visible.of_company(&company),
        None => visible,
    })
}

/// A group, or `None` for all.
fn group(text: &str) -> Result<Option<Group>, ApiError> {
    if text == "all" {
        return Ok(None);
    }
    let known = Group::ALL.into_iter().find(|group| group.as_str() == text);
    known.map(Some).ok_or_else(|| {
        let detail = "'group' must be open, resolved, closed, gone or all.";
        ApiError::BadParameter(detail.to_owned())
    })
}

fn priority(text: &str) -> Result<Priority, ApiError> {
    Priority::parse(text)
        .ok_or_else(|| ApiError::BadParameter("'priority' must be from 1 to 4.".to_owned()))
}

/// Where a page ends, and in which order.
#[derive(Deserialize, Serialize)]
struct Cursor {
    sort: Option<String>,
    place: Place,
}
