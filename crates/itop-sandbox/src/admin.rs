//! What administrators and agents do to objects in iTop itself, while the bridge runs: they move,
//! rename, deactivate and delete them, write lines into logs, and restore backups.

use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::{
    Itop, Sandbox, SandboxError,
    classes::{self, Class, Kind},
    clerk::refused,
    faults::Strike,
    inspect::aside,
    login,
    refusal::Refusal,
    session::{Found, Session},
    synchro, write,
};

impl Sandbox {
    /// The ids of the objects that an OQL query of any class selects, in rising order.
    pub async fn select(&self, oql: &str) -> Result<Vec<i64>, SandboxError> {
        let oql = oql.to_owned();
        aside(&self.itop, move |itop| itop.select(&oql)).await
    }

    /// Creates an object of any class but tickets, and gives its id.
    pub async fn create(&self, class: &str, fields: Value) -> Result<i64, SandboxError> {
        let class = class.to_owned();
        aside(&self.itop, move |itop| itop.create(&class, fields)).await
    }

    /// Changes attributes of an object of any class, as its page does: `fields` is an object as
    /// `core/update` takes it. `private_log` adds the line of an agent.
    pub async fn change(&self, class: &str, id: i64, fields: Value) -> Result<(), SandboxError> {
        let class = class.to_owned();
        aside(&self.itop, move |itop| itop.change(&class, id, fields)).await
    }

    /// Moves an object to another organization: a ticket, person, CI, contract and so on.
    pub async fn move_to(&self, class: &str, id: i64, org_id: i64) -> Result<(), SandboxError> {
        self.change(class, id, json!({ "org_id": org_id })).await
    }

    /// Gives an object another name.
    pub async fn rename(&self, class: &str, id: i64, name: &str) -> Result<(), SandboxError> {
        self.change(class, id, json!({ "name": name })).await
    }

    /// Makes an object inactive or obsolete, whichever its class knows.
    pub async fn deactivate(&self, class: &str, id: i64) -> Result<(), SandboxError> {
        let class = class.to_owned();
        aside(&self.itop, move |itop| itop.deactivate(&class, id)).await
    }

    /// Deletes an object of any class. What points at it keeps pointing at nothing.
    pub async fn delete(&self, class: &str, id: i64) -> Result<(), SandboxError> {
        let class = class.to_owned();
        aside(&self.itop, move |itop| itop.delete(&class, id)).await
    }

    /// Restores a backup from before the tickets above this id: they are gone, and their ids and
    /// numbers are given out again. Everything else stays as it is.
    pub async fn restore(&self, above: i64) -> Result<(), SandboxError> {
        aside(&self.itop, move |itop| itop.restore(above)).await
    }
}

impl Class {
    /// The status of an object that is no longer used.
    fn inactive(&self) -> Result<&'static str, SandboxError> {
        let words = self.attribute("status").map(|attribute| attribute.kind);
        let Some(Kind::Choice(words)) = words else {
            return Err(SandboxError::Refused(format!("{} is never inactive", self.name)));
        };
        let known = words.iter().find(|word| matches!(**word, "inactive" | "obsolete"));
        known
            .copied()
            .ok_or_else(|| SandboxError::Refused(format!("{} is never inactive", self.name)))
    }
}

impl Itop {
    fn select(&self, oql: &str) -> Result<Vec<i64>, SandboxError> {
        let database = self.database.lock();
        self.as_administrator(&database, |session| {
            let query = session.selection(self.class("Organization")?, &json!(oql));
            let query = query.map_err(refused)?;
            let sql = format!("SELECT DISTINCT {0}.id {1} ORDER BY 1", query.alias, query.from);
            let mut statement = session.database.prepare(&sql)?;
            Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
        })
    }

