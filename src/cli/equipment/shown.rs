//! Answers about equipment, for people.

use std::fmt::Write as _;

use serde_json::Value;

use crate::cli::{
    print,
    screen::{Cell, Screen, Table, Tone, plain},
};

/// In which colour a state or an outcome is shown.
pub(super) fn tone(word: &str) -> Option<Tone> {
    match word {
        "failed" => Some(Tone::Bad),
        "retiring" | "retired" | "adopted" => Some(Tone::Doubtful),
        "synchronized" | "created" => Some(Tone::Good),
        _ => None,
    }
}

/// Numbers with what they count, without those that are none.
fn counted(counts: &Value, names: &[&str]) -> String {
    let told = names.iter().filter_map(|name| {
        let count = counts[*name].as_u64().filter(|count| *count > 0)?;
        Some(format!("{count} {name}"))
    });
    told.collect::<Vec<_>>().join(", ")
}

/// What has become of a list, in a line.
pub(super) fn taken(answer: &Value) -> String {
    let rows = answer["rows"].as_u64().unwrap_or_default();
    let counts = counted(answer, &["new", "changed", "back", "unchanged", "gone"]);
    let counts = if counts.is_empty() { "nothing changes".to_owned() } else { counts };
    format!("{rows} rows of {}: {counts}", plain(answer["company"].as_str().unwrap_or_default()))
}

/// What is told beside, a line each.
pub(super) fn warnings(answer: &Value) -> impl Iterator<Item = String> {
    answer["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str).map(plain)
}

/// The errors of a list that was refused, a line each.
pub(super) fn errors(file: &str, body: &Value) -> String {
    let mut lines = String::new();
    for error in body["errors"].as_array().into_iter().flatten() {
        let member = error["member"].as_str().map(|member| format!("{}: ", plain(member)));
        let message = plain(error["message"].as_str().unwrap_or_default());
        let Some(row) = error["row"].as_u64() else { continue };
        // Writing to a text cannot fail.
        let _ = writeln!(lines, "{file}:{row}: {}{message}", member.unwrap_or_default());
    }
    lines
}

/// What a list would do: what it would change, row by row, and in a line.
pub(super) fn preview(answer: &Value, screen: Screen) -> std::io::Result<()> {
    let mut table = Table::new(&["id", "name", "", "what"]);
    for item in answer["items"].as_array().into_iter().flatten() {
        let text = |member: &str| item[member].as_str().unwrap_or_default();
        let outcome = text("outcome");
        table.row([
            Cell::new(text("id")),
            Cell::new(text("name")),
            Cell::toned(outcome, tone(outcome)),
            Cell::new(&what(item)),
        ]);
    }
    table.print(screen)?;
    let counts = &answer["counts"];
    let names = ["created", "adopted", "changed", "back", "retired", "unchanged", "failed"];
    let rows = counts["rows"].as_u64().unwrap_or_default();
    print::note(format_args!(
        "{rows} rows: {}{}. To do this and nothing else: --digest {}",
        counted(counts, &names),
        if answer["cut"] == true { " (the first of each are shown)" } else { "" },
        plain(answer["digest"].as_str().unwrap_or_default())
    ));
    Ok(())
}

/// What would be changed of a row, or why it would not.
fn what(item: &Value) -> String {
    if let Some(problem) = item["problem"]["message"].as_str() {
        return problem.to_owned();
    }
    if item["held"] == true {
        return "held until somebody approves it".to_owned();
    }
    let changes = item["changes"].as_array().into_iter().flatten().map(|change| {
        let text = |member: &str| change[member].as_str().unwrap_or("-");
        format!("{}: {} → {}", text("field"), text("old"), text("new"))
    });
    changes.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_told_in_a_line_and_its_errors_where_they_stand() {
        let answer = json!({"company": "id:42", "rows": 5, "new": 2, "changed": 0, "gone": 1});
        assert_eq!(taken(&answer), "5 rows of id:42: 2 new, 1 gone");
        let same = json!({"company": "id:42", "rows": 0, "new": 0});
        assert_eq!(taken(&same), "0 rows of id:42: nothing changes");
        let refused = json!({"errors": [
            {"row": 3, "member": "name", "code": "required", "message": "is\u{1b}[31m missing"},
            {"row": 9, "member": null, "code": "type", "message": "must be an object"},
        ]});
        assert_eq!(
            errors("park.csv", &refused),
            "park.csv:3: name: is missing\npark.csv:9: must be an object\n"
        );
    }

    #[test]
    fn what_would_be_changed_of_a_row_is_told() {
        let change = json!({"field": "model", "old": "R740", "new": null});
        let item = json!({"changes": [change], "held": false, "problem": null});
        assert_eq!(what(&item), "model: R740 → -");
        let held = json!({"changes": [], "held": true, "problem": null});
        assert_eq!(what(&held), "held until somebody approves it");
    }
}
