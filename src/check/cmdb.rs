//! How equipment would come into iTop's CMDB: the account of `[cmdb]`, and the data sources.

use serde_json::json;

use super::examination::Examination;
use crate::{
    cmdb::{
        model::Model,
        setup::{Plan, SetupError},
    },
    config::Cmdb,
    itop::{
        Attributes, Client, ItopError, Login, Settings,
        synchro::{DoorError, Doors},
    },
    store::{self, CmdbSource, EquipmentHalt},
};

const ACCOUNT: &str = "cmdb account";
const SOURCES: &str = "data sources";
const SET_UP: &str = "Run \"servicenav-itop-bridge cmdb setup\" with an administrator's login.";

impl Examination<'_> {
    /// Nothing where no equipment is kept. With an administrator's login it is also looked at how sources
    /// are set up, which no other login may read.
    pub(super) async fn cmdb(&mut self, admin: Option<&Settings>) {
        let Some(cmdb) = &self.config.cmdb else { return };
        let doors = match self.doors(cmdb) {
            Ok(doors) => doors,
            Err(error) => {
                self.report.failure(ACCOUNT, error, "The bridge does not start like this.");
                return;
            }
        };
        if self.account(cmdb, doors.rest()).await.is_some() {
            self.loads(cmdb, &doors).await;
        }
        self.halted();
        match admin {
            Some(admin) => self.set_up(cmdb, admin).await,
            None => self.report.ok(
                SOURCES,
                "how they are set up was not looked at: iTop shows it to administrators alone (check \
                 --admin-user LOGIN)",
            ),
        }
    }

    fn doors(&self, cmdb: &Cmdb) -> Result<Doors, String> {
        let settings = self.section.settings().map_err(|error| error.to_string())?;
        let password = cmdb.password.clone().ok_or("cmdb.password is not set")?;
        let login = Login::Form { user: cmdb.user.clone(), password };
        let account = Settings { login, ..settings };
        Doors::new(&self.client, &account, cmdb.timeout.duration())
            .map_err(|error| error.to_string())
    }

    /// Whether the account may log in, and make what is to be made.
    async fn account(&mut self, cmdb: &Cmdb, rest: &Client) -> Option<()> {
        self.report.examining(ACCOUNT);
        if let Err(error) = rest.protocol().await {
            let mend = "Check cmdb.user and cmdb.password; the account needs the profiles \"Configuration \
                        Manager\" and \"REST Services User\".";
            self.report.failure(ACCOUNT, format!("{}: {error}", cmdb.user), mend);
            return None;
        }
        let mut may = Vec::new();
        for class in cmdb.all_classes() {
            // It cannot be made: it has an attribute that no class has.
            let create = json!({
                "operation": "core/create", "class": class, "comment": "check", "output_fields": "id",
                "fields": {},
            });
            match rest.try_attributes(&create).await {
                Ok(Attributes::Taken | Attributes::Refused { .. }) => may.push(class),
                Ok(Attributes::NoRight) => {
                    let seen = format!("{} may not make {class}", cmdb.user);
                    let mend =
                        "Give the account of cmdb.user the profile \"Configuration Manager\".";
                    self.report.failure(ACCOUNT, seen, mend);
                }
                Err(error @ ItopError::Refused { .. }) => {
                    let mend = "Check cmdb.classes and the data model of this iTop.";
                    self.report.failure(ACCOUNT, format!("{class}: {error}"), mend);
                }
                Err(error) => self.report.failed(ACCOUNT, &error),
            }
        }
        if !may.is_empty() {
            self.report.ok(ACCOUNT, format!("{} may make {}", cmdb.user, may.join(", ")));
        }
        Some(())
    }

    /// Whether the sources that the bridge knows take rows. A load without rows, and without a
    /// synchronization, changes nothing.
    async fn loads(&mut self, cmdb: &Cmdb, doors: &Doors) {
        let known = match store::cmdb_sources_of(&self.config.store) {
            Ok(known) => known.unwrap_or_default(),
            // The database was complained of before.
            Err(_) => return,
        };
        let mut fine = Vec::new();
        for class in cmdb.all_classes() {
            self.report.examining(SOURCES);
            let Some(model) = Model::of(cmdb, class) else { continue };
            let Some(source) = known.iter().find(|source| source.class == class) else {
                self.report.failure(
                    SOURCES,
                    format!("{class} has none that the bridge knows"),
                    "Start the bridge, and run \"servicenav-itop-bridge cmdb setup\" with an \
                     administrator's login.",
                );
                continue;
            };
            match doors.try_columns(&source.source_id, &model.columns()).await {
                Ok(found) if found == class => fine.push(named(source)),
                Ok(found) => {
                    let seen = format!("{} is of the class {found}", named(source));
                    self.report.failure(SOURCES, seen, SET_UP);
                    continue;
                }
                Err(error) => {
                    let mend = match &error {
                        DoorError::Refused { .. } => SET_UP,
                        other => other.mend().unwrap_or(SET_UP),
                    };
                    self.report.failure(SOURCES, format!("{}: {error}", named(source)), mend);
                    continue;
                }
            }
            if source.made_for != model.made_for() {
                let seen = format!(
                    "{} was set up for other attributes than [cmdb] sends now",
                    named(source)
                );
                self.report.warning(SOURCES, seen, SET_UP);
            }
        }
        if !fine.is_empty() {
            self.report.ok(SOURCES, format!("take rows: {}", fine.join(", ")));
        }
    }

    /// Sources of which nothing is loaded until somebody says so.
    fn halted(&mut self) {
        // The database was complained of before.
        let Ok(Some(halts)) = store::equipment_halts_of(&self.config.store) else { return };
        for EquipmentHalt { class, at, reason } in halts {
            let seen = format!("nothing is loaded of {class} since {at:.0}: {reason}");
            let mend = format!(
                "Look at the log of the source in iTop, mend it with \"servicenav-itop-bridge cmdb setup\", \
                 then \"servicenav-itop-bridge equipment resume {class}\"."
            );
            self.report.warning(SOURCES, seen, mend);
        }
    }

    async fn set_up(&mut self, cmdb: &Cmdb, admin: &Settings) {
        self.report.examining(SOURCES);
        let plan = match Client::new(admin) {
            Ok(client) => Plan::make(&client, cmdb).await,
            Err(error) => {
                self.report.failure(SOURCES, error.to_string(), "Check the administrator's login.");
                return;
            }
        };
        let warnings = plan.as_ref().map_or(&[][..], |plan| &plan.warnings);
        for warning in warnings {
            let mend = "Make it in iTop, or name another one in cmdb.defaults.";
            self.report.warning(SOURCES, warning, mend);
        }
        match plan {
            Ok(plan) if plan.changes() == 0 => {
                self.report.ok(SOURCES, "are set up in iTop as they should be");
            }
            Ok(plan) => {
                for source in &plan.sources {
                    for difference in &source.differences {
                        let seen = format!("{}: {difference}", source.name);
                        self.report.warning(SOURCES, seen, SET_UP);
                    }
                }
            }
            Err(SetupError::Itop(error)) => {
                let mend = "Check the administrator's login (--admin-user, --admin-password-file).";
                self.report.failure(SOURCES, error.to_string(), mend);
            }
            Err(error) => self.report.failure(SOURCES, error.to_string(), SET_UP),
        }
    }
}

fn named(source: &CmdbSource) -> String {
    format!("{} (id {})", source.name, source.source_id)
}
