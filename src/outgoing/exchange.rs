//! A request and what comes back: the one place where text of others enters.

use reqwest::{RequestBuilder, Response};
use rustix::io::Errno;

use super::{Raw, Redactor};

/// A request without an answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was never sent: this machine can open no further connection.
    NoConnectionLeft {
        /// What the system said, without secrets.
        shown: String,
    },
    /// It was never sent: the connection could not be made.
    NotSent {
        /// What the connection said; only to be looked into.
        causes: String,
        /// The same without secrets.
        shown: String,
    },
    /// It was sent, and no whole answer came.
    Broken {
        /// What the connection said; only to be looked into.
        causes: String,
        /// The same without secrets.
        shown: String,
    },
    /// It was sent, and the answer is longer than so many bytes.
    TooLong(usize),
}

/// Sends a request and reads what comes back, of which no more than `longest` bytes are taken: the one
/// place where foreign text enters, and what it gives shows itself without secrets only.
pub(crate) async fn exchange(
    request: RequestBuilder,
    longest: usize,
    redactor: Redactor,
) -> Result<Raw, Failure> {
    let failure = |error: reqwest::Error| failure(&error, &redactor);
    let response = request.send().await.map_err(failure)?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = bounded(response, longest, failure).await?;
    Ok(Raw { status, headers, body, redactor })
}

/// The body of an answer that is not longer than this.
async fn bounded(
    mut response: Response,
    most: usize,
    failure: impl Fn(reqwest::Error) -> Failure,
) -> Result<Vec<u8>, Failure> {
    let announced = usize::try_from(response.content_length().unwrap_or(0)).unwrap_or(usize::MAX);
    if announced > most {
        return Err(Failure::TooLong(most));
    }
    let mut body = Vec::with_capacity(announced);
    while let Some(chunk) = response.chunk().await.map_err(&failure)? {
        if body.len() + chunk.len() > most {
            return Err(Failure::TooLong(most));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Whether a request that failed can have arrived: only one whose connection was never made certainly
/// did not.
fn failure(error: &reqwest::Error, redactor: &Redactor) -> Failure {
    let causes = causes(error);
    let shown = redactor.text(&causes).into_owned();
    if lacks_files(error) {
        return Failure::NoConnectionLeft { shown };
    }
    if error.is_connect() || error.is_builder() {
        Failure::NotSent { causes, shown }
    } else {
        Failure::Broken { causes, shown }
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
