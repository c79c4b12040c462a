//! The operations of the REST service, in the order of checks that the recordings show.

mod writes;

use serde_json::{Map, Value, json};

use super::{
    classes::{Attribute, Class},
    faults::FaultKind,
    login, oql,
    refusal::Refusal,
    session::{Found, Session, as_id, column, parameter, scalar, text_parameter},
};
pub(super) use writes::Evaluated;

/// Verb and description, as `list_operations` answers them.
const OPERATIONS: [(&str, &str); 7] = [
    ("core/create", "Create an object"),
    ("core/update", "Update an object"),
    ("core/apply_stimulus", "Apply a stimulus to change the state of an object"),
    ("core/get", "Search for objects"),
    ("core/delete", "Delete objects"),
    ("core/get_related", "Get related objects through the specified relation"),
    ("core/check_credentials", "Check user credentials"),
];

/// How far a request has come.
pub(super) enum Begun {
    /// It has its answer.
    Answered(Value),
    /// A write is evaluated, and has had no effect yet.
    Evaluated(Evaluated),
}

/// Begins a request: what only reads is answered, a write is evaluated.
pub(super) fn begin(
    session: &Session<'_>,
    version: &str,
    parameters: &Map<String, Value>,
) -> Result<Begun, Refusal> {
    let operation = text_parameter(parameters, "operation")?;
    if !matches!(version, "1.0" | "1.1" | "1.2" | "1.3") {
        let message = format!("There is no service available for version '{version}'");
        return Err(Refusal::Thrown(10, message));
    }
    match operation.as_str() {
        "list_operations" => Ok(Begun::Answered(list(version))),
        "core/check_credentials" => check_credentials(parameters).map(Begun::Answered),
        "core/get" => get(session, parameters).map(Begun::Answered),
        "core/create" => writes::create(session, parameters).map(Begun::Evaluated),
        "core/update" => writes::update(session, parameters).map(Begun::Evaluated),
        "core/apply_stimulus" => writes::apply_stimulus(session, parameters).map(Begun::Evaluated),
        "core/delete" => writes::delete(session, parameters).map(Begun::Answered),
        _ => {
            let message = format!("Unknown verb '{operation}' in version '{version}'");
            Err(Refusal::Thrown(11, message))
        }
    }
}

fn list(version: &str) -> Value {
    let operations: Vec<_> = OPERATIONS
        .iter()
        .map(|(verb, description)| {
            json!({ "verb": verb, "description": description, "extension": "CoreServices" })
        })
        .collect();
    json!({
        "code": 0,
        "message": format!("Operations: {}", operations.len()),
        "version": version,
        "operations": operations,
    })
}

fn check_credentials(parameters: &Map<String, Value>) -> Result<Value, Refusal> {
    let user = text_parameter(parameters, "user")?;
    let password = text_parameter(parameters, "password")?;
    let authorized = login::authorized(&user, &password).is_some();
    Ok(json!({ "code": 0, "message": null, "authorized": authorized }))
}

