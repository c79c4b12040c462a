//! What is told about a ticket beside the ticket: a sentence for each thing that was left out,
//! taken otherwise than asked, or went wrong. These sentences stand in tickets, and in the answers
//! and rows of acknowledgements.

mod say;
#[cfg(test)]
mod tests;
mod words;

use super::{
    acknowledgement::{Acknowledgement, Ref},
    company_link::Named,
    desk_name::DeskName,
    keys::TicketKey,
    names,
    new_ticket::RefKind,
    priority::Priority,
    ticket_status::TicketStatus,
    ticket_text::{Language, Worse},
};

/// One sentence, with what it speaks of. [`Notice::say`] has its words, in each language.
///
/// A name stands here as it was sent or as iTop has it: whoever shows a sentence as HTML escapes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the members of a notice are the words of its sentence")]
pub enum Notice {
    /// A member of the event was left out, because what was sent there cannot be taken.
    LeftOut {
        /// Where, such as `control.url`.
        member: String,
        /// What was sent, shortened.
        sent: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The event does not say since when the control is in its state.
    NoStatusTime,
    /// The creation date of the event is zero or before 2000.
    NoCreationTime,
    /// The body had raw control characters in its texts, which JSON does not allow.
    RawControls,
    /// The sender calls a company otherwise than its link does.
    CompanyCalledOtherwise {
        id: String,
        /// What sends the events.
        product: String,
        /// The name in the event.
        sent: String,
        /// The name in the link.
        known: String,
    },
    /// An object was found by its key and is called otherwise.
    CalledOtherwise { kind: RefKind, wanted: Ref, name: String },
    /// A list of what is optional could not be read.
    ListRefused { kind: RefKind, code: i64, words: String },
    /// The account may not read a list of what is optional.
    ListNotAllowed { kind: RefKind, words: String },
    /// What stands in front of iTop turned the question for a list of what is optional away; the
    /// status is that of HTTP.
    ListTurnedAway { kind: RefKind, status: u16 },
    /// Several teams bear the name.
    TeamAmbiguous { from: Origin, wanted: Ref, candidates: Candidates },
    /// No team that serves the company is meant.
    TeamDoesNotServe { from: Origin, wanted: Ref },
    /// Several contacts bear the name or the address.
    ContactAmbiguous { from: Origin, wanted: Ref, candidates: Candidates },
    /// No active contact of the company is meant.
    ContactUnknown { from: Origin, wanted: Ref },
    /// Several contracts bear the name.
    ContractAmbiguous { wanted: Ref, candidates: Candidates },
    /// No contract of the company is meant.
    ContractUnknown { wanted: Ref },
    /// Several services bear the name.
    ServiceAmbiguous { wanted: Ref, candidates: Candidates },
    /// The service is not in the contract that was named with it.
    ServiceNotInContract { wanted: Ref },
    /// The service is in no contract of the company.
    ServiceInNoContract { wanted: Ref },
    /// The service of this element was left out.
    ElementWithoutService { wanted: Ref },
    /// Several elements bear the name.
    ElementAmbiguous { wanted: Ref, candidates: Candidates },
    /// The element is not one of the service.
    ElementNotOfService { wanted: Ref, service: String },
    /// The name stands in several services, and none was named.
    ElementInSeveralServices { wanted: Ref, services: Candidates },
    /// The element is in no service of the company.
    ElementInNoService { wanted: Ref },
    /// Several CIs bear the name.
    CiAmbiguous { way: CiWay, candidates: Candidates },
    /// No active CI of the company was found this way.
    CiUnknown { way: CiWay },
    /// No way led to a CI.
    NoCi,
    /// iTop took one of several names that its database calls equal.
    AmbiguousWhenFolded { kind: RefKind, name: String },
    /// iTop made the ticket without something optional.
    DroppedByItop { kind: RefKind, name: String },
    /// A Case of Salesforce has nothing of that kind, by its configuration.
    NotOfCases { kind: RefKind, name: String },
    /// iTop refused the ticket because of something optional, which was then left out.
    RefusedByItop { kind: RefKind, name: String },
    /// iTop refused the ticket because of its team.
    TeamRefusedByItop { name: String },
    /// iTop computed another priority.
    PriorityOtherwise { wanted: Priority, computed: Priority },
    /// The control is in a worse state than the one for which its ticket was made.
    Worse(Worse),
    /// The control, or its equipment, is called otherwise than when its ticket was made.
    ControlRenamed {
        /// As it was called.
        before: String,
        /// As it is called now.
        now: String,
    },
    /// The ticket that the sender names is resolved or closed.
    ExistingEnded {
        number: String,
        /// Its operational status: `resolved` or `closed`.
        status: String,
    },
    /// A line was added, and whether the log has kept it could not be read.
    LineUnread { number: String },
    /// A line was added again and again, and each time somebody else's edit took its place.
    LineSwallowed { number: String },
    /// A probe of the way that creates go has made a ticket, which it should not.
    ProbeMade {
        /// Its number and key.
        ticket: String,
    },
    /// One acknowledgement has several tickets.
    Twins {
        /// The tickets, the one that is kept first.
        tickets: Vec<TicketKey>,
    },
}

/// What is wrong with a member that was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is nothing that can stand there.
    Unusable,
    /// It is longer than allowed.
    TooLong,
    /// It is a macro that nobody has replaced.
    Macro,
    /// It is a time of no known zone.
    NoOffset,
}

