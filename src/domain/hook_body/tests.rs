use super::*;

const ALL: &[HookEvent] = &HookEvent::ALL;

fn rendered(template: &str, content_type: &str, message: &Message) -> Option<String> {
    HookBody::new(Some(template), content_type, ALL).unwrap().render(message).unwrap()
}

fn refused(template: &str) -> String {
    HookBody::new(Some(template), "application/json", ALL).unwrap_err().to_string()
}

#[test]
fn without_a_template_the_event_is_sent_as_it_is() {
    let body = HookBody::new(None, "application/json", ALL).unwrap();
    for event in HookEvent::ALL {
        let message = sample(event, true);
        let told: Value = serde_json::from_str(&body.render(&message).unwrap().unwrap()).unwrap();
        assert_eq!(told["type"], event.as_str());
        assert_eq!(told["data"], message.data);
    }
}

#[test]
fn values_are_written_as_the_content_type_asks() {
    let message = sample(HookEvent::TicketCreated, true);
    let json = rendered(
        r#"{"text": "{{ control.name }}: {{ control.output }} {{ gate.reason }}",
            "priority": {{ ticket.priority | json }}, "all": {{ company | json }}}"#,
        "application/json; charset=utf-8",
        &message,
    );
    let json: Value = serde_json::from_str(&json.unwrap()).unwrap();
    assert_eq!(json["text"], "Disk \"C:\": C:\\ is\nfull ");
    assert_eq!(json["priority"], 2);
    assert_eq!(json["all"]["name"], "Sample \"company\"");
    let form = "application/x-www-form-urlencoded";
    let form = rendered("a={{ control.output }}&b={{ ticket.number }}", form, &message);
    assert_eq!(form.unwrap(), "a=C%3A%5C%20is%0Afull&b=I%2D000104");
    let plain = rendered("{{ control.name }}", "text/plain", &message);
    assert_eq!(plain.unwrap(), "Disk \"C:\"");
}

#[test]
fn filters_and_conditions_do_what_they_say() {
    let message = sample(HookEvent::TicketCreated, true);
    let of = |template| rendered(template, "text/plain", &message).unwrap();
    assert_eq!(of("{{ company.name | upper | cut(6) }}"), "SAMPL…");
    assert_eq!(of("{{ gate.reason | default('none') }}"), "none");
    assert_eq!(of("{% if ticket.priority <= 2 and not gate %}yes{% else %}no{% endif %}"), "yes");
    // What gives nothing sends nothing.
    let only = "{% if type == 'gate.closed' %}{{ gate.reason }}{% endif %}";
    assert_eq!(rendered(only, "text/plain", &message), None);
}

#[test]
fn a_mistake_is_found_before_the_first_event() {
    for (template, says) in [
        ("{{ ticket.numbr }}", "there is no variable 'ticket.numbr'; did you mean 'number'?"),
        ("{{ tiket }}", "there is no variable 'tiket'"),
        ("{{ ticket.number | shout }}", "unknown filter"),
        ("{{ ticket.number", "cannot be used"),
        (
            r#"{"number": {{ ticket.number }}}"#,
            "ticket.created: what the template gives is not JSON",
        ),
        // Only where an event has none.
        (r#"{"priority": {{ ticket.priority }}}"#, "is not JSON"),
    ] {
        let error = refused(template);
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn what_could_grow_without_end_is_refused() {
    for template in [
        "{{ id ~ id }}",
        "{{ id * 1000000000 }}",
        "{{ 9 ** 999999 }}",
        "{{ id + id }}",
        "{% set x = id %}{{ x }}",
        "{% set x %}{{ id }}{% endset %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% with x = id %}{{ x }}{% endwith %}",
        "{% for a in [id, id] %}{{ a }}{% endfor %}",
        "{% for a in (id, id) %}{{ a }}{% endfor %}",
        "{{ {'a': id} }}",
        "{% for a in id recursive %}{{ loop(a) }}{% endfor %}",
        "{% filter upper %}{{ id }}{% endfilter %}",
        "{% include 'body' %}",
        "{% raw %}{{ \" {% endraw %}{{ id ~ id }}{{ \"\" }}",
    ] {
        let error = refused(template);
        assert!(error.contains("not for hooks") || error.contains("cannot be used"), "{error}");
    }
    assert!(refused(&" ".repeat(MAX_TEMPLATE_BYTES + 1)).contains("may have"));
}

#[test]
fn a_template_that_takes_too_long_or_gives_too_much_is_refused() {
    let nested = |depth: usize, inner: &str| {
        let loops = "{% for c in timestamp %}".repeat(depth);
        format!("{loops}{inner}{}", "{% endfor %}".repeat(depth))
    };
    let without_end = HookBody::new(Some(&nested(9, "")), "text/plain", ALL).unwrap_err();
    assert!(without_end.to_string().contains("steps"), "{without_end}");
    let long = "x".repeat(1_000);
    let too_much = HookBody::new(Some(&nested(2, &long)), "text/plain", ALL).unwrap_err();
    assert!(too_much.to_string().contains("bytes"), "{too_much}");
    // Each of these doubles the backslashes.
    let doubling = format!("{{{{ control.output {} }}}}", "| json ".repeat(60));
    let doubled = HookBody::new(Some(&doubling), "text/plain", ALL).unwrap_err();
    assert!(doubled.to_string().contains("bytes"), "{doubled}");
}
