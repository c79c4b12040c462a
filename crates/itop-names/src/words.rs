//! Texts as they are searched: word by word, so that the beginning of a word finds it.

use super::spelling;

/// Words of a question at most; the others are left out.
const MOST: usize = 16;

/// A text as it is searched: each word in its one [`spelling`], one space between two.
///
/// A word that cannot be spelt does not keep the others from being found, as it would if the whole
/// text were spelt at once.
#[must_use]
pub fn searchable(text: &str) -> String {
    let mut searchable = String::with_capacity(text.len());
    for word in words(text) {
        if !searchable.is_empty() {
            searchable.push(' ');
        }
        searchable.push_str(&word);
    }
    searchable
}

/// The words of a question, each of which must be a part of a [`searchable`] text.
#[must_use]
pub fn search_words(question: &str) -> Vec<String> {
    words(question).take(MOST).collect()
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split_whitespace().map(spelling).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_word_finds_it_however_it_is_typed() {
        let text =
            searchable("Sauvegarde  École\u{a0}Élémentaire\n㋿ [CRITICAL] Straße 1️⃣ I-000110");
        for found in ["ecol", "ÉLÉM", "strasse", "i-0001", "critical", "sauv ELEM 110"] {
            let words = search_words(found);
            assert!(!words.is_empty());
            assert!(words.iter().all(|word| text.contains(word)), "{found}: {text}");
        }
        for missing in ["ecole-", "110i", "sauvegardes"] {
            assert!(search_words(missing).iter().any(|word| !text.contains(word)), "{missing}");
        }
        assert!(search_words(" \u{200b} \u{301} ").is_empty());
        assert_eq!(search_words(&"a ".repeat(99)).len(), MOST);
    }
}
