//! How a piece of equipment looks in the page, and a question about some.

use std::collections::HashMap;

use serde::Serialize;

use crate::{
    domain::equipment::{EquipmentState, Held, PROBLEM_CODES},
    store::{EquipmentCompany, Hold},
    web::{Addresses, api::equipment::view::EquipmentView},
};

/// Problems of which the words of the page say all; of others the API tells more.
const SAY_ALL: [&str; 4] = ["retire-limit", "not-adopted", "not-moved", "company-not-linked"];

/// What is known beside the rows to show them.
pub(super) struct Shown<'a> {
    addresses: &'a Addresses,
    names: HashMap<(&'a str, &'a str), &'a str>,
}

/// A company as it is named.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Company {
    instance: String,
    key: String,
    name: String,
}

/// A row as the template takes it.
#[derive(Serialize)]
pub(super) struct RowView {
    id: String,
    name: String,
    /// What it is recognised by beside its name.
    about: Vec<String>,
    company: Company,
    site: Option<String>,
    class: Option<String>,
    category: Option<String>,
    /// The state, or that somebody is asked.
    state: &'static str,
    kind: &'static str,
    /// The code of a problem for which there are words.
    why: Option<&'static str>,
    /// Its sentence, where that tells more.
    says: Option<String>,
    /// State and problem as the API has them, for whoever writes a program.
    code: String,
    ci: Option<Ci>,
    changed_at: String,
    synchronized_at: Option<String>,
    can_be_retried: bool,
    /// What is wanted, member by member.
    members: Vec<(String, String)>,
}

#[derive(Serialize)]
struct Ci {
    name: String,
    url: Option<String>,
}

/// A question.
#[derive(Serialize)]
pub(super) struct HeldView {
    what: &'static str,
    company: Company,
    class: Option<String>,
    rows: u64,
    /// The first of them.
    named: Vec<Named>,
    /// How many more there are.
    more: u64,
    /// What the levers of the API take.
    body: String,
}

#[derive(Serialize)]
struct Named {
    id: String,
    name: String,
    /// What is asked of this one, where that is not the same for all.
    says: Option<String>,
}

impl<'a> Shown<'a> {
    pub(super) fn new(addresses: &'a Addresses, companies: &'a [EquipmentCompany]) -> Self {
        let name = |one: &'a EquipmentCompany| {
            let key = (one.instance.as_str(), one.company.as_str());
            one.name.as_deref().map(|name| (key, name))
        };
        Self { addresses, names: companies.iter().filter_map(name).collect() }
    }

    pub(super) fn company(&self, instance: &str, key: &str) -> Company {
        let name = self.names.get(&(instance, key)).copied().unwrap_or(key);
        Company { instance: instance.to_owned(), key: key.to_owned(), name: name.to_owned() }
    }

    pub(super) fn row(&self, row: &EquipmentView) -> RowView {
        let wanted = &row.wanted;
        let about =
            [Some(row.id.to_string()), wanted.address.clone(), wanted.serial_number.clone()];
        let (state, kind) = state(row.state, row.held);
        let code = row.problem.as_ref().map(|problem| problem.code.as_str());
        let why = PROBLEM_CODES.into_iter().find(|known| code == Some(*known));
        let says = row.problem.as_ref().filter(|problem| !SAY_ALL.contains(&&*problem.code));
        RowView {
            id: row.id.to_string(),
            name: wanted.name.clone(),
            about: about.into_iter().flatten().collect(),
            company: self.company(row.instance.as_str(), &row.company.to_string()),
            site: wanted.site.clone().or_else(|| wanted.site_id.clone()),
            class: row.class.clone(),
            category: wanted.category.clone(),
            state,
            kind,
            why,
            says: says.map(|problem| problem.message.clone()),
            code: match code {
                Some(code) => format!("{} · {code}", row.state.as_str()),
                None => row.state.as_str().to_owned(),
            },
            ci: row.ci.as_ref().map(|ci| Ci {
                name: format!("{}::{}", ci.class, ci.id),
                url: self.addresses.object(&ci.class, &ci.id),
            }),
            changed_at: row.changed_at.to_string(),
            synchronized_at: row.synchronized_at.map(|at| at.to_string()),
            can_be_retried: row.state == EquipmentState::Failed,
            members: wanted.members(),
        }
    }

    /// A question about these rows and others like them.
    pub(super) fn held<'r>(
        &self,
        hold: &Hold,
        rows: impl Iterator<Item = &'r EquipmentView>,
    ) -> HeldView {
        // What is gone from a list says the same of each.
        let is_alike = hold.what == Held::Retire;
        let named: Vec<_> = rows
            .map(|row| Named {
                id: row.id.to_string(),
                name: row.wanted.name.clone(),
                says: row
                    .problem
                    .as_ref()
                    .filter(|_| !is_alike)
                    .map(|problem| problem.message.clone()),
            })
            .collect();
        let body = serde_json::json!({
            "company": hold.company, "instance": hold.instance, "what": hold.what,
            "class": hold.class.as_deref().unwrap_or_default(), "digest": hold.digest,
        });
        HeldView {
            what: hold.what.as_str(),
            company: self.company(&hold.instance, &hold.company),
            class: hold.class.clone(),
            rows: hold.rows,
            more: hold.rows.saturating_sub(u64::try_from(named.len()).unwrap_or(u64::MAX)),
            named,
            body: body.to_string(),
        }
    }
}

/// The word for a row, and the look of it.
fn state(state: EquipmentState, held: Option<Held>) -> (&'static str, &'static str) {
    if held.is_some() {
        return ("held", "waits");
    }
    let kind = match state {
        EquipmentState::New => "new",
        EquipmentState::Changed | EquipmentState::Retiring => "pending",
        EquipmentState::Synchronized => "resolved",
        EquipmentState::Failed => "failed",
        EquipmentState::Retired => "closed",
    };
    (state.as_str(), kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::ticket_text::Language, web::console::texts::text};

    #[test]
    fn every_problem_has_words_in_both_languages() {
        for code in PROBLEM_CODES {
            let key = format!("equipment.why.{code}");
            let [english, french] =
                [Language::En, Language::Fr].map(|language| text(language, &key).expect(code));
            assert_ne!(english, french);
        }
        assert!(SAY_ALL.iter().all(|code| PROBLEM_CODES.contains(code)));
    }
}
