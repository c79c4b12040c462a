//! Each sentence in each language.

use super::*;
use crate::domain::{
    acknowledgement::ControlState,
    keys::{ObjectId, TicketId, TicketKey},
};

fn wanted(id: Option<&str>, name: Option<&str>) -> Ref {
    Ref { id: id.map(str::to_owned), name: name.map(str::to_owned) }
}

fn candidates(count: u64) -> Candidates {
    Candidates::new(
        (1..=count).map(|id| Named { id: ObjectId::new(id.to_string()), name: "Ops".to_owned() }),
    )
}

/// A sample of the variant after this one. A new variant needs an arm of its own to be compiled,
/// and a place in the chain to be told of.
fn after(notice: &Notice) -> Option<Notice> {
    use Notice as N;
    let text = |text: &str| text.to_owned();
    let by_name = || wanted(None, Some("X"));
    let by_key = || wanted(Some("37"), None);
    Some(match notice {
        N::LeftOut { .. } => N::NoStatusTime,
        N::NoStatusTime => N::NoCreationTime,
        N::NoCreationTime => N::RawControls,
        N::RawControls => N::CompanyCalledOtherwise {
            id: text("42"),
            product: text("ServiceNav"),
            sent: text("X"),
            known: text("Y"),
        },
        N::CompanyCalledOtherwise { .. } => {
            let wanted = wanted(Some("37"), Some("X"));
            N::CalledOtherwise { kind: RefKind::Team, wanted, name: text("Y") }
        }
        N::CalledOtherwise { .. } => {
            N::ListRefused { kind: RefKind::Ci, code: 100, words: text("Error 1") }
        }
        N::ListRefused { .. } => {
            N::ListNotAllowed { kind: RefKind::Contact, words: text("Error 1") }
        }
        N::ListNotAllowed { .. } => N::ListTurnedAway { kind: RefKind::Contact, status: 403 },
        N::ListTurnedAway { .. } => {
            N::TeamAmbiguous { from: Origin::Event, wanted: by_name(), candidates: candidates(2) }
        }
        N::TeamAmbiguous { .. } => N::TeamDoesNotServe { from: Origin::Link, wanted: by_key() },
        N::TeamDoesNotServe { .. } => N::ContactAmbiguous {
            from: Origin::Event,
            wanted: by_name(),
            candidates: candidates(6),
        },
        N::ContactAmbiguous { .. } => {
            N::ContactUnknown { from: Origin::Configuration, wanted: by_key() }
        }
        N::ContactUnknown { .. } => {
            N::ContractAmbiguous { wanted: by_name(), candidates: candidates(7) }
        }
        N::ContractAmbiguous { .. } => N::ContractUnknown { wanted: by_key() },
        N::ContractUnknown { .. } => {
            N::ServiceAmbiguous { wanted: by_name(), candidates: candidates(2) }
        }
        N::ServiceAmbiguous { .. } => N::ServiceNotInContract { wanted: by_name() },
        N::ServiceNotInContract { .. } => N::ServiceInNoContract { wanted: by_name() },
        N::ServiceInNoContract { .. } => N::ElementWithoutService { wanted: by_name() },
        N::ElementWithoutService { .. } => {
            N::ElementAmbiguous { wanted: by_name(), candidates: candidates(2) }
        }
        N::ElementAmbiguous { .. } => {
            N::ElementNotOfService { wanted: by_name(), service: text("Y") }
        }
        N::ElementNotOfService { .. } => {
            N::ElementInSeveralServices { wanted: by_name(), services: candidates(2) }
        }
        N::ElementInSeveralServices { .. } => N::ElementInNoService { wanted: by_name() },
        N::ElementInNoService { .. } => {
            N::CiAmbiguous { way: CiWay::Equipment(text("X")), candidates: candidates(2) }
        }
        N::CiAmbiguous { .. } => {
            N::CiUnknown { way: CiWay::ItsmId { key: text("29"), equipment: text("srv-sql-01") } }
        }
        N::CiUnknown { .. } => N::NoCi,
        N::NoCi => N::AmbiguousWhenFolded { kind: RefKind::Service, name: text("X") },
        N::AmbiguousWhenFolded { .. } => N::NotOfCases { kind: RefKind::Ci, name: text("X") },
        N::NotOfCases { .. } => N::DroppedByItop { kind: RefKind::Ci, name: text("X") },
        N::DroppedByItop { .. } => {
            N::RefusedByItop { kind: RefKind::ServiceElement, name: text("X") }
        }
        N::RefusedByItop { .. } => N::TeamRefusedByItop { name: text("X") },
        N::TeamRefusedByItop { .. } => {
            N::PriorityOtherwise { wanted: Priority::Critical, computed: Priority::Medium }
        }
        N::PriorityOtherwise { .. } => N::Worse(Worse {
            state: ControlState::Critical,
            since: "2026-11-21T09:14:09".parse().unwrap(),
            priority_now: Priority::Critical,
            priority_then: Some(Priority::Medium),
        }),
        N::Worse(_) => N::ControlRenamed { before: text("HTTP srv-1"), now: text("HTTP srv-2") },
        N::ControlRenamed { .. } => {
            N::ExistingEnded { number: text("I-000012"), status: text("closed") }
        }
        N::ExistingEnded { .. } => N::LineUnread { number: text("I-000012") },
        N::LineUnread { .. } => N::LineSwallowed { number: text("I-000012") },
        N::LineSwallowed { .. } => N::ProbeMade { ticket: text("I-000013 (Incident::13)") },
        N::ProbeMade { .. } => {
            let key = |id: &str| TicketKey { class: text("Incident"), id: TicketId::new(id) };
            N::Twins { tickets: vec![key("12"), key("13")] }
        }
        N::Twins { .. } => return None,
    })
}

