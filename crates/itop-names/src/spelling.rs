//! One spelling for all names that are one, for people and databases to compare as text.

use std::{collections::HashMap, fmt::Write as _, sync::LazyLock};

use icu_normalizer::{
    ComposingNormalizer, ComposingNormalizerBorrowed, DecomposingNormalizer,
    DecomposingNormalizerBorrowed,
};

use super::{COLLATOR, as_the_database, fold, private, public, spaced};

/// Where a compressed run of weights ends.
const END_OF_RUN: [u8; 2] = [0x03, 0xFF];

/// The spelling that all names have that are one: without capitals and accents, `ss` for `ß`.
///
/// It is one with the name itself, and made from nothing but what [`fold`] gives, so that names
/// that are one cannot come to two spellings. It is a text, and not what `fold` gives, because
/// people read it, and because a later version of the collation may have other weights for the
/// same letters. Some ideographs come to the radical that looks like them, and what cannot be
/// spelt (`㋿` and some fifty more) to the numbers of its weights.
#[must_use]
pub fn spelling(name: &str) -> String {
    let name = spaced(name);
    // Control characters are passed over.
    if name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_control()) {
        return name.to_ascii_lowercase();
    }
    let key = fold(&name);
    let seen = NFC.normalize(&as_the_database(&name)).into_owned();
    let spelling = LETTERS.spell(&key.0, &seen).map(|text| {
        let text: String = text.chars().map(public).collect();
        NFC.normalize(&text).into_owned()
    });
    // Where several letters have one weight only together.
    spelling.filter(|spelling| fold(spelling) == key).unwrap_or_else(|| {
        key.0.iter().fold("~".to_owned(), |mut text, byte| {
            // Writing to a text cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    })
}

static NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizer::new_nfc();

static NFD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizer::new_nfd();

/// Makes what [`spelling`] looks letters up in, once in a process; gives how many there are. Tens of
/// thousands are looked at: whoever spells the first name that is more than ASCII waits for it.
#[must_use]
pub fn prepare() -> usize {
    LETTERS.by_weight.len()
}

static LETTERS: LazyLock<Letters> = LazyLock::new(Letters::new);

/// The way back from weights to letters.
struct Letters {
    /// The small letter of each weight, unless it is one of the thousands that have a weight of
    /// their own.
    by_weight: HashMap<u32, char>,
    /// First bytes that a sort key does not repeat.
    compressed: [bool; 256],
}

impl Letters {
    fn new() -> Self {
        let mut letters = Self { by_weight: HashMap::new(), compressed: [false; 256] };
        // Neither ideographs nor Hangul, which is made of the letters at U+1100, nor private use.
        let blocks = ['\u{20}'..='\u{33ff}', '\u{a000}'..='\u{abff}', '\u{fb00}'..='\u{fffd}'];
        let small = |c: &char| !c.is_control() && c.to_lowercase().eq([*c]);
        let mut keys: Vec<_> =
            blocks.into_iter().flatten().filter(small).map(|c| (weights(c), c)).collect();
        // A letter before those that are written as several, and before the same with an accent.
        keys.sort_by_key(|(key, c)| {
            (key.len(), !NFD.is_normalized(c.encode_utf8(&mut [0; 4])), *c)
        });
        for (key, c) in keys {
            if !key.is_empty() && letters.spell(&key, "").is_none() {
                letters.add(&key, c);
            }
        }
        letters
    }

    fn add(&mut self, key: &[u8], c: char) {
        let Some(weight) = packed(key) else { return };
        self.by_weight.insert(weight, c);
        let twice = String::from_iter([c, c]);
        let mut key_of_twice = Vec::new();
        let Ok(()) = COLLATOR.write_sort_key_to(&twice, &mut key_of_twice);
        self.compressed[usize::from(key[0])] = key_of_twice.len() < 2 * key.len();
    }

    /// The letters of a sort key. Those with a weight of their own are looked for in `seen`.
    fn spell(&self, key: &[u8], seen: &str) -> Option<String> {
        let mut own: Option<HashMap<u32, char>> = None;
        let mut text = String::new();
        let mut run = None;
        let mut rest = key;
        while let [first, after @ ..] = rest {
            if run.is_some() && END_OF_RUN.contains(first) {
                (run, rest) = (None, after);
                continue;
            }
            let mut weight: Vec<u8> = run.into_iter().collect();
            let letter = rest.iter().enumerate().find_map(|(at, byte)| {
                weight.push(*byte);
                let packed = packed(&weight)?;
                let known = self
                    .by_weight
                    .get(&packed)
                    .or_else(|| own.get_or_insert_with(|| own_weights(seen)).get(&packed))?;
                Some((*known, at + 1))
            });
            let (letter, length) = letter?;
            text.push(letter);
            run = Some(weight[0]).filter(|lead| self.compressed[usize::from(*lead)]);
            rest = &rest[length..];
        }
        Some(text)
    }
}

fn own_weights(seen: &str) -> HashMap<u32, char> {
    let is_own = |c: &char| {
        matches!(c, '\u{3400}'..='\u{9fff}' | '\u{d7b0}'..='\u{faff}') || public(*c) != *c
    };
    seen.chars().filter(is_own).filter_map(|c| Some((packed(&weights(c))?, c))).collect()
}

fn weights(c: char) -> Vec<u8> {
    let mut key = Vec::new();
    let c = private(c).unwrap_or(c);
    let Ok(()) = COLLATOR.write_sort_key_to(c.encode_utf8(&mut [0; 4]), &mut key);
    key
}

/// A weight as a number: it has at most four bytes, none of them zero.
fn packed(weight: &[u8]) -> Option<u32> {
    (weight.len() <= 4)
        .then(|| weight.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{same, tests::name};

    #[test]
    fn a_spelling_can_be_read() {
        for (name, expected) in [
            ("Espace  double", "espace double"),
            (" École\u{a0}Élémentaire\t", "ecole elementaire"),
            ("STRAßE & Cœur", "strasse & coeur"),
            ("l’Eau d'ici, “42”", "l’eau d'ici, “42”"),
            ("Ops 🔥", "ops \u{fffd}"),
            ("Жизнь и Йод", "жизнь и йод"),
            ("東京 カタカナ", "東京 かたかな"),
            ("한국어", "한국어"),
            ("Α-Ω", "α-ω"),
            ("№ 5 ½", "no 5 1⁄2"),
            ("\u{301} a", "a"),
            ("", ""),
        ] {
            assert_eq!(spelling(name), expected, "{name:?}");
            assert_eq!(spelling(expected), expected);
        }
    }

    #[test]
    fn nearly_every_letter_can_be_read() {
        let mut unreadable = 0;
        for c in ('\u{20}'..='\u{ffff}').filter(|c| !c.is_control()) {
            let name = format!("a{c}b");
            let spelling = spelling(&name);
            if spelling.starts_with('~') {
                unreadable += 1;
            } else {
                assert!(same(&spelling, &name), "{c} {spelling}");
            }
        }
        // Japanese dates and the like.
        assert!(unreadable < 60, "{unreadable}");
    }

    fn anything() -> impl Strategy<Value = String> {
        prop_oneof![
            name(),
            "[a-zA-Zà-ÿĀ-ſ ’'.-]{0,8}",
            "[ЖжиЙй\u{306}ёабвa ]{0,6}",
            "[日本カかが한ᄒ豈豈🔥a ]{0,6}",
            "\\PC{0,6}",
        ]
    }

    proptest! {
        #[test]
        fn names_that_are_one_have_one_spelling(a in anything(), b in anything()) {
            prop_assert_eq!(spelling(&a) == spelling(&b), same(&a, &b), "{:?} {:?}", a, b);
            let once = spelling(&a);
            prop_assert_eq!(spelling(&once), once.as_str());
            let unfolded = format!(" {}\u{a0}\u{200b}", a.to_ascii_uppercase());
            prop_assert_eq!(spelling(&unfolded), once);
        }
    }
}
