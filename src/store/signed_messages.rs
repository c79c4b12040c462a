//! The messages of senders that sign: an id that came before tells whether this is the same one again.

use jiff::Timestamp;

use super::{
    Store, StoreError, Term,
    db::{self, Connection, OptionalExtension as _, params},
};

/// What is known of the id of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// Nothing: it is noted now.
    New,
    /// It came before with an equal body, first at this time.
    Same(Timestamp),
    /// It came before with another body.
    OtherBody,
}

impl Store {
    /// Notes the id of a message of a sender, with the SHA-256 of its body. That is done before anything
    /// is made of it: the same one is taken again whatever came in between.
    pub async fn note_message(
        &self,
        sender: String,
        id: String,
        digest: [u8; 32],
        at: Timestamp,
    ) -> Result<Noted, StoreError> {
        self.write(move |db| note(db, &sender, &id, &digest, at)).await
    }
}

impl Term {
    /// Forgets the ids of messages that came before `retention_millis` ago. A clock that is put forward
    /// forgets none sooner.
    pub async fn forget_messages(&self, retention_millis: i64) -> Result<usize, StoreError> {
        let now = self.moment().as_millis().min(self.now_millis());
        let before = now.saturating_sub(retention_millis);
        self.write(move |db| {
            db.execute("DELETE FROM signed_messages WHERE received_at < ?1", [before])
        })
        .await
    }
}

fn note(
    db: &Connection,
    sender: &str,
    id: &str,
    digest: &[u8],
    at: Timestamp,
) -> db::Result<Noted> {
    let known = db
        .prepare_cached(
            "SELECT digest, received_at FROM signed_messages WHERE sender = ?1 AND id = ?2",
        )?
        .query_row(params![sender, id], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?))
        })
        .optional()?;
    if let Some((known, first)) = known {
        let is_same = known == digest;
        let first = Timestamp::from_millisecond(first).unwrap_or(at);
        return Ok(if is_same { Noted::Same(first) } else { Noted::OtherBody });
    }
    db.prepare_cached(
        "INSERT INTO signed_messages (sender, id, digest, received_at) VALUES (?, ?, ?, ?)",
    )?
    .execute(params![sender, id, digest, at.as_millisecond()])?;
    Ok(Noted::New)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::migrate::tests::empty;

    #[test]
    fn an_id_is_of_one_sender_and_one_body() {
        let db = empty();
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        let noted = |sender, id, body, now| note(&db, sender, id, body, at(now)).unwrap();
        assert_eq!(noted("a", "1", b"x", 5), Noted::New);
        assert_eq!(noted("a", "1", b"x", 9), Noted::Same(at(5)));
        assert_eq!(noted("a", "1", b"y", 9), Noted::OtherBody);
        assert_eq!(noted("b", "1", b"y", 9), Noted::New);
        assert_eq!(noted("a", "2", b"x", 9), Noted::New);
    }

    #[test]
    fn old_ones_are_found_without_looking_at_all() {
        let plan = "EXPLAIN QUERY PLAN DELETE FROM signed_messages WHERE received_at < 7";
        let plan: String = empty().query_row(plan, [], |row| row.get(3)).unwrap();
        assert!(plan.contains("USING INDEX signed_messages_age"), "{plan}");
    }
}
