//! Queries: built of fixed pieces, and read to their end page by page.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Client, Error, call::Call};
use crate::outgoing::Use;

/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The most pages that are read of one list: 2,000 records each at most, often fewer.
const MOST_PAGES: usize = 2_000;

/// A text as it stands in a query, with its quotation marks.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\\' | '\'' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            // It can stand in no name, and what a query says of it nobody has written down.
            c if c.is_control() => {}
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// A text as a part of a path.
pub(super) fn in_path(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The path of a query.
pub(super) fn path(query: &str) -> String {
    format!("/query?q={}", in_path(query))
}

/// One page of what a query found.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    pub(super) records: Vec<Value>,
    next_records_url: Option<String>,
}

impl Page {
    pub(super) fn of(json: Value) -> Result<Self, Error> {
        Self::deserialize(json).map_err(|error| Error::NotSalesforce {
            reason: format!("the answer to a query has another form: {error}"),
        })
    }
}

/// What the records hold; one of another form is left out, as one that is not visible is.
pub(super) fn decoded<T: DeserializeOwned>(records: Vec<Value>) -> impl Iterator<Item = T> {
    records.into_iter().filter_map(|record| T::deserialize(record).ok())
}

impl Client {
    /// All that a query finds.
    pub(super) async fn query<T: DeserializeOwned>(
        &self,
        purpose: Use,
        query: &str,
    ) -> Result<Vec<T>, Error> {
        let mut found = Vec::new();
        let mut next = path(query);
        for _ in 0..MOST_PAGES {
            let page = Page::of(self.call(purpose, Call::get(next)).await?)?;
            found.extend(decoded(page.records));
            match page.next_records_url {
                Some(url) if url.starts_with("/services/data/") => next = url,
                Some(_) => {
                    let reason = "the next page of a query is none of the API".to_owned();
                    return Err(Error::NotSalesforce { reason });
                }
                None => return Ok(found),
            }
        }
        let reason = format!("a query has more than {MOST_PAGES} pages");
        Err(Error::NotSalesforce { reason })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::salesforce::{answer, examples::example};

    #[test]
    fn nothing_of_a_text_gets_out_of_its_quotation_marks() {
        assert_eq!(quote(r"O'Neil \ Co"), r"'O\'Neil \\ Co'");
        assert_eq!(quote("a\nb\tc\u{0}"), r"'a\nb\tc'");
        assert_eq!(quote("' OR Name != '"), r"'\' OR Name != \''");
        assert_eq!(path("SELECT Id FROM Case"), "/query?q=SELECT%20Id%20FROM%20Case");
    }

    #[test]
    fn a_page_tells_where_the_next_one_is() {
        let json = answer::read(&example("31-query-page"), answer::Known::default()).unwrap();
        let page = Page::of(json).unwrap();
        assert_eq!(page.records.len(), 1);
        let next = page.next_records_url.unwrap();
        assert_eq!(next, "/services/data/v67.0/query/01gxx0000002HU6KIAW-2000");
        assert!(Page::of(serde_json::json!({"done": true})).is_err());
    }

    proptest! {
        #[test]
        fn a_quoted_text_ends_where_its_quotation_mark_is(text in ".{0,40}") {
            let quoted = quote(&text);
            let mut inner = quoted[1..quoted.len() - 1].chars();
            while let Some(c) = inner.next() {
                prop_assert!(c != '\'' && !c.is_control());
                if c == '\\' {
                    prop_assert!(matches!(inner.next(), Some('\\' | '\'' | 'n' | 'r' | 't')));
                }
            }
        }
    }
}
