//! Notes on a Case that is there: internal comments. A comment has no external id, so that its marker in
//! the text is all by which it is known again: after a lost answer the comments of the Case are read.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    CASE, Client, Error, Refusal,
    call::{Body, Call},
    cases,
    ids::{is_id, is_same},
    soql,
};
use crate::{
    desk::{NewNotes, Noted, NotesSince},
    domain::{
        keys::{TicketId, TicketKey},
        marker::Marker,
        priority::Priority,
        text::cut_bytes,
    },
    outgoing::Use,
};

const MONTH: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The longest comment, in bytes.
const MOST_BYTES: usize = 4_000;

/// How many records one request makes.
const AT_ONCE: usize = 200;

/// A comment of a Case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Its text.
    pub text: String,
    /// When it was made.
    pub created: Option<Timestamp>,
}

impl Client {
    /// Adds notes, all or none, in one call, after the Case was read in another: Salesforce has no
    /// condition for a write. Between the two an agent may close the Case; a note on a closed Case does
    /// no harm, and the next acknowledgement makes a new one.
    pub async fn note(&self, new: &NewNotes<'_>) -> Result<Noted, Error> {
        let Some(status) = self.current(&new.ticket.id).await? else { return Ok(Noted::Gone) };
        if !is_same(status.org.as_str(), new.org.as_str()) {
            return Ok(Noted::Foreign);
        }
        if new.only_if_open && !status.is_open() {
            return Ok(Noted::Closed(status));
        }
        let bodies = bodies(&new.lines);
        for bodies in bodies.chunks(AT_ONCE) {
            let records: Vec<_> = bodies
                .iter()
                .map(|body| {
                    json!({
                        "attributes": {"type": "CaseComment"}, "ParentId": new.ticket.id,
                        "CommentBody": body, "IsPublished": false,
                    })
                })
                .collect();
            let body = json!({"allOrNone": true, "records": records});
            let json = self.call(Use::Write, Call::post("/composite/sobjects", body)).await?;
            self.all_made(&json, records.len())?;
        }
        Ok(Noted::Added(status))
    }

    /// Whether each record of a collection was made; the error of the guilty one, not of those that it
    /// has taken along.
    fn all_made(&self, json: &Value, asked: usize) -> Result<(), Error> {
        let verdicts = json.as_array().map(Vec::as_slice).unwrap_or_default();
        let errors = verdicts.iter().filter(|verdict| verdict["success"] != true);
        let mut errors = errors.map(|verdict| self.of_part(400, &verdict["errors"])).peekable();
        if errors.peek().is_none() && verdicts.len() == asked {
            return Ok(());
        }
        let taken_along = |error: &Error| matches!(error, Error::Refused(Refusal { code, .. }) if code == "ALL_OR_NONE_OPERATION_ROLLED_BACK");
        let errors: Vec<_> = errors.collect();
        let guilty = errors.iter().find(|error| !taken_along(error)).or(errors.first());
        Err(guilty.cloned().unwrap_or_else(|| Error::NoClearAnswer {
            reason: format!("{asked} comments were sent, and {} answered", verdicts.len()),
        }))
    }

