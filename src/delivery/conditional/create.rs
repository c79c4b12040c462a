//! A new ticket.

use super::{
    Conditional, Plan, PlanError,
    in_flight::Written,
    search::{Search, SearchFor},
    write::Sent,
};
use crate::{
    domain::{
        acknowledgement::Acknowledgement,
        company_link::CompanyLink,
        delivery_state::{Problem, State},
        desk_name::DeskName,
        equipment::{Equipment, EquipmentKey},
        new_ticket::{Chosen, RefKind},
        notice::Notice,
        text::one_line,
    },
    itop::{CreatedTicket, ItopError, TicketModel},
    resolve::{self, Doubts},
    store::{Delivered, StoreError, Waiting},
};

/// The code of a problem: what another instance has sent could not be told from what is to be sent.
const NOT_ALONE: &str = "several-instances";

const NOT_ALONE_WORDS: &str = "Several instances of the bridge serve this database, and creates have no condition by \
                               which iTop refuses what another instance has just made: iTop is older than 2.7, or \
                               delivery.conditional is off. Run one instance alone, or mend that.";

/// What came of a create.
enum Outcome {
    /// The attempt has ended.
    Ended(Written),
    /// Nothing was created, because this reference did not hold at the moment of the write.
    Refused(RefKind),
}

