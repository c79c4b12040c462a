//! What the parser says of a configuration that it cannot read, without anything that stands in it: a
//! line can hold a secret, and errors end in logs and in what a container has printed.

/// Where it is in the text, and what it is.
pub(crate) fn in_file(text: &str, mut error: toml::de::Error) -> String {
    // With the text it would show the line.
    error.set_input(None);
    let place = error.span().map(|span| {
        let before = text.get(..span.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("line {line}, column {column}: ")
    });
    place.unwrap_or_default() + explained(&error).as_str()
}

/// The same of what does not stand in a file.
pub(super) fn elsewhere(mut error: toml::de::Error) -> String {
    error.set_input(None);
    explained(&error)
}

/// The parser's words and the key; of an unknown key also the nearest valid one.
fn explained(error: &toml::de::Error) -> String {
    let message = error.message();
    // The second line names the key.
    let whole = error.to_string();
    let key = whole.strip_prefix(message).unwrap_or_default().trim();
    let key = if key.is_empty() { String::new() } else { format!(" {key}") };
    // serde's fixed form: unknown field `a`, expected one of `b`, `c`
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let nearest = match (message.starts_with("unknown field"), quoted.as_slice()) {
        (true, [unknown, known @ ..]) => known
            .iter()
            .map(|known| (strsim::jaro_winkler(unknown, known), known))
            .max_by(|(a, _), (b, _)| a.total_cmp(b))
            .filter(|(likeness, _)| *likeness > 0.7)
            .map(|(_, known)| format!("\nDid you mean `{known}`?")),
        _ => None,
    };
    format!("{}{key}{}", without_value(message), nearest.unwrap_or_default())
}

/// serde quotes what it found, in fixed forms: `invalid type: string "…", expected …`, and likewise
/// `invalid value` and `unknown variant`. An unknown field is a key, and stays.
fn without_value(message: &str) -> String {
    // What was found may itself say this; what is expected never does.
    let Some((found, expected)) = message.rsplit_once(", expected ") else {
        return message.to_owned();
    };
    let kept = match found {
        found if found.starts_with("unknown variant") => "unknown word",
        found if found.starts_with("invalid ") => found.split(['`', '"']).next().unwrap_or(found),
        found => found,
    };
    format!("{}, expected {expected}", kept.trim_end())
}
