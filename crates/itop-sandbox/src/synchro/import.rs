//! `import.php`: a file of CSV into objects at once, without any memory of its rows.

mod columns;
mod row;

use super::{
    Death, Fate,
    door::{Answer, Call},
    table::Table,
};
use crate::{classes, session::Session};
use columns::{Columns, shown_keys};
use row::Outcome;

#[derive(Default)]
struct Counts {
    issues: usize,
    created: usize,
    updated: usize,
    unchanged: usize,
}

pub(super) fn answer(session: &Session<'_>, call: &Call) -> Result<Answer, Death> {
    let output = call.text_or("output", "summary");
    let class_name = call.text_or("class", "");
    let separator = call.sign("separator", b',');
    let qualifier = call.sign("qualifier", b'"');
    let charset = call.text_or("charset", "ISO-8859-1");
    let data = call.bytes("csvdata").unwrap_or_default();
    let simulate = call.is_on("simulate");
    let localized = !call.is_on("no_localize");
    let mut lines = vec![
        format!("#Output format: {output}"),
        format!("#Class: {class_name}"),
        format!("#Separator: {}", char::from(separator)),
        format!("#Qualifier: {}", char::from(qualifier)),
        format!("#Charset Encoding:{charset}"),
        format!("#Date format: {}", call.text_or("date_format", "<none>")),
        format!("#Localize: {}", if localized { "yes" } else { "no" }),
        format!("#Data Size: {}", data.len()),
    ];
    let refused = |mut lines: Vec<String>, message: String| {
        lines.push(format!("#{message}"));
        Ok(Answer::text(lines.join("\n")))
    };
    // The words for a class or a file that is not there are not recorded.
    let Some(class) = classes::find(session.flavour, &class_name) else {
        return refused(lines, format!("Unknown class: '{class_name}'"));
    };
    if session.strike.has(&crate::FaultKind::ReadOnly) || !session.user.may_write_in_bulk(class) {
        let message = format!(
            "You are not allowed to perform a bulk update of objects of class {}",
            class.name
        );
        return refused(lines, message);
    }
    let Some(table) = Table::read(data, separator, qualifier, &charset) else {
        return refused(lines, "Missing data - at least one line is expected".to_owned());
    };
    let keys = call.text("reconciliationkeys");
    let columns = match Columns::read(session, class, &table.header, keys.as_deref(), localized) {
        Ok(columns) => columns,
        Err(message) => return refused(lines, message),
    };
    let mut counts = Counts::default();
    let mut rows = vec![format!("Line;Status;Object Class;Object Id;{}", columns.labels())];
    let mut fate = Fate::of_objects(&session.strike.kinds);
    for (n, values) in table.rows.iter().enumerate() {
        let (outcome, shown) = row::import(session, &columns, values, simulate)?;
        match outcome {
            Outcome::Issue => counts.issues += 1,
            Outcome::Created => counts.created += 1,
            Outcome::Updated => counts.updated += 1,
            Outcome::Unchanged => counts.unchanged += 1,
        }
        if matches!(outcome, Outcome::Created | Outcome::Updated) && !simulate {
            fate.step()?;
        }
        rows.push(format!("{n};{shown}"));
    }
    if output == "retcode" {
        return Ok(Answer::text(counts.issues.to_string()));
    }
    lines.extend([
        format!("#Data Lines: {}", table.rows.len()),
        format!("#Simulate: {}", i32::from(simulate)),
        format!("#Columns: {}", columns.codes()),
        format!("#Reconciliation Keys: {}", shown_keys(&columns)),
        format!("#Change tracking comment: {}", call.text_or("comment", "")),
        format!("#Issues: {}", counts.issues),
        "#Warnings: 0".to_owned(),
        format!("#Created: {}", counts.created),
        format!("#Updated: {}", counts.updated),
        format!("#Unchanged: {}", counts.unchanged),
    ]);
    if output == "details" {
        lines.extend(rows);
    }
    Ok(Answer::text(lines.join("\n")))
}