impl Conditional {
    /// Plans the ticket and creates it. A reference that iTop refuses at the moment of the write is
    /// resolved once more against a list that is read then, and left out where that does not help.
    pub(super) async fn create(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        link: &CompanyLink,
    ) -> Result<Written, PlanError> {
        let model = self.inner.catalog.ticket_model().await.map_err(PlanError::Way)?;
        let mut doubts = Doubts::of_a_write();
        loop {
            let plan = self.inner.planner.plan(&row.instance, event, link, &doubts).await?;
            match self.send_create(row, event, link, (&plan, &model), &doubts).await? {
                Outcome::Ended(written) => return Ok(written),
                Outcome::Refused(kind) => {
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

    /// Keeps the equipment of an event whose CI was not found in the CMDB from now on, unless it is there.
    async fn learn(&self, row: &Waiting, event: &Acknowledgement) {
        let learns = self.inner.settings.cmdb.as_ref().is_some_and(|cmdb| cmdb.learn);
        let (true, Some(equipment)) = (learns, &event.equipment) else { return };
        let Some(Ok(id)) = equipment.id.as_deref().map(str::parse) else { return };
        let site = event.site.as_ref();
        let wanted = Equipment {
            address: equipment.address.as_deref().map(one_line),
            category: equipment.category.as_deref().map(one_line),
            itsm_id: equipment.itsm_id.clone(),
            site: site.and_then(|site| site.name.clone()),
            site_id: site.and_then(|site| site.id.clone()),
            ..Equipment::named(equipment.name.clone())
        };
        let key =
            EquipmentKey { instance: row.instance.clone(), company: event.company.key.clone(), id };
        let name = event.company.name.clone();
        match self.inner.term.learn_equipment(key, name, &wanted).await {
            Ok(true) => {
                tracing::info!(acknowledgement = row.id, "its equipment is kept in the CMDB");
            }
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(acknowledgement = row.id, %error, "its equipment could not be kept");
            }
        }
    }

    async fn send_create(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        link: &CompanyLink,
        (plan, model): (&Plan, &TicketModel),
        doubts: &Doubts,
    ) -> Result<Outcome, PlanError> {
        let inner = &*self.inner;
        let (highest, floor) = self.floor(row).await?;
        let terms = inner.planner.terms(model, floor);
        if terms.floor.is_none() && !inner.term.is_alone().await? {
            self.wait_for_another(row, Problem::new(NOT_ALONE, NOT_ALONE_WORDS)).await?;
            return Ok(Outcome::Ended(Written::Nothing));
        }
        let warnings = self.say(&plan.resolution.warnings);
        if !inner.recreation.may_begin(row.id, inner.clock.moment(), &inner.settings.delivery) {
            let message = "Its ticket is created anew when another one, whose answer was lost as \
                           well, has been; they go one at a time.";
            self.unknown(row, message.to_owned()).await?;
            return Ok(Outcome::Ended(Written::Nothing));
        }
        let begun = inner.term.begin_create(row.id, floor, warnings, DeskName::Itop).await?;
        let Some(by) = begun else { return Ok(Outcome::Ended(Written::Nothing)) };
        let outcome = inner.client.begun_by(by).create(&plan.ticket, &terms).await;
        let now = inner.clock.moment();
        let error = match outcome {
            Ok(created) => {
                inner.recreation.succeeded(row.id, now);
                let is_old = created.status.key.sequence() <= highest;
                self.created(row, event, link, plan, created).await;
                if plan.ticket.refs.ci.is_none() {
                    self.learn(row, event).await;
                }
                if is_old {
                    // Ids may have been set back: then searches above the highest would be blind.
                    inner.ids_fell.notify_one();
                }
                return Ok(Outcome::Ended(Written::Yes));
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
        let refused = error.refused_ref();
        if let Some(kind) = refused {
            inner.refused.count(kind as usize);
        }
        match refused {
            Some(RefKind::Company) => self.without_company(row, event, link, &error, search).await,
            Some(kind) if doubts.may_doubt(kind) => Ok(Outcome::Refused(kind)),
            _ => {
                let request = &inner.client.create_operation(&plan.ticket, &terms);
                let marker = &plan.ticket.marker;
                let sent = Sent { row, event, marker, floor, request: Some(request) };
                self.after_failed_write(&[sent], None, &error).await?;
                Ok(Outcome::Ended(Written::after(&error)))
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
        let mut warnings = plan.resolution.warnings.clone();
        let wanted = plan.ticket.priority;
        if let Some(computed) = status.priority.filter(|priority| *priority != wanted) {
            warnings.push(Notice::PriorityOtherwise { wanted, computed });
        }
        for kind in &created.dropped {
            let name = plan.ticket.refs.get(*kind).map(|chosen| chosen.name().to_owned());
            warnings.push(Notice::DroppedByItop { kind: *kind, name: name.unwrap_or_default() });
        }
        if !created.has_marker {
            inner.gate.after_lost_marker(&status.number);
        }
        tracing::info!(
            acknowledgement = row.id,
            ticket.number = status.number,
            ticket.key = %status.key,
            company = event.company.key.to_string(),
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
        self.look_closer(row, event, link, plan, &created.dropped);
    }

    /// What only the lists know is told once they are there; nobody waits for it: why iTop dropped a
    /// reference, and which names that no list had to confirm others bear as well.
    fn look_closer(
        &self,
        row: &Waiting,
        event: &Acknowledgement,
        link: &CompanyLink,
        plan: &Plan,
        dropped: &[RefKind],
    ) {
        let refs = plan.ticket.refs.clone();
        let by_name = refs.iter().any(|chosen| matches!(chosen, Chosen::Name(_)));
        if dropped.is_empty() && !by_name {
            return;
        }
        let mut doubts = Doubts::of_a_write();
        for kind in dropped {
            doubts.refused(*kind, None);
        }
        let (this, row, event, link) = (self.clone(), row.clone(), event.clone(), link.clone());
        let known = plan.resolution.warnings.clone();
        let look = async move {
            let inner = &*this.inner;
            let mut notices = Vec::new();
            if doubts.of_any()
                && let Ok(plan) = inner.planner.plan(&row.instance, &event, &link, &doubts).await
            {
                let why = plan.resolution.warnings.into_iter();
                notices.extend(why.filter(|why| !known.contains(why)));
            }
            notices.extend(resolve::ambiguous(&inner.catalog, &link.org, &refs).await);
            if notices.is_empty() {
                return;
            }
            if let Err(error) = inner.term.add_warnings(row.id, this.say(&notices)).await {
                tracing::error!(acknowledgement = row.id, %error, "warnings were not added");
            }
        };
        self.spawn(look);
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
    ) -> Result<Outcome, PlanError> {
        let ended = Ok(Outcome::Ended(Written::Nothing));
        match self.search(&[search]).await {
            Ok(Search { found, .. }) if !found.is_empty() => {
                if found.len() > 1 {
                    self.twins(row.id, &found.iter().collect::<Vec<_>>());
                }
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
