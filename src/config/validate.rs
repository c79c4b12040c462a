//! What must hold of a configuration as a whole: a sentence for each thing that harms or does not
//! fit together, with the key and the reason.

mod cmdb;
mod front;
mod hooks;
mod itop;
mod oidc;
mod proxy;
mod salesforce;
mod tokens;

use reqwest::Url;

use super::{Config, DeliverySection, Period, StoreSection, TeamChoice};
use crate::{
    domain::ticket_text::Templates,
    itop::{why_not_marker, why_not_template},
    secret::Secret,
    store, telemetry,
};

/// The fewest characters of a key of signed links.
const LEAST_LINK_KEY: usize = 32;

impl Config {
    /// What does not fit together, a sentence each.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        self.sections(&mut problems);
        problems.extend(self.itop.iter().flat_map(|itop| itop::problems(itop, &self.delivery)));
        self.addresses(&mut problems);
        self.store(&mut problems);
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

    /// Which ticket systems there are, and what needs one of them.
    fn sections(&self, problems: &mut Vec<String>) {
        if self.desks().next().is_none() {
            problems.push(
                "neither [itop] nor [salesforce] is configured: write the section of the ticket system \
                 in which tickets are to be made; of [itop] that is itop.url, itop.user and itop.password"
                    .to_owned(),
            );
        }
        if let Some(desk) = self.links.desk.filter(|desk| !self.has(*desk)) {
            let code = desk.code();
            problems.push(format!(
                "links.desk is \"{code}\", and there is no section [{code}]: companies without a link would \
                 belong to a ticket system that is not there"
            ));
        }
        if self.migrate.as_ref().is_some_and(|migrate| migrate.folder.as_os_str().is_empty()) {
            problems.push(
                "[migrate] needs migrate.folder, the folder of the migration that the console is to show"
                    .to_owned(),
            );
        }
        // Without any ticket system that is said already.
        if self.cmdb.is_some() && self.itop.is_none() && self.salesforce.is_some() {
            problems.push(
                "[cmdb] keeps equipment in iTop's CMDB, and there is no section [itop]; write that, or leave \
                 [cmdb] out"
                    .to_owned(),
            );
        }
    }

    fn addresses(&self, problems: &mut Vec<String>) {
        if let Some(url) = &self.server.public_url {
            let key = "server.public_url";
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

    fn store(&self, problems: &mut Vec<String>) {
        let StoreSection { path, url, password, ca_file, .. } = &self.store;
        let Some(url) = url else {
            check(problems)(
                password.is_some() || ca_file.is_some(),
                "store.password and store.ca_file are for store.url, which is not set",
            );
            return;
        };
        check(problems)(
            !path.as_os_str().is_empty(),
            "store.path and store.url are both set; keep one of the two",
        );
        problems.extend(store::fault_of_url(url));
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
        let Self { server, store, catalog, board, delivery, .. } = self;
        let settle = delivery.settle;
        #[rustfmt::skip]
        let rules = [
            ("server.shutdown_grace", server.shutdown_grace, SECOND, HOUR, "calls in flight would be cut"),
            ("store.retention", store.retention, DAY, Period::days(36_600), "an event posted again after it would be a second ticket"),
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
        problems.extend(rules.into_iter().filter_map(period));
    }

    fn numbers(&self, problems: &mut Vec<String>) {
        let Self { server, catalog, board, .. } = self;
        let DeliverySection { in_flight_min, in_flight_max, recreate_at_once, .. } = self.delivery;
        let mut check = check(problems);
        check(
            !(8..=100_000).contains(&server.max_connections),
            "server.max_connections must be between 8 and 100000",
        );
        check(in_flight_min < 1, "delivery.in_flight_min must be at least 1");
        check(
            in_flight_min > in_flight_max,
            "delivery.in_flight_min must not be above delivery.in_flight_max",
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

/// What is wrong with a length of time: its key, what it is, the least and the most, and what a shorter one
/// would do.
fn period((key, period, least, most, why): (&str, Period, Period, Period, &str)) -> Option<String> {
    if period < least {
        Some(format!("{key} is {period} and must be at least {least}: {why}"))
    } else if period > most {
        Some(format!("{key} is {period} and must be at most {most}"))
    } else {
        None
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
