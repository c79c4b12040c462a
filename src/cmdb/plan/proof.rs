//! Whether a CI is what was sent, as it was read back.

use serde_json::{Map, Value};

/// A value that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent<'a> {
    /// The code of the attribute.
    pub attribute: &'a str,
    /// Its value, as it was sent.
    pub value: &'a str,
}

/// A value that iTop holds otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The code of the attribute.
    pub attribute: String,
    /// What was sent.
    pub sent: String,
    /// What iTop has.
    pub found: String,
}

/// The first value that a CI does not have as it was sent.
#[must_use]
pub fn difference<'a>(
    sent: impl IntoIterator<Item = Sent<'a>>,
    fields: &Map<String, Value>,
) -> Option<Difference> {
    sent.into_iter().find_map(|Sent { attribute, value }| {
        let found = match fields.get(attribute) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        (normal(attribute, value) != normal(attribute, &found)).then(|| Difference {
            attribute: attribute.to_owned(),
            sent: value.to_owned(),
            found,
        })
    })
}

/// A value without what iTop does not keep of it: white space around it, the kind of its line ends, and
/// the ways in which it writes nothing.
fn normal(attribute: &str, value: &str) -> String {
    let value = value.replace("\r\n", "\n");
    let value = value.trim();
    let is_nothing = attribute.ends_with("_id") && value == "0" || value == "0000-00-00";
    if is_nothing { String::new() } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_itop_holds_otherwise_is_found() {
        let fields = json!({
            "name": "srv", "org_id": "3", "brand_id": "0", "description": "two\r\nlines ",
            "purchase_date": "", "cpu": 4,
        });
        let fields = fields.as_object().unwrap();
        let sent = |attribute, value| Sent { attribute, value };
        for (attribute, value) in [
            ("name", "srv"),
            ("org_id", "3"),
            ("brand_id", ""),
            ("description", "two\nlines"),
            ("purchase_date", ""),
            ("cpu", "4"),
            ("serialnumber", ""),
        ] {
            assert_eq!(difference([sent(attribute, value)], fields), None, "{attribute}");
        }
        let other = difference([sent("name", "srv"), sent("org_id", "5")], fields).unwrap();
        assert_eq!((&*other.attribute, &*other.found), ("org_id", "3"));
        assert!(difference([sent("name", "SRV")], fields).is_some());
        assert!(difference([sent("serialnumber", "x")], fields).is_some());
    }
}
