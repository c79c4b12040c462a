//! Macros that nobody has replaced: `$HOSTNAME$` of Nagios, `{HOST.ID}` of Zabbix, `%s`. An event
//! whose control is called `$SERVICEID$` is of any control, and would go into another one's ticket.

/// What programs write for an id that they do not have.
const NOTHING: [&str; 10] = [
    "undefined",
    "null",
    "(null)",
    "none",
    "nil",
    "<nil>",
    "nan",
    "<no value>",
    "*unknown*",
    "[object object]",
];

/// The first macro of a text that says nothing else: what stands between its macros has no letter
/// and no digit.
#[must_use]
pub fn alone(text: &str) -> Option<&str> {
    let mut first = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = length(rest);
        if let Some(length) = length {
            first = first.or(Some(&rest[..length]));
        } else if c.is_alphanumeric() {
            return None;
        }
        rest = &rest[length.unwrap_or(c.len_utf8())..];
    }
    first
}

/// The first macro that stands in an id by itself, or the id where it is a word for none. A macro that
/// touches a letter or a digit is none: `MSSQL$PROD$2` and `50%25` are ids.
#[must_use]
pub fn in_id(id: &str) -> Option<&str> {
    let id = id.trim();
    if NOTHING.iter().any(|word| word.eq_ignore_ascii_case(id)) {
        return Some(id);
    }
    // Of nearly all ids this is all.
    memchr::memchr3(b'$', b'{', b'%', id.as_bytes())?;
    let mut before = None;
    let mut rest = id;
    while let Some(c) = rest.chars().next() {
        let touches = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        if let Some(length) = length(rest).filter(|_| !touches(before)) {
            let (found, after) = rest.split_at(length);
            if !touches(after.chars().next()) {
                return Some(found);
            }
        }
        before = Some(c);
        rest = &rest[c.len_utf8()..];
    }
    None
}

/// The length of the macro that a text begins with, in bytes.
fn length(text: &str) -> Option<usize> {
    match text.as_bytes() {
        [b'$', b'{', ..] => in_braces(&text[1..]).map(|length| length + 1),
        [b'$', ..] => ended(text, 1, is_name, "$"),
        [b'{', ..] => in_braces(text),
        [b'%', b'(', ..] => ended(text, 2, is_name, ")s"),
        [b'%', b's' | b'd' | b'i' | b'u' | b'f', ..]
            if !text[2..].starts_with(char::is_alphanumeric) =>
        {
            Some(2)
        }
        // Two capitals and a sign of per cent can be an encoded character.
        [b'%', ..] => {
            let is_capital = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            ended(text, 1, is_capital, "%").filter(|length| *length > 4)
        }
        _ => None,
    }
}

/// `{NAME}`, `{$NAME}`, `{#NAME}`, `{0}`, `{}` and `{{ any }}`; never a `{GUID}`, which has hyphens.
fn in_braces(text: &str) -> Option<usize> {
    if text.starts_with("{{") {
        return ended(text, 2, |c| c != '{' && c != '}' && !c.is_control(), "}}");
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let begin = 1 + usize::from(text[1..].starts_with(['$', '#', '?']));
    if text[begin..].starts_with('}') {
        return Some(begin + 1);
    }
    ended(text, begin, is_name, "}")
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-')
}

/// The length of what begins with `begin` bytes, goes on with one or more of such characters, and
/// ends with `end`.
fn ended(text: &str, begin: usize, is_inside: impl Fn(char) -> bool, end: &str) -> Option<usize> {
    let inside = &text[begin..];
    let length = inside.find(|c| !is_inside(c)).unwrap_or(inside.len());
    let starts_well = !inside.starts_with(|c: char| c.is_ascii_digit()) || text.starts_with('{');
    (length > 0 && starts_well && inside[length..].starts_with(end))
        .then(|| begin + length + end.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MACROS: [&str; 16] = [
        "$HOSTNAME$",
        "$SERVICEDESC$",
        "$_HOSTSNMP-ID$",
        "$HOSTSTATE:web1$",
        "$host.name$",
        "${HOST}",
        "{HOST.ID}",
        "{EVENT.ID}",
        "{$USER}",
        "{#IFNAME}",
        "{}",
        "{0}",
        "{{ host.id }}",
        "%s",
        "%HOSTNAME%",
        "%(name)s",
    ];

    #[test]
    fn what_only_looks_like_a_macro_is_none() {
        for id in [
            "svc-48213",
            "MSSQL$PROD:SQLAgent$PROD",
            "MSSQL$PROD$2",
            "ADMIN$IPC$",
            "C$ and D$",
            "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}",
            "node{eth0}",
            "web1/caf%C3%A9",
            "%C3%",
            "100%",
            "50%s",
            "a%20b%20c",
            "$$",
            "$1.50$",
            "nullmailer",
            "{\"a\":1}",
            "",
        ] {
            assert_eq!(in_id(id), None, "{id}");
            assert_eq!(alone(id), None, "{id}");
        }
        for text in ["[$SERVICESTATE$] down", "disk {0} is full", "$HOSTNAME$é"] {
            assert_eq!(alone(text), None, "{text}");
        }
    }

    #[test]
    fn words_for_nothing_are_no_ids_and_may_be_names() {
        for word in ["undefined", "NULL", "None", " nil ", "[object Object]", "*UNKNOWN*"] {
            assert_eq!(in_id(word), Some(word.trim()));
            assert_eq!(alone(word), None);
        }
    }

    proptest! {
        #[test]
        fn a_macro_is_found_wherever_it_stands_by_itself(
            which in 0..MACROS.len(), before in "([a-z0-9]{0,9}[-:/ ])?", after in "([-:/ ][a-z0-9]{0,9})?",
        ) {
            let found = MACROS[which];
            let id = format!("{before}{found}{after}");
            prop_assert_eq!(in_id(&id), Some(found));
            let text = format!(" [{found}] – {found}");
            prop_assert_eq!(alone(&text), Some(found));
        }

        #[test]
        fn no_text_breaks_it(text in any::<String>(), nasty in "[$%{}()sA-C#. é]{0,12}") {
            for text in [&text, &nasty] {
                for found in [alone(text), in_id(text)].into_iter().flatten() {
                    prop_assert!(text.contains(found));
                }
            }
        }

        #[test]
        fn plain_text_is_never_one(text in "[a-zA-Z0-9 .:/_-]{1,40}") {
            prop_assert_eq!(alone(&text), None);
            let is_word = NOTHING.iter().any(|word| word.eq_ignore_ascii_case(text.trim()));
            prop_assert_eq!(in_id(&text).is_some(), is_word);
        }
    }
}
