//! The right to create, asked with everything that a create would send.

use serde_json::{Value, json};

use super::{examination::Examination, plan::Planned};
use crate::{
    delivery::Plan,
    domain::new_ticket::RefKind,
    gate::Reason,
    itop::{Attributes, ItopError},
};

const RIGHT: &str = "right to create";

/// Above each id that a ticket can have: the condition that no ticket above it has the marker is
/// there, and costs nothing.
pub(super) const ABOVE_ALL: u64 = 2_147_483_647;

impl Examination<'_> {
    /// Sends what would be created with one unknown attribute more: iTop names the first that it
    /// does not take, and writes nothing.
    pub(super) async fn attributes(&mut self, planned: &Planned) -> Option<()> {
        self.report.examining(RIGHT);
        let mut count = 0;
        for plan in [&planned.full, &planned.least] {
            let operation = self
                .client
                .create_operation(&plan.ticket, &planned.planner.terms(&planned.model, ABOVE_ALL));
            match self.client.try_attributes(&operation).await {
                Ok(Attributes::Taken) => {
                    let fields = operation["fields"].as_object().map_or(0, serde_json::Map::len);
                    count = count.max(fields);
                }
                Ok(Attributes::NoRight) => {
                    let seen = format!("iTop refuses to create {}, or is read-only", plan.class);
                    self.report.failure(RIGHT, seen, Reason::WritesRefused.mend());
                    return None;
                }
                Ok(Attributes::Refused { attribute, kind, why }) => {
                    self.refused(plan, &attribute, kind, &why);
                    return None;
                }
                Err(error @ ItopError::NoClearAnswer { .. }) => {
                    self.broken(plan, &operation, &error).await;
                    return None;
                }
                Err(error) => {
                    self.report.failed(RIGHT, &error);
                    return None;
                }
            }
        }
        let seen = format!(
            "{} with {count} attributes (asked without creating: mandatory attributes of this \
             data model and values that it does not allow show only with --create-ticket)",
            planned.full.class
        );
        self.report.ok(RIGHT, seen);
        Some(())
    }

    /// iTop does not take this attribute.
    fn refused(&mut self, plan: &Plan, attribute: &str, kind: Option<RefKind>, why: &str) {
        let class = plan.class;
        let ticket = &self.config.ticket;
        if ticket.fields.contains_key(attribute) {
            let mend = if why.contains("Unknown attribute") {
                format!(
                    "{class} has no attribute of this code in this iTop: correct or remove \
                     ticket.fields.{attribute}."
                )
            } else if why.contains("OQL") || why.contains("token") {
                format!(
                    "Correct ticket.fields.{attribute}: an attribute that names an object takes a \
                     key or a query (SELECT …)."
                )
            } else {
                format!("Correct or remove ticket.fields.{attribute}.")
            };
            self.report.failure(RIGHT, format!("ticket.fields.{attribute}: {why}"), mend);
            return;
        }
        let seen = format!("{attribute}: {why}");
        let mend = match kind {
            _ if attribute == ticket.marker_field => {
                "Set ticket.marker_field to private_log, or to an attribute that the account may \
                 write."
                    .to_owned()
            }
            Some(kind) => format!(
                "The {} was listed a moment ago, and the same query does not find it in a write: \
                 check catalog.queries, and that the account sees the company (Allowed \
                 organizations).",
                kind.word()
            ),
            None => format!(
                "The bridge sets this attribute of {class}, and this data model has another one: \
                 tickets cannot be created."
            ),
        };
        self.report.failure(RIGHT, seen, mend);
    }

    /// iTop broke instead of answering: an empty value for an attribute that names an object does
    /// that (seen on 3.2.0). Which one is found by asking with each alone.
    async fn broken(&mut self, plan: &Plan, operation: &Value, error: &ItopError) {
        for (attribute, value) in &plan.ticket.fields {
            let mut alone = operation.clone();
            alone["fields"] = json!({ attribute: value });
            let outcome = self.client.try_attributes(&alone).await;
            if matches!(outcome, Err(ItopError::NoClearAnswer { .. })) {
                let mend = format!(
                    "iTop breaks on it: correct ticket.fields.{attribute}. An attribute that names \
                     an object takes a key or a query (SELECT …), and never an empty text."
                );
                let seen = format!("ticket.fields.{attribute} = '{value}': {error}");
                self.report.failure(RIGHT, seen, mend);
                return;
            }
        }
        self.report.failed(RIGHT, error);
    }
}
