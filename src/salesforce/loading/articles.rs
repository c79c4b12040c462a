//! Articles of Knowledge: a draft becomes public, and goes again.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    outgoing::Use,
    salesforce::{Client, Error, call::Call},
};

/// What is done with articles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArticleStep {
    /// A draft becomes public.
    Publish,
    /// What is public is so no more.
    Archive,
    /// A draft, or what is archived, is deleted.
    Delete,
}

impl ArticleStep {
    fn action(self) -> &'static str {
        match self {
            Self::Publish => "publishKnowledgeArticles",
            Self::Archive => "archiveKnowledgeArticles",
            Self::Delete => "deleteKnowledgeArticles",
        }
    }
}

impl Client {
    /// Does it with these versions, and says of each in its place whether it was done, or Salesforce's words.
    pub async fn articles(
        &self,
        step: ArticleStep,
        versions: &[String],
    ) -> Result<Vec<Result<(), String>>, Error> {
        let call = Call::post(format!("/actions/standard/{}", step.action()), body(step, versions));
        done(self.call(Use::Create, call).await?, versions)
    }
}

fn body(step: ArticleStep, versions: &[String]) -> Value {
    let mut input = json!({"articleVersionIdList": versions});
    if step == ArticleStep::Publish {
        input["pubAction"] = json!("PUBLISH_ARTICLE");
    }
    json!({"inputs": [input]})
}

fn done(json: Value, versions: &[String]) -> Result<Vec<Result<(), String>>, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Done {
        output_values: Option<HashMap<String, String>>,
        errors: Option<Vec<Problem>>,
    }
    #[derive(Deserialize)]
    struct Problem {
        message: String,
    }
    let done = Vec::<Done>::deserialize(json).map_err(|error| Error::NoClearAnswer {
        reason: format!("the answer to an action has another form: {error}"),
    })?;
    let of = |id: &String| {
        // The keys have 15 characters, whatever was sent.
        let short = id.get(..15).unwrap_or(id);
        let said = done.iter().flat_map(|done| &done.output_values).find_map(|of| of.get(short));
        match said.map(String::as_str) {
            Some("Success") => Ok(()),
            Some(words) => Err(words.to_owned()),
            // An input that is refused as a whole says nothing of its articles.
            None => {
                let problem = done.iter().flat_map(|done| &done.errors).flatten().next();
                let words = problem.map_or("nothing was said of it", |problem| &problem.message);
                Err(words.to_owned())
            }
        }
    };
    Ok(versions.iter().map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::salesforce::{answer, examples};

    #[test]
    fn articles_are_published_one_by_one_as_in_the_example() {
        let example = examples::file("53-knowledge-publish");
        let versions = ["ka0xx00000004VeAAI", "ka0xx00000003doAAA"].map(str::to_owned);
        assert_eq!(body(ArticleStep::Publish, &versions), example["request"]["body"]);
        let json =
            answer::read(&examples::example("53-knowledge-publish"), answer::Known::default());
        let done = done(json.unwrap(), &versions).unwrap();
        assert!(done[0].as_ref().unwrap_err().starts_with("You can't perform"), "{done:?}");
        assert_eq!(done[1], Ok(()));
        let refused = json!([{"actionName": "x", "isSuccess": false, "outputValues": null,
                              "errors": [{"statusCode": "X", "message": "not so", "fields": []}]}]);
        let said = super::done(refused, &versions).unwrap();
        assert_eq!(said, [Err("not so".to_owned()), Err("not so".to_owned())]);
    }
}
