//! Knowledge: drafts, and what makes them public.

use serde_json::{Map, Value, json};

use super::{Body, Work};
use crate::{
    fault::Operation,
    ids,
    refusal::Refusal,
    schema::Object,
    store::{HELD, Record},
};

const REFUSED: &str = "You can't perform this action. Be sure the action is valid for the current \
                       state of the article, and that you have permission to perform it.";

impl Work<'_> {
    /// Before a draft is stored.
    pub(super) fn new_article(&self, object: &Object, values: &mut Body) -> Result<(), Refusal> {
        self.url_name(object, values, None)?;
        if values.get("KnowledgeArticleId").is_none_or(Value::is_null) {
            values.insert("KnowledgeArticleId".to_owned(), json!(self.state.next_id("kA0")?));
        }
        Ok(())
    }

    /// Before a draft is changed; what is public is not.
    pub(super) fn changed_article(
        &self,
        object: &Object,
        old: &Record,
        values: &Body,
    ) -> Result<(), Refusal> {
        if old["PublishStatus"] != "Draft" {
            let message = "You can only edit draft articles";
            return Err(Refusal::bad("INSUFFICIENT_ACCESS_OR_READONLY", message).on(&[]));
        }
        self.url_name(object, values, old["Id"].as_str())
    }

    /// Before a version is deleted: what is public is archived first.
    pub(super) fn may_delete_article(&self, object: &Object, id: &str) -> Result<(), Refusal> {
        let is_article = object.name.ends_with("__kav");
        let record = if is_article { self.state.row(object, id)? } else { None };
        if record.is_some_and(|record| record["PublishStatus"] == "Online") {
            return Err(Refusal::bad("INSUFFICIENT_ACCESS_OR_READONLY", REFUSED).on(&[]));
        }
        Ok(())
    }

    /// Letters, digits and hyphens, and of one article alone.
    fn url_name(&self, object: &Object, values: &Body, own: Option<&str>) -> Result<(), Refusal> {
        let (Some(name), Some(field)) =
            (values.get("UrlName").and_then(Value::as_str), object.field("UrlName"))
        else {
            return Ok(());
        };
        let fits = |letter: char| letter.is_alphanumeric() || letter == '-';
        if !name.chars().all(fits) || name.starts_with('-') || name.ends_with('-') {
            let message = "The URL Name can only contain letters, digits and hyphens";
            return Err(Refusal::bad("FIELD_INTEGRITY_EXCEPTION", message).on(&["UrlName"]));
        }
        let held = self.state.ids_by(object, field, &json!(name), HELD, 2)?;
        if held.iter().any(|id| Some(id.as_str()) != own) {
            let message = "An article with this URL Name exists already";
            return Err(Refusal::bad("DUPLICATE_VALUE", message).on(&["UrlName"]));
        }
        Ok(())
    }

    /// `/actions/standard/…KnowledgeArticles`: what came of each version, by its 15 characters.
    pub(crate) fn article_action(&self, action: &str, body: &Body) -> Result<Value, Refusal> {
        self.faults.refuse(Operation::Action, "", "")?;
        let (from, to) = match action {
            "publishKnowledgeArticles" => ("Draft", Some("Online")),
            "archiveKnowledgeArticles" => ("Online", Some("Archived")),
            "deleteKnowledgeArticles" => ("", None),
            _ => return Err(Refusal::not_found()),
        };
        let object = self.object("Knowledge__kav")?;
        let inputs = body.get("inputs").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut answers = Vec::new();
        for input in &inputs {
            if action == "publishKnowledgeArticles" && !has_publication(input) {
                answers.push(json!({
                    "actionName": action,
                    "errors": [{"statusCode": "REQUIRED_FIELD_MISSING",
                                "message": "Missing required input parameter: pubAction",
                                "fields": []}],
                    "isSuccess": false,
                    "outputValues": null,
                }));
                continue;
            }
            let list = input["articleVersionIdList"].as_array().cloned().unwrap_or_default();
            let mut values = Map::new();
            let mut fine = !list.is_empty();
            for id in list.iter().filter_map(Value::as_str) {
                let known = ids::long(id).unwrap_or_default();
                let live = self.state.is_deleted(object, &known)? == Some(false);
                let record = if live { self.state.row(object, &known)? } else { None };
                let status = record.as_ref().and_then(|record| record["PublishStatus"].as_str());
                // A draft and what is archived may be deleted; what is public may not.
                let may = match to {
                    Some(_) => status == Some(from),
                    None => status.is_some_and(|status| status != "Online"),
                };
                match to {
                    Some(to) if may => {
                        let mut changes = Body::new();
                        changes.insert("PublishStatus".to_owned(), json!(to));
                        self.state.change(object, &known, &changes)?;
                    }
                    None if may => self.state.atomically(|| self.remove(object, &known))?,
                    _ => {}
                }
                fine &= may;
                let said = if may { "Success" } else { REFUSED };
                values.insert(ids::short(id).to_owned(), json!(said));
            }
            answers.push(json!({
                "actionName": action,
                "errors": null,
                "isSuccess": fine,
                "outputValues": values,
            }));
        }
        Ok(json!(answers))
    }
}

/// Whether an input says how its articles are published: at once, which is all that there is here.
fn has_publication(input: &Value) -> bool {
    const AT_ONCE: [&str; 2] = ["PUBLISH_ARTICLE", "PUBLISH_ARTICLE_NEW_VERSION"];
    input["pubAction"].as_str().is_some_and(|how| AT_ONCE.contains(&how))
}
