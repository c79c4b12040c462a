//! What an attempt does at iTop: it looks for an earlier one, then takes a ticket or makes one.

use super::{Conditional, PlanError, in_flight::Written, search::SearchFor};
use crate::{
    domain::{acknowledgement::Acknowledgement, company_link::CompanyLink, marker::Marker},
    itop::ItopError,
    store::{StoreError, Waiting},
};

/// How often what is to be done may be decided anew within one attempt, because the ticket to which
/// a line was to be added has changed meanwhile.
const DECISIONS: u32 = 3;

/// A write for the same event, before this attempt.
#[derive(Clone, Copy, Debug)]
struct EarlierWrite {
    /// Its ticket has a higher id than this.
    above: u64,
    /// Whether iTop may still be at work on it: then that it is absent proves nothing yet.
    may_run: bool,
}

impl Conditional {
    /// Takes the control's open ticket, or makes one.
    pub(in crate::delivery) async fn deliver_linked(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        link: &CompanyLink,
    ) -> Result<Written, PlanError> {
        for _ in 0..DECISIONS {
            let Some(ticket) = self.existing_ticket(&row.instance, event, link).await? else {
                return self.create(row, event, link).await;
            };
            if let Some(written) = self.reuse(row, event, ticket).await? {
                return Ok(written);
            }
        }
        // It reads as one that can be written to, and is none each time.
        let message = "the ticket changes each time a line is to be added".to_owned();
        Err(PlanError::way(ItopError::Refused { code: 0, message }))
    }

    /// Looks for the ticket of an earlier write, if there may have been one; true if it was there and
    /// has been adopted, or if that cannot be told yet.
    pub(in crate::delivery) async fn was_found_again(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
    ) -> Result<bool, StoreError> {
        match self.earlier_write(row).await? {
            Some(earlier) => self.found_again(row, event, earlier).await,
            None => Ok(false),
        }
    }

    /// What is known of an earlier write for this event, if there may have been one although the
    /// row does not say how it ended: it was sent before, or a backup was restored that does not
    /// know.
    async fn earlier_write(&self, row: &Waiting) -> Result<Option<EarlierWrite>, StoreError> {
        if row.was_sent {
            // It has ended: a row is only tried again after that.
            return Ok(Some(EarlierWrite { above: row.id_floor.unwrap_or(0), may_run: false }));
        }
        let Some(restored) = self.restored_lately().await? else { return Ok(None) };
        // What was sent just before the restore may still be made, and wait behind a lock where this
        // one would meet it. It may also have become a line of a ticket that is older than the
        // backup: the search without a bound finds it.
        let inner = &*self.inner;
        // How long ago the restore was only the time of day tells, which may have been wrong then.
        let (began, now, settings) = (inner.began, inner.clock.moment(), &inner.settings.delivery);
        let may_run = !restored.is_free
            && (!self.has_settled_since(began)
                || !inner.recreation.is_free_of_what_was_before(began, now, settings));
        if !may_run && !restored.is_free {
            inner.term.note_restored_is_free().await?;
        }
        Ok(Some(EarlierWrite { above: restored.floor, may_run }))
    }

    /// Looks for the ticket of an earlier attempt; true if it was there and has been adopted, or
    /// if that cannot be told yet.
    async fn found_again(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        earlier: EarlierWrite,
    ) -> Result<bool, StoreError> {
        let marker = Marker::new(&row.instance, &event.event_id);
        let floor = earlier.above;
        let search = SearchFor { marker: &marker, floor, target: row.target.as_ref() };
        match self.search(&[search]).await {
            Ok(search) => match search.found.first() {
                Some(ticket) => {
                    self.adopt(row.id, ticket, row.target.is_some()).await?;
                    Ok(true)
                }
                None if search.trusted && !earlier.may_run => Ok(false),
                None => {
                    let message = "Whether an earlier attempt made a ticket is not known yet.";
                    self.unknown(row, message.to_owned()).await?;
                    Ok(true)
                }
            },
            Err(error) => {
                self.wait_for_the_way(row, event, &error).await?;
                Ok(true)
            }
        }
    }
}