    pub(super) fn create(&self, class: &str, fields: Value) -> Result<i64, SandboxError> {
        let class = self.class(class)?;
        if class.is_ticket() || class.is_abstract() {
            let message = format!("objects of class {} are not made here", class.name);
            return Err(SandboxError::Refused(message));
        }
        let mut database = self.database.lock();
        let transaction = database.transaction()?;
        let created = self.as_administrator(&transaction, |session| {
            write::create(session, class, &object(fields)?)
                .and_then(|mut pending| {
                    pending.complete(session)?;
                    pending.store(session)
                })
                .map_err(refused)
        })?;
        transaction.commit()?;
        Ok(created.id)
    }

    pub(super) fn change(&self, class: &str, id: i64, fields: Value) -> Result<(), SandboxError> {
        let class = self.class(class)?;
        let mut database = self.database.lock();
        let transaction = database.transaction()?;
        self.as_administrator(&transaction, |session| {
            let (concrete, found) = found(session, class, id)?;
            write::update(session, concrete, found, &object(fields)?)
                .and_then(|pending| pending.store(session))
                .map_err(refused)
        })?;
        Ok(transaction.commit()?)
    }

    fn deactivate(&self, class: &str, id: i64) -> Result<(), SandboxError> {
        let class = self.class(class)?;
        let (concrete, _) = {
            let database = self.database.lock();
            self.as_administrator(&database, |session| found(session, class, id))?
        };
        self.change(concrete.name, id, json!({ "status": concrete.inactive()? }))
    }

    pub(super) fn delete(&self, class: &str, id: i64) -> Result<(), SandboxError> {
        let class = self.class(class)?;
        let mut database = self.database.lock();
        let transaction = database.transaction()?;
        self.as_administrator(&transaction, |session| {
            let (class, found) = found(session, class, id)?;
            synchro::refuse_owned(session, &found).map_err(refused)?;
            Ok(synchro::remove(session, class, &found)?)
        })?;
        Ok(transaction.commit()?)
    }

    pub(super) fn restore(&self, above: i64) -> Result<(), SandboxError> {
        let mut database = self.database.lock();
        let transaction = database.transaction()?;
        transaction.execute(
            "UPDATE ref_counter SET next = coalesce(
                 (SELECT min(CAST(substr(ref, 3) AS INTEGER)) FROM base_ticket
                  WHERE id > ? AND finalclass = class), next)",
            [above],
        )?;
        transaction.execute("DELETE FROM base_ticket_ci WHERE ticket_id > ?", [above])?;
        transaction.execute("DELETE FROM base_ticket WHERE id > ?", [above])?;
        transaction.execute(
            "UPDATE sqlite_sequence SET seq = min(seq, ?) WHERE name = 'base_ticket'",
            [above],
        )?;
        Ok(transaction.commit()?)
    }

    fn class(&self, name: &str) -> Result<&'static Class, SandboxError> {
        classes::find(self.options.flavour, name)
            .ok_or_else(|| SandboxError::Refused(format!("'{name}' is not a valid class")))
    }

    /// Does `work` as the administrator, whom no fault strikes.
    pub(super) fn as_administrator<T>(
        &self,
        database: &Connection,
        work: impl FnOnce(&Session<'_>) -> Result<T, SandboxError>,
    ) -> Result<T, SandboxError> {
        work(&self.session(database, login::clerk(), &Strike::default()))
    }
}

/// An object and its concrete class.
fn found(
    session: &Session<'_>,
    class: &'static Class,
    id: i64,
) -> Result<(&'static Class, Found), SandboxError> {
    let found = session.one(class, &Value::from(id), "key").ok().flatten();
    let found = found.ok_or_else(|| SandboxError::NoSuchObject(class.name.to_owned(), id))?;
    Ok((classes::find(session.flavour, &found.class).unwrap_or(class), found))
}

fn object(fields: Value) -> Result<Map<String, Value>, SandboxError> {
    match fields {
        Value::Object(fields) => Ok(fields),
        _ => Err(refused(Refusal::error("Wrong format for fields"))),
    }
}
