//! What is there: by keys, by ids, and whatever a query finds.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Fields;
use crate::{
    outgoing::Use,
    salesforce::{Client, Error, call::Call, soql},
};

/// How many records are read by their ids at once.
pub const READ_AT_ONCE: usize = 2_000;

/// How many keys one question names, and how long they may be in its address, which has 16,384 bytes at most.
const KEYS_AT_ONCE: usize = 200;
const LONGEST_KEYS: usize = 12_000;

impl Client {
    /// The ids of the records of an object that have one of these keys, by key.
    pub async fn by_keys(
        &self,
        object: &str,
        field: &str,
        keys: &[String],
    ) -> Result<HashMap<String, String>, Error> {
        let mut found = HashMap::new();
        for named in questions(keys) {
            let query = format!("SELECT Id, {field} FROM {object} WHERE {field} IN ({named})");
            for record in self.records(&query).await? {
                let text = |name: &str| record.get(name).and_then(Value::as_str);
                if let Some((key, id)) = text(field).zip(text("Id")) {
                    found.insert(key.to_owned(), id.to_owned());
                }
            }
        }
        Ok(found)
    }

    /// These fields of the records with these ids, at most [`READ_AT_ONCE`], in their places; none of those that
    /// are not there, or not for the user of the bridge.
    pub async fn read_many(
        &self,
        object: &str,
        ids: &[String],
        fields: &[String],
    ) -> Result<Vec<Option<Fields>>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let body = json!({"ids": ids, "fields": fields});
        let call = Call::post(format!("/composite/sobjects/{object}"), body);
        let records = read(self.call(Use::List, call).await?)?;
        if records.len() != ids.len() {
            let reason = format!("{} records for {} ids", records.len(), ids.len());
            return Err(Error::NoClearAnswer { reason });
        }
        Ok(records)
    }

    /// All records that a query finds, page by page.
    pub async fn records(&self, query: &str) -> Result<Vec<Fields>, Error> {
        self.query(Use::List, query).await
    }

    /// How many records a query of the form `SELECT COUNT() FROM …` counts.
    pub async fn count(&self, query: &str) -> Result<u64, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Counted {
            total_size: u64,
        }
        let json = self.call(Use::Read, Call::get(soql::path(query))).await?;
        let counted = Counted::deserialize(json).map_err(|error| Error::NotSalesforce {
            reason: format!("the answer to a count has another form: {error}"),
        })?;
        Ok(counted.total_size)
    }
}

/// A text as it stands in a query.
#[must_use]
pub fn quoted(text: &str) -> String {
    soql::quote(text)
}

fn read(json: Value) -> Result<Vec<Option<Fields>>, Error> {
    let mut records =
        Vec::<Option<Fields>>::deserialize(json).map_err(|error| Error::NotSalesforce {
            reason: format!("the answer to a read by ids has another form: {error}"),
        })?;
    for record in records.iter_mut().flatten() {
        record.remove("attributes");
    }
    Ok(records)
}

/// The keys as lists of quoted texts, each short enough for one address.
fn questions(keys: &[String]) -> Vec<String> {
    let mut questions = Vec::new();
    let (mut named, mut count, mut length) = (String::new(), 0, 0);
    for key in keys {
        let quoted = soql::quote(key);
        let long = soql::in_path(&quoted).len() + 3;
        if count == KEYS_AT_ONCE || count > 0 && length + long > LONGEST_KEYS {
            questions.push(std::mem::take(&mut named));
            (count, length) = (0, 0);
        }
        if count > 0 {
            named.push(',');
        }
        named.push_str(&quoted);
        (count, length) = (count + 1, length + long);
    }
    if count > 0 {
        questions.push(named);
    }
    questions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::salesforce::{answer, examples};

    #[test]
    fn records_are_read_in_their_places_as_in_the_example() {
        let json =
            answer::read(&examples::example("37-collections-retrieve"), answer::Known::default());
        let records = read(json.unwrap()).unwrap();
        let [Some(there), None] = &records[..] else { panic!("{records:?}") };
        assert_eq!(there["Status"], "Working");
        assert!(!there.contains_key("attributes"));
    }

    #[test]
    fn no_question_is_longer_than_an_address() {
        let keys: Vec<_> = (0..450).map(|n| format!("Incident::{n}")).collect();
        let asked = questions(&keys);
        let counts: Vec<_> = asked.iter().map(|named| named.split(',').count()).collect();
        assert_eq!(counts, [200, 200, 50]);
        assert!(asked[0].starts_with("'Incident::0','Incident::1',"));
        let long: Vec<_> = (0..100).map(|n| format!("{n}{}", "é".repeat(100))).collect();
        let asked = questions(&long);
        assert!(asked.iter().all(|named| soql::in_path(named).len() <= LONGEST_KEYS));
        assert_eq!(asked.iter().map(|named| named.split(',').count()).sum::<usize>(), 100);
        assert!(questions(&[]).is_empty());
    }
}
