//! What is said of a row: the operator's word for its state, and a sentence on why it is there and what to
//! do. Both are keys of the page's texts; the API's own code and sentence stand beside them.

use crate::domain::delivery_state::State;

/// How a row is spoken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web::console) struct Said {
    /// Below `inbox.state.`.
    pub(in crate::web::console) state: &'static str,
    /// The look of that word.
    pub(in crate::web::console) kind: &'static str,
    /// Below `inbox.why.`.
    pub(in crate::web::console) why: &'static str,
    /// Whether the bridge's own sentence says more.
    pub(in crate::web::console) has_more: bool,
}

/// Problems that are told by a sentence of their own.
const FAILED: [&str; 5] =
    ["refused-by-itop", "template-failed", "ticket-not-found", "turned-away", "given-up"];
const BLOCKED: [&str; 5] = [
    "organization-missing",
    "team-not-resolved",
    "team-missing",
    "list-unreadable",
    "duplicate-unreadable",
];

/// Codes that say of Salesforce what others say of iTop: the sentence is the same, and names it.
const OF_ANOTHER_DESK: [(&str, &str); 2] =
    [("refused-by-salesforce", "refused-by-itop"), ("salesforce-unavailable", "itop-unavailable")];

/// How a row in this state is spoken of, with the code of its problem; empty where it has none.
pub(in crate::web::console) fn said(state: State, code: &str) -> Said {
    let same = OF_ANOTHER_DESK.iter().find(|(other, _)| *other == code);
    let code = same.map_or(code, |(_, code)| *code);
    let known = |known: &[&'static str], other| {
        known.iter().find(|known| **known == code).copied().unwrap_or(other)
    };
    let says = |state, kind, why, has_more| Said { state, kind, why, has_more };
    match state {
        State::Failed => says("failed", "failed", known(&FAILED, "other-failed"), true),
        State::Blocked if code == "company-not-linked" => {
            says("waits_for_link", "waits", "company-not-linked", false)
        }
        State::Blocked => says("to_mend", "pending", known(&BLOCKED, "other-blocked"), true),
        State::Rejected => {
            let why = match code {
                "conflict" => "rejected-conflict",
                "forbidden" => "rejected-forbidden",
                "invalid" => "rejected-invalid",
                _ => "rejected-unreadable",
            };
            says("rejected", "failed", why, true)
        }
        State::Accepted => match code {
            "" => says("waits", "new", "waits", false),
            "itop-unavailable" => says("waits_for_itop", "pending", "itop-unavailable", true),
            "turned-away" => says("waits_for_itop", "pending", "turned-away-waits", true),
            "deliveries-held" => says("waits", "pending", "deliveries-held", false),
            _ => says("waits", "new", "tried-again", true),
        },
        State::Creating => says("creating", "new", "creating", false),
        State::Unknown => {
            let why = if code == "search-unproven" { "search-unproven" } else { "unknown" };
            says("unknown", "settling", why, true)
        }
        State::Created => says("created", "resolved", "created", false),
        State::Reused => says("reused", "resolved", "created", false),
        State::Recorded => match code {
            "tickets-off" => says("recorded", "ended", "tickets-off", false),
            "company-not-linked" => says("recorded", "ended", "recorded-unlinked", false),
            "test" => says("recorded", "ended", "test", true),
            _ => says("recorded", "ended", "recorded", true),
        },
        State::Discarded => says("discarded", "ended", "discarded", false),
    }
}

/// The word for rows that need somebody for a problem of this code, and can be tried again.
pub(super) fn of_cause(code: &str) -> &'static str {
    if BLOCKED.contains(&code) { "to_mend" } else { "failed" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::ticket_text::Language, web::console::texts::text};

    #[test]
    fn whatever_a_row_is_it_is_told_in_both_languages() {
        let codes = [
            "",
            "new-code",
            "absent",
            "ticket-changed",
            "itop-unavailable",
            "deliveries-held",
            "salesforce-unavailable",
            "refused-by-salesforce",
            "desk-unavailable",
            "company-not-linked",
            "search-unproven",
            "invalid",
            "unreadable",
            "conflict",
            "forbidden",
            "too-large",
            "tickets-off",
            "test",
            "no-ticket-wanted",
        ];
        for state in State::ALL {
            for code in codes.iter().chain(&FAILED).chain(&BLOCKED) {
                let said = said(state, code);
                for language in [Language::En, Language::Fr] {
                    for key in
                        [format!("inbox.state.{}", said.state), format!("inbox.why.{}", said.why)]
                    {
                        assert!(text(language, &key).is_some(), "{state:?} {code}: {key}");
                    }
                }
            }
        }
        let said = said(State::Failed, "given-up");
        assert_eq!((said.state, said.why), ("failed", "given-up"));
        let said = super::said(State::Failed, "refused-by-salesforce");
        assert_eq!((said.state, said.why), ("failed", "refused-by-itop"));
    }
}
