//! What PostgreSQL is asked where SQLite is asked this: the statements of the store are written once, in the SQL
//! of SQLite, which plans them as it was measured. A few rules are enough for them; what no rule can tell is told
//! word by word.

mod tokens;

use tokens::{Tokens, closing, parts};

/// A statement as PostgreSQL takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Translated {
    pub(super) sql: String,
    /// Each parameter, with its name where it has one.
    pub(super) parameters: Vec<Option<String>>,
}

/// What is said otherwise: columns that are ambiguous there, numbers that are taken for yes and no, and functions
/// that have another name.
const OTHERWISE: [(&str, &str); 17] = [
    ("CAST(value AS INTEGER) < CAST(excluded", "CAST(meta.value AS INTEGER) < CAST(excluded"),
    ("AND company_name IS NOT excluded.", "AND equipment_lists.company_name IS NOT excluded."),
    ("json_insert(warnings, '$[#]', ?2)", "(warnings::jsonb || jsonb_build_array(?2))::text"),
    (
        "printf('%04d%s', length(m.ticket_number), ",
        "concat(lpad(length(m.ticket_number)::text, 4, '0'), ",
    ),
    ("a.id = released.value", "a.id = released.value::bigint"),
    ("SELECT NULL WHERE false", "SELECT NULL::bigint WHERE false"),
    ("(:recognised OR ", "(:recognised = 1 OR "),
    ("CASE WHEN :retires THEN", "CASE WHEN :retires = 1 THEN"),
    ("+ (state IN ('accepted', 'blocked'))", "+ (state IN ('accepted', 'blocked'))::int"),
    ("WHEN listed THEN", "WHEN listed = 1 THEN"),
    ("temp.hook_wants", "hook_wants"),
    ("temp.sqlite_schema WHERE name = 'hook_wants'", "hook_wants LIMIT 1"),
    ("json_object(", "json_build_object("),
    ("THEN json((", "THEN (("),
    ("char(10)", "chr(10)"),
    ("lower(hex(randomblob(16)))", "replace(gen_random_uuid()::text, '-', '')"),
    ("hook_time()", "current_setting('bridge.now')::bigint"),
];

/// The keys of the tables in which a row takes the place of an earlier one.
const KEYS: [(&str, &str); 6] = [
    ("company_links", "instance, company_key, site_key"),
    ("control_tickets", "instance, control_id"),
    ("hooks", "name"),
    ("refused_requests", "acknowledgement_id"),
    ("switched_controls", "instance, control_id"),
    ("switched_links", "instance, company_key, site_key"),
];

/// A statement of SQLite as PostgreSQL takes it.
pub(super) fn translate(sql: &str) -> Translated {
    let mut sql = sql.to_owned();
    for (from, to) in OTHERWISE {
        if sql.contains(from) {
            sql = sql.replace(from, to);
        }
    }
    let Tokens { mut tokens, parameters } = Tokens::of(&sql);
    without_hints(&mut tokens);
    without_signs(&mut tokens);
    joins(&mut tokens);
    comparisons(&mut tokens);
    functions(&mut tokens);
    lists(&mut tokens);
    named_queries(&mut tokens);
    conflicts(&mut tokens);
    Translated { sql: tokens.join(" "), parameters }
}

fn is(tokens: &[String], at: usize, words: &[&str]) -> bool {
    tokens.get(at..at + words.len()).is_some_and(|found| found == words)
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(' ').map(str::to_owned)
}

/// Which index SQLite is to take.
fn without_hints(tokens: &mut Vec<String>) {
    let mut at = 0;
    while at < tokens.len() {
        if is(tokens, at, &["INDEXED", "BY"]) {
            tokens.drain(at..at + 3);
        } else if is(tokens, at, &["NOT", "INDEXED"]) {
            tokens.drain(at..at + 2);
        } else {
            at += 1;
        }
    }
}

/// A sign before a column keeps SQLite from taking an index for it.
fn without_signs(tokens: &mut Vec<String>) {
    let mut at = 1;
    while at < tokens.len() {
        let before = tokens[at - 1].as_str();
        if tokens[at] == "+" && ["AND", "OR", "WHERE", "NOT", "("].contains(&before) {
            tokens.remove(at);
        } else {
            at += 1;
        }
    }
}

/// In SQLite a cross join says in which order tables are read, and may have a condition.
fn joins(tokens: &mut Vec<String>) {
    let mut at = 0;
    while at < tokens.len() {
        if is(tokens, at, &["CROSS", "JOIN"]) && has_condition(&tokens[at + 2..]) {
            tokens.remove(at);
        }
        at += 1;
    }
}

/// Whether what follows a join is its condition, before another one or the end of the tables.
fn has_condition(tokens: &[String]) -> bool {
    let mut depth = 0;
    for token in tokens {
        match token.as_str() {
            "(" => depth += 1,
            ")" if depth == 0 => return false,
            ")" => depth -= 1,
            _ if depth > 0 => {}
            "ON" => return true,
            "CROSS" | "JOIN" | "LEFT" | "WHERE" | "GROUP" | "ORDER" | "LIMIT" | "UNION" => {
                return false;
            }
            _ => {}
        }
    }
    false
}

