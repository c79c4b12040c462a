//! Tickets with what was written to them, their equipment, people and files.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rusqlite::{Connection, params};
use serde_json::{Value, json};

use super::{
    Companies, Company, Dice, Moment,
    words::{BROKEN, DESCRIBED, PLACES, SAID, WISHES},
};
use crate::{Flavour, lifecycle, sanitize};

/// The first id.
const FIRST: u32 = 1_001;

/// Classes with the letter of their numbers, and how many tickets of a hundred are of them.
const CLASSES: [(&str, &str, u32); 4] = [
    ("Incident", "I", 55),
    ("UserRequest", "R", 35),
    ("SecurityIncident", "S", 6),
    ("NormalChange", "C", 4),
];

/// What many an e-mail brings along.
const LOGO: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!";

/// How long a long line of a log is, and a file at most, in bytes.
const LONG: usize = 9_000;
const FILE: u32 = 20_000;

pub(super) fn fill(
    db: &Connection,
    dice: &mut Dice,
    tickets: u32,
    companies: &Companies,
) -> rusqlite::Result<()> {
    let mut incidents: Vec<i64> = Vec::new();
    for number in 0..tickets {
        let id = i64::from(FIRST + number);
        let company = dice.one(&companies.all);
        let mut drawn = dice.below(100);
        let class = CLASSES.iter().find(|(.., share)| match drawn.checked_sub(*share) {
            Some(left) => {
                drawn = left;
                false
            }
            None => true,
        });
        let (class, letter, _) = class.unwrap_or(&CLASSES[0]);
        let parent = incidents.last().filter(|_| *class == "Incident" && dice.happens(5));
        ticket(db, dice, (id, class, letter), (company, parent.copied()), companies)?;
        around(db, dice, (id, class), company)?;
        if *class == "Incident" {
            incidents.push(id);
        }
    }
    Ok(())
}

fn ticket(
    db: &Connection,
    dice: &mut Dice,
    (id, class, letter): (i64, &str, &str),
    (company, parent): (&Company, Option<i64>),
    companies: &Companies,
) -> rusqlite::Result<()> {
    let number: i64 = db
        .prepare_cached(
            "UPDATE ref_counter SET next = next + 1 WHERE class = ?1 RETURNING next - 1",
        )?
        .query_row([class], |row| row.get(0))?;
    let is_change = class == "NormalChange";
    let status = match dice.below(100) {
        0..80 => "closed",
        80..86 if is_change => "plannedscheduled",
        80..86 => "resolved",
        86..94 => "assigned",
        94..96 if !is_change => "pending",
        _ => "new",
    };
    let (impact, urgency) = (*dice.one(&["1", "2", "3"]), *dice.one(&["1", "2", "3", "4"]));
    let start = dice.moment();
    let ended = dice.after(start, 400);
    let closed = dice.after(ended, 200);
    let agent = dice.one(&companies.agents);
    let has_ended = matches!(status, "resolved" | "closed");
    let what = if class == "UserRequest" { WISHES } else { BROKEN };
    let (private, public) = (log(dice, companies, start), log(dice, companies, start));
    let last = if status == "closed" { closed } else { ended };
    db.prepare_cached(
        "INSERT INTO base_ticket (
             id, finalclass, ref, org_id, title, description, status, operational_status, impact, urgency,
             priority, origin, request_type, caller_id, team_id, agent_id, service_id, servicesubcategory_id,
             start_date, last_update, resolution_date, close_date, solution, resolution_code,
             private_log, private_log_entries, public_log, public_log_entries, parent_incident_id,
             reason, requestor_id, creation_date, outage, fallback, severity)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
                 ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35)",
    )?
    .execute(params![
        id,
        class,
        format!("{letter}-{number:06}"),
        company.id,
        format!("{} {} {id}", dice.one(what), dice.one(PLACES)),
        sanitize::clean(Flavour::Grown, dice.one::<&str>(DESCRIBED)),
        status,
        lifecycle::operational_status(status),
        impact,
        urgency,
        lifecycle::priority(impact, urgency),
        dice.one(&["mail", "monitoring", "phone", "portal"]),
        if class == "UserRequest" { "service_request" } else { "" },
        if dice.happens(96) { *dice.one(&company.people) } else { 0 },
        37,
        if status == "new" { 0 } else { agent.id },
        dice.one(&[11, 12, 13]),
        0,
        dice.written(start),
        dice.written(last),
        has_ended.then(|| dice.written(ended)),
        (status == "closed").then(|| dice.written(closed)),
        if has_ended { *dice.one(SAID) } else { "" },
        if has_ended { "other" } else { "" },
        private.0,
        private.1.to_string(),
        if is_change { String::new() } else { public.0 },
        if is_change { "[]".to_owned() } else { public.1.to_string() },
        parent.unwrap_or(0),
        if is_change { "maintenance" } else { "" },
        if is_change { agent.id } else { 0 },
        is_change.then(|| dice.written(start)),
        if is_change { "yes" } else { "no" },
        if is_change { "Back to the old version." } else { "" },
        dice.one(&["low", "high", "critical"]),
    ])?;
    Ok(())
}

/// A log as it is stored: its text, and its entries.
fn log(dice: &mut Dice, companies: &Companies, start: Moment) -> (String, Value) {
    let (mut text, mut entries, mut at) = (String::new(), Vec::new(), start);
    for _ in 0..dice.below(4) {
        at = dice.after(at, 48);
        let agent = dice.one(&companies.agents);
        let mut message = (*dice.one(SAID)).to_owned();
        if dice.happens(2) {
            message = message.repeat(LONG / message.len());
        }
        text.push('\n');
        text.push_str(&message);
        entries.push(json!({
            "date": dice.written(at), "user_login": agent.name, "user_id": agent.id.to_string(),
            "message": message, "message_html": sanitize::text_as_html(&message),
        }));
    }
    (text, Value::Array(entries))
}

/// What hangs on a ticket.
fn around(
    db: &Connection,
    dice: &mut Dice,
    (id, class): (i64, &str),
    company: &Company,
) -> rusqlite::Result<()> {
    if !company.cis.is_empty() && dice.happens(60) {
        let ci = dice.one(&company.cis);
        db.prepare_cached(
            "INSERT INTO base_ticket_ci (ticket_id, functionalci_id) VALUES (?1, ?2)",
        )?
        .execute([&id, ci])?;
    }
    if dice.happens(20) {
        // A team here and there: no person.
        let contact = if dice.happens(10) { 38 } else { *dice.one(&company.people) };
        db.prepare_cached(
            "INSERT INTO base_ticket_contact (ticket_id, contact_id) VALUES (?1, ?2)",
        )?
        .execute([id, contact])?;
    }
    if dice.happens(10) {
        let (name, mimetype, contents) = match dice.below(4) {
            0 => ("logo.gif".to_owned(), "image/gif", LOGO.to_vec()),
            1 => (format!("trace {id} é.log"), "text/plain", dice.bytes(FILE)),
            2 => (format!("rapport-{id}.pdf"), "application/pdf", dice.bytes(FILE)),
            _ => (format!("photo {id}.jpg"), "image/jpeg", dice.bytes(FILE)),
        };
        let contents = json!({
            "data": BASE64_STANDARD.encode(contents), "mimetype": mimetype, "filename": name,
            "downloads_count": 0,
        });
        let at = dice.moment();
        db.prepare_cached(
            "INSERT INTO base_attachment (item_class, item_id, item_org_id, creation_date, contents)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![class, id, company.id, dice.written(at), contents.to_string()])?;
    }
    Ok(())
}
