//! Requests that came in.

use std::{collections::VecDeque, sync::Mutex};

use serde::Serialize;

use crate::web::Call;

/// How many are kept: the newest.
const KEPT: usize = 20_000;

/// A request that came in, and what it was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestSeen {
    /// `GET`, ….
    pub method: String,
    /// The decoded path, such as `/services/data/v67.0/sobjects/Case`.
    pub path: String,
    /// The decoded pairs after the question mark.
    pub query: Vec<(String, String)>,
    /// Its headers, names in small letters; who it is from is left out.
    pub headers: Vec<(String, String)>,
    /// Its body, cut at 64 KiB; empty for the token endpoint, which is told secrets.
    pub body: String,
    /// The status of the answer; 0 while there is none, and where the connection was cut.
    pub status: u16,
}

impl RequestSeen {
    /// The value of a header, by its name in small letters.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<(u64, VecDeque<RequestSeen>)>);

impl Seen {
    fn inner(&self) -> std::sync::MutexGuard<'_, (u64, VecDeque<RequestSeen>)> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Notes a request; the number under which its answer is told.
    pub(crate) fn came(&self, call: &Call) -> u64 {
        let secret = call.path.last().is_some_and(|last| last == "token");
        let body = &call.body[..call.body.len().min(64 << 10)];
        let open = |(name, _): &&(String, String)| name != "authorization";
        let request = RequestSeen {
            method: call.method.clone(),
            path: format!("/{}", call.path.join("/")),
            query: call.query.clone(),
            headers: call.headers.iter().filter(open).cloned().collect(),
            body: if secret { String::new() } else { String::from_utf8_lossy(body).into_owned() },
            status: 0,
        };
        let mut inner = self.inner();
        inner.0 += 1;
        inner.1.push_back(request);
        if inner.1.len() > KEPT {
            inner.1.pop_front();
        }
        inner.0
    }

    /// Notes what a request was answered.
    pub(crate) fn answered(&self, number: u64, status: u16) {
        let mut inner = self.inner();
        let back = usize::try_from(inner.0 - number).unwrap_or(usize::MAX);
        let place = inner.1.len().checked_sub(1 + back);
        if let Some(request) = place.and_then(|place| inner.1.get_mut(place)) {
            request.status = status;
        }
    }

    pub(crate) fn list(&self) -> Vec<RequestSeen> {
        self.inner().1.iter().cloned().collect()
    }

    pub(crate) fn forget(&self) {
        let mut inner = self.inner();
        inner.1.clear();
    }
}
