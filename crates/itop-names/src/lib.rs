//! When two names are one: as the database of iTop has it.
//!
//! iTop's names compare as `utf8mb4_unicode_ci` (ITOP.md, "What must hold can stand in the
//! write"): case, accents, ligatures and composition do not matter, punctuation does. The primary
//! weights of Unicode's own collation say the same, but for some quotation marks and letters that
//! the database was seen to tell apart (`ø` and `o`, `æ` and `ae`): they are apart here too.
//!
//! Names that people type have white space of all kinds in places where nobody sees it: beyond
//! what the database does, a run of it counts as one space, and none at either end.

mod spelling;
mod words;

pub use spelling::{prepare, spelling};
pub use words::{search_words, searchable};

use std::{borrow::Cow, cmp::Ordering};

use icu_collator::{
    CollatorBorrowed,
    options::{CollatorOptions, Strength},
};

/// Of no language in particular.
static COLLATOR: CollatorBorrowed<'static> = {
    let mut options = CollatorOptions::default();
    options.strength = Some(Strength::Primary);
    CollatorBorrowed::new_root(options)
};

/// What a name comes to once all that does not matter is left out: equal for two names exactly if
/// they are [`same`].
///
/// Good for as long as the process runs: another version of the collation may have other bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FoldedName(Box<[u8]>);

/// Folds a name, to look it up among many.
#[must_use]
pub fn fold(name: &str) -> FoldedName {
    let mut key = Vec::with_capacity(name.len() + 8);
    let Ok(()) = COLLATOR.write_sort_key_to(&as_the_database(&spaced(name)), &mut key);
    FoldedName(key.into_boxed_slice())
}

/// Whether two names are one. Of many names most differ in a letter of ASCII, and cost next to
/// nothing.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let (a, b) = (spaced(a), spaced(b));
    if differ_in_ascii(a.bytes(), b.bytes()) || differ_in_ascii(a.bytes().rev(), b.bytes().rev()) {
        return false;
    }
    COLLATOR.compare(&as_the_database(&a), &as_the_database(&b)) == Ordering::Equal
}

/// Whether a name has white space only where people see it, so that iTop's database can look for it
/// as it stands.
#[must_use]
pub fn is_plain(name: &str) -> bool {
    !name.is_empty() && spaced(name) == name
}

/// Whether the first letters in which two names differ are both ASCII, before which all are:
/// whatever follows makes no other letter of one.
fn differ_in_ascii(a: impl Iterator<Item = u8>, b: impl Iterator<Item = u8>) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    a.zip(b)
        .find(|(a, b)| !plain(*a) || !plain(*b) || !a.eq_ignore_ascii_case(b))
        .is_some_and(|(a, b)| plain(a) && plain(b))
}

/// How the database of iTop orders two texts, white space included: only spaces at the end do not
/// count there.
#[must_use]
pub fn compare_as_itop(a: &str, b: &str) -> Ordering {
    let end = |text| str::trim_end_matches(text, |c: char| c.is_whitespace() && !c.is_control());
    let (a, b) = (end(a), end(b));
    // Of letters and digits alone ASCII has the order of the collation.
    let simple = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if simple(a) && simple(b) {
        let lower = |byte: u8| byte.to_ascii_lowercase();
        return a.bytes().map(lower).cmp(b.bytes().map(lower));
    }
    COLLATOR.compare(&as_the_database(a), &as_the_database(b))
}

/// Runs of white space as one space, none at the ends.
fn spaced(name: &str) -> Cow<'_, str> {
    let mut after_space = true;
    let as_it_is = name.chars().all(|c| {
        let fits = if after_space { !c.is_whitespace() && !is_nothing(c) } else { !is_break(c) };
        after_space = c == ' ';
        fits
    });
    if as_it_is && !after_space {
        return Cow::Borrowed(name);
    }
    let mut spaced = String::with_capacity(name.len());
    let mut pending = false;
    for c in name.chars() {
        if c.is_whitespace() {
            pending = !spaced.is_empty();
        } else if (pending || spaced.is_empty()) && is_nothing(c) {
            // It would keep two spaces apart that look like one.
        } else {
            if std::mem::take(&mut pending) {
                spaced.push(' ');
            }
            spaced.push(c);
        }
    }
    Cow::Owned(spaced)
}

