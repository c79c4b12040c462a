//! What people read in a ticket, and that it always fits into iTop.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::{
    acknowledgement::{Receipt, decode},
    keys::Instance,
    notice::Notice,
    priority::Priority,
};

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
    let event = decode(&event.into(), &Receipt::default()).unwrap();
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

/// What is said of a template at the start.
fn refused(title: Option<&str>, description: Option<&str>, field: Option<&str>) -> String {
    let fields = field.map(|source| ("external_ref".to_owned(), source.to_owned()));
    let fields = fields.into_iter().collect();
    Templates::new(Language::En, title, description, &fields).unwrap_err().to_string()
}

#[test]
fn a_name_that_there_is_not_is_told_at_the_start() {
    for (error, says) in [
        (
            refused(Some("[{{ contrl.state }}] {{ company }}"), None, None),
            "the template of title cannot be used: there is no variable 'contrl'; did you mean \
             'control'?",
        ),
        (
            refused(None, Some("{% if equipment %}{{ equipment.adress }}{% endif %}"), None),
            "the template of description cannot be used: there is no variable \
             'equipment.adress'; did you mean 'equipment.address'?",
        ),
        // Where no sample leads, and where the engine would take it for empty.
        (
            refused(None, None, Some("{% if comment == 'x' %}{{ zzz | default('') }}{% endif %}")),
            "the template of external_ref cannot be used: there is no variable 'zzz'",
        ),
        (
            refused(None, None, Some("{% for x in warnings %}{{ x }}{% endfor %}{{ x }}")),
            "there is no variable 'x'",
        ),
        (refused(Some("{{ company | shout }}"), None, None), "shout"),
        (refused(Some("{{ company[3:].x }}"), None, None), "the template of title"),
    ] {
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_filter_that_only_one_kind_of_event_comes_to_is_found_at_the_start() {
    for condition in [
        "control.state == 'OUT_OF_ORDER'",
        "control.element_type == 'user_service' and control.criticality == 'high'",
        "not equipment",
        "warnings",
        "not control.output",
    ] {
        let title = format!("x{{% if {condition} %}}{{{{ comment | shout }}}}{{% endif %}}");
        let error = refused(Some(&title), None, None);
        assert!(error.contains("title") && error.contains("shout"), "{error}");
    }
}

#[test]
fn what_an_event_does_not_have_is_there_and_empty() {
    let title = "{{ site }}|{{ equipment.address }}|{{ control.output }}|{{ contract | lines }}|\
                 {{ 'some' if equipment else 'none' }}|{{ site or 'no site' }}|\
                 {{ equipment.name | default('x', true) }}|{{ range(2) | length }}";
    let templates = Templates::new(Language::En, Some(title), None, &BTreeMap::new()).unwrap();
    let mut event = full_event();
    for name in ["site", "contract", "equipment"] {
        event[name] = Value::Null;
    }
    event["control"]["element_type"] = json!("user_service");
    event["control"]["output"] = Value::Null;
    let text = render_with(&templates, &event, &[]).unwrap();
    assert_eq!(text.title, "||||none|no site|x|2");
}

#[test]
fn a_title_of_nothing_becomes_the_built_in_one() {
    let templates =
        Templates::new(Language::En, Some("{{ site }} "), None, &BTreeMap::new()).unwrap();
    let mut event = full_event();
    event["site"] = Value::Null;
    let text = render_with(&templates, &event, &[]).unwrap();
    assert_eq!(text.title, "[CRITICAL] srv-sql-01 – Disk <C:>");
}

#[test]
fn a_template_that_never_fits_is_an_error_and_not_an_endless_loop() {
    assert!(
        refused(None, Some(&"x".repeat(70_000)), None).contains("even with all free texts cut")
    );
}

#[test]
fn the_product_of_the_event_stands_where_servicenav_stood() {
    let mut event = full_event();
    event["source"] = json!({"product": "Centreon\n [[Person:1]]"});
    for language in [Language::En, Language::Fr] {
        let text = rendered(language, &event, &[]);
        assert!(!text.description.contains("ServiceNav"), "{}", text.description);
        assert!(text.description.contains("Centreon [\u{2060}[Person:1]]"), "{}", text.description);
    }
}

#[test]
fn what_itop_would_make_a_link_stays_text() {
    let mut event = full_event();
    event["control"]["name"] = json!("[Person:1]]");
    event["control"]["output"] = json!("\u{1b}[31m[[Person:1]]\u{1b}[0m\rnext");
    event["acknowledgement"]["comment"] = json!("[[User:1]]");
    let fields =
        BTreeMap::from([("note".to_owned(), "{{ comment }} {{ control.name }}".to_owned())]);
    let description =
        Some("[{{ control.name }}|{{ comment }}|{{ warnings }}|{{ control.output | lines }}");
    let templates = Templates::new(Language::En, None, description, &fields).unwrap();
    let text = render_with(&templates, &event, &["[[Foo:1]]"]).unwrap();
    assert!(!text.description.contains("[["), "{}", text.description);
    assert!(text.description.ends_with("[\u{2060}[Person:1]]<br/>next"), "{}", text.description);
    // A field may be a key for a program: nothing is put in front of it.
    assert_eq!(text.fields["note"], "[\u{2060}[User:1]] [Person:1]]");
    // iTop shows a title as it is.
    assert!(text.title.ends_with("[Person:1]]"), "{}", text.title);
}

fn line_of(event: &Value, language: Language, worse: bool) -> String {
    let event = decode(&event.into(), &Receipt::default()).unwrap();
    let zone = TimeZone::get("Europe/Paris").unwrap();
    let worse = worse.then(|| Worse::of(&event, Priority::Critical, Some(Priority::Medium), &zone));
    let renamed = Notice::renamed(&event, ("[ack x", Some("&#91;ack y]")));
    let changes = [worse.clone().map(Notice::Worse), renamed.filter(|_| worse.is_some())];
    line(&event, language, &changes.into_iter().flatten().collect::<Vec<_>>())
}

#[test]
fn a_further_acknowledgement_is_one_line() {
    let mut event = full_event();
    event["acknowledgement"]["comment"] = json!("Still at it\r\nwith Marie");
    let lines = [(Language::En, false), (Language::En, true), (Language::Fr, true)]
        .map(|(language, worse)| line_of(&event, language, worse).replace('\u{a0}', "·"));
    insta::assert_snapshot!(lines.join("\n"));
}

/// Whether every `<` begins a tag of the template and every `&` an entity: nothing was cut in two.
fn is_whole(html: &str) -> bool {
    let tags = html.split('<').skip(1).all(|rest| {
        rest.split_once('>').is_some_and(|(tag, _)| {
            let name = tag.trim_start_matches('/').trim_end_matches('/');
            let name = name.split(' ').next().unwrap_or_default();
            ["a", "p", "b", "br", "pre", "table", "tbody", "tr", "td", "ul", "li"].contains(&name)
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
        prop_assume!(decode(&(&event).into(), &Receipt::default()).is_ok());
        let text = rendered(Language::Fr, &event, &[]);
        prop_assert!(text.title.chars().count() <= 255);
        prop_assert!(!text.title.contains(char::is_control));
        prop_assert!(text.description.len() <= MAX_DESCRIPTION_BYTES);
        prop_assert!(!text.description.contains('\0'));
        prop_assert!(!text.description.contains("[["));
        prop_assert!(is_whole(&text.description));
    }

    #[test]
    fn no_line_can_bear_the_marker_of_another(
        comment in r"([\[\]\u{ff3b}\u{ff3d}\u{fe47}\u{fe48}]|ack|&#91;|[ 0-9a-f\n]|\PC){1,700}",
        worse in any::<bool>(),
    ) {
        let mut event = full_event();
        for part in ["/acknowledgement/comment", "/control/output", "/acknowledgement/author/name"] {
            *event.pointer_mut(part).unwrap() = json!(format!("x{}", comment.chars().take(400).collect::<String>()));
        }
        event["acknowledgement"]["comment"] = json!(format!("x{}", comment.repeat(9)));
        event["source"] = json!({"product": comment.chars().take(90).collect::<String>()});
        prop_assume!(decode(&(&event).into(), &Receipt::default()).is_ok());
        let line = line_of(&event, Language::Fr, worse);
        let brackets = ['[', ']', '\u{ff3b}', '\u{ff3d}', '\u{fe47}', '\u{fe48}', '\n', '\r'];
        prop_assert!(!line.contains(brackets));
        prop_assert!(!line.contains("&#91;"));
        prop_assert!(line.chars().count() < 3_000);
    }
}
