//! The examples, judged.

use super::*;
use crate::{
    gate::Reason,
    outgoing::Redactor,
    salesforce::{examples::example, limits},
};

fn judged(name: &str) -> Result<Value, Error> {
    let raw = example(name);
    let used = raw.header(&limits::HEADER).and_then(limits::read);
    read(&raw, Known { used, version: "67.0" })
}

fn refused(name: &str) -> Refusal {
    match judged(name) {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn a_success_is_its_json() {
    assert_eq!(judged("10-case-create-ok").unwrap()["id"], "500xx000000aB1CAAU");
    assert_eq!(read(&Raw::of(204, "", ""), Known::default()), Ok(Value::Null));
}

#[test]
fn what_salesforce_refuses_had_no_effect_and_says_what_to_do() {
    for (name, code, fields) in [
        ("20-upsert-parent-not-found", "INVALID_FIELD", &[][..]),
        ("21-duplicates-detected", "DUPLICATES_DETECTED", &[]),
        ("22-create-required-field-missing", "REQUIRED_FIELD_MISSING", &["LastName"]),
        ("23-create-string-too-long", "STRING_TOO_LONG", &["Subject"]),
        (
            "24-create-restricted-picklist",
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            &["CI_Type__c"],
        ),
        ("25-create-field-not-writable", "INVALID_FIELD_FOR_INSERT_UPDATE", &["CreatedDate"]),
        ("26-create-no-such-column", "INVALID_FIELD", &[]),
        ("32-query-invalid-field", "INVALID_FIELD", &[]),
        ("33-query-malformed", "MALFORMED_QUERY", &[]),
        ("40-delete-twice", "ENTITY_IS_DELETED", &[]),
    ] {
        let refusal = refused(name);
        assert_eq!(
            (refusal.code.as_str(), &refusal.fields[..]),
            (code, &fields.iter().map(|f| (*f).to_owned()).collect::<Vec<_>>()[..]),
            "{name}"
        );
        let error = Error::Refused(refusal);
        assert!(error.had_no_effect() && error.has_ended() && !error.is_passing(), "{name}");
        assert!(error.mend().is_some(), "{name}: nobody says what to do");
        assert_eq!(error.reason(), None, "{name}");
    }
    assert!(judged("16-get-by-external-id-missing").unwrap_err().is_missing());
    assert!(!judged("26-create-no-such-column").unwrap_err().is_missing());
}

#[test]
fn what_was_sent_is_not_repeated() {
    for (name, echoed) in [
        ("23-create-string-too-long", "data value"),
        ("24-create-restricted-picklist", "Toaster"),
        ("29-create-bad-datetime", "2013"),
        ("32-query-invalid-field", "SELECT"),
        ("33-query-malformed", "SELECT"),
    ] {
        let said = judged(name).unwrap_err().to_string();
        assert!(!said.contains(echoed), "{said}");
    }
    let column = judged("32-query-invalid-field").unwrap_err().to_string();
    assert!(column.contains("No such column 'Bad__x'"), "{column}");
    let missing = judged("22-create-required-field-missing").unwrap_err().to_string();
    assert!(missing.contains("Required fields are missing: [LastName]"), "{missing}");
}

#[test]
fn a_duplicate_is_told_by_its_code_whatever_the_message_holds() {
    for name in ["13-case-create-duplicate-value", "14-case-create-duplicate-value-unknown"] {
        assert_eq!(judged(name), Err(Error::DuplicateValue));
    }
    assert_eq!(judged("19-upsert-several-match"), Err(Error::Several { count: 2 }));
}

#[test]
fn what_passes_is_sent_again() {
    for name in ["27-create-lock-row", "34-query-timeout"] {
        let error = judged(name).unwrap_err();
        assert!(matches!(error, Error::Busy { .. }), "{name}: {error:?}");
        assert!(error.is_passing() && error.had_no_effect(), "{name}");
        assert_eq!(error.reason(), None);
    }
    let hidden = r#"[{"errorCode":"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY","message":"CaseTrigger: execution of AfterInsert caused by: UNABLE_TO_LOCK_ROW, unable to obtain"}]"#;
    let error = read(&Raw::of(400, "application/json", hidden), Known::default()).unwrap_err();
    assert_eq!(error, Error::Busy { code: "UNABLE_TO_LOCK_ROW".to_owned() });
}

#[test]
fn limits_close_the_way_and_say_when_to_ask_again() {
    let day = judged("30-request-limit-exceeded").unwrap_err();
    assert_eq!(day, Error::RequestLimit { daily: true, used: Some((115_000, 115_000)) });
    assert_eq!(day.reason(), Some(Reason::RequestLimit));
    assert!(day.to_string().contains("115000 of 115000"), "{day}");
    let body = r#"[{"message":"ConcurrentPerOrgLongTxn Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#;
    let known = Known { used: Some((18, 5000)), version: "67.0" };
    let at_once = read(&Raw::of(403, "application/json", body), known).unwrap_err();
    assert_eq!(at_once, Error::RequestLimit { daily: false, used: Some((18, 5000)) });
    assert!(at_once.is_passing() && at_once.reason().is_none());
    let storage = judged("28-create-storage-limit").unwrap_err();
    assert_eq!(storage, Error::StorageLimit);
    assert_eq!(storage.reason(), Some(Reason::StorageLimit));
    assert!(storage.had_no_effect());
}

#[test]
fn a_session_that_is_over_and_an_org_without_the_api_are_told_apart() {
    let code = "INVALID_SESSION_ID".to_owned();
    assert_eq!(judged("08-session-expired"), Err(Error::Session { code }));
    let body = r#"[{"message":"INVALID_HEADER_TYPE","errorCode":"INVALID_AUTH_HEADER"}]"#;
    let error = read(&Raw::of(401, "application/json", body), Known::default()).unwrap_err();
    assert!(matches!(error, Error::Session { .. }), "{error:?}");
    let body = r#"[{"message":"x","errorCode":"API_DISABLED_FOR_ORG"}]"#;
    let error = read(&Raw::of(403, "application/json", body), Known::default()).unwrap_err();
    assert_eq!(error.reason(), Some(Reason::WritesRefused));
}

#[test]
fn what_has_no_code_is_judged_by_its_status() {
    let of = |status, kind, body: &str| read(&Raw::of(status, kind, body), Known::default());
    for (status, kind, body) in [
        (503, "text/html", "<h1>down</h1>"),
        (502, "text/html", ""),
        (420, "text/html", "<h1>edge</h1>"),
        (
            500,
            "application/json",
            r#"[{"message":"ErrorId 1169266788","errorCode":"UNKNOWN_EXCEPTION"}]"#,
        ),
        (200, "application/json", r#"{"id":"500"#),
    ] {
        let error = of(status, kind, body).unwrap_err();
        assert!(matches!(error, Error::NoClearAnswer { .. }), "{status}: {error:?}");
        assert!(error.may_still_run() && error.is_passing(), "{status}");
    }
    assert!(matches!(
        of(403, "text/html", "<h1>no</h1>"),
        Err(Error::TurnedAway { status: 403, .. })
    ));
    assert!(matches!(of(200, "text/html", "<h1>Portal</h1>"), Err(Error::NotSalesforce { .. })));
    assert!(of(429, "application/json", r#"[{"errorCode":"X"}]"#).unwrap_err().is_passing());
    let redirect = {
        let mut raw = Raw::of(302, "text/html", "");
        raw.headers.insert("location", "https://sso.example/x?token=s3cret".parse().unwrap());
        read(&raw, Known::default()).unwrap_err().to_string()
    };
    assert!(
        redirect.contains("https://sso.example/x") && !redirect.contains("s3cret"),
        "{redirect}"
    );
    let mut echo = Raw::of(403, "text/html", "you sent Bearer t0ken-of-the-session");
    echo.redactor = Redactor::new(["t0ken-of-the-session"]);
    let error = read(&echo, Known::default()).unwrap_err().to_string();
    assert!(!error.contains("t0ken"), "{error}");
}

#[test]
fn no_example_is_judged_as_anything_that_it_is_not() {
    for (name, status) in crate::salesforce::examples::all() {
        let raw = example(&name);
        let outcome = read(&raw, Known::default());
        match status {
            200..=299 if raw.content_type().starts_with("text/csv") => {}
            200..=299 => assert!(outcome.is_ok(), "{name}: {outcome:?}"),
            _ if name.contains("token") => assert!(outcome.is_err(), "{name}"),
            _ => {
                let error = outcome.unwrap_err();
                assert!(
                    !matches!(error, Error::TurnedAway { .. } | Error::NotSalesforce { .. }),
                    "{name}: {error:?}"
                );
            }
        }
    }
}
