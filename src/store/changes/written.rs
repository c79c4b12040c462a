//! What triggers of PostgreSQL have written down of a transaction, in a table of their own.

use super::{Changes, Noted};
use crate::{
    domain::delivery_state::State,
    store::{
        db::{self, Connection, Row},
        moves::{Moved, Standing},
    },
};

/// All that was written down, which goes with it. One transaction at a time writes.
const TAKE: &str = "DELETE FROM changes WHERE number > ?1
     RETURNING number, kind, row_id, instance, control_id, company_key, can_be_seen, received_at,
         from_state, from_code, to_state, to_code";

impl Changes {
    /// Notes what was written down of the transaction that is about to be committed.
    pub(in crate::store) fn gather(&self, connection: &Connection) -> db::Result<()> {
        let Connection::Postgres(_) = connection else { return Ok(()) };
        // What came before was taken before: the index leads past all that is gone.
        let mut taken = self.taken();
        let mut select = connection.prepare_cached(TAKE)?;
        let mut rows: Vec<(i64, Noted)> = select
            .query_map([*taken], |row| Ok((row.get("number")?, self.noted(row)?)))?
            .collect::<db::Result<_>>()?;
        rows.sort_unstable_by_key(|(number, _)| *number);
        *taken = rows.last().map_or(*taken, |(number, _)| *number);
        self.lock().extend(rows.into_iter().map(|(_, noted)| noted));
        Ok(())
    }

    fn noted(&self, row: &Row<'_>) -> db::Result<Noted> {
        let kind: String = row.get("kind")?;
        Ok(match kind.as_str() {
            "control" => {
                let (instance, control) = (row.get_ref("instance")?, row.get_ref("control_id")?);
                let company = row.get_ref("company_key")?;
                self.noted_control(
                    instance.as_str()?,
                    control.as_str()?,
                    company.as_str_or_null()?,
                    row.get("can_be_seen")?,
                )
            }
            "row" => Noted::Row(Moved {
                id: row.get("row_id")?,
                instance: row.get("instance")?,
                company: row.get::<_, Option<String>>("company_key")?.unwrap_or_default(),
                received_at: row.get("received_at")?,
                from: standing(row, "from_state", "from_code")?,
                to: standing(row, "to_state", "to_code")?,
            }),
            _ => Noted::HookMessage,
        })
    }
}

fn standing(row: &Row<'_>, state: &str, code: &str) -> db::Result<Option<Standing>> {
    let Some(state) = row.get_ref(state)?.as_str_or_null()?.and_then(State::parse) else {
        return Ok(None);
    };
    Ok(Some(Standing::of(state, row.get_ref(code)?.as_str_or_null()?)))
}
