//! From file and environment to a checked [`Config`].

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{Config, Delivery, LoginKind};
use crate::{
    domain::{
        keys::{Instance, PartyKey},
        ticket_text::Templates,
    },
    itop::ItopZone,
    secret::Secret,
};

/// The prefix of environment variables that override the file: `BRIDGE__ITOP__URL`.
const PREFIX: &str = "BRIDGE__";

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration {path} cannot be read: {reason}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file is not TOML, or a key or value is wrong.
    #[error("the configuration {origin} is wrong: {reason}")]
    Wrong {
        /// The file, or the environment variable.
        origin: String,
        /// What is wrong, with the line, and the nearest valid key of an unknown one.
        reason: String,
    },
    /// Everything reads well, and does not fit together.
    #[error("the configuration cannot be used:\n{}", .0.iter().map(|line| format!("  - {line}")).collect::<Vec<_>>().join("\n"))]
    Invalid(
        /// One sentence for each thing to mend.
        Vec<String>,
    ),
}

/// Reads the configuration: `file`, overridden by the variables that begin with `BRIDGE__`, then
/// secrets from their files; checked as a whole.
pub fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let mut table = Table::new();
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        let wrong = |error: toml::de::Error| ConfigError::Wrong {
            origin: path.display().to_string(),
            reason: explained(&error),
        };
        // Read as a whole first: only so can an error show its line.
        toml::from_str::<Config>(&text).map_err(wrong)?;
        table = toml::from_str(&text).map_err(wrong)?;
    }
    for (name, text) in environment {
        if let Some(path) = name.strip_prefix(PREFIX) {
            table = overridden(&table, path, &text)
                .map_err(|reason| ConfigError::Wrong { origin: name.clone(), reason })?;
        }
    }
    let mut config: Config = table.try_into().map_err(|error| ConfigError::Wrong {
        origin: "as a whole".to_owned(),
        reason: explained(&error),
    })?;
    let Config { itop, server, .. } = &mut config;
    read_secret("itop.password", &mut itop.password, itop.password_file.as_deref())?;
    read_secret("itop.token", &mut itop.token, itop.token_file.as_deref())?;
    read_secret("server.link_key", &mut server.link_key, server.link_key_file.as_deref())?;
    let problems = config.problems();
    if problems.is_empty() { Ok(config) } else { Err(ConfigError::Invalid(problems)) }
}

/// The table with the value at `A__B__C` replaced. A variable is always text: it is taken as
/// text where the key wants text (a password of digits stays one), else as TOML.
fn overridden(table: &Table, path: &str, text: &str) -> Result<Table, String> {
    let keys: Vec<_> = path.split("__").map(str::to_ascii_lowercase).collect();
    let as_text = with_value(table, &keys, Value::String(text.to_owned()));
    let failure = match as_text.clone().try_into::<Config>() {
        Ok(_) => return Ok(as_text),
        Err(error) => explained(&error),
    };
    let literal = toml::from_str::<Table>(&format!("value = {text}"));
    if let Some(value) = literal.ok().and_then(|mut table| table.remove("value")) {
        let as_toml = with_value(table, &keys, value);
        if as_toml.clone().try_into::<Config>().is_ok() {
            return Ok(as_toml);
        }
    }
    Err(failure)
}

fn with_value(table: &Table, keys: &[String], value: Value) -> Table {
    let mut table = table.clone();
    match keys {
        [] => {}
        [key] => {
            table.insert(key.clone(), value);
        }
        [key, rest @ ..] => {
            let inner = table.get(key).and_then(Value::as_table).cloned().unwrap_or_default();
            table.insert(key.clone(), Value::Table(with_value(&inner, rest, value)));
        }
    }
    table
}

