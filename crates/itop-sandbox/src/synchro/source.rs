//! Data sources.

use rusqlite::OptionalExtension as _;
use serde_json::Value;

use super::defaults;
use crate::{
    classes::{self, Class},
    refusal::Refusal,
    session::Session,
};

/// A data source with its attributes.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) class: &'static Class,
    pub(super) obsolete: bool,
    user: i64,
    /// In seconds.
    pub(super) periodicity: i64,
    pub(super) by_primary_key: bool,
    pub(super) on_zero: String,
    pub(super) on_one: String,
    pub(super) on_multiple: String,
    pub(super) delete_policy: String,
    /// `attribute:value`, one a line or parted by semicolons.
    pub(super) delete_update: String,
    pub(super) attributes: Vec<SourceAttribute>,
}

/// An attribute of a data source: a column of its table.
#[derive(Debug)]
pub(super) struct SourceAttribute {
    pub(super) code: String,
    /// Whether it is an external key.
    pub(super) key: bool,
    pub(super) update: bool,
    pub(super) reconcile: bool,
    pub(super) policy: String,
    /// The attribute by which the object of an external key is found; empty is its id.
    pub(super) by: String,
}

impl Source {
    /// The source of that id.
    pub(super) fn find(session: &Session<'_>, id: &str) -> Result<Option<Self>, rusqlite::Error> {
        let Ok(id) = id.trim().parse::<i64>() else { return Ok(None) };
        let number = |row: &rusqlite::Row<'_>, name| {
            row.get::<_, String>(name).map(|text| text.parse().unwrap_or(0))
        };
        let found = session
            .database
            .query_row("SELECT * FROM base_sync_source WHERE id = ?", [id], |row| {
                let class: String = row.get("scope_class")?;
                let Some(class) = classes::find(session.flavour, &class) else { return Ok(None) };
                Ok(Some(Self {
                    id,
                    name: row.get("name")?,
                    class,
                    obsolete: row.get::<_, String>("status")? == "obsolete",
                    user: row.get("user_id")?,
                    periodicity: number(row, "full_load_periodicity")?,
                    by_primary_key: row.get::<_, String>("reconciliation_policy")?
                        == "use_primary_key",
                    on_zero: row.get("action_on_zero")?,
                    on_one: row.get("action_on_one")?,
                    on_multiple: row.get("action_on_multiple")?,
                    delete_policy: row.get("delete_policy")?,
                    delete_update: row.get("delete_policy_update")?,
                    attributes: Vec::new(),
                }))
            })
            .optional()?;
        let Some(mut source) = found.flatten() else { return Ok(None) };
        let mut statement = session
            .database
            .prepare("SELECT * FROM base_sync_attribute WHERE sync_source_id = ? ORDER BY id")?;
        let attributes = statement.query_map([id], |row| {
            Ok(SourceAttribute {
                code: row.get("attcode")?,
                key: row.get::<_, String>("finalclass")? == "SynchroAttExtKey",
                update: row.get("update")?,
                reconcile: row.get("reconcile")?,
                policy: row.get("update_policy")?,
                by: row.get("reconciliation_attcode")?,
            })
        })?;
        source.attributes = attributes.collect::<Result<_, _>>()?;
        Ok(Some(source))
    }

    /// The name of its table.
    pub(super) fn table(&self) -> String {
        format!("synchro_data_{}_{}", self.class.name.to_lowercase(), self.id)
    }

    pub(super) fn attribute(&self, code: &str) -> Option<&SourceAttribute> {
        self.attributes.iter().find(|attribute| attribute.code == code)
    }

    /// Whether a user may synchronize it.
    pub(super) fn may_be_run_by(&self, session: &Session<'_>) -> bool {
        session.user.is_administrator() || session.user.id == self.user
    }
}

/// Gives a new source its attributes: all are written and locked, and the class's own keys are
/// reconciled (recorded). What the sandbox does not synchronize has none.
pub(crate) fn complete(session: &Session<'_>, id: i64) -> Result<(), Refusal> {
    let class: String = session.database.query_row(
        "SELECT scope_class FROM base_sync_source WHERE id = ?",
        [id],
        |row| row.get(0),
    )?;
    let keys = defaults::keys(&class);
    let mut insert = session.database.prepare(
        "INSERT INTO base_sync_attribute (finalclass, sync_source_id, attcode, reconcile)
         VALUES (?, ?, ?, ?)",
    )?;
    for (code, form) in defaults::attributes(&class) {
        insert.execute((form.class(), id, code, keys.contains(&code)))?;
    }
    Ok(())
}

/// The attributes that a create of a source gives itself. iTop reads them as plain attributes, so
/// that those of external keys are refused (recorded); what it makes of plain ones is not recorded.
pub(crate) fn attributes_given(session: &Session<'_>, value: &Value) -> Result<(), Refusal> {
    let class = classes::find(session.flavour, "SynchroAttribute")
        .ok_or_else(|| Refusal::error("'SynchroAttribute' is not a valid class"))?;
    let rows = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let codes = rows.iter().filter_map(Value::as_object).flat_map(serde_json::Map::keys);
    for code in codes {
        if class.attribute(code).is_none() {
            return Err(Refusal::error("Unknown attribute").about(code));
        }
    }
    Err(Refusal::error("the sandbox gives a source the attributes of its class alone"))
}
