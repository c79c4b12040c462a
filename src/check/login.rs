//! The way to iTop, and whether it lets the bridge in.

use super::{examination::Examination, finding::mend};
use crate::{
    config::LoginKind,
    itop::{Client, ItopError, Login, Protocol},
    outgoing::{Proxy, proxy},
};

impl Examination<'_> {
    /// Nothing where iTop cannot be asked anything more.
    pub(super) async fn login(&mut self) -> Option<()> {
        self.report.examining("iTop");
        let protocol = match self.client.protocol().await {
            Ok(protocol) => protocol,
            Err(ItopError::BadCredentials) => {
                self.answers();
                let mend = self.mend_of_login().await;
                self.report.failure("login", ItopError::BadCredentials.to_string(), mend);
                return None;
            }
            Err(error @ ItopError::ProfileMissing { .. }) => {
                self.answers();
                self.report.failed("login", &error);
                return None;
            }
            Err(error) => {
                let seen = format!("{error}{}", self.through());
                self.report.failure("iTop", seen, mend(&error));
                return None;
            }
        };
        self.answers();
        let Protocol { version, operations, beside } = protocol;
        self.report
            .ok("login", format!("accepted, REST protocol {version}, {operations} operations"));
        if let Some(beside) = beside {
            self.report.warning(
                "answers",
                format!("iTop prints text around its answers, which is read past: {}", seen(&beside)),
                "Mend what the text complains of, or set display_errors = Off in iTop's php.ini. A file \
                 that begins with a byte order mark, often config-itop.php, has to be saved without.",
            );
        }
        Some(())
    }

    fn answers(&mut self) {
        self.report.ok("iTop", format!("answers at {}{}", self.client.endpoint(), self.through()));
    }

    /// The proxy that the calls take, where the environment names one.
    fn through(&self) -> String {
        match proxy(&self.client.endpoint()) {
            Some(Proxy { address, variable, .. }) => {
                format!(" through the proxy {address} ({variable})")
            }
            None => String::new(),
        }
    }

    /// iTop says the same of a wrong password and of a login type that it does not look at: the
    /// same user and password are tried the other way.
    async fn mend_of_login(&mut self) -> String {
        let (tried, other) = match self.section.login {
            LoginKind::Token => {
                return "Check itop.token. iTop reads the header Auth-Token only with its \
                        extension for tokens, and with 'token' or 'rest-token' in \
                        'allowed_login_types' of its configuration: without them every token is \
                        a wrong one. Else use itop.login = \"form\"."
                    .to_owned();
            }
            LoginKind::Form => ("form", "basic"),
            LoginKind::Basic => ("basic", "form"),
        };
        if self.other_login_works().await {
            return format!(
                "This iTop accepts the same user and password by itop.login = \"{other}\": set \
                 that, or add '{tried}' to 'allowed_login_types' in iTop's configuration."
            );
        }
        format!(
            "Check itop.user and itop.password, that the account is enabled in iTop, and that \
             'allowed_login_types' in iTop's configuration has '{tried}'."
        )
    }

    async fn other_login_works(&mut self) -> bool {
        let Ok(mut settings) = self.section.settings() else { return false };
        settings.login = match settings.login {
            // Its header is taken.
            Login::Form { .. } if settings.front.is_some() => return false,
            // It would be cut there.
            Login::Form { password, .. } if password.expose().contains(':') => return false,
            Login::Form { user, password } => Login::Basic { user, password },
            Login::Basic { user, password } => Login::Form { user, password },
            Login::Token(_) => return false,
        };
        match Client::new(&settings) {
            Ok(client) => client.protocol().await.is_ok(),
            Err(_) => false,
        }
    }
}

/// A text as people see it: a byte order mark by itself would look as if there were nothing.
fn seen(beside: &str) -> String {
    beside.replace('\u{feff}', "(a byte order mark) ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_named() {
        assert_eq!(seen("\u{feff}"), "(a byte order mark)");
        assert_eq!(seen("\u{feff}<b>Notice</b>: x"), "(a byte order mark) <b>Notice</b>: x");
    }
}