/// The parser's words; of an unknown key also the nearest valid one.
fn explained(error: &toml::de::Error) -> String {
    let message = error.to_string();
    // serde's fixed form: unknown field `a`, expected one of `b`, `c`
    let quoted: Vec<&str> = error.message().split('`').skip(1).step_by(2).collect();
    let nearest = match (error.message().starts_with("unknown field"), quoted.as_slice()) {
        (true, [unknown, known @ ..]) => known
            .iter()
            .map(|known| (strsim::jaro_winkler(unknown, known), known))
            .max_by(|(a, _), (b, _)| a.total_cmp(b))
            .filter(|(likeness, _)| *likeness > 0.7)
            .map(|(_, known)| format!("\nDid you mean `{known}`?")),
        _ => None,
    };
    message.trim_end().to_owned() + &nearest.unwrap_or_default()
}

fn read_secret(
    key: &str,
    secret: &mut Option<Secret>,
    file: Option<&Path>,
) -> Result<(), ConfigError> {
    let Some(path) = file else { return Ok(()) };
    let text = std::fs::read_to_string(path).map_err(|error| {
        let path = path.display();
        ConfigError::Invalid(vec![format!("{key}_file: {path} cannot be read: {error}")])
    })?;
    if secret.is_some() {
        let sentence = format!("{key} and {key}_file are both set; keep one of the two");
        return Err(ConfigError::Invalid(vec![sentence]));
    }
    *secret = Some(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()));
    Ok(())
}

impl Config {
    /// What does not fit together, a sentence each.
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut check = |wrong: bool, sentence: &str| {
            if wrong {
                problems.push(sentence.to_owned());
            }
        };
        let itop = &self.itop;
        check(
            itop.url.is_empty(),
            "itop.url is not set; write the web root of iTop, such as https://itop.example/",
        );
        check(
            !itop.url.is_empty() && !is_web_url(&itop.url),
            "itop.url must be an http or https address without user and password, such as \
             https://itop.example/",
        );
        check(
            [&itop.public_url, &self.server.public_url]
                .into_iter()
                .flatten()
                .any(|url| !is_web_url(url)),
            "itop.public_url and server.public_url must be http or https addresses",
        );
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
        check(
            itop.max_in_flight < 2,
            "itop.max_in_flight must be at least 2: one is kept for reads",
        );
        let Delivery { in_flight_min, in_flight_max, .. } = self.delivery;
        check(in_flight_min < 1, "delivery.in_flight_min must be at least 1");
        check(
            in_flight_min > in_flight_max,
            "delivery.in_flight_min must not be above delivery.in_flight_max",
        );
        check(
            usize::from(in_flight_max) >= itop.max_in_flight,
            "delivery.in_flight_max must be below itop.max_in_flight: one call is kept for reads",
        );
        check(!(1..=2_000).contains(&self.board.batch), "board.batch must be between 1 and 2000");
        check(
            !is_attribute(&self.ticket.marker_field),
            "ticket.marker_field must be the code of an attribute, such as private_log",
        );
        check(
            self.ticket.fields.keys().any(|name| !is_attribute(name)),
            "each key of ticket.fields must be the code of an attribute",
        );
        for token in &self.auth.tokens {
            problems.extend(token_problems(token));
        }
        let ticket = &self.ticket;
        if let Err(error) = Templates::new(
            ticket.language,
            ticket.title.as_deref(),
            ticket.description.as_deref(),
            &ticket.fields,
        ) {
            problems.push(error.to_string());
        }
        problems
    }
}

fn token_problems(token: &super::Token) -> Vec<String> {
    let mut problems = Vec::new();
    let digits = token.hash.strip_prefix("sha256:").unwrap_or_default();
    if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        problems.push(format!(
            "auth.tokens '{}': hash must be sha256: and 64 hexadecimal digits, as the command \
             'token' prints it",
            token.name
        ));
    }
    // An instance that cannot be read would not limit the token at all.
    if let Some(Err(error)) = token.instance.as_ref().map(|text| text.parse::<Instance>()) {
        problems.push(format!("auth.tokens '{}': instance {error}", token.name));
    }
    for company in token.companies.iter().flatten() {
        if let Err(error) = company.parse::<PartyKey>() {
            problems.push(format!("auth.tokens '{}': company '{company}' {error}", token.name));
        }
    }
    problems
}

