//! What must hold of the way to Salesforce.

use reqwest::Url;

use super::{
    super::{DeliverySection, Period, SalesforceLogin, SalesforceSection},
    check, is_attribute, web_url,
};
use crate::{
    outgoing::is_loopback,
    salesforce::{CiObject, why_not_template},
};

/// The longest Subject that Salesforce takes, in characters, and Description, in bytes.
const MOST: [(&str, usize); 2] =
    [("salesforce.max_subject", 255), ("salesforce.max_description", 32_000)];

/// What does not fit together, a sentence each.
pub(super) fn problems(section: &SalesforceSection, delivery: &DeliverySection) -> Vec<String> {
    let mut problems = Vec::new();
    addresses(section, &mut problems);
    login(section, &mut problems);
    numbers(section, delivery, &mut problems);
    fields(section, &mut problems);
    problems
}

fn addresses(section: &SalesforceSection, problems: &mut Vec<String>) {
    match web_url(&section.login_url) {
        None => problems.push(
            "salesforce.login_url must be an https address: https://login.salesforce.com/, \
             https://test.salesforce.com/ for a sandbox, or the org's My Domain"
                .to_owned(),
        ),
        // What logs in there would cross the network in clear.
        Some(url) if url.scheme() == "http" && !is_loopback(&url) => {
            problems.push("salesforce.login_url must be https".to_owned());
        }
        Some(url) if url.query().is_some() || url.fragment().is_some() => {
            problems
                .push("salesforce.login_url must have no query (?) and no fragment (#)".to_owned());
        }
        Some(url) if url.path().contains("/services/") => problems.push(format!(
            "salesforce.login_url names the token endpoint; write the address before it: {}",
            root(&url)
        )),
        Some(_) => {}
    }
    if section.public_url.as_deref().is_some_and(|url| web_url(url).is_none()) {
        problems.push("salesforce.public_url must be an http or https address".to_owned());
    }
}

