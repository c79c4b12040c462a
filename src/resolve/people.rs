//! Team and contact.

use super::{Found, ResolveError, Resolver, at_once, by_name, find, named, only, several};
use crate::{
    catalog::{Freshness, Reading},
    desk::DeskName,
    desk::{DeskError, Person, Team},
    domain::{
        acknowledgement::{Acknowledgement, ContactRef, Ref},
        company_link::CompanyLink,
        names,
        new_ticket::{Chosen, RefKind},
        notice::{Notice, Origin},
        ticket_text::Language,
    },
};

impl Resolver<'_> {
    /// The named team, else the link's, else the configured one; a ticket needs one.
    pub(super) async fn team(
        &mut self,
        event: &Acknowledgement,
        link: &CompanyLink,
        configured: Option<&str>,
    ) -> Result<Chosen, ResolveError> {
        let from_link = link
            .defaults
            .team
            .as_ref()
            .map(|team| Ref { id: Some(team.id.to_string()), name: None });
        let wishes = [
            (Origin::Event, event.team.clone()),
            (Origin::Link, from_link),
            (Origin::Configuration, configured.map(key_or_name)),
        ];
        let mut any = false;
        for (from, wanted) in wishes {
            let Some(wanted) = wanted else { continue };
            any = true;
            let outcome = self.find_team(from, wanted).await;
            match outcome.map_err(|error| self.required(error, RefKind::Team))? {
                Ok(team) => return Ok(team),
                Err(notice) => self.warnings.push(notice),
            }
        }
        let company = event.company.label().to_owned();
        let desk = self.catalog.desk().name();
        // What a team is there, and where the default one stands.
        let (mend, default) = match desk {
            DeskName::Itop => (
                "Add the team to the company's delivery model in iTop, or give its link a default team.",
                "ticket.team",
            ),
            DeskName::Salesforce => {
                ("Give its link a queue as its team, or set salesforce.queue.", "salesforce.queue")
            }
        };
        Err(if any {
            let warnings = Notice::say_all(&self.warnings, desk, Language::En).join(" ");
            let message =
                format!("No team could be found for company '{company}': {warnings} {mend}");
            self.blocked("team-not-resolved", message)
        } else {
            let message = format!(
                "The acknowledgement names no team, and neither the link of company '{company}' \
                 nor {default} gives a default: set one of them."
            );
            self.blocked("team-missing", message)
        })
    }

    /// The team, or why there is none.
    async fn find_team(
        &mut self,
        from: Origin,
        wanted: Ref,
    ) -> Result<Result<Chosen, Notice>, DeskError> {
        let judge = |reading: &Reading<Vec<Team>>| match find(&reading.listed.items, &wanted) {
            Found::One { item, renamed } => Ok((named(item), renamed)),
            Found::Several(items) => {
                let wanted = as_written(from, &wanted);
                Err(Notice::TeamAmbiguous { from, wanted, candidates: several(&items) })
            }
            Found::Nothing => {
                Err(Notice::TeamDoesNotServe { from, wanted: as_written(from, &wanted) })
            }
        };
        // A number in the configuration may be a key or a name: a list tells.
        let direct = at_once(&wanted).filter(|_| from != Origin::Configuration);
        let known = self.list(RefKind::Team, self.catalog.teams(self.org)).await?;
        let reading = match (known, direct) {
            (Some(reading), _) => reading,
            (None, Some(chosen)) => return Ok(Ok(chosen)),
            (None, None) => self.catalog.teams(self.org).get(Freshness::Cached).await?,
        };
        let mut outcome = judge(&reading);
        if outcome.is_err() {
            outcome = judge(&self.catalog.teams(self.org).get(self.catalog.on_miss()).await?);
        }
        let (team, renamed) = match outcome {
            Ok(found) => found,
            Err(why) => return Ok(Err(why)),
        };
        // The configuration gives a key or a name: a key is not a name that has changed.
        if renamed && from != Origin::Configuration {
            let (kind, name) = (RefKind::Team, team.name.clone());
            self.warnings.push(Notice::CalledOtherwise { kind, wanted, name });
        }
        Ok(self.unless_refused(RefKind::Team, team).map(Chosen::from))
    }

    /// The named contact, else the link's.
    pub(super) async fn contact(
        &mut self,
        event: &Acknowledgement,
        link: &CompanyLink,
    ) -> Result<Option<Chosen>, ResolveError> {
        let default = link.defaults.contact.as_ref().map(|contact| ContactRef {
            id: Some(contact.id.to_string()),
            name: None,
            email: None,
        });
        let (from, wanted) = match (&event.contact, default) {
            (Some(wanted), _) => (Origin::Event, wanted.clone()),
            (None, Some(wanted)) => (Origin::Link, wanted),
            (None, None) => return Ok(None),
        };
        match self.find_contact(from, &wanted).await {
            Ok(Ok(contact)) => Ok(Some(contact)),
            Ok(Err(notice)) => {
                self.warnings.push(notice);
                Ok(None)
            }
            Err(error) => self.optional(error, RefKind::Contact).map(|()| None),
        }
    }

    async fn find_contact(
        &mut self,
        from: Origin,
        wanted: &ContactRef,
    ) -> Result<Result<Chosen, Notice>, DeskError> {
        let told = || Ref {
            id: wanted.id.clone(),
            name: wanted.name.as_ref().or(wanted.email.as_ref()).cloned(),
        };
        let by_key = Ref { id: wanted.id.clone(), name: None };
        let judge = |reading: &Reading<Vec<Person>>| {
            let persons = &reading.listed.items;
            // By key, then by e-mail address, then by name; the first that says anything decides.
            let ways = [
                find(persons, &by_key),
                wanted.email.as_deref().map_or(Found::Nothing, |email| {
                    only(persons.iter().filter(|person| same_mailbox(&person.email, email)))
                }),
                wanted.name.as_deref().map_or(Found::Nothing, |name| by_name(persons, name)),
            ];
            match ways.into_iter().find(|found| *found != Found::Nothing) {
                Some(Found::One { item, .. }) => Ok(named(item)),
                Some(Found::Several(items)) => {
                    let candidates = several(&items);
                    Err(Notice::ContactAmbiguous { from, wanted: told(), candidates })
                }
                Some(Found::Nothing) | None => Err(Notice::ContactUnknown { from, wanted: told() }),
            }
        };
        let direct = match &wanted.email {
            Some(email) if wanted.id.is_none() => {
                names::is_plain(email).then(|| Chosen::Email(email.clone()))
            }
            _ => at_once(&Ref { id: wanted.id.clone(), name: wanted.name.clone() }),
        };
        let known = self.list(RefKind::Contact, self.catalog.contacts(self.org)).await?;
        let reading = match (known, direct) {
            (Some(reading), _) => reading,
            (None, Some(chosen)) => return Ok(Ok(chosen)),
            (None, None) => self.catalog.contacts(self.org).get(Freshness::Cached).await?,
        };
        let mut outcome = judge(&reading);
        if outcome.is_err() {
            outcome = judge(&self.catalog.contacts(self.org).get(self.catalog.on_miss()).await?);
        }
        let outcome = outcome.and_then(|named| self.unless_refused(RefKind::Contact, named));
        Ok(outcome.map(Chosen::from))
    }
}

/// What the configuration says of a team is its key or its name: where there is no such key, it
/// is a name.
fn key_or_name(text: &str) -> Ref {
    Ref { id: Some(text.to_owned()), name: Some(text.to_owned()) }
}

/// What was asked for, as whoever asked wrote it.
fn as_written(from: Origin, wanted: &Ref) -> Ref {
    match from {
        Origin::Event | Origin::Link => wanted.clone(),
        Origin::Configuration => Ref { id: None, name: wanted.name.clone() },
    }
}

/// Whether two e-mail addresses are of one mailbox: in any case, but not without their accents,
/// which make another domain.
fn same_mailbox(a: &str, b: &str) -> bool {
    let folded = |c: char| c.to_lowercase();
    let (a, b) = (a.trim(), b.trim());
    a.chars().flat_map(folded).eq(b.chars().flat_map(folded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_in_any_case() {
        assert!(same_mailbox("Jean.Dupont@ACME.example", " jean.dupont@acme.EXAMPLE"));
        assert!(same_mailbox("ÉMILE@acme.example", "émile@acme.example"));
        assert!(!same_mailbox("émile@acme.example", "emile@acme.example"));
        assert!(!same_mailbox("a b@acme.example", "ab@acme.example"));
    }
}
