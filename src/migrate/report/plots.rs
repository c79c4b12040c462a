//! Plots as SVG, with a name and a number at each bar, so that nothing is told by length or colour alone.

use std::fmt::Write as _;

use super::count;

const WIDTH: u64 = 640;
const ROW: u64 = 22;
const NAMES: u64 = 210;
const NUMBERS: u64 = 90;

/// A bar for each row, in their order; `label` says what they are.
#[must_use]
pub fn bars(rows: &[(String, u64)], label: &str) -> String {
    let most = rows.iter().map(|(_, number)| *number).max().unwrap_or(0).max(1);
    let height = ROW * u64::try_from(rows.len()).unwrap_or(0);
    let mut svg = format!(
        "<svg class=\"plot\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">",
        escaped(label)
    );
    let mut top = 0;
    for (name, number) in rows {
        let room = WIDTH - NAMES - NUMBERS;
        // What is there at all is seen.
        let length = if *number == 0 {
            0
        } else {
            (u128::from(room) * u128::from(*number) / u128::from(most)).max(2)
        };
        let (middle, end) = (top + 15, u128::from(NAMES) + length + 6);
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{middle}\" text-anchor=\"end\">{}</text>\
             <rect class=\"bar\" x=\"{NAMES}\" y=\"{}\" width=\"{length}\" height=\"{}\" rx=\"2\"/>\
             <text class=\"number\" x=\"{end}\" y=\"{middle}\">{}</text>",
            NAMES - 8,
            escaped(name),
            top + 4,
            ROW - 8,
            count(*number),
        );
        top += ROW;
    }
    svg.push_str("</svg>");
    svg
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_fills_its_room_and_none_is_lost() {
        let rows = [("Incident".to_owned(), 200_000), ("FAQ".to_owned(), 1), ("SLA".to_owned(), 0)];
        let svg = bars(&rows, "Objects");
        assert!(
            svg.contains("width=\"340\"")
                && svg.contains("width=\"2\"")
                && svg.contains("width=\"0\""),
            "{svg}"
        );
        assert_eq!(bars(&[], "None").matches("<rect").count(), 0);
    }
}
