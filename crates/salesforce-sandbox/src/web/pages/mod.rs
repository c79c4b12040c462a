//! The pages for people: the Cases, and one Case with the states that it may go to. A real org leads from
//! the same addresses to its own pages.

mod html;

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Answer, Call, form};
use crate::{
    ids,
    org::Org,
    record::Body,
    refusal::Refusal,
    store::{HELD, Record, State},
};
use html::{escaped, page};

/// Who accepts a Case here.
const AGENT: &str = "alice@sandbox.example";
/// How many Cases the list has.
const LISTED: usize = 200;
const HTML: &str = "text/html; charset=UTF-8";

impl Call {
    /// Whether it asks for a page, not for something of the API.
    pub(crate) fn is_page(&self) -> bool {
        match self.parts().as_slice() {
            [] => true,
            [id] => ids::long(id).is_some(),
            _ => false,
        }
    }
}

impl Org {
    /// The list of Cases.
    pub(crate) fn cases_page(&self) -> Answer {
        self.listed().map_or_else(Answer::from, |page| Answer::other(200, HTML, page))
    }

    /// A Case; or what was pressed on its page is done, which shows it again.
    pub(crate) fn case_page(&self, call: &Call, id: &str) -> Answer {
        let done = match call.method.as_str() {
            "POST" => self.pressed(call, id),
            _ => self.shown(id).map(|page| Answer::other(200, HTML, page)),
        };
        done.unwrap_or_else(|_| {
            let words = "<p>There is no such Case: it was deleted, or there never was one.</p>";
            Answer::other(404, HTML, page("No such Case", words))
        })
    }

    fn listed(&self) -> Result<String, Refusal> {
        let state = self.state();
        let of = state.schema.object("Case").ok_or_else(Refusal::not_found)?;
        let cases = state.rows(of, HELD, &[])?;
        let mut rows = String::new();
        for case in cases.iter().rev().take(LISTED) {
            let text = |field: &str| escaped(&text(case, field));
            let name = |field: &str| escaped(&name(&state, case, field));
            // Writing to a text cannot fail.
            let _ = write!(
                rows,
                "<tr><td class=tight><a href=\"/{}\">{}</a></td><td>{}</td><td class=tight>{}</td>\
                 <td class=tight>{}</td><td>{}</td><td class=wide>{}</td><td class=\"wide tight\">{}</td></tr>",
                text("Id"),
                text("CaseNumber"),
                text("Subject"),
                chip(&state, case),
                text("Priority"),
                name("AccountId"),
                name("OwnerId"),
                time(case, "LastModifiedDate"),
            );
        }
        let table = if rows.is_empty() {
            "<section><p class=muted>There is no Case yet.</p></section>".to_owned()
        } else {
            format!(
                "<section class=list><table><thead><tr><th scope=col>Case</th><th scope=col>Subject</th>\
                 <th scope=col>Status</th><th scope=col>Priority</th><th scope=col>Account</th>\
                 <th scope=col class=wide>Owner</th><th scope=col class=wide>Last modified</th></tr></thead>\
                 <tbody>{rows}</tbody></table></section>"
            )
        };
        Ok(page("Cases", &format!("<h1>Cases</h1><p class=muted>The newest first.</p>{table}")))
    }

    fn shown(&self, id: &str) -> Result<String, Refusal> {
        let state = self.state();
        let case = live(&state, id)?;
        let mut properties = String::new();
        for (label, value) in [
            ("Account", name(&state, &case, "AccountId")),
            ("Contact", name(&state, &case, "ContactId")),
            ("Owner", name(&state, &case, "OwnerId")),
            ("Entitlement", name(&state, &case, "EntitlementId")),
            ("Product", name(&state, &case, "ProductId")),
            ("CI", name(&state, &case, "CI__c")),
            ("Asset", name(&state, &case, "AssetId")),
            ("Origin", text(&case, "Origin")),
            ("Opened", time(&case, "CreatedDate")),
            ("Last modified", time(&case, "LastModifiedDate")),
            ("Closed", time(&case, "ClosedDate")),
        ] {
            if !value.is_empty() {
                let _ = write!(properties, "<dt>{label}</dt><dd>{}</dd>", escaped(&value));
            }
        }
        let (number, subject) = (text(&case, "CaseNumber"), text(&case, "Subject"));
        let body = format!(
            "<h1>{number} — {}</h1><p class=chips>{} <span class=chip>Priority {}</span></p>{}\
             <div class=columns><div><section><h2>Description</h2><pre>{}</pre></section>\
             <section><h2>Comments</h2>{}</section></div>\
             <section><h2>Details</h2><dl>{properties}</dl></section></div>",
            escaped(&subject),
            chip(&state, &case),
            escaped(&text(&case, "Priority")),
            buttons(&state, &case)?,
            escaped(&text(&case, "Description")),
            comments(&state, &case)?,
        );
        Ok(page(&number, &body))
    }

