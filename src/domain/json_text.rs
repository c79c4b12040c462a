//! JSON that a shell has glued together from what a plugin printed.

/// Where a look at a text stands.
#[derive(Default)]
struct Quotes {
    in_string: bool,
    escaped: bool,
}

impl Quotes {
    /// Goes on by one character; whether that is one of a string, its quotation marks included.
    fn hold(&mut self, c: char) -> bool {
        let was_inside = self.in_string;
        if c == '"' && !self.escaped {
            self.in_string = !self.in_string;
        }
        self.escaped = was_inside && c == '\\' && !self.escaped;
        was_inside || self.in_string
    }
}

/// The text with a space for each control character inside its strings, which JSON does not allow
/// there; `None` if there is none. Each byte keeps its place.
#[must_use]
pub fn without_raw_controls(text: &str) -> Option<String> {
    let mut quotes = Quotes::default();
    let mut changed = false;
    let spaced = text.chars().map(|c| {
        let is_raw = quotes.hold(c) && c < ' ';
        changed |= is_raw;
        if is_raw { ' ' } else { c }
    });
    let spaced: String = spaced.collect();
    changed.then_some(spaced)
}

/// What stands before a mistake, as JSON: up to the last comma there, with all that is open closed.
#[must_use]
pub fn before_mistake(text: &str, mistake: &serde_json::Error) -> Option<String> {
    let lines = text.split_inclusive('\n').take(mistake.line().saturating_sub(1));
    // The character at which it was noticed is no part of it.
    let at = (lines.map(str::len).sum::<usize>() + mistake.column()).saturating_sub(1);
    let mut quotes = Quotes::default();
    let (mut open, mut good) = (Vec::new(), None);
    for (at, c) in text[..text.floor_char_boundary(at)].char_indices() {
        match c {
            _ if quotes.hold(c) => {}
            '{' => open.push('}'),
            '[' => open.push(']'),
            '}' | ']' => {
                open.pop();
            }
            ',' => good = Some((at, open.clone())),
            _ => {}
        }
    }
    let (at, open) = good?;
    Some(text[..at].chars().chain(open.into_iter().rev()).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_a_plugin_printed_is_read_on_one_line() {
        let glued = "{\n\t\"output\": \"97 jobs\nwaiting\t\u{1b}[0m\", \"path\": \"C:\\\\\"\r\n}";
        let read = without_raw_controls(glued).unwrap();
        assert_eq!(read.len(), glued.len());
        let read: Value = serde_json::from_str(&read).unwrap();
        assert_eq!(read, json!({"output": "97 jobs waiting  [0m", "path": "C:\\"}));
        // White space between members is no part of a text.
        assert_eq!(without_raw_controls("{\n\"a\":\t\"\\n\"}"), None);
    }

    #[test]
    fn what_stands_before_a_mistake_is_read() {
        let read = |text: &str| {
            let mistake = serde_json::from_str::<Value>(text).unwrap_err();
            before_mistake(text, &mistake).map(|text| serde_json::from_str::<Value>(&text).unwrap())
        };
        // A plugin's quotation marks, and a body that broke off.
        let glued = "{\"id\": 1,\n\"c\": {\"a\": [2, 3], \"b\": \"x\", \"name\": \"Disk \"C:\"\", \"d\": 4}}";
        assert_eq!(read(glued), Some(json!({"id": 1, "c": {"a": [2, 3], "b": "x"}})));
        assert_eq!(
            read("{\"a\": {\"b\": \"x,y\", \"c\": \"cut,"),
            Some(json!({"a": {"b": "x,y"}}))
        );
        assert_eq!(read("{\"a\""), None);
        assert_eq!(read(""), None);
    }

    proptest! {
        #[test]
        fn what_stands_before_a_mistake_is_json(text in any::<String>(), at in 0..200_usize, junk in "[\"a,{}\\[\\]\\\\ ]{0,5}") {
            let whole = json!({ "a": text, "b": [{"c": text, "d": 1}, "é"], "e": {"f": {}, "g": text}});
            let whole = whole.to_string();
            let (before, after) = whole.split_at(whole.floor_char_boundary(at));
            for broken in [before.to_owned(), format!("{before}{junk}{after}")] {
                if let Err(mistake) = serde_json::from_str::<Value>(&broken)
                    && let Some(good) = before_mistake(&broken, &mistake)
                {
                    prop_assert!(serde_json::from_str::<Value>(&good).is_ok(), "{}: {}", broken, good);
                }
            }
        }

        #[test]
        fn every_text_between_quotes_is_read_with_spaces(text in r#"[^"\\]{0,40}"#, escaped in r#"(\\[nrt"\\/]){0,3}"#) {
            let glued = format!("{{\"a\": \"{text}{escaped}\", \"b\": \"{text}\"}}");
            let read = without_raw_controls(&glued);
            prop_assert_eq!(read.is_some(), text.contains(|c| c < ' '));
            let read = read.unwrap_or(glued);
            let read: Value = serde_json::from_str(&read).unwrap();
            let spaced: String = text.chars().map(|c| if c < ' ' { ' ' } else { c }).collect();
            prop_assert_eq!(read["b"].as_str(), Some(spaced.as_str()));
        }

        #[test]
        fn good_json_is_left_alone(text in any::<String>()) {
            let good = serde_json::to_string_pretty(&json!({ "a": text, "b": [text] })).unwrap();
            prop_assert_eq!(without_raw_controls(&good), None);
        }
    }
}
