//! From file and environment to a checked [`Config`].

use std::{
    collections::BTreeMap,
    ffi::OsString,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::{Config, explain, state_folder};

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
        /// Where and what, without what stands there, which may be a secret.
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
    let environment = set_of(environment);
    let mut config = read(file, &environment)?;
    config.read_secrets()?;
    let mut problems = config.problems();
    config.file = file.map(Path::to_owned);
    if config.store.path.as_os_str().is_empty() {
        match default_database(&environment) {
            Ok(path) => config.store.path = path,
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        return Ok(config);
    }
    if file.is_none() {
        let unread = "no configuration file was read; name one with --config or BRIDGE_CONFIG";
        problems.insert(0, unread.to_owned());
    }
    Err(ConfigError::Invalid(problems))
}

/// Where a bridge is found on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whether it speaks TLS there.
    pub tls: bool,
    /// Its database.
    pub database: PathBuf,
}

impl Place {
    /// Its address as this machine reaches it.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.listen, self.tls)
    }
}

/// The address of a bridge that listens there, as its machine reaches it.
#[must_use]
pub fn url(mut listen: SocketAddr, tls: bool) -> String {
    if listen.ip().is_unspecified() {
        listen.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    let scheme = if tls { "https" } else { "http" };
    format!("{scheme}://{listen}")
}

/// Where a bridge of this configuration listens, and its database. It need not be one that this process could
/// run with: its secrets may be for the bridge alone.
pub fn place(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Place, ConfigError> {
    let environment = set_of(environment);
    let config = read(file, &environment)?;
    let database = Some(config.store.path).filter(|path| !path.as_os_str().is_empty());
    let is_root = rustix::process::geteuid().is_root();
    let database = database
        .map_or_else(|| state_folder::database(&environment, is_root), Ok)
        .map_err(|problem| ConfigError::Invalid(vec![problem]))?;
    Ok(Place { listen: config.server.listen, tls: config.server.has_tls(), database })
}

/// Compose files pass on variables that are not set as empty ones.
fn set_of(environment: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
    environment.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

/// What stands in file and environment, without the secrets that lie elsewhere.
fn read(
    file: Option<&Path>,
    environment: &BTreeMap<String, String>,
) -> Result<Config, ConfigError> {
    let mut table = Table::new();
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        let wrong = |error: toml::de::Error| ConfigError::Wrong {
            origin: path.display().to_string(),
            reason: explain::in_file(&text, error),
        };
        // Read as a whole first: only so does an error know its line.
        toml::from_str::<Config>(&text).map_err(wrong)?;
        table = toml::from_str(&text).map_err(wrong)?;
    }
    for (name, text) in environment {
        if let Some(path) = name.strip_prefix(PREFIX) {
            table = overridden(&table, path, text)
                .map_err(|reason| ConfigError::Wrong { origin: name.clone(), reason })?;
        }
    }
    table.try_into().map_err(|error| ConfigError::Wrong {
        origin: "as a whole".to_owned(),
        reason: explain::elsewhere(error),
    })
}

/// Where the database is without `store.path`.
fn default_database(environment: &BTreeMap<String, String>) -> Result<PathBuf, String> {
    let database = state_folder::database(environment, rustix::process::geteuid().is_root())?;
    // Where it is not known where one stands, nothing was left there.
    if let Ok(started_in) = std::env::current_dir() {
        state_folder::refuse_left_behind(&database, &started_in)?;
    }
    Ok(database)
}

/// The database of a process that runs here without `store.path`.
pub(super) fn usual_database() -> Option<PathBuf> {
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let set = std::env::vars_os().filter_map(text).filter(|(_, text)| !text.is_empty());
    state_folder::database(&set.collect(), rustix::process::geteuid().is_root()).ok()
}

/// The table with the value at `A__B__C` replaced. A variable is always text: it is taken as
/// text where the key wants text (a password of digits stays one), else as TOML.
fn overridden(table: &Table, path: &str, text: &str) -> Result<Table, String> {
    let keys: Vec<_> = path.split("__").map(str::to_ascii_lowercase).collect();
    let as_text = with_value(table, &keys, Value::String(text.to_owned()));
    let failure = match as_text.clone().try_into::<Config>() {
        Ok(_) => return Ok(as_text),
        Err(error) => explain::elsewhere(error),
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::config::ItopSection;

    const EXAMPLE: &str = include_str!("../../config.example.toml");

    pub(in crate::config) fn from(
        file: &str,
        environment: &[(&str, &str)],
    ) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bridge.toml");
        std::fs::write(&path, file).unwrap();
        let own = |text: &&str| (*text).to_owned();
        let home = ("HOME", "/home/bridge");
        let environment = environment.iter().chain([&home]);
        load(Some(&path), environment.map(|(name, value)| (own(name), own(value))))
    }

    pub(in crate::config) const LEAST: &str =
        "[itop]\nurl = 'https://itop.example/'\nuser = 'bridge'\npassword = 'secret'\n";

    #[test]
    fn the_least_configuration_is_four_lines() {
        let config = from(LEAST, &[]).unwrap();
        assert_eq!(config.server, super::super::Server::default());
    }

    #[test]
    fn whoever_has_named_no_file_is_told_so() {
        let Err(ConfigError::Invalid(problems)) = load(None, []) else { panic!("it was taken") };
        assert!(problems[0].contains("--config"), "{problems:?}");
        let Err(ConfigError::Invalid(problems)) = from("", &[]) else { panic!("it was taken") };
        assert!(problems.iter().all(|problem| !problem.contains("--config")), "{problems:?}");
    }

    #[test]
    fn the_example_states_the_defaults() {
        let example: Config = toml::from_str(EXAMPLE).unwrap();
        let mut defaults = Config::default();
        // These have no default.
        let itop = example.itop.as_ref().unwrap();
        let (url, user) = (itop.url.clone(), itop.user.clone());
        defaults.itop = Some(ItopSection { url, user, ..ItopSection::default() });
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
            "server",
            "auth",
            "auth.proxy",
            "auth.oidc",
            "[auth.oidc.groups]",
            "store",
            "itop",
            "catalog",
            "links",
            "delivery",
            "ticket",
            "board",
            "salesforce",
            "cmdb",
            "migrate",
            "[hooks]",
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
    fn an_error_tells_where_it_is_and_nothing_of_what_stands_there() {
        for (file, says) in [
            ("[itop]\npassword = s3cret\n", "line 2, column 12"),
            ("[itop]\npassword = \"s3cret\n", "line 2"),
            ("[itop]\npassword s3cret\n", "line 2"),
            ("[itop]\n  timeout = 's3cret'\n", "line 2, column 13: no length of time"),
            ("[itop]\nmax_in_flight = 's3cret'\n", "line 2, column 17: invalid type: string"),
            ("[itop]\nmax_in_flight = -77123\n", "line 2, column 17"),
            ("[itop]\nlogin = 's3cret, expected `x`'\n", "expected one of `form`"),
            ("[itop]\nuser = 's3cret'\nuser = 's3cret'\n", "line 3, column 1"),
            ("[server]\nlisten = 's3cret'\n", "line 2, column 10"),
            ("# é\n[auth]\ntokens = [{ name = 's3cret' }]\n", "missing field `scopes`"),
        ] {
            let error = from(file, &[]).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
            assert!(!error.contains("s3cret") && !error.contains("77123"), "{error}");
        }
        for (name, value) in [
            ("BRIDGE__ITOP__MAX_IN_FLIGHT", "s3cret"),
            ("BRIDGE__ITOP__TIMEOUT", "s3cret"),
            ("BRIDGE__ITOP__LOGIN", "s3cret"),
            ("BRIDGE__SERVER__LISTEN", "s3cret"),
            ("BRIDGE__ITOP__URL", "s3cret"),
            ("BRIDGE__ITOP__TIME_ZONE", "s3cret"),
            ("BRIDGE__LOG__FILTER", "s3cret=[s3cret"),
            ("BRIDGE__AUTH__TOKENS", "[{name='a', hash='s3cret', scopes=['s3cret']}]"),
            ("BRIDGE__TICKET__MARKER_FIELD", "s3cret s3cret"),
        ] {
            let error = from(LEAST, &[(name, value)]).unwrap_err().to_string();
            let key = name["BRIDGE__".len()..].to_lowercase().replace("__", ".");
            assert!(error.contains(name) || error.contains(&key), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn an_empty_variable_is_one_that_is_not_set() {
        let empty = ["URL", "PASSWORD", "MAX_IN_FLIGHT", "CA_FILE", "NO_SUCH_KEY"]
            .map(|key| format!("BRIDGE__ITOP__{key}"));
        let empty: Vec<_> = empty.iter().map(|name| (name.as_str(), "")).collect();
        // Each is read from a file of its own.
        let read = |set: &[_]| Config { file: None, ..from(LEAST, set).unwrap() };
        assert_eq!(read(&empty), read(&[]));
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
        let password = crate::secret::Secret::new("012345".to_owned());
        let itop = config.itop.unwrap();
        assert_eq!((itop.password, itop.max_in_flight), (Some(password), 19));
        assert_eq!(config.server.listen.port(), 9999);
        assert_eq!(config.delivery.settle, super::super::Period::seconds(90));
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
