use super::*;

fn scope() -> Scope<'static> {
    Scope { flavour: Flavour::Itil, companies: None, now: "2026-11-21 10:00:00", nested: true }
}

fn sql(oql: &str) -> String {
    read(scope(), oql).unwrap().from
}

fn refused(oql: &str) -> String {
    read(scope(), oql).unwrap_err().packed(oql)
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
fn a_silo_narrows_what_is_selected_and_not_what_is_joined_or_nested() {
    let scope = Scope { companies: Some(&[3]), ..scope() };
    let narrow = "(SELECT * FROM \"Organization\" WHERE id IN (3))";
    assert_eq!(
        read(scope, "SELECT Organization").unwrap().from,
        format!("FROM {narrow} AS \"Organization\"")
    );
    let nested = "SELECT Organization AS o JOIN Organization AS p ON o.parent_id = p.id \
                  WHERE o.id NOT IN (SELECT Organization AS x WHERE x.status = 'inactive')";
    assert_eq!(
        read(scope, nested).unwrap().from,
        format!(
            "FROM {narrow} AS \"o\" JOIN \"Organization\" AS \"p\" ON \"o\".\"parent_id\" = \
             \"p\".\"id\"  WHERE (\"o\".\"id\" NOT IN (SELECT \"x\".id FROM \"Organization\" AS \
             \"x\" WHERE (\"x\".\"status\" = 'inactive' )) )"
        )
    );
}

#[test]
fn a_query_inside_a_query_stands_in_brackets_and_knows_the_names_around_it() {
    let query = sql(
        "SELECT Organization WHERE id = 3 AND (id NOT IN (SELECT Organization AS o JOIN Ticket AS t \
         ON t.org_id = o.id WHERE (t.id > 9 OR t.ref != 'x') AND Organization.id = o.id) OR id = 4)",
    );
    assert!(
        query.ends_with(
            "(\"Organization\".\"id\" = 3 AND ( \"Organization\".\"id\" NOT IN (SELECT \"o\".id \
             FROM \"Organization\" AS \"o\" JOIN \"Ticket\" AS \"t\" ON \"t\".\"org_id\" = \
             \"o\".\"id\"  WHERE (( \"t\".\"id\" > 9 OR \"t\".\"ref\" != 'x' ) AND \
             \"Organization\".\"id\" = \"o\".\"id\" )) OR \"Organization\".\"id\" = 4 ) )"
        ),
        "{query}"
    );
    let ambiguous = refused("SELECT Team WHERE id IN (SELECT Person AS p WHERE status = 'active')");
    assert!(
        ambiguous.contains("Ambiguous filter code - found 'status' at 50 in ''"),
        "{ambiguous}"
    );
    let before_2_7 = Scope { nested: false, ..scope() };
    let oql = "SELECT Organization WHERE id IN (SELECT Organization AS o)";
    assert_eq!(
        read(before_2_7, oql).unwrap_err().bare(),
        format!("Unexpected token SELECT - found 'SELECT' at 33 in '{oql}'")
    );
}

#[test]
fn hostile_queries_are_refused() {
    for oql in [
        "SELECT Person; DROP TABLE ticket",
        "DELETE Person",
        "SELECT sqlite_master",
        "SELECT Person WHERE id IN (SELECT id FROM ticket)",
        "SELECT Person WHERE id IN (SELECT Person AS p",
        "SELECT Person WHERE id IN (SELECT Person AS p) ORDER BY id",
        "SELECT Person WHERE NOT (id = 1)",
        r"SELECT Person WHERE name = 'a\n'",
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
