//! Letters as strokes, so that a badge looks the same where there is no font, or another one: each
//! stands in a field of 4 × 6, from its upper left corner.

/// What each letter takes with the gap behind it, in its own units.
const ADVANCE: f32 = 5.6;

/// The gap between two letters.
const GAP: f32 = 1.6;

/// How wide a text is, in units of its letters.
pub(super) fn width(text: &str) -> f32 {
    // A badge has few of them.
    let letters = u16::try_from(text.chars().count()).unwrap_or(u16::MAX);
    (f32::from(letters) * ADVANCE - GAP).max(0.0)
}

/// A path for each letter that shows something, moved to its place.
pub(super) fn strokes(text: &str) -> impl Iterator<Item = String> + '_ {
    text.chars().zip(0_u16..).filter_map(|(letter, place)| {
        let path = path(letter.to_ascii_uppercase());
        let x = f32::from(place) * ADVANCE;
        (!path.is_empty()).then(|| format!("<path transform=\"translate({x:.1})\" d=\"{path}\"/>"))
    })
}

/// The strokes of a letter; a box for what has none.
fn path(letter: char) -> &'static str {
    match letter {
        ' ' => "",
        'A' => "M0 6L2 0L4 6M.7 4H3.3",
        'B' => "M0 3H2.5A1.5 1.5 0 0 0 2.5 0H0V6H2.5A1.5 1.5 0 0 0 2.5 3",
        'C' => "M4 1.2C3.6.4 2.9 0 2 0C.7 0 0 1 0 3C0 5 .7 6 2 6C2.9 6 3.6 5.6 4 4.8",
        'D' => "M0 0H1.6C3.2 0 4 1.2 4 3C4 4.8 3.2 6 1.6 6H0Z",
        'E' => "M4 0H0V6H4M0 3H3.2",
        'F' => "M4 0H0V6M0 3H3.2",
        'G' => "M4 1.2C3.6.4 2.9 0 2 0C.7 0 0 1 0 3C0 5 .7 6 2 6C3.2 6 4 5.2 4 3.4H2.4",
        'H' => "M0 0V6M4 0V6M0 3H4",
        'I' => "M2 0V6M1 0H3M1 6H3",
        'J' => "M3.4 0V4.4C3.4 5.5 2.8 6 1.8 6C.8 6 .2 5.5 .1 4.6",
        'K' => "M0 0V6M4 0L0 3.6M1.4 2.4L4 6",
        'L' => "M0 0V6H4",
        'M' => "M0 6V0L2 3.4L4 0V6",
        'N' => "M0 6V0L4 6V0",
        'O' => "M2 0C.7 0 0 1.1 0 3C0 4.9 .7 6 2 6C3.3 6 4 4.9 4 3C4 1.1 3.3 0 2 0Z",
        'P' => "M0 6V0H2.4C3.5 0 4 .6 4 1.7C4 2.8 3.5 3.4 2.4 3.4H0",
        'Q' => "M2 0C.7 0 0 1.1 0 3C0 4.9 .7 6 2 6C3.3 6 4 4.9 4 3C4 1.1 3.3 0 2 0ZM2.6 4.4L4 6.4",
        'R' => "M0 6V0H2.4C3.5 0 4 .6 4 1.7C4 2.8 3.5 3.4 2.4 3.4H0M2.2 3.4L4 6",
        'S' => {
            "M3.8 1C3.4.3 2.8 0 2 0C.9 0 .2.6 .2 1.5C.2 2.6 1 2.8 2 3C3.1 3.2 3.9 3.5 3.9 4.5\
             C3.9 5.4 3.1 6 2 6C1 6 .4 5.6 0 4.8"
        }
        'T' => "M0 0H4M2 0V6",
        'U' => "M0 0V3.9C0 5.3 .7 6 2 6C3.3 6 4 5.3 4 3.9V0",
        'V' => "M0 0L2 6L4 0",
        'W' => "M0 0L1 6L2 2.4L3 6L4 0",
        'X' => "M0 0L4 6M4 0L0 6",
        'Y' => "M0 0L2 3L4 0M2 3V6",
        'Z' => "M0 0H4L0 6H4",
        // With a stroke in it, so that it is not an O.
        '0' => "M2 0C.7 0 0 1.1 0 3C0 4.9 .7 6 2 6C3.3 6 4 4.9 4 3C4 1.1 3.3 0 2 0ZM1.3 4L2.7 2",
        '1' => "M.8 1.2L2.2 0V6M.8 6H3.6",
        '2' => "M.1 1.5C.3.5 1 0 2 0C3.1 0 3.8.6 3.8 1.6C3.8 2.8 2.6 3.6 0 6H4",
        '3' => "M.3 0H3.8L1.8 2.4C3.2 2.4 4 3.1 4 4.2C4 5.4 3.1 6 2 6C1 6 .3 5.6 0 4.8",
        '4' => "M3 6V0L0 4.2H4",
        '5' => {
            "M3.7 0H.5L.3 2.6C.8 2.3 1.3 2.1 1.9 2.1C3.2 2.1 4 2.9 4 4C4 5.2 3.2 6 1.9 6C1 6 .3 5.6 0 4.9"
        }
        '6' => {
            "M3.5.5C3.1.2 2.7 0 2.2 0C.8 0 0 1.4 0 3.6C0 5.2 .8 6 2 6C3.2 6 4 5.2 4 4.1\
             C4 3 3.2 2.3 2.1 2.3C1.1 2.3 .3 2.8 0 3.8"
        }
        '7' => "M0 0H4L1.4 6",
        '8' => {
            "M2 2.8C1 2.8 .3 2.3 .3 1.4C.3.5 1 0 2 0C3 0 3.7.5 3.7 1.4C3.7 2.3 3 2.8 2 2.8\
             C.8 2.8 0 3.4 0 4.4C0 5.4 .8 6 2 6C3.2 6 4 5.4 4 4.4C4 3.4 3.2 2.8 2 2.8Z"
        }
        '9' => {
            "M.5 5.5C.9 5.8 1.3 6 1.8 6C3.2 6 4 4.6 4 2.4C4 .8 3.2 0 2 0C.8 0 0 .8 0 1.9\
             C0 3 .8 3.7 1.9 3.7C2.9 3.7 3.7 3.2 4 2.2"
        }
        '-' => "M.8 3H3.2",
        '_' => "M0 6H4",
        '.' => "M2 5.7V6",
        ':' => "M2 1.8V2.1M2 5.2V5.5",
        '/' => "M0 6.4L4-.4",
        '#' => "M1.5.4L.9 5.6M3.2.4L2.6 5.6M.2 2H4M0 4H3.8",
        '…' => "M.4 5.7V6M2 5.7V6M3.6 5.7V6",
        _ => "M.6 1H3.4V6H.6Z",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_codes_have_their_own_strokes() {
        let all = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/#…";
        let paths: std::collections::HashSet<_> = all.chars().map(path).collect();
        assert_eq!(paths.len(), all.chars().count());
        assert!(!paths.contains(path('é')));
        assert_eq!(path('é'), path('<'));
        assert_eq!(strokes("a b").count(), 2);
        assert!(strokes("<script>]]>&\"'").all(|path| !path.contains("script")));
        assert!(width("").abs() < f32::EPSILON && width("I-000012") > width("I-12"));
    }
}
