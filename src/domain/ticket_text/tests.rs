//! What people read in a ticket, and that it always fits into iTop.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::{acknowledgement::decode, keys::Instance, priority::Priority};

fn full_event() -> Value {
    json!({
        "event_id": "sn-prod:svc-48213:2026-11-21T08:14:09Z",
        "created_at": "2026-11-21T09:15:02+01:00",
        "company": {"id": 42, "name": "Hôpital Saint-Éloi"},
        "site": "Montpellier",
        "contract": "Gold",
        "equipment": {"name": "srv-sql-01", "address": "10.1.2.3", "category": "Server"},
        "control": {
            "id": "svc-48213", "element_type": "service", "name": "Disk <C:>",
            "criticality": "high", "state": "CRITICAL", "state_type": "HARD",
            "status_changed_at": "2026-07-21T08:14:09Z",
            "output": "C: 97% used & rising\nD: 12% used", "url": "https://sn.example/#c=48213"
        },
        "description": "Users cannot save.\nSince this morning.",
        "acknowledgement": {
            "author": {"login": "jdupont", "name": "Jean Dupont"}, "comment": "Purge in progress",
            "expires_at": "2026-11-22T09:15:02+01:00"
        }
    })
}

fn rendered(language: Language, event: &Value, warnings: &[&str]) -> TicketText {
    let templates = Templates::new(language, None, None, &BTreeMap::new()).unwrap();
    render_with(&templates, event, warnings).unwrap()
}

fn render_with(
    templates: &Templates,
    event: &Value,
    warnings: &[&str],
) -> Result<TicketText, TemplateError> {
    let event = decode(&event.into()).unwrap();
    let warnings: Vec<_> = warnings.iter().map(|warning| (*warning).to_owned()).collect();
    let zone = TimeZone::get("Europe/Paris").unwrap();
    let resolved = Resolved { team: "Helpdesk".to_owned(), ..Resolved::default() };
    templates.render(&context(
        &event,
        &Instance::default(),
        Priority::High,
        resolved,
        &warnings,
        &zone,
    ))
}

#[test]
fn english() {
    let text = rendered(Language::En, &full_event(), &["Contact 'X' is no active contact."]);
    insta::assert_snapshot!(format!("{}\n\n{}", text.title, text.description));
}

#[test]
fn french() {
    let text = rendered(Language::Fr, &full_event(), &["Contact 'X' is no active contact."]);
    insta::assert_snapshot!(format!("{}\n\n{}", text.title, text.description));
}

#[test]
fn the_least_event_has_no_empty_lines() {
    let mut event = full_event();
    for name in ["site", "contract", "description"] {
        event[name] = Value::Null;
    }
    event["control"] = json!({
        "id": 1, "element_type": "equipment", "name": "srv-sql-01", "state": "DOWN",
        "status_changed_at": "2026-11-21T08:14:09Z"
    });
    event["equipment"] = json!({"name": "srv-sql-01"});
    event["acknowledgement"] = json!({"author": "jdupont", "comment": "On it"});
    let text = rendered(Language::En, &event, &[]);
    insta::assert_snapshot!(format!("{}\n\n{}", text.title, text.description));
}

#[test]
fn a_title_that_had_to_be_cut_stands_whole_in_the_description() {
    let mut event = full_event();
    event["title"] = json!("é".repeat(300));
    let text = rendered(Language::En, &event, &[]);
    assert_eq!(text.title.chars().count(), 255);
    assert!(text.description.contains(&"é".repeat(300)));
}

#[test]
fn own_templates_and_fields() {
    let fields = BTreeMap::from([(
        "external_ref".to_owned(),
        "{{ instance }}/{{ control.id }} {{ resolved.team }} P{{ priority }} <b>".to_owned(),
    )]);
    let title = Some("{{ company }}: {{ control.name }}");
    let templates = Templates::new(Language::En, title, Some("{{ comment }}"), &fields).unwrap();
    let mut event = full_event();
    event["acknowledgement"]["comment"] = json!("<b>bold</b>");
    let text = render_with(&templates, &event, &[]).unwrap();
    assert_eq!(text.title, "Hôpital Saint-Éloi: Disk <C:>");
    // A description is HTML and escapes by itself; other fields are text.
    assert_eq!(text.description, "&lt;b&gt;bold&lt;&#x2f;b&gt;");
    assert_eq!(text.fields["external_ref"], "default/svc-48213 Helpdesk P2 <b>");
}

#[test]
fn a_template_that_cannot_be_compiled_is_named() {
    let error = Templates::new(Language::En, Some("{{ oops"), None, &BTreeMap::new()).unwrap_err();
    assert!(error.to_string().contains("title"), "{error}");
}

#[test]
fn a_template_that_never_fits_is_an_error_and_not_an_endless_loop() {
    let long = "x".repeat(70_000);
    let templates = Templates::new(Language::En, None, Some(&long), &BTreeMap::new()).unwrap();
    assert!(render_with(&templates, &full_event(), &[]).is_err());
}

/// Whether every `<` begins a tag of the template and every `&` an entity: nothing was cut in two.
fn is_whole(html: &str) -> bool {
    let tags = html.split('<').skip(1).all(|rest| {
        rest.split_once('>').is_some_and(|(tag, _)| {
            let name = tag.trim_start_matches('/').trim_end_matches('/');
            ["p", "b", "br", "pre", "table", "tbody", "tr", "td", "ul", "li"].contains(&name)
        })
    });
    let entities = html.split('&').skip(1).all(|rest| {
        rest.split_once(';').is_some_and(|(name, _)| name.len() <= 5 && !name.contains('<'))
    });
    tags && entities
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_text_makes_a_ticket_that_itop_takes(
        output in any::<String>(),
        comment in r#"[<>&"'\\🔥é\n\x00a-z ]{1,40}"#,
        times in 1_usize..6_000,
        title in any::<String>(),
    ) {
        let mut event = full_event();
        event["control"]["output"] = json!(output.repeat(times.min(200_000 / output.len().max(1))));
        event["acknowledgement"]["comment"] = json!(format!("x{}", comment.repeat(times)));
        event["description"] = event["acknowledgement"]["comment"].clone();
        event["title"] = json!(title.repeat(20));
        prop_assume!(decode(&(&event).into()).is_ok());
        let text = rendered(Language::Fr, &event, &[]);
        prop_assert!(text.title.chars().count() <= 255);
        prop_assert!(!text.title.contains(char::is_control));
        prop_assert!(text.description.len() <= MAX_DESCRIPTION_BYTES);
        prop_assert!(!text.description.contains('\0'));
        prop_assert!(is_whole(&text.description));
    }
}
