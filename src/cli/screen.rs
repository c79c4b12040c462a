//! What is shown to whoever sits at a terminal, and to the program that reads it instead. What others have
//! written passes through here, and nothing of it is a command to the terminal.

use std::{borrow::Cow, fmt::Write as _, path::Path};

use console::{Alignment, Color, Style, Term, measure_text_width, pad_str, truncate_str};
use jiff::Timestamp;

use super::print;
use crate::{
    clock::elapsed,
    domain::{terminal::without_sequences, text::one_line},
};

/// How narrow a column may become, in places of a terminal.
const NARROWEST: usize = 8;

/// How wide a terminal is that does not say so.
const USUAL_WIDTH: usize = 80;

/// What stands between columns.
const GAP: usize = 2;

/// Foreign text on one line, without what a terminal would obey.
pub(super) fn plain(text: &str) -> String {
    let line = one_line(&without_sequences(text));
    line.chars().filter(|c| is_harmless(*c)).collect()
}

/// Marks that turn the direction of writing would move what stands behind them.
fn is_harmless(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// JSON that says the same and that no terminal obeys. Outside of its texts it has none of these.
pub(super) fn harmless_json(json: &str) -> Cow<'_, str> {
    let is_fine = |c: char| c == '\n' || is_harmless(c);
    if json.chars().all(is_fine) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if is_fine(c) {
            escaped.push(c);
        } else {
            // All of them are below U+10000. Writing to a text cannot fail.
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        }
    }
    Cow::Owned(escaped)
}

/// Lines of a file, for whoever looks at them on a terminal.
pub(super) fn harmless_lines(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || is_harmless(*c)).collect()
}

/// A name of a file as a terminal may show it.
pub(super) fn readable(file: &Path) -> String {
    plain(&file.to_string_lossy())
}

/// How long ago something was, as people say it.
pub(super) fn age(since: Timestamp, now: Timestamp) -> String {
    span(elapsed(since, now).as_secs())
}

/// So many seconds, in the largest unit that says enough.
pub(super) fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Where something is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Screen {
    /// How wide the terminal is; none where it is none.
    width: Option<usize>,
    has_colours: bool,
}

/// What a text is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Heading,
    Good,
    Doubtful,
    Bad,
}

impl Screen {
    /// Whatever a program reads.
    pub(super) const PIPED: Self = Self { width: None, has_colours: false };

    /// Standard output.
    pub(super) fn stdout() -> Self {
        let terminal = Term::stdout();
        if !terminal.is_term() {
            return Self::PIPED;
        }
        // One that does not say how wide it is gets what most are.
        let width = terminal.size_checked().map_or(USUAL_WIDTH, |(_, width)| usize::from(width));
        Self { width: Some(width), has_colours: console::colors_enabled() }
    }

    pub(super) fn is_terminal(self) -> bool {
        self.width.is_some()
    }

    /// A text in the colour of what it is about, if there are colours.
    pub(super) fn toned(self, tone: Option<Tone>, text: &str) -> String {
        let style = match tone.filter(|_| self.has_colours) {
            None => return text.to_owned(),
            Some(Tone::Heading) => Style::new().bold(),
            Some(Tone::Good) => Style::new().fg(Color::Green),
            Some(Tone::Doubtful) => Style::new().fg(Color::Yellow),
            Some(Tone::Bad) => Style::new().fg(Color::Red),
        };
        style.force_styling(true).apply_to(text).to_string()
    }

    /// When something was: how long ago for people, the time itself for programs.
    pub(super) fn when(self, time: Option<&str>, now: Timestamp) -> String {
        let time = time.unwrap_or_default();
        match time.parse() {
            Ok(since) if self.is_terminal() => age(since, now),
            _ => time.to_owned(),
        }
    }
}

/// A cell of a table.
#[derive(Debug, Default)]
pub(super) struct Cell {
    text: String,
    tone: Option<Tone>,
}

impl Cell {
    /// With the text of whoever has written it.
    pub(super) fn new(text: &str) -> Self {
        Self { text: plain(text), tone: None }
    }

    /// In the colour of what it is about.
    pub(super) fn toned(text: &str, tone: Option<Tone>) -> Self {
        Self { tone, ..Self::new(text) }
    }

    fn width(&self) -> usize {
        measure_text_width(&self.text)
    }
}

