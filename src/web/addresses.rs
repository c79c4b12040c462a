//! The addresses that answers link to, and those that are signed.

use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use schemars::JsonSchema;
use serde::Serialize;

use super::Signer;
use crate::{
    desk::Desks,
    domain::keys::{ControlId, Instance, PartyKey, TicketKey},
};

/// The addresses that answers link to. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Addresses {
    inner: Arc<AddressesInner>,
}

#[derive(Debug)]
struct AddressesInner {
    bridge: String,
    /// The path of `bridge`; empty where it is the root.
    path: String,
    desks: Desks,
    signer: Signer,
}

impl Addresses {
    /// `bridge` is the root as people reach it.
    #[must_use]
    pub fn new(bridge: &str, desks: Desks, signer: Signer) -> Self {
        let (bridge, path) = (bridge.trim_end_matches('/').to_owned(), path_of(bridge));
        let inner = AddressesInner { bridge, path, desks, signer };
        Self { inner: Arc::new(inner) }
    }

    /// The page of a ticket in its ticket system; none where that is not served any more.
    #[must_use]
    pub fn ticket(&self, key: &TicketKey) -> Option<String> {
        self.inner.desks.address(key)
    }

    /// The page of an object in iTop, such as a CI.
    #[must_use]
    pub fn object(&self, class: &str, id: &str) -> Option<String> {
        self.inner.desks.itop().map(|(_, client)| client.address(class, id))
    }

    /// The path of a call as callers reach it: below that of `server.public_url`.
    #[must_use]
    pub fn path(&self, call: impl std::fmt::Display) -> String {
        format!("{}{call}", self.inner.path)
    }

    /// The address of a call, as callers anywhere reach it.
    pub(super) fn whole(&self, call: &str) -> String {
        format!("{}{call}", self.inner.bridge)
    }

    /// An address to go on to, a path and query as browsers have them: the first page where that leads
    /// out of the bridge, because a link must lead nobody elsewhere.
    #[must_use]
    pub fn own_page(&self, next: &str) -> String {
        own_page(&self.inner.path, next)
    }

    /// The path of a row of the inbox.
    #[must_use]
    pub fn acknowledgement(&self, id: i64) -> String {
        self.path(format_args!("/api/v1/acknowledgements/{id}"))
    }

    /// The signed links by which a browser without a token gets to a control's ticket, for as long as
    /// the control is of this company. They only read, so that one signature is good for all of them: each
    /// row of the board is signed once. The control stands in the query: proxies decode, join or refuse
    /// what it may have in a path.
    #[must_use]
    pub fn links(&self, instance: &str, company: &str, control: &str) -> ControlLinks {
        let signature = self.inner.signer.sign("open", &[instance, company, control]);
        let bridge = &self.inner.bridge;
        let query = format!(
            "?control={}&instance={}&company={}&signature={signature}",
            encoded(control),
            encoded(instance),
            encoded(company)
        );
        let link = |path: &str| [bridge, path, &query].concat();
        ControlLinks {
            open: link("/controls/open"),
            badge: link("/controls/badge.svg"),
            embed: link("/controls/card"),
        }
    }

    /// Whether a signature is that of this control of this company.
    #[must_use]
    pub fn is_signed(
        &self,
        instance: &Instance,
        company: &PartyKey,
        control: &ControlId,
        signature: &str,
    ) -> bool {
        let signed = [instance.as_str(), &company.to_string(), control.as_str()];
        self.inner.signer.verify("open", &signed, signature)
    }

    /// The address of a call, signed for what `signed` says beside it.
    pub(super) fn signed(&self, call: &str, query: &str, purpose: &str, signed: &[&str]) -> String {
        let signature = self.inner.signer.sign(purpose, signed);
        format!("{}{call}?{query}&signature={signature}", self.inner.bridge)
    }

    /// Whether a signature is that of these.
    pub(super) fn verifies(&self, purpose: &str, signed: &[&str], signature: &str) -> bool {
        self.inner.signer.verify(purpose, signed, signature)
    }
}

/// The path of the root of the bridge; empty where it has none.
fn path_of(bridge: &str) -> String {
    let path = bridge.parse::<Url>().map(|url| url.path().trim_end_matches('/').to_owned());
    path.unwrap_or_default()
}

fn own_page(root: &str, next: &str) -> String {
    below(root, next).unwrap_or_else(|| format!("{root}/"))
}

fn below(root: &str, next: &str) -> Option<String> {
    // Browsers leave out blanks and take `\` for `/`.
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if !next.starts_with('/') || !is_plain {
        return None;
    }
    // It is read as a browser reads it: after that no `..` is left, however it was written.
    let read: Url = format!("http://bridge{next}").parse().ok()?;
    let below = read.path().strip_prefix(root)?;
    let is_below = below.starts_with('/') && !below.starts_with("//");
    let query = read.query().map(|query| format!("?{query}")).unwrap_or_default();
    is_below.then(|| format!("{}{query}", read.path()))
}

/// The signed links of a control.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ControlLinks {
    /// To its ticket in the ticket system.
    pub open: String,
    /// A picture with number and status.
    pub badge: String,
    /// A small page for a frame.
    pub embed: String,
}

/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as a part of an address.
pub(super) fn encoded(text: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(text, RESERVED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_the_bridge_are_gone_to() {
        let root = |next: &str| own_page(&path_of("https://bridge.example/"), next);
        let deep = |next: &str| own_page(&path_of("https://example.org/tools/bridge/"), next);
        for own in ["/", "/inbox", "/inbox?state=failed&next=//evil.example", "/a//b", "/inbox/7"] {
            assert_eq!(root(own), own);
            let own = format!("/tools/bridge{own}");
            assert_eq!(deep(&own), own);
        }
        assert_eq!(root("/a/../b#part"), "/b");
        for foreign in [
            "",
            "inbox",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/ /evil.example",
            "\t//evil.example",
            "/.//evil.example",
            "/%2e//evil.example",
            "/..//evil.example",
            "/a/..//evil.example",
            "/é",
            "/\u{0}",
            ":80/",
            "@evil.example/",
        ] {
            assert_eq!(root(foreign), "/", "{foreign}");
            assert_eq!(deep(foreign), "/tools/bridge/", "{foreign}");
            let below = format!("/tools/bridge{foreign}");
            let led = deep(&below);
            assert!(led.starts_with("/tools/bridge/") && !led.contains("//"), "{below}: {led}");
        }
        for out in [
            "/inbox",
            "/tools/bridge",
            "/tools/bridge-two/",
            "/tools/bridge/../other",
            "/tools/bridge/%2e%2e/other",
            "/tools/bridge/.%2E/.%2E/x?y=1",
        ] {
            assert_eq!(deep(out), "/tools/bridge/", "{out}");
        }
        // What is below it only by a detour is below it.
        assert_eq!(deep("/tools/other/../bridge/inbox"), "/tools/bridge/inbox");
    }
}
