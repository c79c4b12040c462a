//! Headers by which browsers protect what they are shown. They are set in one place, around all routes: a
//! new page cannot forget them. What an answer says itself counts, such as the card's own policy.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::Response,
};

/// What a page may load and do: only what comes from the bridge itself, and nothing that stands in the
/// page's own text. So what a sender writes can run nowhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// For how long a browser remembers it. Not for other names below this one, of which nothing is known here.
const HALF_A_YEAR: HeaderValue = HeaderValue::from_static("max-age=15552000");

/// Protects an answer, if it is a page or leads to another one. Where browsers reach the bridge by https, they
/// shall not try anything else later: what answers there by http is not the bridge.
pub(super) fn of_page(response: &mut Response, is_https: bool) {
    let is_redirect =
        response.status().is_redirection() && response.headers().contains_key(header::LOCATION);
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_page = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !is_page && !is_redirect {
        return;
    }
    let headers = response.headers_mut();
    if is_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HALF_A_YEAR);
    }
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        // What is shown is somebody's, and of this moment.
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// Has nobody keep an answer to somebody whom a browser, or the proxy in front, lets be known by itself: the
/// address of it says nothing of whose it is. What may be kept by everyone, and what says how long a browser
/// may keep it, is left.
pub(super) fn of_person(headers: &mut HeaderMap) {
    let kept = headers.get(header::CACHE_CONTROL).and_then(|kept| kept.to_str().ok());
    let says = |word: &str| kept.is_some_and(|kept| kept.contains(word));
    if !says("no-store") && !says("max-age") {
        let nobody = HeaderValue::from_static("private, no-store");
        headers.insert(header::CACHE_CONTROL, nobody);
    }
}
