//! Lists in all their forms, what becomes of their rows, and what is refused.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use itop_sandbox::Options;
use reqwest::Method;
use serde_json::{Value, json};
use servicenav_itop_bridge::config::Scope;

use super::{EQUIPMENT, LOADED, OF_42, change, counts, keeps_equipment, rows, send, states, world};
use crate::world::{World, limited, token};

#[tokio::test]
async fn a_list_is_taken_in_each_form_and_the_same_again_changes_nothing() {
    let world = world().await;
    let array = json!([
        {"id": 1207, "name": "srv-sql-01", "address": "192.0.2.7", "category": "Windows server",
         "site": "Lyon", "criticality": "high", "purchase_date": "2024-05-01", "rack": "B2"},
        {"id": "b", "name": "prt-02"},
    ]);
    let taken = world.put(OF_42, &array).await.expect(200);
    assert_eq!(counts(&taken), [("new", 2)]);
    assert_eq!((&taken["company"], &taken["rows"]), (&json!("id:42"), &json!(2)));
    assert_eq!(
        taken["warnings"],
        json!(["'rack' is no member here: it was passed over in 1 row."])
    );
    let lines: String = array
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| [row.to_string(), "\n".to_owned()])
        .collect();
    let table = "id;name;address;category;site;criticality;purchase_date\r\nb;prt-02\r\n\
                 1207;srv-sql-01;192.0.2.7;Windows server;Lyon;high;01.05.2024\r\n";
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(lines.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let forms: [(&str, Vec<u8>); 4] = [
        ("application/x-ndjson", lines.into_bytes()),
        ("text/csv; charset=utf-8", table.into()),
        ("application/jsonl", packed),
        ("application/json", array.to_string().into()),
    ];
    for (kind, body) in forms {
        let same = send(&world, Method::PUT, OF_42, kind, body).await.expect(200);
        assert_eq!(counts(&same), [("unchanged", 2)], "{kind}");
    }
    let one = world.get(&format!("{EQUIPMENT}/1207?company=id:42")).await.expect(200);
    let told = json!({
        "instance": "default", "company": "id:42", "id": "1207", "state": "new", "listed": true,
        "held": null, "problem": null, "class": null, "ci": null, "name": "srv-sql-01",
        "address": "192.0.2.7", "category": "Windows server", "site": "Lyon", "criticality": "high",
        "purchase_date": "2024-05-01", "synchronized_at": null, "changed_at": one["changed_at"],
    });
    // What brings it to iTop may have said meanwhile that its company is not linked.
    let mut one = one;
    one["problem"] = Value::Null;
    assert_eq!(one, told);
    let other = send(&world, Method::PUT, OF_42, "text/plain", "1").await;
    let said = other.problem(415, "unsupported-media-type");
    assert!(said.contains("'text/csv', not 'text/plain'"), "{said}");
    world.finish().await;
}

