//! What is in iTop. Only counts and a few objects of each class are read.

mod beside;

use beside::{attachments, notifications, targets};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Model, Version, model::is_own};
use crate::{
    itop::Use,
    migrate::source::{
        ABSENT, AskError, Asking, Looked,
        classes::{self, CI, TICKET, USER},
    },
};

/// How many ids below the newest one are read to know how large objects are.
const SAMPLE: u64 = 200;

/// What is in iTop.
#[derive(Clone, Debug, Serialize)]
pub struct ItopSurvey {
    /// Its address.
    pub url: String,
    /// Its time zone, as it is configured here.
    pub zone: String,
    /// Which iTop it is; `None` where the login may not see it.
    pub version: Option<Version>,
    /// Which tickets it has.
    pub flavour: Flavour,
    /// Its modules.
    pub modules: Vec<Module>,
    /// Its classes, in the order in which they are read.
    pub classes: Vec<ClassSurvey>,
    /// Its attachments.
    pub attachments: AttachmentSurvey,
    /// What its agreements promise.
    pub targets: Vec<Target>,
    /// Its triggers.
    pub triggers: Vec<Notification>,
    /// What they do.
    pub actions: Vec<Notification>,
}

/// Which tickets an iTop has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Flavour {
    /// Incidents beside user requests.
    Itil,
    /// User requests alone.
    Simple,
    /// Neither.
    NoTickets,
}

/// A module.
#[derive(Clone, Debug, Serialize)]
pub struct Module {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What a class is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Organizations, persons, teams, and what joins them.
    People,
    /// Accounts.
    Accounts,
    /// CIs.
    Cis,
    /// Tickets.
    Tickets,
    /// Everything else.
    Others,
}

/// A class.
#[derive(Clone, Debug, Serialize)]
pub struct ClassSurvey {
    /// Its code.
    pub class: String,
    /// What it is about.
    pub group: Group,
    /// How many objects it has.
    pub objects: u64,
    /// How large they are, about, with their logs: as many times the mean of some.
    pub bytes: u64,
    /// How many entries their logs have, about.
    pub entries: u64,
    /// Whether `migrate extract` reads it without being told.
    pub is_read: bool,
    /// Whether the standard model lacks it.
    pub is_custom: bool,
    /// The attributes that the standard model lacks.
    pub custom_attributes: Vec<String>,
    /// Why it cannot be read.
    pub problem: Option<String>,
}

/// The attachments.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AttachmentSurvey {
    /// How many there are on each class.
    pub on: Vec<(String, u64)>,
    /// How many in all.
    pub files: u64,
    /// How large they are, about; `None` where none could be read.
    pub bytes: Option<u64>,
    /// How many were read to know it.
    pub sampled: usize,
}

/// What an agreement promises of a kind of ticket.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the words of iTop's lnkSLAToSLT")]
pub struct Target {
    pub sla: String,
    pub slt: String,
    pub metric: String,
    pub request_type: String,
    pub priority: String,
    pub value: String,
    pub unit: String,
}

/// A trigger, or an action.
#[derive(Clone, Debug, Serialize)]
pub struct Notification {
    /// Its class.
    pub class: String,
    /// Its name.
    pub name: String,
    /// Of which class it is, or whether it is in use.
    pub about: String,
}

/// Looks at the iTop of this address and time zone. `own` are the classes of the provider that were named.
/// What cannot be seen is added to `missing`, a sentence each.
///
/// # Errors
/// When iTop does not answer.
pub async fn survey(
    asking: Asking<'_>,
    (url, zone): (&str, &str),
    own: &[String],
    missing: &mut Vec<String>,
    tell: &impl Fn(&str),
) -> Result<ItopSurvey, AskError> {
    tell("modules");
    let (version, modules) = modules(asking).await?;
    if version.is_none() {
        missing.push(
            "Version and modules: only an administrator of iTop sees them (--admin-user)."
                .to_owned(),
        );
    }
    tell("classes");
    let users = asking.concrete(USER).await?;
    if users.is_empty() {
        missing.push("Accounts: only an administrator of iTop sees them.".to_owned());
    }
    let [cis, tickets] = [asking.concrete(CI).await?, asking.concrete(TICKET).await?];
    let has = |class: &str| tickets.iter().any(|ticket| ticket == class);
    let flavour = match (has("Incident"), has("UserRequest")) {
        (true, _) => Flavour::Itil,
        (false, true) => Flavour::Simple,
        (false, false) => Flavour::NoTickets,
    };
    let read = classes::in_order(users.clone(), cis.clone(), tickets.clone(), &[]);
    let more = others(asking, &read, own, missing).await?;
    let model = Model::standard();
    let mut surveyed = Vec::new();
    for class in read.iter().chain(&more) {
        tell(class);
        let is_in = |list: &[String]| list.contains(class);
        let group = match class.as_str() {
            _ if is_in(&tickets) => Group::Tickets,
            _ if is_in(&cis) => Group::Cis,
            _ if is_in(&users) => Group::Accounts,
            _ if classes::is_of_people(class) => Group::People,
            _ => Group::Others,
        };
        surveyed.push(look(asking, class, group, is_in(&read), &model).await?);
    }
    surveyed.retain(|class| class.problem.as_deref() != Some(ABSENT) || own.contains(&class.class));
    for class in &surveyed {
        if let Some(problem) = &class.problem {
            missing.push(format!("{}: {problem}.", class.class));
        }
    }
    tell("attachments");
    let attachments = attachments(asking).await?;
    tell("agreements and notifications");
    Ok(ItopSurvey {
        url: url.to_owned(),
        zone: zone.to_owned(),
        version,
        flavour,
        modules,
        attachments,
        classes: surveyed,
        targets: targets(asking).await?,
        triggers: notifications(asking, "Trigger", "description", "complement").await?,
        actions: notifications(asking, "Action", "name", "status").await?,
    })
}

