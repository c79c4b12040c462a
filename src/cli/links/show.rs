//! What an import did or would do, for a terminal. Everything in it comes from elsewhere: nothing of it
//! may be a command to the terminal.

use std::fmt::Write as _;

use serde_json::Value;

use crate::{cli::screen::plain, domain::text::cut_chars};

/// How much of a cell is shown, in characters.
const WIDEST: usize = 40;

/// The lines about each error, and the sentence about all, of a problem document.
pub(super) fn problem(file: &str, body: &Value) -> (String, Option<String>) {
    let errors = errors(file, &body["errors"]);
    (errors, body["detail"].as_str().map(plain))
}

/// The table of what changes, and the lines about each error.
pub(super) fn report(file: &str, body: &Value) -> (String, String) {
    let empty = Vec::new();
    let items = body["items"].as_array().unwrap_or(&empty);
    let changed = items.iter().filter(|item| item["outcome"] != "same");
    let mut rows = vec![["line", "", "company", "site", "change"].map(str::to_owned)];
    rows.extend(changed.map(row));
    let mut shown = if rows.len() > 1 { aligned(&rows) } else { String::new() };
    let counts = &body["counts"];
    let count = |name: &str| counts[name].as_u64().unwrap_or_default();
    // Writing to a text cannot fail.
    let _ = writeln!(
        shown,
        "{}: {} created, {} changed, {} removed, {} the same, {} without an organization, {} wrong",
        if body["dry_run"] == true { "Nothing was changed; it would be" } else { "Done" },
        count("created"),
        count("changed"),
        count("removed"),
        count("same"),
        count("skipped"),
        count("errors"),
    );
    (shown, errors(file, &body["errors"]))
}

fn row(item: &Value) -> [String; 5] {
    let text = |member: &str| item[member].as_str().unwrap_or_default();
    let company = match item["name"].as_str().filter(|_| item["site"].is_null()) {
        Some(name) => format!("{} {name}", text("company")),
        None => text("company").to_owned(),
    };
    let warnings = item["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let changes = item["changes"].as_array().into_iter().flatten().map(change);
    let waiting = match item["waiting"].as_u64() {
        None | Some(0) => None,
        Some(waiting) => Some(format!("delivers {waiting} that wait")),
    };
    let told = changes.chain(waiting).chain(warnings.map(|text| format!("warning: {text}")));
    let told: Vec<_> = told.map(|text| plain(&text)).collect();
    [
        item["line"].as_u64().map(|line| line.to_string()).unwrap_or_default(),
        text("outcome").to_owned(),
        cut(&company),
        cut(text("site")),
        told.join("; "),
    ]
}

fn change(change: &Value) -> String {
    let field = change["field"].as_str().unwrap_or_default();
    match (change["from"].as_str(), change["to"].as_str()) {
        (Some(from), Some(to)) => format!("{field}: {from} -> {to}"),
        (Some(from), None) => format!("{field}: {from} -> none"),
        (None, to) => format!("{field}: {}", to.unwrap_or_default()),
    }
}

fn cut(text: &str) -> String {
    cut_chars(&plain(text), WIDEST).into_owned()
}

/// Rows in columns as wide as they must be; the last one has no end.
fn aligned(rows: &[[String; 5]]) -> String {
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: [usize; 4] = std::array::from_fn(width);
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        line.push_str(&row[4]);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A line for each error, as compilers write them.
fn errors(file: &str, errors: &Value) -> String {
    let mut text = String::new();
    for error in errors.as_array().into_iter().flatten() {
        let message = plain(error["message"].as_str().unwrap_or_default());
        let line = error["line"].as_u64().map(|line| format!(":{line}")).unwrap_or_default();
        let column = error["column"].as_str().map(|column| format!("{}: ", plain(column)));
        let _ = writeln!(text, "{file}{line}: {}{message}", column.unwrap_or_default());
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_report_is_a_table_that_no_terminal_obeys() {
        let body = json!({
            "dry_run": true,
            "counts": {"created": 1, "changed": 1, "removed": 0, "same": 7, "skipped": 2, "errors": 1},
            "items": [
                {"line": 2, "outcome": "created", "company": "id:42", "site": null,
                 "name": "\u{1b}[31mDemo\u{7}\nSA", "waiting": 3, "warnings": [],
                 "changes": [{"field": "organization", "from": null, "to": "Demo (3)"}]},
                {"line": 3, "outcome": "same", "company": "id:1", "site": null, "name": "Same",
                 "waiting": 0, "warnings": [], "changes": []},
                {"line": 12, "outcome": "changed", "company": "name:acme", "site": "id:7",
                 "name": "Depot", "waiting": 0, "warnings": ["look \u{202e}here"],
                 "changes": [{"field": "team", "from": "Web (5)", "to": null}]},
            ],
            "errors": [{"line": 9, "column": "team", "message": "'\u{1b}]0;x\u{7}X' is no team"}],
        });
        let (shown, errors) = report("links.csv", &body);
        assert_eq!(
            shown,
            "line           company        site  change\n\
             2     created  id:42 Demo SA        organization: Demo (3); delivers 3 that wait\n\
             12    changed  name:acme      id:7  team: Web (5) -> none; warning: look here\n\
             Nothing was changed; it would be: 1 created, 1 changed, 0 removed, 7 the same, 2 \
             without an organization, 1 wrong\n"
        );
        assert_eq!(errors, "links.csv:9: team: 'X' is no team\n");
    }

    #[test]
    fn a_refusal_names_each_line() {
        let body = json!({
            "detail": "1 of 2 cannot be kept.",
            "errors": [{"line": 3, "column": null, "message": "The line has 9 cells."}],
        });
        let (errors, said) = problem("a.csv", &body);
        assert_eq!(errors, "a.csv:3: The line has 9 cells.\n");
        assert_eq!(said.as_deref(), Some("1 of 2 cannot be kept."));
    }
}