/// White space that is not a space.
fn is_break(c: char) -> bool {
    c != ' ' && c.is_whitespace()
}

/// Whether the collation passes over a character: zero width, an accent, a control character.
fn is_nothing(c: char) -> bool {
    if c < FIRST_ACCENT {
        return c.is_control() || c == '\u{ad}';
    }
    COLLATOR.compare(&as_the_database(c.encode_utf8(&mut [0; 4])), "") == Ordering::Equal
}

/// The first accent that is put on the letter before it.
const FIRST_ACCENT: char = '\u{300}';

/// Where the database differs from today's collation: it gives all characters beyond the first
/// plane, such as emoji, one weight, and each quotation mark and letter with a stroke its own.
fn as_the_database(text: &str) -> Cow<'_, str> {
    let differs = |c| c >= '\u{10000}' || private(c).is_some();
    if text.is_ascii() || !text.contains(differs) {
        return Cow::Borrowed(text);
    }
    let seen = |c| match c {
        '\u{10000}'.. => char::REPLACEMENT_CHARACTER,
        other => private(other).unwrap_or(other),
    };
    Cow::Owned(text.chars().map(seen).collect())
}

/// Characters that today's collation takes for others, such as `'`, `"` and `o`, and characters for
/// private use, which are like no other. The first of those that share one is how it is spelt.
const APART: [(char, char); 22] = [
    ('‘', '\u{e018}'),
    ('’', '\u{e019}'),
    ('‚', '\u{e01a}'),
    ('‛', '\u{e01b}'),
    ('“', '\u{e01c}'),
    ('”', '\u{e01d}'),
    ('„', '\u{e01e}'),
    ('‟', '\u{e01f}'),
    ('ø', '\u{e020}'),
    ('Ø', '\u{e020}'),
    ('ǿ', '\u{e020}'),
    ('Ǿ', '\u{e020}'),
    ('ł', '\u{e021}'),
    ('Ł', '\u{e021}'),
    ('đ', '\u{e022}'),
    ('Đ', '\u{e022}'),
    ('ħ', '\u{e023}'),
    ('Ħ', '\u{e023}'),
    ('æ', '\u{e024}'),
    ('Æ', '\u{e024}'),
    ('ǽ', '\u{e024}'),
    ('Ǽ', '\u{e024}'),
];

fn private(c: char) -> Option<char> {
    APART.iter().find(|(known, _)| *known == c).map(|(_, private)| *private)
}