/// Which iTop it is, and its modules: those of its last setup.
async fn modules(asking: Asking<'_>) -> Result<(Option<Version>, Vec<Module>), AskError> {
    let class = "ModuleInstallation";
    let operation = json!({
        "operation": "core/get", "class": class, "key": "SELECT ModuleInstallation",
        "output_fields": "name,version,parent_id",
    });
    let Ok(answer) = asking.ask(class, Use::List, &operation).await? else {
        return Ok((None, Vec::new()));
    };
    let is_root = |fields: &Map<String, Value>| {
        text(fields, "parent_id") == "0" && text(fields, "name") != "datamodel"
    };
    let root = answer.objects().filter(|(.., fields)| is_root(fields)).max_by_key(|(_, id, _)| *id);
    let Some((_, root, fields)) = root else { return Ok((None, Vec::new())) };
    let version = Version::of(&text(fields, "version"));
    let root = root.to_string();
    let modules = answer.objects().filter(|(.., fields)| text(fields, "parent_id") == root);
    let module = |(_, _, fields): (&str, u64, &Map<String, Value>)| Module {
        name: text(fields, "name"),
        version: text(fields, "version"),
    };
    Ok((Some(version), modules.map(module).collect()))
}

/// The classes beside those that are read of themselves: REST lists none, but the history has all in which
/// something was ever changed.
async fn others(
    asking: Asking<'_>,
    read: &[String],
    own: &[String],
    missing: &mut Vec<String>,
) -> Result<Vec<String>, AskError> {
    let history = asking.distinct("CMDBChangeOp", "objclass", read).await?;
    if history.is_empty() {
        missing.push(
            "Classes of your own that are neither tickets nor CIs: the history, where they are found, is empty or \
             not for this login (an administrator of iTop sees it); name them with --class."
                .to_owned(),
        );
    }
    let mut more = own.to_vec();
    more.extend(history.into_iter().filter(|class| !is_own(class)));
    more.sort();
    more.dedup();
    more.retain(|class| !read.contains(class));
    // The history names abstract classes, too; their objects are counted under their own.
    let mut concrete = Vec::new();
    for class in more {
        let below = asking.concrete(&class).await?;
        if below.is_empty() || below.contains(&class) {
            concrete.push(class);
        }
    }
    Ok(concrete)
}

/// Counts a class, and reads some of its objects.
async fn look(
    asking: Asking<'_>,
    class: &str,
    group: Group,
    is_read: bool,
    model: &Model,
) -> Result<ClassSurvey, AskError> {
    let mut surveyed = ClassSurvey {
        class: class.to_owned(),
        group,
        objects: 0,
        bytes: 0,
        entries: 0,
        is_read,
        is_custom: !model.has(class),
        custom_attributes: Vec::new(),
        problem: None,
    };
    let (table, newest) = match asking.look(class).await? {
        Looked::Here { table, newest } => (table, newest),
        Looked::Not(problem) => return Ok(ClassSurvey { problem: Some(problem), ..surveyed }),
    };
    surveyed.objects = table.counted;
    surveyed.custom_attributes = model.custom_attributes(class, &table.fields);
    let Some(newest) = newest else { return Ok(surveyed) };
    let operation = json!({
        "operation": "core/get", "class": class,
        "key": format!("SELECT {class} WHERE id > {} AND id <= {newest}", newest.saturating_sub(SAMPLE)),
        "output_fields": table.fields.join(","),
    });
    let answer = match asking.ask(class, Use::List, &operation).await? {
        Ok(answer) => answer,
        Err(problem) => return Ok(ClassSurvey { problem: Some(problem), ..surveyed }),
    };
    let (mut read, mut bytes, mut entries) = (0_u64, 0_u64, 0_u64);
    for (.., fields) in answer.objects() {
        read += 1;
        bytes += length(&Value::Object(fields.clone()).to_string());
        let logs = table.logs.iter().filter_map(|log| fields.get(log)?.get("entries")?.as_array());
        entries += logs.map(|log| u64::try_from(log.len()).unwrap_or(0)).sum::<u64>();
    }
    let of_all = |some: u64| some.saturating_mul(table.counted) / read.max(1);
    surveyed.bytes = of_all(bytes);
    surveyed.entries = of_all(entries);
    Ok(surveyed)
}

fn text(fields: &Map<String, Value>, name: &str) -> String {
    fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn length(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}
