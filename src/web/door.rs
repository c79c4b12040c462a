//! Who may call at all, before any route looks.
//!
//! Without tokens whoever reaches the port is let in, and a browser on this machine reaches it for any
//! page that it shows. So such a bridge answers by names of this machine alone: a page that lets its
//! own name lead here (DNS rebinding) still calls by that name. And a page elsewhere can write only
//! what its browser sends without asking first, which has no JSON as its content type.

use std::net::IpAddr;

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderName, HeaderValue, Method, header},
};
use tower_http::cors::CorsLayer;

use super::{
    ApiTokens,
    client::{Client, Proxies},
    content::is_json,
    origin::{OwnOrigin, asked},
    problem::ApiError,
};
use crate::config::Server;

/// How long a browser need not ask again whether it may call.
const PREFLIGHT_AGE: std::time::Duration = std::time::Duration::from_mins(10);

/// What is let through to the routes.
pub(super) struct Door {
    tokens: ApiTokens,
    proxies: Proxies,
    own: OwnOrigin,
    origins: Vec<String>,
}

impl Door {
    /// The door of a checked configuration.
    pub(super) fn of(server: &Server, tokens: ApiTokens) -> Self {
        let proxies = Proxies::of(&server.trusted_proxies);
        let own = OwnOrigin::of(server);
        Self { tokens, proxies, own, origins: server.cors_origins.clone() }
    }

    /// Whether browsers reach the bridge by https alone.
    pub(super) fn is_https(&self) -> bool {
        self.own.is_https()
    }

    /// Where a request comes from; whoever handles it is told.
    pub(super) fn client(&self, request: &mut Request) -> Client {
        let client = self.proxies.client(request.extensions(), request.headers());
        request.extensions_mut().insert(client);
        client
    }

    /// The request, or why it is not let through, with its body.
    pub(super) fn admits(
        &self,
        request: Request,
        client: Client,
    ) -> Result<Request, (ApiError, Body)> {
        if let Some(refused) = self.refuses(&request) {
            return Err((refused, request.into_body()));
        }
        let (mut parts, body) = request.into_parts();
        match self.tokens.admit(&mut parts, client) {
            Some(refused) => Err((refused, body)),
            None => Ok(Request::from_parts(parts, body)),
        }
    }

    /// Why a request is not let through, if it is not.
    fn refuses(&self, request: &Request) -> Option<ApiError> {
        if !self.tokens.let_in_anyone() {
            return None;
        }
        let header = |name: HeaderName| request.headers().get(name);
        // Every browser sends it.
        let host = header(header::HOST);
        let authority = asked(request.uri(), request.headers());
        let is_known = match &authority {
            Some(authority) => self.is_own(authority.host()),
            None => host.is_none(),
        };
        if !is_known {
            return Some(ApiError::ForeignCaller(
                "Without tokens the bridge answers by names of this machine alone, such as \
                 127.0.0.1 and localhost, and by that of server.public_url. To reach it by other \
                 names make a token with the command 'token'."
                    .to_owned(),
            ));
        }
        let origin = header(header::ORIGIN)?;
        if request.method().is_safe()
            || is_json(request.headers())
            || self.may_write(origin, request)
        {
            return None;
        }
        Some(ApiError::ForeignCaller(
            "A page of another origin may not write here. Name its origin in server.cors_origins, \
             and make a token with the command 'token'."
                .to_owned(),
        ))
    }

    fn is_own(&self, host: &str) -> bool {
        is_local(host) || self.own.public_host() == Some(host)
    }

    fn may_write(&self, origin: &HeaderValue, request: &Request) -> bool {
        self.own.is(origin, request.uri(), request.headers())
            || self.origins.iter().any(|named| origin == named.as_str())
            || is_of_this_machine(origin, request)
    }
}