    /// The comments of a Case, the newest first, internal and public.
    pub async fn notes(&self, case: &TicketKey) -> Result<Vec<Note>, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Comment {
            comment_body: Option<String>,
            created_date: Option<String>,
        }
        if !is_id(case.id.as_str()) {
            return Ok(Vec::new());
        }
        let query = format!(
            "SELECT CommentBody, CreatedDate FROM CaseComment WHERE ParentId = {} \
             ORDER BY CreatedDate DESC, Id DESC",
            soql::quote(case.id.as_str())
        );
        let comments: Vec<Comment> = self.query(Use::Read, &query).await?;
        let note = |comment: Comment| Note {
            text: comment.comment_body.unwrap_or_default(),
            created: comment.created_date.as_deref().and_then(cases::time),
        };
        Ok(comments.into_iter().map(note).collect())
    }

    /// Those of the markers that stand in the comments of a Case.
    pub async fn noted(&self, case: &TicketKey, markers: &[Marker]) -> Result<Vec<Marker>, Error> {
        let notes = self.notes(case).await?;
        let stands = |marker: &&Marker| {
            let marker = marker.to_string();
            notes.iter().any(|note| note.text.contains(&marker))
        };
        Ok(markers.iter().filter(stands).cloned().collect())
    }

    /// The markers that stand in comments since then, whoever has written them, each with the Case of the
    /// oldest of these. One call for each 2,000 comments.
    pub async fn noted_since(
        &self,
        since: NotesSince,
    ) -> Result<HashMap<Marker, TicketKey>, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Comment {
            parent_id: String,
            comment_body: Option<String>,
        }
        let from =
            |time: Timestamp| format!("CreatedDate >= {}", time.strftime("%Y-%m-%dT%H:%M:%SZ"));
        let created = match since {
            NotesSince::Moment(time) => from(time),
            // The literal counts by the clock of Salesforce, and today with it.
            NotesSince::MonthBefore(time) => {
                let month_before = from(time.saturating_sub(MONTH).unwrap_or(Timestamp::MIN));
                format!("(CreatedDate >= LAST_N_DAYS:30 OR {month_before})")
            }
        };
        let query = format!(
            "SELECT ParentId, CommentBody FROM CaseComment WHERE {created} ORDER BY CreatedDate, Id"
        );
        let comments: Vec<Comment> = self.query(Use::List, &query).await?;
        let mut noted = HashMap::new();
        for Comment { parent_id, comment_body } in comments {
            for marker in Marker::all_in(&comment_body.unwrap_or_default()) {
                let id = TicketId::new(parent_id.clone());
                noted.entry(marker).or_insert(TicketKey { class: CASE.to_owned(), id });
            }
        }
        Ok(noted)
    }

    /// Gives a Case at least that priority; tells the one it has then, `None` where it has it already, is
    /// gone, or has one that the bridge does not know.
    pub async fn raise(
        &self,
        case: &TicketKey,
        priority: Priority,
    ) -> Result<Option<Priority>, Error> {
        let has = self.current(&case.id).await?.and_then(|status| status.priority);
        let line = self.line();
        let priorities = &line.settings.mapping.priorities;
        let value = priorities.value(priority);
        // Two of the bridge's may be one value.
        if has.is_none_or(|has| !priority.is_above(has) || priorities.value(has) == value) {
            return Ok(None);
        }
        let path = format!("/sobjects/{CASE}/{}", soql::in_path(case.id.as_str()));
        let body = Body::Json(json!({"Priority": value}));
        self.call(Use::Write, Call::of(Method::PATCH, path, body)).await?;
        Ok(Some(priority))
    }
}

/// The texts of the comments: as few as hold all lines. A line that is too long by itself becomes several,
/// each with its marker.
fn bodies(lines: &[(&Marker, &str)]) -> Vec<String> {
    let mut bodies: Vec<String> = Vec::new();
    for (marker, words) in lines {
        let mut rest = words.trim();
        loop {
            let room = MOST_BYTES - marker.to_string().len() - 1;
            let part = cut_bytes(rest, room);
            let line = format!("{marker} {}", part.trim());
            match bodies.last_mut() {
                Some(last) if last.len() + 1 + line.len() <= MOST_BYTES => {
                    last.push('\n');
                    last.push_str(&line);
                }
                _ => bodies.push(line),
            }
            rest = rest[part.len()..].trim_start();
            if rest.is_empty() {
                break;
            }
        }
    }
    bodies
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(digit: char) -> Marker {
        Marker::from_digits(&digit.to_string().repeat(32)).unwrap()
    }

    #[test]
    fn lines_share_a_comment_as_long_as_they_fit() {
        let (a, b) = (marker('a'), marker('b'));
        let both = bodies(&[(&a, "worse"), (&b, "better")]);
        assert_eq!(both, [format!("{a} worse\n{b} better")]);
        assert_eq!(bodies(&[(&a, " ")]), [format!("{a} ")]);
        let long = "ä".repeat(2_500);
        let parts = bodies(&[(&a, "short"), (&b, &long)]);
        assert_eq!(parts.len(), 3);
        let begins = parts.iter().skip(1).all(|part| part.starts_with(&b.to_string()));
        assert!(begins && parts.iter().all(|part| part.len() <= MOST_BYTES));
        let letters: usize = parts.iter().map(|part| part.matches('ä').count()).sum();
        assert_eq!(letters, 2_500);
    }
}
