//! Taking the bridge's secrets out of foreign text.
//!
//! What answers instead of iTop can send back the request that it got: a debug page, a firewall. Such
//! text ends in errors, and these in the log, in rows and in answers.

use std::borrow::Cow;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands in place of a secret.
const REDACTED: &str = "***";

/// The shortest secret that is looked for inside other base64 texts: of a shorter one too little is
/// left there to be told from anything else.
const LEAST_INSIDE_BASE64: usize = 6;

/// Finds secrets in every form in which they are sent or sent back. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redactor {
    forms: Option<AhoCorasick>,
}

impl Redactor {
    /// Of these secrets. A basic login is one as a whole: `user:password`.
    pub(crate) fn new<'s>(secrets: impl IntoIterator<Item = &'s str>) -> Self {
        let forms: Vec<_> =
            secrets.into_iter().filter(|secret| !secret.is_empty()).flat_map(forms).collect();
        if forms.is_empty() {
            return Self::default();
        }
        let finder = AhoCorasick::builder()
            // The longest form, so that no end of it is left.
            .match_kind(MatchKind::LeftmostLongest)
            // %2f is %2F.
            .ascii_case_insensitive(true)
            .build(forms);
        // Building fails only beyond four billion states.
        Self { forms: finder.ok() }
    }

    /// The text without secrets.
    pub(crate) fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match &self.forms {
            Some(forms) if forms.is_match(text) => {
                Cow::Owned(forms.replace_all(text, &vec![REDACTED; forms.patterns_len()]))
            }
            _ => Cow::Borrowed(text),
        }
    }
}

/// All forms of one secret.
fn forms(secret: &str) -> Vec<String> {
    /// What a form leaves as it is, and what an address does (RFC 3986).
    const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');
    const ADDRESS: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let mut forms = vec![secret.to_owned()];
    for set in [FORM, ADDRESS] {
        let encoded = utf8_percent_encode(secret, set).to_string();
        forms.push(encoded.replace("%20", "+"));
        forms.push(encoded);
    }
    forms.extend(in_json(secret));
    forms.extend(in_html(secret));
    forms.extend(in_base64(secret));
    forms.retain(|form| !form.is_empty());
    forms.sort();
    forms.dedup();
    forms
}

/// As JSON has it: with what must be escaped, and with all that PHP escapes.
fn in_json(secret: &str) -> [String; 3] {
    let plain = serde_json::Value::from(secret).to_string();
    let plain = plain[1..plain.len() - 1].to_owned();
    let slashes = plain.replace('/', "\\/");
    let ascii = slashes.chars().fold(String::new(), |mut ascii, c| {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            let mut units = [0; 2];
            ascii.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
        ascii
    });
    [plain, slashes, ascii]
}

/// As pages show it: PHP escapes both quotes, others one or none.
fn in_html(secret: &str) -> [String; 4] {
    let signs = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let double = signs.replace('"', "&quot;");
    [double.replace('\'', "&#039;"), double.replace('\'', "&#39;"), double, signs]
}

/// As base64, by itself and inside of something longer: there it begins at one of three places in
/// a group, and the signs that depend on its neighbours too are left.
fn in_base64(secret: &str) -> Vec<String> {
    const BITS: usize = 6;
    let mut forms = Vec::new();
    for engine in [&STANDARD, &URL_SAFE] {
        let whole = engine.encode(secret);
        forms.push(whole.trim_end_matches('=').to_owned());
        forms.push(whole);
        if secret.len() < LEAST_INSIDE_BASE64 {
            continue;
        }
        for before in 0..3_usize {
            let bytes = [&[0].repeat(before), secret.as_bytes()].concat();
            let own = (before * 8).div_ceil(BITS)..bytes.len() * 8 / BITS;
            forms.push(engine.encode(bytes)[own].to_owned());
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn gone(secret: &str, text: &str) {
        let redactor = Redactor::new([secret, ""]);
        let shown = redactor.text(text);
        assert!(shown.contains(REDACTED), "{shown}");
        assert!(!shown.contains(secret), "{shown}");
    }

    #[test]
    fn a_secret_is_found_in_every_form() {
        let secret = "pä ss/w<o>rd&\"'+1";
        for text in [
            "a page with pä ss/w<o>rd&\"'+1 in it",
            "auth_pwd=p%C3%A4+ss%2Fw%3Co%3Erd%26%22%27%2B1&json_data={}",
            "auth_pwd=p%c3%a4%20ss%2fw%3co%3erd%26%22%27%2b1",
            r#"{"auth_pwd":"p\u00e4 ss\/w<o>rd&\"'+1"}"#,
            r#"{"auth_pwd":"pä ss/w<o>rd&\"'+1"}"#,
            "<td>pä ss/w&lt;o&gt;rd&amp;&quot;&#039;+1</td>",
            "<td>pä ss/w&lt;o&gt;rd&amp;\"'+1</td>",
        ] {
            let redactor = Redactor::new([secret]);
            let shown = redactor.text(text);
            assert!(shown.contains(REDACTED) && !shown.contains("rd&"), "{shown}");
        }
        gone("sandbox", &STANDARD.encode("sandbox"));
        gone("a", "has an a");
        assert_eq!(Redactor::new(["other"]).text("as it was"), "as it was");
        assert_eq!(Redactor::default().text("as it was"), "as it was");
    }

    proptest! {
        #[test]
        fn inside_of_base64_next_to_nothing_is_left(
            before in "[a-z]{0,8}:",
            secret in "[!-~]{6,24}",
            after in "[a-z]{0,8}",
        ) {
            let whole = STANDARD.encode(format!("{before}{secret}{after}"));
            let redactor = Redactor::new([secret.as_str()]);
            let shown = redactor.text(&whole);
            prop_assert!(shown.contains(REDACTED), "{shown}");
            // What is left of it, read as base64 by whoever has the log, is at most its ends.
            let longest = shown.split(REDACTED).map(str::len).max().unwrap_or(0);
            prop_assert!(longest <= before.len().max(after.len()).div_ceil(3) * 4 + 6, "{shown}");
        }

        #[test]
        fn no_secret_stands_in_a_text_afterwards(
            secret in r"[^\p{C}*]{1,12}", before in ".{0,12}", after in ".{0,12}",
        ) {
            let redactor = Redactor::new([secret.as_str()]);
            let text = format!("{before}{secret}{after}");
            let shown = redactor.text(&text);
            prop_assert!(shown.contains(REDACTED));
            prop_assert!(!shown.replace(REDACTED, "\0").contains(&secret));
        }
    }
}
