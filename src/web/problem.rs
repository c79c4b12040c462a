//! Errors as RFC 9457 problem documents.

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

pub(super) use super::problem_type::TYPE_PREFIX;
use super::problem_type::{self as kinds, ProblemType};
use crate::{
    desk::DeskError,
    domain::{
        acknowledgement::ReadError, body::FieldError, company_link::LinkKey,
        delivery_state::Problem,
    },
    store::StoreError,
};

/// The content type of such a document.
pub(super) const PROBLEM: &str = "application/problem+json";

/// An answer that is not a success.
#[derive(Clone, Debug)]
pub(super) enum ApiError {
    /// The body cannot be read at all.
    Unreadable(String),
    /// A parameter in the address is wrong.
    BadParameter(String),
    /// No token, or one that is not known.
    Unauthorized,
    /// A signature that is of no sender that is known, or lacks what belongs to it.
    WrongSignature(&'static str),
    /// The signature is right, and was made too long ago, or is yet to be made.
    WrongTime(String),
    /// The token may not do this.
    Forbidden(String),
    /// Not from there: by a name, or for a page, that may not call where no token is needed.
    ForeignCaller(String),
    /// Not there, or not for this token.
    NotFound(String),
    /// The address is right, the method is not.
    MethodNotAllowed,
    /// The same key as another event.
    Conflict(String, Value),
    /// The link is not what the caller expects it to be; the one that there is, and its tag.
    LinkChanged(Option<Box<(Value, String)>>),
    /// What would be changed is not what was looked at before.
    PreviewOutdated,
    /// The links of a company would lead to more than one ticket system.
    OtherDesk(String),
    /// Deliveries are not held.
    NotHeld,
    /// Deliveries are under way, or have no clear outcome yet.
    NotSettled,
    /// Another instance leads, and only that one can do it.
    NotLeading,
    /// Equipment is not kept in the CMDB.
    CmdbOff,
    /// iTop is not served.
    ItopOff,
    /// The body is larger than the limit, in bytes.
    TooLarge(usize),
    /// The body is not JSON by its content type.
    UnsupportedMediaType(String),
    /// The body is none of the forms of a list by its content type.
    UnsupportedList(String),
    /// It is a form, of somebody whom a page elsewhere could have made send it.
    FormNotTaken,
    /// The body is packed in a way that is not unpacked here.
    UnsupportedCoding(String),
    /// The body alone shows that it is wrong.
    Invalid(Vec<FieldError>),
    /// The caller calls too often.
    TooMany {
        /// Whose rate that is.
        detail: String,
        /// After how many seconds it may call again.
        after: u64,
    },
    /// Some of many links, or rows, are wrong; each error is at its place in the list or table.
    InvalidMany {
        /// The first of them, in words.
        detail: String,
        /// All, within bounds.
        errors: Vec<Value>,
    },
    /// The database cannot take this now.
    StoreUnavailable,
    /// The database was too long at it.
    TooLong,
    /// A part of the database cannot be read any more.
    StoreDamaged,
    /// iTop cannot be asked now, and nothing is known from before.
    ItopUnavailable,
    /// As many event streams are open as there may be.
    StreamsTaken,
    /// A defect.
    Internal,
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::TooLong) {
            tracing::warn!("a question to the database took too long and was broken off");
            return Self::TooLong;
        }
        if matches!(error, StoreError::Deposed) {
            return Self::NotLeading;
        }
        tracing::error!(%error, "the database failed a request");
        Self::StoreUnavailable
    }
}

impl From<DeskError> for ApiError {
    fn from(error: DeskError) -> Self {
        tracing::warn!(%error, "iTop failed a request");
        Self::ItopUnavailable
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotJson(reason) => Self::not_json(&reason),
            ReadError::Invalid(errors) => Self::Invalid(errors),
        }
    }
}

impl ApiError {
    /// A text that is not JSON.
    pub(super) fn not_json(reason: &str) -> Self {
        Self::Unreadable(format!("It is not JSON: {reason}."))
    }

