//! What only a real ticket shows: what this data model demands, time zone, priorities, marker.

use jiff::SignedDuration;

use super::{
    attributes::ABOVE_ALL, examination::Examination, finding::mend, plan::Planned, sample::TITLE,
};
use crate::{
    config::Switch,
    domain::priority::Priority,
    itop::{CreatedTicket, ItopError, PathProbe, Within},
};

/// How far iTop's clock may be from ours.
const CLOCKS_AGREE: SignedDuration = SignedDuration::from_secs(120);

impl Examination<'_> {
    /// Creates one ticket of the lowest priority, as a delivery does, and examines it; it stays,
    /// and is named.
    pub(super) async fn ticket(&mut self, planned: &Planned) {
        self.path_probe(planned).await;
        self.report.examining("ticket");
        let plan = &planned.to_create;
        let terms = planned.planner.terms(&planned.model, ABOVE_ALL);
        let created = match self.client.create(&plan.ticket, &terms).await {
            Ok(created) => created,
            Err(error) => {
                self.not_created(&error);
                return;
            }
        };
        self.report.ok(
            "ticket",
            format!(
                "{} ({}) was created for '{}'; close it in iTop",
                created.status.number, created.status.key, planned.company
            ),
        );
        for kind in &created.dropped {
            let seen = format!("iTop left out the {} without a word", kind.word());
            let mend = "Tickets will come with that warning; check catalog.queries.";
            self.report.warning("ticket", seen, mend);
        }
        self.marker(planned, &created).await;
        self.time_zone(&created);
        self.priorities(&created).await;
    }

    /// The way that creates go: before one is sent again, it is probed.
    async fn path_probe(&mut self, planned: &Planned) {
        let what = "path probe";
        if self.config.delivery.path_probe == Switch::Off {
            self.report.ok(what, "turned off (delivery.path_probe)");
            return;
        }
        self.report.examining(what);
        match self.client.probe_path(planned.to_create.class).await {
            Ok(PathProbe::Passed) => self.report.ok(what, "refused as expected"),
            Ok(PathProbe::Unclear) => self.report.warning(
                what,
                "refused too early to say anything: something checks tickets before iTop does",
                "Set delivery.path_probe = \"off\"; after an answer that was lost, \
                 delivery.settle_unproven is waited for instead.",
            ),
            Ok(PathProbe::Made(number)) => self.report.warning(
                what,
                format!("{number} was created: this iTop accepts faulty tickets; close it in iTop"),
                "Set delivery.path_probe = \"off\", or such a ticket is made after an answer that \
                 was lost.",
            ),
            Err(error) => self.report.failed(what, &error),
        }
    }

    fn not_created(&mut self, error: &ItopError) {
        let mend = match error {
            ItopError::Refused { .. } => {
                "iTop names what it demands more, or does not allow: set it in [ticket.fields], or \
                 mend it in iTop."
                    .to_owned()
            }
            ItopError::NoClearAnswer { .. } => {
                format!("{} The ticket may be there all the same: look for '{TITLE}'.", mend(error))
            }
            error => mend(error).to_owned(),
        };
        self.report.failure("ticket", error.to_string(), mend);
    }

    async fn marker(&mut self, planned: &Planned, created: &CreatedTicket) {
        let what = "marker";
        let field = &self.config.ticket.marker_field;
        let mend = "The account must be able to write, read and search the attribute \
                    ticket.marker_field; without it a ticket cannot be found again after a lost \
                    answer.";
        if !created.has_marker {
            let seen = format!("was written to {field} and could not be read back");
            self.report.failure(what, seen, mend);
            return;
        }
        self.report.examining(what);
        let place = [(field.as_str(), &planned.to_create.ticket.marker)];
        match self.client.find_marked(&place, &Within::Anywhere).await {
            Ok(found) if found.iter().any(|marked| marked.key == created.status.key) => {
                let seen = format!("was read back from {field} and found by a search");
                self.report.ok(what, seen);
            }
            Ok(_) => {
                let seen = format!("was read back from {field} and not found by a search");
                self.report.failure(what, seen, mend);
            }
            Err(error) => self.report.failed(what, &error),
        }
    }

    fn time_zone(&mut self, created: &CreatedTicket) {
        let what = "time zone";
        let zone = &self.section.time_zone;
        let Some(theirs) = created.status.last_update else {
            let mend = "Check that iTop writes dates as Y-m-d H:i:s.";
            self.report.warning(what, "iTop's last_update could not be read", mend);
            return;
        };
        let ahead = theirs.duration_since(self.clock.now());
        if ahead.abs() <= CLOCKS_AGREE {
            self.report.ok(what, format!("{zone} fits iTop's clock"));
            return;
        }
        // iTop writes whole seconds, and the call itself took a moment.
        let minutes = (ahead.as_secs() + 30).div_euclid(60);
        // Time zones differ by quarters of an hour; anything else is a clock that is wrong.
        let off_quarter = (minutes + 7).rem_euclid(15).abs_diff(7);
        let direction = if minutes > 0 { "ahead of" } else { "behind" };
        let seen = format!(
            "read in {zone}, iTop's clock is {} h {:02} min {direction} ours",
            minutes.abs() / 60,
            minutes.abs() % 60
        );
        let mend = if off_quarter <= 2 {
            "Set itop.time_zone to the time zone in iTop's configuration ('timezone')."
        } else {
            "Set the clocks of both machines by NTP."
        };
        self.report.failure(what, seen, mend);
    }

    async fn priorities(&mut self, created: &CreatedTicket) {
        let what = "priorities";
        let mut wrong = Vec::new();
        // The lowest last, so that the ticket ends as it was created.
        for number in 1..=4 {
            let Ok(wanted) = Priority::try_from(number) else { continue };
            self.report.examining(what);
            let (impact, urgency) = wanted.impact_and_urgency();
            match self.client.set_priority(&created.status.key, impact, urgency).await {
                Ok(Some(computed)) if computed == wanted => {}
                Ok(computed) => wrong.push(format!(
                    "impact {impact} and urgency {urgency} give {} instead of {number}",
                    computed.map_or_else(|| "none".to_owned(), |p| u8::from(p).to_string())
                )),
                Err(error) => {
                    self.report.failed(what, &error);
                    return;
                }
            }
        }
        if wrong.is_empty() {
            self.report.ok(what, "1 to 4 are computed as expected");
            return;
        }
        self.report.warning(
            what,
            wrong.join("; "),
            "This iTop has another table of impact and urgency: tickets will warn of the priority \
             that they got instead.",
        );
    }
}
