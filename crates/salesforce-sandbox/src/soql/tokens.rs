//! The words of a query.

use super::failure::Failure;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name, with its dots.
    Word(String),
    /// Its text, and the same with the escapes of LIKE kept.
    Text {
        plain: String,
        pattern: String,
    },
    /// What begins with a digit or a sign: a number, a date.
    Value(String),
    Symbol(&'static str),
    End,
}

impl Token {
    /// As an error shows it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Word(word) | Self::Value(word) => word.clone(),
            Self::Text { plain, .. } => format!("'{plain}'"),
            Self::Symbol(symbol) => (*symbol).to_owned(),
            Self::End => "<EOF>".to_owned(),
        }
    }
}

const SYMBOLS: [&str; 10] = ["!=", "<>", "<=", ">=", "=", "<", ">", "(", ")", ","];

/// The words with the character at which each begins.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, usize)>, Failure> {
    let letters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    let run = |from: usize, fits: fn(char) -> bool| {
        let end = letters[from..].iter().position(|letter| !fits(*letter));
        end.map_or(letters.len(), |length| from + length)
    };
    while at < letters.len() {
        let letter = letters[at];
        let begin = at;
        if letter.is_whitespace() {
            at += 1;
            continue;
        }
        let token = if letter.is_alphabetic() {
            at = run(at, |letter| letter.is_alphanumeric() || "_.:".contains(letter));
            Token::Word(letters[begin..at].iter().collect())
        } else if letter.is_ascii_digit() || "+-".contains(letter) {
            at = run(at + 1, |letter| letter.is_ascii_alphanumeric() || ".:+-".contains(letter));
            Token::Value(letters[begin..at].iter().collect())
        } else if letter == '\'' {
            let (token, end) = quoted(&letters, at)?;
            at = end;
            token
        } else {
            let fits = |symbol: &&&str| {
                symbol.chars().enumerate().all(|(place, own)| letters.get(at + place) == Some(&own))
            };
            let Some(symbol) = SYMBOLS.iter().find(fits) else {
                return Err(Failure::unexpected(at, &letter.to_string()));
            };
            at += symbol.len();
            Token::Symbol(symbol)
        };
        tokens.push((token, begin));
    }
    tokens.push((Token::End, letters.len()));
    Ok(tokens)
}

/// A text in quotes, from the one that opens it.
fn quoted(letters: &[char], begin: usize) -> Result<(Token, usize), Failure> {
    let (mut plain, mut pattern) = (String::new(), String::new());
    let mut at = begin + 1;
    loop {
        match letters.get(at) {
            None => return Err(Failure::malformed(begin, "unexpected char: 0xFFFF")),
            Some('\'') => break,
            Some('\\') => {
                let escaped = letters.get(at + 1).copied().unwrap_or(' ');
                let letter = match escaped {
                    'n' | 'N' => '\n',
                    'r' | 'R' => '\r',
                    't' | 'T' => '\t',
                    'b' | 'B' => '\u{8}',
                    'f' | 'F' => '\u{c}',
                    '"' | '\'' | '\\' | '_' | '%' => escaped,
                    'u' => {
                        let digits: String = letters.iter().skip(at + 2).take(4).collect();
                        at += 4;
                        let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                        code.ok_or_else(|| illegal(at, &digits))?
                    }
                    _ => return Err(illegal(at, &escaped.to_string())),
                };
                if "_%\\".contains(escaped) {
                    pattern.push('\\');
                }
                pattern.push(letter);
                plain.push(letter);
                at += 2;
            }
            Some(letter) => {
                plain.push(*letter);
                pattern.push(*letter);
                at += 1;
            }
        }
    }
    if plain.chars().count() > 4_000 {
        return Err(Failure::malformed(begin, "string literal too long: maximum 4000 characters"));
    }
    Ok((Token::Text { plain, pattern }, at + 1))
}

fn illegal(at: usize, what: &str) -> Failure {
    Failure::malformed(at, format!("Invalid string literal: illegal character sequence '\\{what}'"))
}