/// Rows under headings for people; for programs lines alone, with a tab between cells and none cut.
#[derive(Debug)]
pub(super) struct Table {
    headings: Vec<Cell>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(super) fn new(headings: &[&str]) -> Self {
        let cell = |text: &&str| Cell::toned(text, Some(Tone::Heading));
        Self { headings: headings.iter().map(cell).collect(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Prints all of it.
    pub(super) fn print(&self, screen: Screen) -> std::io::Result<()> {
        print::bytes(self.shown(screen).as_bytes())
    }

    /// All of it as a text.
    pub(super) fn shown(&self, screen: Screen) -> String {
        let mut shown = String::new();
        let Some(width) = screen.width else {
            for row in &self.rows {
                let cells: Vec<_> = row.iter().map(|cell| cell.text.as_str()).collect();
                shown.push_str(&cells.join("\t"));
                shown.push('\n');
            }
            return shown;
        };
        let widths = self.widths(width);
        for row in std::iter::once(&self.headings).chain(&self.rows) {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths).filter(|(_, width)| **width > 0) {
                let text = truncate_str(&cell.text, *width, "…");
                let padded = pad_str(&text, width + GAP, Alignment::Left, None);
                line.push_str(&screen.toned(cell.tone, &padded));
            }
            shown.push_str(line.trim_end());
            shown.push('\n');
        }
        shown
    }

    /// How wide each column is: as wide as it must be, and where that is too much for the terminal, the
    /// widest ones give way. One in which nothing stands is left out.
    fn widths(&self, width: usize) -> Vec<usize> {
        let columns = self.headings.iter().enumerate();
        let widest = |(at, heading): (usize, &Cell)| {
            let cells = self.rows.iter().filter_map(|row| row.get(at));
            let widest = cells.map(Cell::width).max().unwrap_or(0);
            if widest > 0 { widest.max(heading.width()) } else { 0 }
        };
        let mut widths: Vec<_> = columns.map(widest).collect();
        let shown = widths.iter().filter(|width| **width > 0).count();
        let gaps = GAP * shown.saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > width {
            match widths.iter_mut().max() {
                Some(widest) if *widest > NARROWEST => *widest -= 1,
                // So narrow is no terminal that is read.
                _ => break,
            }
        }
        widths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NARROW: Screen = Screen { width: Some(40), has_colours: false };

    fn table() -> Table {
        let mut table = Table::new(&["id", "state", "site", "problem"]);
        let said = "iTop says: \u{1b}[31mname\u{7} is\u{9b}2J mandatory,\nand more";
        table.row(["7", "failed", "", said].map(Cell::new));
        let created = Cell::toned("created", Some(Tone::Good));
        table.row([Cell::new("12"), created, Cell::default(), Cell::new("日本語")]);
        table
    }

    #[test]
    fn a_table_fits_the_terminal_and_cuts_what_is_longest() {
        assert_eq!(
            table().shown(NARROW),
            "id  state    problem\n\
             7   failed   iTop says: name is2J manda…\n\
             12  created  日本語\n"
        );
        let tiny = Screen { width: Some(3), ..NARROW };
        assert!(
            table().shown(tiny).lines().all(|line| measure_text_width(line) <= 3 * NARROWEST + 4)
        );
    }

    #[test]
    fn programs_are_given_whole_lines_and_no_colours() {
        assert_eq!(
            table().shown(Screen::PIPED),
            "7\tfailed\t\tiTop says: name is2J mandatory, and more\n12\tcreated\t\t日本語\n"
        );
    }

    #[test]
    fn colours_are_the_only_sequences_of_a_terminal() {
        let shown = table().shown(Screen { has_colours: true, ..NARROW });
        assert!(shown.contains("\u{1b}[32mcreated"), "{shown:?}");
        let lines = |text: &str| -> Vec<_> {
            text.lines().map(|line| line.trim_end().to_owned()).collect()
        };
        assert_eq!(lines(&without_sequences(&shown)), lines(&table().shown(NARROW)));
    }

    #[test]
    fn json_keeps_its_meaning_and_loses_its_commands() {
        let told = serde_json::json!({"a": "x\u{9b}31m\u{7f}\u{202e}\u{1b}y", "b": "é"});
        let text = told.to_string();
        let harmless = harmless_json(&text);
        assert!(harmless.chars().all(is_harmless), "{harmless:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&harmless).unwrap(), told);
        assert_eq!(harmless_json("{\"b\":\"é\"}"), "{\"b\":\"é\"}");
    }

    #[test]
    fn lines_of_a_file_are_shown_without_commands() {
        assert_eq!(harmless_lines("id:1,\u{9b}31mé\u{1b}[2J\r\nid:2\n"), "id:1,31mé[2J\nid:2\n");
        assert_eq!(readable(Path::new("a\u{1b}[2Jb\n.csv")), "ab .csv");
    }

    #[test]
    fn time_is_told_as_people_tell_it() {
        let told = [0, 119, 120, 7_199, 7_200, 172_799, 172_800, 999_999].map(span);
        assert_eq!(told, ["0 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 d", "11 d"]);
    }
}
