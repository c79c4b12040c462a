//! The pages of the sandbox for people: the list of tickets, and one ticket with its buttons.

use std::sync::Arc;

use axum::{
    Form, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use minijinja::Environment;
use rusqlite::{Connection, types::ValueRef};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Itop, SandboxError, inspect::aside, lifecycle};

/// The templates; names that end in .html are escaped by themselves.
pub(super) fn templates() -> Result<Environment<'static>, minijinja::Error> {
    let mut templates = Environment::new();
    templates.add_template("layout.html", include_str!("pages/layout.html"))?;
    templates.add_template("tickets.html", include_str!("pages/tickets.html"))?;
    templates.add_template("ticket.html", include_str!("pages/ticket.html"))?;
    templates.add_template("message.html", include_str!("pages/message.html"))?;
    Ok(templates)
}

pub(super) fn routes() -> Router<Arc<Itop>> {
    Router::new().route("/", get(list)).route("/pages/UI.php", get(page).post(press))
}

/// The parameters that iTop's own addresses carry.
#[derive(Deserialize)]
struct Address {
    operation: Option<String>,
    class: Option<String>,
    id: Option<i64>,
}

/// A button of the ticket page.
#[derive(Deserialize)]
struct Button {
    class: String,
    id: i64,
    stimulus: String,
}

async fn list(State(itop): State<Arc<Itop>>) -> Response {
    let rows = aside(&itop, |itop| {
        Ok(rows(
            &itop.database.lock(),
            "SELECT id, finalclass, ref, title, status, operational_status, priority, org_name,
                    team_name, last_update
             FROM every_ticket ORDER BY id DESC LIMIT 200",
            [],
        )?)
    })
    .await;
    match rows {
        Ok(tickets) => {
            let flavour = itop.options.flavour.name();
            render(
                &itop,
                StatusCode::OK,
                "tickets.html",
                &json!({ "tickets": tickets, "flavour": flavour }),
            )
        }
        Err(error) => failed(&itop, &error),
    }
}

async fn page(State(itop): State<Arc<Itop>>, Query(address): Query<Address>) -> Response {
    let (Some("details"), Some(class), Some(id)) =
        (address.operation.as_deref(), address.class, address.id)
    else {
        return list(State(itop)).await;
    };
    match aside(&itop, move |itop| Ok(ticket(&itop.database.lock(), &class, id)?)).await {
        Ok(Some(ticket)) => {
            let buttons: Vec<_> = lifecycle::transitions(ticket["status"].as_str().unwrap_or(""))
                .iter()
                .map(|(stimulus, _)| json!({ "stimulus": stimulus, "label": label(stimulus) }))
                .collect();
            render(
                &itop,
                StatusCode::OK,
                "ticket.html",
                &json!({ "ticket": ticket, "buttons": buttons }),
            )
        }
        Ok(None) => message(&itop, StatusCode::NOT_FOUND, "There is no such ticket."),
        Err(error) => failed(&itop, &error),
    }
}

async fn press(State(itop): State<Arc<Itop>>, Form(button): Form<Button>) -> Response {
    let back = format!("/pages/UI.php?operation=details&class={}&id={}", button.class, button.id);
    let pressed =
        aside(&itop, move |itop| itop.apply_stimulus(&button.class, button.id, &button.stimulus));
    match pressed.await {
        Ok(()) => Redirect::to(&back).into_response(),
        // Somebody else was faster: the page shows the present state.
        Err(SandboxError::Refused(words)) => message(&itop, StatusCode::CONFLICT, &words),
        Err(error) => failed(&itop, &error),
    }
}

fn label(stimulus: &str) -> &str {
    match stimulus {
        "ev_assign" => "Assign",
        "ev_reassign" => "Reassign",
        "ev_pending" => "Set pending",
        "ev_resolve" => "Resolve",
        "ev_reopen" => "Reopen",
        "ev_close" => "Close",
        other => other,
    }
}

fn ticket(
    database: &Connection,
    class: &str,
    id: i64,
) -> Result<Option<Map<String, Value>>, rusqlite::Error> {
    let found = rows(
        database,
        "SELECT * FROM every_ticket WHERE id = ? AND finalclass = ?",
        rusqlite::params![id, class],
    )?;
    let Some(mut ticket) = found.into_iter().next() else { return Ok(None) };
    let log = ticket["private_log_entries"].as_str().unwrap_or("[]");
    let mut log: Vec<Value> = serde_json::from_str(log).unwrap_or_default();
    log.reverse();
    ticket.insert("log".to_owned(), Value::Array(log));
    let cis = rows(
        database,
        "SELECT functionalci_name AS name, functionalci_id_finalclass_recall AS class, impact_code
         FROM every_ticket_ci WHERE ticket_id = ? ORDER BY id",
        [id],
    )?;
    ticket.insert("cis".to_owned(), cis.into_iter().map(Value::Object).collect());
    Ok(Some(ticket))
}

fn rows(
    database: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<Map<String, Value>>, rusqlite::Error> {
    let mut statement = database.prepare_cached(sql)?;
    let names: Vec<String> = statement.column_names().map(ToOwned::to_owned).collect();
    let mut rows = statement.query(parameters)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut map = Map::new();
        for (column, name) in names.iter().enumerate() {
            let value = match row.get_ref(column)? {
                ValueRef::Integer(number) => Value::from(number),
                ValueRef::Text(text) => Value::from(String::from_utf8_lossy(text)),
                _ => Value::Null,
            };
            map.insert(name.clone(), value);
        }
        found.push(map);
    }
    Ok(found)
}

fn failed(itop: &Itop, error: &SandboxError) -> Response {
    match error {
        SandboxError::NoSuchObject(..) => {
            message(itop, StatusCode::NOT_FOUND, "There is no such ticket.")
        }
        _ => message(itop, StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn message(itop: &Itop, status: StatusCode, words: &str) -> Response {
    render(itop, status, "message.html", &json!({ "words": words }))
}

/// Renders a page into the layout.
fn render(itop: &Itop, status: StatusCode, name: &str, values: &Value) -> Response {
    let rendered = |name: &str, values: &Value| {
        itop.templates.get_template(name)?.render(minijinja::value::Serde(values))
    };
    let title = values["ticket"]["ref"].as_str().unwrap_or("Tickets");
    let page = rendered(name, values)
        .and_then(|body| rendered("layout.html", &json!({ "title": title, "body": body })));
    match page {
        Ok(page) => (status, Html(page)).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
