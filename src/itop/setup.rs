//! Questions about how an iTop is set up, for those who mend it. Nothing here writes.

use serde_json::{Value, json};

use super::{
    Client, ItopError, Use,
    keys::number,
    lists::{key, text},
    new_ticket::ref_of,
};
use crate::domain::{keys::OrgId, new_ticket::RefKind};

/// The attribute that no data model has: iTop takes the attributes of a write in their order, so
/// that what it says of this one says that it took all before it.
pub(super) const UNKNOWN: &str = "servicenav_itop_bridge_probe";

/// How many ids of organizations are named in one question.
const MAX_IDS: usize = 5_000;

/// The first answer of iTop, and what else came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// The version of the REST protocol.
    pub version: String,
    /// How many operations it offers.
    pub operations: usize,
    /// What was printed around the answer, if anything was.
    pub beside: Option<String>,
}

/// What iTop says of the attributes of a create, without creating.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attributes {
    /// It takes each of them. What it checks of the whole (mandatory attributes, values of lists,
    /// lengths) shows only when it creates.
    Taken,
    /// The account may not create tickets, or iTop is read-only.
    NoRight,
    /// It does not take this one.
    Refused {
        /// Its code.
        attribute: String,
        /// The reference that it stands for, if it does.
        kind: Option<RefKind>,
        /// iTop's words.
        why: String,
    },
}

impl Client {
    /// The version of the REST protocol that iTop answers in, and how many operations it offers.
    pub async fn protocol(&self) -> Result<Protocol, ItopError> {
        let answer = self.call(Use::Read, &json!({"operation": "list_operations"})).await?;
        let operations = answer.body.get("operations").and_then(Value::as_array);
        Ok(Protocol {
            version: text(&answer.body, "version"),
            operations: operations.map_or(0, Vec::len),
            beside: answer.beside,
        })
    }

    /// Sends a create that cannot succeed, because of one attribute more, and tells what iTop says
    /// of the others.
    pub async fn try_attributes(&self, create: &Value) -> Result<Attributes, ItopError> {
        let mut operation = create.clone();
        if let Some(fields) = operation.get_mut("fields").and_then(Value::as_object_mut) {
            fields.insert(UNKNOWN.to_owned(), json!("1"));
        }
        // It changes nothing: it may take the slot of a read.
        match self.call(Use::Read, &operation).await {
            Err(ItopError::Refused { code: 100, message }) => {
                let message = message.strip_prefix("Error: ").unwrap_or(&message);
                match message.split_once(": ") {
                    Some((UNKNOWN, _)) => Ok(Attributes::Taken),
                    Some((attribute, why)) if !attribute.contains(' ') => Ok(Attributes::Refused {
                        attribute: attribute.to_owned(),
                        kind: ref_of(attribute),
                        why: why.to_owned(),
                    }),
                    _ => Err(ItopError::Refused { code: 100, message: message.to_owned() }),
                }
            }
            Err(ItopError::NotAllowed { .. }) => Ok(Attributes::NoRight),
            Ok(_) => Err(ItopError::NotItop {
                reason: "it accepted a ticket with an unknown field".to_owned(),
            }),
            Err(error) => Err(error),
        }
    }

    /// Whether tickets of all classes have an attribute that can be searched.
    pub async fn has_ticket_attribute(&self, attribute: &str) -> Result<bool, ItopError> {
        let query = format!("SELECT Ticket WHERE id = 0 AND {attribute} LIKE '%x%'");
        match self.select("Ticket", &query, &format!("id,{attribute}")).await {
            Ok(_) => Ok(true),
            Err(ItopError::Refused { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The attributes of a class but those that hold files or objects that point at it; `None` where iTop does
    /// not tell.
    ///
    /// REST has no question for it. But of a query for an attribute that the class does not have iTop says
    /// "expecting {…}", with all that can be asked for (seen on 3.2.0); the parts of stop watches stand among
    /// them, which can be asked for and not read.
    pub async fn attribute_codes(&self, class: &str) -> Result<Option<Vec<String>>, ItopError> {
        let operation = json!({
            "operation": "core/get", "class": class, "output_fields": "id",
            "key": format!("SELECT {class} WHERE {UNKNOWN} = 1"),
        });
        let message = self.refusal(&operation).await?;
        Ok(message.as_deref().and_then(expected))
    }

    /// Whether there are organizations that the account does not see; `None` where that cannot be
    /// told.
    ///
    /// iTop leaves out of a list what the account may not see, and says nothing. But it does so for
    /// the class that is selected, not for one that is joined (seen on 3.2.0), and the condition
    /// "not below" joins a visible organization with all others.
    pub async fn hides_organizations(&self) -> Result<Option<bool>, ItopError> {
        let answer = self.select("Organization", "SELECT Organization", "id").await?;
        let ids: Vec<_> = answer.objects().map(|(_, id, _)| id.to_string()).collect();
        let Some(first) = ids.first().filter(|_| ids.len() <= MAX_IDS) else { return Ok(None) };
        let query = format!(
            "SELECT Organization AS seen \
             JOIN Organization AS other ON other.parent_id NOT BELOW seen.id \
             WHERE seen.id = {first} AND other.id NOT IN ({})",
            ids.join(",")
        );
        match self.select("Organization", &query, "id").await {
            Ok(answer) => Ok(Some(answer.objects().next().is_some())),
            // A data model without the hierarchy.
            Err(ItopError::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The name of the delivery model of a company, empty where it has none; `None` where the data
    /// model knows no delivery models.
    pub async fn delivery_model(&self, org: &OrgId) -> Result<Option<String>, ItopError> {
        let query = format!("SELECT Organization WHERE id = {}", number(org.as_str()));
        let fields = "id,deliverymodel_id,deliverymodel_id_friendlyname";
        match self.select("Organization", &query, fields).await {
            Ok(answer) => Ok(answer.objects().next().map(|(_, _, fields)| {
                match key(fields, "deliverymodel_id") {
                    Some(_) => text(fields, "deliverymodel_id_friendlyname"),
                    None => String::new(),
                }
            })),
            Err(ItopError::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The codes of `expecting {a, b}`.
fn expected(message: &str) -> Option<Vec<String>> {
    let (_, list) = message.split_once("expecting {")?;
    let (list, _) = list.split_once('}')?;
    Some(list.split(',').map(|code| code.trim().to_owned()).collect())
}
