//! What must hold of a configuration as a whole: a sentence for each thing that harms or does not
//! fit together, with the key and the reason.

mod cmdb;
mod front;
mod hooks;
mod oidc;
mod proxy;
mod salesforce;
mod tokens;

use reqwest::Url;

use super::{Config, DeliverySection, LoginKind, Period, TeamChoice};
use crate::{
    domain::ticket_text::Templates,
    itop::{ItopZone, why_not_marker, why_not_template},
    secret::Secret,
    telemetry,
};

const WEB_ROOT: &str = "such as https://itop.example/";

/// The fewest characters of a key of signed links.
const LEAST_LINK_KEY: usize = 32;

impl Config {
    /// What does not fit together, a sentence each.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        self.addresses(&mut problems);
        self.login(&mut problems);
        self.front(&mut problems);
        self.server(&mut problems);
        self.periods(&mut problems);
        self.numbers(&mut problems);
        self.queries(&mut problems);
        self.attributes(&mut problems);
        problems.extend(front::problems(&self.server, &self.auth));
        problems.extend(tokens::problems(&self.auth));
        problems.extend(self.auth.proxy.iter().flat_map(proxy::problems));
        problems.extend(self.auth.oidc.iter().flat_map(oidc::problems));
        problems.extend(self.cmdb.iter().flat_map(cmdb::problems));
        problems.extend(hooks::problems(&self.hooks));
        let of_salesforce = |section| salesforce::problems(section, &self.delivery);
        problems.extend(self.salesforce.iter().flat_map(of_salesforce));
        let ticket = &self.ticket;
        if let Err(error) = Templates::new(
            ticket.language,
            ticket.title.as_deref(),
            ticket.description.as_deref(),
            &ticket.fields,
        ) {
            problems.push(error.to_string());
        }
        if let Some(salesforce) = &self.salesforce
            && let Err(error) = Templates::new(ticket.language, None, None, &salesforce.fields)
        {
            problems.push(format!("[salesforce.fields]: {error}"));
        }
        problems
    }

    fn addresses(&self, problems: &mut Vec<String>) {
        let url = &self.itop.url;
        if url.is_empty() {
            problems.push(format!("itop.url is not set; write the web root of iTop, {WEB_ROOT}"));
        } else {
            match web_url(url) {
                None => problems.push(format!(
                    "itop.url must be an http or https address without user and password, \
                     {WEB_ROOT}"
                )),
                Some(address) => problems.extend(not_a_root("itop.url", url, &address)),
            }
        }
        for (key, url) in [
            ("itop.public_url", &self.itop.public_url),
            ("server.public_url", &self.server.public_url),
        ] {
            let Some(url) = url else { continue };
            match web_url(url) {
                None => problems.push(format!("{key} must be an http or https address")),
                Some(address) => problems.extend(not_a_root(key, url, &address)),
            }
        }
        let server = &self.server;
        for (key, origins) in [
            ("server.cors_origins", &server.cors_origins),
            ("server.frame_ancestors", &server.frame_ancestors),
        ] {
            problems.extend(origins.iter().filter(|origin| !is_origin(origin)).map(|origin| {
                format!(
                    "{key}: '{origin}' is no origin as browsers send it: scheme, host and, where it \
                     is not the usual one, port, such as https://dashboard.example"
                )
            }));
        }
    }

    fn login(&self, problems: &mut Vec<String>) {
        let itop = &self.itop;
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
    fn front(&self, problems: &mut Vec<String>) {
        let itop = &self.itop;
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

    fn server(&self, problems: &mut Vec<String>) {
        let short = |key: &Secret| key.expose().chars().count() < LEAST_LINK_KEY;
        let mut check = check(problems);
        check(
            self.server.link_key.as_ref().is_some_and(short),
            "server.link_key must have at least 32 characters: who guesses it opens all links",
        );
        check(
            telemetry::parsed(&self.log.filter).is_err(),
            "log.filter must be a level such as info, or target=level pairs such as \
             info,servicenav_itop_bridge::itop=debug",
        );
    }

    /// Each length of time within what makes sense, with what a shorter one would do.
    fn periods(&self, problems: &mut Vec<String>) {
        const MS: Period = Period::millis(100);
        const SECOND: Period = Period::seconds(1);
        const HOUR: Period = Period::minutes(60);
        const DAY: Period = Period::days(1);
        const YEAR: Period = Period::days(366);
        let Self { server, store, itop, catalog, board, .. } = self;
        let delivery = &self.delivery;
        let settle = delivery.settle;
        #[rustfmt::skip]
        let rules = [
            ("server.shutdown_grace", server.shutdown_grace, SECOND, HOUR, "calls in flight would be cut"),
            ("store.retention", store.retention, DAY, Period::days(36_600), "an event posted again after it would be a second ticket"),
            ("itop.connect_timeout", itop.connect_timeout, MS, HOUR, "no connection would be made"),
            ("itop.timeout", itop.timeout, SECOND, HOUR, "calls that iTop answers would be given up"),
            ("itop.create_timeout", itop.create_timeout, SECOND, HOUR, "tickets that iTop makes would be given up and looked for"),
            ("catalog.ttl", catalog.ttl, SECOND, Period::days(7), "each question would read a list from iTop"),
            ("catalog.refresh_on_miss", catalog.refresh_on_miss, SECOND, DAY, "each unknown name would read a list from iTop"),
            ("delivery.settle", settle, Period::seconds(5), DAY, "a ticket whose answer was lost would be made twice"),
            ("delivery.settle_unproven", delivery.settle_unproven, settle, Period::days(7), "it must not be below delivery.settle: a ticket whose answer was lost would be made twice"),
            ("delivery.backoff_first", delivery.backoff_first, MS, HOUR, "iTop would be asked without a pause"),
            ("delivery.backoff_max", delivery.backoff_max, delivery.backoff_first, DAY, "it must not be below delivery.backoff_first"),
            ("delivery.give_up", delivery.give_up, Period::minutes(10), YEAR, "acknowledgements would fail instead of waiting"),
            ("delivery.restore_window", delivery.restore_window, HOUR, YEAR, "after a restore tickets would be made twice"),
            ("delivery.recheck_blocked", delivery.recheck_blocked, SECOND, DAY, "iTop would be asked without a pause"),
            ("delivery.probe_first", delivery.probe_first, MS, HOUR, "iTop would be asked without a pause"),
            ("delivery.probe_max", delivery.probe_max, delivery.probe_first, HOUR, "it must not be below delivery.probe_first"),
            ("board.max_age", board.max_age, MS, HOUR, "each question would be one to iTop"),
            ("board.refresh", board.refresh, SECOND, DAY, "iTop would be asked without a pause"),
            ("board.refresh_ended", board.refresh_ended, SECOND, Period::days(7), "iTop would be asked without a pause"),
        ];
        for (key, period, least, most, why) in rules {
            if period < least {
                problems.push(format!("{key} is {period} and must be at least {least}: {why}"));
            } else if period > most {
                problems.push(format!("{key} is {period} and must be at most {most}"));
            }
        }
    }

    fn numbers(&self, problems: &mut Vec<String>) {
        let Self { server, itop, catalog, board, .. } = self;
        let DeliverySection { in_flight_min, in_flight_max, recreate_at_once, .. } = self.delivery;
        let mut check = check(problems);
        check(
            !(8..=100_000).contains(&server.max_connections),
            "server.max_connections must be between 8 and 100000",
        );
        check(
            !(2..=1_000).contains(&itop.max_in_flight),
            "itop.max_in_flight must be at least 2 and at most 1000: one is kept for reads",
        );
        check(in_flight_min < 1, "delivery.in_flight_min must be at least 1");
        check(
            in_flight_min > in_flight_max,
            "delivery.in_flight_min must not be above delivery.in_flight_max",
        );
        check(
            usize::from(in_flight_max) >= itop.max_in_flight,
            "delivery.in_flight_max must be below itop.max_in_flight: one call is kept for reads",
        );
        check(
            !(1..=1_000).contains(&recreate_at_once),
            "delivery.recreate_at_once must be between 1 and 1000: with 0 nothing would be sent \
             again",
        );
        check(!(1..=10_000).contains(&board.batch), "board.batch must be between 1 and 10000");
        check(
            !(500..=1_000_000).contains(&catalog.page_size),
            "catalog.page_size must be between 500 and 1000000: small pages take iTop longer than \
             the whole",
        );
    }

    /// Without `:org` a list of one company has what belongs to all.
    fn queries(&self, problems: &mut Vec<String>) {
        let queries = &self.catalog.queries;
        let teams_of_companies = self.catalog.teams == TeamChoice::DeliveryModel;
        for (list, query, is_of_a_company) in [
            ("contacts", &queries.contacts, true),
            ("services", &queries.services, true),
            ("service_elements", &queries.service_elements, true),
            ("contract_services", &queries.contract_services, true),
            ("cis", &queries.cis, true),
            ("companies", &queries.companies, false),
            ("all_teams", &queries.all_teams, false),
        ]
        .into_iter()
        .chain(teams_of_companies.then_some(("teams", &queries.teams, true)))
        {
            match (is_of_a_company, names_the_company(query)) {
                (true, false) => problems.push(format!(
                    "catalog.queries.{list} must contain :org, for which the key of the company \
                     is put: without it tickets would get what belongs to other companies"
                )),
                (false, true) => problems.push(format!(
                    "catalog.queries.{list} must not contain :org: it is not read for one company"
                )),
                _ => {}
            }
        }
    }

    fn attributes(&self, problems: &mut Vec<String>) {
        let ticket = &self.ticket;
        let marker = &ticket.marker_field;
        if !is_attribute(marker) {
            problems.push(
                "ticket.marker_field must be the code of an attribute, such as private_log"
                    .to_owned(),
            );
        } else if let Some(why) = why_not_marker(marker) {
            problems.push(format!("ticket.marker_field must not be {marker}: {why}"));
        }
        for name in ticket.fields.keys() {
            if !is_attribute(name) {
                problems.push(format!("ticket.fields: '{name}' is not the code of an attribute"));
            } else if name == marker {
                problems.push(format!(
                    "ticket.fields must not set {name}: it is ticket.marker_field, by which a \
                     ticket is found again"
                ));
            } else if let Some(why) = why_not_template(name) {
                problems.push(format!("ticket.fields must not set {name}: {why}"));
            }
        }
    }
}

fn check(problems: &mut Vec<String>) -> impl FnMut(bool, &str) {
    |wrong, sentence| {
        if wrong {
            problems.push(sentence.to_owned());
        }
    }
}

fn is_origin(text: &str) -> bool {
    web_url(text).is_some_and(|url| url.origin().ascii_serialization() == text)
}

fn web_url(text: &str) -> Option<Url> {
    // Credentials in an address would stand in every link of every answer.
    text.parse::<Url>().ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
    })
}