fn get(session: &Session<'_>, parameters: &Map<String, Value>) -> Result<Value, Refusal> {
    let class = session.class(parameters)?;
    let key = parameter(parameters, "key")?;
    let output = output_fields(class, parameters)?;
    let query = session.selection(class, key)?;
    if query.class.name.starts_with("CMDBChange") || !session.user.may_read(query.class) {
        return Err(Refusal::no_right("reading", query.class.name));
    }
    if query.class.is_ticket() && session.strike.has(&FaultKind::TicketsHidden) {
        return Ok(json!({ "code": 0, "message": "Found: 0", "objects": null }));
    }
    let limit = number(parameters, "limit")?.unwrap_or(0);
    let page = number(parameters, "page")?.unwrap_or(1);
    if page < 1 {
        return Err(Refusal::Verdict(
            12,
            "The request page number is not valid. It must be an integer greater than 0".to_owned(),
        ));
    }
    // A query may select a class that lacks a field of the class that was named.
    for attribute in &output {
        if query.class.attribute(attribute.code).is_none() {
            return Err(unknown_output(attribute.code));
        }
    }

    let (alias, from) = (&query.alias, &query.from);
    let columns = columns(alias, &output);
    let order: Vec<_> =
        query.class.order.iter().chain(&["id"]).map(|code| format!("{alias}.\"{code}\"")).collect();
    // Comparing the columns of 50,000 rows takes longer than reading them.
    let distinct = if query.joined { "DISTINCT" } else { "" };
    // To SQLite, a negative limit is none.
    let (rows, offset) = if limit > 0 { (limit, limit.saturating_mul(page - 1)) } else { (-1, 0) };
    let sql = format!(
        "SELECT {distinct} {alias}.finalclass, {columns} {from} ORDER BY {} LIMIT {rows} OFFSET \
         {offset}",
        order.join(", ")
    );
    let mut objects = Map::new();
    let not_accepted = || {
        let oql = key.as_str().unwrap_or_default();
        Refusal::error(oql::Failure::not_accepted(oql).packed(oql))
    };
    let mut statement = session.read_only(&sql).ok_or_else(not_accepted)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let found = Found { class: row.get(0)?, id: row.get(1)? };
        let name = format!("{}::{}", found.class, found.id);
        objects.insert(name, session.show("", &found, &output, row, 2)?);
    }
    let count = if limit > 0 {
        let sql = format!("SELECT count(DISTINCT {alias}.id) {from}");
        let mut statement = session.read_only(&sql).ok_or_else(not_accepted)?;
        statement.query_row([], |row| row.get::<_, i64>(0))?
    } else {
        i64::try_from(objects.len()).unwrap_or(i64::MAX)
    };
    let objects = if objects.is_empty() { Value::Null } else { Value::Object(objects) };
    Ok(json!({ "code": 0, "message": format!("Found: {count}"), "objects": objects }))
}

fn one_object(
    session: &Session<'_>,
    class: &'static Class,
    message: &str,
    found: &Found,
    output: &[&'static Attribute],
) -> Result<Value, Refusal> {
    let columns = columns("t", output);
    let sql = format!("SELECT {columns} FROM \"{}\" AS t WHERE t.id = ?", class.name);
    let mut statement = session.database.prepare_cached(&sql)?;
    let mut rows = statement.query([found.id])?;
    let row = rows.next()?.ok_or_else(|| Refusal::error("The object is gone"))?;
    let object = session.show(message, found, output, row, 1)?;
    let mut objects = Map::new();
    objects.insert(format!("{}::{}", found.class, found.id), object);
    Ok(json!({ "code": 0, "message": null, "objects": objects }))
}

/// The id, and then what [`Session::show`] reads.
fn columns(alias: &str, output: &[&'static Attribute]) -> String {
    let mut columns = vec![format!("{alias}.id")];
    columns.extend(output.iter().map(|attribute| column(alias, attribute)));
    columns.join(", ")
}

/// The attributes that an answer shows; all of the class when nothing is named.
fn output_fields(
    class: &'static Class,
    parameters: &Map<String, Value>,
) -> Result<Vec<&'static Attribute>, Refusal> {
    let named = match parameters.get("output_fields") {
        None | Some(Value::Null) => "*".to_owned(),
        Some(value) => scalar(value)?,
    };
    if matches!(named.trim(), "*" | "*+") {
        return Ok(class.attributes().filter(|attribute| attribute.code != "id").collect());
    }
    named
        .split(',')
        .map(str::trim)
        .map(|code| class.attribute(code).ok_or_else(|| unknown_output(code)))
        .collect()
}

fn unknown_output(code: &str) -> Refusal {
    Refusal::error(format!("output_fields: invalid attribute code '{code}'"))
}

fn number(parameters: &Map<String, Value>, name: &str) -> Result<Option<i64>, Refusal> {
    match parameters.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => as_id(value)
            .map(Some)
            .ok_or_else(|| Refusal::error(format!("{name}: Wrong format for a number"))),
    }
}

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Create,
    Update,
    Read,
    /// Rows into the table of a data source.
    Load,
    /// Rows of that table into objects.
    Synchronize,
    /// A file of CSV into objects.
    Import,
}

impl Effect {
    pub(super) fn of(operation: &str) -> Self {
        match operation {
            "core/create" => Self::Create,
            "core/update" | "core/apply_stimulus" | "core/delete" => Self::Update,
            _ => Self::Read,
        }
    }
}
