//! A badge: two words beside each other, in a picture of twenty pixels' height.

use super::glyphs;
use crate::domain::text::cut_chars;

/// How a badge is coloured. What the colour says stands beside it as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    New,
    Assigned,
    Pending,
    Resolved,
    Closed,
    /// Nothing is known, or it is gone.
    Faint,
}

impl Tone {
    /// Of a ticket that iTop shows. White on each of these has a contrast above 5 : 1.
    pub(super) fn of(status: &str, operational_status: &str) -> Self {
        match (operational_status, status) {
            ("resolved", _) => Self::Resolved,
            ("closed", _) => Self::Closed,
            (_, "new") => Self::New,
            (_, "pending") => Self::Pending,
            _ => Self::Assigned,
        }
    }

    fn colour(self) -> &'static str {
        match self {
            Self::New => "#b42318",
            Self::Assigned => "#6941c6",
            Self::Pending => "#93500a",
            Self::Resolved => "#05603a",
            Self::Closed => "#475467",
            Self::Faint => "#667085",
        }
    }
}

/// The longest word of a badge, in characters.
const LONGEST: usize = 24;

/// How much larger than in their field letters are drawn: nine pixels high.
const SCALE: f32 = 1.5;

/// Around a word, in pixels.
const PADDING: f32 = 7.0;

const HEIGHT: f32 = 20.0;

/// The picture. `title` is what is read out, and shown under the pointer.
pub(super) fn badge(label: &str, value: &str, tone: Tone, title: &str) -> String {
    let (label, value) = (cut_chars(label, LONGEST), cut_chars(value, LONGEST));
    let wide = |text: &str| (glyphs::width(text) * SCALE + 2.0 * PADDING).ceil();
    let (left, right) = (wide(&label), wide(&value));
    let (width, title, colour) = (left + right, escaped(title), tone.colour());
    let (label, value) = (word(&label, PADDING), word(&value, left + PADDING));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{HEIGHT}\" \
         viewBox=\"0 0 {width} {HEIGHT}\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>\
         <rect width=\"{width}\" height=\"{HEIGHT}\" rx=\"3\" fill=\"#1d2939\"/>\
         <path d=\"M{left} 0h{inner}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{inner}z\" fill=\"{colour}\"/>\
         <g fill=\"none\" stroke=\"#fff\" stroke-width=\".9\" stroke-linecap=\"round\" \
         stroke-linejoin=\"round\">{label}{value}</g></svg>",
        inner = right - 3.0
    )
}

fn word(text: &str, x: f32) -> String {
    // Between the middle of the picture and that of the letters.
    let y = (HEIGHT - 6.0 * SCALE) / 2.0;
    let strokes: String = glyphs::strokes(text).collect();
    format!("<g transform=\"translate({x} {y}) scale({SCALE})\">{strokes}</g>")
}

/// A text in XML and HTML, in an element or in an attribute between quotes, without the characters that
/// XML does not have.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(' '),
            '\u{fffe}' | '\u{ffff}' => {}
            letter if letter.is_control() => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::Tone::{Assigned, Closed, Faint, New, Pending, Resolved};
    use super::*;

    const TONES: [Tone; 6] = [New, Assigned, Pending, Resolved, Closed, Faint];

    #[test]
    fn what_is_in_a_title_stays_text() {
        let title = "</title><script>alert('1')</script>]]>\"&\u{1}\u{ffff}\u{85}";
        let badge = badge("I-1", "new", Tone::New, title);
        let shown =
            "&lt;/title&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;]]&gt;&quot;&amp;";
        assert_eq!(badge.matches(shown).count(), 2, "{badge}");
        assert!(!badge.contains("<script") && !badge.contains("]]>"), "{badge}");
    }

    #[test]
    fn a_badge_is_twenty_high_and_as_wide_as_its_words() {
        let of = |value: &str| badge("I-000012", value, Tone::New, "t");
        assert!(
            of("new").starts_with(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"116\" height=\"20\""
            ),
            "{}",
            of("new")
        );
        assert!(of(&"x".repeat(1_000)).len() < 10_000);
        assert!(!of("new").contains("<text"), "no font is needed");
    }

    #[test]
    fn white_letters_are_readable_on_every_colour() {
        let channel = |hex: &str| {
            let value = f64::from(u8::from_str_radix(hex, 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        for tone in TONES {
            let colour = tone.colour();
            let [red, green, blue] = [&colour[1..3], &colour[3..5], &colour[5..7]].map(channel);
            let luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
            assert!(1.05 / (luminance + 0.05) >= 4.5, "{tone:?}");
        }
    }
}
