//! A company with 50,000 CIs: more than one answer of the bridge, and than one screen, can hold.

use itop_sandbox::Options;

use crate::world::World;

const CIS: &str = "/api/v1/companies/3/cis";

#[tokio::test]
async fn fifty_thousand_cis_are_listed_searched_and_paged() {
    let world = World::with(Options { servers: 50_000, ..Options::default() }, |_| {}).await;

    let first = world.get(CIS).await.expect(200);
    assert_eq!(first["items"].as_array().unwrap().len(), 1_000);
    assert_eq!((first["next"].as_str(), first["stale"].as_bool()), (Some("1000"), Some(false)));

    let found = world.get(&format!("{CIS}?search=SRV-04999")).await.expect(200);
    let names: Vec<_> =
        found["items"].as_array().unwrap().iter().map(|ci| ci["name"].as_str().unwrap()).collect();
    let expected: Vec<_> = (49_990..50_000).map(|n| format!("srv-{n:06}")).collect();
    assert_eq!(names, expected);
    assert_eq!(found["next"].as_str(), None);

    let none = world.get(&format!("{CIS}?search=srv-06")).await.expect(200);
    assert_eq!((none["items"].as_array().unwrap().len(), none["next"].as_str()), (0, None));
    let all = world.get(&format!("{CIS}?search=SRV-0&limit=3&cursor=49997")).await.expect(200);
    assert_eq!((all["items"].as_array().unwrap().len(), all["next"].as_str()), (3, None));
    assert_eq!(all["items"][2]["name"], "srv-050000");
    let page = world.get(&format!("{CIS}?search=9-SRV")).await.expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 0, "no name has it, two in a row do");
    let first_page = world.get(&format!("{CIS}?search=V-04&limit=2")).await.expect(200);
    assert_eq!(first_page["next"], "2");
    let second_page = world.get(&format!("{CIS}?search=V-04&limit=2&cursor=2")).await.expect(200);
    assert_eq!(second_page["items"][0]["name"], "srv-040002");

    // 31 CIs stand beside the servers; the list is in the order of names.
    let last = world.get(&format!("{CIS}?limit=100&cursor=49931")).await.expect(200);
    let last_page = last["items"].as_array().unwrap();
    assert_eq!((last_page.len(), last["next"].as_str()), (100, None));
    let middle = world.get(&format!("{CIS}?limit=2&cursor=25000")).await.expect(200);
    assert_eq!(middle["next"].as_str(), Some("25002"));
    assert_eq!(middle["as_of"], first["as_of"]);

    // All of this was one list, read once; the companies are the other read.
    assert_eq!(world.reads(), 2);
    world.finish().await;
}