/// What such a character stands for; any other one as it is.
fn public(c: char) -> char {
    APART.iter().find(|(_, private)| *private == c).map_or(c, |(known, _)| *known)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Measured on a real iTop (ITOP.md), and more of the kind.
    const EQUAL: [(&str, &str); 12] = [
        ("Ops", "oPS"),
        ("École Élémentaire", "ecole elementaire"),
        ("straße", "STRASSE"),
        ("cœur", "COEUR"),
        ("caf\u{e9}", "cafe\u{301}"),
        ("a\u{a0}b", "a b"),
        ("a b", "a b   "),
        ("a\u{200b}b", "ab"),
        ("a\u{feff}b", "a\u{200d}b"),
        ("🔥", "😀"),
        ("Ops 🔥", "ops 🧯"),
        ("ΟΔΟΣ", "οδος"),
    ];
    const DIFFERENT: [(&str, &str); 11] = [
        ("l'eau", "l’eau"),
        ("‘a’", "‘a‘"),
        ("\"a\"", "“a”"),
        ("a-b", "ab"),
        ("a-b", "a b"),
        ("a.b", "a,b"),
        ("🔥", ""),
        ("🔥🔥", "🔥"),
        ("1", "01"),
        ("ab", "abc"),
        ("и", "й"),
    ];
    /// The database tells these apart, this does not.
    const WHITE_SPACE: [(&str, &str); 7] = [
        ("  a b", "a b"),
        ("Espace  double", "espace double"),
        ("a\tb", "a b"),
        ("a\r\nb\n", "a b"),
        ("a \u{200b} b", "a b"),
        ("\u{301} a \u{feff}", "a"),
        ("\u{2003}\u{3000}a\u{2028}", "a"),
    ];

    fn ways(a: &str, b: &str) -> [bool; 3] {
        [same(a, b), same(b, a), fold(a) == fold(b)]
    }

    #[test]
    fn names_are_one_where_the_database_takes_them_for_one() {
        for (a, b) in EQUAL {
            assert_eq!(ways(a, b), [true; 3], "{a:?} {b:?}");
            assert_eq!(compare_as_itop(a, b), Ordering::Equal, "{a:?} {b:?}");
        }
        for (a, b) in DIFFERENT {
            assert_eq!(ways(a, b), [false; 3], "{a:?} {b:?}");
            assert_ne!(compare_as_itop(a, b), Ordering::Equal, "{a:?} {b:?}");
        }
    }

    #[test]
    fn white_space_that_nobody_sees_does_not_make_another_name() {
        for (a, b) in WHITE_SPACE {
            assert_eq!(ways(a, b), [true; 3], "{a:?} {b:?}");
            assert_ne!(compare_as_itop(a, b), Ordering::Equal, "{a:?} {b:?}");
        }
    }

    #[test]
    fn what_is_passed_over_is_what_the_collation_passes_over() {
        for c in (char::MIN..='\u{ffff}').filter(|c| !c.is_whitespace()) {
            let nothing = COLLATOR.compare(c.encode_utf8(&mut [0; 4]), "") == Ordering::Equal;
            assert_eq!(is_nothing(c), nothing, "{c:?}");
        }
    }

    #[test]
    fn the_order_is_that_of_a_dictionary() {
        let mut names = ["Zoo", "école", "_b", "Ecole 2", "a 1", "a", "10", "9", "", "été", "B"];
        names.sort_by(|a, b| compare_as_itop(a, b));
        assert_eq!(names, ["", "_b", "10", "9", "a", "a 1", "B", "école", "Ecole 2", "été", "Zoo"]);
    }

    #[test]
    fn what_is_compared_as_ascii_is_what_the_collation_says() {
        let ascii = || (' '..='~').map(String::from);
        for a in ascii() {
            for b in ascii() {
                let [a, b] = [format!("x{a}x"), format!("x{b}x")];
                assert_eq!(ways(&a, &b), [a.eq_ignore_ascii_case(&b); 3], "{a:?} {b:?}");
                assert_eq!(compare_as_itop(&a, &b), COLLATOR.compare(&a, &b), "{a:?} {b:?}");
            }
        }
    }

    /// Names that are one more often than chance would have it, and anything else.
    pub(super) fn name() -> impl Strategy<Value = String> {
        prop_oneof![
            "[ aAàÀbßsSœoe\u{301}\u{a0}\u{200b}\t🔥😀'’-]{0,5}",
            "[a-cA-C1l=<·\u{300}-\u{36f}]{0,4}",
            any::<String>(),
        ]
    }

    proptest! {
        #[test]
        fn being_one_is_the_same_as_folding_alike(a in name(), b in name()) {
            prop_assert_eq!(ways(&a, &a), [true; 3]);
            let one = fold(&a) == fold(&b);
            prop_assert_eq!(ways(&a, &b), [one; 3]);
            prop_assert_eq!(compare_as_itop(&a, &b), compare_as_itop(&b, &a).reverse());
            if compare_as_itop(&a, &b) == Ordering::Equal {
                prop_assert!(one, "{:?} {:?}", a, b);
            }
        }

        #[test]
        fn the_shape_of_a_name_does_not_matter(a in name()) {
            let shouted = format!("\t {} \u{a0}", a.to_ascii_uppercase());
            prop_assert_eq!(ways(&a, &shouted), [true; 3]);
        }
    }
}
