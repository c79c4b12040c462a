//! One replica: from its row to its object.

use rusqlite::OptionalExtension as _;
use serde_json::{Map, Value};

use super::{
    Death, Fate,
    counters::Counters,
    lookup,
    objects::{self, Wanted},
    source::Source,
};
use crate::{
    refusal::Refusal,
    session::{Found, Session},
};

/// What SYNC.md tells of a user without rights on the class; where it stands is not recorded.
const NO_RIGHT: &str = "You are not allowed to update the fields";
/// Seen where an object was deleted in the database alone: no run goes on from there.
const OBJECT_GONE: &str = "No result for the single row query";

/// A replica that is to be processed.
#[derive(Debug)]
pub(super) struct Replica {
    pub(super) id: i64,
    pub(super) columns: Map<String, Value>,
    pub(super) primary_key: String,
    pub(super) new: bool,
    /// Its object.
    pub(super) found: Found,
    linked: String,
    warned: bool,
}

impl Replica {
    pub(super) fn read(session: &Session<'_>, id: i64) -> Result<Option<Self>, rusqlite::Error> {
        session
            .database
            .prepare_cached(
                "SELECT columns, primary_key, status, dest_class, dest_id, linked,
                     status_last_warning != ''
                 FROM base_sync_replica WHERE id = ?",
            )?
            .query_row([id], |row| {
                let columns: String = row.get(0)?;
                Ok(Self {
                    id,
                    columns: serde_json::from_str(&columns).unwrap_or_default(),
                    primary_key: row.get(1)?,
                    new: row.get::<_, String>(2)? == "new",
                    found: Found { class: row.get(3)?, id: row.get(4)? },
                    linked: row.get(5)?,
                    warned: row.get(6)?,
                })
            })
            .optional()
    }
}

/// A run at work on its replicas.
pub(super) struct Work<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) source: &'a Source,
    pub(super) counters: Counters,
    pub(super) fate: Fate,
}

impl Work<'_> {
    /// Processes one replica.
    pub(super) fn process(&mut self, replica: &Replica) -> Result<(), Death> {
        let wanted = Wanted::of(self.session, self.source, &replica.columns)?;
        if !replica.new {
            return self.update(replica, wanted, &replica.found, Kept::Known);
        }
        let Some(conditions) = self.conditions(replica)? else {
            self.counters.reconciliation_errors += 1;
            return self.failed(replica, "Reconciliation failed: a reconciliation key is missing");
        };
        let found = lookup::objects(self.session, self.source.class, &conditions)?;
        let source = self.source;
        match (&*found, &*source.on_zero, &*source.on_one, &*source.on_multiple) {
            ([], "create", ..) | ([_, _, ..], _, _, "create") => self.create(replica, &wanted),
            ([one], _, "update", _) | ([one, _, ..], _, _, "take_first") => {
                self.update(replica, wanted, one, Kept::TakenOver)
            }
            (found, ..) => {
                self.counters.reconciliation_errors += 1;
                let message = format!("Reconciliation failed: {} objects found", found.len());
                self.failed(replica, &message)
            }
        }
    }

    /// By what its object is looked for; none is nothing to go by.
    fn conditions(
        &self,
        replica: &Replica,
    ) -> Result<Option<Vec<(&str, String)>>, rusqlite::Error> {
        if self.source.by_primary_key {
            return Ok(Some(vec![("id", replica.primary_key.clone())]));
        }
        let mut conditions = Vec::new();
        for attribute in self.source.attributes.iter().filter(|attribute| attribute.reconcile) {
            let column = replica.columns.get(&attribute.code).and_then(Value::as_str);
            let Some(text) = column else { return Ok(None) };
            let (value, _) = objects::value(self.session, self.source.class, attribute, text)?;
            conditions.push((&*attribute.code, value));
        }
        Ok(Some(conditions).filter(|conditions| !conditions.is_empty()))
    }

    fn create(&mut self, replica: &Replica, wanted: &Wanted) -> Result<(), Death> {
        let class = self.source.class;
        let made = if self.session.may_write(class) {
            objects::create(self.session, class, &wanted.fields)
        } else {
            Err(Refusal::error(NO_RIGHT))
        };
        match made {
            Ok(found) => {
                self.fate.step()?;
                self.counters.created.add(!wanted.warning.is_empty());
                self.synchronized(replica, &found, wanted, Some(true))
            }
            Err(refusal) => {
                self.counters.creation_errors += 1;
                let message = objects::words(refusal);
                let message = format!("Unable to create destination object: {message}");
                self.failed(replica, &message)
            }
        }
    }

    fn update(
        &mut self,
        replica: &Replica,
        mut wanted: Wanted,
        found: &Found,
        kept: Kept,
    ) -> Result<(), Death> {
        if !wanted.keep_changes(self.session, self.source, found)? {
            self.counters.error = Some(OBJECT_GONE);
            return Ok(());
        }
        let differs = !wanted.fields.is_empty() || wanted.linked != replica.linked;
        let class = self.source.class;
        let done = match differs {
            false => Ok(()),
            true if !self.session.may_write(class) => Err(Refusal::error(NO_RIGHT)),
            true => objects::change(self.session, class, found, &wanted.fields),
        };
        if let Err(refusal) = done {
            self.counters.update_errors += 1;
            let message = objects::words(refusal);
            let message = format!("Unable to update destination object: {message}");
            return self.failed(replica, &message);
        }
        if differs {
            self.fate.step()?;
        }
        let warned = !wanted.warning.is_empty();
        match (kept, differs) {
            (Kept::Known, true) => self.counters.updated.add(warned),
            (Kept::Known, false) => {}
            (Kept::TakenOver, true) => self.counters.reconciled_updated.add(warned),
            (Kept::TakenOver, false) => self.counters.reconciled_unchanged.add(warned),
        }
        let creator = matches!(kept, Kept::TakenOver).then_some(false);
        self.synchronized(replica, found, &wanted, creator)
    }

    /// Notes that a replica and its object agree. `creator` says whether the object was made for it,
    /// unless that is known.
    fn synchronized(
        &self,
        replica: &Replica,
        found: &Found,
        wanted: &Wanted,
        creator: Option<bool>,
    ) -> Result<(), Death> {
        self.session
            .database
            .prepare_cached(
                "UPDATE base_sync_replica SET status = 'synchronized', status_last_error = '',
                     status_last_warning = ?, dest_class = ?, dest_id = ?, linked = ?,
                     status_dest_creator = coalesce(?, status_dest_creator)
                 WHERE id = ?",
            )?
            .execute((
                &wanted.warning,
                &found.class,
                found.id,
                &wanted.linked,
                creator,
                replica.id,
            ))?;
        Ok(())
    }

    /// Notes what went wrong; the replica stays what it is, and is processed again in each run.
    fn failed(&self, replica: &Replica, message: &str) -> Result<(), Death> {
        let warning = if replica.warned { "status_last_warning" } else { "''" };
        let sql = format!(
            "UPDATE base_sync_replica SET status_last_error = ?, status_last_warning = {warning}
             WHERE id = ?"
        );
        self.session.database.prepare_cached(&sql)?.execute((message, replica.id))?;
        Ok(())
    }
}

/// Whose object a replica has.
#[derive(Clone, Copy)]
enum Kept {
    /// Its own, from an earlier run.
    Known,
    /// One that was there before.
    TakenOver,
}