fn root(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn login(section: &SalesforceSection, problems: &mut Vec<String>) {
    let host = web_url(&section.login_url);
    let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
    let mut check = check(problems);
    check(
        section.client_id.is_empty(),
        "salesforce.client_id is not set; it is the consumer key of the app in Salesforce",
    );
    match section.login {
        SalesforceLogin::Jwt => {
            check(
                section.user.is_empty(),
                "salesforce.user is not set; it is the user name that the bridge is in Salesforce",
            );
            check(
                section.key_file.is_none(),
                "salesforce.key_file is not set; it is the private key whose certificate the app has",
            );
        }
        SalesforceLogin::ClientCredentials => {
            check(
                section.client_secret.is_none(),
                "salesforce.client_secret is not set; set it, salesforce.client_secret_file or \
                 BRIDGE__SALESFORCE__CLIENT_SECRET",
            );
            check(
                matches!(host, "login.salesforce.com" | "test.salesforce.com"),
                "salesforce.login = \"client-credentials\" needs the org's My Domain in \
                 salesforce.login_url, such as https://acme.my.salesforce.com/: Salesforce takes this \
                 login nowhere else",
            );
        }
    }
    let is_version = |text: &str| {
        let (whole, part) = text.split_once('.').unwrap_or_default();
        part == "0" && whole.parse::<u16>().is_ok_and(|version| (60..1000).contains(&version))
    };
    check(
        !is_version(&section.api_version),
        "salesforce.api_version must be a version of the API from 60.0 on, such as 67.0",
    );
}

fn numbers(section: &SalesforceSection, delivery: &DeliverySection, problems: &mut Vec<String>) {
    const HOUR: Period = Period::minutes(60);
    // Salesforce itself ends a call after ten minutes.
    const LONGEST: Period = Period::minutes(11);
    for (key, period, least, most) in [
        ("connect_timeout", section.connect_timeout, Period::millis(100), HOUR),
        ("timeout", section.timeout, Period::seconds(1), LONGEST),
        ("create_timeout", section.create_timeout, Period::seconds(1), LONGEST),
    ] {
        if !(least..=most).contains(&period) {
            problems.push(format!(
                "salesforce.{key} is {period} and must be between {least} and {most}"
            ));
        }
    }
    if !(2..=1_000).contains(&section.max_in_flight) {
        problems.push(
            "salesforce.max_in_flight must be at least 2 and at most 1000: one is kept for reads"
                .to_owned(),
        );
    }
    if usize::from(delivery.in_flight_max) >= section.max_in_flight {
        problems.push(
            "delivery.in_flight_max must be below salesforce.max_in_flight: one call is kept for reads"
                .to_owned(),
        );
    }
    for ((key, most), is) in MOST.into_iter().zip([section.max_subject, section.max_description]) {
        if !(20..=most).contains(&is) {
            problems.push(format!("{key} must be between 20 and {most}"));
        }
    }
}

fn fields(section: &SalesforceSection, problems: &mut Vec<String>) {
    let marker = &section.external_id_field;
    if !is_attribute(marker) || !marker.ends_with("__c") {
        problems.push(
            "salesforce.external_id_field must be a custom field of Case, such as Bridge_Ack__c: no \
             standard field is unique"
                .to_owned(),
        );
    }
    for (key, field) in
        [("ci_field", &section.ci_field), ("ci_account_field", &section.ci_account_field)]
    {
        if !is_attribute(field) {
            problems.push(format!("salesforce.{key} must be the name of a field"));
        }
    }
    for (name, value) in section.priorities.values() {
        if value.trim().is_empty() {
            problems.push(format!("salesforce.priorities.{name} is empty"));
        }
    }
    for name in section.fields.keys() {
        let refused = if !is_attribute(name) {
            Some("it is not the name of a field")
        } else if name == marker {
            Some("it is salesforce.external_id_field, by which a Case is found again")
        } else if section.ci == CiObject::Ci && *name == section.ci_field {
            Some("it is salesforce.ci_field")
        } else {
            why_not_template(name)
        };
        if let Some(why) = refused {
            problems.push(format!("salesforce.fields must not set '{name}': {why}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        config::load::tests::{LEAST, from},
        domain::desk_name::DeskName,
    };

    const JWT: &str =
        "[salesforce]\nclient_id = 'key'\nuser = 'b@acme.example'\nkey_file = '/k.pem'\n";

    /// What is said of these lines behind the least section.
    fn said(lines: &str) -> String {
        match from(&format!("{LEAST}{JWT}{lines}\n"), &[]) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_least_section_is_three_lines_and_an_empty_one_says_what_it_lacks() {
        assert_eq!(said(""), "");
        let error = from(&format!("{LEAST}[salesforce]\n"), &[]).unwrap_err().to_string();
        for key in ["salesforce.client_id", "salesforce.user", "salesforce.key_file"] {
            assert!(error.contains(key), "{error}");
        }
    }

    #[test]
    fn each_desk_can_be_there_alone_and_one_has_to_be() {
        let config = from(JWT, &[]).unwrap();
        assert_eq!((config.default_desk(), config.itop), (DeskName::Salesforce, None));
        assert_eq!(from(LEAST, &[]).unwrap().default_desk(), DeskName::Itop);
        let both = from(&format!("{LEAST}{JWT}"), &[]).unwrap();
        assert_eq!(both.default_desk(), DeskName::Itop);
        let of_salesforce = "[links]\ndesk = 'salesforce'\n";
        let both = from(&format!("{LEAST}{JWT}{of_salesforce}"), &[]).unwrap();
        assert_eq!((both.default_desk(), both.max_in_flight()), (DeskName::Salesforce, 36));
        let cmdb = "[cmdb]\nuser = 'cmdb'\npassword = 'x'\ndefault_class = 'Server'\n";
        for (file, says) in [
            (String::new(), "neither [itop] nor [salesforce] is configured"),
            (
                "[links]\ndesk = 'itop'\n".to_owned() + JWT,
                "links.desk is \"itop\", and there is no section",
            ),
            (format!("{LEAST}{of_salesforce}"), "there is no section [salesforce]"),
            (
                format!("{JWT}{cmdb}"),
                "[cmdb] keeps equipment in iTop's CMDB, and there is no section [itop]",
            ),
            ("[itop]\nuser = 'a'\n".to_owned(), "itop.url is not set"),
        ] {
            let error = from(&file, &[]).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        // A variable makes the section too.
        let set = [("BRIDGE__ITOP__URL", "https://itop.example/")];
        assert!(from(JWT, &set).unwrap_err().to_string().contains("itop.user is not set"));
    }

    #[test]
    fn what_salesforce_would_refuse_is_refused_before() {
        for (lines, says) in [
            ("login_url = 'http://login.salesforce.com/'", "must be https"),
            (
                "login_url = 'https://acme.my.salesforce.com/services/oauth2/token'",
                "before it: https://acme.my.salesforce.com",
            ),
            ("login = 'client-credentials'\nclient_secret = 's'", "needs the org's My Domain"),
            (
                "login = 'client-credentials'\nlogin_url = 'https://a.my.salesforce.com'",
                "client_secret is not set",
            ),
            ("api_version = '67'", "such as 67.0"),
            ("max_subject = 256", "between 20 and 255"),
            ("create_timeout = '12m'", "between 1s and 11 min"),
            ("max_in_flight = 1", "one is kept for reads"),
            ("max_in_flight = 4", "delivery.in_flight_max must be below"),
            ("external_id_field = 'Subject'", "no standard field is unique"),
            ("priorities = { low = '' }", "salesforce.priorities.low is empty"),
            ("fields = { OwnerId = 'x' }", "the team of the event"),
            ("fields = { Bridge_Ack__c = 'x' }", "by which a Case is found again"),
            ("fields = { CI__c = 'x' }", "it is salesforce.ci_field"),
            ("fields = { 'a b' = 'x' }", "not the name of a field"),
            ("fields = { Reason = '{{ nothing }}' }", "nothing"),
        ] {
            let error = said(lines);
            assert!(error.contains(says), "{lines}: {error}");
        }
        assert_eq!(said("fields = { Reason = '{{ site }}', Type = 'Other' }"), "");
        assert_eq!(said("login_url = 'http://127.0.0.1:8082/'"), "", "the sandbox");
    }
}
