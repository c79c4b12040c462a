//! From names to ids: a few questions for a whole chunk, and what has an id is not asked for again.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};

use super::{Missing, Named};
use crate::{
    config::Creatable,
    domain::names::spelling,
    itop::{Client, ItopError, Use, oql},
};

/// Names that are asked for in one question.
const AT_ONCE: usize = 200;

/// Ids that are kept; beyond, all are asked for anew.
const MOST_KEPT: usize = 10_000;

/// Why names have no ids that were not asked for.
const NOT_ASKED: Missing = Missing::Nothing;

/// The ids of names, as far as they have one.
#[derive(Clone, Debug, Default)]
pub struct Known(HashMap<Named, Result<String, Missing>>);

impl Known {
    /// Of these.
    pub fn of(known: impl IntoIterator<Item = (Named, Result<String, Missing>)>) -> Self {
        Self(known.into_iter().map(|(named, id)| (named.folded(), id)).collect())
    }

    /// The id of a name, or why it has none.
    ///
    /// # Errors
    /// Without an id its attribute is left out.
    pub fn id(&self, named: &Named) -> Result<&str, &Missing> {
        match self.0.get(&named.folded()) {
            Some(Ok(id)) => Ok(id),
            Some(Err(why)) => Err(why),
            None => Err(&NOT_ASKED),
        }
    }
}

/// Looks names up in iTop, and makes what may be made. Clones share what is known.
#[derive(Clone, Debug, Default)]
pub struct Names {
    create: BTreeSet<Creatable>,
    ids: Arc<Mutex<HashMap<Named, String>>>,
}

impl Names {
    /// Makes these where iTop has none of a name.
    #[must_use]
    pub fn new(create: BTreeSet<Creatable>) -> Self {
        Self { create, ids: Arc::default() }
    }

    /// Forgets all ids: what was refused may have been one that iTop no longer has.
    pub fn forget(&self) {
        self.kept().clear();
    }

    /// The ids of all these names, which one account may see. With `make`, what iTop does not have and the
    /// configuration allows is made; a preview does not.
    ///
    /// # Errors
    /// A question that was not answered. What was made until then is found the next time.
    pub async fn known(
        &self,
        client: &Client,
        wanted: impl IntoIterator<Item = Named>,
        make: bool,
    ) -> Result<Known, ItopError> {
        let mut wanted: BTreeMap<Named, Named> =
            wanted.into_iter().map(|named| (named.folded(), named)).collect();
        // What others belong to is needed first.
        let owners: Vec<_> = wanted.values().filter_map(Named::owner).collect();
        for owner in owners {
            wanted.entry(owner.folded()).or_insert(owner);
        }
        let mut known = Known::default();
        for owned in [false, true] {
            let round: Vec<_> =
                wanted.iter().filter(|(_, named)| named.owner().is_some() == owned).collect();
            self.round(client, &round, &mut known, make).await?;
        }
        Ok(known)
    }

    /// Those of which either all or none belong to something.
    async fn round(
        &self,
        client: &Client,
        wanted: &[(&Named, &Named)],
        known: &mut Known,
        make: bool,
    ) -> Result<(), ItopError> {
        let mut questions = BTreeMap::<(&str, String), Vec<(&Named, &Named)>>::new();
        for &(folded, named) in wanted {
            let owner = named.owner().map(|owner| known.id(&owner).map(str::to_owned));
            if let Some(Err(_)) = owner {
                known.0.insert(folded.clone(), Err(Missing::NoOwner));
            } else if let Some(id) = self.kept().get(folded) {
                known.0.insert(folded.clone(), Ok(id.clone()));
            } else {
                let question = (named.class(), named.condition());
                questions.entry(question).or_default().push((folded, named));
            }
        }
        for ((class, condition), names) in questions {
            for names in names.chunks(AT_ONCE) {
                let objects = objects(client, class, &condition, names).await?;
                for &(folded, named) in names {
                    let owner =
                        named.owner().and_then(|owner| known.id(&owner).ok().map(str::to_owned));
                    let id = match objects.of(named, owner.as_deref()) {
                        Err(Missing::Nothing) if make && self.may_make(named) => {
                            made(client, named, owner.as_deref()).await?
                        }
                        found => found,
                    };
                    self.keep(folded, id.as_ref().ok());
                    known.0.insert(folded.clone(), id);
                }
            }
        }
        Ok(())
    }

    fn may_make(&self, named: &Named) -> bool {
        named.creatable().is_some_and(|creatable| self.create.contains(&creatable))
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<Named, String>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, folded: &Named, id: Option<&String>) {
        let mut kept = self.kept();
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        if let Some(id) = id {
            kept.insert(folded.clone(), id.clone());
        }
    }
}

/// Objects of a class: their ids, by the spelling of their names and what they belong to.
struct Objects(HashMap<(String, Option<String>), Vec<String>>);

impl Objects {
    fn of(&self, named: &Named, owner: Option<&str>) -> Result<String, Missing> {
        let key = (spelling(named.name()), owner.map(str::to_owned));
        match self.0.get(&key).map(Vec::as_slice) {
            None | Some([]) => Err(Missing::Nothing),
            Some([id]) => Ok(id.clone()),
            Some(_) => Err(Missing::Several),
        }
    }
}

async fn objects(
    client: &Client,
    class: &str,
    condition: &str,
    names: &[(&Named, &Named)],
) -> Result<Objects, ItopError> {
    let quoted: Vec<_> = names.iter().map(|(_, named)| oql::quote(named.name())).collect();
    let owned_by = names.first().and_then(|(_, named)| named.owned_by());
    let query = format!("SELECT {class} WHERE {condition}name IN ({})", quoted.join(","));
    let fields = match owned_by {
        Some(attribute) => format!("id,name,{attribute}"),
        None => "id,name".to_owned(),
    };
    let operation = json!({
        "operation": "core/get", "class": class, "key": query, "output_fields": fields,
    });
    let answer = client.call(Use::Read, &operation).await?;
    let mut objects = HashMap::<_, Vec<_>>::new();
    for (_, id, fields) in answer.objects() {
        let text = |name: &str| match fields.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let key = (spelling(&text("name")), owned_by.map(text));
        objects.entry(key).or_default().push(id.to_string());
    }
    Ok(Objects(objects))
}

/// Makes something. That iTop does not make it is an answer.
async fn made(
    client: &Client,
    named: &Named,
    owner: Option<&str>,
) -> Result<Result<String, Missing>, ItopError> {
    let operation = json!({
        "operation": "core/create", "class": named.class(), "output_fields": "id",
        "comment": "ServiceNav: equipment in the CMDB", "fields": named.fields(owner),
    });
    match client.call(Use::Write, &operation).await {
        Ok(answer) => Ok(match answer.objects().next() {
            Some((_, id, _)) => Ok(id.to_string()),
            None => Err(Missing::NotMade { why: "it told no id".to_owned() }),
        }),
        Err(error @ (ItopError::Refused { .. } | ItopError::NotAllowed { .. })) => {
            Ok(Err(Missing::NotMade { why: error.to_string() }))
        }
        Err(error) => Err(error),
    }
}
