//! Small plots, as SVG made on the server. Classes alone give them their look, because the policy of the
//! pages allows no styles in their text.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};

/// Bars side by side, oldest first; the latest stands out. What they show is said by `label`, for
/// readers of the screen, and each tells its own number when pointed at.
pub(in crate::web) fn bars(counts: &[u64], label: &str) -> String {
    const HEIGHT: f64 = 24.0;
    const STEP: f64 = 14.0;
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let width = STEP * number(counts.len());
    let mut svg = format!(
        "<svg class=\"plot\" viewBox=\"0 0 {width} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
        escaped(label)
    );
    for (at, count) in counts.iter().enumerate() {
        // Nothing is a line, so that one sees where a bar would stand.
        let height = (HEIGHT * ratio(*count, most)).max(1.5);
        let latest = if at + 1 == counts.len() { " latest" } else { "" };
        let _ = write!(
            svg,
            "<rect class=\"bar{latest}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{}\" height=\"{height:.1}\" \
             rx=\"1.5\"><title>{count}</title></rect>",
            STEP * number(at),
            HEIGHT - height,
            STEP - 2.5,
        );
    }
    svg.push_str("</svg>");
    svg
}

/// A line of values at even distances in time.
#[derive(Clone, Debug)]
pub(in crate::web) struct Line {
    /// Oldest first; `None` where nothing was measured.
    pub(in crate::web) values: Vec<Option<f64>>,
}

/// Lines over the same time, with axes: rounded values at the side, hours below. Hours are those of UTC
/// until the script of the page tells them in the browser's zone.
pub(in crate::web) fn lines(
    lines: &[Line],
    begin: Timestamp,
    end: Timestamp,
    label: &str,
) -> String {
    const WIDTH: f64 = 600.0;
    // The words in it are larger on a phone: there is room for those.
    const HEIGHT: f64 = 160.0;
    const LEFT: f64 = 58.0;
    const TOP: f64 = 14.0;
    const BOTTOM: f64 = 36.0;
    let most = lines.iter().flat_map(|line| &line.values).flatten().copied().fold(0.0, f64::max);
    let step = round_step(most / 2.0);
    let top = (most / step).ceil().max(1.0) * step;
    let across = |part: f64| LEFT + part * (WIDTH - LEFT - 8.0);
    let up = |value: f64| HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM);
    let mut svg = format!(
        "<svg class=\"plot\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
        escaped(label)
    );
    let mut value = 0.0;
    while value <= top + step / 2.0 {
        let y = up(value);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 6.0,
            y + 4.0,
            shown(value),
        );
        value += step;
    }
    for (at, hour) in hours(begin, end) {
        // At the edges they would be cut.
        let anchor = match at {
            ..0.03 => "start",
            0.97.. => "end",
            _ => "middle",
        };
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.0}\" text-anchor=\"{anchor}\" data-hour=\"{hour}\">{}</text>",
            across(at),
            HEIGHT - 5.0,
            hour.to_zoned(TimeZone::UTC).strftime("%H:%M"),
        );
    }
    for (index, line) in lines.iter().enumerate() {
        let second = if index == 0 { "" } else { " second" };
        let last = number(line.values.len().saturating_sub(1)).max(1.0);
        let mut path = String::new();
        let mut pen = 'M';
        for (at, value) in line.values.iter().enumerate() {
            // What was not measured is a gap, not a zero.
            let Some(value) = value else {
                pen = 'M';
                continue;
            };
            let _ = write!(path, "{pen}{:.1} {:.1}", across(number(at) / last), up(*value));
            if pen == 'M' {
                // What stands alone is a dot.
                path.push_str("h0");
            }
            pen = 'L';
        }
        let _ = write!(svg, "<path class=\"line{second}\" stroke-linecap=\"round\" d=\"{path}\"/>");
    }
    svg.push_str("</svg>");
    svg
}

/// The full hours that are told below a plot, each with where it stands: every sixth of a day.
fn hours(begin: Timestamp, end: Timestamp) -> Vec<(f64, Timestamp)> {
    const EVERY: i64 = 6 * 60 * 60;
    let (first, last) = (begin.as_second(), end.as_second());
    let length = seconds(last - first).max(1.0);
    let mut at = first.div_euclid(3_600) * 3_600;
    if at < first {
        at += 3_600;
    }
    let mut hours = Vec::new();
    while at <= last {
        if let Ok(hour) = Timestamp::from_second(at) {
            hours.push((seconds(at - first) / length, hour));
        }
        at += EVERY;
    }
    hours
}

/// 1, 2 or 5 with zeros, and at least as much as asked.
fn round_step(least: f64) -> f64 {
    if least <= 0.0 {
        return 1.0;
    }
    let scale = 10_f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|part| part * scale >= least);
    step.unwrap_or(10.0) * scale
}

fn shown(value: f64) -> String {
    if value.fract().abs() < 1e-9 { format!("{value:.0}") } else { format!("{value:.1}") }
}

#[expect(clippy::cast_precision_loss, reason = "places in a drawing")]
fn number(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "places in a drawing")]
fn seconds(seconds: i64) -> f64 {
    seconds as f64
}

#[expect(clippy::cast_precision_loss, reason = "heights in a drawing")]
fn ratio(count: u64, most: u64) -> f64 {
    count as f64 / most as f64
}

fn escaped(text: &str) -> String {
    minijinja::HtmlEscape(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        for (least, step) in [(0.0, 1.0), (0.3, 0.5), (1.0, 1.0), (6.5, 10.0), (124.0, 200.0)] {
            assert!((round_step(least) - step).abs() < 1e-9, "{least}: {}", round_step(least));
        }
    }

    #[test]
    fn bars_say_what_they_are() {
        let svg = bars(&[0, 2, 1], "<b>");
        assert_eq!(svg.matches("<rect").count(), 3);
        assert!(svg.contains("aria-label=\"&lt;b&gt;\"") && svg.contains("<title>2</title>"));
        assert_eq!(svg.matches("latest").count(), 1);
    }

    #[test]
    fn a_gap_breaks_a_line() {
        let begin: Timestamp = "2026-11-26T10:20:00Z".parse().unwrap();
        let end: Timestamp = "2026-11-27T10:20:00Z".parse().unwrap();
        let values = vec![Some(1.0), None, Some(3.0), Some(2.0)];
        let svg = lines(&[Line { values }], begin, end, "x");
        let path = svg.split("d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!((path.matches('M').count(), path.matches('L').count()), (2, 1), "{path}");
        // From 11:00 on, every six hours.
        assert_eq!(svg.matches("data-hour").count(), 4);
        assert!(svg.contains("data-hour=\"2026-11-26T11:00:00Z\">11:00<"));
        assert!(!svg.contains("style="));
    }

    #[test]
    fn nothing_measured_is_a_plot_all_the_same() {
        let at: Timestamp = "2026-11-26T10:20:00Z".parse().unwrap();
        assert!(lines(&[Line { values: vec![None; 4] }], at, at, "x").ends_with("</svg>"));
        assert!(bars(&[], "x").ends_with("</svg>"));
    }
}
