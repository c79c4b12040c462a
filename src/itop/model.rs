//! Which tickets this iTop has.

use super::{Client, ItopError, oql};

/// The class of incidents where ITIL tickets are installed.
pub const INCIDENT: &str = "Incident";
/// The class of requests; the only one where simple tickets are installed.
pub const USER_REQUEST: &str = "UserRequest";

/// Which tickets are made, and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketModel {
    /// The class of new tickets.
    pub class: &'static str,
    /// All classes that tickets can have here.
    pub classes: Vec<&'static str>,
    /// The request type of the service elements that fit: `incident` or `service_request`.
    pub request_type: &'static str,
    /// Whether the class has the attribute `request_type` with the value `incident`.
    pub sets_request_type: bool,
    /// Whether the class has the origin `monitoring`.
    pub sets_origin: bool,
    /// Whether iTop understands a query inside a query, so that a create can carry the condition
    /// that no ticket has its marker yet; since 2.7.0 (ITOP.md).
    pub nests_queries: bool,
}

impl TicketModel {
    /// `wanted` is the configured class, if one is.
    fn new(wanted: Option<&'static str>, has_incidents: bool, nests_queries: bool) -> Self {
        let classes = if has_incidents { vec![INCIDENT, USER_REQUEST] } else { vec![USER_REQUEST] };
        // With ITIL tickets a user request is never an incident, and cannot come from monitoring
        // (seen on 3.2.0: neither value is in its lists).
        let (class, fits_incident) = match (wanted, has_incidents) {
            (Some(INCIDENT), _) | (None, true) => (INCIDENT, true),
            (_, false) => (USER_REQUEST, true),
            (Some(_), true) => (USER_REQUEST, false),
        };
        Self {
            class,
            classes,
            request_type: if fits_incident { "incident" } else { "service_request" },
            sets_request_type: class == USER_REQUEST && fits_incident,
            sets_origin: fits_incident,
            nests_queries,
        }
    }
}

impl Client {
    /// Finds out which tickets there are, by asking for the class, and whether queries can stand
    /// inside queries, by a read that finds nothing (recording 107). Most iTops tell both in one
    /// answer: the first delivery after a start waits for it.
    pub async fn ticket_model(
        &self,
        wanted: Option<&'static str>,
        marker_field: &str,
    ) -> Result<TicketModel, ItopError> {
        let nested = oql::organizations_of_tickets(&format!(
            "marked.id = 0 AND marked.{marker_field} LIKE '%x%'"
        ));
        let asks = async |class: &str, of: &str| {
            let query = format!("SELECT {class} WHERE id = 0 AND {of} NOT IN ({nested})");
            understood(self.select(class, &query, "id").await.map(drop))
        };
        let (has_incidents, nests_queries) = if asks(INCIDENT, "org_id").await? {
            (true, true)
        } else {
            tokio::try_join!(self.has_class(INCIDENT), asks("Organization", "id"))?
        };
        Ok(TicketModel::new(wanted, has_incidents, nests_queries))
    }
}

/// Whether iTop understood a query. This is asked once: a database that was busy at that moment must
/// not leave all creates without their condition.
fn understood(outcome: Result<(), ItopError>) -> Result<bool, ItopError> {
    match outcome {
        Ok(()) => Ok(true),
        Err(error) if error.is_passing() => Err(error),
        // Whatever is wrong with it, such a query can stand in no create.
        Err(ItopError::Refused { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_database_is_not_taken_for_an_itop_that_nests_no_queries() {
        let refused = |code| Err(ItopError::Refused { code, message: "no".to_owned() });
        assert_eq!(understood(Ok(())), Ok(true));
        assert_eq!(understood(refused(100)), Ok(false));
        assert_eq!(understood(refused(1213)), refused(1213).map(|()| true));
    }
}
