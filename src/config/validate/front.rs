//! What must hold of the front: its certificate, the proxies before it, and how often anybody may call.

use super::super::{Auth, Server};
use crate::domain::network::Network;

/// The most requests a second that a rate can allow; whoever wants no limit writes this.
const MOST: u32 = 1_000_000;

/// What does not fit together, a sentence each.
pub(super) fn problems(server: &Server, auth: &Auth) -> Vec<String> {
    let mut problems = Vec::new();
    if server.tls_certificate.is_some() != server.tls_key.is_some() {
        problems.push(
            "server.tls_certificate and server.tls_key belong together; one file may hold both"
                .to_owned(),
        );
    }
    for network in &server.trusted_proxies {
        if let Err(error) = network.parse::<Network>() {
            problems.push(format!("server.trusted_proxies: '{network}' {error}"));
        }
    }
    let of_tokens = auth
        .tokens
        .iter()
        .filter_map(|token| Some((format!("auth.tokens '{}': rate", token.name), token.rate?)));
    let of_all = [("rate", auth.rate), ("rate_per_address", auth.rate_per_address)]
        .map(|(key, rate)| (format!("auth.{key}"), rate));
    for (key, rate) in of_all.into_iter().chain(of_tokens) {
        if !(1..=MOST).contains(&rate) {
            problems.push(format!(
                "{key} must be between 1 and {MOST} requests a second: with 0 nobody could call"
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use crate::config::load::tests::{LEAST, from};

    #[test]
    fn what_cannot_be_is_refused() {
        for (lines, says) in [
            ("[server]\ntls_certificate = 'a.pem'", "belong together"),
            ("[server]\ntls_key = 'a.pem'", "belong together"),
            ("[server]\ntrusted_proxies = ['nginx']", "'nginx' is neither an address"),
            ("[server]\ntrusted_proxies = ['10.0.0.1/8']", "write 10.0.0.0/8"),
            ("[auth]\nrate = 0", "auth.rate must be between 1 and 1000000"),
            ("[auth]\nrate_per_address = 2000000", "auth.rate_per_address must be"),
            (
                "[[auth.tokens]]\nname = 'a'\nhash = 'x'\nscopes = []\nrate = 0",
                "auth.tokens 'a': rate must be",
            ),
        ] {
            let error = from(&format!("{LEAST}{lines}"), &[]).unwrap_err().to_string();
            assert!(error.contains(says), "{lines}: {error}");
        }
    }
}
