//! The board in figures: what is open, and how the last day went.

use super::{
    Store, StoreError,
    db::{self, Connection, Value, params_from_iter},
    foreign,
    narrowed::push_visible,
};
use crate::domain::visible::Visible;

/// Hours that are counted, the one that runs included.
pub const HOURS: usize = 24;

const HOUR: i64 = 3_600_000;

/// The board in figures, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoardSummary {
    /// Controls that have a ticket.
    pub controls: u64,
    /// Those whose ticket is open.
    pub open: u64,
    /// Those by priority, 1 to 4.
    pub open_by_priority: [u64; 4],
    /// When the first of the hours began, in milliseconds since 1970.
    pub hours_since: i64,
    /// Tickets that were made in each hour, oldest first; the last hour still runs.
    pub hours: [u64; HOURS],
    /// Tickets that were made within 24 hours.
    pub made: u64,
    /// From an acknowledgement to its ticket, in milliseconds: not longer for half of those.
    pub median_millis: Option<u64>,
    /// And not longer for 95 of a hundred.
    pub p95_millis: Option<u64>,
}

impl Store {
    /// The figures of what is seen. Rows of the inbox that have been removed are not counted.
    pub async fn board_summary(&self, visible: &Visible) -> Result<BoardSummary, StoreError> {
        let (now, visible) = (self.now_millis(), visible.clone());
        self.read(move |db| {
            let snapshot = db.snapshot()?;
            let mut summary = BoardSummary::default();
            open(&snapshot, &visible, &mut summary)?;
            made(&snapshot, &visible, now, &mut summary)?;
            Ok(summary)
        })
        .await
    }
}

fn open(db: &Connection, visible: &Visible, summary: &mut BoardSummary) -> db::Result<()> {
    let (sql, values) = open_query(visible);
    db.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| {
        (summary.controls, summary.open) = (row.get(0)?, row.get(1)?);
        for (place, count) in summary.open_by_priority.iter_mut().enumerate() {
            *count = row.get(2 + place)?;
        }
        Ok(())
    })
}

fn open_query(visible: &Visible) -> (String, Vec<Value>) {
    let index = match visible.companies() {
        Some(_) => "INDEXED BY control_tickets_company",
        None => "INDEXED BY control_tickets_age",
    };
    let (controls, mut values) = foreign::controls(visible, index);
    let mut sql = format!(
        "SELECT count(*), count(*) FILTER (WHERE ticket_group = 'open'), {}
         FROM {controls} WHERE true",
        [1, 2, 3, 4]
            .map(|priority| format!(
                "count(*) FILTER (WHERE ticket_group = 'open' AND ticket_priority = {priority})"
            ))
            .join(", ")
    );
    values.extend(push_visible(&mut sql, visible));
    (sql, values)
}

fn made(
    db: &Connection,
    visible: &Visible,
    now: i64,
    summary: &mut BoardSummary,
) -> db::Result<()> {
    let running = now.div_euclid(HOUR) * HOUR;
    let hours = i64::try_from(HOURS).unwrap_or(HOUR);
    summary.hours_since = running - (hours - 1) * HOUR;
    let (sql, values) = made_query(visible, now - hours * HOUR);
    let mut took = Vec::new();
    let mut select = db.prepare_cached(&sql)?;
    let mut rows = select.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        let (received, ended): (i64, i64) = (row.get(0)?, row.get(1)?);
        // A clock that was put back between the two has made nothing sooner.
        took.push(u64::try_from(ended - received).unwrap_or(0));
        let hour = (ended - summary.hours_since).div_euclid(HOUR);
        // What was made by a clock that ran ahead is in no hour yet.
        if let Some(count) = usize::try_from(hour).ok().and_then(|hour| summary.hours.get_mut(hour))
        {
            *count += 1;
        }
    }
    took.sort_unstable();
    let percentile = |percent: usize| {
        let rank = (took.len() * percent).div_ceil(100).checked_sub(1)?;
        took.get(rank).copied()
    };
    summary.made = u64::try_from(took.len()).unwrap_or(u64::MAX);
    (summary.median_millis, summary.p95_millis) = (percentile(50), percentile(95));
    Ok(())
}

fn made_query(visible: &Visible, since: i64) -> (String, Vec<Value>) {
    let mut sql = "SELECT received_at, ended_at
                   FROM acknowledgements INDEXED BY acknowledgements_ended
                   WHERE ended_at IS NOT NULL AND ended_at >= ? AND state = 'created'"
        .to_owned();
    let mut values = vec![since.into()];
    values.extend(push_visible(&mut sql, visible));
    (sql, values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::keys::{Instance, PartyKey},
        store::{db::params, inbox_query::tests::plan, migrate::tests::empty},
    };

    #[test]
    fn no_figure_takes_a_look_at_every_row_of_the_inbox() {
        let db = empty();
        let company = PartyKey::id("42").unwrap();
        for visible in [
            Visible::all(),
            Visible::of_instance(Instance::default()),
            Visible::of_companies(Instance::default(), [&company]),
            Visible::all().of_company(&company),
        ] {
            let (sql, values) = made_query(&visible, 7);
            let made = plan(&db, &sql, values);
            let by_end = "SEARCH acknowledgements USING INDEX acknowledgements_ended (ended_at>?)";
            assert!(made.contains(by_end), "{made}");
            let (sql, values) = open_query(&visible);
            let open = plan(&db, &sql, values);
            let expected = if visible.limits().is_some() {
                "SEARCH c USING INDEX control_tickets_company"
            } else if visible.companies().is_some() {
                "SEARCH m USING INDEX control_tickets_company"
            } else {
                "USING COVERING INDEX control_tickets_age"
            };
            assert!(open.contains(expected), "{open}");
        }
    }

    #[test]
    fn the_last_day_is_counted_by_hours_and_ranked() {
        let db = empty();
        let now = 500_000 * HOUR + HOUR / 2;
        // Each took ten times as many milliseconds as its number.
        let (of_now, long_ago) = (now - 1_000, now - 25 * HOUR);
        let rows =
            (1..=20).map(|number| (number, of_now)).chain([(21, now - 23 * HOUR), (22, long_ago)]);
        for (number, ended) in rows {
            db.execute(
                "INSERT INTO acknowledgements (instance, event_type, company_key, body, state,
                     received_at, updated_at, ended_at)
                 VALUES ('default', 'acknowledgement', 'id:42', '{}', ?3, ?1, ?2, ?2)",
                params![
                    ended - number * 10,
                    ended,
                    if number == 20 { "reused" } else { "created" }
                ],
            )
            .unwrap();
        }
        let mut summary = BoardSummary::default();
        made(&db, &Visible::all(), now, &mut summary).unwrap();
        assert_eq!(summary.made, 20);
        assert_eq!((summary.median_millis, summary.p95_millis), (Some(100), Some(190)));
        assert_eq!(summary.hours_since, 499_977 * HOUR);
        let mut hours = [0; HOURS];
        (hours[0], hours[HOURS - 1]) = (1, 19);
        assert_eq!(summary.hours, hours);
        let nobodys = Visible::of_instance("other".parse().unwrap());
        let mut none = BoardSummary::default();
        made(&db, &nobodys, now, &mut none).unwrap();
        assert_eq!((none.made, none.median_millis, none.p95_millis), (0, None, None));
    }
}
