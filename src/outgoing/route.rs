//! Which way calls take from this machine: past a proxy or not.

use std::net::IpAddr;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;

use crate::secret::Secret;

/// Whether an address is one of this machine: calls to it cross no network and take no proxy.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(address)) => address.is_loopback(),
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback())
        }
        Err(_) => {
            let name = host.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

/// A proxy that the environment of the process names.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Its address, without a login.
    pub address: String,
    /// The variable that names it.
    pub variable: &'static str,
    /// The password of its login, if it has one.
    pub(crate) password: Option<Secret>,
}

/// The proxy that calls to this address take, by the rules that the HTTP client follows.
#[must_use]
pub fn proxy(url: &Url) -> Option<Proxy> {
    if is_loopback(url) {
        return None;
    }
    let matched = Matcher::from_env().intercept(&url.as_str().parse().ok()?)?;
    let names = match url.scheme() {
        "https" => ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
        _ => ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
    };
    let (variable, value) = names.into_iter().find_map(|name| {
        let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
        Some((name, value))
    })?;
    let with_scheme = format!("http://{value}");
    let password = [value.as_str(), &with_scheme]
        .into_iter()
        .find_map(|text| Some(text.parse::<Url>().ok()?.password()?.to_owned()))
        .map(|password| {
            let plain = percent_encoding::percent_decode_str(&password).decode_utf8_lossy();
            Secret::new(plain.into_owned())
        });
    Some(Proxy { address: matched.uri().to_string(), variable, password })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_this_machine() {
        for (url, is_local) in [
            ("http://127.0.0.1:8081/", true),
            ("http://127.9.9.9/", true),
            ("http://0x7f000001/", true),
            ("https://LocalHost:443/itop", true),
            ("http://localhost./", true),
            ("http://itop.localhost/", true),
            ("http://[::1]/", true),
            ("http://[::ffff:127.0.0.1]/", true),
            ("http://localhost.example/", false),
            ("http://127.0.0.1.example/", false),
            ("http://notlocalhost/", false),
            ("http://10.0.0.1/", false),
            ("http://[fe80::1]/", false),
        ] {
            assert_eq!(is_loopback(&url.parse().unwrap()), is_local, "{url}");
        }
    }
}
