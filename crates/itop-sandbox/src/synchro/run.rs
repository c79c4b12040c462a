//! A run of a data source, and `synchro_exec.php`.

use std::fmt::Write as _;

use jiff::{ToSpan as _, civil::DateTime};

use super::{
    Death, Fate,
    counters::Counters,
    door::{Answer, Call},
    output,
    replica::{Replica, Work},
    source::Source,
};
use crate::session::Session;

// The spelling is iTop's.
const NOT_THE_USER: &str = "Only adminstrators or the user specified in the data source can execute \
     this operation. Operation cancelled.";
const ALL_MISSING: &str = "All records have been untouched for some time (all of the objects could \
     be deleted). Please check that the process that writes into the synchronization table is still \
     running. Operation cancelled.";
/// Its words are not recorded.
const OBSOLETE: &str = "The data source is marked as obsolete. Operation cancelled.";

/// Processes what was loaded: rows that were seen since the load began, if it belongs to one.
pub(super) fn run(
    session: &Session<'_>,
    source: &Source,
    after_load: bool,
) -> Result<Counters, Death> {
    let count = |sql: &str, parameters: &[&dyn rusqlite::ToSql]| {
        session.database.prepare_cached(sql)?.query_row(parameters, |row| row.get(0))
    };
    let replicas =
        count("SELECT count(*) FROM base_sync_replica WHERE sync_source_id = ?", &[&source.id])?;
    let counters = Counters { replicas, ..Counters::default() };
    let log = counters.begin(session, source.id)?;
    let fate = Fate::of_objects(&session.strike.kinds);
    let mut work = Work { session, source, counters, fate };
    let refused = if source.may_be_run_by(session) {
        source.obsolete.then_some(OBSOLETE)
    } else {
        Some(NOT_THE_USER)
    };
    if refused.is_some() {
        work.counters.error = refused;
        work.counters.end(session, log)?;
        return Ok(work.counters);
    }
    let limit = limit(&session.now, source.periodicity, after_load);
    let touched = count(
        "SELECT count(*) FROM base_sync_replica WHERE sync_source_id = ? AND status_last_seen >= ?",
        &[&source.id, &limit],
    )?;
    if work.missing(&limit)? {
        work.counters.touched = touched;
        for id in due(session, source, &limit)? {
            if let Some(replica) = Replica::read(session, id)? {
                work.process(&replica)?;
            }
            if work.counters.error.is_some() {
                break;
            }
        }
    } else {
        work.counters.error = Some(ALL_MISSING);
    }
    work.counters.end(session, log)?;
    Ok(work.counters)
}

/// From when on a row counts as seen.
fn limit(now: &str, periodicity: i64, after_load: bool) -> String {
    if periodicity <= 0 {
        return if after_load { now.to_owned() } else { "1970-01-01 00:00:00".to_owned() };
    }
    let form = "%Y-%m-%d %H:%M:%S";
    DateTime::strptime(form, now)
        .ok()
        .and_then(|now| now.checked_sub(periodicity.seconds()).ok())
        .map_or_else(|| now.to_owned(), |limit| limit.strftime(form).to_string())
}

/// The replicas that are new, changed, or came with a warning the last time.
fn due(session: &Session<'_>, source: &Source, limit: &str) -> Result<Vec<i64>, rusqlite::Error> {
    session
        .database
        .prepare_cached(
            "SELECT id FROM base_sync_replica
             WHERE sync_source_id = ?1 AND status IN ('new', 'modified') AND status_last_seen >= ?2
             UNION
             SELECT id FROM base_sync_replica
             WHERE sync_source_id = ?1 AND status_last_warning != '' AND status = 'synchronized'
                 AND status_last_seen >= ?2
             ORDER BY id",
        )?
        .query_map((source.id, limit), |row| row.get(0))?
        .collect()
}

/// `synchro_exec.php`. That an error stands where the load has it is not recorded, nor are the words
/// for a source that is not there.
pub(super) fn answer(session: &Session<'_>, call: &Call) -> Result<Answer, Death> {
    // Writing to a String cannot fail.
    let mut page = String::new();
    for id in call.text_or("data_sources", "").split(',') {
        let Some(source) = Source::find(session, id)? else {
            let _ = write!(page, "<p>ERROR: The data source (id={id}) does not exist.</p>");
            break;
        };
        let _ = write!(page, "<p>Working on {} (id={})...</p>", source.name, source.id);
        let counters = run(session, &source, false)?;
        if let Some(error) = counters.error {
            let _ = write!(page, "<p>ERROR: {error}</p>");
        }
        for line in counters.lines() {
            let _ = write!(page, "<p>{line}</p>");
        }
    }
    Ok(Answer::html(output::framed(&page)))
}
