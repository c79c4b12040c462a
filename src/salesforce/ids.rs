//! Ids: 15 characters that tell capitals from small letters, or the same with three more that let them
//! survive where nothing does.

/// Whether Salesforce can have given this id. Of 18 characters the last three must fit the others.
#[must_use]
pub fn is_id(text: &str) -> bool {
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return false;
    }
    match text.len() {
        15 => true,
        18 => check(&text[..15]) == text[15..],
        _ => false,
    }
}

/// Whether two ids are those of one record.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    is_id(one) && is_id(other) && one[..15] == other[..15]
}

/// The three characters behind an id: each tells which of five characters are capitals.
fn check(id: &str) -> String {
    const CHARACTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    let of_five = |five: &[u8]| {
        let capitals = five.iter().enumerate().filter(|(_, byte)| byte.is_ascii_uppercase());
        let bits = capitals.fold(0, |bits, (place, _)| bits | 1 << place);
        char::from(CHARACTERS[bits])
    };
    id.as_bytes().chunks(5).map(of_five).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_told_from_what_only_looks_like_one() {
        // The pair that Salesforce's own documents show, and one without capitals.
        assert!(is_id("001D000000IRFmaIAH") && is_id("001D000000IRFma"));
        assert!(is_id("0015000000M4JdhAAF") && is_id("012000000000000AAA"));
        assert!(!is_id("0015000000M4JdhAAA"), "a wrong check");
        for none in ["", "500", "500xx000000aB1C'", "500xx000000aB1-", "500xx000000aB1é", "12"] {
            assert!(!is_id(none), "{none}");
        }
        assert!(is_same("0015000000M4Jdh", "0015000000M4JdhAAF"));
        assert!(!is_same("0015000000M4Jdh", "0015000000m4Jdh"));
    }
}
