//! The page of equipment, as it is read without a script.

use itop_sandbox as sandbox;
use reqwest::Method;
use serde_json::json;
use servicenav_itop_bridge::config::Scope;

use crate::{
    equipment::{EQUIPMENT, LOADED, OF_42, change, keeps_equipment, rows},
    world::{Answer, World, limited, token},
};

const PAGE: &str = "/equipment";

async fn page(world: &World, query: &str, language: &str) -> String {
    let headers = [("accept-language", language)];
    let answer = world.send(Method::GET, &format!("{PAGE}{query}"), &headers, None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    answer.text
}

/// Thirty servers of Demo in iTop, of which twenty are gone from the list, one has failed, and one would be
/// taken over; and one of another company.
async fn world() -> World {
    let world = World::with(sandbox::Options::default(), keeps_equipment).await;
    let of_demo = format!("{EQUIPMENT}?company=name:Demo");
    let mut list = rows(1..=30);
    list[4]["address"] = json!("192.0.2.5");
    list[4]["category"] = json!("Linux server");
    list[4]["site"] = json!("Data centre north");
    world.put(&of_demo, &list).await.expect(200);
    change(&world, LOADED).await;
    list.as_array_mut().unwrap().truncate(10);
    world.put(&of_demo, &list).await.expect(200);
    let one = json!([{"id": 1, "name": "other-1"}]);
    world.put(OF_42, &one).await.expect(200);
    change(
        &world,
        "UPDATE equipment SET state = 'failed', problem_code = 'refused-by-itop',
             problem = 'iTop says: serialnumber is too long.' WHERE equipment_id = '5';
         UPDATE equipment SET state = 'failed', problem_code = 'not-adopted', problem = 'x'
         WHERE equipment_id = '6';
         UPDATE equipment SET state = 'new', class = NULL, ci_class = NULL, ci_id = NULL,
             held = 'adopt', held_for = 'Server::4', problem_code = 'adopt',
             problem = 'Server::4 has this name.' WHERE equipment_id = '7'",
    )
    .await;
    world
}

#[tokio::test]
async fn what_failed_says_why_and_what_is_held_asks() {
    let world = world().await;
    let text = page(&world, "", "en").await;
    for said in [
        "31 pieces, 7 in iTop, 2 failed",
        "20 pieces of Demo are gone from their list <span class=\"sub\">Server</span>",
        "Nothing is retired until you say so",
        ">srv-00011</a>",
        ">Retire 20</button>",
        "Keep as they are",
        "1 CI of Demo is in iTop already",
        "<span class=\"sub\" lang=\"en\">Server::4 has this name.</span>",
        "iTop says: serialnumber is too long.",
        "somebody said that it stays as it is",
        "aria-label=\"Try again: srv-00005\"",
        "5 · 192.0.2.5",
        "operation=details&amp;class=Server&amp;id=9\"",
        "aria-current=\"page\"><span class=\"wide\">Equipment",
    ] {
        assert!(text.contains(said), "no '{said}' in {text}");
    }
    // The levers say which rows were seen.
    assert!(text.contains("&quot;what&quot;:&quot;retire&quot;"), "{text}");
    let french = page(&world, "?state=failed&company=name:demo&one=5&of=name:demo", "fr").await;
    for said in [
        "20 équipements de Demo ont disparu de leur liste",
        "Mettre 20 hors service",
        ">Réessayer les 2</button>",
        "Data centre north",
        "<dt>Catégorie</dt><dd>Linux server</dd>",
        "failed · refused-by-itop",
        "dernière liste, 10 lignes",
    ] {
        assert!(french.contains(said), "no '{said}' in {french}");
    }
    assert!(!french.contains(">srv-00008</a>"), "{french}");
    world.finish().await;
}

#[tokio::test]
async fn a_halted_class_says_so_to_all_and_goes_on_by_whoever_operates_for_all() {
    let mut world = World::closed(
        vec![
            token("operator", &[Scope::Read, Scope::Operate]),
            token("reader", &[Scope::Read]),
            limited("own", &[Scope::Read, Scope::Operate], "default", &["id:42"]),
        ],
        keeps_equipment,
    )
    .await;
    let halt = "INSERT INTO equipment_halts (class, at, reason) VALUES ('Server', 5, 'it made 3 <objects>')";
    change(&world, halt).await;
    for (who, reason, lever) in
        [("reader", true, false), ("own", false, false), ("operator", true, true)]
    {
        world.token = Some(who.to_owned());
        let text = page(&world, "", "fr").await;
        assert!(text.contains("Server\u{a0}: plus rien n’est chargé dans iTop"), "{who}: {text}");
        assert_eq!(text.contains("it made 3 &lt;objects&gt;"), reason, "{who}: {text}");
        assert_eq!(text.contains("data-resume=\"Server\""), lever, "{who}: {text}");
        let resumed = world.post("/api/v1/cmdb/resume", &json!({"class": "Server"})).await;
        assert_eq!(resumed.status, if lever { 200 } else { 403 }, "{who}: {}", resumed.text);
    }
    assert!(!page(&world, "", "fr").await.contains("data-resume"));
    world.finish().await;
}

#[tokio::test]
async fn the_list_is_narrowed_by_its_address() {
    let world = world().await;
    for (query, shown, not) in [
        ("?company=42", "other-1", ">srv-00005<"),
        ("?q=192.0.2.5", ">srv-00005<", ">srv-00006<"),
        ("?state=failed", ">srv-00006<", ">srv-00003<"),
        ("?class=Server", ">srv-00003<", "data-key=\"default id:42 1\""),
        ("?held=adopt", "data-key=\"default name:demo 7\"", "data-key=\"default name:demo 8\""),
        ("?company=&state=failed&class=&q=", ">srv-00006<", ">srv-00003<"),
    ] {
        let text = page(&world, query, "en").await;
        let list = &text[text.find("<tbody").unwrap()..];
        assert!(list.contains(shown) && !list.contains(not), "{query}: {list}");
    }
    for (query, said) in
        [("?q=nothing-like-it", "No equipment fits."), ("?company=id:77", "No equipment fits.")]
    {
        assert!(page(&world, query, "en").await.contains(said), "{query}");
    }
    for wrong in ["?state=some", "?company=id:", "?cursor=x", "?one=1&of=id:"] {
        assert_eq!(world.get(&format!("{PAGE}{wrong}")).await.status, 400, "{wrong}");
    }
    world.finish().await;
}

#[tokio::test]
async fn whoever_may_not_change_it_is_offered_nothing_and_sees_its_own_alone() {
    let mut world = World::closed(
        vec![
            token("reader", &[Scope::Read]),
            limited("own", &[Scope::Read], "default", &["id:42"]),
        ],
        keeps_equipment,
    )
    .await;
    for (company, name) in [("id:43", "theirs"), ("id:42", "ours")] {
        let list = json!([{"id": 1, "name": name}]);
        world.put(&format!("{EQUIPMENT}?company={company}"), &list).await.expect(200);
    }
    change(&world, "UPDATE equipment SET state = 'failed', held = 'adopt', held_for = 'x'").await;
    assert!(page(&world, "", "en").await.contains("id=\"upload\""));
    world.token = Some("reader".to_owned());
    let text = page(&world, "", "en").await;
    assert!(text.contains(">theirs</a>") && text.contains("2 pieces"), "{text}");
    for lever in ["id=\"upload\"", "data-do=", "data-retry=", "<dialog id=\"question\""] {
        assert!(!text.contains(lever), "{lever}: {text}");
    }
    world.token = Some("own".to_owned());
    for query in ["", "?one=1&of=id:43", "?company=id:43"] {
        let text = page(&world, query, "en").await;
        assert!(!text.contains("theirs"), "{query}: {text}");
    }
    assert!(page(&world, "", "en").await.contains(">ours</a>"));
    world.finish().await;
}

#[tokio::test]
async fn without_a_cmdb_there_is_no_such_page_and_no_way_to_it() {
    let world = World::start().await;
    let headers = [("accept-language", "en")];
    let gone: Answer = world.send(Method::GET, PAGE, &headers, None).await;
    assert_eq!(gone.status, 404);
    assert!(gone.text.contains("There is nothing here"), "{}", gone.text);
    let tickets = world.send(Method::GET, "/", &headers, None).await.text;
    assert!(tickets.contains("Companies") && !tickets.contains("Equipment"), "{tickets}");
    world.finish().await;
}

#[tokio::test]
async fn no_name_is_anything_but_text() {
    const EVIL: &str = "\"><script>alert(1)</script>'<img src=x onerror=alert(1)>";
    let world = World::with(sandbox::Options::default(), keeps_equipment).await;
    let row = json!([{"id": EVIL, "name": EVIL, "address": EVIL, "category": EVIL, "site": EVIL, "description": EVIL}]);
    let key: String =
        EVIL.bytes().fold(String::new(), |key, byte| key + format!("%{byte:02x}").as_str());
    world.put(&format!("{EQUIPMENT}?company=name:{key}"), &row).await.expect(200);
    for sql in [
        "UPDATE equipment SET held = 'retire'",
        "UPDATE equipment SET held = 'adopt', problem_code = 'x', problem = '<script>'",
    ] {
        change(&world, sql).await;
        for query in [String::new(), format!("?q={key}"), format!("?one={key}&of=name:{key}")] {
            let text = page(&world, &query, "en").await;
            assert!(text.contains("&lt;script&gt;"), "{query}: {text}");
            assert!(!text.contains("<script>") && !text.contains("<img"), "{query}: {text}");
        }
    }
    world.finish().await;
}
