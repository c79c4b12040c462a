//! What an iTop holds after years of work: companies, people who came and went, equipment, tickets with all that was
//! written to them, files, and what was learned. It follows from a seed: the same seed is the same iTop.

mod companies;
mod knowledge;
mod tickets;
mod words;

use jiff::{Timestamp, tz::TimeZone};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use rusqlite::Connection;

/// How much of it there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grown {
    /// Tickets of all classes. There is a person for four of them, and a company for a hundred.
    pub tickets: u32,
    /// Another seed is another iTop.
    pub seed: u64,
}

impl Grown {
    pub(super) fn fill(self, database: &Connection, zone: &TimeZone) -> rusqlite::Result<()> {
        let mut dice = Dice { random: StdRng::seed_from_u64(self.seed), zone: zone.clone() };
        let companies = companies::fill(database, &mut dice, self.tickets)?;
        tickets::fill(database, &mut dice, self.tickets, &companies)?;
        knowledge::fill(database, &mut dice, self.tickets, &companies)
    }
}

/// A company of the provider's.
struct Company {
    id: i64,
    people: Vec<i64>,
    cis: Vec<i64>,
}

/// All companies, and who works for them at the provider.
struct Companies {
    all: Vec<Company>,
    agents: Vec<Agent>,
}

struct Agent {
    id: i64,
    name: String,
}

/// When the newest of it happened, and over how many seconds all of it did.
const NEWEST: i64 = 1_795_168_800;
const YEARS: i64 = 5 * 365 * 86_400;

/// What chance decides.
struct Dice {
    random: StdRng,
    zone: TimeZone,
}

impl Dice {
    /// A number below another one.
    fn below(&mut self, most: u32) -> u32 {
        self.random.random_range(0..most.max(1))
    }

    /// Whether something happens that does so many times out of a hundred.
    fn happens(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of some things.
    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.random.random_range(0..of.len())]
    }

    /// A moment of these years.
    fn moment(&mut self) -> Moment {
        Moment(NEWEST - self.random.random_range(0..YEARS))
    }

    /// A moment so many hours after another one, at most.
    fn after(&mut self, moment: Moment, hours: u32) -> Moment {
        Moment(moment.0 + i64::from(self.below(hours * 3_600)) + 1)
    }

    /// As iTop writes it.
    fn written(&self, moment: Moment) -> String {
        let time = Timestamp::from_second(moment.0).unwrap_or(Timestamp::UNIX_EPOCH);
        time.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// Some bytes.
    fn bytes(&mut self, most: u32) -> Vec<u8> {
        let length = self.random.random_range(1..=most) as usize;
        let mut bytes = vec![0; length];
        self.random.fill(&mut bytes[..]);
        bytes
    }
}

/// Seconds since 1970.
#[derive(Clone, Copy)]
struct Moment(i64);

#[cfg(test)]
mod tests {
    use clock::Clock;

    use super::*;
    use crate::{Data, Flavour, Options, Sandbox, database::Database};

    fn filled(tickets: u32, seed: u64) -> Database {
        let data = Data::Grown(Grown { tickets, seed });
        Database::open(&Options { flavour: Flavour::Grown, data, ..Options::default() }).unwrap()
    }

    fn all(database: &Database, sql: &str) -> String {
        let sql = format!("SELECT group_concat(line, char(10)) FROM ({sql})");
        database.lock().query_row(&sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn the_same_seed_is_the_same_itop() {
        let tickets = "SELECT finalclass || ref || title || private_log || start_date AS line FROM base_ticket";
        let people = "SELECT first_name || name || email || status AS line FROM base_contact";
        for sql in [tickets, people, "SELECT contents AS line FROM base_attachment"] {
            assert_eq!(all(&filled(120, 7), sql), all(&filled(120, 7), sql));
            assert_ne!(all(&filled(120, 7), sql), all(&filled(120, 8), sql));
        }
    }

    #[tokio::test]
    async fn every_class_has_objects_and_each_reference_leads_somewhere() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = Options {
            flavour: Flavour::Grown,
            data: Data::Grown(Grown { tickets: 200, seed: 1 }),
            ..Options::default()
        };
        let itop = Sandbox::start(listener, options, Clock::system()).await.unwrap();
        for class in [
            "Incident",
            "UserRequest",
            "NormalChange",
            "SecurityIncident",
            "AccessPoint",
            "SiteVisit",
            "FAQ",
            "KnownError",
            "Attachment",
            "lnkContactToTicket",
            "lnkFunctionalCIToTicket",
            "Person WHERE status = 'inactive'",
            "Incident WHERE parent_incident_id > 0",
        ] {
            let found = itop.select(&format!("SELECT {class}")).await.unwrap();
            assert!(!found.is_empty(), "{class}");
        }
        let database = filled(200, 1);
        for (table, column, to) in [
            ("ticket", "caller_id", "contact"),
            ("ticket", "org_id", "organization"),
            ("ticket_ci", "functionalci_id", "ci"),
            ("ticket_contact", "contact_id", "contact"),
            ("attachment", "item_id", "ticket"),
            ("faq", "category_id", "faq_category"),
        ] {
            let sql = format!(
                "SELECT count(*) || '' AS line FROM base_{table} t WHERE {column} <> 0
                 AND NOT EXISTS (SELECT 1 FROM base_{to} o WHERE o.id = t.{column})"
            );
            assert_eq!(all(&database, &sql), "0", "{table}.{column}");
        }
    }
}
