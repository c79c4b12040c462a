//! Which iTop it is.

use serde::Serialize;

/// A version of iTop, as its setup wrote it down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Version {
    /// Such as `3.2.0-2`.
    pub text: String,
    /// How finished it is.
    pub stage: Stage,
}

/// How finished a version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It was released.
    Release,
    /// It was built from the sources by somebody.
    Development,
    /// Alpha, beta or release candidate: what its data looks like was never promised.
    Unfinished,
}

impl Version {
    /// Reads what stands in the list of modules.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        let mut words = lower.split(|c: char| !c.is_ascii_alphabetic());
        let is_unfinished = |word: &str| matches!(word, "alpha" | "beta" | "rc");
        let stage = if words.clone().any(is_unfinished) {
            Stage::Unfinished
        } else if words.any(|word| matches!(word, "dev" | "svn")) {
            Stage::Development
        } else {
            Stage::Release
        };
        Self { text: text.to_owned(), stage }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_released_is_told() {
        for (text, stage) in [
            ("3.2.0-2", Stage::Release),
            ("2.7.10", Stage::Release),
            ("3.2.0-dev-svn", Stage::Development),
            ("3.2.0-alpha1", Stage::Unfinished),
            ("3.1.0-beta", Stage::Unfinished),
            ("3.0.0-rc", Stage::Unfinished),
            ("2.7.0RC1", Stage::Unfinished),
            ("3.2.0-source", Stage::Release),
        ] {
            assert_eq!(Version::of(text).stage, stage, "{text}");
        }
    }
}
