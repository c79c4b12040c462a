//! The CIs of a ticket.

use super::value::{CiLink, Draft};
use crate::{
    refusal::Refusal,
    session::{Found, Session},
};

/// Links the CIs of a draft, and those that iTop's impact analysis adds.
pub(super) fn link(session: &Session<'_>, found: &Found, draft: &Draft) -> Result<(), Refusal> {
    let Some(links) = &draft.links else { return Ok(()) };
    let mut linked: Vec<i64> = links.iter().map(|link| link.ci).collect();
    for link in links {
        insert_link(session, found, link)?;
    }
    for link in links {
        add_impacted(session, found, link.ci, &mut linked)?;
    }
    Ok(())
}

fn add_impacted(
    session: &Session<'_>,
    found: &Found,
    source: i64,
    linked: &mut Vec<i64>,
) -> Result<(), Refusal> {
    let impacted: Vec<i64> = session
        .database
        .prepare_cached("SELECT impacted_id FROM ci_impact WHERE source_id = ? ORDER BY rowid")?
        .query_map([source], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for ci in impacted {
        if !linked.contains(&ci) {
            linked.push(ci);
            let computed = CiLink { ci, impact_code: "computed".to_owned(), impact: String::new() };
            insert_link(session, found, &computed)?;
            add_impacted(session, found, ci, linked)?;
        }
    }
    Ok(())
}

fn insert_link(session: &Session<'_>, found: &Found, link: &CiLink) -> Result<(), Refusal> {
    session
        .database
        .prepare_cached(
            "INSERT INTO base_ticket_ci (ticket_id, functionalci_id, impact, impact_code)
             VALUES (?, ?, ?, ?)",
        )?
        .execute(rusqlite::params![found.id, link.ci, link.impact, link.impact_code])?;
    Ok(())
}
