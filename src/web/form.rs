//! Events as forms: what `curl --data-urlencode` sends, and what a tool sends that can fill in fields but
//! write no JSON.

use std::borrow::Cow;

use percent_encoding::percent_decode;
use serde_json::{Map, Value};

use crate::domain::{
    charset::text_of,
    dotted::{self, DottedError},
};

/// The event of a form. Each value is a text; an empty one is as good as none.
pub(super) fn event(form: &[u8]) -> Result<Map<String, Value>, DottedError> {
    let pairs = form.split(|byte| *byte == b'&').filter(|pair| !pair.trim_ascii().is_empty());
    dotted::object(pairs.map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        (plain(&pair[..at]), plain(pair.get(at + 1..).unwrap_or_default()))
    }))
}

fn plain(encoded: &[u8]) -> String {
    let spaced: Vec<_> =
        encoded.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let bytes: Cow<'_, [u8]> = percent_decode(&spaced).into();
    text_of(&bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_and_values_are_decoded() {
        let form = b"company.name=Demo+%26+co&control.output=50%25+%2B1%0Atwo%F0%9F%98%80&\
            acknowledgement.comment=caf\xe9+%E9+\x80&team=&ticket.new";
        assert_eq!(
            Value::Object(event(form).unwrap()),
            json!({
                "company": {"name": "Demo & co"}, "control": {"output": "50% +1\ntwo😀"},
                "acknowledgement": {"comment": "café é €"}, "team": "", "ticket": {"new": ""},
            })
        );
        assert!(event(b"control=a&control.id=b").is_err());
        assert!(event(b"").unwrap().is_empty());
    }
}
