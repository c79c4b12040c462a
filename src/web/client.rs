//! Where a request comes from: the address of the connection, or, where a trusted proxy has that, the one
//! that the proxy tells.

use std::net::{IpAddr, Ipv4Addr};

use axum::http::{Extensions, HeaderMap, HeaderName};

use super::Peer;
use crate::domain::network::Network;

/// Every proxy can add this, by default or by one line. `Forwarded` is not read: whatever a client says in it
/// comes through a proxy that adds the other one.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address that a request comes from; the front adds it to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Client(pub(super) IpAddr);

impl Client {
    /// Of a request that has come through the front.
    pub(super) fn of(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or(Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
    }
}

/// The proxies that are believed where a request comes from.
#[derive(Clone, Debug, Default)]
pub(super) struct Proxies(Vec<Network>);

impl Proxies {
    /// Those of a checked configuration.
    pub(super) fn of(networks: &[String]) -> Self {
        Self(networks.iter().filter_map(|network| network.parse().ok()).collect())
    }

    /// The last address on the way that no trusted proxy has. What stands before it in the header is what
    /// that client has sent.
    pub(super) fn client(&self, extensions: &Extensions, headers: &HeaderMap) -> Client {
        let mut address = match extensions.get::<Peer>() {
            Some(Peer(address)) => address.to_canonical(),
            None => return Client::of(extensions),
        };
        if !self.trusts(address) {
            return Client(address);
        }
        // Several headers are one list.
        for value in headers.get_all(FORWARDED_FOR).iter().rev() {
            let Ok(value) = value.to_str() else { break };
            for told in value.rsplit(',') {
                // Whoever has told what is none is the last who is known.
                let Some(told) = read(told) else { return Client(address) };
                address = told;
                if !self.trusts(address) {
                    return Client(address);
                }
            }
        }
        Client(address)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

/// An address, which some proxies give with its port.
fn read(told: &str) -> Option<IpAddr> {
    let told = told.trim();
    let bare = told.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(bare, _)| bare);
    let address = bare.unwrap_or(told).parse::<IpAddr>().ok();
    let address = address.or_else(|| told.parse().ok().map(|with: std::net::SocketAddr| with.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn client(trusted: &[&str], peer: &str, headers: &[&'static str]) -> String {
        let trusted: Vec<_> = trusted.iter().map(ToString::to_string).collect();
        let mut extensions = Extensions::new();
        extensions.insert(Peer(peer.parse().unwrap()));
        let values = headers.iter().map(|value| (FORWARDED_FOR, HeaderValue::from_static(value)));
        let Client(address) = Proxies::of(&trusted).client(&extensions, &values.collect());
        address.to_string()
    }

    #[test]
    fn a_proxy_that_is_trusted_tells_who_has_called_it() {
        const LOCAL: &[&str] = &["127.0.0.1", "10.0.0.0/8"];
        for (peer, headers, is) in [
            ("127.0.0.1", &[][..], "127.0.0.1"),
            ("127.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("::ffff:127.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            // Of two proxies the outer one is known by the inner one.
            ("127.0.0.1", &["203.0.113.9, 10.1.2.3"], "203.0.113.9"),
            ("127.0.0.1", &["203.0.113.9", "10.1.2.3"], "203.0.113.9"),
            ("127.0.0.1", &["10.9.9.9, 10.1.2.3"], "10.9.9.9"),
            ("127.0.0.1", &["203.0.113.9:4711"], "203.0.113.9"),
            ("127.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("127.0.0.1", &["2001:db8::1"], "2001:db8::1"),
        ] {
            assert_eq!(client(LOCAL, peer, headers), is, "{peer} {headers:?}");
        }
    }

    #[test]
    fn nobody_else_says_where_a_request_comes_from() {
        for (peer, headers, is) in [
            // Who calls directly.
            ("203.0.113.9", &["198.51.100.1"][..], "203.0.113.9"),
            ("203.0.113.9", &["127.0.0.1"], "203.0.113.9"),
            // Who writes something into the header before the proxy adds to it.
            ("127.0.0.1", &["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
            ("127.0.0.1", &["127.0.0.1, 203.0.113.9"], "203.0.113.9"),
            ("127.0.0.1", &["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
            ("127.0.0.1", &["198.51.100.1, unknown"], "127.0.0.1"),
            ("127.0.0.1", &["198.51.100.1, "], "127.0.0.1"),
            ("127.0.0.1", &["198.51.100.1, _hidden"], "127.0.0.1"),
        ] {
            assert_eq!(client(&["127.0.0.1"], peer, headers), is, "{peer} {headers:?}");
        }
        assert_eq!(client(&[], "127.0.0.1", &["203.0.113.9"]), "127.0.0.1");
    }
}
