//! Up to 200 records at once, each with a verdict of its own.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Fields, LOAD, LOAD_DUPLICATES};
use crate::{
    outgoing::Use,
    salesforce::{
        Client, Error,
        call::{Body, Call},
    },
};

/// How many records one call takes.
pub const AT_ONCE: usize = 200;

/// What became of one record: its id, or why not.
pub type Verdict = Result<String, Error>;

const PATH: &str = "/composite/sobjects";

impl Client {
    /// Makes records of one object, at most [`AT_ONCE`], and says of each in its place what became of it.
    ///
    /// # Errors
    /// The call as a whole: all or none of the records may be there then, unless
    /// [`Error::had_no_effect`] says that none is.
    pub async fn create_many(
        &self,
        object: &str,
        records: &[Fields],
    ) -> Result<Vec<Verdict>, Error> {
        self.each(Method::POST, object, records).await
    }

    /// Changes records of one object; each holds its `Id`.
    ///
    /// # Errors
    /// As [`Client::create_many`]. The same may be sent again.
    pub async fn update_many(
        &self,
        object: &str,
        records: &[Fields],
    ) -> Result<Vec<Verdict>, Error> {
        self.each(Method::PATCH, object, records).await
    }

    async fn each(
        &self,
        method: Method,
        object: &str,
        records: &[Fields],
    ) -> Result<Vec<Verdict>, Error> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let allowed = self.line().settings.mapping.allow_duplicates;
        let call = Call {
            headers: if allowed { LOAD_DUPLICATES } else { LOAD },
            ..Call::of(method, PATH, Body::Json(body(object, records)))
        };
        let json = self.call(Use::Create, call).await?;
        self.verdicts(json, records.len())
    }

    /// Deletes records of whichever objects, at most [`AT_ONCE`].
    ///
    /// # Errors
    /// As [`Client::create_many`]. What is deleted already says so in its verdict.
    pub async fn delete_many(&self, ids: &[String]) -> Result<Vec<Verdict>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let call = Call::of(Method::DELETE, delete_path(ids), Body::None);
        let json = self.call(Use::Create, call).await?;
        self.verdicts(json, ids.len())
    }

    fn verdicts(&self, json: Value, expected: usize) -> Result<Vec<Verdict>, Error> {
        let unclear = |reason: String| Error::NoClearAnswer { reason };
        let said = Vec::<Said>::deserialize(json)
            .map_err(|error| unclear(format!("the verdicts have another form: {error}")))?;
        if said.len() != expected {
            return Err(unclear(format!("{} verdicts on {expected} records", said.len())));
        }
        Ok(said.into_iter().map(|said| self.verdict(said)).collect())
    }

    fn verdict(&self, said: Said) -> Verdict {
        match said {
            Said { success: true, id: Some(id), .. } => Ok(id),
            // A record that was rolled back may have an id in its verdict: there is none.
            Said { errors, .. } => Err(self.of_part(400, &Value::Array(errors))),
        }
    }
}

/// The verdict on a record.
#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    success: bool,
    #[serde(default)]
    errors: Vec<Value>,
}

fn body(object: &str, records: &[Fields]) -> Value {
    let typed = |record: &Fields| {
        let mut typed = Fields::with_capacity(record.len() + 1);
        typed.insert("attributes".to_owned(), json!({"type": object}));
        typed.extend(record.iter().map(|(name, value)| (name.clone(), value.clone())));
        Value::Object(typed)
    };
    json!({"allOrNone": false, "records": records.iter().map(typed).collect::<Vec<_>>()})
}

fn delete_path(ids: &[String]) -> String {
    format!("{PATH}?ids={}&allOrNone=false", ids.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::salesforce::{answer, examples};

    fn said(name: &str) -> Vec<Said> {
        let json = answer::read(&examples::example(name), answer::Known::default()).unwrap();
        Vec::deserialize(json).unwrap()
    }

    fn code(said: &Said) -> Option<Error> {
        let errors = Value::Array(said.errors.clone());
        answer::of_part(400, &errors, answer::Known::default(), &str::to_owned)
    }

    #[test]
    fn records_are_sent_as_in_the_example_and_judged_one_by_one() {
        let example = examples::file("35-collections-create-mixed");
        let account = json!({"Name": "A"}).as_object().unwrap().clone();
        let sent = body("Account", &[account]);
        let expected = &example["request"]["body"];
        assert_eq!(sent["records"][0], expected["records"][0]);
        assert_eq!(sent["allOrNone"], expected["allOrNone"]);
        let [refused, made] = &said("35-collections-create-mixed")[..] else { panic!() };
        assert!(made.success && made.id.as_deref() == Some("003xx000004TmiQAAS"));
        assert!(matches!(code(refused), Some(Error::Refused(refusal))
            if refusal.code == "DUPLICATES_DETECTED"));
        // An id in the verdict on a record that was rolled back is that of nothing.
        let rolled_back = &said("36-collections-all-or-none")[0];
        assert!(!rolled_back.success && rolled_back.id.is_some());
    }

    #[test]
    fn ids_are_deleted_as_in_the_example() {
        let example = examples::file("38-collections-delete");
        let ids = ["001xx000003GYcFAAW", "001xx000003GYcB000"].map(str::to_owned);
        let path = example["request"]["path"].as_str().unwrap();
        assert!(path.ends_with(&delete_path(&ids)), "{path}");
        let [gone, malformed] = &said("38-collections-delete")[..] else { panic!() };
        assert!(gone.success);
        assert!(matches!(code(malformed), Some(Error::Refused(refusal))
            if refusal.code == "MALFORMED_ID"));
    }
}
