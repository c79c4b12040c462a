//! Secrets, which may stand in files of their own. A file can be read again while the bridge runs:
//! whoever changes a password changes the file.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

use super::{Config, ConfigError, Hook, ItopSection};
use crate::secret::Secret;

/// A key for a secret, and beside it the key for a file that holds it.
struct Place<'c> {
    key: Cow<'static, str>,
    secret: &'c mut Option<Secret>,
    file: Option<PathBuf>,
}

impl Config {
    fn secrets(&mut self) -> Vec<Place<'_>> {
        let Self { itop, salesforce, server, auth, cmdb, hooks, store, .. } = self;
        let of_salesforce = salesforce.as_mut().map(|salesforce| Place {
            key: "salesforce.client_secret".into(),
            secret: &mut salesforce.client_secret,
            file: salesforce.client_secret_file.clone(),
        });
        let of_cmdb = cmdb.as_mut().map(|cmdb| Place {
            key: "cmdb.password".into(),
            secret: &mut cmdb.password,
            file: cmdb.password_file.clone(),
        });
        let of_proxy = auth.proxy.as_mut().map(|proxy| Place {
            key: "auth.proxy.secret".into(),
            secret: &mut proxy.secret,
            file: proxy.secret_file.clone(),
        });
        let of_provider = auth.oidc.as_mut().map(|oidc| Place {
            key: "auth.oidc.client_secret".into(),
            secret: &mut oidc.client_secret,
            file: oidc.client_secret_file.clone(),
        });
        let of_server = Place {
            key: "server.link_key".into(),
            secret: &mut server.link_key,
            file: server.link_key_file.clone(),
        };
        let of_store = Place {
            key: "store.password".into(),
            secret: &mut store.password,
            file: store.password_file.clone(),
        };
        let of_tokens = auth.tokens.iter_mut().map(|token| Place {
            key: format!("auth.tokens '{}': signing_secret", token.name).into(),
            secret: &mut token.signing_secret,
            file: token.signing_secret_file.clone(),
        });
        let of_hooks = hooks.iter_mut().flat_map(of_hook);
        itop.iter_mut()
            .flat_map(of_itop)
            .chain([of_server, of_store])
            .chain(of_salesforce)
            .chain(of_proxy)
            .chain(of_provider)
            .chain(of_cmdb)
            .chain(of_tokens)
            .chain(of_hooks)
            .collect()
    }

    /// Takes secrets from the files that are named for them, and refuses what can be none.
    pub(super) fn read_secrets(&mut self) -> Result<(), ConfigError> {
        let mut problems = Vec::new();
        for Place { key, secret, file } in self.secrets() {
            match (&*secret, file) {
                (None, None) => {}
                (Some(_), Some(_)) => {
                    problems
                        .push(format!("{key} and {key}_file are both set; keep one of the two"));
                }
                (Some(text), None) => {
                    let fault = why_none(text.expose());
                    problems.extend(fault.map(|fault| format!("{key} {fault}")));
                }
                (None, Some(file)) => match read(&key, &file) {
                    Ok(text) => *secret = Some(text),
                    Err(problem) => problems.push(problem),
                },
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(ConfigError::Invalid(problems)) }
    }

    /// Reads the files of secrets again. What cannot be read, or is none, stays as it was, and is
    /// told: a file may be just being written.
    pub fn read_secret_files_again(&mut self) -> Vec<String> {
        let mut problems = Vec::new();
        for Place { key, secret, file } in self.secrets() {
            match file.map(|file| read(&key, &file)) {
                None => {}
                Some(Ok(text)) => *secret = Some(text),
                Some(Err(problem)) => problems.push(problem),
            }
        }
        problems
    }
}

/// The secrets of the way to iTop.
fn of_itop(itop: &mut ItopSection) -> [Place<'_>; 3] {
    [
        Place {
            key: "itop.password".into(),
            secret: &mut itop.password,
            file: itop.password_file.clone(),
        },
        Place { key: "itop.token".into(), secret: &mut itop.token, file: itop.token_file.clone() },
        Place {
            key: "itop.front_password".into(),
            secret: &mut itop.front_password,
            file: itop.front_password_file.clone(),
        },
    ]
}

