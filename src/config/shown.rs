//! A configuration as it may be shown: each key beside its default, secrets as words that say that
//! there is one.

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Config, ItopSection, load};
use crate::secret::SET;

/// A key of a configuration.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "ConfigurationKey")]
pub struct Key {
    /// With its section, such as `server.listen`.
    pub key: String,
    /// Its value; of a secret `set`, null where there is none.
    pub value: Value,
    /// What it is when nothing names it.
    pub default: Value,
    /// Whether the two differ.
    pub changed: bool,
}

/// What stands in the place of a text that must not be seen; of none nothing.
pub(super) fn is_set<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(if text.is_empty() { "" } else { SET })
}

/// All keys of a configuration, section by section.
#[must_use]
pub fn keys(config: &Config) -> Vec<Key> {
    // A section that need not be there has its own defaults where it is.
    let mut defaults =
        Config { itop: config.itop.as_ref().map(|_| ItopSection::default()), ..Config::default() };
    // Loading sets it where nothing else does.
    defaults.store.path = load::usual_database().unwrap_or_default();
    let mut keys = Vec::new();
    // Neither has a part that JSON could not take.
    let (values, defaults) = (serde_json::to_value(config), serde_json::to_value(&defaults));
    if let (Ok(values), Ok(defaults)) = (values, defaults) {
        collect("", &values, &defaults, &mut keys);
    }
    keys
}

fn collect(path: &str, value: &Value, default: &Value, keys: &mut Vec<Key>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                let path = if path.is_empty() { name.clone() } else { [path, name].join(".") };
                collect(&path, value, default.get(name).unwrap_or(&Value::Null), keys);
            }
        }
        value => keys.push(Key {
            key: path.to_owned(),
            value: value.clone(),
            default: default.clone(),
            changed: value != default,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::{
        config::{Period, Scope, Token},
        secret::Secret,
    };

    #[test]
    fn secrets_are_not_shown_and_what_differs_is() {
        let itop = ItopSection {
            password: Some(Secret::new("pass-word".to_owned())),
            user: "bridge".to_owned(),
            ..ItopSection::default()
        };
        let mut config = Config { itop: Some(itop), ..Config::default() };
        config.delivery.settle = Period::seconds(90);
        config.ticket.fields = BTreeMap::from([("origin".to_owned(), "monitoring".to_owned())]);
        config.auth.tokens = vec![Token {
            name: "servicenav".to_owned(),
            hash: "sha256:0123".to_owned(),
            scopes: vec![Scope::Ingest],
            signing_secret: Some(Secret::new("whsec_pass-word".to_owned())),
            ..Token::default()
        }];
        config.store.path = load::usual_database().unwrap_or_default();
        let keys = keys(&config);
        let changed: Vec<_> = keys.iter().filter(|key| key.changed).collect();
        let names: Vec<_> = changed.iter().map(|key| key.key.as_str()).collect();
        let expected = [
            "auth.tokens",
            "itop.user",
            "itop.password",
            "delivery.settle",
            "ticket.fields.origin",
        ];
        assert_eq!(names, expected);
        let of = |name: &str| keys.iter().find(|key| key.key == name).unwrap();
        assert_eq!(
            (&of("itop.password").value, &of("itop.password").default),
            (&json!("set"), &Value::Null)
        );
        assert_eq!(of("itop.token").value, Value::Null);
        assert_eq!(
            (&of("delivery.settle").value, &of("delivery.settle").default),
            (&json!("90s"), &json!("30s"))
        );
        assert_eq!(of("auth.tokens").value[0]["hash"], "set");
        assert_eq!(of("auth.tokens").value[0]["signing_secret"], "set");
        assert_eq!(of("server.listen").value, "127.0.0.1:8080");
        let all = serde_json::to_string(&keys).unwrap();
        assert!(!all.contains("pass-word") && !all.contains("0123"), "{all}");
    }
}
