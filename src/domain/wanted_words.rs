//! Searching as people type: some words, in any order, whatever their case and accents.

use super::names::{search_words, searchable};

/// The words that are looked for. Without one all is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedWords(Vec<String>);

impl WantedWords {
    /// The words of what was typed.
    #[must_use]
    pub fn of(typed: &str) -> Self {
        Self(search_words(typed))
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Which of them stand in none of these texts.
    #[must_use]
    pub fn missing_in<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut missing = self.clone();
        for text in texts {
            if missing.is_empty() {
                break;
            }
            let text = searchable(text);
            missing.0.retain(|word| !text.contains(word.as_str()));
        }
        missing
    }

    /// Whether all of them may stand in the strings of a JSON text: a look that costs little before
    /// one that reads it.
    #[must_use]
    pub fn may_stand_in(&self, json: &str) -> bool {
        // What is escaped, or has accents, is written otherwise than it is looked for.
        if !json.is_ascii() || json.contains('\\') || !self.0.iter().all(|word| word.is_ascii()) {
            return true;
        }
        let json = json.to_ascii_lowercase();
        self.0.iter().all(|word| json.contains(word.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_stands_in_some_text() {
        let texts = ["École du Parc", "Disk /srv", "nas-02"];
        for (typed, is_found) in [
            ("", true),
            ("  ", true),
            ("ecole", true),
            ("ÉCOLE nas", true),
            ("SRV parc", true),
            ("nas-02 disk", true),
            ("nas-03", false),
            ("parcdisk", false),
            ("ecole lyon", false),
            ("%", false),
            ("_", false),
        ] {
            assert_eq!(WantedWords::of(typed).missing_in(texts).is_empty(), is_found, "{typed}");
        }
    }

    #[test]
    fn the_quick_look_leaves_nothing_out() {
        let wanted = WantedWords::of("Nas-02 école");
        assert!(wanted.may_stand_in(r#"{"name": "\u006eas-02"}"#));
        assert!(wanted.may_stand_in(r#"{"name": "NAS-02 École"}"#));
        let ascii = WantedWords::of("NAS-02");
        assert!(ascii.may_stand_in(r#"{"name": "nas-02"}"#));
        assert!(!ascii.may_stand_in(r#"{"name": "nas-03"}"#));
    }
}