/// What an address that was copied from a browser or a manual has beyond the web root: everything
/// would be appended to it, links to tickets too.
fn not_a_root(key: &str, text: &str, url: &Url) -> Option<String> {
    let mut folders: Vec<_> = url.path().split('/').filter(|part| !part.is_empty()).collect();
    let whole = folders.len();
    folders.pop_if(|last| last.to_ascii_lowercase().ends_with(".php"));
    folders.pop_if(|last| ["webservices", "pages"].contains(last));
    let mut root = url.clone();
    let names_a_page = folders.len() < whole;
    if names_a_page {
        folders.push("");
        root.set_path(&folders.join("/"));
    }
    root.set_query(None);
    root.set_fragment(None);
    if names_a_page {
        Some(format!(
            "{key} names a page; write the web root, below which webservices/rest.php stands: \
             {root}"
        ))
    } else if url.query().is_some() || url.fragment().is_some() {
        Some(format!("{key} has a query (?) or a fragment (#); write the web root alone: {root}"))
    // The parser drops them, and what is built from the text as it stands would keep them.
    } else if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        Some(format!("{key} has blanks; write the web root alone: {root}"))
    } else {
        None
    }
}

/// Whether `:org` stands in a query, and not the beginning of a longer name.
fn names_the_company(query: &str) -> bool {
    query.match_indices(":org").any(|(at, org)| {
        let next = query[at + org.len()..].chars().next();
        !next.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

fn is_attribute(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests;
