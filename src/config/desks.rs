//! The ticket systems that a configuration names.

use std::collections::BTreeMap;

use super::Config;
use crate::domain::{
    desk_name::DeskName,
    ticket_text::{TemplateError, Templates},
};

/// A key of the configuration that cannot be used, although everything about it was checked when it was
/// read: a file has changed since, or it was made without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// What stands there.
    #[error("{0} cannot be used")]
    Key(&'static str),
    /// A section that is not there.
    #[error("the configuration has no section [{}]; this needs it", .0.code())]
    Section(DeskName),
}

impl Config {
    /// The ticket systems that are configured, in the order in which they are shown.
    pub fn desks(&self) -> impl Iterator<Item = DeskName> {
        DeskName::ALL.into_iter().filter(|desk| self.has(*desk))
    }

    /// Whether this ticket system is configured.
    #[must_use]
    pub fn has(&self, desk: DeskName) -> bool {
        match desk {
            DeskName::Itop => self.itop.is_some(),
            DeskName::Salesforce => self.salesforce.is_some(),
        }
    }

    /// The one that has the companies without a link.
    #[must_use]
    pub fn default_desk(&self) -> DeskName {
        // Without any nothing starts, whichever it is.
        self.links.desk.or_else(|| self.desks().next()).unwrap_or(DeskName::ALL[0])
    }

    /// How many calls there may be at once to all of them.
    #[must_use]
    pub fn max_in_flight(&self) -> usize {
        self.itop.iter().map(|itop| itop.max_in_flight).sum::<usize>()
            + self.salesforce.iter().map(|salesforce| salesforce.max_in_flight).sum::<usize>()
    }

    /// The team of its tickets where neither the acknowledgement nor the link names one.
    #[must_use]
    pub fn team(&self, desk: DeskName) -> Option<&str> {
        match desk {
            DeskName::Itop => self.ticket.team.as_deref(),
            DeskName::Salesforce => self.salesforce.as_ref()?.queue.as_deref(),
        }
    }

    /// The texts of its tickets; compiling tries them with a sample of every kind of event.
    ///
    /// # Errors
    /// Where one cannot be made of every kind.
    pub fn templates(&self, desk: DeskName) -> Result<Templates, TemplateError> {
        let ticket = &self.ticket;
        let (title, description) = (ticket.title.as_deref(), ticket.description.as_deref());
        let none = BTreeMap::new();
        let fields = match desk {
            DeskName::Itop => &ticket.fields,
            DeskName::Salesforce => {
                self.salesforce.as_ref().map_or(&none, |section| &section.fields)
            }
        };
        Templates::new(ticket.language, title, description, fields)
    }
}
