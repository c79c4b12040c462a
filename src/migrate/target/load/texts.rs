//! What a comment says of an entry: when it was written, by whom, and what.

use serde_json::json;

use crate::{
    domain::text::cut_bytes,
    itop::ItopZone,
    migrate::{mapping::Logs, staging::ledger::LogEntry},
    salesforce::{loading::Fields, plain},
};

/// How long a comment is, in bytes (SALESFORCE: `CaseComment`).
const LONGEST: usize = 4_000;

/// How much of that when and by whom may take.
const LONGEST_HEAD: usize = 400;

/// The texts of the comments that an entry becomes: when and by whom it was written, and what, in as many parts as
/// it takes.
#[must_use]
pub fn body_parts(entry: &LogEntry) -> Vec<String> {
    let text = plain::kept(&plain::of_html(&entry.html));
    let who = plain::kept(&entry.user);
    let head = match (entry.date.as_str(), who.as_str()) {
        ("", "") => String::new(),
        ("", who) => who.to_owned(),
        (date, "") => date.to_owned(),
        (date, who) => format!("{date}, {who}"),
    };
    let whole = format!("{head}:\n{text}");
    if whole.len() <= LONGEST {
        return vec![whole.trim().to_owned()];
    }
    // Room for the head and for which part it is.
    let room = LONGEST.saturating_sub(cut_bytes(&head, LONGEST_HEAD).len() + 24);
    let mut parts = Vec::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let part = cut_bytes(rest, room);
        rest = rest[part.len()..].trim_start();
        parts.push(part.trim_end());
    }
    let (of, head) = (parts.len(), cut_bytes(&head, LONGEST_HEAD));
    let numbered = parts.iter().enumerate();
    numbered.map(|(place, part)| format!("{head} ({}/{of}):\n{part}", place + 1)).collect()
}

/// A comment as it is sent.
#[must_use]
pub fn comment_fields(
    entry: &LogEntry,
    body: &str,
    logs: &Logs,
    zone: Option<&ItopZone>,
) -> Fields {
    let mut fields = Fields::new();
    fields.insert("ParentId".to_owned(), json!(entry.target));
    fields.insert("CommentBody".to_owned(), json!(body));
    fields.insert("IsPublished".to_owned(), json!(logs.public));
    if let Some(time) = zone.and_then(|zone| zone.read(&entry.date)) {
        let time = time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        fields.insert("CreatedDate".to_owned(), json!(time));
    }
    fields
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn entry(html: &str) -> LogEntry {
        LogEntry {
            id: 7,
            position: 0,
            date: "2026-07-15 14:00:00".to_owned(),
            user: "Ada Martin".to_owned(),
            html: html.to_owned(),
            target: "500".to_owned(),
        }
    }

    #[test]
    fn an_entry_says_when_and_by_whom() {
        let parts = body_parts(&entry("<p>on <b>its</b> way</p>"));
        assert_eq!(parts, ["2026-07-15 14:00:00, Ada Martin:\non its way"]);
        let logs = Logs { class: "Incident".into(), log: "public_log".into(), public: true };
        let zone = ItopZone::named("Europe/Paris").unwrap();
        let fields = comment_fields(&entry(""), "x", &logs, Some(&zone));
        let expected = json!({"ParentId": "500", "CommentBody": "x", "IsPublished": true,
                              "CreatedDate": "2026-07-15T12:00:00Z"});
        assert_eq!(Value::Object(fields), expected);
    }

    proptest! {
        #[test]
        fn a_long_entry_is_all_there_in_parts_that_fit(words in proptest::collection::vec("[a-zé€😀]{1,200}", 1..400)) {
            let text = words.join(" ");
            let parts = body_parts(&entry(&format!("<p>{text}</p>")));
            prop_assert!(parts.iter().all(|part| part.len() <= LONGEST));
            let said: String =
                parts.iter().map(|part| part.split_once(":\n").unwrap().1).collect();
            prop_assert_eq!(said.replace(' ', ""), text.replace(' ', ""));
        }
    }
}
