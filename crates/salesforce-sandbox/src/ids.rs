//! Record ids: 15 characters that heed case, and 18 that are safe where case is lost.

/// The order of digits is that of their characters, so that ids sort as they were made.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECK: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
/// The two characters that name the server on which an org lives, and one that is reserved.
const POD: &str = "xx0";

/// The id of the `number`-th record with a prefix of three characters; 18 characters.
pub(crate) fn make(prefix: &str, mut number: u64) -> String {
    let mut digits = [b'0'; 9];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[usize::try_from(number % 62).unwrap_or(0)];
        number /= 62;
    }
    let short = format!("{prefix}{POD}{}", String::from_utf8_lossy(&digits));
    format!("{short}{}", check(&short))
}

/// The three characters that say which letters of the first fifteen are capitals.
fn check(short: &str) -> String {
    let of = |chunk: &[u8]| {
        let bits = chunk.iter().enumerate();
        let capital = |(place, byte): (usize, &u8)| usize::from(byte.is_ascii_uppercase()) << place;
        char::from(CHECK[bits.map(capital).sum::<usize>()])
    };
    short.as_bytes().chunks(5).map(of).collect()
}

/// The 18 characters of an id that is given with 15 or 18; none if it is none, or its check
/// characters are wrong.
pub(crate) fn long(text: &str) -> Option<String> {
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let short = match text.len() {
        15 => text,
        18 => &text[..15],
        _ => return None,
    };
    let long = format!("{short}{}", check(short));
    (text.len() == 15 || text == long).then_some(long)
}

/// The first fifteen characters, as messages show an id.
pub(crate) fn short(id: &str) -> &str {
    id.get(..15).unwrap_or(id)
}

/// The first three, which say of which object it is.
pub(crate) fn prefix(id: &str) -> &str {
    id.get(..3).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::{long, make, prefix, short};

    #[test]
    fn check_characters_are_those_of_known_ids() {
        // From the documentation and public fixtures.
        for id in ["001xx000003GYcFAAW", "500xx000000aB1CAAU", "012000000000000AAA"] {
            assert_eq!(long(short(id)).as_deref(), Some(id));
            assert_eq!(long(id).as_deref(), Some(id));
        }
        assert_eq!(long("001xx000003gYcFAAW"), None);
        assert_eq!(long("001xx000003GYc"), None);
        assert_eq!(long("001xx000003GY-F"), None);
    }

    #[test]
    fn ids_sort_as_they_were_made() {
        let ids: Vec<String> = (0..4_000).map(|number| make("500", number)).collect();
        assert!(ids.is_sorted());
        assert!(ids.iter().all(|id| prefix(id) == "500" && long(id).as_ref() == Some(id)));
    }
}