/// One of each.
fn samples() -> Vec<Notice> {
    let first = Notice::LeftOut {
        member: "control.url".to_owned(),
        sent: "https://x y".to_owned(),
        fault: Fault::Unusable,
    };
    std::iter::successors(Some(first), after).collect()
}

/// The same with every kind of object, origin and way.
fn more_samples() -> Vec<Notice> {
    const KINDS: [RefKind; 6] = [
        RefKind::Company,
        RefKind::Team,
        RefKind::Contact,
        RefKind::Service,
        RefKind::ServiceElement,
        RefKind::Ci,
    ];
    let mut samples = samples();
    for kind in KINDS {
        let name = "X".to_owned();
        samples.extend([
            Notice::CalledOtherwise { kind, wanted: wanted(Some("37"), None), name: name.clone() },
            Notice::ListRefused { kind, code: 100, words: name.clone() },
            Notice::AmbiguousWhenFolded { kind, name: name.clone() },
            Notice::DroppedByItop { kind, name: name.clone() },
            Notice::RefusedByItop { kind, name },
        ]);
    }
    for from in [Origin::Event, Origin::Link, Origin::Configuration] {
        let wanted = wanted(None, Some("X"));
        samples.push(Notice::TeamDoesNotServe { from, wanted: wanted.clone() });
        samples.push(Notice::ContactUnknown { from, wanted });
    }
    for fault in [Fault::TooLong, Fault::Macro, Fault::NoOffset] {
        let (member, sent) = ("title".to_owned(), "X".to_owned());
        samples.push(Notice::LeftOut { member, sent, fault });
    }
    samples.push(Notice::CiUnknown { way: CiWay::Ci(wanted(None, Some("X"))) });
    let (id, equipment) = ("1207".to_owned(), "srv-sql-01".to_owned());
    samples.push(Notice::CiUnknown { way: CiWay::Federation { id, equipment } });
    for status in ["resolved", "closed"] {
        let (number, status) = ("I-000012".to_owned(), status.to_owned());
        samples.push(Notice::ExistingEnded { number, status });
    }
    samples
}

#[test]
fn every_sentence_in_both_languages() {
    let both = |notice: Notice| {
        // A no-break space could not be told from another one.
        let french = notice.say(Language::Fr).replace('\u{a0}', "·");
        format!("{}\n{french}", notice.say(Language::En))
    };
    let table: Vec<_> = samples().into_iter().map(both).collect();
    insta::assert_snapshot!(table.join("\n\n"));
}

#[test]
fn french_is_french() {
    const ENGLISH: [&str; 16] = [
        "the", "is", "was", "of", "in", "not", "no", "and", "with", "team", "company", "its",
        "has", "key", "called", "closed",
    ];
    for notice in more_samples() {
        let (english, french) = (notice.say(Language::En), notice.say(Language::Fr));
        assert_ne!(english, french);
        for text in [&english, &french] {
            assert!(text.ends_with('.') && !text.ends_with(".."), "{text}");
            assert!(!text.contains("  ") && text.trim() == text, "{text}");
        }
        let words = french.split(|c: char| !c.is_alphanumeric() && c != '_');
        for word in words {
            assert!(!ENGLISH.contains(&word.to_lowercase().as_str()), "'{word}' in: {french}");
        }
        typography(&french);
        assert!(english.is_ascii(), "{english}");
    }
}

#[test]
fn what_salesforce_can_cause_too_is_said_of_it() {
    let is_of_itop_alone = |notice: &Notice| {
        use Notice as N;
        matches!(
            notice,
            N::AmbiguousWhenFolded { .. }
                | N::DroppedByItop { .. }
                | N::PriorityOtherwise { .. }
                | N::ProbeMade { .. }
        )
    };
    let mut said = 0;
    for notice in more_samples() {
        for language in [Language::En, Language::Fr] {
            let [itop, salesforce] =
                [DeskName::Itop, DeskName::Salesforce].map(|desk| notice.say_of(desk, language));
            if is_of_itop_alone(&notice) {
                assert_eq!(itop, salesforce);
            } else {
                assert_eq!(itop.replace("iTop", "Salesforce"), salesforce);
                said += usize::from(itop != salesforce);
            }
        }
    }
    assert!(said > 10, "{said}");
}

/// A no-break space before what French sets apart, and inside quotation marks.
fn typography(french: &str) {
    let chars: Vec<_> = french.chars().collect();
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| chars[at]);
        let behind = chars.get(at + 1).copied();
        match c {
            ';' | '?' | '!' | '»' => assert_eq!(before, Some('\u{a0}'), "{french}"),
            // Not the one of a time.
            ':' if behind.is_none_or(char::is_whitespace) => {
                assert_eq!(before, Some('\u{a0}'), "{french}");
            }
            '«' => assert_eq!(behind, Some('\u{a0}'), "{french}"),
            '\'' => assert!(before.is_some_and(char::is_alphabetic), "{french}"),
            _ => {}
        }
    }
}
