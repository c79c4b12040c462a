//! How a source is, and how it should be.

use std::fmt;

use super::{Object, SetupError, get, text};
use crate::{
    cmdb::model::{ALWAYS, Model},
    config::{Cmdb, Keep},
    itop::{Client, oql},
};

/// A source, and what differs of it from what is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePlan {
    /// Its name.
    pub name: String,
    /// Its id, where it is there.
    pub id: Option<String>,
    /// What is to be changed, in order.
    pub differences: Vec<Difference>,
    pub(super) model: Model,
    pub(super) user: Account,
}

/// The account that a source is run by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) login: String,
    pub(super) id: String,
}

/// Something that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// There is no such source.
    Missing,
    /// A field of the source.
    Field {
        /// Its code.
        field: &'static str,
        /// What it is; of an account its login.
        now: String,
        /// What it should be.
        wanted: String,
        /// As it is written.
        value: String,
    },
    /// An attribute that it feeds or does not.
    Attribute {
        /// Its code.
        code: String,
        /// How it is.
        now: Feeding,
        /// How it should be.
        wanted: Feeding,
        /// Class and id of what says so in iTop.
        object: (String, String),
    },
}

/// How a source feeds an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feeding {
    /// Whether it does.
    pub update: bool,
    /// Whether CIs are found by it.
    pub reconcile: bool,
    /// Who may write it; counts only where it is fed.
    pub policy: String,
    /// Of an external key: by which attribute its object is found; empty is the id.
    pub by: Option<String>,
}

impl fmt::Display for Feeding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policy = match self.policy.as_str() {
            "master_locked" => "locked",
            "master_unlocked" => "free",
            "write_if_empty" => "written if empty",
            other => other,
        };
        if self.update {
            write!(f, "fed, {policy}")?;
        } else {
            write!(f, "not fed")?;
        }
        if self.reconcile {
            write!(f, ", CIs are found by it")?;
        }
        match self.by.as_deref() {
            Some(by) if !by.is_empty() => write!(f, ", by {by}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => write!(f, "it is not there, and would be made"),
            Self::Field { field, now, wanted, .. } => {
                let shown = |text: &str| {
                    if text.is_empty() { "nothing".to_owned() } else { text.to_owned() }
                };
                write!(f, "{field}: {}, should be {}", shown(now), shown(wanted))
            }
            Self::Attribute { code, now, wanted, .. } => {
                write!(f, "{code}: {now}; should be {wanted}")
            }
        }
    }
}

/// What each source has, beside its name, class and account.
pub(super) const FIELDS: [(&str, &str); 7] = [
    ("status", "production"),
    ("reconciliation_policy", "use_attributes"),
    ("action_on_zero", "create"),
    ("action_on_one", "update"),
    // Which of several would be taken over is nobody's guess.
    ("action_on_multiple", "error"),
    // Nothing is deleted, or retired, because a row did not come: the bridge says so by a row.
    ("delete_policy", "ignore"),
    ("full_load_periodicity", "0"),
];

impl SourcePlan {
    pub(super) async fn of(
        admin: &Client,
        config: &Cmdb,
        model: Model,
        user: &str,
    ) -> Result<Self, SetupError> {
        let name = config.source_name(model.class());
        let user = Account { login: config.user.clone(), id: user.to_owned() };
        let query = format!("SELECT SynchroDataSource WHERE name = {}", oql::quote(&name));
        let codes: Vec<_> = FIELDS.iter().map(|(code, _)| *code).collect();
        let fields =
            format!("id,name,scope_class,user_id,user_id_friendlyname,{}", codes.join(","));
        let mut found = get(admin, "SynchroDataSource", &query, &fields).await?;
        let Some((_, id, fields)) = found.pop() else {
            return Ok(Self {
                name,
                id: None,
                differences: vec![Difference::Missing],
                model,
                user,
            });
        };
        if !found.is_empty() {
            return Err(SetupError::Several(name));
        }
        let class = text(&fields, "scope_class");
        if class != model.class() {
            return Err(SetupError::OtherClass { name, id, class });
        }
        let mut differences = Vec::new();
        for (field, wanted) in FIELDS {
            let now = text(&fields, field);
            if now != wanted {
                let (wanted, value) = (wanted.to_owned(), wanted.to_owned());
                differences.push(Difference::Field { field, now, wanted, value });
            }
        }
        if text(&fields, "user_id") != user.id {
            let now = text(&fields, "user_id_friendlyname");
            let (wanted, value) = (user.login.clone(), user.id.clone());
            differences.push(Difference::Field { field: "user_id", now, wanted, value });
        }
        differences.extend(attributes(admin, &model, &id).await?);
        Ok(Self { name, id: Some(id), differences, model, user })
    }