/// The secrets of a hook, but for its headers.
fn of_hook(hook: &mut Hook) -> [Place<'_>; 3] {
    let key = |what: &str| format!("hooks '{}': {what}", hook.name).into();
    let keys = ["url", "secret", "token"].map(key);
    let [url, secret, token] = keys;
    [
        Place { key: url, secret: &mut hook.url, file: hook.url_file.clone() },
        Place { key: secret, secret: &mut hook.secret, file: hook.secret_file.clone() },
        Place { key: token, secret: &mut hook.token, file: hook.token_file.clone() },
    ]
}

fn read(key: &str, path: &Path) -> Result<Secret, String> {
    let named = |fault: &str| format!("{key}_file: {} {fault}", path.display());
    let bytes = std::fs::read(path).map_err(|error| named(&format!("cannot be read: {error}")))?;
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        // As Windows writes it.
        Err(error) if matches!(error.as_bytes(), [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]) => {
            return Err(named("is UTF-16; save it as UTF-8 without a byte order mark"));
        }
        Err(_) => return Err(named("is not UTF-8")),
    };
    let text = text.trim_end_matches(['\r', '\n']);
    match why_none(text) {
        Some(fault) => Err(named(fault)),
        None => Ok(Secret::new(text.to_owned())),
    }
}

/// Why a text can be no secret, though it could be sent as one.
fn why_none(text: &str) -> Option<&'static str> {
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        Some("is empty")
    } else if text.starts_with('\u{feff}') {
        Some("begins with a byte order mark (BOM); save it as UTF-8 without one")
    } else if text.contains(['\r', '\n', '\0']) {
        Some("has several lines; a secret is one line")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use crate::config::load::tests::{LEAST, from};

    /// What is said of the file of iTop's password that holds this.
    fn said_of(content: &[u8]) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("itop_password");
        std::fs::write(&path, content).unwrap();
        let file =
            LEAST.replace("password = 'secret'", &format!("password_file = '{}'", path.display()));
        match from(&file, &[]) {
            Ok(config) => Ok(config.itop.unwrap().password.unwrap().expose().to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_file_that_holds_no_secret_names_its_key() {
        for (content, says) in [
            (&b""[..], "is empty"),
            (b"\r\n", "is empty"),
            (b" \n", "is empty"),
            ("\u{feff}".as_bytes(), "is empty"),
            ("\u{feff}s3cret\n".as_bytes(), "byte order mark (BOM)"),
            (b"\xff\xfes\0e\0", "is UTF-16"),
            (b"s3cr\xe9t", "is not UTF-8"),
            (b"s3cret\nanother\n", "has several lines"),
        ] {
            let error = said_of(content).unwrap_err();
            assert!(error.contains("itop.password_file: /") && error.contains(says), "{error}");
            assert!(!error.contains("s3cr"), "{error}");
        }
        assert_eq!(said_of(b"a secret \r\n"), Ok("a secret ".to_owned()));
    }

    #[test]
    fn an_empty_secret_of_any_kind_is_refused() {
        for (key, lines) in [
            ("itop.password", LEAST.replace("'secret'", "''")),
            ("itop.token", format!("{LEAST}token = ''")),
            ("itop.front_password", format!("{LEAST}front_user = 'a'\nfront_password = ' '")),
            ("salesforce.client_secret", format!("{LEAST}[salesforce]\nclient_secret = ''")),
            ("server.link_key", format!("{LEAST}[server]\nlink_key = ''")),
            ("auth.proxy.secret", format!("{LEAST}[auth.proxy]\nsecret = ''")),
            ("auth.oidc.client_secret", format!("{LEAST}[auth.oidc]\nclient_secret = ' '")),
        ] {
            let error = from(&lines, &[]).unwrap_err().to_string();
            assert!(error.contains(&format!("{key} is empty")), "{error}");
        }
    }

    #[test]
    fn a_file_is_read_again_and_a_bad_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("itop_password");
        std::fs::write(&path, "first").unwrap();
        let named = format!("password_file = '{}'", path.display());
        let mut config = from(&LEAST.replace("password = 'secret'", &named), &[]).unwrap();
        for (content, now, problems) in [("second\n", "second", 0), ("", "second", 1)] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(config.read_secret_files_again().len(), problems);
            let password = config.itop.as_ref().and_then(|itop| itop.password.as_ref());
            assert_eq!(password.unwrap().expose(), now);
        }
    }
}
