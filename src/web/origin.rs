//! Where the bridge is, as browsers say it: they tell of each request which page has sent it, and no page
//! can have them say something else.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header, uri::Authority};
use reqwest::Url;

use crate::config::Server;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// How the browser has come, as the proxy in front tells. No page can have a browser say this.
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The bridge's own place: `server.public_url`, and whatever it is asked by.
#[derive(Clone, Debug)]
pub(super) struct OwnOrigin {
    public: Option<Url>,
    /// Whether it has a certificate of its own: nobody reaches it by anything else then.
    by_tls: bool,
}

impl OwnOrigin {
    /// That of a checked configuration.
    pub(super) fn of(server: &Server) -> Self {
        let public = server.public_url.as_ref().and_then(|url| url.parse().ok());
        Self { public, by_tls: server.has_tls() }
    }

    /// The host of `server.public_url`.
    pub(super) fn public_host(&self) -> Option<&str> {
        self.public.as_ref().and_then(Url::host_str)
    }

    /// Whether browsers reach it by https.
    pub(super) fn is_https(&self) -> bool {
        self.public.as_ref().map_or(self.by_tls, |url| url.scheme() == "https")
    }

    /// The path below which it stands, without a slash at its end: empty at the root.
    pub(super) fn path(&self) -> &str {
        self.public.as_ref().map_or("", |url| url.path().trim_end_matches('/'))
    }

    /// Whether an origin, as a browser tells it, is the bridge's: that of `server.public_url`, or the one by
    /// which it was asked. The scheme is a part of it: what stands at http:// of the same host is whatever
    /// the network lets stand there.
    pub(super) fn is(&self, origin: &HeaderValue, uri: &Uri, headers: &HeaderMap) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        if self.public.as_ref().is_some_and(|url| url.origin().ascii_serialization() == origin) {
            return true;
        }
        let scheme =
            if self.is_https() || is_forwarded_from_https(headers) { "https" } else { "http" };
        asked(uri, headers).is_some_and(|asked| origin == format!("{scheme}://{asked}"))
    }

    /// Whether the browser says that a page of the bridge, or the user, has sent a request. What is no
    /// browser says nothing of the kind.
    pub(super) fn has_sent(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        // Where a browser judges by itself, and where it cannot be forged (https, this machine), that alone
        // counts: another page of the same site is another page. Origins of `server.cors_origins` have
        // tokens of their own.
        if let Some(site) = headers.get(FETCH_SITE) {
            return site == "same-origin" || site == "none";
        }
        headers.get(header::ORIGIN).is_some_and(|origin| self.is(origin, uri, headers))
    }
}

fn is_forwarded_from_https(headers: &HeaderMap) -> bool {
    let told = headers.get(FORWARDED_PROTO).and_then(|told| told.to_str().ok()).unwrap_or_default();
    // Of several on the way the first is the one that the browser came to.
    told.split(',').next().is_some_and(|first| first.trim().eq_ignore_ascii_case("https"))
}

/// By which authority the bridge was asked. What a proxy is asked goes before the header.
pub(super) fn asked(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let host = || Authority::try_from(headers.get(header::HOST)?.as_bytes()).ok();
    uri.authority().cloned().or_else(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_sent(public: Option<&str>, headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        own(public).has_sent(&"/session".parse().unwrap(), &headers.collect())
    }

    fn own(public: Option<&str>) -> OwnOrigin {
        let public_url = public.map(str::to_owned);
        OwnOrigin::of(&Server { public_url, ..Server::default() })
    }

    const SECURE: Option<&str> = Some("https://bridge.example/servicenav/");

    #[test]
    fn only_what_a_browser_says_of_its_own_page_counts() {
        let own = own(SECURE);
        assert_eq!((own.path(), own.is_https()), ("/servicenav", true));
        let host = ("host", "127.0.0.1:8080");
        for own in [
            [host, ("origin", "https://bridge.example")],
            [host, ("sec-fetch-site", "same-origin")],
            // Typed, or sent again by whoever sits there.
            [host, ("sec-fetch-site", "none")],
        ] {
            assert!(has_sent(SECURE, &own), "{own:?}");
        }
        for foreign in [
            [host, ("origin", "null")],
            [host, ("origin", "http://bridge.example")],
            [host, ("origin", "http://127.0.0.1:8080")],
            [host, ("origin", "https://bridge.example.evil")],
            [host, ("origin", "https://evil.example/127.0.0.1:8080")],
            [host, ("origin", "127.0.0.1:8080")],
            [host, ("origin", "")],
            [host, ("referer", "https://bridge.example/servicenav/")],
            [host, ("sec-fetch-site", "same-site")],
            [("origin", "https://bridge.example"), ("sec-fetch-site", "cross-site")],
            [("origin", "https://bridge.example"), ("sec-fetch-site", "same-site")],
        ] {
            assert!(!has_sent(SECURE, &foreign), "{foreign:?}");
        }
        assert!(!has_sent(SECURE, &[host]));
    }

    #[test]
    fn a_bridge_with_a_certificate_is_at_https() {
        let server = Server {
            tls_certificate: Some("bridge.pem".into()),
            tls_key: Some("bridge.key".into()),
            ..Server::default()
        };
        let own = OwnOrigin::of(&server);
        assert!(own.is_https());
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("b:8443"))]);
        for (origin, is_own) in [("https://b:8443", true), ("http://b:8443", false)] {
            let origin = HeaderValue::from_static(origin);
            assert_eq!(own.is(&origin, &"/session".parse().unwrap(), &headers), is_own);
        }
    }

    #[test]
    fn the_scheme_is_a_part_of_an_origin() {
        let host = ("host", "bridge.example");
        let (plain, secure) =
            (("origin", "http://bridge.example"), ("origin", "https://bridge.example"));
        let by_tls = ("x-forwarded-proto", "https");
        for (public, forwarded, is_plain_own, is_secure_own) in [
            (SECURE, None, false, true),
            (SECURE, Some(("x-forwarded-proto", "http")), false, true),
            (None, None, true, false),
            (None, Some(by_tls), false, true),
            (Some("http://bridge.example"), None, true, false),
            (Some("http://10.0.0.1:8080"), None, true, false),
            (Some("http://10.0.0.1:8080"), Some(by_tls), false, true),
        ] {
            for (origin, is_own) in [(plain, is_plain_own), (secure, is_secure_own)] {
                let headers: Vec<_> = [host, origin].into_iter().chain(forwarded).collect();
                assert_eq!(has_sent(public, &headers), is_own, "{public:?} {headers:?}");
            }
        }
    }
}
