//! A new ticket.

use super::{
    Delivery, Plan, PlanError,
    in_flight::Written,
    search::{Search, SearchFor},
};
use crate::{
    domain::{
        acknowledgement::Acknowledgement,
        company_link::CompanyLink,
        delivery_state::State,
        new_ticket::{Chosen, RefKind},
        notice::Notice,
    },
    itop::{CreatedTicket, ItopError},
    resolve::{self, Doubts},
    store::{Delivered, StoreError, Waiting},
};

/// What came of a create.
enum Sent {
    /// The attempt has ended.
    Ended(Written),
    /// Nothing was created, because this reference did not hold at the moment of the write.
    Refused(RefKind),
}

impl Delivery {
    /// Plans the ticket and creates it. A reference that iTop refuses at the moment of the write is
    /// resolved once more against a list that is read then, and left out where that does not help.
    pub(super) async fn create(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        link: &CompanyLink,
    ) -> Result<Written, PlanError> {
        let mut doubts = Doubts::of_a_write();
        loop {
            let plan = self.inner.planner.plan(&row.instance, event, link, &doubts).await?;
            match self.send_create(row, event, link, &plan, &doubts).await? {
                Sent::Ended(written) => return Ok(written),
                Sent::Refused(kind) => {
                    tracing::info!(
                        acknowledgement = row.id,
                        kind = kind.word(),
                        "iTop refused a reference at the moment of the write"
                    );
                    doubts.refused(kind, plan.ticket.refs.get(kind));
                }
            }
        }
    }

    async fn send_create(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        link: &CompanyLink,
        plan: &Plan,
        doubts: &Doubts,
    ) -> Result<Sent, PlanError> {
        let inner = &*self.inner;
        let (highest, floor) = self.floor(row).await?;
        let warnings = self.say(&plan.resolution.warnings);
        if !inner.store.begin_create(row.id, floor, warnings).await? {
            return Ok(Sent::Ended(Written::Nothing));
        }
        inner.recreation.begun(row.id, inner.clock.now());
        let outcome = inner.client.create(&plan.ticket, &inner.planner.terms(plan, floor)).await;
        let now = inner.clock.now();
        let error = match outcome {
            Ok(created) => {
                inner.recreation.succeeded(row.id, now);
                let is_old = created.status.key.id <= highest;
                self.created(row, event, link, plan, created).await;
                if is_old {
                    // Ids may have been set back: then searches above the highest would be blind.
                    inner.ids_fell.notify_one();
                }
                return Ok(Sent::Ended(Written::Yes));
            }
            Err(error) => error,
        };
        if error.may_still_run() {
            let settle = inner.settings.delivery.settle.duration();
            inner.recreation.unclear(row.id, now, settle);
        } else {
            inner.recreation.refused(row.id);
        }
        let search = SearchFor { marker: &plan.ticket.marker, floor, target: None };
        match error.refused_ref() {
            Some(RefKind::Company) => self.without_company(row, event, link, &error, search).await,
            Some(kind) if doubts.may_doubt(kind) => Ok(Sent::Refused(kind)),
            _ => {
                self.after_failed_write(row, event, &error, search).await?;
                Ok(Sent::Ended(Written::after(&error)))
            }
        }
    }

    /// The highest ticket id that was seen, and the one above which this row's ticket must be, if it
    /// has one.
    async fn floor(&self, row: &Waiting) -> Result<(u64, u64), StoreError> {
        let highest = self.inner.store.highest_ticket_id().await?;
        let mut floor = highest.min(row.id_floor.unwrap_or(u64::MAX));
        if let Some(restored) = self.restored_lately().await? {
            floor = floor.min(restored.floor);
        }
        Ok((highest, floor))
    }

    async fn created(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        link: &CompanyLink,
        plan: &Plan,
        created: CreatedTicket,
    ) {
        let inner = &*self.inner;
        let status = &created.status;
        let plan_warnings = &plan.resolution.warnings;
        let mut warnings = plan_warnings.clone();
        let mut doubts = Doubts::default();
        let wanted = plan.ticket.priority;
        if let Some(computed) = status.priority.filter(|priority| *priority != wanted) {
            warnings.push(Notice::PriorityOtherwise { wanted, computed });
        }
        for kind in created.dropped {
            let name = plan.ticket.refs.get(kind).map(|chosen| chosen.name().to_owned());
            warnings.push(Notice::DroppedByItop { kind, name: name.unwrap_or_default() });
            doubts.refused(kind, None);
        }
        if doubts.of_any()
            && let Ok(plan) = inner.planner.plan(&row.instance, event, link, &doubts).await
        {
            // Why, as far as the lists know by now.
            let known = plan.resolution.warnings.into_iter();
            warnings.extend(known.filter(|why| !plan_warnings.contains(why)));
        }
        if !created.has_marker {
            inner.gate.after_lost_marker(&status.number);
        }
        tracing::info!(
            acknowledgement = row.id,
            ticket.number = status.number,
            ticket.key = %status.key,
            company = %event.company.key,
            "ticket created"
        );
        let delivered = Delivered {
            state: State::Created,
            has_marker: created.has_marker,
            ticket: created.status,
            warnings: Some(self.say(&warnings)),
            read_back_at: None,
        };
        self.record(vec![(row.id, delivered)]).await;
        self.warn_of_ambiguity(row.id, plan);
    }

    /// Names that no list had to confirm are looked at once the lists are there; nobody waits.
    fn warn_of_ambiguity(&self, id: i64, plan: &Plan) {
        let refs = plan.ticket.refs.clone();
        if !refs.iter().any(|chosen| matches!(chosen, Chosen::Name(_))) {
            return;
        }
        let (this, org) = (self.clone(), plan.ticket.org);
        tokio::spawn(async move {
            let notices = resolve::ambiguous(&this.inner.catalog, org, &refs).await;
            if notices.is_empty() {
                return;
            }
            if let Err(error) = this.inner.store.add_warnings(id, this.say(&notices)).await {
                tracing::error!(acknowledgement = id, %error, "warnings were not added");
            }
        });
    }

    /// iTop did not accept the company: a ticket with the marker is there already, or it is gone,
    /// no longer active, or out of sight.
    async fn without_company(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        link: &CompanyLink,
        error: &ItopError,
        search: SearchFor<'_>,
    ) -> Result<Sent, PlanError> {
        let ended = Ok(Sent::Ended(Written::Nothing));
        match self.search(&[search]).await {
            Ok(Search { found, .. }) if !found.is_empty() => {
                self.adopt(row.id, &found[0], false).await?;
                return ended;
            }
            Ok(Search { trusted: true, .. }) => {}
            Ok(Search { trusted: false, .. }) | Err(_) => {
                let message = "iTop refused the ticket because its company is gone or it is there \
                               already; which of the two could not be looked up yet.";
                self.unknown(row, message.to_owned()).await?;
                return ended;
            }
        }
        // Its list, read now, tells what to mend.
        let mut doubts = Doubts::of_a_write();
        doubts.refused(RefKind::Company, None);
        self.inner.planner.plan(&row.instance, event, link, &doubts).await?;
        // It is there after all, so that it may only be tried again.
        self.wait_for_the_way(row, event, error).await?;
        ended
    }
}
