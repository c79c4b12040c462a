//! The kinds of faults.

use serde::{Deserialize, Serialize};

/// What goes wrong in a request.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// iTop is under maintenance: 503 with JSON of another shape (recorded).
    Maintenance,
    /// iTop is read-only: writes are refused as if the right were missing (recorded).
    ReadOnly,
    /// The database of iTop cannot be reached: 500 with HTML (recorded).
    DatabaseDown,
    /// A proxy answers 503 with HTML.
    Unavailable,
    /// A proxy answers 502 with HTML.
    BadGateway,
    /// 200 with the HTML of a login page.
    LoginPage,
    /// 302 to a login page elsewhere.
    Redirect,
    /// A firewall answers with a page of its own what has this word, and lets everything else through.
    /// One that looks at answers does so after the effect.
    Firewall {
        /// The status of its page.
        status: u16,
        /// What it objects to in a request; the empty text stands in each.
        word: String,
    },
    /// The web server asks for a basic login of its own: 401 with HTML without this one.
    FrontLogin {
        /// The user.
        user: String,
        /// Its password.
        password: String,
    },
    /// A debug page, as of a firewall: all headers and the body of the request.
    EchoPage {
        /// Its status.
        status: u16,
    },
    /// The same inside the message of a refusal of iTop, as an extension may do it.
    EchoMessage,
    /// 200 with valid JSON that is no answer of iTop.
    WrongJson,
    /// A PHP notice stands before the JSON. The work is done.
    NoticeBeforeJson,
    /// As many blanks stand behind the JSON. The work is done.
    EndlessAnswer {
        /// How many million of them.
        megabytes: usize,
    },
    /// No ticket can be read: what the account may see was changed, or a replica lags behind.
    TicketsHidden,
    /// The JSON ends in the middle. The work is done.
    TruncatedJson,
    /// The connection closes before anything is done.
    CutBefore,
    /// The work is done, and the connection closes without an answer.
    CutAfter,
    /// Waits before the effect and after it. The work runs to its end whatever the client does.
    Slow {
        /// Milliseconds before the effect.
        #[serde(default)]
        before_ms: u64,
        /// Milliseconds between the effect and the answer.
        #[serde(default)]
        after_ms: u64,
    },
    /// Waits before anything is evaluated, as in the queue of a proxy. The request runs to its end
    /// however long its client has been gone.
    HeldBefore {
        /// Milliseconds.
        ms: u64,
    },
    /// Waits when the conditions of a write have been evaluated, and before its effect: behind the
    /// lock of a row, or in an extension. A read has been read, and its answer waits.
    HeldInside {
        /// Milliseconds.
        ms: u64,
    },
    /// Somebody holds the counter of ticket numbers: all creates of tickets wait there, evaluated
    /// and without a number, also those that are then refused, and are released together. The
    /// create that is struck takes the lock, if it is free; others wait although not struck.
    CounterLock {
        /// Milliseconds from when the lock was taken.
        ms: u64,
    },
    /// Somebody holds the table of tickets: all creates of tickets wait there with their number,
    /// and are released together. What is refused before the INSERT does not wait. The lock is
    /// taken as the one of the counter is.
    InsertLock {
        /// Milliseconds from when the lock was taken.
        ms: u64,
    },
    /// What a query of a write finds is gone between the moments when iTop counts it and fetches
    /// it. The refusal then has another shape: a mandatory key is "Null not allowed", an optional
    /// one is silently empty, and an update ends as HTTP 500 with HTML (all seen on a real one).
    GoneAtFetch {
        /// The attribute whose query it is, though it finds something: `key` is that of an update
        /// or stimulus, `functionalci_id` those of the CIs. None: all queries that find nothing.
        #[serde(default)]
        attribute: Option<String>,
    },
    /// The work is done, then something after the commit throws: code 100.
    Code100AfterCommit,
    /// Refused with this code and message, nothing done.
    Refuse {
        /// `code` of the answer.
        code: i64,
        /// `message` of the answer.
        message: String,
    },
    /// The logs of a create are not kept, so that no marker can be found.
    MarkerLost,
    /// Values are stored unchecked, as with iTop's `skip_check_to_write`, or where titles may be
    /// longer: what should be refused makes a ticket.
    SkipChecks,
    /// No password is right.
    WrongPassword,
    /// The user lacks the profile *REST Services User*.
    ProfileMissing,
    /// iTop is older than 2.7: a query inside a query is a syntax error.
    NoNestedQueries,
    /// The class Incident is not installed.
    NoIncidentClass,
    /// The bodies of requests may not be longer: PHP then drops the whole form, and iTop sees no
    /// login (recorded: "Invalid login").
    PostMaxSize {
        /// How long they may be.
        bytes: usize,
    },
    /// A run dies for want of memory when it has made or changed so many objects: 500 with HTML
    /// (recorded). They stay; the last of them is not marked in its replica.
    MemoryExhausted {
        /// After how many.
        objects: usize,
    },
    /// The worker of a run is killed, and the web server answers 502. What it did stays; the object
    /// that it made or changed last is not marked in its replica (recorded).
    Killed {
        /// After how many objects, or rows of the load.
        after: usize,
        /// While rows are loaded, not while they are processed.
        #[serde(default)]
        in_load: bool,
    },
    /// iTop's clock shows another time zone.
    ShiftedTimeZone {
        /// Hours ahead of the sandbox's time zone.
        hours: i32,
    },
}
