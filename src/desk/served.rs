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

    /// The page of a ticket, for people; `itop` is the web root of iTop as they reach it. Of one that is not
    /// served any more it leads to nothing.
    #[must_use]
    pub fn address(&self, itop: &str, key: &TicketKey) -> String {
        match self.of_ticket(key) {
            Some(served) => served.catalog.desk().address(itop, key),
            None => itop::address(itop, key),
        }
    }

    /// Whether it has to be said which there are: with iTop alone nobody has ever asked.
    #[must_use]
    pub fn are_told(&self) -> bool {
        self.are_several() || self.default.name() != DeskName::Itop
    }

    /// Whether there is more than one, so that it has to be said which.
    #[must_use]
    pub fn are_several(&self) -> bool {
        !self.others.is_empty()
    }
}
