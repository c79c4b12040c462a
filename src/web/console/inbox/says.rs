//! What is said of a row: the operator's word for its state, and a sentence on why it is there and what to
//! do. Both are keys of the page's texts; the API's own code and sentence stand beside them.

use crate::{domain::delivery_state::State, store::InboxRow};

/// How a row is spoken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// Below `inbox.state.`.
    pub(super) state: &'static str,
    /// The look of that word.
    pub(super) kind: &'static str,
    /// Below `inbox.why.`.
    pub(super) why: &'static str,
    /// Whether the bridge's own sentence says more.
    pub(super) has_more: bool,
}

/// Problems that are told by a sentence of their own.
const FAILED: [&str; 5] =
    ["refused-by-itop", "template-failed", "ticket-not-found", "turned-away", "given-up"];
const BLOCKED: [&str; 4] =
    ["organization-missing", "team-not-resolved", "team-missing", "list-unreadable"];

/// How a row is spoken of.
pub(super) fn said(row: &InboxRow) -> Said {
    let code = row.problem.as_ref().map_or("", |problem| problem.code.as_str());
    let known = |known: &[&'static str], other| {
        known.iter().find(|known| **known == code).copied().unwrap_or(other)
    };
    let says = |state, kind, why, has_more| Said { state, kind, why, has_more };
    match row.state {
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
    use jiff::Timestamp;

    use super::*;
    use crate::{
        domain::{delivery_state::Problem, ticket_text::Language},
        web::console::texts::text,
    };

    fn row(state: State, code: &str) -> InboxRow {
        InboxRow {
            id: 1,
            instance: "default".to_owned(),
            event_id: None,
            event_type: "acknowledgement".to_owned(),
            state,
            problem: (!code.is_empty()).then(|| Problem::new(code, "x")),
            warnings: Vec::new(),
            company_key: None,
            company_name: None,
            control_id: None,
            control_name: None,
            attempts: 0,
            next_attempt_at: None,
            ticket: None,
            reason: None,
            received_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            ended_at: None,
        }
    }

    #[test]
    fn whatever_a_row_is_it_is_told_in_both_languages() {
        let codes = [
            "",
            "new-code",
            "absent",
            "ticket-changed",
            "itop-unavailable",
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
                let said = said(&row(state, code));
                for language in [Language::En, Language::Fr] {
                    for key in
                        [format!("inbox.state.{}", said.state), format!("inbox.why.{}", said.why)]
                    {
                        assert!(text(language, &key).is_some(), "{state:?} {code}: {key}");
                    }
                }
            }
        }
        let said = said(&row(State::Failed, "given-up"));
        assert_eq!((said.state, said.why), ("failed", "given-up"));
    }
}
