//! What the account may read, and what it does not see.

use super::examination::Examination;
use crate::itop::{ItopError, TicketModel};

/// The classes without whose lists there can be no ticket.
const NEEDED: [&str; 2] = ["Organization", "Team"];

/// The classes whose lists a ticket can do without.
const OPTIONAL: [&str; 5] =
    ["Person", "Service", "ServiceSubcategory", "lnkCustomerContractToService", "FunctionalCI"];

impl Examination<'_> {
    /// Whether the account may read what the bridge reads.
    pub(super) async fn rights(&mut self, model: &TicketModel) {
        let mut readable = Vec::new();
        for class in NEEDED.into_iter().chain(OPTIONAL).chain(model.classes.iter().copied()) {
            self.report.examining("right to read");
            match self.client.can_read(class).await {
                Ok(()) => readable.push(class),
                Err(error @ (ItopError::NotAllowed { .. } | ItopError::Refused { .. })) => {
                    self.unreadable(class, model, &error);
                }
                Err(error) => self.report.failed("right to read", &error),
            }
        }
        if !readable.is_empty() {
            self.report.ok("right to read", readable.join(", "));
        }
    }

    fn unreadable(&mut self, class: &'static str, model: &TicketModel, error: &ItopError) {
        let seen = format!("{class}: {error}");
        let what = "right to read";
        if class == model.class {
            let mend = "Give the account of the bridge the profile \"Support Agent\" (\"Service \
                        Desk Agent\" for user requests).";
            self.report.failure(what, seen, mend);
        } else if NEEDED.contains(&class) {
            let mend = "Give the account of the bridge a profile that reads this class.";
            self.report.failure(what, seen, mend);
        } else {
            let mend = "Tickets are made without it; to have it, give the account of the bridge a \
                        profile that reads this class.";
            self.report.warning(what, seen, mend);
        }
    }

    /// Whether iTop hides companies from the account, which it does without a word.
    pub(super) async fn hidden_companies(&mut self) {
        self.report.examining("visible companies");
        match self.client.hides_organizations().await {
            Ok(Some(false)) => self.report.ok("visible companies", "all of this iTop"),
            Ok(Some(true)) => {
                self.sees_part = true;
                self.report.warning(
                    "visible companies",
                    "iTop hides some from the account of the bridge (Allowed organizations), and \
                     with them their teams, services and contacts",
                    "Leave 'Allowed organizations' empty in the user account, unless the companies \
                     that are hidden shall have no tickets from ServiceNav and provide no team.",
                );
            }
            // Not known is no news.
            Ok(None) => {}
            Err(error) => self.report.failed("visible companies", &error),
        }
    }
}
