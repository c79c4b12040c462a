//! What can happen.

use std::time::Duration;

use itop_sandbox::{Fault, FaultKind, Operations};
use proptest::prelude::*;

use super::{desks::Desks, org};

/// Events of a sequence.
pub const EVENTS: usize = 14;

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Operation {
    /// An event is posted, for the first time or again.
    Post(usize),
    /// The same event is posted twice at once.
    PostTwice(usize),
    /// The same key is posted for another control.
    PostOther(usize),
    /// Several events are posted as a list.
    Batch(Vec<usize>),
    /// The bridge is killed and started again.
    Crash,
    /// The bridge is stopped in good order and started again.
    Restart,
    /// The bridge loses the Term, whatever it is at, and goes on to answer.
    LoseTerm,
    /// It is granted another one, if it has none.
    GainTerm,
    /// Both, with nothing in between.
    NewTerm,
    /// So many steps of time pass.
    Pass(u8),
    /// So many half minutes pass.
    PassLong(u8),
    /// The clock of the bridge's machine is put forward or back by so many minutes.
    Step(i32),
    /// iTop fails so many times.
    Fault(Trouble, On, u32),
    /// Salesforce fails so many times.
    OrgFault(org::Trouble, org::On, u32),
    /// Whatever is asked of Salesforce fails for a while.
    OrgAway(org::Trouble, u8),
    /// All sessions at Salesforce end.
    SessionsEnd,
    /// An hour passes, where nothing is under way.
    Hour,
    /// A company is linked to the other desk.
    Move(usize),
    /// The password is wrong for a while.
    WrongPassword(u8),
    /// iTop is read-only for a while.
    ReadOnly(u8),
    /// A company is linked.
    Link(usize),
    /// A company's link is removed.
    Unlink(usize),
    /// The oldest open ticket is resolved in iTop.
    Resolve,
    /// An agent saves the log of the newest ticket as it was before its newest lines.
    Overwrite,
    /// The newest ticket that a control knows is deleted in iTop.
    Delete,
    /// An operator tries all failed and blocked rows again.
    Retry,
    /// An operator discards the oldest row that can be.
    Discard,
    /// The database is copied.
    Backup,
    /// The last copy takes the database's place.
    Restore,
}

/// How iTop fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    CutBefore,
    CutAfter,
    Slow,
    HeldBefore,
    HeldInside,
    CounterLock,
    HtmlError,
    BadGatewayAfter,
    Code100AfterCommit,
    Deadlock,
    Unavailable,
    Maintenance,
    TruncatedJson,
}

/// Which requests fail.
#[derive(Clone, Copy, Debug)]
pub enum On {
    Create,
    Update,
    Read,
}

/// How much later than asked a slow create happens, in milliseconds of the moved clock: longer
/// than the client waits, much shorter than `settle`.
const SLOW_MS: u64 = 6_000;

/// How long a write is held that is evaluated: with what else may strike it shorter than `settle`.
const INSIDE_MS: u64 = 12_000;

/// How long a request is held back before it is evaluated, and how long the ticket counter is held:
/// several times `settle`, and shorter than `settle_unproven`.
const HELD_MS: u64 = 100_000;

impl Trouble {
    pub fn fault(self, on: On, times: u32) -> Fault {
        let kind = match self {
            Self::CutBefore => FaultKind::CutBefore,
            Self::CutAfter => FaultKind::CutAfter,
            Self::Slow => FaultKind::Slow { before_ms: SLOW_MS, after_ms: 0 },
            Self::HeldBefore => FaultKind::HeldBefore { ms: HELD_MS },
            Self::HeldInside => FaultKind::HeldInside { ms: INSIDE_MS },
            Self::CounterLock => FaultKind::CounterLock { ms: HELD_MS },
            Self::HtmlError => FaultKind::DatabaseDown,
            Self::BadGatewayAfter => FaultKind::BadGateway,
            Self::Code100AfterCommit => FaultKind::Code100AfterCommit,
            Self::Deadlock => {
                FaultKind::Refuse { code: 1213, message: "Deadlock found".to_owned() }
            }
            Self::Unavailable => FaultKind::Unavailable,
            Self::Maintenance => FaultKind::Maintenance,
            Self::TruncatedJson => FaultKind::TruncatedJson,
        };
        let fault = Fault::new(kind).times(times).on(match on {
            On::Create => Operations::Create,
            On::Update => Operations::Update,
            On::Read => Operations::Read,
        });
        match self {
            Self::BadGatewayAfter => fault.after_effect(),
            _ => fault,
        }
    }
}

