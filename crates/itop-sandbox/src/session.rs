//! What one request works with.

mod keys;

use jiff::SignedDuration;
use rusqlite::{Connection, TransactionBehavior, types::ValueRef};
use serde_json::{Map, Value, json};

use super::{
    Flavour, Itop,
    classes::{self, Attribute, Class, Kind},
    faults::{FaultKind, Strike},
    login::User,
    oql::Scope,
    refusal::Refusal,
};

/// A request at work: its user, its time and the data.
pub(super) struct Session<'a> {
    pub(super) database: &'a Connection,
    pub(super) flavour: Flavour,
    pub(super) user: &'a User,
    /// The time of the request as iTop writes it.
    pub(super) now: String,
    /// What goes wrong in this request.
    pub(super) strike: &'a Strike,
}

/// An object of iTop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) class: String,
    pub(super) id: i64,
}

impl Itop {
    /// What a request of `user` works with, in a database or a transaction.
    pub(super) fn session<'a>(
        &self,
        database: &'a Connection,
        user: &'a User,
        strike: &'a Strike,
    ) -> Session<'a> {
        Session {
            database,
            flavour: self.options.flavour,
            user,
            now: self.now(SignedDuration::from_hours(strike.hours_ahead().into())),
            strike,
        }
    }

    /// A piece of a request: one transaction, which is committed however the piece ends. A refused create
    /// has used up a number, and a run that died leaves what it did.
    pub(super) fn in_transaction<T>(
        &self,
        user: &User,
        strike: &Strike,
        piece: impl FnOnce(&Session<'_>) -> T,
    ) -> Result<T, rusqlite::Error> {
        let mut database = self.database.lock();
        // A second sandbox on the same file waits for its turn.
        let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = piece(&self.session(&transaction, user, strike));
        transaction.commit()?;
        Ok(done)
    }
}

impl Session<'_> {
    pub(super) fn scope(&self) -> Scope<'_> {
        Scope {
            flavour: self.flavour,
            companies: self.user.companies,
            now: &self.now,
            nested: !self.strike.has(&FaultKind::NoNestedQueries),
        }
    }

    pub(super) fn may_write(&self, class: &Class) -> bool {
        !self.strike.has(&FaultKind::ReadOnly) && self.user.may_write(class)
    }

    /// The class that a parameter names.
    pub(super) fn class(&self, parameters: &Map<String, Value>) -> Result<&'static Class, Refusal> {
        let name = text_parameter(parameters, "class")?;
        classes::find(self.flavour, &name)
            .filter(|class| {
                class.name != "Incident" || !self.strike.has(&FaultKind::NoIncidentClass)
            })
            // The stray quote is iTop's.
            .ok_or_else(|| Refusal::error(format!("class: '{name}' is not a valid class'")))
    }

    /// An object as an answer shows it.
    pub(super) fn show(
        &self,
        message: &str,
        found: &Found,
        shown: &[&'static Attribute],
        row: &rusqlite::Row<'_>,
        first_column: usize,
    ) -> Result<Value, Refusal> {
        let mut fields = Map::new();
        for (column, attribute) in shown.iter().enumerate() {
            let value = if attribute.kind == Kind::CiLinks {
                self.ci_links(found.id)?
            } else {
                shown_value(attribute, row.get_ref(first_column + column)?)
            };
            fields.insert(attribute.code.to_owned(), value);
        }
        Ok(json!({
            "code": 0,
            "message": message,
            "class": found.class,
            "key": found.id.to_string(),
            "fields": fields,
        }))
    }

    fn ci_links(&self, ticket: i64) -> Result<Value, Refusal> {
        const FIELDS: [&str; 8] = [
            "functionalci_id",
            "functionalci_name",
            "impact",
            "impact_code",
            "friendlyname",
            "functionalci_id_friendlyname",
            "functionalci_id_finalclass_recall",
            "functionalci_id_obsolescence_flag",
        ];
        let sql = format!(
            "SELECT {} FROM every_ticket_ci WHERE ticket_id = ? ORDER BY id",
            FIELDS.join(", ")
        );
        let mut statement = self.database.prepare_cached(&sql)?;
        let links = statement.query_map([ticket], |row| {
            let mut link = Map::new();
            for (column, field) in FIELDS.iter().enumerate() {
                link.insert((*field).to_owned(), plain(row.get_ref(column)?));
            }
            Ok(Value::Object(link))
        })?;
        Ok(Value::Array(links.collect::<Result<_, _>>()?))
    }
}

/// The column or expression that [`Session::show`] reads for an attribute.
pub(super) fn column(alias: &str, attribute: &Attribute) -> String {
    match attribute.kind {
        Kind::CiLinks | Kind::SourceAttributes => "NULL".to_owned(),
        Kind::Log => format!("{alias}.\"{}_entries\"", attribute.code),
        _ => format!("{alias}.\"{}\"", attribute.code),
    }
}

fn shown_value(attribute: &Attribute, value: ValueRef<'_>) -> Value {
    match (attribute.kind, value) {
        (Kind::Flag | Kind::Switch, ValueRef::Integer(flag)) => Value::Bool(flag != 0),
        (Kind::Log, ValueRef::Text(entries)) => {
            let entries = serde_json::from_slice(entries).unwrap_or_else(|_| json!([]));
            json!({ "entries": Value::Array(match entries { Value::Array(e) => e, _ => vec![] }) })
        }
        (Kind::Document, ValueRef::Text(document)) => {
            serde_json::from_slice(document).unwrap_or_else(|_| no_document())
        }
        (Kind::Document, _) => no_document(),
        _ => plain(value),
    }
}

/// An attribute for a file in which none is.
fn no_document() -> Value {
    json!({ "data": "", "mimetype": "", "filename": "", "downloads_count": 0 })
}

/// iTop answers everything as text.
fn plain(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null | ValueRef::Blob(_) => json!(""),
        ValueRef::Integer(number) => Value::String(number.to_string()),
        ValueRef::Real(number) => Value::String(number.to_string()),
        ValueRef::Text(text) => Value::String(String::from_utf8_lossy(text).into_owned()),
    }
}

/// A number or a numeric string is an id.
pub(super) fn as_id(key: &Value) -> Option<i64> {
    match key {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A text, number or boolean as text.
pub(super) fn scalar(value: &Value) -> Result<String, Refusal> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(if *flag { "1" } else { "0" }.to_owned()),
        Value::Null => Ok(String::new()),
        Value::Array(_) | Value::Object(_) => Err(Refusal::error("Wrong format for the value")),
    }
}

/// A mandatory parameter.
pub(super) fn parameter<'a>(
    parameters: &'a Map<String, Value>,
    name: &str,
) -> Result<&'a Value, Refusal> {
    parameters
        .get(name)
        .filter(|value| !value.is_null())
        .ok_or_else(|| Refusal::error(format!("Missing parameter '{name}'")))
}

/// A mandatory parameter that is a text.
pub(super) fn text_parameter(
    parameters: &Map<String, Value>,
    name: &str,
) -> Result<String, Refusal> {
    scalar(parameter(parameters, name)?).map_err(|refusal| refusal.about(name))
}