    /// Gives the Case another state, or an owner.
    fn pressed(&self, call: &Call, id: &str) -> Result<Answer, Refusal> {
        live(&self.state(), id)?;
        let pressed = form(&String::from_utf8_lossy(&call.body));
        let mut changes = Body::new();
        for (name, value) in pressed {
            match name.as_str() {
                "status" => changes.insert("Status".to_owned(), json!(value)),
                "accept" => {
                    let agent = self.user_named(AGENT).ok_or_else(Refusal::not_found)?;
                    changes.insert("OwnerId".to_owned(), json!(agent.0))
                }
                _ => continue,
            };
        }
        self.quietly(|work| work.amend("Case", id, &changes))?;
        Ok(Answer::empty(303).header("Location", format!("/{id}")))
    }
}

/// The Case of this id, unless it is deleted.
fn live(state: &State, id: &str) -> Result<Record, Refusal> {
    let id = ids::long(id).ok_or_else(Refusal::not_found)?;
    let of = state.schema.of_id(&id).filter(|of| of.name == "Case");
    let case = state.row(of.ok_or_else(Refusal::not_found)?, &id)?;
    case.filter(|case| case["IsDeleted"] != true).ok_or_else(Refusal::not_found)
}

/// What can be pressed: each other state, and to accept what a queue has.
fn buttons(state: &State, case: &Record) -> Result<String, Refusal> {
    let of = state.schema.object("CaseStatus").ok_or_else(Refusal::not_found)?;
    let mut buttons = String::new();
    if ids::prefix(&text(case, "OwnerId")) == "00G" {
        buttons.push_str("<button name=accept value=1>Accept</button>");
    }
    for other in state.rows(of, HELD, &[])?.iter().map(|state| text(state, "ApiName")) {
        if other != text(case, "Status") {
            let value = escaped(&other);
            let _ = write!(buttons, "<button name=status value=\"{value}\">{value}</button>");
        }
    }
    let id = text(case, "Id");
    Ok(format!(
        "<form method=post action=\"/{id}\" aria-label=\"Change the Case\">{buttons}</form>"
    ))
}

fn comments(state: &State, case: &Record) -> Result<String, Refusal> {
    let of = state.schema.object("CaseComment").ok_or_else(Refusal::not_found)?;
    let (parent, id) = (of.field("ParentId").ok_or_else(Refusal::not_found)?, &case["Id"]);
    let mut comments = String::new();
    for id in state.ids_by(of, parent, id, HELD, 1_000)?.iter().rev() {
        let Some(comment) = state.row(of, id)? else { continue };
        let whom = if comment["IsPublished"] == true { "public" } else { "internal" };
        let _ = write!(
            comments,
            "<div class=comment><small>{} · {} · {whom}</small><pre>{}</pre></div>",
            time(&comment, "CreatedDate"),
            escaped(&name(state, &comment, "CreatedById")),
            escaped(&text(&comment, "CommentBody")),
        );
    }
    Ok(if comments.is_empty() { "<p class=muted>None.</p>".to_owned() } else { comments })
}

fn chip(state: &State, case: &Record) -> String {
    let status = text(case, "Status");
    let open = if state.is_closed(&status).unwrap_or(false) { "" } else { " open" };
    format!("<span class=\"chip{open}\">{}</span>", escaped(&status))
}

fn text(record: &Record, field: &str) -> String {
    record.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What the record is called that this field refers to.
fn name(state: &State, record: &Record, field: &str) -> String {
    let id = text(record, field);
    let named = state.schema.of_id(&id).and_then(|of| state.row(of, &id).ok().flatten());
    named.map(|record| text(&record, "Name")).unwrap_or_default()
}

/// A time as people read it, to the minute.
fn time(record: &Record, field: &str) -> String {
    let time = text(record, field);
    time.get(..16).map(|time| format!("{} UTC", time.replace('T', " "))).unwrap_or_default()
}
