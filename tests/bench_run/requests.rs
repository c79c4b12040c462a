//! Requests, serialised before anything is measured.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::processes::{ADMIN, TOKEN};

/// Where the number of an event stands.
const PLACE: &str = "########";

/// Where a connection gets its requests from.
pub trait Requests: Send + 'static {
    /// The next one, if there is another.
    fn take_next(&mut self) -> Option<&[u8]>;
}

/// The same requests again and again.
pub struct Cycle {
    requests: Arc<Vec<Vec<u8>>>,
    at: usize,
}

impl Cycle {
    /// One for each connection; they begin at different places.
    pub fn each(requests: Vec<Vec<u8>>, connections: usize) -> Vec<Self> {
        let requests = Arc::new(requests);
        let start = |number| number * requests.len() / connections;
        (0..connections).map(|n| Self { requests: requests.clone(), at: start(n) }).collect()
    }
}

impl Requests for Cycle {
    fn take_next(&mut self) -> Option<&[u8]> {
        self.at = (self.at + 1) % self.requests.len();
        Some(&self.requests[self.at])
    }
}

/// Posts whose events are all different: their numbers are written into one prepared request.
pub struct Numbered {
    request: Vec<u8>,
    /// The places of the numbers, an event after the other.
    places: Vec<usize>,
    events: u32,
    numbers: Numbers,
}

/// The numbers that events get, shared by all connections.
#[derive(Clone)]
pub struct Numbers {
    next: Arc<AtomicU32>,
    end: u32,
}

impl Numbers {
    /// From 0 to `end`, which is none of them.
    pub fn up_to(end: u32) -> Self {
        Self { next: Arc::default(), end }
    }

    pub fn endless() -> Self {
        Self::up_to(100_000_000)
    }

    /// How many were given out.
    pub fn taken(&self) -> u32 {
        self.next.load(Ordering::Relaxed)
    }
}

impl Numbered {
    /// One for each connection: posts to `path`, of so many events each.
    pub fn each(path: &str, events: u32, numbers: &Numbers, connections: usize) -> Vec<Self> {
        let body = match events {
            1 => event(),
            several => Value::Array(vec![event(); several as usize]),
        };
        let request = request("POST", path, TOKEN, "Prefer: wait=0\r\n", &body.to_string());
        let text = String::from_utf8(request).expect("it is made of text");
        let places: Vec<_> = text.match_indices(PLACE).map(|(place, _)| place).collect();
        let one = || Self {
            request: text.clone().into_bytes(),
            places: places.clone(),
            events,
            numbers: numbers.clone(),
        };
        (0..connections).map(|_| one()).collect()
    }
}

impl Requests for Numbered {
    fn take_next(&mut self) -> Option<&[u8]> {
        let first = self.numbers.next.fetch_add(self.events, Ordering::Relaxed);
        if first >= self.numbers.end {
            return None;
        }
        let of_each = self.places.len() / self.events as usize;
        for (number, places) in (first..).zip(self.places.chunks(of_each)) {
            let number = digits(number);
            for place in places {
                self.request[*place..][..PLACE.len()].copy_from_slice(&number);
            }
        }
        Some(&self.request)
    }
}

fn digits(mut number: u32) -> [u8; PLACE.len()] {
    let mut digits = [b'0'; PLACE.len()];
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(number % 10).expect("a digit");
        number /= 10;
    }
    digits
}

/// The acknowledgement of docs/install.md, as ServiceNav would send it.
fn event() -> Value {
    json!({
        "event_id": format!("svc-{PLACE}:2026-11-21T08:14:09Z"),
        "created_at": "2026-11-21T09:15:02+01:00",
        "company": {"id": 42, "name": "Demo"},
        "equipment": {"name": "Server4", "id": 812, "address": "10.1.2.3"},
        "control": {
            "id": control(PLACE), "name": "Disk C:", "element_type": "service",
            "criticality": "high", "state": "CRITICAL",
            "status_changed_at": "2026-11-21T08:14:09Z",
            "output": "C: 97% used, 3.1 GB of 99.4 GB free; D: 41% used, 117 GB of 199 GB free"
        },
        "acknowledgement": {"author": "jdupont", "comment": "Purge in progress"}
    })
}

/// The id of a control.
pub fn control(number: impl std::fmt::Display) -> String {
    format!("svc-{number:0>8}")
}

/// A request as its bytes.
fn request(method: &str, path: &str, token: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: bridge\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: bridge\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")
        .into_bytes()
}

pub fn put(path: &str, body: &Value) -> Vec<u8> {
    request("PUT", path, ADMIN, "", &body.to_string())
}

/// Asks for the tickets of these controls.
pub fn lookup(controls: impl Iterator<Item = u32>) -> Vec<u8> {
    let items: Vec<_> = controls.map(|number| json!({"control": control(number)})).collect();
    let body = json!({"items": items}).to_string();
    request("POST", "/api/v1/tickets/lookup", TOKEN, "", &body)
}

/// An operation for iTop itself, as the bridge would send it.
pub fn itop(operation: &Value) -> Vec<u8> {
    let operation = operation.to_string();
    let operation = utf8_percent_encode(&operation, NON_ALPHANUMERIC);
    let body = format!("json_data={operation}&auth_user=bridge&auth_pwd=sandbox");
    let length = body.len();
    format!(
        "POST /webservices/rest.php?version=1.3 HTTP/1.1\r\nHost: itop\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
