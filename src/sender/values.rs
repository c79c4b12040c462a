//! What an engine says, by the names of its own macros.

use std::{collections::BTreeMap, ffi::OsStr};

use crate::domain::{charset::text_of, placeholder};

/// Values by name. An empty one, or a macro that the engine has not replaced, is none.
#[derive(Clone, Debug, Default)]
pub struct Values(BTreeMap<String, String>);

impl Values {
    /// Adds a value; a later one of the same name takes its place.
    pub fn set(&mut self, name: &str, value: &OsStr) {
        self.0.insert(name.to_ascii_uppercase(), text_of(value.as_encoded_bytes()));
    }

    /// Adds the variables of an environment whose names begin like this, without that.
    pub fn add_environment(
        &mut self,
        prefix: &str,
        variables: impl IntoIterator<Item = (std::ffi::OsString, std::ffi::OsString)>,
    ) {
        for (name, value) in variables {
            if let Some(name) = name.to_str().and_then(|name| name.strip_prefix(prefix)) {
                self.set(name, &value);
            }
        }
    }

    /// A value that says something.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name)?.trim();
        (!value.is_empty() && placeholder::alone(value).is_none()).then_some(value)
    }

    /// The first of these that says something.
    #[must_use]
    pub fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_is_none() {
        let mut values = Values::default();
        for (name, value) in
            [("EMPTY", ""), ("BLANK", "  "), ("MACRO", "$SERVICEDESC$"), ("hostname", " web1 ")]
        {
            values.set(name, OsStr::new(value));
        }
        assert_eq!(values.get("HOSTNAME"), Some("web1"));
        for name in ["EMPTY", "BLANK", "MACRO", "MISSING"] {
            assert_eq!(values.get(name), None, "{name}");
        }
        assert_eq!(values.first(&["MISSING", "EMPTY", "HOSTNAME"]), Some("web1"));
    }

    #[cfg(unix)]
    #[test]
    fn old_alphabets_are_read() {
        use std::os::unix::ffi::OsStrExt as _;

        let mut values = Values::default();
        values.set("OUTPUT", OsStr::from_bytes(b"\xe9t\xe9 \x80"));
        assert_eq!(values.get("OUTPUT"), Some("été €"));
    }
}
