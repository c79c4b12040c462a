//! A proposal for `mapping.toml`, from what was read and what the org has. What it does not know it does not
//! guess: it is marked with `decide`.

mod lines;
mod table;

use std::{collections::BTreeSet, fmt::Write as _};

use lines::rest;
use table::{Fate, How, Kind, fate};

use crate::{
    migrate::{
        schema::Org,
        staging::{Staged, Staging, StagingError},
        survey::Model,
    },
    salesforce::{ActiveUser, Described},
};

/// The key field of all objects.
const KEY: &str = "iTop_Key__c";

/// What a proposal is made of.
#[derive(Debug)]
pub struct Proposal<'a> {
    /// What was read.
    pub staging: &'a Staging,
    /// The objects that it may become.
    pub org: &'a Org,
    /// The active users, by whom agents are known; `None` where they could not be read.
    pub users: Option<&'a [ActiveUser]>,
    /// Whether the org lets dates be set.
    pub audit: bool,
}

/// The objects that a proposal may name.
pub const OBJECTS: [&str; 10] = [
    "Account",
    "Contact",
    "Case",
    "CI__c",
    "Change_Request__c",
    "Knowledge__kav",
    "Entitlement",
    "ContentVersion",
    "Case_CI__c",
    "Case_Contact__c",
];

/// A class, and what becomes of it.
struct Planned {
    staged: Staged,
    fate: Fate,
}