#[tokio::test]
async fn what_becomes_of_rows_is_told_by_their_states() {
    let world = world().await;
    world.put(OF_42, &rows(1..=4)).await.expect(200);
    change(&world, LOADED).await;
    // One that iTop was never given, and one that it has refused.
    let more = world.send(Method::PATCH, OF_42, &[], Some(rows(5..=6).to_string())).await;
    assert_eq!(counts(&more.expect(200)), [("new", 2)]);
    change(
        &world,
        "UPDATE equipment SET state = 'failed', problem_code = 'refused', problem = 'No.' \
                    WHERE equipment_id = '4'",
    )
    .await;
    let mut list = rows([1, 4, 7]);
    list[0]["model"] = json!("R740");
    let taken = world.put(OF_42, &list).await.expect(200);
    let expected = [("new", 1), ("changed", 1), ("unchanged", 1), ("failed", 1), ("gone", 4)];
    assert_eq!(counts(&taken), expected);
    assert_eq!(taken["held"], json!([]));
    let state = |id: &str, state: &str| (id.to_owned(), state.to_owned());
    let expected = [
        state("1", "changed"),
        state("2", "retiring"),
        state("3", "retiring"),
        state("4", "failed"),
        // They were never in iTop.
        state("5", "retired"),
        state("6", "retired"),
        state("7", "new"),
    ];
    assert_eq!(states(&world).await, expected);
    // What comes back is wanted again, whatever had become of it.
    let back = world.put(OF_42, &rows(1..=7)).await.expect(200);
    let expected = [("changed", 1), ("back", 4), ("unchanged", 2), ("failed", 1)];
    assert_eq!(counts(&back), expected);
    let expected = [
        state("1", "changed"),
        state("2", "changed"),
        state("3", "changed"),
        state("4", "failed"),
        state("5", "new"),
        state("6", "new"),
        state("7", "new"),
    ];
    assert_eq!(states(&world).await, expected);
    let gone = world.delete(&format!("{EQUIPMENT}/3?company=42")).await.expect(200);
    assert_eq!((&gone["state"], &gone["listed"]), (&json!("retiring"), &json!(false)));
    let again = world.delete(&format!("{EQUIPMENT}/3?company=42")).await.expect(200);
    assert_eq!(again["changed_at"], gone["changed_at"]);
    world.delete(&format!("{EQUIPMENT}/99?company=42")).await.problem(404, "not-found");
    let retried = json!({"company": "id:42", "problem": "refused"});
    let retried = world.post(&format!("{EQUIPMENT}/retry"), &retried).await.expect(200);
    assert_eq!(retried, json!({"done": 1}));
    assert_eq!(states(&world).await[3], state("4", "changed"));
    // Who did what.
    let actions = world.get(&format!("{EQUIPMENT}/actions?company=42")).await.expect(200);
    let actions: Vec<_> = actions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|done| {
            assert_eq!(done["by"], "anyone");
            let rows = done["rows"].as_u64().unwrap();
            (done["what"].as_str().unwrap(), done["equipment_id"].as_str(), rows)
        })
        .collect();
    let expected = [
        ("retried", None, 1),
        ("removed", Some("3"), 1),
        ("listed", None, 5),
        ("listed", None, 6),
        ("patched", None, 2),
        ("listed", None, 4),
    ];
    assert_eq!(actions, expected);
    world.finish().await;
}

