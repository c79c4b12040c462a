//! A request and what comes back: the one place where text of others enters.

use reqwest::{
    RequestBuilder, Response,
    header::{CONTENT_TYPE, HeaderName, LOCATION},
};
use rustix::io::Errno;

use super::{ItopError, answer::Raw, obstacle, redact::Redactor};

/// Sends a request and reads what comes back, of which no more than `longest` bytes are taken: the one
/// place where foreign text enters, and what it gives shows itself without secrets only.
pub(super) async fn exchange(
    request: RequestBuilder,
    longest: usize,
    redactor: Redactor,
) -> Result<Raw, ItopError> {
    let failure = |error: reqwest::Error| failure(&error, &redactor);
    let response = request.send().await.map_err(failure)?;
    let status = response.status().as_u16();
    let header = |name: HeaderName| {
        let value = response.headers().get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let (content_type, location) = (header(CONTENT_TYPE), header(LOCATION));
    let body = bounded(response, longest, failure).await?;
    let content_type = content_type.unwrap_or_default();
    Ok(Raw { status, content_type, location, body, redactor })
}

/// The body of an answer that is not longer than this.
async fn bounded(
    mut response: Response,
    most: usize,
    failure: impl Fn(reqwest::Error) -> ItopError,
) -> Result<Vec<u8>, ItopError> {
    let too_long = || {
        let reason = format!("the answer is longer than {} MB", most >> 20);
        Err(ItopError::NoClearAnswer { reason })
    };
    let announced = usize::try_from(response.content_length().unwrap_or(0)).unwrap_or(usize::MAX);
    if announced > most {
        return too_long();
    }
    let mut body = Vec::with_capacity(announced);
    while let Some(chunk) = response.chunk().await.map_err(&failure)? {
        if body.len() + chunk.len() > most {
            return too_long();
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Whether a request that failed can have reached iTop: only one whose connection was never made
/// certainly did not.
fn failure(error: &reqwest::Error, redactor: &Redactor) -> ItopError {
    let causes = causes(error);
    let shown = redactor.text(&causes);
    if lacks_files(error) {
        return ItopError::NoConnectionLeft { reason: shown.into_owned() };
    }
    let reason = obstacle::broken(&causes, &shown);
    if error.is_connect() || error.is_builder() {
        ItopError::Unreachable { reason }
    } else {
        ItopError::NoClearAnswer { reason }
    }
}

/// Whether this process, or this machine, has as many files open as it may.
fn lacks_files(error: &dyn std::error::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        let system = error.downcast_ref::<std::io::Error>().and_then(Errno::from_io_error);
        if matches!(system, Some(Errno::MFILE | Errno::NFILE)) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The chain of causes without the URL, which every message would repeat.
fn causes(error: &reqwest::Error) -> String {
    let mut texts = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if !texts.contains(&text) {
            texts.push(text);
        }
        cause = error.source();
    }
    match texts.is_empty() {
        true if error.is_timeout() => "the call took too long".to_owned(),
        true => "the connection broke".to_owned(),
        false => texts.join(": "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the call failed")]
    struct Wrapped(#[source] std::io::Error);

    #[test]
    fn files_that_are_all_in_use_are_told_from_an_itop_that_is_away() {
        let lacks = |errno: Errno| lacks_files(&Wrapped(errno.into()));
        assert!(lacks(Errno::MFILE) && lacks(Errno::NFILE));
        assert!(!lacks(Errno::CONNREFUSED));
        assert!(!lacks_files(&Wrapped(std::io::Error::other("cut"))));
    }
}
