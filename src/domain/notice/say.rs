//! The table of sentences: each stands once, with its languages side by side.
//!
//! In French a no-break space stands before `:` `;` `?` `!` and inside quotation marks.

use super::{Candidates, Notice, words};
use crate::domain::{
    desk_name::DeskName,
    ticket_text::{Language, Worse, shown_time},
};

/// A sentence in the language that is wanted; names in braces are taken from where it stands.
macro_rules! either {
    ($language:expr, $english:literal, $french:literal $(,)?) => {
        match $language {
            Language::En => format!($english),
            Language::Fr => format!($french),
        }
    };
}

impl Notice {
    /// The sentence, with a full stop, about a ticket of iTop.
    #[must_use]
    pub fn say(&self, language: Language) -> String {
        self.say_of(DeskName::Itop, language)
    }

    /// The same about a ticket of this ticket system.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "one table with all sentences")]
    pub fn say_of(&self, desk: DeskName, language: Language) -> String {
        let desk = desk.title();
        let shown = |wanted| words::shown(wanted, language);
        let quoted = |name: &str| words::quoted(name, language);
        let list = |candidates: &Candidates| candidates.say(language);
        match self {
            Self::LeftOut { member, sent, fault } => {
                let (sent, why) = (quoted(sent), words::fault(*fault, language));
                either!(
                    language,
                    "{member} was left out: {sent} {why}.",
                    "{member} a été omis\u{a0}: {sent} {why}.",
                )
            }
            Self::NoStatusTime => either!(
                language,
                "The event does not say since when the control has been in this state; the time of the acknowledgement is shown instead.",
                "L'événement n'indique pas depuis quand le contrôle est dans cet état\u{a0}; l'heure de l'acquittement est affichée à la place.",
            ),
            Self::NoCreationTime => either!(
                language,
                "created_at is zero or before 2000; the time of receipt was taken.",
                "created_at est nul ou antérieur à 2000\u{a0}; l'heure de réception a été prise.",
            ),
            Self::RawControls => either!(
                language,
                "The body had raw control characters inside its texts; each was read as a space.",
                "Le corps contenait des caractères de contrôle bruts dans ses textes\u{a0}; chacun a été lu comme une espace.",
            ),
            Self::CompanyCalledOtherwise { id, product, sent, known } => {
                let (sent, known) = (quoted(sent), quoted(known));
                either!(
                    language,
                    "Company {id} is called {sent} by {product} and {known} in its link; the id decides.",
                    "La société {id} s'appelle {sent} dans {product} et {known} dans son lien\u{a0}; l'identifiant fait foi.",
                )
            }
            Self::CalledOtherwise { kind, wanted, name } => {
                let (what, wanted) = (words::subject(*kind, language), shown(wanted));
                let name = quoted(name);
                either!(
                    language,
                    "{what} {wanted} is called {name} in {desk}; the key decides.",
                    "{what} {wanted} s'appelle {name} dans {desk}\u{a0}; la clé fait foi.",
                )
            }
            Self::ListRefused { kind, code, words } => {
                let list = words::plural(*kind, language);
                either!(
                    language,
                    "The list of {list} cannot be read from {desk}: {desk} refused it (code {code}): {words}.",
                    "La liste des {list} ne peut pas être lue dans {desk}, qui l'a refusée (code {code})\u{a0}: {words}.",
                )
            }
            Self::ListNotAllowed { kind, words } => {
                let list = words::plural(*kind, language);
                either!(
                    language,
                    "The list of {list} cannot be read from {desk}: {desk} does not allow it: {words}.",
                    "La liste des {list} ne peut pas être lue dans {desk}, qui ne le permet pas\u{a0}: {words}.",
                )
            }
            Self::ListTurnedAway { kind, status } => {
                let list = words::plural(*kind, language);
                either!(
                    language,
                    "The list of {list} cannot be read from {desk}: what stands in front of it answers HTTP {status}.",
                    "La liste des {list} ne peut pas être lue dans {desk}\u{a0}: ce qui se trouve devant répond HTTP {status}.",
                )
            }
            Self::TeamAmbiguous { from, wanted, candidates } => {
                let (team, list) = (from.team(wanted, language), list(candidates));
                either!(
                    language,
                    "{team} is ambiguous: {list}; it was not used.",
                    "{team} est ambiguë\u{a0}: {list}\u{a0}; elle n'a pas été utilisée.",
                )
            }
            Self::TeamDoesNotServe { from, wanted } => {
                let team = from.team(wanted, language);
                either!(
                    language,
                    "{team} does not serve this company in {desk}; it was not used.",
                    "{team} n'intervient pas pour cette société dans {desk}\u{a0}; elle n'a pas été utilisée.",
                )
            }
            Self::ContactAmbiguous { from, wanted, candidates } => {
                let (contact, list) = (from.contact(wanted, language), list(candidates));
                either!(
                    language,
                    "{contact} is ambiguous: {list}; the ticket has no contact.",
                    "{contact} est ambigu\u{a0}: {list}\u{a0}; le ticket n'a pas de contact.",
                )
            }
            Self::ContactUnknown { from, wanted } => {
                let contact = from.contact(wanted, language);
                either!(
                    language,
                    "{contact} is no active contact of this company in {desk}; the ticket has no contact.",
                    "{contact} n'est pas un contact actif de cette société dans {desk}\u{a0}; le ticket n'a pas de contact.",
                )
            }
            Self::ContractAmbiguous { wanted, candidates } => {
                let (wanted, list) = (shown(wanted), list(candidates));
                either!(
                    language,
                    "Contract {wanted} is ambiguous: {list}; it does not narrow the services.",
                    "Le contrat {wanted} est ambigu\u{a0}: {list}\u{a0}; il ne restreint pas les services.",
                )
            }
            Self::ContractUnknown { wanted } => {
                let wanted = shown(wanted);
                either!(
                    language,
                    "Contract {wanted} is no contract of this company in {desk}; it does not narrow the services.",
                    "Le contrat {wanted} n'est pas un contrat de cette société dans {desk}\u{a0}; il ne restreint pas les services.",
                )
            }
            Self::ServiceAmbiguous { wanted, candidates } => {
                let (wanted, list) = (shown(wanted), list(candidates));
                either!(
                    language,
                    "Service {wanted} is ambiguous: {list}; the ticket has none.",
                    "Le service {wanted} est ambigu\u{a0}: {list}\u{a0}; le ticket n'en a pas.",
                )
            }
            Self::ServiceNotInContract { wanted } => {
                let wanted = shown(wanted);
                either!(
                    language,
                    "Service {wanted} is not in the named contract of this company in {desk}; the ticket has none.",
                    "Le service {wanted} ne figure pas dans le contrat indiqué de cette société dans {desk}\u{a0}; le ticket n'en a pas.",
                )
            }
            Self::ServiceInNoContract { wanted } => {
                let wanted = shown(wanted);
                either!(
                    language,
                    "Service {wanted} is in no contract of this company in {desk}; the ticket has none.",
                    "Le service {wanted} ne figure dans aucun contrat de cette société dans {desk}\u{a0}; le ticket n'en a pas.",
                )
            }
            Self::ElementWithoutService { wanted } => {
                let wanted = shown(wanted);
                either!(
                    language,
                    "Service element {wanted} was left out with its service.",
                    "L'élément de service {wanted} a été omis avec son service.",
                )
            }
            Self::ElementAmbiguous { wanted, candidates } => {
                let (wanted, list) = (shown(wanted), list(candidates));
                either!(
                    language,
                    "Service element {wanted} is ambiguous: {list}; the ticket has none.",
                    "L'élément de service {wanted} est ambigu\u{a0}: {list}\u{a0}; le ticket n'en a pas.",
                )
            }
            Self::ElementNotOfService { wanted, service } => {
                let (wanted, service) = (shown(wanted), quoted(service));
                either!(
                    language,
                    "Service element {wanted} is no element of service {service} that such a ticket can have; the ticket has none.",
                    "L'élément de service {wanted} n'est pas un élément du service {service} utilisable pour un tel ticket\u{a0}; le ticket n'en a pas.",
                )
            }
            Self::ElementInSeveralServices { wanted, services } => {
                let (wanted, list) = (shown(wanted), list(services));
                either!(
                    language,
                    "Service element {wanted} stands in several services ({list}), and none was named; the ticket has none.",
                    "L'élément de service {wanted} figure dans plusieurs services ({list}), et aucun n'était indiqué\u{a0}; le ticket n'en a pas.",
                )
            }
            Self::ElementInNoService { wanted } => {
                let wanted = shown(wanted);
                either!(
                    language,
                    "Service element {wanted} is in no service of this company's contracts that such a ticket can have; the ticket has none.",
                    "L'élément de service {wanted} ne figure dans aucun service des contrats de cette société utilisable pour un tel ticket\u{a0}; le ticket n'en a pas.",
                )
            }
            Self::CiAmbiguous { way, candidates } => {
                let (way, list) = (way.say(language), list(candidates));
                either!(
                    language,
                    "{way} is the name of several CIs of this company in {desk}: {list}.",
                    "{way} correspond à plusieurs CI de cette société dans {desk}\u{a0}: {list}.",
                )
            }
            Self::CiUnknown { way } => {
                let way = way.say(language);
                either!(
                    language,
                    "{way} is no active CI of this company in {desk}.",
                    "{way} ne correspond à aucun CI actif de cette société dans {desk}.",
                )
            }
            Self::NoCi => either!(language, "The ticket has no CI.", "Le ticket n'a pas de CI."),
            Self::AmbiguousWhenFolded { kind, name } => {
                let (the, name) = (words::with_article(*kind, language), quoted(name));
                either!(
                    language,
                    "iTop took {the} that is called exactly {name}; there are others whose names differ only in white space or case.",
                    "iTop a pris {the} dont le nom est exactement {name}\u{a0}; il y en a d'autres dont le nom n'en diffère que par les espaces ou la casse.",
                )
            }
            Self::NotOfCases { kind, name } => {
                let (the, name) = (words::with_article(*kind, language), quoted(name));
                either!(
                    language,
                    "The Case was made without {the} {name}: by the configuration a Case has none.",
                    "La requête a été créée sans {the} {name}\u{a0}: la configuration ne le prévoit pas.",
                )
            }
            Self::DroppedByItop { kind, name } => {
                let (the, name) = (words::with_article(*kind, language), quoted(name));
                either!(
                    language,
                    "iTop made the ticket without {the} {name}: its query found nothing at that moment.",
                    "iTop a créé le ticket sans {the} {name}\u{a0}: sa requête n'a rien trouvé à ce moment-là.",
                )
            }
            Self::RefusedByItop { kind, name } => {
                let (the, name) = (words::with_article(*kind, language), quoted(name));
                either!(
                    language,
                    "{desk} refused {the} {name} at the moment of the write; the ticket has none.",
                    "{desk} a refusé {the} {name} au moment de l'écriture\u{a0}; le ticket n'en a pas.",
                )
            }
            Self::TeamRefusedByItop { name } => {
                let name = quoted(name);
                either!(
                    language,
                    "{desk} refused the team {name} at the moment of the write; it was not used.",
                    "{desk} a refusé l'équipe {name} au moment de l'écriture\u{a0}; elle n'a pas été utilisée.",
                )
            }
            Self::PriorityOtherwise { wanted, computed } => {
                let (wanted, computed) = (u8::from(*wanted), u8::from(*computed));
                either!(
                    language,
                    "Priority {wanted} was wanted, and iTop computed {computed}: its table of impact and urgency has been changed.",
                    "La priorité {wanted} était demandée, et iTop a calculé {computed}\u{a0}: sa matrice d'impact et d'urgence a été modifiée.",
                )
            }
            Self::Worse(Worse { state, since, priority_now, priority_then }) => {
                let (state, since) = (state.as_str(), shown_time(*since));
                let now = u8::from(*priority_now);
                match priority_then.map(u8::from) {
                    Some(then) if then != now => either!(
                        language,
                        "The control has become worse: {state} since {since}; its ticket has priority {then} and would have {now} now.",
                        "L'état du contrôle s'est aggravé\u{a0}: {state} depuis le {since}\u{a0}; son ticket a la priorité {then} et aurait maintenant la priorité {now}.",
                    ),
                    _ => either!(
                        language,
                        "The control has become worse: {state} since {since}; a new ticket would have priority {now} now.",
                        "L'état du contrôle s'est aggravé\u{a0}: {state} depuis le {since}\u{a0}; un nouveau ticket aurait la priorité {now}.",
                    ),
                }
            }
            Self::ControlRenamed { before, now } => {
                let (before, now) = (quoted(before), quoted(now));
                either!(
                    language,
                    "The control is called {now} now; when its ticket was last written to it was called {before}.",
                    "Le contrôle s'appelle maintenant {now}\u{a0}; la dernière fois que son ticket a été complété, il s'appelait {before}.",
                )
            }
            Self::ExistingEnded { number, status } => {
                let status = words::ended(status, language);
                either!(
                    language,
                    "Ticket {number}, which the event names, is {status} already.",
                    "Le ticket {number}, désigné par l'événement, est déjà {status}.",
                )
            }
            Self::LineUnread { number } => either!(
                language,
                "The line in the log of ticket {number} could not be read back; look there whether it stands.",
                "La ligne dans le journal du ticket {number} n'a pas pu être relue\u{a0}; vérifiez qu'elle y figure.",
            ),
            Self::LineSwallowed { number } => either!(
                language,
                "The line in the log of ticket {number} was overwritten by another edit three times; it is not there.",
                "La ligne dans le journal du ticket {number} a été écrasée trois fois par une autre modification\u{a0}; elle n'y est pas.",
            ),
            Self::ProbeMade { ticket } => either!(
                language,
                "Before this ticket was created again the way to iTop was probed, and iTop took the probe for a ticket: close {ticket} there.",
                "Avant de recréer ce ticket, l'accès à iTop a été sondé et iTop a pris la sonde pour un ticket\u{a0}: fermez {ticket} dans iTop.",
            ),
            Self::Twins { tickets } => {
                let keys: Vec<_> = tickets.iter().map(ToString::to_string).collect();
                let keys = keys.join(", ");
                either!(
                    language,
                    "There are several tickets of this acknowledgement in {desk}: {keys}. The oldest is kept; close the others there.",
                    "Il existe plusieurs tickets pour cet acquittement dans {desk}\u{a0}: {keys}. Le plus ancien est conservé\u{a0}; fermez les autres dans {desk}.",
                )
            }
        }
    }
}