/// Who names a team or a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The event.
    Event,
    /// The link of the company.
    Link,
    /// The configuration of the bridge.
    Configuration,
}

/// How a CI is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CiWay {
    /// As the event names it.
    Ci(Ref),
    /// By the key that an inventory tool wrote at the equipment.
    ItsmId {
        /// The key.
        key: String,
        /// The name of the equipment.
        equipment: String,
    },
    /// As the equipment stands in the federation, by ServiceNav's own id.
    Federation {
        /// ServiceNav's id.
        id: String,
        /// The name of the equipment.
        equipment: String,
    },
    /// By the name of the equipment.
    Equipment(String),
}

/// What bears an ambiguous name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidates {
    first: Vec<Named>,
    more: usize,
}

impl Candidates {
    /// How many a sentence shows.
    const SHOWN: usize = 5;

    /// The first few are named, the others counted.
    #[must_use]
    pub fn new(all: impl IntoIterator<Item = Named>) -> Self {
        let mut all = all.into_iter();
        let first = all.by_ref().take(Self::SHOWN).collect();
        Self { first, more: all.count() }
    }
}

impl Notice {
    /// That a control is called otherwise than before, if it is. `before` is its name and that of its
    /// equipment, if it had one.
    #[must_use]
    pub fn renamed(event: &Acknowledgement, before: (&str, Option<&str>)) -> Option<Self> {
        let equipment = event.equipment.as_ref().map(|equipment| equipment.name.as_str());
        let now = (event.control.name.as_str(), equipment);
        let same_equipment = match (before.1, now.1) {
            (Some(before), Some(now)) => names::same(before, now),
            // One that is no longer told, or was not told before, is not another one.
            _ => true,
        };
        let called = |(control, equipment): (&str, Option<&str>)| match equipment {
            Some(equipment) if equipment != control => format!("{equipment} – {control}"),
            _ => control.to_owned(),
        };
        let is_renamed = !(same_equipment && names::same(before.0, now.0));
        is_renamed.then(|| Self::ControlRenamed { before: called(before), now: called(now) })
    }

    /// That a ticket which the sender names has ended, if it has.
    #[must_use]
    pub fn existing_ended(ticket: &TicketStatus) -> Option<Self> {
        (!ticket.is_open()).then(|| Self::ExistingEnded {
            number: ticket.number.clone(),
            status: ticket.operational_status.clone(),
        })
    }

    /// Several as texts, about a ticket of this ticket system.
    #[must_use]
    pub fn say_all(notices: &[Self], desk: DeskName, language: Language) -> Vec<String> {
        notices.iter().map(|notice| notice.say_of(desk, language)).collect()
    }
}
