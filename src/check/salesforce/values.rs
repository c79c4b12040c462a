//! The values that the configuration names: picklists take anything unless they are restricted, and then
//! grow a value that nobody chose.

use super::Examination;
use crate::{
    domain::text::cut_chars,
    salesforce::{CASE, Described, is_id},
};

impl Examination<'_, '_> {
    pub(super) async fn values(&mut self, case: &Described) {
        let what = "salesforce values";
        let section = self.section;
        let of_priorities = section.priorities.values().into_iter();
        let mut wanted: Vec<_> = of_priorities.map(|(_, value)| ("Priority", value)).collect();
        wanted.extend(section.origin.as_deref().map(|value| ("Origin", value)));
        wanted.extend(section.status.as_deref().map(|value| ("Status", value)));
        wanted.dedup();
        let mut missing = 0;
        for (name, value) in &wanted {
            let Some(field) = case.field(name) else { continue };
            if field.offers(value) {
                continue;
            }
            missing += 1;
            let offered: Vec<_> = field.values().collect();
            let seen = format!("{name} offers no '{}'", cut_chars(value, 60));
            let mend = format!("It offers: {}.", offered.join(", "));
            if field.restricted_picklist {
                self.report.failure(what, seen, format!("Cases would be refused. {mend}"));
            } else {
                let mend = format!("Salesforce would take it as a value of its own. {mend}");
                self.report.warning(what, seen, mend);
            }
        }
        if missing == 0 {
            self.report.ok(what, "Priority, Origin and Status offer what is configured");
        }
        self.record_type(case);
        self.closed_states().await;
    }

    fn record_type(&mut self, case: &Described) {
        let what = "salesforce record type";
        let Some(wanted) = &self.section.record_type else { return };
        let is_wanted = |kind: &&crate::salesforce::RecordType| {
            if is_id(wanted) {
                crate::salesforce::is_same(&kind.id, wanted)
            } else {
                kind.developer_name == *wanted
            }
        };
        match case.record_types.iter().find(is_wanted) {
            Some(kind) if kind.is_usable() => self.report.ok(what, wanted.clone()),
            Some(_) => self.report.failure(
                what,
                format!("{wanted} is not active, or not for the user of the bridge"),
                "Activate it, and assign it to the profile or permission set of that user.",
            ),
            None => {
                let usable = case.record_types.iter().filter(|kind| kind.is_usable());
                let names: Vec<_> = usable.map(|kind| kind.developer_name.as_str()).collect();
                let mend = format!("{CASE} has: {}.", names.join(", "));
                self.report.failure(what, format!("there is no record type {wanted}"), mend);
            }
        }
    }

    /// A new Case must be open, or each acknowledgement would make another one.
    async fn closed_states(&mut self) {
        let what = "salesforce states";
        match self.client.case_states().await {
            Ok(states) => {
                let of_new = self.section.status.as_deref();
                let is_of_new = |state: &&crate::salesforce::CaseState| match of_new {
                    Some(name) => state.name.eq_ignore_ascii_case(name),
                    None => state.is_default,
                };
                if let Some(state) = states.iter().find(is_of_new).filter(|state| state.is_closed) {
                    self.report.failure(
                        what,
                        format!("new Cases would be '{}', which is closed", state.name),
                        "Set salesforce.status to an open one.",
                    );
                } else {
                    let closed: Vec<_> =
                        states.iter().filter(|s| s.is_closed).map(|s| s.name.as_str()).collect();
                    self.report.ok(what, format!("closed are: {}", closed.join(", ")));
                }
            }
            Err(error) => self.failed(what, &error),
        }
    }

    pub(super) async fn queues(&mut self) {
        let what = "salesforce queues";
        let queues = match self.client.teams().await {
            Ok(queues) => queues,
            Err(error) => return self.failed(what, &error),
        };
        let names: Vec<_> = queues.iter().map(|queue| queue.name.as_str()).collect();
        match self.section.queue.as_deref() {
            _ if queues.is_empty() => self.report.failure(
                what,
                "no queue takes Cases, or none is visible",
                "Make a queue for Cases in Setup; its members are the agents.",
            ),
            Some(wanted)
                if !queues.iter().any(|queue| {
                    queue.name.eq_ignore_ascii_case(wanted) || queue.id.as_str() == wanted
                }) =>
            {
                let mend = format!("These take Cases: {}.", names.join(", "));
                self.report.failure(what, format!("there is no queue {wanted}"), mend);
            }
            _ => self.report.ok(what, names.join(", ")),
        }
    }
}
