//! The types of problems: each has one status, one title, and one place where it is said what it means.
//! The description of the API lists them, so a type that it does not know cannot be answered.

use axum::http::StatusCode;

/// What every `type` begins with.
pub(super) const TYPE_PREFIX: &str = "urn:servicenav-itop-bridge:problem:";

/// A type of problem.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ProblemType {
    /// What its `type` ends in.
    pub(super) code: &'static str,
    pub(super) status: StatusCode,
    pub(super) title: &'static str,
    /// When it is answered, and what to do, for whoever reads the description.
    pub(super) meaning: &'static str,
}

impl ProblemType {
    /// The `type` of a document.
    pub(super) fn urn(&self) -> String {
        [TYPE_PREFIX, self.code].concat()
    }
}

macro_rules! problem_types {
    ($($name:ident = $status:ident $code:literal, $title:literal, $meaning:literal;)+) => {
        $(pub(super) const $name: ProblemType = ProblemType {
            code: $code, status: StatusCode::$status, title: $title, meaning: $meaning,
        };)+

        /// All of them, in the order of their statuses.
        pub(super) const ALL: &[&ProblemType] = &[$(&$name),+];
    };
}

problem_types! {
    UNREADABLE = BAD_REQUEST "unreadable", "The body cannot be read",
        "The body is not JSON, or broke off.";
    BAD_PARAMETER = BAD_REQUEST "bad-parameter", "A parameter in the address is wrong",
        "A parameter that the address does not have, or a value that cannot be: `detail` names the valid \
         ones.";
    UNAUTHORIZED = UNAUTHORIZED "unauthorized", "A valid token is needed",
        "There is no token, or none that the bridge knows.";
    WRONG_SIGNATURE = UNAUTHORIZED "wrong-signature", "The signature is not right",
        "It was made with another secret, of another body, id or time.";
    WRONG_TIME = UNAUTHORIZED "wrong-time",
        "The clock of the sender is wrong, or this is an old message",
        "A right signature of another time, kept as `rejected`: sign anew at each attempt.";
    FORBIDDEN = FORBIDDEN "forbidden", "The caller may not do that",
        "The token lacks the scope, or is limited to another instance or to other companies.";
    FOREIGN_CALLER = FORBIDDEN "foreign-caller", "Such a call is not taken from there",
        "Without tokens: called by a foreign name, or by a page of another origin. By cookie or proxy: not \
         sent by a page of the bridge, or a header of the proxy stands there twice.";
    NOT_FOUND = NOT_FOUND "not-found", "Not found",
        "It is not there, or not for this caller.";
    METHOD_NOT_ALLOWED = METHOD_NOT_ALLOWED "method-not-allowed",
        "This address does not take this method",
        "The header `Allow` names the methods that it takes.";
    CONFLICT = CONFLICT "conflict", "In conflict with what is stored",
        "The event was received before and said something else, or the row is in a state in which that \
         cannot be done: `acknowledgement` is what is stored, if the caller may see it.";
    PREVIEW_OUTDATED = CONFLICT "preview-outdated", "What was looked at before no longer holds",
        "What a dry run has shown would come out differently now. Nothing was changed: look at it again.";
    OTHER_DESK = CONFLICT "other-desk", "A company has one ticket system",
        "Its links would lead to more than one, and nothing was changed: put all of them in one request.";
    NOT_HELD = CONFLICT "not-held", "Deliveries are not held",
        "Companies move only while deliveries are held; nothing was moved.";
    NOT_SETTLED = CONFLICT "not-settled", "Deliveries are still under way",
        "Some run, or have no clear outcome yet; nothing was moved. Ask again in a moment.";
    NOT_LEADING = CONFLICT "not-leading", "Another instance leads",
        "Several instances serve the database, and only the one that leads can do that. Nothing was changed: ask \
         that one, which `/readyz` tells by `role`.";
    CMDB_OFF = CONFLICT "cmdb-off", "Equipment is not kept in the CMDB",
        "The configuration has no section `[cmdb]`: nothing was taken.";
    ITOP_OFF = CONFLICT "itop-off", "iTop is not served here",
        "The configuration has no section `[itop]`: nothing was taken.";
    LINK_CHANGED = PRECONDITION_FAILED "link-changed", "Somebody has changed this link meanwhile",
        "It is not what `If-Match` or `If-None-Match` expects: `link` and `etag` are what it is now.";
    TOO_LARGE = PAYLOAD_TOO_LARGE "too-large", "The body is too large",
        "It is longer than a body of this kind may be.";
    UNSUPPORTED_MEDIA_TYPE = UNSUPPORTED_MEDIA_TYPE "unsupported-media-type",
        "The body is of a type that is not taken",
        "By its content type it is not JSON, or it is packed otherwise than with gzip.";
    INVALID = UNPROCESSABLE_ENTITY "invalid", "The body is not valid",
        "The body alone shows that it is wrong: `errors` names each place, all at once.";
    TOO_MANY_REQUESTS = TOO_MANY_REQUESTS "too-many-requests", "The caller calls too often",
        "More requests than the rate of this token, or of this address where nobody is known, allows. Nothing of it \
         was taken: send it again when the seconds of `Retry-After` have passed.";
    INTERNAL = INTERNAL_SERVER_ERROR "internal", "A defect of the bridge",
        "The log has the details under the `x-request-id` of the answer.";
    STORE_UNAVAILABLE = SERVICE_UNAVAILABLE "store-unavailable",
        "The bridge cannot store anything now",
        "The database takes nothing now. Nothing was accepted: send it again in a moment.";
    STORE_DAMAGED = SERVICE_UNAVAILABLE "store-damaged", "The database of the bridge is damaged",
        "A part of the database cannot be read any more: stop the bridge and restore a backup.";
    TOO_LONG = SERVICE_UNAVAILABLE "too-long", "The database took too long to answer",
        "The question took the database longer than five seconds: ask for less at once.";
    ITOP_UNAVAILABLE = SERVICE_UNAVAILABLE "itop-unavailable", "iTop cannot be asked now",
        "iTop cannot be asked now, and there is no earlier answer to give.";
    STREAMS_TAKEN = SERVICE_UNAVAILABLE "streams-taken",
        "No further event stream can be opened now",
        "As many event streams are open as there may be. Poll meanwhile, or try again later.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::ALL;

    #[test]
    fn a_code_is_one_type_in_the_order_of_statuses() {
        let codes: BTreeSet<_> = ALL.iter().map(|kind| kind.code).collect();
        assert_eq!(codes.len(), ALL.len());
        assert!(ALL.is_sorted_by_key(|kind| kind.status.as_u16()));
    }
}
