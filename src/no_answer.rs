//! Why another program has not answered.

use std::error::Error;

/// What became of a request, without its address, which may be a secret.
pub(crate) fn why(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "it did not answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "its answer cannot be read"
    };
    match deepest(error) {
        Some(deepest) if !error.is_timeout() => format!("{what}: {deepest}"),
        _ => what.to_owned(),
    }
}

/// The words of the cause that has no other.
fn deepest(error: &dyn Error) -> Option<String> {
    let mut cause = error.source()?;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    Some(cause.to_string())
}
