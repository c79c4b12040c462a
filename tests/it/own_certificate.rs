//! A bridge with a certificate of its own: TLS without a proxy, renewed while it runs.

use std::{
    fs::{Permissions, rename},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use itop_sandbox::Options;
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use reqwest::Certificate;
use rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    version::{TLS12, TLS13},
};
use servicenav_itop_bridge::{
    app::StartError,
    check::Verdict,
    clock::Clock,
    config::{Config, ItopSection, Scope},
    server::FrontError,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    check::findings,
    metrics::scrape,
    program::{command, configuration, output, text},
    serve::Serving,
    world::{World, event, token},
};

/// A certificate for these names with its key, as an authority gives them: in two files, by links.
struct Renewed {
    folder: tempfile::TempDir,
    /// How often it was renewed.
    times: usize,
}

struct Pair {
    certificate: String,
    key: String,
}

/// A certificate that ends with the first of January of this year.
fn pair(names: &[&str], ends: i32) -> Pair {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_after = date_time_ymd(ends, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Pair { certificate: certificate.pem(), key: key.serialize_pem() }
}

impl Renewed {
    fn new(pair: &Pair) -> Self {
        let mut renewed = Self { folder: tempfile::tempdir().unwrap(), times: 0 };
        renewed.renew(&pair.certificate, &pair.key);
        renewed
    }

    /// As certbot does it: new files, to which the links lead at once.
    fn renew(&mut self, certificate: &str, key: &str) {
        self.times += 1;
        let new = self.folder.path().join(self.times.to_string());
        std::fs::create_dir(&new).unwrap();
        std::fs::write(new.join("cert.pem"), certificate).unwrap();
        std::fs::write(new.join("key.pem"), key).unwrap();
        std::fs::set_permissions(new.join("key.pem"), Permissions::from_mode(0o600)).unwrap();
        symlink(&new, self.folder.path().join("new")).unwrap();
        rename(self.folder.path().join("new"), self.folder.path().join("live")).unwrap();
    }

    fn files(&self) -> (PathBuf, PathBuf) {
        let live = self.folder.path().join("live");
        (live.join("cert.pem"), live.join("key.pem"))
    }

    fn name(&self, config: &mut Config) {
        let (certificate, key) = self.files();
        config.server.tls_certificate = Some(certificate);
        config.server.tls_key = Some(key);
    }
}

fn end_of(year: i16) -> Timestamp {
    jiff::civil::date(year, 1, 1).to_zoned(TimeZone::UTC).unwrap().timestamp()
}

/// The certificate that is shown at a new connection, and the version and protocol that were agreed on.
async fn shown(
    world: &World,
    offered: &[&[u8]],
    version: Option<ProtocolVersion>,
) -> Option<Shown> {
    let address = world.base.strip_prefix("https://").unwrap().to_owned();
    let mut config = trusting_all(version);
    config.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
    let asked = tokio::task::spawn_blocking(move || {
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream =
            StreamOwned::new(connection, std::net::TcpStream::connect(address).unwrap());
        stream.conn.complete_io(&mut stream.sock).ok()?;
        let own = stream.conn.peer_certificates().unwrap()[0].clone().into_owned();
        Some(Shown {
            own,
            version: stream.conn.protocol_version().unwrap(),
            protocol: stream.conn.alpn_protocol().map(<[u8]>::to_vec),
        })
    });
    asked.await.unwrap()
}

struct Shown {
    own: CertificateDer<'static>,
    version: ProtocolVersion,
    protocol: Option<Vec<u8>>,
}

fn der(pair: &Pair) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap()
}

/// Looks at nothing: what is shown is what is tested.
fn trusting_all(version: Option<ProtocolVersion>) -> ClientConfig {
    let versions: &[_] = match version {
        Some(ProtocolVersion::TLSv1_2) => &[&TLS12],
        Some(_) => &[&TLS13],
        None => &[&TLS13, &TLS12],
    };
    let mut config = ClientConfig::builder_with_protocol_versions(versions)
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    config.dangerous().set_certificate_verifier(Arc::new(crate::tls::Anything));
    config
}

