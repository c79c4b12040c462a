//! The operations of the REST service, in the order of checks that the recordings show.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::{
    classes::{self, Attribute, Class},
    login,
    session::{Found, Refusal, Session, as_id, column, parameter, scalar, text_parameter},
    write,
};

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

/// Runs one request and returns the body of its answer.
pub(super) fn run(
    session: &Session<'_>,
    version: &str,
    parameters: &Map<String, Value>,
) -> Result<Value, Refusal> {
    let operation = text_parameter(parameters, "operation")?;
    if !matches!(version, "1.0" | "1.1" | "1.2" | "1.3") {
        let message = format!("There is no service available for version '{version}'");
        return Err(Refusal::Thrown(10, message));
    }
    match operation.as_str() {
        "list_operations" => Ok(list(version)),
        "core/check_credentials" => check_credentials(parameters),
        "core/get" => get(session, parameters),
        "core/create" => create(session, parameters),
        "core/update" => update(session, parameters),
        "core/apply_stimulus" => apply_stimulus(session, parameters),
        "core/delete" => delete(session, parameters),
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
    if query.class.name.starts_with("CMDBChange") {
        return Err(Refusal::no_right("reading", query.class.name));
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
    let mut statement = session.read_only(&sql, key)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let found = Found { class: row.get(0)?, id: row.get(1)? };
        let name = format!("{}::{}", found.class, found.id);
        objects.insert(name, session.show("", &found, &output, row, 2)?);
    }
    let count = if limit > 0 {
        let sql = format!("SELECT count(DISTINCT {alias}.id) {from}");
        session.read_only(&sql, key)?.query_row([], |row| row.get::<_, i64>(0))?
    } else {
        i64::try_from(objects.len()).unwrap_or(i64::MAX)
    };
    let objects = if objects.is_empty() { Value::Null } else { Value::Object(objects) };
    Ok(json!({ "code": 0, "message": format!("Found: {count}"), "objects": objects }))
}

fn create(session: &Session<'_>, parameters: &Map<String, Value>) -> Result<Value, Refusal> {
    tracking_comment(parameters)?;
    let class = session.class(parameters)?;
    let fields = fields(parameters)?;
    let output = output_fields(class, parameters)?;
    if !session.may_write(class) {
        return Err(Refusal::no_right("creating", class.name));
    }
    if class.is_abstract() {
        return Err(Refusal::error(format!(
            "Cannot instantiate the abstract class {}",
            class.name
        )));
    }
    let found = write::create(session, class, &fields)?;
    one_object(session, class, "created", &found, &output)
}

fn update(session: &Session<'_>, parameters: &Map<String, Value>) -> Result<Value, Refusal> {
    tracking_comment(parameters)?;
    let class = session.class(parameters)?;
    let key = parameter(parameters, "key")?;
    let fields = fields(parameters)?;
    let output = output_fields(class, parameters)?;
    if !session.may_write(class) {
        return Err(Refusal::no_right("modifying", class.name));
    }
    let found = session.one(class, key)?;
    write::update(session, concrete(session, class, &found), &found, &fields)?;
    one_object(session, class, "updated", &found, &output)
}

fn apply_stimulus(
    session: &Session<'_>,
    parameters: &Map<String, Value>,
) -> Result<Value, Refusal> {
    tracking_comment(parameters)?;
    let class = session.class(parameters)?;
    let key = parameter(parameters, "key")?;
    let fields = fields(parameters)?;
    let output = output_fields(class, parameters)?;
    let stimulus = text_parameter(parameters, "stimulus")?;
    if !session.may_write(class) {
        return Err(Refusal::no_right("modifying", class.name));
    }
    let found = session.one(class, key)?;
    write::apply_stimulus(session, concrete(session, class, &found), &found, &stimulus, &fields)?;
    one_object(session, class, "updated", &found, &output)
}

/// No user of the sandbox may delete anything.
fn delete(session: &Session<'_>, parameters: &Map<String, Value>) -> Result<Value, Refusal> {
    tracking_comment(parameters)?;
    let class = session.class(parameters)?;
    parameter(parameters, "key")?;
    Err(Refusal::no_right("deleting", class.name))
}

fn concrete(session: &Session<'_>, class: &'static Class, found: &Found) -> &'static Class {
    classes::find(session.flavour, &found.class).unwrap_or(class)
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

/// Mandatory on every write; it ends in the change log.
fn tracking_comment(parameters: &Map<String, Value>) -> Result<(), Refusal> {
    let comment = text_parameter(parameters, "comment")?;
    if comment.chars().count() > 255 {
        return Err(Refusal::error(
            "Unexpected value for attribute 'userinfo' (userinfo) : String too long",
        ));
    }
    Ok(())
}

fn fields(parameters: &Map<String, Value>) -> Result<Cow<'_, Map<String, Value>>, Refusal> {
    match parameter(parameters, "fields")? {
        Value::Object(fields) => Ok(Cow::Borrowed(fields)),
        // PHP does not tell an empty object from an empty list.
        Value::Array(list) if list.is_empty() => Ok(Cow::Owned(Map::new())),
        _ => Err(Refusal::error("Wrong format for fields")),
    }
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

/// Whether a request creates, changes or only reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Create,
    Update,
    Read,
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
