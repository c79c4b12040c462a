//! What comes back, before anybody has judged it.

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, LOCATION};

use super::Redactor;
use crate::domain::text::{cut_chars, one_line};

/// How much of a foreign text goes into an error, in characters. iTop can echo 64 kB back.
pub(crate) const MAX_ECHO_CHARS: usize = 300;

/// What came back, before anybody has judged it. It is shown through [`Raw::echo`] and [`Raw::shown`]
/// alone; the objects of a success are data of the system that was asked, and are taken as they are.
pub(crate) struct Raw {
    /// The status of HTTP.
    pub(crate) status: u16,
    /// What stands before the body.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// Takes out what the bridge had sent and nobody may see.
    pub(crate) redactor: Redactor,
}

impl Raw {
    /// The type of the body; empty where there is none.
    pub(crate) fn content_type(&self) -> &str {
        self.header(&CONTENT_TYPE).unwrap_or_default()
    }

    /// Where a redirect leads.
    pub(crate) fn location(&self) -> Option<&str> {
        self.header(&LOCATION)
    }

    /// A header, if it is there and is ASCII.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A part of the answer for people: without secrets, on one line, cut. In this order, so that
    /// no part of a secret is left at the cut.
    pub(crate) fn echo(&self, message: &str) -> String {
        cut_chars(&one_line(&self.redactor.text(message)), MAX_ECHO_CHARS).into_owned()
    }

    /// The same of bytes that may be no text.
    pub(crate) fn shown(&self, bytes: &[u8]) -> String {
        self.echo(&String::from_utf8_lossy(bytes))
    }
}

#[cfg(test)]
impl Raw {
    /// An answer with this and nothing else.
    pub(crate) fn of(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
        Self { status, headers, body: body.into(), redactor: Redactor::default() }
    }
}