/// How long a fault holds one request, where that is meant to end before `settle` does.
pub fn short_wait(kind: &FaultKind) -> Duration {
    match kind {
        FaultKind::Slow { before_ms: ms, .. } | FaultKind::HeldInside { ms } => {
            Duration::from_millis(*ms)
        }
        _ => Duration::ZERO,
    }
}

/// Any operation with these desks; those that make something happen are more frequent.
pub fn operation(desks: Desks) -> BoxedStrategy<Operation> {
    match desks {
        Desks::Itop => prop_oneof![34 => anywhere(), 12 => of_itop()].boxed(),
        Desks::Salesforce => prop_oneof![34 => anywhere(), 14 => of_salesforce()].boxed(),
        Desks::Both => prop_oneof![
            34 => anywhere(),
            8 => of_itop(),
            10 => of_salesforce(),
            4 => (0_usize..2).prop_map(Operation::Move),
        ]
        .boxed(),
    }
}

fn anywhere() -> impl Strategy<Value = Operation> {
    let event = 0..EVENTS;
    prop_oneof![
        8 => event.clone().prop_map(Operation::Post),
        2 => event.clone().prop_map(Operation::PostTwice),
        1 => event.clone().prop_map(Operation::PostOther),
        2 => prop::collection::vec(event, 1..6).prop_map(Operation::Batch),
        3 => Just(Operation::Crash),
        1 => Just(Operation::Restart),
        1 => Just(Operation::LoseTerm),
        2 => Just(Operation::GainTerm),
        3 => Just(Operation::NewTerm),
        4 => (1_u8..8).prop_map(Operation::Pass),
        2 => (1_u8..4).prop_map(Operation::PassLong),
        3 => prop_oneof![-90..90, Just(1_000_000), Just(-1_000_000)].prop_map(Operation::Step),
        1 => (0_usize..2).prop_map(Operation::Link),
        1 => (0_usize..2).prop_map(Operation::Unlink),
        1 => Just(Operation::Resolve),
        1 => Just(Operation::Delete),
        1 => Just(Operation::Retry),
        1 => Just(Operation::Discard),
        1 => Just(Operation::Backup),
        1 => Just(Operation::Restore),
    ]
}

fn of_itop() -> impl Strategy<Value = Operation> {
    let trouble = prop_oneof![
        Just(Trouble::CutBefore),
        Just(Trouble::CutAfter),
        Just(Trouble::Slow),
        Just(Trouble::HeldBefore),
        Just(Trouble::HeldInside),
        Just(Trouble::CounterLock),
        Just(Trouble::HtmlError),
        Just(Trouble::BadGatewayAfter),
        Just(Trouble::Code100AfterCommit),
        Just(Trouble::Deadlock),
        Just(Trouble::Unavailable),
        Just(Trouble::Maintenance),
        Just(Trouble::TruncatedJson),
    ];
    let on = prop_oneof![4 => Just(On::Create), 2 => Just(On::Update), 1 => Just(On::Read)];
    prop_oneof![
        8 => (trouble, on, 1_u32..3).prop_map(|(t, on, n)| Operation::Fault(t, on, n)),
        1 => (1_u8..4).prop_map(Operation::WrongPassword),
        1 => (1_u8..4).prop_map(Operation::ReadOnly),
        2 => Just(Operation::Overwrite),
    ]
}

fn of_salesforce() -> impl Strategy<Value = Operation> {
    let away = prop_oneof![
        Just(org::Trouble::CutBefore),
        Just(org::Trouble::CutAfter),
        Just(org::Trouble::Unavailable),
        Just(org::Trouble::WrongJsonAfter),
        Just(org::Trouble::RequestLimit),
    ];
    prop_oneof![
        12 => (org::trouble(), 1_u32..3).prop_map(|((t, on), n)| Operation::OrgFault(t, on, n)),
        1 => (away, 1_u8..4).prop_map(|(trouble, steps)| Operation::OrgAway(trouble, steps)),
        1 => Just(Operation::SessionsEnd),
        2 => Just(Operation::Hour),
    ]
}
