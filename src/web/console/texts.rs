//! The words of the pages, in both languages.
//!
//! Each page keeps its own in `texts.toml` beside its template: a key, and below it `en` and `fr`. What
//! depends on a number has two forms, `one` and `other`. In a template `t("inbox.waiting", count=3)`.
//!
//! Texts speak of iTop. `t("tickets.moved", desk="salesforce")` says the same of another ticket system: by the text
//! of the key `moved_salesforce`, where that stands beside it, else by its name. Where a text is about all that are
//! served, `desk` is the only one, or `several`.

use std::{borrow::Cow, collections::HashMap, sync::LazyLock};

use minijinja::{Error, ErrorKind, value::Kwargs};
use toml::{Table, Value};

use crate::domain::{desk_name::DeskName, ticket_text::Language};

/// The tables, by the first part of their keys.
const TABLES: &[(&str, &str)] = &[
    ("layout", include_str!("texts.toml")),
    ("companies", include_str!("companies/texts.toml")),
    ("equipment", include_str!("equipment/texts.toml")),
    ("health", include_str!("health/texts.toml")),
    ("inbox", include_str!("inbox/texts.toml")),
    ("migration", include_str!("migration/texts.toml")),
    ("new_ticket", include_str!("new_ticket/texts.toml")),
    ("reference", include_str!("reference/texts.toml")),
    ("sign_in", include_str!("sign_in/texts.toml")),
    ("signed", include_str!("../signed/texts.toml")),
    ("tickets", include_str!("tickets/texts.toml")),
];

/// One text.
#[derive(Debug)]
struct Text {
    en: String,
    fr: String,
}

static TEXTS: LazyLock<HashMap<String, Text>> = LazyLock::new(|| {
    let mut texts = HashMap::new();
    for (page, table) in TABLES {
        // A test reads all of them.
        if let Ok(table) = table.parse::<Table>() {
            take(&mut texts, page, table);
        }
    }
    texts
});

/// Takes the texts of a table in; what has no more tables in it is one.
fn take(texts: &mut HashMap<String, Text>, above: &str, table: Table) {
    let word = |language: &str| table.get(language).and_then(Value::as_str).map(str::to_owned);
    if let (Some(en), Some(fr)) = (word("en"), word("fr")) {
        texts.insert(above.to_owned(), Text { en, fr });
        return;
    }
    for (key, value) in table {
        if let Value::Table(table) = value {
            take(texts, &format!("{above}.{key}"), table);
        }
    }
}

/// The text of a key, if there is one.
pub(super) fn text(language: Language, key: &str) -> Option<&'static str> {
    TEXTS.get(key).map(|text| match language {
        Language::En => text.en.as_str(),
        Language::Fr => text.fr.as_str(),
    })
}

/// The same where a test sees to it that there is one: an empty text for none.
pub(in crate::web) fn word(language: Language, key: &str) -> &'static str {
    text(language, key).unwrap_or_default()
}

/// iTop's own states of a ticket, for each of which there is a word.
const STATUSES: [&str; 12] = [
    "new",
    "assigned",
    "pending",
    "resolved",
    "closed",
    "dispatched",
    "redispatched",
    "approved",
    "rejected",
    "waiting_for_approval",
    "escalated_tto",
    "escalated_ttr",
];

/// What a person calls a status: one of a customised data model is told as iTop writes it.
pub(in crate::web) fn status_word(language: Language, code: &str) -> Cow<'_, str> {
    if STATUSES.contains(&code) {
        return word(language, &format!("tickets.status.{code}")).into();
    }
    if code.contains('_') { code.replace('_', " ").into() } else { code.into() }
}

/// What stands for the ticket systems where there is more than one.
pub(super) const SEVERAL: &str = "several";

/// A text of ours that speaks of iTop, said of another ticket system.
fn of_desk(language: Language, text: &str, desk: DeskName) -> String {
    let title = desk.title();
    let text = match language {
        Language::En => text.to_owned(),
        // No other begins with a vowel.
        Language::Fr => text.replace("d’iTop", "de iTop").replace("u’iTop", "ue iTop"),
    };
    text.replace("iTop", title)
}