    /// Links of this company would lead to more than one ticket system.
    pub(super) fn other_desk(key: &LinkKey) -> Self {
        Self::OtherDesk(format!(
            "Company {} would have links to more than one ticket system ('desk'), and nothing was changed. \
             Put all its links, those of its sites too, in one request, or remove the others first.",
            key.company
        ))
    }

    /// The same for the row of what was refused.
    pub(super) fn problem(&self) -> Problem {
        let (kind, detail) = self.parts();
        Problem::new(kind.code, detail)
    }

    /// Type and detail. The bodies of 5xx are constant.
    fn parts(&self) -> (&'static ProblemType, String) {
        match self {
            Self::Unreadable(detail) => (&kinds::UNREADABLE, detail.clone()),
            Self::BadParameter(detail) => (&kinds::BAD_PARAMETER, detail.clone()),
            Self::Unauthorized => said(
                &kinds::UNAUTHORIZED,
                "Send the header 'Authorization: Bearer …' with a token of this bridge.",
            ),
            Self::WrongSignature(detail) => (&kinds::WRONG_SIGNATURE, (*detail).to_owned()),
            Self::WrongTime(detail) => (&kinds::WRONG_TIME, detail.clone()),
            Self::Forbidden(detail) => (&kinds::FORBIDDEN, detail.clone()),
            Self::ForeignCaller(detail) => (&kinds::FOREIGN_CALLER, detail.clone()),
            Self::NotFound(detail) => (&kinds::NOT_FOUND, detail.clone()),
            Self::MethodNotAllowed => said(
                &kinds::METHOD_NOT_ALLOWED,
                "The header Allow names the methods that it takes.",
            ),
            Self::Conflict(detail, _) => (&kinds::CONFLICT, detail.clone()),
            Self::LinkChanged(present) => link_changed(present.is_some()),
            Self::PreviewOutdated => preview_outdated(),
            Self::OtherDesk(detail) => (&kinds::OTHER_DESK, detail.clone()),
            Self::NotHeld => said(
                &kinds::NOT_HELD,
                "Companies move only while deliveries are held, and nothing was moved: PUT /api/v1/hold first.",
            ),
            Self::NotSettled => said(
                &kinds::NOT_SETTLED,
                "Deliveries are still under way, or it is not clear yet what came of them. Nothing was moved: wait \
                 until /api/v1/hold says that all is settled.",
            ),
            Self::NotLeading => said(
                &kinds::NOT_LEADING,
                "Only the instance that leads can do that, and nothing was changed: ask the one whose /readyz has \
                 the role 'leading'.",
            ),
            Self::CmdbOff => said(
                &kinds::CMDB_OFF,
                "This bridge keeps no equipment in iTop's CMDB, and nothing was taken. Whoever runs it can add \
                 the section [cmdb] to its configuration.",
            ),
            Self::ItopOff => said(
                &kinds::ITOP_OFF,
                "This bridge serves no iTop: its configuration has no section [itop]. Let the action in iTop tell \
                 the bridge that does.",
            ),
            Self::TooLarge(limit) => {
                let detail = format!("A body of this kind may have at most {limit} bytes.");
                (&kinds::TOO_LARGE, detail)
            }
            Self::UnsupportedMediaType(found) => {
                let detail = format!("Send 'Content-Type: application/json', not '{found}'.");
                (&kinds::UNSUPPORTED_MEDIA_TYPE, detail)
            }
            Self::UnsupportedList(found) => {
                let detail = format!(
                    "Send a list as 'application/json', 'application/x-ndjson' or 'text/csv', not '{found}'."
                );
                (&kinds::UNSUPPORTED_MEDIA_TYPE, detail)
            }
            Self::FormNotTaken => {
                let detail = "A form is taken from whoever sends a token or a signature, and from no page \
                              of another origin. Send 'Content-Type: application/json', or configure a \
                              token.";
                (&kinds::UNSUPPORTED_MEDIA_TYPE, detail.to_owned())
            }
            Self::UnsupportedCoding(found) => {
                let detail = format!(
                    "Content-Encoding '{found}' is not taken: send the body as it is, or gzip."
                );
                (&kinds::UNSUPPORTED_MEDIA_TYPE, detail)
            }
            Self::Invalid(errors) => (&kinds::INVALID, sentence(errors)),
            Self::InvalidMany { detail, .. } => (&kinds::INVALID, detail.clone()),
            Self::TooMany { detail, .. } => (&kinds::TOO_MANY_REQUESTS, detail.clone()),
            Self::StoreUnavailable => said(
                &kinds::STORE_UNAVAILABLE,
                "Nothing was accepted. Send the request again in a moment.",
            ),
            Self::TooLong => said(&kinds::TOO_LONG, "Ask for less at once, or again in a moment."),
            Self::StoreDamaged => said(
                &kinds::STORE_DAMAGED,
                "Stop the bridge and restore a backup; the log tells what was found.",
            ),
            Self::ItopUnavailable => said(
                &kinds::ITOP_UNAVAILABLE,
                "The bridge has no earlier answer to give. /readyz tells what is wrong.",
            ),
            Self::StreamsTaken => said(
                &kinds::STREAMS_TAKEN,
                "Half of server.max_connections are open as event streams. Poll meanwhile, or try \
                 again later.",
            ),
            Self::Internal => {
                said(&kinds::INTERNAL, "The log has the details under this request's x-request-id.")
            }
        }
    }