async fn world(renewed: &Renewed) -> World {
    World::with(Options::default(), |config| {
        renewed.name(config);
        config.auth.tokens = vec![token("all", &[Scope::Admin])];
    })
    .await
}

#[tokio::test]
async fn a_bridge_with_a_certificate_is_called_by_https() {
    let own = pair(&["localhost", "127.0.0.1"], 2090);
    let mut world = world(&Renewed::new(&own)).await;
    world.token = Some("all".to_owned());
    // Whoever trusts the certificate needs nothing else.
    let trusted = Certificate::from_pem(own.certificate.as_bytes()).unwrap();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    world.http = client.tls_certs_only([trusted]).build().unwrap();
    world.link_demo().await;
    let made = world.acknowledge(&event("a")).await.expect(201);
    let link = made["links"]["open"].as_str().unwrap();
    assert!(link.starts_with(&format!("{}/", world.base)), "{link}");
    let page = world.get("/").await;
    assert_eq!((page.status, page.header("strict-transport-security")), (200, "max-age=15552000"));
    // What a page of its own changes is known by its scheme too.
    let origin = world.base.clone();
    let signed_in = world
        .http
        .post(format!("{}/session", world.base))
        .header("origin", origin)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("token=all")
        .send()
        .await
        .unwrap();
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap();
    assert!(
        cookie.starts_with("__Host-bridge_session=") && cookie.contains("; Secure"),
        "{cookie}"
    );
    for (version, offered, agreed) in [
        (ProtocolVersion::TLSv1_3, &[&b"h2"[..], b"http/1.1"][..], Some(&b"http/1.1"[..])),
        (ProtocolVersion::TLSv1_2, &[b"http/1.1"], Some(b"http/1.1")),
        (ProtocolVersion::TLSv1_3, &[], None),
    ] {
        let shown = shown(&world, offered, Some(version)).await.unwrap();
        assert_eq!((shown.version, shown.protocol.as_deref()), (version, agreed));
    }
    world.finish().await;
}

#[tokio::test]
async fn a_certificate_that_was_renewed_is_shown_without_a_restart() {
    let (first, second, third) =
        (pair(&["localhost"], 2090), pair(&["localhost"], 2091), pair(&["localhost"], 2092));
    let mut renewed = Renewed::new(&first);
    let mut world = world(&renewed).await;
    world.token = Some("all".to_owned());
    let end = async || {
        let samples = scrape(&world).await;
        let name = "servicenav_bridge_certificate_end_timestamp_seconds";
        samples.iter().find(|sample| sample.name == name).unwrap().number()
    };
    assert_eq!(shown(&world, &[], None).await.unwrap().own, der(&first));
    assert!((end().await - end_of(2090).as_duration().as_secs_f64()).abs() < 1.0);

    // Half of a pair, and what is none, change nothing.
    renewed.renew(&second.certificate, &first.key);
    look(&world).await;
    assert_eq!(shown(&world, &[], None).await.unwrap().own, der(&first));
    renewed.renew("no certificate", &second.key);
    look(&world).await;
    assert_eq!(shown(&world, &[], None).await.unwrap().own, der(&first));
    renewed.renew(&second.certificate, &second.key);
    world
        .until("the new one is shown", async || {
            world.clock.advance(Duration::from_secs(30));
            (shown(&world, &[], None).await.unwrap().own == der(&second)).then_some(())
        })
        .await;
    assert!((end().await - end_of(2091).as_duration().as_secs_f64()).abs() < 1.0);

    // Told to read all again it does not wait, and takes it from elsewhere too.
    let other = Renewed::new(&third);
    other.name(&mut world.config);
    assert!(!world.reload().await.unwrap());
    assert_eq!(shown(&world, &[], None).await.unwrap().own, der(&third));
    // One that cannot be used holds up nothing else.
    world.config.server.tls_key = Some("/no/such.key".into());
    world.config.auth.tokens.push(token("new", &[Scope::Read]));
    assert!(!world.reload().await.unwrap());
    assert_eq!(shown(&world, &[], None).await.unwrap().own, der(&third));
    world.token = Some("new".to_owned());
    world.get("/api/v1/session").await.expect(200);
    world.finish().await;
}

