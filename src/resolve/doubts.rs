//! What iTop has refused of a ticket at the moment of the write.

use crate::domain::{
    keys::ObjectId,
    new_ticket::{Chosen, RefKind},
};

/// References that iTop refused during one attempt: they are resolved once more against a list
/// that is read then, and what is refused again is not chosen again.
#[derive(Clone, Debug, Default)]
pub struct Doubts {
    is_written: bool,
    refused: Vec<(RefKind, Option<ObjectId>)>,
}

impl Doubts {
    /// No doubts, of something that is about to be written: iTop will evaluate the conditions
    /// itself, so that a list may be old, and one that was never read is not waited for.
    #[must_use]
    pub fn of_a_write() -> Self {
        Self { is_written: true, refused: Vec::new() }
    }

    /// Whether iTop will evaluate the conditions itself.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.is_written
    }

    /// Whether it makes sense to resolve it once more: that ends, because each time is counted.
    #[must_use]
    pub fn may_doubt(&self, kind: RefKind) -> bool {
        let most = match kind {
            RefKind::Company => 0,
            // The named team, the link's, the configured one, each of which may go.
            RefKind::Team => 4,
            RefKind::Contact | RefKind::Service | RefKind::ServiceElement | RefKind::Ci => 2,
        };
        self.times(kind) < most
    }

    /// iTop has refused it.
    pub fn refused(&mut self, kind: RefKind, chosen: Option<&Chosen>) {
        self.refused.push((kind, chosen.and_then(Chosen::id).cloned()));
    }

    /// Whether its list must be read anew.
    #[must_use]
    pub fn of(&self, kind: RefKind) -> bool {
        self.times(kind) > 0
    }

    /// Whether it was refused by a name that no list had to confirm.
    #[must_use]
    pub fn of_a_name(&self, kind: RefKind) -> bool {
        self.refused.iter().any(|(refused, id)| *refused == kind && id.is_none())
    }

    /// Whether anything was refused.
    #[must_use]
    pub fn of_any(&self) -> bool {
        !self.refused.is_empty()
    }

    /// Whether this very object was refused although its list had been read anew.
    #[must_use]
    pub fn excludes(&self, kind: RefKind, id: &ObjectId) -> bool {
        let mut of_kind = self.refused.iter().filter(|(refused, _)| *refused == kind);
        // The first refusal may have been one of an old list.
        of_kind.next();
        of_kind.any(|(_, refused)| refused.as_ref() == Some(id))
    }

    fn times(&self, kind: RefKind) -> usize {
        self.refused.iter().filter(|(refused, _)| *refused == kind).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_again_is_not_chosen_again_and_doubting_ends() {
        let id = ObjectId::new("7");
        let chosen = Chosen::Key { id: id.clone(), name: "x".to_owned() };
        let mut doubts = Doubts::default();
        assert!(!doubts.of(RefKind::Contact) && doubts.may_doubt(RefKind::Contact));
        doubts.refused(RefKind::Contact, Some(&chosen));
        assert!(doubts.of(RefKind::Contact) && !doubts.of(RefKind::Ci));
        assert!(!doubts.excludes(RefKind::Contact, &id));
        doubts.refused(RefKind::Contact, Some(&chosen));
        assert!(doubts.excludes(RefKind::Contact, &id));
        assert!(!doubts.excludes(RefKind::Ci, &id));
        assert!(!doubts.may_doubt(RefKind::Contact) && !doubts.may_doubt(RefKind::Company));
    }
}
