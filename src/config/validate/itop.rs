//! What must hold of the way to iTop.

use super::{
    super::{DeliverySection, ItopSection, LoginKind, Period},
    check, not_a_root, period, web_url,
};
use crate::itop::ItopZone;

const WEB_ROOT: &str = "such as https://itop.example/";

/// What does not fit together, a sentence each.
pub(super) fn problems(itop: &ItopSection, delivery: &DeliverySection) -> Vec<String> {
    let mut problems = Vec::new();
    addresses(itop, &mut problems);
    login(itop, &mut problems);
    front(itop, &mut problems);
    numbers(itop, delivery, &mut problems);
    problems
}

fn addresses(itop: &ItopSection, problems: &mut Vec<String>) {
    let url = &itop.url;
    if url.is_empty() {
        problems.push(format!("itop.url is not set; write the web root of iTop, {WEB_ROOT}"));
    } else {
        match web_url(url) {
            None => problems.push(format!(
                "itop.url must be an http or https address without user and password, {WEB_ROOT}"
            )),
            Some(address) => problems.extend(not_a_root("itop.url", url, &address)),
        }
    }
    if let Some(url) = &itop.public_url {
        match web_url(url) {
            None => problems.push("itop.public_url must be an http or https address".to_owned()),
            Some(address) => problems.extend(not_a_root("itop.public_url", url, &address)),
        }
    }
}

fn login(itop: &ItopSection, problems: &mut Vec<String>) {
    let mut check = check(problems);
    match itop.login {
        LoginKind::Form | LoginKind::Basic => {
            check(itop.user.is_empty(), "itop.user is not set");
            check(
                itop.password.is_none(),
                "itop.password is not set; set it, itop.password_file or BRIDGE__ITOP__PASSWORD",
            );
        }
        LoginKind::Token => check(
            itop.token.is_none(),
            "itop.login is \"token\", and neither itop.token nor itop.token_file is set",
        ),
    }
    check(
        ItopZone::named(&itop.time_zone).is_err(),
        "itop.time_zone must be an IANA name such as Europe/Paris",
    );
}

/// What stands between the bridge and iTop, and asks for something of its own.
fn front(itop: &ItopSection, problems: &mut Vec<String>) {
    let mut check = check(problems);
    check(
        itop.front_user.is_some() != itop.front_password.is_some(),
        "itop.front_user and itop.front_password (or itop.front_password_file) belong together",
    );
    check(
        itop.front_user.is_some() && itop.login == LoginKind::Basic,
        "itop.front_user and itop.login = \"basic\" would need the same header; use \
         itop.login = \"form\" or \"token\" behind a login of its own",
    );
    check(
        itop.front_user.as_deref().is_some_and(|user| user.contains(':')),
        "itop.front_user must not have a ':', at which a basic login ends the user",
    );
    check(
        itop.client_cert_file.is_some() != itop.client_key_file.is_some(),
        "itop.client_cert_file and itop.client_key_file belong together; one file may hold both",
    );
    check(
        itop.client_cert_file.is_some() && !itop.url.starts_with("https:"),
        "itop.client_cert_file needs an https address in itop.url",
    );
}

fn numbers(itop: &ItopSection, delivery: &DeliverySection, problems: &mut Vec<String>) {
    const MS: Period = Period::millis(100);
    const SECOND: Period = Period::seconds(1);
    const HOUR: Period = Period::minutes(60);
    #[rustfmt::skip]
    let rules = [
        ("itop.connect_timeout", itop.connect_timeout, MS, HOUR, "no connection would be made"),
        ("itop.timeout", itop.timeout, SECOND, HOUR, "calls that iTop answers would be given up"),
        ("itop.create_timeout", itop.create_timeout, SECOND, HOUR, "tickets that iTop makes would be given up and looked for"),
    ];
    problems.extend(rules.into_iter().filter_map(period));
    let mut check = check(problems);
    check(
        !(2..=1_000).contains(&itop.max_in_flight),
        "itop.max_in_flight must be at least 2 and at most 1000: one is kept for reads",
    );
    check(
        usize::from(delivery.in_flight_max) >= itop.max_in_flight,
        "delivery.in_flight_max must be below itop.max_in_flight: one call is kept for reads",
    );
}