    /// The class of its CIs.
    #[must_use]
    pub fn class(&self) -> &str {
        self.model.class()
    }

    /// How it will feed, in lines: by how each attribute is kept.
    #[must_use]
    pub fn feeds(&self) -> Vec<String> {
        let of = |keep: Keep, said: &str| {
            let codes: Vec<_> = self
                .model
                .fed()
                .iter()
                .filter(|fed| fed.keep == keep)
                .map(|fed| fed.code.as_str())
                .collect();
            (!codes.is_empty()).then(|| format!("{said}: {}", codes.join(", ")))
        };
        let kept = [
            of(Keep::Locked, "fed and locked in iTop"),
            of(Keep::Free, "fed and free"),
            of(Keep::IfEmpty, "written where empty"),
        ];
        kept.into_iter()
            .flatten()
            .chain(["not fed, and not locked: all others".to_owned()])
            .collect()
    }
}

/// What differs of the attributes of a source that is there.
pub(super) async fn attributes(
    admin: &Client,
    model: &Model,
    id: &str,
) -> Result<Vec<Difference>, SetupError> {
    let rows = |class: &str| format!("SELECT {class} WHERE sync_source_id = {id}");
    let (class, fields) = ("SynchroAttribute", "id,attcode,update,reconcile,update_policy");
    let mut all = get(admin, class, &rows(class), fields).await?;
    let (class, fields) = ("SynchroAttExtKey", "id,reconciliation_attcode");
    let keys = get(admin, class, &rows(class), fields).await?;
    all.sort_by_key(|(.., fields)| text(fields, "attcode"));
    let by = |id: &str| {
        let key = keys.iter().find(|(_, of, _)| of == id);
        key.map(|(_, _, fields)| text(fields, "reconciliation_attcode"))
    };
    let known: Vec<_> = all.iter().map(|(.., fields)| text(fields, "attcode")).collect();
    if let Some(lacking) = model.fed().iter().find(|fed| !known.contains(&fed.code)) {
        let why = format!("its data sources have no attribute {}", lacking.code);
        return Err(SetupError::OtherModel { class: model.class().to_owned(), why });
    }
    let difference = |(class, id, fields): &Object| {
        let code = text(fields, "attcode");
        let now = Feeding {
            update: text(fields, "update") == "1",
            reconcile: text(fields, "reconcile") == "1",
            policy: text(fields, "update_policy"),
            by: by(id),
        };
        let fed = model.fed().iter().find(|fed| fed.code == code);
        let wanted = Feeding {
            update: fed.is_some(),
            reconcile: ALWAYS.contains(&&*code),
            policy: fed
                .map_or_else(|| now.policy.clone(), |fed| fed.keep.update_policy().to_owned()),
            // What is not fed is found by nothing.
            by: if fed.is_some() { now.by.as_ref().map(|_| String::new()) } else { now.by.clone() },
        };
        let object = (class.clone(), id.clone());
        (now != wanted).then_some(Difference::Attribute { code, now, wanted, object })
    };
    Ok(all.iter().filter_map(difference).collect())
}