#[tokio::test]
async fn a_list_with_wrong_rows_changes_nothing_and_names_each() {
    let world = world().await;
    world.put(OF_42, &rows(1..=3)).await.expect(200);
    let before = world.get(OF_42).await.expect(200);
    let table = "id,name\n1,a\n,b\n2\n1,c\n";
    for (method, path) in [
        (Method::PUT, OF_42.to_owned()),
        (Method::PATCH, OF_42.to_owned()),
        (Method::POST, format!("{EQUIPMENT}/preview?company=42")),
    ] {
        let refused = send(&world, method, &path, "text/csv", table).await;
        let said = refused.problem(422, "invalid");
        assert!(
            said.starts_with("3 of 4 rows are wrong, so nothing was changed. line 3, id: "),
            "{said}"
        );
        let errors: Vec<_> = refused.body["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| (error["row"].as_u64().unwrap(), error["member"].as_str().unwrap()))
            .collect();
        assert_eq!(errors, [(3, "id"), (4, "name"), (5, "id")], "{path}");
        let twice = refused.body["errors"][2]["message"].as_str().unwrap();
        assert_eq!(twice, "the id '1' stands in line 2 already: each may stand there once");
    }
    for body in ["", "[{\"id\": 1, \"name\"", "{} []", "[1"] {
        let refused = send(&world, Method::PUT, OF_42, "application/json", body).await;
        assert!([400, 422].contains(&refused.status), "{body}: {}", refused.text);
    }
    // An empty list would retire all: somebody has to mean it.
    let empty = send(&world, Method::PUT, OF_42, "application/json", "[]").await;
    let said = empty.problem(422, "invalid");
    assert!(said.contains("force=true"), "{said}");
    assert_eq!(world.get(OF_42).await.expect(200), before);
    let forced = world.put(&format!("{OF_42}&force=true"), &json!([])).await.expect(200);
    assert_eq!(counts(&forced), [("gone", 3)]);
    let nothing = world.send(Method::PATCH, OF_42, &[], Some("[]".to_owned())).await;
    assert_eq!(counts(&nothing.expect(200)), []);
    world.finish().await;
}

#[tokio::test]
async fn what_a_list_would_do_is_told_before_and_done_only_as_it_was_told() {
    let world = world().await;
    world.put(OF_42, &rows(1..=4)).await.expect(200);
    change(&world, LOADED).await;
    change(
        &world,
        "UPDATE equipment SET state = 'failed', problem_code = 'refused', problem = 'No.' \
                    WHERE equipment_id = '4'",
    )
    .await;
    let before = world.get(OF_42).await.expect(200);
    let mut list = rows([1, 2, 4, 5]);
    list[0]["model"] = json!("R740");
    let preview = format!("{EQUIPMENT}/preview?company=42");
    let told = world.post(&preview, &list).await.expect(200);
    assert_eq!(
        told["counts"],
        json!({
            "rows": 4, "created": 1, "adopted": 0, "changed": 1, "back": 0, "retired": 1, "unchanged": 1,
            "failed": 1,
        })
    );
    let items: Vec<_> = told["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["id"].as_str().unwrap(), item["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(items, [("4", "failed"), ("1", "changed"), ("3", "retired"), ("5", "created")]);
    let change_of_1 = json!([{"field": "model", "old": null, "new": "R740"}]);
    assert_eq!(told["items"][1]["changes"], change_of_1);
    assert_eq!(told["items"][0]["problem"]["message"], "No.");
    let partial = world.post(&format!("{preview}&partial=true"), &list).await.expect(200);
    assert_eq!(partial["counts"]["retired"], 0);
    assert_eq!(world.get(OF_42).await.expect(200), before, "nothing was stored");
    let with_digest = format!("{OF_42}&digest={}", told["digest"].as_str().unwrap());
    // Another list, or the same after something else has changed, is not what was shown.
    world.put(&with_digest, &rows(1..=3)).await.problem(409, "preview-outdated");
    let mut other = rows([2]);
    other[0]["os"] = json!("Debian");
    world.send(Method::PATCH, OF_42, &[], Some(other.to_string())).await.expect(200);
    world.put(&with_digest, &list).await.problem(409, "preview-outdated");
    let told = world.post(&preview, &list).await.expect(200);
    let with_digest = format!("{OF_42}&digest={}", told["digest"].as_str().unwrap());
    let done = world.put(&with_digest, &list).await.expect(200);
    assert_eq!(done["changed"], told["counts"]["changed"]);
    // It is done: the same again would change nothing, which is not what was shown.
    world.put(&with_digest, &list).await.problem(409, "preview-outdated");
    world.finish().await;
}

#[tokio::test]
async fn rows_are_found_by_state_class_problem_and_words_page_by_page() {
    let world = world().await;
    for (company, numbers) in [("42", 1..=250), ("name:ACME", 1..=3), ("43", 1..=3)] {
        let path = format!("{EQUIPMENT}?company={company}");
        world.put(&path, &rows(numbers)).await.expect(200);
    }
    let mut accent = rows([7]);
    accent[0]["site"] = json!("Orléans");
    let path = format!("{EQUIPMENT}?company=43");
    world.send(Method::PATCH, &path, &[], Some(accent.to_string())).await.expect(200);
    change(
        &world,
        "UPDATE equipment SET class = 'Server', state = 'synchronized' WHERE company_key = 'id:42';
                    UPDATE equipment SET state = 'failed', problem_code = 'refused', problem = 'No.'
                    WHERE equipment_id = '3'",
    )
    .await;
    let ids = async |query: &str| {
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            let page =
                world.get(&format!("{EQUIPMENT}?limit=100{query}{cursor}")).await.expect(200);
            for item in page["items"].as_array().unwrap() {
                let text = |member: &str| item[member].as_str().unwrap().to_owned();
                found.push((text("company"), text("id")));
            }
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return found,
            }
        }
    };
    let all = ids("").await;
    assert_eq!(all.len(), 250 + 3 + 4);
    assert!(all.is_sorted() && all.iter().any(|(company, _)| company == "name:acme"), "{all:?}");
    let of = |company: &str, id: &str| (company.to_owned(), id.to_owned());
    let failed = [of("id:42", "3"), of("id:43", "3"), of("name:acme", "3")];
    assert_eq!(ids("&state=failed").await, failed);
    assert_eq!(ids("&problem=refused").await, failed);
    assert_eq!(ids("&class=Server&state=synchronized").await.len(), 249);
    assert_eq!(ids("&q=orleans").await, [of("id:43", "7")]);
    assert_eq!(ids("&q=SRV-00249").await, [of("id:42", "249")]);
    assert_eq!(ids("&id=250").await, [of("id:42", "250")]);
    assert_eq!(ids("&company=name:Acme&state=failed").await, [of("name:acme", "3")]);
    assert_eq!(ids("&held=retire").await, []);
    let counted =
        world.get(&format!("{EQUIPMENT}?limit=1&count=true&company=42")).await.expect(200);
    assert_eq!(counted["counts"]["synchronized"], 249);
    assert_eq!(counted["counts"]["failed"], 1);
    for wrong in ["?state=lost", "?held=x", "?cursor=zz", "?limit=0", "?nothing=1"] {
        world.get(&format!("{EQUIPMENT}{wrong}")).await.problem(400, "bad-parameter");
    }
    let companies = world.get(&format!("{EQUIPMENT}/companies")).await.expect(200);
    let companies: Vec<_> = companies["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            (item["company"].as_str().unwrap(), item["name"].as_str(), &item["listed_rows"])
        })
        .collect();
    let expected = [
        ("id:42", None, &json!(250)),
        ("id:43", None, &json!(3)),
        ("name:acme", Some("ACME"), &json!(3)),
    ];
    assert_eq!(companies, expected);
    // Whoever links companies is shown those of which only equipment came.
    let overview = world.get("/api/v1/links/companies").await.expect(200);
    assert!(overview.to_string().contains("name:acme"), "{overview}");
    world.finish().await;
}

