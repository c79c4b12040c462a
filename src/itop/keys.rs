//! Keys: numbers in iTop, texts everywhere else.

/// Whether iTop can have given this key. It writes each in one way: `007` is none.
#[must_use]
pub fn is_key(text: &str) -> bool {
    number(text) != 0
}

/// A key as a number, for a query; 0, which no object has, for what is no key of iTop: it finds
/// nothing, and nothing of a sender gets into the query.
pub(super) fn number(key: &str) -> u64 {
    let is_number = key.bytes().all(|byte| byte.is_ascii_digit()) && !key.starts_with('0');
    if is_number { key.parse().unwrap_or(0) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_itop_cannot_have_given_is_the_number_of_nothing() {
        assert_eq!([number("1"), number("18446744073709551615")], [1, u64::MAX]);
        for text in ["", "0", "007", "+7", "-7", "7.0", " 7", "٧", "7 OR 1", "18446744073709551616"]
        {
            assert!(!is_key(text) && number(text) == 0, "{text}");
        }
    }
}
