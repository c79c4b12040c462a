//! Where the bridge is, as browsers say it: they tell of each request which page has sent it, and no page
//! can have them say something else.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header, uri::Authority};
use reqwest::Url;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The bridge's own place: `server.public_url`, and whatever it is asked by.
#[derive(Clone, Debug)]
pub(super) struct OwnOrigin {
    public: Option<Url>,
}

impl OwnOrigin {
    pub(super) fn of(public_url: Option<&str>) -> Self {
        Self { public: public_url.and_then(|url| url.parse().ok()) }
    }

    /// The host of `server.public_url`.
    pub(super) fn public_host(&self) -> Option<&str> {
        self.public.as_ref().and_then(Url::host_str)
    }

    /// Whether browsers reach it by https.
    pub(super) fn is_https(&self) -> bool {
        self.public.as_ref().is_some_and(|url| url.scheme() == "https")
    }

    /// The path below which it stands, without a slash at its end: empty at the root.
    pub(super) fn path(&self) -> &str {
        self.public.as_ref().map_or("", |url| url.path().trim_end_matches('/'))
    }

    /// Whether an origin, as a browser tells it, is the bridge's, where it was asked by this authority.
    pub(super) fn is(&self, origin: &HeaderValue, asked: Option<&Authority>) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        let is_asked = authority.is_some() && authority == asked.map(Authority::as_str);
        let public = || self.public.as_ref().map(|url| url.origin().ascii_serialization());
        is_asked || public().as_deref() == Some(origin)
    }

    /// Whether the browser says that a page of the bridge has sent a request. What is no browser says
    /// nothing of the kind.
    pub(super) fn has_sent(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        // Behind a proxy that changes the host this is all that fits.
        if headers.get(FETCH_SITE).is_some_and(|site| site == "same-origin") {
            return true;
        }
        let asked = asked(uri, headers);
        headers.get(header::ORIGIN).is_some_and(|origin| self.is(origin, asked.as_ref()))
    }
}

/// By which authority the bridge was asked. What a proxy is asked goes before the header.
pub(super) fn asked(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let host = || Authority::try_from(headers.get(header::HOST)?.as_bytes()).ok();
    uri.authority().cloned().or_else(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_browser_says_of_its_own_page_counts() {
        let own = OwnOrigin::of(Some("https://bridge.example/servicenav/"));
        assert_eq!((own.path(), own.is_https()), ("/servicenav", true));
        let has_sent = |headers: &[(&'static str, &'static str)]| {
            let headers = headers.iter().map(|(name, value)| {
                (HeaderName::from_static(name), HeaderValue::from_static(value))
            });
            let headers: HeaderMap = headers.collect();
            own.has_sent(&"/session".parse().unwrap(), &headers)
        };
        let host = ("host", "127.0.0.1:8080");
        for own in [
            [host, ("origin", "https://bridge.example")],
            [host, ("origin", "http://127.0.0.1:8080")],
            [host, ("sec-fetch-site", "same-origin")],
        ] {
            assert!(has_sent(&own), "{own:?}");
        }
        for foreign in [
            [host, ("origin", "null")],
            [host, ("origin", "http://bridge.example")],
            [host, ("origin", "https://bridge.example.evil")],
            [host, ("origin", "https://evil.example/127.0.0.1:8080")],
            [host, ("origin", "127.0.0.1:8080")],
            [host, ("origin", "")],
            [host, ("referer", "https://bridge.example/servicenav/")],
            [host, ("sec-fetch-site", "same-site")],
            [host, ("sec-fetch-site", "none")],
        ] {
            assert!(!has_sent(&foreign), "{foreign:?}");
        }
        assert!(!has_sent(&[host]));
    }
}