fn is_web_url(text: &str) -> bool {
    // Credentials in an address would stand in every link of every answer.
    text.parse::<reqwest::Url>().is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
    })
}

fn is_attribute(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../config.example.toml");

    fn from(file: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bridge.toml");
        std::fs::write(&path, file).unwrap();
        let own = |text: &&str| (*text).to_owned();
        load(Some(&path), environment.iter().map(|(name, value)| (own(name), own(value))))
    }

    const LEAST: &str =
        "[itop]\nurl = 'https://itop.example/'\nuser = 'bridge'\npassword = 'secret'\n";

    #[test]
    fn the_least_configuration_is_four_lines() {
        let config = from(LEAST, &[]).unwrap();
        assert_eq!(config.server, super::super::Server::default());
    }

    #[test]
    fn the_example_states_the_defaults() {
        let example: Config = toml::from_str(EXAMPLE).unwrap();
        let mut defaults = Config::default();
        // These have no default.
        defaults.itop.url.clone_from(&example.itop.url);
        defaults.itop.user.clone_from(&example.itop.user);
        assert_eq!(example, defaults);
    }

    #[test]
    fn the_example_states_every_key() {
        // Keys without a default stand behind a `#`; with these signs removed all must be known.
        let uncommented: String = EXAMPLE
            .lines()
            .map(|line| line.strip_prefix("#:").map_or(line, str::trim_start))
            .collect::<Vec<_>>()
            .join("\n");
        toml::from_str::<Config>(&uncommented).unwrap();
        for section in [
            "server", "auth", "store", "itop", "catalog", "links", "delivery", "ticket", "board",
            "log",
        ] {
            let unknown = toml::from_str::<Config>(&format!("[{section}]\nno_such_key = 1"));
            let error = unknown.unwrap_err();
            for key in error.message().split('`').skip(3).step_by(2) {
                let stated = [
                    format!("\n{key} = "),
                    format!("\n[{section}.{key}"),
                    format!("\n[[{section}.{key}"),
                ];
                assert!(
                    stated.iter().any(|stated| uncommented.contains(stated)),
                    "config.example.toml does not state {section}.{key}"
                );
            }
        }
    }

    #[test]
    fn an_unknown_key_is_named_with_the_nearest_one() {
        let error = from("[server]\nlsten = '127.0.0.1:1'\n", &[]).unwrap_err().to_string();
        assert!(error.contains("lsten") && error.contains("Did you mean `listen`?"), "{error}");
        let error = from(LEAST, &[("BRIDGE__ITOP__URLL", "x")]).unwrap_err().to_string();
        assert!(error.contains("BRIDGE__ITOP__URLL") && error.contains("`url`"), "{error}");
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let config = from(
            LEAST,
            &[
                ("BRIDGE__ITOP__PASSWORD", "012345"),
                ("BRIDGE__ITOP__MAX_IN_FLIGHT", "19"),
                ("BRIDGE__SERVER__LISTEN", "127.0.0.1:9999"),
                ("BRIDGE__DELIVERY__SETTLE", "90s"),
                ("HOME", "/root"),
            ],
        )
        .unwrap();
        assert_eq!(config.itop.password, Some(Secret::new("012345".to_owned())));
        assert_eq!(config.itop.max_in_flight, 19);
        assert_eq!(config.server.listen.port(), 9999);
        assert_eq!(config.delivery.settle, super::super::Period::seconds(90));
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
            ("companies = ['42']", "auth.tokens 'sn': company '42' must read id:… or name:…"),
        ] {
            let error = from(&token(limit), &[]).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
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
    fn all_that_does_not_fit_is_said_at_once() {
        let error = from("[itop]\ntime_zone = 'Europe/Pariss'\n", &[]).unwrap_err().to_string();
        for part in ["itop.url", "itop.user", "itop.password", "itop.time_zone"] {
            assert!(error.contains(part), "{part} in {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_file_makes_it_panic(text in proptest::prelude::any::<String>()) {
            let _ = from(&text, &[]);
        }
    }
}
