//! What the API lists, as a table for people or as it came for programs.

use serde_json::Value;

use super::{
    bridge::Answer,
    print,
    screen::{Screen, Table},
};

/// Prints the items of an answer. Gives what came with them, where more may be said of it: not to
/// programs, and not where there is `nothing`, which a terminal is told.
pub(super) fn show(
    answer: Answer,
    is_for_programs: bool,
    rows: fn(&Value, Screen) -> Table,
    nothing: &str,
) -> anyhow::Result<Option<Value>> {
    if is_for_programs {
        print::json(&answer.text)?;
        return Ok(None);
    }
    let screen = Screen::stdout();
    let table = rows(&answer.body["items"], screen);
    if table.is_empty() && screen.is_terminal() {
        print::line(nothing);
        return Ok(None);
    }
    table.print(screen)?;
    Ok(Some(answer.body))
}
