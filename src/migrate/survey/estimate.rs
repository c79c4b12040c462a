//! What a move asks: calls, hours, storage. Calls follow from counts; how long they take on a customer's org
//! nobody knows before the first hundred rows, so that each assumption is said.

use serde::Serialize;

use super::{ItopSurvey, OrgSurvey, itop::Group};

/// Objects that iTop gives at once, and how long that takes at most (2,000 tickets: 0.6 s, measured).
const ROWS_OF_ITOP: u64 = 2_000;
const SECONDS_OF_ITOP: u64 = 1;

/// Records in one collection, and from how many on a job takes them.
const COLLECTION: u64 = 200;
const BY_JOB: u64 = 2_000;

/// The most bytes of one job, and its calls: made, filled, ended, some twenty questions, three results.
const BYTES_OF_JOB: u64 = 100_000_000;
const CALLS_OF_JOB: u64 = 26;

/// What is assumed of the org: seconds a collection, rows a second of a job, seconds a file.
const SECONDS_OF_COLLECTION: u64 = 5;
const ROWS_OF_JOB_A_SECOND: u64 = 100;
const SECONDS_OF_FILE: u64 = 1;

/// Records that are read at once to compare them.
const READ_AT_ONCE: u64 = 2_000;

/// What Salesforce counts for most records, in bytes.
const RECORD: u64 = 2_048;

/// What a move asks.
#[derive(Clone, Debug, Serialize)]
pub struct Estimate {
    /// Calls of iTop.
    pub itop_calls: u64,
    /// How long iTop is read, in seconds.
    pub itop_seconds: u64,
    /// Each part of the load.
    pub work: Vec<Work>,
    /// Calls of Salesforce: load and comparison.
    pub calls: u64,
    /// How long the load takes, in seconds.
    pub seconds: u64,
    /// What the records take of the org's data storage, in bytes.
    pub data_bytes: u64,
    /// What the files take of its file storage, in bytes.
    pub file_bytes: u64,
    /// How many days it takes because of the calls of a day; `None` where these are not known.
    pub days: Option<u64>,
    /// What was assumed, a sentence each.
    pub assumed: Vec<String>,
}

/// A part of the load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Work {
    /// What is loaded.
    pub what: &'static str,
    /// How many rows.
    pub rows: u64,
    /// How many calls.
    pub calls: u64,
    /// How long, in seconds.
    pub seconds: u64,
}

/// What the move of all this asks.
#[must_use]
pub fn estimate(itop: &ItopSurvey, org: Option<&OrgSurvey>) -> Estimate {
    let of = |wanted: &dyn Fn(&super::ClassSurvey) -> bool| {
        let classes = itop.classes.iter().filter(|class| wanted(class));
        classes.fold((0, 0), |(rows, bytes), class| (rows + class.objects, bytes + class.bytes))
    };
    let named = |name: &'static str| of(&move |class| class.class == name);
    let tickets = of(&|class| class.group == Group::Tickets);
    let entries: u64 = itop.classes.iter().map(|class| class.entries).sum();
    let links = of(&|class| class.class.ends_with("ToTicket"));
    let mut work = vec![
        rows("Accounts", named("Organization")),
        rows("Contacts", named("Person")),
        rows("CIs", of(&|class| class.group == Group::Cis)),
        rows("Cases and changes", tickets),
        rows("Links of tickets", links),
        rows("Comments", (entries, entries.saturating_mul(500))),
    ];
    let files = itop.attachments.files;
    work.push(Work { what: "Files", rows: files, calls: files, seconds: files * SECONDS_OF_FILE });
    work.retain(|work| work.rows > 0);
    let loaded: u64 = work.iter().map(|work| work.rows).sum();
    let compared = loaded.div_ceil(READ_AT_ONCE);
    work.push(Work { what: "Comparison", rows: loaded, calls: compared, seconds: compared * 2 });
    let calls = work.iter().map(|work| work.calls).sum();
    let limit = |name: &str| {
        let limits = org.map(|org| org.limits.as_slice()).unwrap_or_default();
        limits.iter().find(|(limit, ..)| limit == name).map(|(_, most, left)| (*most, *left))
    };
    let days = limit("DailyApiRequests").map(|(most, left)| days(calls, most, left));
    let itop_calls =
        itop.classes.iter().map(|class| class.objects.div_ceil(ROWS_OF_ITOP) + 3).sum::<u64>()
            + files;
    Estimate {
        itop_calls,
        itop_seconds: itop_calls * SECONDS_OF_ITOP,
        calls,
        seconds: work.iter().map(|work| work.seconds).sum(),
        data_bytes: (loaded - files).saturating_mul(RECORD),
        file_bytes: itop.attachments.bytes.unwrap_or(0),
        days,
        work,
        assumed: vec![
            format!("iTop gives {ROWS_OF_ITOP} objects, or one file, in {SECONDS_OF_ITOP} s (measured: 0.6 s)."),
            format!(
                "Salesforce takes {COLLECTION} records in {SECONDS_OF_COLLECTION} s, from {BY_JOB} rows on \
                 {ROWS_OF_JOB_A_SECOND} rows a second in a job, and a file in {SECONDS_OF_FILE} s. No org was \
                 measured: triggers and flows of the customer decide. The first hundred rows tell."
            ),
            format!("Most records take {} KB of data storage.", RECORD / 1024),
            "Half of the calls that a day has left are used; the others belong to those who work there.".to_owned(),
        ],
    }
}

/// Rows that are created, a part of them changed once more.
fn rows(what: &'static str, (rows, bytes): (u64, u64)) -> Work {
    if rows < BY_JOB {
        let calls = rows.div_ceil(COLLECTION);
        return Work { what, rows, calls, seconds: calls * SECONDS_OF_COLLECTION };
    }
    let jobs = bytes.div_ceil(BYTES_OF_JOB).max(1);
    Work { what, rows, calls: jobs * CALLS_OF_JOB, seconds: rows / ROWS_OF_JOB_A_SECOND }
}

/// How many days so many calls take, at half of what a day has.
fn days(calls: u64, most: i64, left: i64) -> u64 {
    let half = |number: i64| (u64::try_from(number).unwrap_or(0) / 2).max(1);
    let today = half(left);
    if calls <= today { 1 } else { 1 + (calls - today).div_ceil(half(most)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_go_in_collections_and_many_in_jobs() {
        let few = rows("a", (401, 1));
        assert_eq!((few.calls, few.seconds), (3, 15));
        let many = rows("a", (200_000, 250_000_000));
        assert_eq!((many.calls, many.seconds), (78, 2_000));
        assert_eq!(rows("a", (0, 0)).calls, 0);
    }

    #[test]
    fn more_calls_than_half_a_day_has_take_more_days() {
        assert_eq!(days(100, 1_000, 1_000), 1);
        assert_eq!(days(600, 1_000, 1_000), 2);
        assert_eq!(days(600, 1_000, 0), 3);
        assert_eq!(days(1, 0, -5), 1);
    }
}
