use super::*;

#[track_caller]
fn becomes(sqlite: &str, postgres: &str) {
    let squeezed = |sql: &str| sql.split_whitespace().collect::<String>();
    assert_eq!(squeezed(&translate(sqlite).sql), squeezed(postgres));
}

#[test]
fn parameters_have_their_numbers_as_sqlite_gives_them() {
    let parameters = |sql: &str| {
        let Translated { sql, parameters } = translate(sql);
        (sql, parameters.len())
    };
    assert_eq!(parameters("VALUES (?, ?1, ?3, ?)"), ("VALUES ( $1 , $1 , $3 , $4 )".to_owned(), 4));
    let Translated { sql, parameters } = translate("SET a = :now WHERE id = :id AND b <> :now");
    assert_eq!(sql, "SET a = $1 WHERE id = $2 AND b <> $1");
    assert_eq!(parameters, [Some(":now".to_owned()), Some(":id".to_owned())]);
}

#[test]
fn what_stands_in_a_text_stays() {
    becomes("SELECT 'it''s ? IS :x', x", "SELECT 'it''s ? IS :x', x");
}

#[test]
fn which_index_is_taken_is_for_sqlite_alone() {
    becomes("SELECT 1 FROM a INDEXED BY a_b WHERE +m.c = ?", "SELECT 1 FROM a WHERE m.c = $1");
    becomes("UPDATE a NOT INDEXED SET b = b + 1", "UPDATE a SET b = b + 1");
}

#[test]
fn an_order_of_joins_is_a_join() {
    becomes(
        "SELECT 1 FROM a CROSS JOIN b CROSS JOIN c AS d ON d.x = a.x WHERE true",
        "SELECT 1 FROM a CROSS JOIN b JOIN c AS d ON d.x = a.x WHERE true",
    );
}

#[test]
fn nothing_is_compared_like_any_other_value() {
    becomes(
        "a IS NULL AND b IS NOT NULL AND c IS ?1 AND d IS NOT e.f",
        "a IS NULL AND b IS NOT NULL AND c IS NOT DISTINCT FROM $1 AND d IS DISTINCT FROM e.f",
    );
}

#[test]
fn functions_have_their_other_form() {
    becomes("max(coalesce(a, 0), ?2)", "GREATEST(coalesce(a, 0), $1)".replace("$1", "$2").as_str());
    becomes(
        "SELECT max(id), min(CASE WHEN a THEN b END)",
        "SELECT max(id), min(CASE WHEN a THEN b END)",
    );
    becomes(
        "iif(a IS NULL, 0, iif(b, ?2, ?1))",
        "(CASE WHEN a IS NULL THEN 0 ELSE (CASE WHEN b THEN $2 ELSE $1 END) END)",
    );
    becomes("CAST(?2 AS INTEGER)", "CAST($2 AS BIGINT)");
    becomes("LIMIT -1 OFFSET ?2", "LIMIT ALL OFFSET $2");
}

#[test]
fn a_list_is_read_from_json() {
    becomes(
        "a.id NOT IN (SELECT value FROM json_each(?)) AND b_id IN (SELECT value FROM json_each(?1))",
        "a.id NOT IN (SELECT value::bigint FROM jsonb_array_elements_text($1::jsonb) AS list(value))
         AND b_id IN (SELECT value FROM jsonb_array_elements_text($1::jsonb) AS list(value))",
    );
    becomes(
        "FROM json_each(:ids) AS asked",
        "FROM jsonb_array_elements_text($1::jsonb) AS asked(value)",
    );
}

#[test]
fn a_query_that_is_read_has_a_name() {
    becomes(
        "SELECT id FROM (SELECT id FROM (SELECT 1 AS id) AS x) WHERE id IN (SELECT 2)",
        "SELECT id FROM (SELECT id FROM (SELECT 1 AS id) AS x) AS query1 WHERE id IN (SELECT 2)",
    );
}

#[test]
fn a_row_takes_the_place_of_another() {
    becomes(
        "INSERT OR IGNORE INTO a VALUES (?)",
        "INSERT INTO a VALUES ($1) ON CONFLICT DO NOTHING",
    );
    becomes(
        "INSERT OR REPLACE INTO hooks (name, error) VALUES (?, ?)",
        "INSERT INTO hooks (name, error) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET error = excluded.error",
    );
}