    /// The document, for answers that hold several.
    pub(super) fn document(&self) -> Value {
        let (kind, detail) = self.parts();
        let mut document = json!({
            "type": kind.urn(),
            "title": kind.title,
            "status": kind.status.as_u16(),
            "detail": detail,
        });
        match self {
            Self::Invalid(errors) => document["errors"] = json!(errors),
            Self::InvalidMany { errors, .. } => document["errors"] = json!(errors),
            Self::Conflict(_, known) => document["acknowledgement"] = known.clone(),
            Self::LinkChanged(present) => {
                let (link, etag) = present.as_deref().cloned().unzip();
                document["link"] = json!(link);
                document["etag"] = json!(etag);
            }
            _ => {}
        }
        document
    }
}

/// A detail that is always the same.
fn said(kind: &'static ProblemType, detail: &str) -> (&'static ProblemType, String) {
    (kind, detail.to_owned())
}

/// A link that is not what the caller expects; `is_there` says whether there is one.
fn link_changed(is_there: bool) -> (&'static ProblemType, String) {
    let detail = if is_there {
        "It is no longer what If-Match or If-None-Match expects, and nothing was changed. 'link' is \
         what there is now, and 'etag' its tag."
    } else {
        "There is none any more, and nothing was changed."
    };
    said(&kinds::LINK_CHANGED, detail)
}

/// Changes that would not be those of the dry run.
fn preview_outdated() -> (&'static ProblemType, String) {
    let detail = "Something has changed meanwhile: this would now change something else than the dry run or preview said \
                  that has this digest. Nothing was changed; look at it again.";
    said(&kinds::PREVIEW_OUTDATED, detail)
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (kind, _) = self.parts();
        let mut response = (kind.status, self.document().to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        match self {
            Self::Unauthorized | Self::WrongSignature(_) | Self::WrongTime(_) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::UnsupportedCoding(_) => {
                headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
            }
            Self::StoreUnavailable | Self::TooLong | Self::ItopUnavailable | Self::StreamsTaken => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            Self::TooMany { after, .. } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(after));
            }
            _ => {}
        }
        response
    }
}

/// One line for the operator who pressed *acknowledge*.
fn sentence(errors: &[FieldError]) -> String {
    let parts: Vec<_> = errors
        .iter()
        .map(|error| match error.pointer.as_str() {
            "" => error.message.clone(),
            pointer => format!("{pointer}: {}", error.message),
        })
        .collect();
    parts.join("; ")
}
