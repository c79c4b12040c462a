//! Errors as RFC 9457 problem documents.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{
    domain::{acknowledgement::ReadError, body::FieldError, delivery_state::Problem},
    itop::ItopError,
    store::StoreError,
};

/// What every `type` begins with.
pub(super) const TYPE_PREFIX: &str = "urn:servicenav-itop-bridge:problem:";

/// The content type of such a document.
pub(super) const PROBLEM: &str = "application/problem+json";

/// An answer that is not a success.
#[derive(Debug)]
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
    /// The body is larger than the limit, in bytes.
    TooLarge(usize),
    /// The body is not JSON by its content type.
    UnsupportedMediaType(String),
    /// The body is packed in a way that is not unpacked here.
    UnsupportedCoding(String),
    /// The body alone shows that it is wrong.
    Invalid(Vec<FieldError>),
    /// Some of many links are wrong; each error is at its place in the list or table.
    InvalidLinks {
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
        tracing::error!(%error, "the database failed a request");
        Self::StoreUnavailable
    }
}

impl From<ItopError> for ApiError {
    fn from(error: ItopError) -> Self {
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

    /// The same for the row of what was refused.
    pub(super) fn problem(&self) -> Problem {
        let (_, code, _, detail) = self.parts();
        Problem::new(code, detail)
    }

    /// Status, code, title and detail. The bodies of 5xx are constant.
    fn parts(&self) -> (StatusCode, &'static str, &'static str, String) {
        match self {
            Self::Unreadable(detail) => {
                (StatusCode::BAD_REQUEST, "unreadable", "The body cannot be read", detail.clone())
            }
            Self::BadParameter(detail) => (
                StatusCode::BAD_REQUEST,
                "bad-parameter",
                "A parameter in the address is wrong",
                detail.clone(),
            ),
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "A valid token is needed",
                "Send the header 'Authorization: Bearer …' with a token of this bridge.".to_owned(),
            ),
            Self::WrongSignature(detail) => wrong_signature(detail),
            Self::WrongTime(detail) => wrong_time(detail),
            Self::Forbidden(detail) => {
                (StatusCode::FORBIDDEN, "forbidden", "The caller may not do that", detail.clone())
            }
            Self::ForeignCaller(detail) => (
                StatusCode::FORBIDDEN,
                "foreign-caller",
                "Such a call is not taken from there",
                detail.clone(),
            ),
            Self::NotFound(detail) => {
                (StatusCode::NOT_FOUND, "not-found", "Not found", detail.clone())
            }
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "This address does not take this method",
                "The header Allow names the methods that it takes.".to_owned(),
            ),
            Self::Conflict(detail, _) => (
                StatusCode::CONFLICT,
                "conflict",
                "In conflict with what is stored",
                detail.clone(),
            ),
            Self::LinkChanged(present) => link_changed(present.is_some()),
            Self::PreviewOutdated => preview_outdated(),
            Self::TooLarge(limit) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                "The body is too large",
                format!("A body of this kind may have at most {limit} bytes."),
            ),
            Self::UnsupportedMediaType(found) => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "The body must be JSON",
                format!("Send 'Content-Type: application/json', not '{found}'."),
            ),
            Self::UnsupportedCoding(found) => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "The body is packed in a way that is not taken",
                format!(
                    "Content-Encoding '{found}' is not taken: send the body as it is, or gzip."
                ),
            ),
            Self::Invalid(errors) => invalid(sentence(errors)),
            Self::InvalidLinks { detail, .. } => invalid(detail.clone()),
            Self::StoreUnavailable => unavailable(
                "store-unavailable",
                "The bridge cannot store anything now",
                "Nothing was accepted. Send the request again in a moment.",
            ),
            Self::TooLong => unavailable(
                "too-long",
                "The database took too long to answer",
                "Ask for less at once, or again in a moment.",
            ),
            Self::StoreDamaged => unavailable(
                "store-damaged",
                "The database of the bridge is damaged",
                "Stop the bridge and restore a backup; the log tells what was found.",
            ),
            Self::ItopUnavailable => unavailable(
                "itop-unavailable",
                "iTop cannot be asked now",
                "The bridge has no earlier answer to give. /readyz tells what is wrong.",
            ),
            Self::StreamsTaken => unavailable(
                "streams-taken",
                "No further event stream can be opened now",
                "Half of server.max_connections are open as event streams. Poll meanwhile, or try \
                 again later.",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "A defect of the bridge",
                "The log has the details under this request's x-request-id.".to_owned(),
            ),
        }
    }

    /// The document, for answers that hold several.
    pub(super) fn document(&self) -> Value {
        let (status, code, title, detail) = self.parts();
        let mut document = json!({
            "type": format!("{TYPE_PREFIX}{code}"),
            "title": title,
            "status": status.as_u16(),
            "detail": detail,
        });
        match self {
            Self::Invalid(errors) => document["errors"] = json!(errors),
            Self::InvalidLinks { errors, .. } => document["errors"] = json!(errors),
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

/// A body that alone shows that it is wrong.
fn invalid(detail: String) -> (StatusCode, &'static str, &'static str, String) {
    (StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The body is not valid", detail)
}

/// A signature that says nothing of who has sent it.
fn wrong_signature(detail: &str) -> (StatusCode, &'static str, &'static str, String) {
    let title = "The signature is not right";
    (StatusCode::UNAUTHORIZED, "wrong-signature", title, detail.to_owned())
}

/// A right signature of another time.
fn wrong_time(detail: &str) -> (StatusCode, &'static str, &'static str, String) {
    let title = "The clock of the sender is wrong, or this is an old message";
    (StatusCode::UNAUTHORIZED, "wrong-time", title, detail.to_owned())
}

/// A link that is not what the caller expects; `is_there` says whether there is one.
fn link_changed(is_there: bool) -> (StatusCode, &'static str, &'static str, String) {
    let detail = if is_there {
        "It is no longer what If-Match or If-None-Match expects, and nothing was changed. 'link' is \
         what there is now, and 'etag' its tag."
    } else {
        "There is none any more, and nothing was changed."
    };
    let title = "Somebody has changed this link meanwhile";
    (StatusCode::PRECONDITION_FAILED, "link-changed", title, detail.to_owned())
}

/// Changes that would not be those of the dry run.
fn preview_outdated() -> (StatusCode, &'static str, &'static str, String) {
    let detail = "Links or iTop have changed meanwhile: this would now change something else than the \
                  dry run said that has this digest. Nothing was changed; look at it again.";
    let title = "What was looked at before no longer holds";
    (StatusCode::CONFLICT, "preview-outdated", title, detail.to_owned())
}

/// What cannot be done now, and may be later.
fn unavailable(
    code: &'static str,
    title: &'static str,
    detail: &str,
) -> (StatusCode, &'static str, &'static str, String) {
    (StatusCode::SERVICE_UNAVAILABLE, code, title, detail.to_owned())
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, ..) = self.parts();
        let mut response = (status, self.document().to_string()).into_response();
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