/// Lets the bridge look at the files, and begin with the next request.
async fn look(world: &World) {
    for _ in 0..2 {
        world.clock.advance(Duration::from_secs(31));
        world.get("/healthz").await.expect(200);
    }
}

#[tokio::test]
async fn whoever_speaks_no_tls_is_told_so() {
    let world = world(&Renewed::new(&pair(&["localhost"], 2090))).await;
    let address = world.base.strip_prefix("https://").unwrap();
    for said in
        ["GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", "POST /api", "\r\n", "\u{16}\u{3}\u{1}no"]
    {
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(said.as_bytes()).await.unwrap();
        connection.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = connection.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let is_http = said.starts_with(|c: char| c.is_ascii_uppercase());
        assert_eq!(
            answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
            is_http,
            "{said:?}: {answer}"
        );
        assert_eq!(answer.contains("call it by https://"), is_http, "{said:?}: {answer}");
    }
    // The others go on.
    world.get("/healthz").await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn whoever_does_not_get_on_with_tls_takes_no_place() {
    let renewed = Renewed::new(&pair(&["localhost"], 2090));
    let world = World::with(Options::default(), |config| {
        renewed.name(config);
        config.server.max_connections = 8;
    })
    .await;
    let address = world.base.strip_prefix("https://").unwrap();
    let mut silent = Vec::new();
    for number in 0..20 {
        let mut connection = TcpStream::connect(address).await.unwrap();
        if number % 2 == 0 {
            // The beginning of a greeting.
            connection.write_all(&[22, 3, 1, 2, 0, 1]).await.unwrap();
        }
        silent.push(connection);
    }
    let asking = tokio::spawn(world.http.get(format!("{}/healthz", world.base)).send());
    world
        .until("somebody who speaks is answered", async || {
            world.clock.advance(Duration::from_secs(1));
            asking.is_finished().then_some(())
        })
        .await;
    assert_eq!(asking.await.unwrap().unwrap().status(), 200);
    // In the end they are closed, also where nobody else comes.
    let mut last = silent.pop().unwrap();
    let mut read = [0; 16];
    loop {
        match tokio::time::timeout(Duration::from_millis(20), last.read(&mut read)).await {
            Ok(Ok(0) | Err(_)) => break,
            Ok(Ok(_)) => {}
            Err(_) => world.clock.advance(Duration::from_secs(1)),
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn a_pair_that_does_not_fit_together_starts_no_bridge() {
    let (one, two) = (pair(&["localhost"], 2090), pair(&["localhost"], 2090));
    for (certificate, key, says) in [
        (&one.certificate, &two.key, "this is the key of another certificate"),
        (&one.key, &one.key, "server.tls_certificate: "),
        (&one.certificate, &one.certificate, "it holds no private key in PEM"),
    ] {
        let renewed = Renewed::new(&Pair { certificate: certificate.clone(), key: key.clone() });
        let mut config = least();
        renewed.name(&mut config);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let built =
            servicenav_itop_bridge::app::App::build(config.clone(), Clock::system(), listener)
                .await;
        let error = built.err().unwrap();
        assert!(
            matches!(error, StartError::Front(FrontError::Certificate(_)))
                && error.to_string().contains(says),
            "{error}"
        );
        let found = certificate_findings(&config, &Clock::system()).await;
        assert!(found[0].0 == Verdict::Failure && found[0].1.contains(says), "{found:?}");
    }
}

fn least() -> Config {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let itop = ItopSection {
        url: "http://127.0.0.1:1/".to_owned(),
        user: "bridge".to_owned(),
        password: Some(servicenav_itop_bridge::secret::Secret::new("x".to_owned())),
        ..ItopSection::default()
    };
    let mut config = Config { itop: Some(itop), ..Config::default() };
    Path::new("/nowhere/bridge.db").clone_into(&mut config.store.path);
    config
}

/// What `check` says of the certificate.
async fn certificate_findings(config: &Config, clock: &Clock) -> Vec<(Verdict, String)> {
    let found = findings(config, clock, None, false).await;
    let found = found.into_iter().filter(|finding| finding.what == "certificate");
    found.map(|finding| (finding.verdict, finding.seen)).collect()
}

#[tokio::test]
async fn check_says_when_a_certificate_ends_and_whom_it_is_for() {
    let renewed = Renewed::new(&pair(&["bridge.example"], 2090));
    let mut config = least();
    renewed.name(&mut config);
    for (public_url, is_for) in [
        (None, true),
        (Some("https://bridge.example:8443/below"), true),
        (Some("https://BRIDGE.example"), true),
        (Some("https://other.example"), false),
        (Some("https://127.0.0.1:8443"), false),
    ] {
        config.server.public_url = public_url.map(str::to_owned);
        let found = certificate_findings(&config, &Clock::system()).await;
        assert_eq!(found[0], (Verdict::Ok, "can be shown until 2090-01-01T00:00:00Z".to_owned()));
        assert_eq!(found.len() == 1, is_for, "{found:?}");
        assert!(is_for || found[1].1.contains("it is not for '"), "{found:?}");
    }
    config.server.public_url = None;
    for (left, verdict, says) in [
        (15, Verdict::Ok, "can be shown until"),
        (13, Verdict::Warning, "ends in 13 days"),
        (0, Verdict::Warning, "ends in 0 days"),
        (-1, Verdict::Failure, "has ended at 2090-01-01"),
    ] {
        let clock = Clock::system();
        let then = end_of(2090) - (24 * left).hours() - 1.hour();
        clock.step(then.duration_since(clock.now()));
        let found = certificate_findings(&config, &clock).await;
        assert!(found[0].0 == verdict && found[0].1.contains(says), "{left}: {found:?}");
    }
}

#[tokio::test]
async fn the_commands_of_this_machine_find_a_bridge_with_a_certificate() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let renewed = Renewed::new(&pair(&["bridge.example"], 2090));
    let config = configuration(&world, folder.path(), "");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let (certificate, key) = renewed.files();
    let text_of = std::fs::read_to_string(&config).unwrap().replace(
        "listen = '127.0.0.1:0'",
        &format!(
            "listen = '{address}'\ntls_certificate = '{}'\ntls_key = '{}'",
            certificate.display(),
            key.display()
        ),
    );
    let of_token = servicenav_itop_bridge::web::hash_token("all");
    let tokens =
        format!("[[auth.tokens]]\nname = 'all'\nhash = '{of_token}'\nscopes = ['admin']\n");
    std::fs::write(&config, [text_of, tokens].concat()).unwrap();
    let serving = Serving::start(&world, &config).await;
    let config = config.to_str().unwrap();
    let told = output(command(&["healthcheck", "--config", config])).await;
    assert!(told.status.success(), "{}", text(&told));
    let address = address.to_string();
    let told = output(command(&["healthcheck", "--config", config, "--address", &address])).await;
    assert!(told.status.success(), "{}", text(&told));
    let told = output(command(&["list", "--config", config])).await;
    assert!(told.status.success(), "{}", text(&told));
    // Elsewhere a certificate counts for what it is.
    let elsewhere = format!("https://{address}");
    let told = output(command(&["status", "--url", &elsewhere])).await;
    assert!(!told.status.success() && text(&told).contains("ertificate"), "{}", text(&told));
    serving.stop().await;
    world.finish().await;
}
