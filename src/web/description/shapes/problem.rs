//! Problem documents.

use schemars::JsonSchema;

use super::Link;
use crate::{
    domain::{body::FieldError, equipment::list::RowError, link_table::LineError},
    web::view::AcknowledgementView,
};

/// A problem document (RFC 9457).
#[derive(JsonSchema)]
pub(in crate::web) struct ProblemDocument {
    /// Stable, for programs.
    r#type: String,
    title: String,
    status: u16,
    /// For the person who asked.
    detail: String,
    /// Of `invalid`: all that is wrong.
    #[schemars(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<PlacedError>>,
    /// Of `conflict`: what is stored, if the caller may see it.
    #[schemars(skip_serializing_if = "Option::is_none")]
    acknowledgement: Option<AcknowledgementView<'static>>,
    /// Of `link-changed`: the link that there is.
    #[schemars(skip_serializing_if = "Option::is_none")]
    link: Option<Link>,
    /// Of `link-changed`: its entity tag.
    #[schemars(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
}

/// An error in a body, or in a table.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(in crate::web) enum PlacedError {
    Field(FieldError),
    Line(LineError),
    Row(RowError),
}
