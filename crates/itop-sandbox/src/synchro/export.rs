//! `export-v2.php`: objects as CSV. Errors are HTML with status 200.

use rusqlite::types::ValueRef;

use super::{
    Death,
    door::{Answer, Call},
    output::{escaped, framed},
};
use crate::{
    classes::{Attribute, Kind},
    oql,
    session::{Session, column},
};

pub(super) fn answer(session: &Session<'_>, call: &Call) -> Result<Answer, Death> {
    // Recorded for the fields; iTop then explains all its parameters.
    for name in ["expression", "fields"] {
        if call.text_or(name, "").is_empty() {
            let page = format!("Missing parameter: {name}  <p>Parameters:</p>");
            // Without the blank of other pages (recorded).
            return Ok(Answer { content_type: "text/html;charset=UTF-8", body: page });
        }
    }
    let expression = call.text_or("expression", "");
    let not_accepted = |failure: oql::Failure| {
        let (query, failure) = (escaped(&expression), escaped(&escaped(&failure.bare())));
        // The query is escaped once and the reason twice: iTop's own.
        let failure = failure.replace("&amp;amp;", "&amp;");
        framed(&format!("<p>ERROR: Invalid OQL query: {}{query}{0}.\n{failure}</p>", "&#039;"))
    };
    let query = match oql::read(session.scope(), &expression) {
        Ok(query) => query,
        Err(failure) => return Ok(Answer::html(not_accepted(failure))),
    };
    let mut attributes = Vec::new();
    for code in call.text_or("fields", "").split(',').map(str::trim) {
        let Some(attribute) = query.class.attribute(code).filter(|known| known.has_column()) else {
            let (code, class) = (escaped(code), query.class.name);
            return Ok(Answer::html(framed(&format!(
                "Error: Wrong field specification &#039;{code}&#039;: Unknown attribute {code} \
                 from class {class}"
            ))));
        };
        attributes.push(attribute);
    }
    let alias = &query.alias;
    let mut columns: Vec<_> = attributes.iter().map(|attribute| column(alias, attribute)).collect();
    // Obsolete objects are left out: so are the preferences of an account that has chosen nothing (seen).
    let flag = query.class.attribute("obsolescence_flag");
    columns.extend(flag.map(|flag| column(alias, flag)));
    let order: Vec<_> =
        query.class.order.iter().chain(&["id"]).map(|code| format!("{alias}.\"{code}\"")).collect();
    let distinct = if query.joined { "DISTINCT" } else { "" };
    let sql = format!(
        "SELECT {distinct} {} {} ORDER BY {}",
        columns.join(", "),
        query.from,
        order.join(", ")
    );
    let Some(mut statement) = session.read_only(&sql) else {
        return Ok(Answer::html(not_accepted(oql::Failure::not_accepted(&expression))));
    };
    let separator = char::from(call.sign("separator", b',')).to_string();
    let localized = !call.is_on("no_localize");
    let head = attributes
        .iter()
        .map(|attribute| quoted(if localized { attribute.label } else { attribute.code }));
    let mut file = head.collect::<Vec<_>>().join(&separator) + "\n";
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if flag.is_some() && row.get_ref(attributes.len())? == ValueRef::Integer(1) {
            continue;
        }
        for (n, attribute) in attributes.iter().enumerate() {
            if n > 0 {
                file.push_str(&separator);
            }
            file.push_str(&value(attribute, row.get_ref(n)?, localized));
        }
        file.push('\n');
    }
    Ok(Answer::csv(file))
}

/// Numbers and flags stand bare, texts in quotes.
fn value(attribute: &Attribute, value: ValueRef<'_>, localized: bool) -> String {
    match (attribute.kind, value) {
        (Kind::Flag | Kind::Switch, value) => {
            if value == ValueRef::Integer(1) { "yes" } else { "no" }.to_owned()
        }
        (_, ValueRef::Integer(number)) => number.to_string(),
        (_, ValueRef::Real(number)) => number.to_string(),
        (_, ValueRef::Null | ValueRef::Blob(_)) => quoted(""),
        (_, ValueRef::Text(text)) => {
            let text = String::from_utf8_lossy(text);
            if localized && attribute.code == "finalclass" {
                return quoted(class_label(&text));
            }
            quoted(&text)
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// What iTop calls a class in English, as far as it is recorded.
fn class_label(class: &str) -> &str {
    match class {
        "WebServer" => "Web server",
        "ApplicationSolution" => "Application Solution",
        "DatabaseSchema" => "Database Schema",
        "DBServer" => "DB Server",
        "WebApplication" => "Web Application",
        "NetworkDevice" => "Network Device",
        "VirtualMachine" => "Virtual Machine",
        other => other,
    }
}
