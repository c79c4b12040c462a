//! Times that were stored while the clock of this machine was ahead.

use std::time::Duration;

use super::{StoreError, Term};

impl Term {
    /// At start: what lies farther ahead than it can was written while the clock was ahead, and would
    /// wait until that time has come. Rows that are to be tried are due within `longest_wait`, markers
    /// are looked for once more within `late_look`, and what is known of a ticket is as old as can be.
    pub async fn bound_times(
        &self,
        longest_wait: Duration,
        late_look: Duration,
    ) -> Result<(), StoreError> {
        let (now, read) = (self.moment(), self.as_of());
        let latest = |wait| now.later(wait).as_millis();
        let (next, late) = (latest(longest_wait), latest(late_look));
        let now = now.as_millis();
        self.write(move |db| {
            for state in ["accepted", "blocked"] {
                let index = if state == "accepted" { "due" } else { "blocked" };
                db.execute(
                    &format!(
                        "UPDATE acknowledgements INDEXED BY acknowledgements_{index}
                         SET next_attempt_at = ?1
                         WHERE state = '{state}' AND next_attempt_at > ?2"
                    ),
                    [now, next],
                )?;
            }
            db.execute(
                "UPDATE acknowledgements INDEXED BY acknowledgements_read_back SET read_back_at = ?1
                 WHERE read_back_at > ?2",
                [now, next],
            )?;
            db.execute(
                "UPDATE acknowledgements INDEXED BY acknowledgements_late_look SET late_look_at = ?1
                 WHERE late_look_at > ?1",
                [late],
            )?;
            db.execute("UPDATE tickets SET as_of = 0 WHERE as_of > ?1", [read])?;
            Ok(())
        })
        .await
    }
}
