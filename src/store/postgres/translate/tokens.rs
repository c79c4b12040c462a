//! SQL in its words.

use std::ops::Range;

/// The words, signs and texts of a statement, without what is between them.
pub(super) struct Tokens {
    pub(super) tokens: Vec<String>,
    /// Each parameter, with its name where it has one.
    pub(super) parameters: Vec<Option<String>>,
}

/// Signs of more than one character; the longer ones first.
const SIGNS: [&str; 8] = ["->>", "->", "||", "::", "<=", ">=", "<>", "!="];

impl Tokens {
    /// Those of a statement of SQLite; parameters are numbered as PostgreSQL has them.
    pub(super) fn of(sql: &str) -> Self {
        let mut all = Self { tokens: Vec::new(), parameters: Vec::new() };
        let mut rest = sql.trim();
        while let Some(first) = rest.chars().next() {
            let length = length(rest, first);
            let (token, behind) = rest.split_at(length);
            rest = behind.trim_start();
            let token = match first {
                '?' => all.numbered(&token[1..]),
                ':' if token != "::" => all.named(token),
                _ => token.to_owned(),
            };
            all.tokens.push(token);
        }
        all
    }

    /// Those of a piece in which parameters are numbered already.
    pub(super) fn of_translated(sql: &str) -> Vec<String> {
        Self::of(sql).tokens
    }

    /// `?1` is the first; `?` is the one after the highest so far.
    fn numbered(&mut self, number: &str) -> String {
        let number = number.parse().unwrap_or(self.parameters.len() + 1);
        if number > self.parameters.len() {
            self.parameters.resize(number, None);
        }
        format!("${number}")
    }

    fn named(&mut self, name: &str) -> String {
        let known = self.parameters.iter().position(|known| known.as_deref() == Some(name));
        let number = known.unwrap_or_else(|| {
            self.parameters.push(Some(name.to_owned()));
            self.parameters.len() - 1
        });
        format!("${}", number + 1)
    }
}

/// How long the token is with which a text begins.
fn length(rest: &str, first: char) -> usize {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let word = |from: usize| {
        rest[from..].find(|character| !is_word(character)).map_or(rest.len(), |end| from + end)
    };
    if first == '\'' {
        return text(rest);
    }
    if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
        return sign.len();
    }
    match first {
        '?' | ':' | '$' => word(1),
        first if is_word(first) => word(0),
        first => first.len_utf8(),
    }
}

/// How long a text in quotes is, in which two of them are one.
fn text(rest: &str) -> usize {
    let mut end = 1;
    while let Some(quote) = rest[end..].find('\'') {
        end += quote + 1;
        if !rest[end..].starts_with('\'') {
            return end;
        }
        end += 1;
    }
    rest.len()
}

/// Where the bracket ends that begins here.
pub(super) fn closing(tokens: &[String], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.as_str() {
            "(" => depth += 1,
            ")" => {
                depth -= 1;
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    tokens.len() - 1
}

/// What stands between the commas of a bracket.
pub(super) fn parts(tokens: &[String], open: usize) -> Vec<Range<usize>> {
    let end = closing(tokens, open);
    let (mut parts, mut depth, mut from) = (Vec::new(), 0, open + 1);
    for (at, token) in tokens.iter().enumerate().take(end).skip(open + 1) {
        match token.as_str() {
            "(" => depth += 1,
            ")" => depth -= 1,
            "," if depth == 0 => {
                parts.push(from..at);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(from..end);
    parts
}
