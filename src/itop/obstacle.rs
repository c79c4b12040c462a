//! What stands between the bridge and iTop, as far as a status of HTTP or a broken connection tells,
//! each in a sentence of its own with its mend. The decision is [`ItopError`](super::ItopError)'s;
//! this is for the people who mend it.

/// By what an obstacle is known.
enum Sign {
    /// A status of HTTP.
    Status(u16),
    /// These words in what the connection said, or in the page that came.
    Words(&'static str),
}

/// Something in the way.
struct Obstacle {
    sign: Sign,
    /// Stands in the error, by which the mend is found again.
    sentence: &'static str,
    mend: &'static str,
}

const REDIRECT: &str = "it redirects";
const FOLLOW_IT: &str = "Set itop.url to the web root that it redirects to; where that is a login page, \
     let the bridge through to webservices/rest.php without that login.";

const NOT_TRUSTED: &str =
    "the certificate of iTop is signed by an authority that is not trusted here";
const NAME_AUTHORITY: &str =
    "Put the certificate of that authority into a PEM file and name it in itop.ca_file.";

const NO_NAMES: &str =
    "the certificate of iTop names no host in subjectAltName, where alone names are looked for";
const NAME_IT: &str = "Make a certificate with the host name of itop.url in it: openssl req -x509 … \
     -addext subjectAltName=DNS:itop.example (IP:10.0.0.1 for an address).";

const OWN_CERTIFICATE: &str = "a certificate of the bridge is asked for there";
const SHOW_IT: &str = "Set itop.client_cert_file and itop.client_key_file; where they are set, what \
     stands before iTop does not accept that certificate.";

const OBSTACLES: &[Obstacle] = &[
    // What nginx says with status 400, and what TLS itself does.
    Obstacle {
        sign: Sign::Words("No required SSL certificate was sent"),
        sentence: OWN_CERTIFICATE,
        mend: SHOW_IT,
    },
    Obstacle {
        sign: Sign::Words("The SSL certificate error"),
        sentence: OWN_CERTIFICATE,
        mend: SHOW_IT,
    },
    Obstacle {
        sign: Sign::Words("received fatal alert: CertificateRequired"),
        sentence: OWN_CERTIFICATE,
        mend: SHOW_IT,
    },
    Obstacle {
        sign: Sign::Words("received fatal alert: BadCertificate"),
        sentence: OWN_CERTIFICATE,
        mend: SHOW_IT,
    },
    Obstacle {
        sign: Sign::Words("received fatal alert: UnknownCA"),
        sentence: OWN_CERTIFICATE,
        mend: SHOW_IT,
    },
    Obstacle {
        sign: Sign::Words("HTTP request was sent to HTTPS port"),
        sentence: "this port speaks https and was spoken to in plain http",
        mend: "Write https:// in itop.url.",
    },
    Obstacle {
        sign: Sign::Words("speaking plain HTTP to an SSL-enabled server port"),
        sentence: "this port speaks https and was spoken to in http",
        mend: "Write https:// in itop.url.",
    },
    Obstacle {
        sign: Sign::Status(401),
        sentence: "a login is asked for by what stands in front of iTop, before iTop's own",
        mend: "Give the bridge that login (itop.front_user, itop.front_password), or let it through \
               to webservices/rest.php there without; with itop.login = \"basic\" check itop.user \
               and itop.password first.",
    },
    Obstacle {
        sign: Sign::Status(403),
        sentence: "the web server, or a firewall in front of iTop, forbids it",
        mend: "Let the bridge's address through to webservices/rest.php there; iTop itself was not \
               asked.",
    },
    Obstacle {
        sign: Sign::Status(404),
        sentence: "the web server has nothing at this address",
        mend: "Check itop.url: it must be the web root of iTop, below which \
               webservices/rest.php stands; it is often / or /itop or /itop/web.",
    },
    Obstacle {
        sign: Sign::Status(405),
        sentence: "the web server takes no POST at this address",
        mend: "Check itop.url, and that what stands in front of iTop lets POST through to \
               webservices/rest.php.",
    },
    Obstacle {
        sign: Sign::Status(407),
        sentence: "a proxy between the bridge and iTop asks for a login of its own",
        mend: "Let the bridge reach iTop without that proxy (NO_PROXY), or give its login in \
               HTTPS_PROXY.",
    },
    Obstacle {
        sign: Sign::Status(413),
        sentence: "the request is longer than the web server takes",
        mend: "Raise the limit of the web server in front of iTop (client_max_body_size, \
               LimitRequestBody) to 1 MB.",
    },
    Obstacle {
        sign: Sign::Status(429),
        sentence: "something in front of iTop limits how often the bridge may call",
        mend: "Except the bridge's address from that limit, or lower itop.max_in_flight and \
               delivery.in_flight_max.",
    },
    Obstacle {
        sign: Sign::Status(502),
        sentence: "the proxy in front of iTop got no answer from it",
        mend: "Check that the web server of iTop and PHP run behind that proxy; deliveries go on by \
               themselves.",
    },
    Obstacle {
        sign: Sign::Status(503),
        sentence: "the web server says that iTop is not available",
        mend: "Check that iTop's PHP runs and has workers left; deliveries go on by themselves.",
    },
    Obstacle {
        sign: Sign::Status(504),
        sentence: "the proxy in front of iTop gave up waiting for it",
        mend: "Raise the time limit of that proxy above itop.create_timeout, and see why iTop takes \
               so long.",
    },
    Obstacle {
        sign: Sign::Words("InvalidContentType"),
        sentence: "this port does not speak https",
        mend: "Write http:// in itop.url, or the port at which iTop speaks https.",
    },
    Obstacle { sign: Sign::Words("UnknownIssuer"), sentence: NOT_TRUSTED, mend: NAME_AUTHORITY },
    // Signed by itself.
    Obstacle { sign: Sign::Words("BadSignature"), sentence: NOT_TRUSTED, mend: NAME_AUTHORITY },
    Obstacle {
        sign: Sign::Words("CaUsedAsEndEntity"),
        sentence: "the certificate of iTop is its own (CA:TRUE) and is not trusted here",
        mend: "Name that very certificate in itop.ca_file, PEM.",
    },
    Obstacle {
        sign: Sign::Words("certificate is not valid for any names"),
        sentence: NO_NAMES,
        mend: NAME_IT,
    },
    // The first version of certificates has no such extension.
    Obstacle { sign: Sign::Words("UnsupportedCertVersion"), sentence: NO_NAMES, mend: NAME_IT },
    Obstacle {
        sign: Sign::Words("certificate not valid for name"),
        sentence: "the certificate of iTop is for another name",
        mend: "Write the name that the certificate is for in itop.url.",
    },
    Obstacle {
        sign: Sign::Words("certificate expired"),
        sentence: "the certificate of iTop has expired",
        mend: "Renew the certificate of iTop.",
    },
    Obstacle {
        sign: Sign::Words("invalid peer certificate"),
        sentence: "the certificate of iTop cannot be used",
        mend: "See what is wrong with the certificate; to trust one of your own name it in \
               itop.ca_file.",
    },
    Obstacle {
        sign: Sign::Words("failed to lookup address"),
        sentence: "the host name in itop.url is not known here",
        mend: "Check the host name in itop.url, and the name server of this machine; deliveries go \
               on by themselves when it answers.",
    },
    Obstacle {
        sign: Sign::Words("Connection refused"),
        sentence: "nothing listens at this port",
        mend: "Check that the web server of iTop runs, and the port in itop.url; deliveries go on \
               by themselves when it answers.",
    },
];

/// What came instead of iTop's answer: the status in words, and what the page shows.
pub(super) fn instead(
    status: u16,
    content_type: &str,
    location: Option<&str>,
    shown: &str,
) -> String {
    if (300..400).contains(&status)
        && let Some(location) = location
    {
        return format!("HTTP {status}: {REDIRECT} {}", target(location));
    }
    let known = OBSTACLES.iter().find(|obstacle| match obstacle.sign {
        Sign::Status(known) => known == status,
        Sign::Words(words) => status == 400 && shown.contains(words),
    });
    let shown = if shown.is_empty() { "(empty)" } else { shown };
    match known {
        Some(Obstacle { sentence, .. }) => {
            format!("HTTP {status}, {sentence} ({content_type}: {shown})")
        }
        None => format!("HTTP {status}, {content_type}: {shown}"),
    }
}

/// Where a redirect leads, without what stands behind a `?`, which may be a secret, and what
/// `itop.url` would be.
fn target(location: &str) -> String {
    let to = location.split(['?', '#']).next().unwrap_or_default();
    match to.strip_suffix("webservices/rest.php") {
        Some(root) if root.contains("://") => format!("to {to}: itop.url would be {root}"),
        _ => format!("to {to}"),
    }
}

/// What the connection said, after what it means; it is shown as `shown`.
pub(super) fn broken(causes: &str, shown: &str) -> String {
    let known = OBSTACLES
        .iter()
        .find(|obstacle| matches!(obstacle.sign, Sign::Words(words) if causes.contains(words)));
    match known {
        Some(Obstacle { sentence, .. }) => format!("{sentence} ({shown})"),
        None => shown.to_owned(),
    }
}

/// What to do about what a reason of an error says.
pub(super) fn mend(reason: &str) -> Option<&'static str> {
    if reason.starts_with("HTTP 3") && reason.contains(REDIRECT) {
        return Some(FOLLOW_IT);
    }
    let known = OBSTACLES.iter().find(|obstacle| reason.contains(obstacle.sentence));
    known.map(|obstacle| obstacle.mend)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_status_has_its_own_sentence_and_mend() {
        let mut sentences = HashSet::new();
        for status in [401, 403, 404, 405, 407, 413, 429, 502, 503, 504] {
            let reason = instead(status, "text/html", None, "<h1>…</h1>");
            assert!(reason.starts_with(&format!("HTTP {status}, ")), "{reason}");
            let mend = mend(&reason).unwrap();
            assert!(sentences.insert(mend), "{mend}");
        }
        assert_eq!(mend(&instead(418, "text/html", None, "teapot")), None);
    }

    #[test]
    fn a_redirect_says_where_to_and_what_to_set() {
        let to = |location| instead(301, "text/html", Some(location), "moved");
        assert_eq!(
            to("https://i.example/itop/webservices/rest.php?version=1.3"),
            "HTTP 301: it redirects to https://i.example/itop/webservices/rest.php: itop.url would \
             be https://i.example/itop/"
        );
        let login = to("/sso/login?token=secret");
        assert_eq!(login, "HTTP 301: it redirects to /sso/login");
        assert_eq!(mend(&login), Some(FOLLOW_IT));
    }

    #[test]
    fn what_a_broken_connection_means() {
        for (causes, means) in [
            ("received corrupt message of type InvalidContentType", "http://"),
            ("invalid peer certificate: UnknownIssuer", "itop.ca_file"),
            ("invalid peer certificate: certificate expired: …", "Renew"),
            ("tcp connect error: Connection refused (os error 111)", "port"),
        ] {
            let reason = broken(causes, "…");
            assert!(mend(&reason).unwrap().contains(means), "{reason}");
        }
        assert_eq!(broken("the call took too long", "it took too long"), "it took too long");
    }
}
