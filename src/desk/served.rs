//! The ticket systems that one bridge serves.

use std::sync::Arc;

use super::DeskName;
use crate::{catalog::Catalog, domain::keys::TicketKey, gate::Gate, itop};

/// What is had for each ticket system. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Served {
    /// Its lists; they know how to ask it.
    pub catalog: Catalog,
    /// Whether it answers.
    pub gate: Gate,
}

impl Served {
    /// Which one it is.
    #[must_use]
    pub fn name(&self) -> DeskName {
        self.catalog.desk().name()
    }
}

/// All that are served. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Desks {
    default: Served,
    others: Arc<[Served]>,
}

impl Desks {
    /// `default` is that of companies that are not linked.
    #[must_use]
    pub fn new(default: Served, others: impl IntoIterator<Item = Served>) -> Self {
        Self { default, others: others.into_iter().collect() }
    }

    /// That of companies that are not linked, and the one that is meant where none is named.
    #[must_use]
    pub fn default(&self) -> &Served {
        &self.default
    }

    /// All, the default one first.
    pub fn iter(&self) -> impl Iterator<Item = &Served> {
        std::iter::once(&self.default).chain(self.others.iter())
    }

    /// Which these are.
    pub fn names(&self) -> impl Iterator<Item = DeskName> {
        self.iter().map(Served::name)
    }

    /// One of them, if it is served.
    #[must_use]
    pub fn of(&self, name: DeskName) -> Option<&Served> {
        self.iter().find(|served| served.name() == name)
    }

    /// The one that has this ticket, if it is served.
    #[must_use]
    pub fn of_ticket(&self, key: &TicketKey) -> Option<&Served> {
        self.of(DeskName::of_class(&key.class))
    }

    /// The page of a ticket, for people; none where its ticket system is not served any more.
    #[must_use]
    pub fn address(&self, key: &TicketKey) -> Option<String> {
        self.of_ticket(key).map(|served| served.catalog.desk().address(key))
    }

    /// iTop, if it is served: for what only that has.
    #[must_use]
    pub fn itop(&self) -> Option<(&Served, &itop::Client)> {
        self.iter().find_map(|served| Some((served, served.catalog.desk().itop()?)))
    }

    /// Whether there is more than one, so that it has to be said which.
    #[must_use]
    pub fn are_several(&self) -> bool {
        !self.others.is_empty()
    }

    /// Whether iTop is all there is, which goes without saying.
    #[must_use]
    pub fn are_itop_alone(&self) -> bool {
        !self.are_several() && self.default.name() == DeskName::Itop
    }
}
