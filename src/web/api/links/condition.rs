//! What whoever changes a link says to know of it (RFC 9110, 13.1).

use axum::http::{HeaderMap, HeaderName, header};

use crate::{
    domain::company_link::{CompanyLink, Expected},
    web::problem::ApiError,
};

/// The tag of a link: it changes with what the link says.
pub(super) fn tag(link: &CompanyLink) -> String {
    format!("\"{}\"", link.version())
}

/// What `If-Match` or `If-None-Match` say.
pub(super) fn expected(headers: &HeaderMap) -> Result<Expected, ApiError> {
    match (text(headers, &header::IF_MATCH)?, text(headers, &header::IF_NONE_MATCH)?) {
        (None, None) => Ok(Expected::Anything),
        (Some("*"), None) => Ok(Expected::Something),
        (Some(tags), None) => Ok(Expected::OneOf(tags.split(',').map(version).collect())),
        (None, Some("*")) => Ok(Expected::Nothing),
        (_, Some(_)) => Err(ApiError::BadParameter(
            "If-None-Match may be '*' here, for a link that is not there yet, and then stands \
             without If-Match."
                .to_owned(),
        )),
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, ApiError> {
    let mut values = headers.get_all(name).iter();
    match (values.next().map(|value| value.to_str()), values.next()) {
        (None, _) => Ok(None),
        (Some(Ok(text)), None) => Ok(Some(text.trim())),
        _ => Err(ApiError::BadParameter(format!("The header {name} cannot be read."))),
    }
}

/// A tag that a proxy has called weak because it has packed the answer is the same tag.
fn version(tag: &str) -> String {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').to_owned()
}

/// What is answered where it is not so: `present` is what there is.
pub(super) fn failed(present: Option<&CompanyLink>) -> ApiError {
    ApiError::LinkChanged(present.map(|link| Box::new((super::view(link), tag(link)))))
}
