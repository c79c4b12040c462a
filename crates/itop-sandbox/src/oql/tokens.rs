//! The tokens of OQL.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword, class, alias or attribute: letters, digits and `_` alone, or backquoted.
    Name,
    /// A quoted text, already without its quotes and escapes.
    Text,
    /// Digits, perhaps with a fraction.
    Number,
    /// An operator or a bracket.
    Sign,
}

/// A token and where it stands, counted in characters from 0.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) at: usize,
}

impl Token {
    /// What iTop's parser calls it in its messages.
    pub(super) fn grammar_name(&self) -> String {
        match self.kind {
            Kind::Name if is_keyword(&self.text) => self.text.to_ascii_uppercase(),
            Kind::Name => "NAME".to_owned(),
            Kind::Text => "STRVAL".to_owned(),
            Kind::Number => "NUMVAL".to_owned(),
            Kind::Sign => self.text.clone(),
        }
    }
}

const KEYWORDS: &[&str] = &[
    "SELECT", "FROM", "AS", "JOIN", "ON", "WHERE", "AND", "OR", "NOT", "IN", "LIKE", "BELOW",
    "UNION",
];

/// Whether a name is a word of the language.
pub(super) fn is_keyword(name: &str) -> bool {
    KEYWORDS.iter().any(|word| name.eq_ignore_ascii_case(word))
}

/// Cuts a query into tokens, or says at which character it cannot be.
pub(super) fn cut(oql: &str) -> Result<Vec<Token>, usize> {
    let characters: Vec<char> = oql.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&first) = characters.get(at) {
        let rest = &characters[at..];
        let (kind, text, length) = match first {
            _ if first.is_whitespace() => {
                at += 1;
                continue;
            }
            '\'' | '"' => {
                let (text, length) = quoted_text(rest).ok_or(at)?;
                (Kind::Text, text, length)
            }
            '`' => {
                let name: String = rest[1..].iter().take_while(|c| is_name(**c)).collect();
                let length = name.chars().count() + 2;
                if name.is_empty() || rest.get(length - 1) != Some(&'`') {
                    return Err(at);
                }
                (Kind::Name, name, length)
            }
            _ if first.is_ascii_digit() => {
                let number: String =
                    rest.iter().take_while(|c| c.is_ascii_digit() || **c == '.').collect();
                if number.matches('.').count() > 1 || number.ends_with('.') {
                    return Err(at);
                }
                let length = number.len();
                (Kind::Number, number, length)
            }
            _ if is_name(first) => {
                let name: String = rest.iter().take_while(|c| is_name(**c)).collect();
                let length = name.len();
                (Kind::Name, name, length)
            }
            _ => {
                let two: String = rest.iter().take(2).collect();
                match two.as_str() {
                    "!=" | "<=" | ">=" => (Kind::Sign, two, 2),
                    // SQL's comments begin with signs that are allowed alone.
                    "--" | "/*" => return Err(at),
                    _ if "=<>+-*/(),.".contains(first) => (Kind::Sign, first.to_string(), 1),
                    _ => return Err(at),
                }
            }
        };
        tokens.push(Token { kind, text, at });
        at += length;
    }
    Ok(tokens)
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// A text between quotes of one kind, of which only the quote and the backslash can be escaped, and how many characters it takes.
fn quoted_text(characters: &[char]) -> Option<(String, usize)> {
    let quote = characters.first()?;
    let mut text = String::new();
    let mut at = 1;
    loop {
        match characters.get(at)? {
            '\\' => {
                let escaped = characters.get(at + 1).filter(|c| **c == '\\' || *c == quote)?;
                text.push(*escaped);
                at += 2;
            }
            c if c == quote => return Some((text, at + 1)),
            c => {
                text.push(*c);
                at += 1;
            }
        }
    }
}
