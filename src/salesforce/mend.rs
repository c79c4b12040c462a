//! What a person does about what Salesforce says: a sentence for each code, and for what is in the way of
//! all requests.

use super::{Error, error::TOO_MANY};
use crate::gate::Reason;

impl Error {
    /// The reason for which nothing can be delivered, whatever is asked; `None` for what concerns a single
    /// request, or this machine alone.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        Some(match self {
            Self::Login { .. } | Self::Session { .. } => Reason::Credentials,
            Self::RequestLimit { daily: true, .. } => Reason::RequestLimit,
            Self::StorageLimit => Reason::StorageLimit,
            Self::NotAllowed { .. } | Self::Version { .. } => Reason::WritesRefused,
            Self::Unreachable { .. }
            | Self::NoClearAnswer { .. }
            | Self::TurnedAway { status: TOO_MANY, .. } => Reason::Unreachable,
            Self::TurnedAway { .. } | Self::NotSalesforce { .. } => Reason::NotSalesforce,
            // Too many at once is over in seconds.
            Self::RequestLimit { daily: false, .. }
            | Self::DuplicateValue
            | Self::Refused(_)
            | Self::Busy { .. }
            | Self::Several { .. }
            | Self::Reference { .. }
            | Self::NoConnectionLeft { .. }
            | Self::TooLate => return None,
        })
    }
}

/// What an administrator does about what stands in the way of everything.
fn of_reason(reason: Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::Unreachable => UNREACHABLE,
        Reason::Credentials => LOGIN,
        Reason::WritesRefused => NOT_ALLOWED,
        Reason::NotSalesforce => NOT_SALESFORCE,
        Reason::RequestLimit => REQUEST_LIMIT,
        Reason::StorageLimit => STORAGE_LIMIT,
        // Those of iTop, and what is no error.
        Reason::Maintenance
        | Reason::ProfileMissing
        | Reason::NotItop
        | Reason::MarkerLost
        | Reason::Held => return None,
    })
}

const UNREACHABLE: &str = "Check salesforce.login_url and the network between; status.salesforce.com says how \
     Salesforce itself is. Deliveries go on by themselves when it answers.";

const NOT_SALESFORCE: &str = "Check salesforce.login_url: it is https://login.salesforce.com, \
     https://test.salesforce.com for a sandbox, or the org's My Domain.";

const LOGIN: &str = "Check salesforce.client_id, salesforce.user and the key or secret. For login = \"jwt\" \
     the app must hold the certificate of the key, and the user must be approved for it beforehand; the \
     clock of this machine must be right. For login = \"client-credentials\" the app needs a user to run \
     as, and salesforce.login_url must be the org's My Domain.";

const NOT_ALLOWED: &str = "Give the user of the bridge the permission \"API Enabled\" in an edition that has \
     the API, and check salesforce.api_version; 'check' names the versions that are offered.";

const REQUEST_LIMIT: &str = "Wait: the limit is over the last 24 hours, and the bridge asks again each hour. \
     See in Setup (System Overview, API usage) what uses the requests, and raise board.refresh.";

const STORAGE_LIMIT: &str = "Free data storage in the org (Setup, Storage Usage), or buy more.";

/// What to do about an error.
pub(super) fn of(error: &Error) -> Option<&'static str> {
    match error {
        Error::Refused(refusal) => of_code(&refusal.code),
        Error::Several { .. } | Error::DuplicateValue => Some(
            "Make the external id field of Case unique and case-sensitive, and see which record has \
             the value: it may be in the Recycle Bin, or not visible to the user of the bridge.",
        ),
        Error::NoConnectionLeft { .. } => Some(
            "Raise the limit of open files of the bridge (LimitNOFILE of its unit, nofile of its \
             container, ulimit -n).",
        ),
        Error::Reference { .. } => Some(
            "Name a record of the Account that the company is linked to, by its id where names are \
             not unique.",
        ),
        // The words of the bridge's own TLS.
        Error::Unreachable { reason } if reason.contains("invalid peer certificate") => Some(
            "A certificate is not trusted here: where a proxy of your own looks into TLS, name the \
             certificate of its authority in salesforce.ca_file, PEM.",
        ),
        Error::TurnedAway { status: 407, .. } => Some(
            "The proxy between asks for a login: give it in HTTPS_PROXY, or let the bridge reach \
             Salesforce without it (NO_PROXY).",
        ),
        Error::Busy { .. } | Error::TooLate => None,
        error => error.reason().and_then(of_reason),
    }
}

/// What to do about a request that was refused with a code.
fn of_code(code: &str) -> Option<&'static str> {
    Some(match code {
        "DUPLICATES_DETECTED" => {
            "A duplicate rule of the org objects. Set salesforce.allow_duplicates = true if the rule \
             allows to save all the same, or except the user of the bridge from the rule."
        }
        "REQUIRED_FIELD_MISSING" => {
            "Set that field by a template below [salesforce.fields], or give it a default in the org."
        }
        "STRING_TOO_LONG" => {
            "Shorten that field in [salesforce.fields], or lower salesforce.max_subject or \
             salesforce.max_description."
        }
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST" => {
            "Use a value of that picklist ('check' lists them), for the record type too."
        }
        "INVALID_FIELD_FOR_INSERT_UPDATE" => {
            "Give the user of the bridge edit access to that field (field-level security), by the \
             permission set of 'salesforce package'."
        }
        "INVALID_FIELD" | "INVALID_TYPE" => {
            "The field or object does not exist in this org, or the user of the bridge may not see it: \
             deploy the package ('salesforce package') and assign its permission set to the user."
        }
        "INVALID_CROSS_REFERENCE_KEY" | "MALFORMED_ID" => {
            "A record that the Case refers to does not exist or may not be used: see link, queue and \
             salesforce.record_type."
        }
        "INSUFFICIENT_ACCESS" | "FORBIDDEN" | "OPERATION_NOT_ALLOWED" => {
            "Give the user of the bridge that right, by the permission set of 'salesforce package'."
        }
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY" | "INSUFFICIENT_ACCESS_OR_READONLY" => {
            "Share the record that the Case refers to (Account, contact, queue) with the user of the \
             bridge, and let that user create Cases."
        }
        "FIELD_CUSTOM_VALIDATION_EXCEPTION" => {
            "A validation rule of the org objects: fill in what it asks for by [salesforce.fields], or \
             except the user of the bridge from the rule."
        }
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" | "CANNOT_EXECUTE_FLOW_TRIGGER" => {
            "A trigger or flow of the org failed: its administrator sees why, and mends it or excepts \
             the user of the bridge."
        }
        "INVALID_EMAIL_ADDRESS" => "Correct that e-mail address.",
        "MALFORMED_QUERY" => "See salesforce.companies: it must be a condition of SOQL.",
        "NOT_FOUND" | "ENTITY_IS_DELETED" => {
            "The record was deleted, or the user of the bridge may not see it."
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_is_told_from_salesforce_itself() {
        let reason = "invalid peer certificate: UnknownIssuer".to_owned();
        assert!(of(&Error::Unreachable { reason }).unwrap().contains("salesforce.ca_file"));
        let proxy = Error::TurnedAway { status: 407, reason: "HTTP 407".to_owned() };
        assert!(of(&proxy).unwrap().contains("HTTPS_PROXY"));
        let away = Error::Unreachable { reason: "Connection refused".to_owned() };
        assert!(of(&away).unwrap().contains("salesforce.login_url"));
        assert_eq!(of(&Error::Busy { code: "UNABLE_TO_LOCK_ROW".to_owned() }), None);
    }
}
