use super::*;

fn scope() -> Scope<'static> {
    Scope { flavour: Flavour::Itil, companies: None, now: "2026-11-21 10:00:00" }
}

fn sql(oql: &str) -> String {
    read(scope(), oql).unwrap().from
}

fn refused(oql: &str) -> String {
    read(scope(), oql).unwrap_err()
}

#[test]
fn a_query_with_joins_keeps_its_form() {
    assert_eq!(
        sql("SELECT Team AS t JOIN lnkDeliveryModelToContact AS l ON l.contact_id = t.id \
             WHERE l.deliverymodel_id IN (1, 2)"),
        "FROM \"Team\" AS \"t\" JOIN \"lnkDeliveryModelToContact\" AS \"l\" ON \
         \"l\".\"contact_id\" = \"t\".\"id\"  WHERE (\"l\".\"deliverymodel_id\" IN ( 1 , 2 ) )"
    );
}

#[test]
fn texts_keep_quotes_and_backslashes() {
    assert_eq!(
        sql(r#"SELECT Organization WHERE name = 'O\'Brien' OR name = "Back\\Slash""#),
        r#"FROM "Organization" AS "Organization" WHERE ("Organization"."name" = 'O''Brien' OR "Organization"."name" = 'Back\Slash' )"#
    );
}

#[test]
fn a_pattern_is_escaped_with_backslashes_as_in_mysql() {
    assert!(sql(r"SELECT Server WHERE name LIKE '100\\%'").ends_with(r"LIKE '100\%' ESCAPE '\' )"));
}

#[test]
fn a_word_compared_with_a_flag_is_a_number() {
    assert!(
        sql("SELECT Server WHERE obsolescence_flag = 'yes' AND name = 'x'")
            .ends_with("= CAST('yes' AS NUMERIC) AND \"Server\".\"name\" = 'x' )")
    );
}

#[test]
fn a_silo_narrows_every_class() {
    let scope = Scope { companies: Some(&[3]), ..scope() };
    assert_eq!(
        read(scope, "SELECT Organization").unwrap().from,
        "FROM (SELECT * FROM \"Organization\" WHERE id IN (3)) AS \"Organization\""
    );
}

#[test]
fn hostile_queries_are_refused() {
    for oql in [
        "SELECT Person; DROP TABLE ticket",
        "DELETE Person",
        "SELECT sqlite_master",
        "SELECT Person WHERE id IN (SELECT id FROM ticket)",
        "SELECT Person WHERE load_extension('x')",
        "SELECT Person WHERE name = 'x' -- 'y'",
        "SELECT Person WHERE name LIKE name",
        "SELECT Person AS \"x\"",
        "SELECT Person WHERE name = 'x",
        "SELECT Person WHERE",
        "SELECT Person UNION SELECT Team",
        "",
    ] {
        assert!(refused(oql).contains("Exception"), "{oql}");
    }
}

#[test]
fn an_unqualified_name_of_two_classes_is_ambiguous() {
    assert!(
        refused("SELECT Team AS t JOIN Organization AS o ON t.org_id = o.id WHERE name = 'x'")
            .contains("Ambiguous filter code")
    );
}
