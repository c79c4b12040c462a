//! Links as a table: `GET /api/v1/links.csv`, and the same sent to `PUT /api/v1/links`.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse as _, Response},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    apply::{AllAsked, Asked, Place},
    asked::Reader,
    overview::{CompanyView, Group, Known, LinkInForce},
};
use crate::{
    desk::{DeskName, Desks},
    domain::{
        body::{Errors, FieldError},
        company_link::Named,
        keys::Instance,
        link_table::{self, Desks as Column, Line, Separator},
    },
    link_check::NameOrKey,
    store::Store,
    web::{
        api::acknowledgements::parsed, auth, body::read as read_json, parameters::Params,
        problem::ApiError,
    },
};

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum SeparatorParam {
    Comma,
    Semicolon,
}

#[derive(Deserialize, JsonSchema)]
pub(in crate::web) struct ExportParams {
    instance: Option<String>,
    /// Between columns; a comma unless it says otherwise.
    separator: Option<SeparatorParam>,
}

/// `GET /api/v1/links.csv`: all links, and each company that has none, to be filled in.
pub(in crate::web) async fn export(
    auth::Reader(caller): auth::Reader,
    State(store): State<Store>,
    State(desks): State<Desks>,
    Params(params): Params<ExportParams>,
) -> Result<Response, ApiError> {
    let named: Option<Instance> = parsed("instance", params.instance)?;
    let known = Known::read(&caller, &store, &desks, named.as_ref()).await?;
    let (all, _) = known.found(None, Group::All);
    let is_told =
        |view: &CompanyView| view.site.is_none() || view.link.is_some() && !view.inherited;
    let rows = all.iter().filter(|view| is_told(view)).map(row);
    let separator = match params.separator {
        Some(SeparatorParam::Semicolon) => Separator::Semicolon,
        Some(SeparatorParam::Comma) | None => Separator::Comma,
    };
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"company-links.csv\""),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    let are_named = if desks.are_several() { Column::Named } else { Column::Unsaid };
    Ok((headers, link_table::write(rows, are_named, separator)).into_response())
}

fn row(view: &CompanyView) -> link_table::Row {
    let link = view.link.as_ref();
    let desk = link.map_or("", |link| link.desk.unwrap_or(DeskName::Itop).code());
    let both = |named: Option<&Named>| match named {
        Some(named) => [named.name.clone(), named.id.to_string()],
        None => [String::new(), String::new()],
    };
    let default = |default: fn(&LinkInForce) -> Option<&Named>| both(link.and_then(default));
    let [team, team_id] = default(|link| link.team.as_ref());
    let [contact, contact_id] = default(|link| link.contact.as_ref());
    let [service, service_id] = default(|link| link.service.as_ref());
    let [element, element_id] = default(|link| link.service_element.as_ref());
    let organization = link.map(|link| &link.organization);
    let tickets = link.map_or("", |link| if link.tickets { "yes" } else { "no" });
    [
        view.instance.clone(),
        view.company.clone(),
        view.site.clone().unwrap_or_default(),
        view.name.clone().unwrap_or_default(),
        desk.to_owned(),
        organization.map(|org| org.name.clone()).unwrap_or_default(),
        organization.map(|org| org.id.to_string()).unwrap_or_default(),
        team,
        team_id,
        contact,
        contact_id,
        service,
        service_id,
        element,
        element_id,
        tickets.to_owned(),
        organization.map(|org| org.path.join(" › ")).unwrap_or_default(),
        if view.waiting == 0 { String::new() } else { view.waiting.to_string() },
    ]
}

/// What a table asks for.
pub(super) fn asked(reader: &Reader<'_>, text: &str) -> AllAsked {
    let table = match link_table::read(text) {
        Ok(table) => table,
        Err(errors) => return AllAsked { errors, ..AllAsked::default() },
    };
    let (nothing, something): (Vec<_>, Vec<_>) =
        table.lines.iter().partition(|line| line.wants_nothing());
    AllAsked {
        items: something.into_iter().map(|line| item(reader, line)).collect(),
        errors: Vec::new(),
        skipped: nothing.len(),
    }
}

/// A line, read by the same code as an item of a list.
fn item(reader: &Reader<'_>, line: &Line) -> Asked {
    let mut errors = Errors::default();
    let text = object(line, &mut errors).to_string();
    let item = match read_json::<serde_json_borrow::Value<'_>>(&text) {
        Ok(value) => reader.read(&value, NameOrKey::Name, &mut errors),
        // What was just written can be read.
        Err(_) => None,
    };
    let item = item.filter(|_| errors.found.is_empty()).ok_or(errors.found);
    Asked { place: Place::Line(line.number), item }
}

fn object(line: &Line, errors: &mut Errors) -> Value {
    let mut members = Map::new();
    for column in ["instance", "company", "site", "name"] {
        if let Some(text) = line.cell(column) {
            members.insert(column.to_owned(), json!(text));
        }
    }
    if let Some(desk) = line.cell(link_table::DESK) {
        // As people write it, such as iTop.
        members.insert(link_table::DESK.to_owned(), json!(desk.to_lowercase()));
    }
    for column in ["organization", "team", "contact", "service", "service_element"] {
        let (name, id) = (line.cell(column), line.cell(&format!("{column}_id")));
        if name.is_some() || id.is_some() {
            let mut reference = Map::new();
            for (member, text) in [("id", id), ("name", name)] {
                if let Some(text) = text {
                    reference.insert(member.to_owned(), json!(text));
                }
            }
            members.insert(column.to_owned(), Value::Object(reference));
        }
    }
    for column in ["tickets", "remove"] {
        match line.flag(column) {
            Ok(Some(flag)) => {
                members.insert(column.to_owned(), json!(flag));
            }
            Ok(None) => {}
            Err(other) => {
                let message = format!("'{column}' must be yes or no, not '{}'", cut(other));
                errors.found.push(FieldError {
                    pointer: format!("/{column}"),
                    code: "type",
                    message,
                });
            }
        }
    }
    Value::Object(members)
}

fn cut(text: &str) -> String {
    use crate::domain::text::{cut_chars, one_line};
    cut_chars(&one_line(text), 40).into_owned()
}