/// The text of a key with what stands in braces replaced; `count` chooses between `one` and `other`, `desk` between
/// the ticket systems.
///
/// # Errors
/// Where there is no such text: a defect, which a test finds.
pub(super) fn translated(language: Language, key: &str, values: &Kwargs) -> Result<String, Error> {
    let counted = if values.has("count") {
        let count: f64 = values.peek("count")?;
        let is_one = match language {
            Language::En => (count - 1.0).abs() < f64::EPSILON,
            Language::Fr => count.abs() < 2.0,
        };
        text(language, &format!("{key}.{}", if is_one { "one" } else { "other" }))
    } else {
        None
    };
    let desk: Option<String> = if values.has("desk") { values.peek("desk")? } else { None };
    let own = desk.as_deref().and_then(|desk| text(language, &format!("{key}_{desk}")));
    let known = own.or(counted).or_else(|| text(language, key)).ok_or_else(|| {
        Error::new(ErrorKind::InvalidOperation, format!("there is no text '{key}'"))
    })?;
    let other = desk.as_deref().and_then(DeskName::parse).and_then(DeskName::unless_itop);
    let mut said = match other.filter(|_| own.is_none()) {
        Some(desk) => of_desk(language, known, desk),
        None => known.to_owned(),
    };
    for name in values.args() {
        let value: minijinja::Value = values.get(name)?;
        said = said.replace(&format!("{{{name}}}"), &value.to_string());
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::web::console::templates::TEMPLATES;

    /// What the calls of `t` and `say` in the templates and scripts name.
    fn used() -> BTreeSet<String> {
        let mut used = BTreeSet::new();
        for (_, template) in TEMPLATES {
            const CALL: &str = "t(\"";
            for (at, _) in template.match_indices(CALL) {
                // Not the end of another name.
                if !template[..at].ends_with(|c: char| c.is_ascii_alphanumeric()) {
                    let key = template[at + CALL.len()..].split('"').next().unwrap_or_default();
                    used.insert(said(key).to_owned());
                }
            }
        }
        used
    }

    /// A key without its form, and without the ticket system that it is for.
    fn said(key: &str) -> &str {
        let key = key.strip_suffix(".one").or_else(|| key.strip_suffix(".other")).unwrap_or(key);
        let mut desks = DeskName::ALL.map(DeskName::code).into_iter().chain([SEVERAL]);
        let whose = |desk: &str| key.strip_suffix(desk)?.strip_suffix('_');
        desks.find_map(whose).unwrap_or(key)
    }

    /// The keys as calls name them.
    fn keys() -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        for (page, table) in TABLES {
            let table: Table = table.parse().unwrap_or_else(|error| panic!("{page}: {error}"));
            walk(page, &table, &mut keys);
        }
        keys
    }

    fn walk(above: &str, table: &Table, keys: &mut BTreeSet<String>) {
        for (key, value) in table {
            let Value::Table(below) = value else { panic!("{above}.{key} has no languages") };
            let key = format!("{above}.{key}");
            if below.values().all(Value::is_table) {
                walk(&key, below, keys);
                continue;
            }
            for language in ["en", "fr"] {
                let text = below.get(language).and_then(Value::as_str).unwrap_or_default();
                assert!(!text.trim().is_empty(), "{key} has no text in {language}");
            }
            assert_eq!(below.len(), 2, "{key}");
            keys.insert(said(&key).to_owned());
        }
    }

    #[test]
    fn every_text_stands_in_both_languages() {
        assert!(keys().len() > 10);
    }

    #[test]
    fn every_text_that_is_asked_for_is_there_and_every_one_that_is_there_is_asked_for() {
        let (keys, used) = (keys(), used());
        for key in &used {
            // What ends in a dot is the beginning of a key that the template makes.
            let is_made = key.ends_with('.') && keys.iter().any(|known| known.starts_with(key));
            assert!(keys.contains(key) || is_made, "no text {key}");
        }
        for key in &keys {
            let is_made = used.iter().any(|used| used.ends_with('.') && key.starts_with(used));
            let is_of_code = CODED.iter().any(|coded| key.starts_with(coded));
            assert!(used.contains(key) || is_made || is_of_code, "nothing asks for {key}");
        }
    }

    /// What code asks for, not a template.
    const CODED: &[&str] =
        &["layout.error.", "layout.age.", "health.plot.", "signed.", "tickets.status."];

    #[test]
    fn what_code_asks_for_is_there() {
        let keys = keys();
        for coded in CODED {
            assert!(keys.iter().any(|key| key.starts_with(coded)), "nothing below {coded}");
        }
        for status in STATUSES {
            assert!(keys.contains(&format!("tickets.status.{status}")), "no word for {status}");
        }
        assert_eq!(status_word(Language::Fr, "assigned"), "Assigné");
        // No word of ours for what another data model calls so.
        assert_eq!(status_word(Language::En, "failed"), "failed");
        assert_eq!(status_word(Language::En, "on_hold"), "on hold");
    }

    #[test]
    fn french_has_its_spaces() {
        for (page, table) in TABLES {
            let table: Table = table.parse().unwrap();
            french(page, &Value::Table(table));
        }
    }

    fn french(key: &str, value: &Value) {
        let Value::Table(table) = value else { return };
        for (name, value) in table {
            french(&format!("{key}.{name}"), value);
        }
        let Some(text) = table.get("fr").and_then(Value::as_str) else { return };
        for sign in [':', ';', '?', '!', '»'] {
            for (at, _) in text.match_indices(sign) {
                let before = text[..at].chars().next_back();
                let is_time =
                    text[at + sign.len_utf8()..].starts_with(|c: char| c.is_ascii_digit());
                let in_address = text[at..].starts_with("://");
                assert!(
                    matches!(before, None | Some('\u{a0}' | '\u{202f}')) || is_time || in_address,
                    "{key}: {text}"
                );
            }
        }
        assert!(!text.contains('\''), "{key}: the apostrophe of French is ’: {text}");
    }

    #[test]
    fn what_is_said_of_itop_is_said_of_another_ticket_system_too() {
        let said = |language, key: &str, desk: Option<&str>| {
            let values = [("desk", minijinja::Value::from(desk))].into_iter().collect();
            translated(language, key, &values).unwrap()
        };
        let (key, fr) = ("health.answers", Language::Fr);
        assert_eq!(said(fr, key, None), "Temps de réponse d’iTop, ms (par 15 min)");
        assert_eq!(said(fr, key, Some("itop")), said(fr, key, None));
        assert_eq!(
            said(fr, key, Some("salesforce")),
            "Temps de réponse de Salesforce, ms (par 15 min)"
        );
        assert_eq!(
            said(fr, "inbox.why.refused-by-itop", Some("salesforce")),
            "Salesforce a refusé le ticket. Corrigez ce qu’il indique, puis réessayez."
        );
        assert_eq!(
            said(Language::En, "tickets.status.deleted", Some("salesforce")),
            "Deleted in Salesforce"
        );
        // What has words of its own, and what is about several.
        assert!(
            said(Language::En, "layout.gate.unreachable.mend", Some("salesforce"))
                .contains("login_url")
        );
        assert_eq!(
            said(Language::En, "companies.organization", Some(SEVERAL)),
            "Organization or Account"
        );
    }

    #[test]
    fn every_reason_for_a_closed_gate_has_its_sentences() {
        for reason in crate::gate::Reason::ALL {
            for part in ["what", "mend"] {
                let key = format!("layout.gate.{}.{part}", reason.code());
                assert!(text(Language::En, &key).is_some(), "no text {key}");
            }
        }
    }

    #[test]
    fn numbers_choose_the_form() {
        let said = |language, count: i64| {
            let values = [("count", minijinja::Value::from(count))].into_iter().collect();
            translated(language, "layout.need", &values).unwrap()
        };
        assert_eq!(said(Language::En, 0), "0 need you");
        assert_eq!(said(Language::En, 1), "1 needs you");
        assert_eq!(said(Language::Fr, 0), "0 demande une action");
        assert_eq!(said(Language::Fr, 2), "2 demandent une action");
    }
}