impl Proposal<'_> {
    /// The text of the file.
    ///
    /// # Errors
    /// When the staging file fails.
    pub async fn text(&self) -> Result<String, StagingError> {
        let planned: Vec<_> =
            self.staging.staged().await?.into_iter().map(|staged| self.planned(staged)).collect();
        let (url, zone) = self.staging.source().await?.unwrap_or_default();
        let mut text = format!(
            "# What becomes of what stands in iTop. Look at each line; what waits for your word says `decide`: give it a\n\
             # rule or a value, or take the line out, and take `decide` away. 'migrate map --check' tries it on every row.\n\n\
             [source]\nurl = {}\nzone = {}\n\n",
            quoted(&url),
            quoted(&zone),
        );
        self.people(&planned, &mut text).await?;
        for class in &planned {
            self.class(class, &planned, &mut text).await?;
        }
        for class in planned.iter().filter(|class| class.fate == Fate::Becomes(Kind::Case)) {
            for (log, entries) in &class.staged.logs {
                let _ = write!(
                    text,
                    "\n# {entries} entries.\n[[logs]]\nclass = {}\nlog = {}\npublic = {}\n",
                    quoted(&class.staged.class),
                    quoted(log),
                    log.starts_with("public"),
                );
            }
        }
        let (files, bytes, _) = self.staging.files().await?;
        let _ = write!(
            text,
            "\n# {files} files, {bytes} bytes.\n[files]\nattachments = {}\n",
            files > 0
        );
        Ok(text)
    }

    fn planned(&self, staged: Staged) -> Planned {
        let model = Model::standard();
        let is = |class: &str| model.derives(&staged.class, class);
        // A class of the provider's own has what it derives from.
        let has = |field: &str| staged.fields.iter().any(|known| known == field);
        let is_ticket = is("Ticket") || has("operational_status") && has("ref");
        let is_change =
            is("Change") || is_ticket && (has("outage") || has("fallback") || has("requestor_id"));
        let is_ci = is("FunctionalCI") || has("business_criticity");
        let mut fate = fate(&staged.class, is_ci, is_change, is_ticket);
        if let Fate::Becomes(kind) = fate
            && !kind.object().ends_with("__c")
            && self.described(kind.object()).is_none()
        {
            fate = match kind {
                Kind::Entitlement => {
                    Fate::Stays("the org has no entitlements; the survey is their specification")
                }
                Kind::Article | Kind::KnownError => {
                    Fate::Asked("the org has no Knowledge__kav: what becomes of it?")
                }
                _ => Fate::Asked("the user of the bridge does not see its object in the org"),
            };
        }
        Planned { staged, fate }
    }

    fn described(&self, object: &str) -> Option<&Described> {
        self.org.get(object)?.as_ref()
    }

    /// Whose records are: how many agents are users.
    async fn people(&self, planned: &[Planned], text: &mut String) -> Result<(), StagingError> {
        let mut agents = BTreeSet::new();
        for class in planned
            .iter()
            .filter(|class| matches!(class.fate, Fate::Becomes(Kind::Case | Kind::Change)))
        {
            agents.extend(self.staging.referred(&class.staged.class, "agent_id").await?);
        }
        text.push_str("[people]\nby_email = true\n");
        let emails: BTreeSet<String> = self
            .users
            .unwrap_or_default()
            .iter()
            .filter_map(|user| user.email.as_deref().map(str::to_ascii_lowercase))
            .collect();
        let mut without = Vec::new();
        for agent in &agents {
            let person = self.staging.rows_above("Person", agent - 1, 1).await?.pop();
            let person = person.filter(|person| person.id == *agent);
            let of = |name: &str| {
                person.as_ref().map(|person| super::apply::text(person, name)).unwrap_or_default()
            };
            let email = of("email").to_ascii_lowercase();
            if email.is_empty() || !emails.contains(&email) {
                without.push(
                    format!("{} {} <{email}>", of("first_name"), of("name"))
                        .replace(char::is_control, " "),
                );
            }
        }
        if without.is_empty() {
            text.push_str(
                "# Each agent of a ticket has an active user with the same e-mail address.\n",
            );
            text.push_str("# owner = \"the queue or user who owns tickets without an agent\"\n");
            return Ok(());
        }
        let _ = writeln!(
            text,
            "# {} of {} agents have no active user with their e-mail address:",
            without.len(),
            agents.len()
        );
        for agent in &without {
            let _ = writeln!(text, "#   {agent}");
        }
        text.push_str(
            "# owner = \"the queue or user who owns what they and nobody own\"\n\
             decide = \"name the owner of what has no user\"\n",
        );
        Ok(())
    }

    async fn class(
        &self,
        class: &Planned,
        planned: &[Planned],
        text: &mut String,
    ) -> Result<(), StagingError> {
        let Planned { staged, fate } = class;
        let name = &staged.class;
        let _ = write!(
            text,
            "\n# {} objects.\n[[classes]]\nclass = {}\n",
            staged.objects,
            quoted(name)
        );
        let kind = match fate {
            Fate::Stays(why) => {
                let _ = write!(text, "object = \"none\"\nleave = {}\n", quoted(why));
                return Ok(());
            }
            Fate::Asked(what) => {
                let _ = write!(text, "object = \"none\"\ndecide = {}\n", quoted(what));
                return Ok(());
            }
            Fate::Becomes(kind) => *kind,
        };
        let object = kind.object();
        let described = self.described(object);
        let _ = write!(text, "object = {}\nkey = {}\n", quoted(object), quoted(KEY));
        let named = described.and_then(|described| {
            described
                .record_types
                .iter()
                .find(|kind| kind.is_usable() && kind.developer_name == *name)
        });
        if let Some(record_type) = named {
            let _ = writeln!(text, "record_type = {}", quoted(&record_type.developer_name));
        }
        if matches!(kind, Kind::Case | Kind::Change) {
            let _ = writeln!(text, "audit = {}", self.audit);
            if !self.audit {
                text.push_str("# The org does not let this user set dates: all would be of the day of the move.\n");
            }
            if kind == Kind::Change && !staged.logs.is_empty() {
                let entries: u64 = staged.logs.values().sum();
                let what = format!(
                    "{entries} entries of logs: only a Case has comments; they stay in iTop unless it becomes one"
                );
                let _ = writeln!(text, "decide = {}", quoted(&what));
            }
        }
        if matches!(kind, Kind::Article | Kind::KnownError) {
            text.push_str(
                "# They are drafts; true publishes them all, { attribute = [\"value\"] } some of them.\n\
                 publish = false\n",
            );
        }
        text.push_str("[classes.fields]\n");
        let lengths = self.staging.lengths(name, &staged.fields).await?;
        let mut taken = BTreeSet::from(["id", "finalclass", "friendlyname"]);
        let mut made = BTreeSet::new();
        for (field, attribute, how) in kind.lines() {
            let is_there =
                attribute.is_empty() || staged.fields.iter().any(|known| known == attribute);
            let target = described.and_then(|described| described.field(field));
            // What an object of the customer does not have is made; a standard object has what it has.
            let can_be = match target {
                Some(target) => target.createable || super::AUDIT_FIELDS.contains(field),
                None => field.ends_with("__c"),
            };
            // A reference among the same that no object has is none; what a field of the org holds needs no
            // second one.
            let is_empty = matches!(how, How::Later)
                && lengths.get(*attribute).is_none_or(|(objects, _)| *objects == 0);
            let is_had = field.starts_with("iTop_") && taken.contains(attribute);
            if !is_there || !can_be || is_empty || is_had || made.contains(field) {
                continue;
            }
            if let Some(rule) = self.rule(class, (field, attribute, *how), target, planned).await? {
                made.insert(*field);
                taken.insert(*attribute);
                if let How::Whole(rule) = how {
                    taken.extend(
                        rule.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)),
                    );
                }
                let _ = writeln!(text, "{field} = {{ {rule} }}");
            }
        }
        rest(staged, &lengths, &taken, text);
        Ok(())
    }
}

/// A text as TOML writes it, on one line.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