/// `IS` compares any two values in SQLite.
fn comparisons(tokens: &mut Vec<String>) {
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at] == "IS" {
            let is_not = is(tokens, at + 1, &["NOT"]);
            let what = tokens.get(at + 1 + usize::from(is_not));
            if what.is_some_and(|what| what != "NULL") {
                let said = if is_not { "IS DISTINCT FROM" } else { "IS NOT DISTINCT FROM" };
                tokens.splice(at..=at + usize::from(is_not), words(said));
                at += 2;
            }
        }
        at += 1;
    }
}

/// Functions with another name or another form, and types.
fn functions(tokens: &mut Vec<String>) {
    let mut at = 0;
    while at + 1 < tokens.len() {
        if is(tokens, at, &["AS", "INTEGER", ")"]) {
            "BIGINT".clone_into(&mut tokens[at + 1]);
        } else if is(tokens, at, &["LIMIT", "-", "1"]) {
            tokens.splice(at + 1..at + 3, words("ALL"));
        } else if tokens[at + 1] == "(" {
            let arguments = parts(tokens, at + 1);
            match (tokens[at].as_str(), arguments.as_slice()) {
                ("min", [_, _, ..]) => "LEAST".clone_into(&mut tokens[at]),
                ("max", [_, _, ..]) => "GREATEST".clone_into(&mut tokens[at]),
                ("iif", [condition, yes, no]) => {
                    let [condition, yes, no] =
                        [condition, yes, no].map(|part| tokens[part.clone()].join(" "));
                    let end = closing(tokens, at + 1);
                    let case = format!("(CASE WHEN {condition} THEN {yes} ELSE {no} END)");
                    tokens.splice(at..=end, Tokens::of_translated(&case));
                }
                _ => {}
            }
        }
        at += 1;
    }
}

/// A list is one parameter, a text of JSON.
fn lists(tokens: &mut Vec<String>) {
    let mut at = 0;
    while at + 1 < tokens.len() {
        if tokens[at] == "json_each" {
            let end = closing(tokens, at + 1);
            let list = tokens[at + 2..end].join(" ");
            let read = format!("jsonb_array_elements_text ( {list} ::jsonb )");
            if is(tokens, end + 1, &["AS"]) {
                let name = tokens[end + 2].clone();
                tokens.splice(at..end + 3, words(&format!("{read} AS {name} ( value )")));
            } else {
                // `IN (SELECT value FROM json_each(…))`, of ids that are numbers or of texts.
                let of_numbers = at >= 5
                    && is(tokens, at - 4, &["(", "SELECT", "value", "FROM"])
                    && of_ids(&tokens[..at - 4]);
                tokens.splice(at..=end, words(&format!("{read} AS list ( value )")));
                if of_numbers {
                    "value::bigint".clone_into(&mut tokens[at - 2]);
                }
            }
        }
        at += 1;
    }
}

/// Whether the column before `IN` is a number of the store.
fn of_ids(before: &[String]) -> bool {
    let column = match before {
        [.., column, not, r#in] if not == "NOT" && r#in == "IN" => column,
        [.., column, r#in] if r#in == "IN" => column,
        _ => return false,
    };
    column == "id"
}

/// Before version 16 each query that is read like a table has a name.
fn named_queries(tokens: &mut Vec<String>) {
    const BEHIND: [&str; 14] = [
        "WHERE",
        "ORDER",
        "GROUP",
        "LIMIT",
        "UNION",
        "JOIN",
        "CROSS",
        "LEFT",
        "ON",
        ")",
        ",",
        "SET",
        "RETURNING",
        "OFFSET",
    ];
    let mut at = 0;
    let mut number = 0;
    while at + 2 < tokens.len() {
        if tokens[at] == "FROM" && tokens[at + 1] == "(" && tokens[at + 2] == "SELECT" {
            let end = closing(tokens, at + 1);
            if tokens.get(end + 1).is_none_or(|next| BEHIND.contains(&next.as_str())) {
                number += 1;
                let behind = end + 1;
                tokens.splice(behind..behind, words(&format!("AS query{number}")));
            }
        }
        at += 1;
    }
}

/// What becomes of a row that is there already.
fn conflicts(tokens: &mut Vec<String>) {
    if is(tokens, 0, &["INSERT", "OR", "IGNORE"]) {
        tokens.drain(1..3);
        tokens.extend(words("ON CONFLICT DO NOTHING"));
    } else if is(tokens, 0, &["INSERT", "OR", "REPLACE", "INTO"]) {
        // Of another table the server says that it does not know what this is.
        let Some((_, key)) = KEYS.iter().find(|(table, _)| *table == tokens[4]) else { return };
        tokens.drain(1..3);
        let is_key = |column: &str| key.split(", ").any(|part| part == column);
        let columns = parts(tokens, 3).into_iter().map(|part| tokens[part].join(""));
        let mut set: Vec<_> = columns
            .filter(|column| !is_key(column))
            .map(|column| format!("{column} = excluded.{column}"))
            .collect();
        if tokens[2] == "control_tickets" {
            // The one column that a new row leaves as it is by itself.
            set.push("replaced = NULL".to_owned());
        }
        tokens.push(format!("ON CONFLICT ({key}) DO UPDATE SET {}", set.join(", ")));
    }
}

#[cfg(test)]
mod tests;
