//! The way to Salesforce, and whether the org is set up so that Cases can be made exactly once. Nothing
//! here writes.

mod case;
mod limits;
mod values;

use super::Report;
use crate::{
    config::SalesforceSection,
    desk::Desk,
    salesforce::{Client, Error},
};

/// What is examined, and where it is told.
struct Examination<'e, 'r> {
    section: &'e SalesforceSection,
    client: Client,
    report: &'e mut Report<'r>,
}

/// Examines what is configured of Salesforce.
pub(super) async fn examine(
    section: &SalesforceSection,
    desk: Result<Desk, String>,
    report: &mut Report<'_>,
) {
    let client = match desk {
        Ok(Desk::Salesforce(client)) => client,
        Ok(Desk::Itop(_)) => return,
        Err(error) => {
            report.failure("salesforce", error, "The bridge does not start like this.");
            return;
        }
    };
    let mut examination = Examination { section, client, report };
    let _ = examination.run().await;
}

impl Examination<'_, '_> {
    /// Ends at the first thing without which the rest cannot be asked.
    async fn run(&mut self) -> Option<()> {
        self.login().await?;
        self.version().await;
        let case = self.case().await?;
        self.marker_field(&case);
        self.references(&case).await;
        self.values(&case).await;
        self.queues().await;
        self.companies().await;
        self.limits().await;
        self.e_mails();
        Some(())
    }

    async fn login(&mut self) -> Option<()> {
        let what = "salesforce login";
        self.report.examining(what);
        match self.client.ping().await {
            Ok(()) => {
                let instance = self.client.instance().map(|url| url.to_string());
                let seen = format!("{} lets the bridge in", instance.unwrap_or_default());
                self.report.ok(what, seen);
                Some(())
            }
            Err(error @ Error::Version { .. }) => {
                let mend = "Set salesforce.api_version to one that is offered.";
                self.report.failure("salesforce version", error.to_string(), mend);
                None
            }
            Err(error) => {
                self.failed(what, &error);
                None
            }
        }
    }

    /// That it is offered, the login has seen.
    async fn version(&mut self) {
        let what = "salesforce version";
        let wanted = &self.section.api_version;
        match self.client.versions().await {
            Ok(offered) => {
                let newest = offered.last().filter(|newest| *newest != wanted);
                let newer = newest.map(|newest| format!("; the org offers up to {newest}"));
                self.report.ok(what, format!("{wanted}{}", newer.unwrap_or_default()));
            }
            Err(error) => self.failed(what, &error),
        }
    }

    async fn companies(&mut self) {
        let what = "salesforce companies";
        match self.client.companies().await {
            Ok(accounts) if accounts.is_empty() => self.report.warning(
                what,
                "no Account is visible to the user of the bridge",
                "Share Accounts with that user, and see salesforce.companies.",
            ),
            Ok(accounts) => self.report.ok(what, format!("{} Accounts", accounts.len())),
            Err(error) => self.failed(what, &error),
        }
    }

    /// What REST cannot switch off, and what nobody could try: told each time, because it reaches the
    /// customers of the customer.
    fn e_mails(&mut self) {
        self.report.warning(
            "salesforce e-mails",
            "whether Cases of the bridge send auto-responses or e-mails to contacts and owners, only \
             this org can show",
            "Make one Case for a contact of your own with a real acknowledgement, in a sandbox first; \
             except the user of the bridge from auto-response rules and alerts (docs/salesforce.md).",
        );
    }

    fn failed(&mut self, what: &'static str, error: &Error) {
        let mend = error.mend().unwrap_or("Ask again in a moment.");
        self.report.failure(what, error.to_string(), mend);
    }
}