/// Whether a page has come by the very name of this machine by which it asks now. By such a name nobody
/// else's page can stand there, also where browsers elsewhere reach the bridge by https.
fn is_of_this_machine(origin: &HeaderValue, request: &Request) -> bool {
    asked(request.uri(), request.headers())
        .is_some_and(|asked| is_local(asked.host()) && *origin == format!("http://{asked}"))
}

/// Whether this is a name of this machine.
fn is_local(host: &str) -> bool {
    let name = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost")
        || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// What pages of other origins may ask of the bridge; `None` where no origin is named. They come with a
/// token or not at all: the session of the bridge's own pages is not lent to them.
pub(super) fn cors(origins: &[String]) -> Option<CorsLayer> {
    let origins: Vec<_> =
        origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
    let [etag, location, retry] = [header::ETAG, header::LOCATION, header::RETRY_AFTER];
    let own = HeaderName::from_static;
    (!origins.is_empty()).then(|| {
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
            .allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                header::IF_MATCH,
                header::IF_NONE_MATCH,
                own("prefer"),
                own("x-request-id"),
            ])
            .expose_headers([etag, location, retry, own("preference-applied"), own("x-request-id")])
            .max_age(PREFLIGHT_AGE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Clock,
        config::{Auth, Token},
        secret::Secret,
        web::{Sessions, Signer},
    };

    fn door(with_token: bool) -> Door {
        let server = Server {
            public_url: Some("https://bridge.example/servicenav".to_owned()),
            cors_origins: vec!["https://board.example".to_owned()],
            ..Server::default()
        };
        let tokens = if with_token { vec![Token::default()] } else { Vec::new() };
        let signer = Signer::new(&Secret::new("key".to_owned()));
        let sessions = Sessions::new(&server, signer, Clock::system());
        Door::of(&server, ApiTokens::new(&Auth { tokens, ..Auth::default() }, sessions))
    }

    fn refused(door: &Door, method: &str, uri: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        door.refuses(&request.body(Body::empty()).unwrap()).is_some()
    }

    #[test]
    fn without_tokens_only_names_of_this_machine_are_answered() {
        let of = |host| refused(&door(false), "GET", "/healthz", &[("host", host)]);
        for own in [
            "127.0.0.1",
            "127.8.8.8:8080",
            "localhost",
            "LOCALHOST:8080",
            "localhost.",
            "[::1]:8080",
            "bridge.example",
        ] {
            assert!(!of(own), "{own}");
        }
        for foreign in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "[::2]",
            "",
            "a b",
            "bridge.example.evil.example",
        ] {
            assert!(of(foreign), "{foreign}");
            let with_token = refused(&door(true), "GET", "/healthz", &[("host", foreign)]);
            assert!(!with_token, "{foreign}");
        }
        // What a proxy is asked goes before the header.
        let asked = "http://evil.example/healthz";
        assert!(refused(&door(false), "GET", asked, &[("host", "localhost")]));
        // No browser leaves it out.
        assert!(!refused(&door(false), "GET", "/healthz", &[]));
    }

    #[test]
    fn without_tokens_a_foreign_page_cannot_write() {
        let by = |method, origin, content| {
            let headers =
                [("host", "localhost:8080"), ("origin", origin), ("content-type", content)];
            refused(&door(false), method, "/api/v1/acknowledgements/1/retry", &headers)
        };
        for own in ["http://localhost:8080", "https://bridge.example", "https://board.example"] {
            assert!(!by("POST", own, "text/plain"), "{own}");
        }
        for foreign in
            ["null", "http://evil.example", "http://localhost:9090", "https://board.example.evil"]
        {
            assert!(by("POST", foreign, "text/plain"), "{foreign}");
            assert!(by("DELETE", foreign, ""), "{foreign}");
            assert!(!by("GET", foreign, ""), "{foreign}");
            // Its browser asks first, and is not answered as it would like.
            assert!(!by("POST", foreign, "application/json"), "{foreign}");
        }
        let host = ("host", "localhost");
        assert!(!refused(&door(false), "POST", "/", &[host, ("content-type", "text/plain")]));
    }
}
