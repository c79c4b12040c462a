//! How Salesforce fails.

use proptest::prelude::*;
use salesforce_sandbox::{Fault, FaultKind, Operation as At};

/// What goes wrong, the moment of the effect included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    CutBefore,
    CutAfter,
    /// Later than the client waits, sooner than `settle`.
    Slow,
    /// Several times `settle`, before the effect.
    Held,
    PageBefore,
    PageAfter,
    Unavailable,
    WrongJsonBefore,
    WrongJsonAfter,
    Truncated,
    SessionExpired,
    LockRow,
    DuplicateUnknown,
    RequestLimit,
    StorageLimit,
}

/// Which requests fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// A new Case.
    Case,
    /// A note on one.
    Note,
    /// One that is read by its marker.
    ByMarker,
    /// Statuses.
    Statuses,
    /// Lists, and the notes of a Case.
    Query,
    Token,
    Anything,
}

/// As long as iTop's, in milliseconds of the moved clock.
const SLOW_MS: u64 = 6_000;
const HELD_MS: u64 = 100_000;

impl Trouble {
    pub fn kind(self) -> FaultKind {
        let slow = |before_ms| FaultKind::Slow { before_ms, after_ms: 0 };
        match self {
            Self::CutBefore => FaultKind::Cut { after: false },
            Self::CutAfter => FaultKind::Cut { after: true },
            Self::Slow => slow(SLOW_MS),
            Self::Held => slow(HELD_MS),
            Self::PageBefore => FaultKind::Html { status: 500, after: false },
            Self::PageAfter => FaultKind::Html { status: 500, after: true },
            Self::Unavailable => FaultKind::Html { status: 503, after: false },
            Self::WrongJsonBefore => FaultKind::WrongJson { after: false },
            Self::WrongJsonAfter => FaultKind::WrongJson { after: true },
            Self::Truncated => FaultKind::Truncated,
            Self::SessionExpired => FaultKind::SessionExpired,
            Self::LockRow => FaultKind::LockRow,
            Self::DuplicateUnknown => FaultKind::DuplicateUnknown,
            Self::RequestLimit => FaultKind::RequestLimit,
            Self::StorageLimit => FaultKind::StorageLimit,
        }
    }

    pub fn fault(self, on: On, times: u32) -> Fault {
        let (at, object) = match on {
            On::Case => (At::Create, Some("Case")),
            On::Note => (At::Create, Some("CaseComment")),
            On::ByMarker => (At::Read, Some("Case")),
            On::Statuses => (At::Retrieve, None),
            On::Query => (At::Query, None),
            On::Token => (At::Token, None),
            On::Anything => (At::Any, None),
        };
        let fault = Fault::new(at, self.kind()).times(times);
        object.into_iter().fold(fault, Fault::object)
    }

    /// Whether the model promises anything where this happens: a note has no key, so that one that is
    /// held for longer than `settle` is written again.
    pub fn is_promised(self, on: On) -> bool {
        self != Self::Held || !matches!(on, On::Note | On::Anything)
    }
}

pub fn trouble() -> impl Strategy<Value = (Trouble, On)> {
    let trouble = prop_oneof![
        3 => Just(Trouble::CutBefore),
        4 => Just(Trouble::CutAfter),
        3 => Just(Trouble::Slow),
        2 => Just(Trouble::Held),
        1 => Just(Trouble::PageBefore),
        2 => Just(Trouble::PageAfter),
        2 => Just(Trouble::Unavailable),
        1 => Just(Trouble::WrongJsonBefore),
        2 => Just(Trouble::WrongJsonAfter),
        2 => Just(Trouble::Truncated),
        3 => Just(Trouble::SessionExpired),
        2 => Just(Trouble::LockRow),
        2 => Just(Trouble::DuplicateUnknown),
        1 => Just(Trouble::RequestLimit),
        1 => Just(Trouble::StorageLimit),
    ];
    let on = prop_oneof![
        6 => Just(On::Case),
        5 => Just(On::Note),
        2 => Just(On::ByMarker),
        1 => Just(On::Statuses),
        2 => Just(On::Query),
        1 => Just(On::Token),
        1 => Just(On::Anything),
    ];
    (trouble, on).prop_filter("what is not promised", |(trouble, on)| trouble.is_promised(*on))
}
