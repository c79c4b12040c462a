//! A quarter of an hour of the past.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::desk_name::DeskName;

/// How long a bucket is.
pub const BUCKET: SignedDuration = SignedDuration::from_mins(15);

/// What happened in a quarter of an hour.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Bucket {
    /// When it began, a multiple of a quarter of an hour.
    pub start: Timestamp,
    /// How long iTop took to answer; none where it was not asked, or did not answer.
    pub itop: Option<Answers>,
    /// The same of the other ticket systems that have answered.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub other_desks: BTreeMap<DeskName, Answers>,
    /// Acknowledgements that were stored.
    pub acknowledgements: u64,
}

/// How long a ticket system took to answer, but for lists. In JSON in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answers {
    /// How many answers there were.
    pub count: u64,
    /// Half of them took no longer, in microseconds.
    #[schemars(with = "f64")]
    #[serde(rename = "median_ms", serialize_with = "milliseconds", deserialize_with = "micros")]
    pub median: u32,
    /// All but a twentieth of them took no longer, in microseconds.
    #[schemars(with = "f64")]
    #[serde(rename = "p95_ms", serialize_with = "milliseconds", deserialize_with = "micros")]
    pub p95: u32,
}

/// When the bucket began in which a time lies.
#[must_use]
pub fn start_of(time: Timestamp) -> Timestamp {
    let into = time.as_second().rem_euclid(BUCKET.as_secs());
    Timestamp::from_second(time.as_second() - into).unwrap_or(Timestamp::MIN)
}

impl Answers {
    /// Of two parts of one bucket: the medians by how many answers they stand for, the worse tail.
    fn with(self, other: Self) -> Self {
        let count = self.count + other.count;
        let weighed = |part: Self| u128::from(part.median) * u128::from(part.count);
        let median = (weighed(self) + weighed(other)) / u128::from(count.max(1));
        let median = u32::try_from(median).unwrap_or(u32::MAX);
        Self { count, median, p95: self.p95.max(other.p95) }
    }
}

impl Bucket {
    /// One in which nothing has happened.
    #[must_use]
    pub fn empty(start: Timestamp) -> Self {
        Self { start, itop: None, other_desks: BTreeMap::new(), acknowledgements: 0 }
    }

    /// How long a ticket system took to answer.
    #[must_use]
    pub fn answers(&self, desk: DeskName) -> Option<Answers> {
        if desk == DeskName::Itop { self.itop } else { self.other_desks.get(&desk).copied() }
    }

    /// Adds what a ticket system has answered besides.
    pub fn add(&mut self, desk: DeskName, more: Answers) {
        let whole = self.answers(desk).map_or(more, |known| known.with(more));
        if desk == DeskName::Itop {
            self.itop = Some(whole);
        } else {
            self.other_desks.insert(desk, whole);
        }
    }

    /// Of two parts of one bucket, between which the bridge was started again.
    #[must_use]
    pub fn with(mut self, other: &Self) -> Self {
        for desk in DeskName::ALL {
            if let Some(more) = other.answers(desk) {
                self.add(desk, more);
            }
        }
        self.acknowledgements += other.acknowledgements;
        self
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes every value like this")]
fn milliseconds<S: Serializer>(micros: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    // Tenths are as much as a person reads.
    serializer.serialize_f64(f64::from(micros.div_ceil(100)) / 10.0)
}

fn micros<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let millis = f64::deserialize(deserializer)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast of a float takes the nearest end where it does not fit"
    )]
    Ok((millis * 1_000.0).round() as u32)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bucket(itop: Option<Answers>, acknowledgements: u64) -> Bucket {
        Bucket { itop, acknowledgements, ..Bucket::empty(Timestamp::UNIX_EPOCH) }
    }

    #[test]
    fn a_bucket_begins_with_a_quarter_of_an_hour() {
        for (time, start) in [
            ("2026-11-26T10:00:00Z", "2026-11-26T10:00:00Z"),
            ("2026-11-26T10:14:59.999Z", "2026-11-26T10:00:00Z"),
            ("2026-11-26T10:59:00Z", "2026-11-26T10:45:00Z"),
            ("1969-12-31T23:59:59Z", "1969-12-31T23:45:00Z"),
        ] {
            let of = |text: &str| text.parse::<Timestamp>().unwrap();
            assert_eq!(start_of(of(time)), of(start), "{time}");
        }
    }

    #[test]
    fn two_parts_make_one_bucket() {
        let few = Answers { count: 1, median: 900, p95: 1_000 };
        let many = Answers { count: 9, median: 100, p95: 500 };
        let both = bucket(Some(few), 2).with(&bucket(Some(many), 3));
        let whole = Answers { count: 10, median: 180, p95: 1_000 };
        assert_eq!(both, bucket(Some(whole), 5));
        assert_eq!(bucket(None, 2).with(&bucket(Some(few), 0)), bucket(Some(few), 2));
        assert_eq!(bucket(None, 2).with(&bucket(None, 0)), bucket(None, 2));
        // Each ticket system by itself.
        let of_salesforce = |answers| {
            let mut bucket = bucket(Some(few), 1);
            bucket.add(DeskName::Salesforce, answers);
            bucket
        };
        let both = of_salesforce(few).with(&of_salesforce(many));
        assert_eq!(both.answers(DeskName::Salesforce), Some(whole));
        assert_eq!(both.itop.unwrap().count, 2);
    }

    #[test]
    fn answers_are_kept_as_people_read_them() {
        let answers = Answers { count: 3, median: 65_040, p95: 1_200_000 };
        let kept = json!(answers);
        assert_eq!(kept, json!({"count": 3, "median_ms": 65.1, "p95_ms": 1200.0}));
        let read: Answers = serde_json::from_value(kept).unwrap();
        assert_eq!(read, Answers { median: 65_100, ..answers });
        let mut kept = bucket(None, 0);
        assert!(json!(kept).get("other_desks").is_none());
        kept.add(DeskName::Salesforce, answers);
        assert_eq!(json!(kept)["other_desks"]["salesforce"]["count"], 3);
    }
}
