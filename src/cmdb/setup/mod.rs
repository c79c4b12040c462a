//! The data sources of iTop, one a class: how they are, how they should be, and making them so.
//!
//! Only an administrator may read and write them. What iTop sets by itself is not what is wanted: each
//! attribute of a new source is fed, and so locked for everybody.

mod apply;
mod plan;

pub use plan::{Difference, SourcePlan};

use serde_json::{Value, json};

use super::model::{Model, Names};
use crate::{
    config::Cmdb,
    itop::{Client, ItopError, Use, oql},
};

/// Why sources cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// iTop did not do what it was asked.
    #[error(transparent)]
    Itop(#[from] ItopError),
    /// The login is none of an administrator who may use REST.
    #[error(
        "this login may not read data sources: it needs the profiles \"Administrator\" and \"REST Services \
         User\" ({0})"
    )]
    NoAdministrator(String),
    /// iTop has no such account.
    #[error(
        "iTop has no account '{0}': make it there, with the profiles \"Configuration Manager\" and \"REST \
         Services User\", and name it in cmdb.user"
    )]
    NoAccount(String),
    /// No class is named.
    #[error("no equipment would be kept: set cmdb.default_class, or name a class in cmdb.classes")]
    NoClass,
    /// A class lacks an attribute that would be fed, or is not there.
    #[error(
        "{class} of this iTop does not have all that would be sent ({why}): set cmdb.attributes, \
         cmdb.other_classes or cmdb.defaults accordingly"
    )]
    OtherModel {
        /// The class.
        class: String,
        /// iTop's words.
        why: String,
    },
    /// Several sources bear the name.
    #[error("iTop has several data sources called '{0}': rename or remove all but one there")]
    Several(String),
    /// The source of that name is of another class.
    #[error(
        "the data source '{name}' (id {id}) is of the class {class}: rename or remove it in iTop"
    )]
    OtherClass {
        /// Its name.
        name: String,
        /// Its id.
        id: String,
        /// Its class.
        class: String,
    },
    /// A source was made, and its id is not known.
    #[error("iTop has told no id of the data source '{0}': run this again, which finds it")]
    NoId(String),
}

/// How all sources are, and what is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// One a class, by class.
    pub sources: Vec<SourcePlan>,
    /// What `cmdb setup` cannot mend, a sentence each.
    pub warnings: Vec<String>,
}

/// A source that is as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetUp {
    /// The class of its CIs.
    pub class: String,
    /// Its id.
    pub source_id: String,
    /// Its name.
    pub name: String,
    /// Which attributes it feeds, and how each is kept.
    pub made_for: String,
}

impl Plan {
    /// Looks at iTop with an administrator's login; nothing is written.
    ///
    /// # Errors
    /// What cannot be set up, or not asked.
    pub async fn make(admin: &Client, config: &Cmdb) -> Result<Self, SetupError> {
        may_administer(admin).await?;
        let user = user_id(admin, &config.user).await?;
        let (mut sources, mut warnings) = (Vec::new(), Vec::new());
        for class in config.all_classes() {
            // One that nobody knows is refused when the configuration is read.
            let Some(model) = Model::of(config, class) else { continue };
            has_all(admin, &model).await?;
            warnings.extend(missing_defaults(admin, &model).await?);
            sources.push(SourcePlan::of(admin, config, model, &user).await?);
        }
        if sources.is_empty() {
            return Err(SetupError::NoClass);
        }
        Ok(Self { sources, warnings })
    }

    /// How many changes there are to make.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.sources.iter().map(|source| source.differences.len()).sum()
    }
}

/// Whether a login may read data sources.
async fn may_administer(admin: &Client) -> Result<(), SetupError> {
    match get(admin, "SynchroDataSource", "SELECT SynchroDataSource WHERE id = 0", "id").await {
        Ok(_) => Ok(()),
        Err(error @ (ItopError::NotAllowed { .. } | ItopError::ProfileMissing { .. })) => {
            Err(SetupError::NoAdministrator(error.to_string()))
        }
        Err(error) => Err(error.into()),
    }
}

/// The id of the account that loads.
async fn user_id(admin: &Client, login: &str) -> Result<String, SetupError> {
    let query = format!("SELECT User WHERE login = {}", oql::quote(login));
    let found = get(admin, "User", &query, "id,login").await?;
    found
        .into_iter()
        .next()
        .map(|(_, id, _)| id)
        .ok_or_else(|| SetupError::NoAccount(login.to_owned()))
}

/// Whether a class has all attributes that would be sent.
async fn has_all(admin: &Client, model: &Model) -> Result<(), SetupError> {
    let class = model.class();
    let codes: Vec<_> = model.fed().iter().map(|fed| fed.code.as_str()).collect();
    let query = format!("SELECT {class} WHERE id = 0");
    match get(admin, class, &query, &codes.join(",")).await {
        Ok(_) => Ok(()),
        Err(ItopError::Refused { message, .. }) => {
            Err(SetupError::OtherModel { class: class.to_owned(), why: message })
        }
        Err(error) => Err(error.into()),
    }
}

/// What the configuration gives all CIs of a class, and iTop has nothing of that name.
async fn missing_defaults(admin: &Client, model: &Model) -> Result<Vec<String>, ItopError> {
    let given = model.given_names();
    let known = Names::default().known(admin, given.clone(), false).await?;
    let lacks = given.iter().filter_map(|named| Some((named, known.id(named).err()?)));
    let said = lacks.map(|(named, why)| {
        format!(
            "cmdb.defaults.{}: {} New CIs may fail without it.",
            model.class(),
            named.missing(why)
        )
    });
    Ok(said.collect())
}

/// Class, id and fields of an object.
type Object = (String, String, serde_json::Map<String, Value>);

async fn get(
    client: &Client,
    class: &str,
    query: &str,
    fields: &str,
) -> Result<Vec<Object>, ItopError> {
    let operation = json!({
        "operation": "core/get", "class": class, "key": query, "output_fields": fields,
    });
    let answer = client.call(Use::Read, &operation).await?;
    let object = |(class, id, fields): (&str, u64, &serde_json::Map<String, Value>)| {
        (class.to_owned(), id.to_string(), fields.clone())
    };
    Ok(answer.objects().map(object).collect())
}

/// A field as text: iTop writes numbers as texts, and switches as booleans or, before 3, as texts.
fn text(fields: &serde_json::Map<String, Value>, name: &str) -> String {
    match fields.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(true)) => "1".to_owned(),
        Some(Value::Bool(false)) => "0".to_owned(),
        _ => String::new(),
    }
}
