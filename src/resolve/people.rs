//! Team and contact.

use super::{Found, ResolveError, Resolver, by_name, candidates, find, named, shown};
use crate::{
    catalog::{Freshness, Reading},
    domain::acknowledgement::{Acknowledgement, ContactRef, Ref},
    itop::{ItopError, Person, Team},
    store::{CompanyLink, Named},
};

impl Resolver<'_> {
    /// The named team, else the link's, else the configured one; a ticket needs one.
    pub(super) async fn team(
        &mut self,
        event: &Acknowledgement,
        link: &CompanyLink,
        configured: Option<&str>,
    ) -> Result<Named, ResolveError> {
        let from_link = link
            .defaults
            .team
            .as_ref()
            .map(|team| Ref { id: Some(team.id.to_string()), name: None });
        let from_configuration =
            configured.map(|text| Ref { id: Some(text.to_owned()), name: Some(text.to_owned()) });
        let wishes = [
            ("Team", event.team.clone()),
            ("The link's default team", from_link),
            ("The configured team", from_configuration),
        ];
        let mut any = false;
        for (what, wanted) in wishes {
            let Some(wanted) = wanted else { continue };
            any = true;
            let outcome = self.find_team(&wanted).await;
            match outcome.map_err(|error| self.required(error, "teams"))? {
                Ok((team, _)) => return Ok(team),
                Err(why) => {
                    let shown = shown(&wanted);
                    self.warnings.push(format!("{what} {shown} {why}; it was not used."));
                }
            }
        }
        let company = event.company.label().to_owned();
        Err(if any {
            let message = format!(
                "No team could be found for company '{company}': {} Add the team to the \
                 company's delivery model in iTop, or give its link a default team.",
                self.warnings.join(" ")
            );
            self.blocked("team-not-resolved", message)
        } else {
            let message = format!(
                "The acknowledgement names no team, and neither the link of company '{company}' \
                 nor ticket.team gives a default: set one of them."
            );
            self.blocked("team-missing", message)
        })
    }

    /// The team and whether it is called otherwise, or why there is none.
    async fn find_team(
        &mut self,
        wanted: &Ref,
    ) -> Result<Result<(Named, bool), String>, ItopError> {
        let judge = |reading: &Reading<Vec<Team>>| match find(&reading.listed.items, wanted) {
            Found::One { item, renamed } => Ok((named(item), renamed)),
            Found::Several(several) => Err(format!("is ambiguous: {}", candidates(&several))),
            Found::Nothing => Err("does not serve this company in iTop".to_owned()),
        };
        let mut outcome = judge(&self.catalog.teams(self.org, Freshness::Cached).await?);
        if outcome.is_err() {
            outcome = judge(&self.catalog.teams(self.org, self.catalog.on_miss()).await?);
        }
        if let Ok((team, true)) = &outcome {
            self.warn_renamed("Team", wanted, &team.name);
        }
        Ok(outcome)
    }

    /// The named contact, else the link's.
    pub(super) async fn contact(
        &mut self,
        event: &Acknowledgement,
        link: &CompanyLink,
    ) -> Result<Option<Named>, ResolveError> {
        let default = link.defaults.contact.as_ref().map(|contact| ContactRef {
            id: Some(contact.id.to_string()),
            name: None,
            email: None,
        });
        let (what, wanted) = match (&event.contact, default) {
            (Some(wanted), _) => ("Contact", wanted.clone()),
            (None, Some(wanted)) => ("The link's default contact", wanted),
            (None, None) => return Ok(None),
        };
        match self.find_contact(&wanted).await {
            Ok(Ok(contact)) => Ok(Some(contact)),
            Ok(Err(why)) => {
                let by_name = Ref { id: wanted.id, name: wanted.name.or(wanted.email) };
                let shown = shown(&by_name);
                self.warnings.push(format!("{what} {shown} {why}; the ticket has no contact."));
                Ok(None)
            }
            Err(error) => self.optional(error, "contacts").map(|()| None),
        }
    }

    async fn find_contact(
        &mut self,
        wanted: &ContactRef,
    ) -> Result<Result<Named, String>, ItopError> {
        let by_key = Ref { id: wanted.id.clone(), name: None };
        let judge = |reading: &Reading<Vec<Person>>| {
            let persons = &reading.listed.items;
            // By key, then by e-mail address, then by name; the first that says anything decides.
            let ways = [
                find(persons, &by_key),
                wanted.email.as_deref().map_or(Found::Nothing, |email| {
                    by_name(persons, email, |person| &person.email)
                }),
                wanted
                    .name
                    .as_deref()
                    .map_or(Found::Nothing, |name| by_name(persons, name, |person| &person.name)),
            ];
            match ways.into_iter().find(|found| *found != Found::Nothing) {
                Some(Found::One { item, .. }) => Ok(named(item)),
                Some(Found::Several(several)) => {
                    Err(format!("is ambiguous: {}", candidates(&several)))
                }
                Some(Found::Nothing) | None => {
                    Err("is no active contact of this company in iTop".to_owned())
                }
            }
        };
        let outcome = judge(&self.catalog.contacts(self.org, Freshness::Cached).await?);
        if outcome.is_ok() {
            return Ok(outcome);
        }
        Ok(judge(&self.catalog.contacts(self.org, self.catalog.on_miss()).await?))
    }

    pub(super) fn warn_renamed(&mut self, what: &str, wanted: &Ref, name: &str) {
        self.warnings
            .push(format!("{what} {} is called '{name}' in iTop; the key decides.", shown(wanted)));
    }
}