#[tokio::test]
async fn without_the_section_nothing_is_taken_and_that_is_said() {
    let world = World::start().await;
    for (method, path) in [
        (Method::PUT, OF_42.to_owned()),
        (Method::PATCH, OF_42.to_owned()),
        (Method::POST, format!("{EQUIPMENT}/preview?company=42")),
        (Method::DELETE, format!("{EQUIPMENT}/1?company=42")),
    ] {
        let body = (method != Method::DELETE).then(|| rows(1..=3).to_string());
        let refused = world.send(method, &path, &[], body).await;
        let said = refused.problem(409, "cmdb-off");
        assert!(said.contains("[cmdb]"), "{said}");
    }
    let nothing = world.get(&format!("{EQUIPMENT}?count=true")).await.expect(200);
    assert_eq!((&nothing["items"], &nothing["counts"]["new"]), (&json!([]), &json!(0)));
    world.finish().await;
}

#[tokio::test]
async fn a_token_of_companies_lists_its_own_alone() {
    let tokens = vec![
        token("operator", &[Scope::Operate, Scope::Read]),
        limited("tenant", &[Scope::Operate, Scope::Read], "", &["id:42"]),
        limited("two", &[Scope::Operate], "", &["id:42", "id:43"]),
        token("reader", &[Scope::Read]),
    ];
    let mut world = World::with(Options::default(), |config| {
        keeps_equipment(config);
        config.auth.tokens = tokens;
    })
    .await;
    world.token = Some("operator".to_owned());
    world.put(&format!("{EQUIPMENT}?company=43"), &rows(1..=3)).await.expect(200);
    let said = world.put(EQUIPMENT, &rows(1..=3)).await.problem(400, "bad-parameter");
    assert!(said.contains("company=id:42"), "{said}");
    world.token = Some("two".to_owned());
    world.put(EQUIPMENT, &rows(1..=3)).await.problem(400, "bad-parameter");
    world.token = Some("reader".to_owned());
    world.put(OF_42, &rows(1..=3)).await.problem(403, "forbidden");
    world.token = Some("tenant".to_owned());
    // Its only company need not be named.
    let taken = world.put(EQUIPMENT, &rows(1..=2)).await.expect(200);
    assert_eq!((&taken["company"], &taken["new"]), (&json!("id:42"), &json!(2)));
    let other = world.put(&format!("{EQUIPMENT}?company=43"), &rows(1..=1)).await;
    let said = other.problem(403, "forbidden");
    assert_eq!(said, "The token 'tenant' is not for company 'id:43'.");
    for path in [
        format!("{EQUIPMENT}?company=43"),
        format!("{EQUIPMENT}?id=3"),
        format!("{EQUIPMENT}?q=srv-00003"),
        format!("{EQUIPMENT}/companies?company=43"),
    ] {
        assert_eq!(world.get(&path).await.expect(200)["items"], json!([]), "{path}");
    }
    let all = world.get(&format!("{EQUIPMENT}?count=true")).await.expect(200);
    assert_eq!((all["items"].as_array().unwrap().len(), &all["counts"]["new"]), (2, &json!(2)));
    world.finish().await;
}
