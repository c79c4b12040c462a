//! Words with attributes among them: `{ref}: {title}`.

use serde::Deserialize;

/// Words with attributes among them. `{{` and `}}` are braces.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Words(String),
    Attribute(String),
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (mut pieces, mut words) = (Vec::new(), String::new());
        let mut rest = text.as_str();
        while let Some(at) = rest.find(['{', '}']) {
            words.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                words.push_str(brace);
                rest = after;
                continue;
            }
            let (name, after) = (brace == "{").then(|| rest.split_once('}')).flatten().ok_or(
                "a brace stands alone: an attribute is written {name}, a brace twice: {{ or }}",
            )?;
            let is_code = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if name.is_empty() || !name.bytes().all(is_code) {
                return Err(format!("{{{name}}} is not the code of an attribute"));
            }
            if !words.is_empty() {
                pieces.push(Piece::Words(std::mem::take(&mut words)));
            }
            pieces.push(Piece::Attribute(name.to_owned()));
            rest = after;
        }
        words.push_str(rest);
        if !words.is_empty() {
            pieces.push(Piece::Words(words));
        }
        Ok(Self(pieces))
    }
}

impl Template {
    /// The attributes in it.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Words(_) => None,
            Piece::Attribute(name) => Some(name.as_str()),
        })
    }

    /// The text with each attribute as `value` gives it.
    pub fn filled(&self, value: impl Fn(&str) -> String) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Words(words) => words.clone(),
            Piece::Attribute(name) => value(name),
        };
        self.0.iter().map(piece).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_stand_in_braces_and_braces_twice() {
        let template = Template::try_from("{ref}: {{{title}}}".to_owned()).unwrap();
        assert_eq!(template.attributes().collect::<Vec<_>>(), ["ref", "title"]);
        assert_eq!(template.filled(str::to_uppercase), "REF: {TITLE}");
        for wrong in ["{", "}", "{ref", "{}", "{a b}", "a } b"] {
            assert!(Template::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
