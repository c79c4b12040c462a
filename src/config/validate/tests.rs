//! What is said of configurations that harm.

use super::super::load::tests::{LEAST, from};

/// All that is said of a configuration with these lines after the least one.
fn said(lines: &str) -> String {
    match from(&format!("{LEAST}{lines}\n"), &[]) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_limit_of_a_token_that_cannot_be_read_is_no_limit_left_out() {
    let hash = crate::web::hash_token("token");
    let token = |limit: &str| {
        format!("{LEAST}[[auth.tokens]]\nname = 'sn'\nhash = '{hash}'\nscopes = []\n{limit}")
    };
    from(&token("instance = 'sn-prod'\ncompanies = ['id:42']"), &[]).unwrap();
    for (limit, says) in [
        ("instance = ' '", "auth.tokens 'sn': instance must not be empty"),
        ("companies = ['42']", "auth.tokens 'sn': company 1 must read id:… or name:…"),
        ("companies = []", "auth.tokens 'sn': companies is empty, so that it could see nothing"),
    ] {
        let error = from(&token(limit), &[]).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn what_is_counted_over_all_is_for_no_token_with_limits() {
    let token = |limit: &str| {
        let hash = crate::web::hash_token("token");
        let scopes = "scopes = ['read', 'metrics']";
        format!("{LEAST}[[auth.tokens]]\nname = 'p'\nhash = '{hash}'\n{scopes}\n{limit}")
    };
    from(&token(""), &[]).unwrap();
    for limit in ["instance = 'sn-prod'", "companies = ['id:42']"] {
        let error = from(&token(limit), &[]).unwrap_err().to_string();
        assert!(error.contains("auth.tokens 'p': the scope metrics shows"), "{error}");
    }
}

/// Tokens, each with its scopes and limits.
fn tokens(tokens: &[(&str, &str, &str)]) -> String {
    let token = |(name, scopes, limits): &(&str, &str, &str)| {
        let hash = crate::web::hash_token(name);
        let scopes: Vec<_> = scopes.split_whitespace().collect();
        format!(
            "[[auth.tokens]]\nname = '{name}'\nhash = '{hash}'\nscopes = {scopes:?}\n{limits}\n"
        )
    };
    said(&tokens.iter().map(token).collect::<String>())
}

#[test]
fn a_token_of_some_companies_that_writes_has_an_instance_of_its_own() {
    const DEMO: &str = "companies = ['id:42']";
    const ACME: &str = "companies = ['id:43', 'name:ACME']";
    let in_instance =
        |instance: &str, companies: &str| format!("instance = '{instance}'\n{companies}");
    let (demo, acme) = (in_instance("demo", DEMO), in_instance("acme", ACME));
    let all = [("servicenav", "ingest read", ""), ("boss", "admin", "")];
    let with_all = |own: &[(&str, &str, &str)]| tokens(&[&all, own].concat());
    // Those that only read may share one; each tenant may have several tokens.
    for fine in [
        &[("dashboard", "read", DEMO), ("board", "read", ACME)][..],
        &[("demo", "ingest read", &demo), ("acme", "admin", &acme)],
        &[("demo", "ingest", &demo), ("desk", "operate read", &demo), ("board", "read", ACME)],
        &[
            ("acme", "ingest", &acme),
            ("desk", "read operate", &in_instance(" acme ", "companies = ['name:acme', 'id:43']")),
        ],
        &[("demo", "ingest", &demo), ("other", "read", &in_instance("demo", ACME))],
        &[("site", "ingest", "instance = 'site'")],
    ] {
        assert_eq!(with_all(fine), "", "{fine:?}");
    }
    let mut report = Vec::new();
    for wrong in [
        &[("Demo post", "ingest", DEMO)][..],
        &[("desk", "read operate", ACME)],
        &[("demo", "ingest", &in_instance("default", DEMO))],
        &[("demo", "ingest", &demo), ("acme", "operate", &in_instance("demo", ACME))],
        &[("demo", "admin", &demo), ("site", "ingest", "instance = 'demo'")],
        &[
            ("demo", "ingest", &demo),
            ("both", "ingest", &in_instance("demo", "companies = ['id:42', 'id:43']")),
        ],
        &[("same", "read", ""), ("same", "admin", "")],
    ] {
        let said = with_all(wrong);
        let said = said.lines().skip(1).collect::<Vec<_>>().join("\n");
        assert_ne!(said, "", "{wrong:?}");
        report.push(format!("{wrong:?}\n{said}"));
    }
    insta::assert_snapshot!(report.join("\n\n"));
}

#[test]
fn a_proxy_that_anybody_could_pass_for_is_refused() {
    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    const NOC: &str = "groups = { noc = ['read', 'operate'], 'service desk' = ['read'] }";
    let proxy = |lines: &str| {
        let lines = lines.replace("SECRET", &format!("secret = '{SECRET}'"));
        said(&format!("[auth.proxy]\n{lines}"))
    };
    assert_eq!(proxy(&format!("SECRET\n{NOC}")), "");
    let all = "header = 'Remote-User'\nsecret_header = 'X-Secret'\ngroups_header = 'Remote-Groups'\n\
               trusted = ['10.0.0.0/8', 'fd00::/8', '192.0.2.7']\n";
    assert_eq!(proxy(&format!("{all}SECRET\n{NOC}")), "");
    let mut report = Vec::new();
    for wrong in [
        "",
        NOC,
        "secret = 'short'\ngroups.noc = ['read']",
        "secret = 'a b c d e f g h i j k l m n o p q'\ngroups.noc = ['read']",
        "SECRET\ngroups = { ' noc' = ['read'], 'a,b' = ['read'], c = [], '' = ['read'] }",
        "SECRET\ngroups.noc = ['read']\ntrusted = []",
        "SECRET\ngroups.noc = ['read']\ntrusted = ['localhost', '10.1.2.3/8', '10.0.0.0/40']",
        "SECRET\ngroups.noc = ['read']\nheader = 'X Forwarded User'\nsecret_header = ''",
        "SECRET\ngroups.noc = ['read']\nheader = 'X-A'\nsecret_header = 'x-a'\ngroups_header = 'X-a'",
        "SECRET\ngroups.noc = ['read']\nheader = 'Authorization'\ngroups_header = 'cookie'",
        "SECRET\ngroups.noc = ['write']",
        "SECRET\nsecret_file = 'a'\ngroups.noc = ['read']",
    ] {
        let said = proxy(wrong);
        assert!(!said.contains(SECRET), "{said}");
        let lines = said.lines().filter(|line| !line.starts_with("the configuration cannot"));
        // The file is another one each time.
        let said: Vec<_> =
            lines.map(|line| line.split_once(" is wrong: ").map_or(line, |(_, why)| why)).collect();
        assert!(!said.is_empty(), "{wrong}");
        report.push(format!("{}\n{}", wrong.replace('\n', " "), said.join("\n")));
    }
    insta::assert_snapshot!(report.join("\n\n"));
}

#[test]
fn deliveries_leave_a_call_to_reads() {
    let bounds = |calls: u16, least: u16, most: u16| {
        let limits = format!("in_flight_min = {least}\nin_flight_max = {most}\n");
        let file = format!("{LEAST}max_in_flight = {calls}\n[delivery]\n{limits}");
        from(&file, &[]).map_err(|error| error.to_string())
    };
    bounds(3, 2, 2).unwrap();
    for (limits, says) in [
        ((6, 1, 6), "delivery.in_flight_max must be below itop.max_in_flight"),
        ((6, 3, 2), "delivery.in_flight_min must not be above delivery.in_flight_max"),
        ((6, 0, 2), "delivery.in_flight_min must be at least 1"),
    ] {
        let error = bounds(limits.0, limits.1, limits.2).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn periods_and_numbers_that_harm_are_refused_by_name() {
    let mut report = Vec::new();
    for lines in [
        "[delivery]\nsettle = '0s'",
        "[delivery]\nsettle = '4s'",
        "[delivery]\nsettle = '11m'",
        "[delivery]\nbackoff_first = '0s'\nprobe_first = '99ms'",
        "[delivery]\nbackoff_max = '1s'\nprobe_max = '500ms'",
        "[delivery]\ngive_up = '0s'\nrestore_window = '0s'\nrecheck_blocked = '0s'",
        "[delivery]\nrecreate_at_once = 0",
        "timeout = '0s'\nconnect_timeout = '0s'\ncreate_timeout = '1s'",
        "timeout = '9d'",
        "[catalog]\nttl = '0s'\nrefresh_on_miss = '0s'\npage_size = 1",
        "[board]\nmax_age = '0s'\nrefresh = '0s'\nrefresh_ended = '0s'\nbatch = 0",
        "[store]\nretention = '0s'\n[server]\nshutdown_grace = '0s'",
        "max_in_flight = 1",
    ] {
        let said = said(lines);
        let said = said.lines().skip(1).collect::<Vec<_>>().join("\n");
        report.push(format!("{}\n{said}", lines.replace('\n', " ")));
    }
    insta::assert_snapshot!(report.join("\n\n"));
}

#[test]
fn what_the_torture_run_sets_is_allowed() {
    let lines = "timeout = '1500ms'\n[delivery]\nsettle = '6s'\nbackoff_first = '200ms'\n\
                 backoff_max = '2s'\nprobe_first = '100ms'\nprobe_max = '1s'";
    assert_eq!(said(lines), "");
}

#[test]
fn attributes_that_the_bridge_needs_are_refused_with_the_reason() {
    let mut report = Vec::new();
    for lines in [
        "[ticket]\nmarker_field = 'title'",
        "[ticket]\nmarker_field = 'description'",
        "[ticket]\nmarker_field = 'public_log'",
        "[ticket]\nmarker_field = 'org_id'",
        "[ticket]\nmarker_field = 'external_ref'\n[ticket.fields]\nexternal_ref = 'x'",
        "[ticket.fields]\ntitle = 'x'\nimpact = '1'\nteam_id = '3'\nprivate_log = 'x'",
        "[ticket.fields]\n'o o' = 'x'",
    ] {
        let said = said(lines);
        let said = said.lines().skip(1).collect::<Vec<_>>().join("\n");
        report.push(format!("{}\n{said}", lines.replace('\n', " ")));
    }
    insta::assert_snapshot!(report.join("\n\n"));
    assert_eq!(said("[ticket.fields]\norigin = 'phone'\nexternal_ref = '{{ instance }}'"), "");
    assert_eq!(said("[ticket]\nmarker_field = 'external_ref'"), "");
}

#[test]
fn a_list_of_one_company_is_read_for_one_company() {
    let query = |list: &str, query: &str| said(&format!("[catalog.queries]\n{list} = '{query}'"));
    for list in ["contacts", "teams", "services", "service_elements", "contract_services", "cis"] {
        for wrong in ["SELECT Person", "SELECT Person WHERE org_id = :org_id"] {
            let said = query(list, wrong);
            assert!(said.contains(&format!("catalog.queries.{list} must contain :org,")), "{said}");
        }
        assert_eq!(query(list, "SELECT Person WHERE org_id=:org"), "");
    }
    for list in ["companies", "all_teams"] {
        let said = query(list, "SELECT Team WHERE org_id = :org");
        assert!(said.contains(&format!("catalog.queries.{list} must not contain :org")), "{said}");
    }
    assert_eq!(said("[catalog]\nteams = 'all'\nqueries.teams = 'SELECT Team'"), "");
}

#[test]
fn an_address_that_names_a_page_is_told_the_web_root() {
    for (given, root) in [
        ("https://i.example/itop/webservices/rest.php?version=1.3", "https://i.example/itop/"),
        ("https://i.example/webservices/", "https://i.example/"),
        ("https://i.example/itop/pages/UI.php?c=x#y", "https://i.example/itop/"),
        ("http://i.example:8080/web/index.php", "http://i.example:8080/web/"),
    ] {
        let file = LEAST.replace("https://itop.example/", given);
        let error = from(&file, &[]).unwrap_err().to_string();
        assert!(error.contains("itop.url names a page"), "{error}");
        assert!(error.ends_with(&format!("stands: {root}")), "{error}");
    }
    for (given, says) in [
        ("https://i.example/?x=1", "has a query (?) or a fragment (#)"),
        ("https://i.example/?", "has a query (?) or a fragment (#)"),
        ("https://i.example/#/home", "has a query (?) or a fragment (#)"),
        (" https://i.example/", "has blanks"),
        ("https://i.example/ ", "has blanks"),
        ("https://i.example/\\n", "has blanks"),
        ("https://i.ex\\tample/", "has blanks"),
    ] {
        let whole = format!("\"{given}\"");
        for (key, file) in [
            ("itop.url", LEAST.replace("'https://itop.example/'", &whole)),
            ("itop.public_url", format!("{LEAST}public_url = {whole}")),
            ("server.public_url", format!("{LEAST}[server]\npublic_url = {whole}")),
        ] {
            let error = from(&file, &[]).unwrap_err().to_string();
            assert!(error.contains(&format!("{key} {says}")), "{error}");
            assert!(error.ends_with("write the web root alone: https://i.example/"), "{error}");
        }
    }
    for fine in ["https://pages.example/pages/itop", "https://i.example/my.php.d/"] {
        from(&LEAST.replace("https://itop.example/", fine), &[]).unwrap();
    }
}

#[test]
fn a_template_with_a_name_that_there_is_not_is_refused() {
    for (lines, says) in [
        ("[ticket]\ntitle = '{{ contrl.name }}'", "the template of title"),
        (
            "[ticket.fields]\nexternal_ref = '{{ company | upcase }}'",
            "the template of external_ref",
        ),
    ] {
        let said = said(lines);
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn a_key_of_links_that_can_be_guessed_is_refused() {
    let key = |length: usize| said(&format!("[server]\nlink_key = '{}'", "é".repeat(length)));
    assert!(key(31).contains("server.link_key must have at least 32 characters"));
    assert_eq!(key(32), "");
}

#[test]
fn the_hash_of_an_empty_token_is_refused() {
    let hash = crate::web::hash_token("");
    let said = said(&format!("[[auth.tokens]]\nname = 'a'\nhash = '{hash}'\nscopes = ['read']"));
    assert!(said.contains("auth.tokens 'a': hash is that of an empty token"), "{said}");
}

#[test]
fn what_belongs_together_is_set_together() {
    for (lines, says) in [
        ("front_user = 'a'", "itop.front_user and itop.front_password"),
        ("front_password = 'a'", "itop.front_user and itop.front_password"),
        ("front_user = 'a'\nfront_password = 'b'\nlogin = 'basic'", "would need the same header"),
        ("front_user = 'a:b'\nfront_password = 'b'", "itop.front_user must not have a ':'"),
        ("client_cert_file = 'a'", "itop.client_cert_file and itop.client_key_file"),
        ("client_key_file = 'a'", "itop.client_cert_file and itop.client_key_file"),
    ] {
        let said = said(lines);
        assert!(said.contains(says), "{said}");
    }
    assert_eq!(said("front_user = 'a'\nfront_password = 'b'"), "");
    let both = "client_cert_file = 'a'\nclient_key_file = 'a'";
    assert_eq!(said(both), "");
    let http = LEAST.replace("https", "http");
    let error = from(&format!("{http}{both}"), &[]).unwrap_err().to_string();
    assert!(error.contains("itop.client_cert_file needs an https address"), "{error}");
}

#[test]
fn who_may_show_cards_is_named_by_origins() {
    let with =
        |origins: &str| from(&format!("{LEAST}\n[server]\nframe_ancestors = {origins}"), &[]);
    assert!(with(r#"["https://servicenav.example", "http://10.0.0.1:8080"]"#).is_ok());
    for wrong in ["https://servicenav.example/", "*", "'self'", "servicenav.example", ""] {
        let refused = with(&format!("[\"{wrong}\"]")).unwrap_err().to_string();
        assert!(refused.contains(&format!("server.frame_ancestors: '{wrong}'")), "{refused}");
    }
}
