//! Which certificates are trusted, and what is said of those that are not; the certificate of the
//! bridge itself.

use std::{
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    SanType, date_time_ymd,
};
use rustls::{
    DigitallySignedStruct, RootCertStore, ServerConfig, ServerConnection, SignatureScheme, Stream,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use servicenav_itop_bridge::{
    check::{Finding, Verdict},
    clock::Clock,
    config::{Config, ItopSection},
};

use crate::{check::findings, check_obstacles::failure};

/// What a server shows of itself.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    pem: String,
}

/// As `openssl req -x509` makes it for localhost, changed.
fn self_signed(change: impl FnOnce(&mut CertificateParams)) -> Identity {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Identity {
        pem: certificate.pem(),
        chain: vec![certificate.into()],
        key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
    }
}

/// Trusts whatever is shown.
#[derive(Debug)]
pub struct Anything;

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let provider = rustls::crypto::ring::default_provider();
        provider.signature_verification_algorithms.supported_schemes()
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Of that authority, for localhost.
fn issued(authority: &CertifiedIssuer<'static, KeyPair>) -> (Identity, KeyPair) {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let identity = Identity {
        pem: certificate.pem(),
        chain: vec![certificate.into()],
        key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
    };
    (identity, key)
}

/// An iTop behind TLS that says to everyone that the login is wrong: whoever hears that has got
/// through.
fn behind_tls(identity: &Identity, clients: Option<Arc<dyn ClientCertVerifier>>) -> String {
    let config = ServerConfig::builder();
    let config = match clients {
        Some(clients) => config.with_client_cert_verifier(clients),
        None => config.with_no_client_auth(),
    };
    let config = Arc::new(
        config.with_single_cert(identity.chain.clone(), identity.key.clone_key()).unwrap(),
    );
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, config) = (stream.unwrap(), config.clone());
            let mut connection = ServerConnection::new(config).unwrap();
            let mut tls = Stream::new(&mut connection, &mut stream);
            let (mut request, mut piece) = (Vec::new(), [0; 4096]);
            // The form ends with the operation; who does not trust the certificate sends nothing.
            while !request.ends_with(b"%7D") {
                match tls.read(&mut piece) {
                    Ok(read) if read > 0 => request.extend_from_slice(&piece[..read]),
                    _ => break,
                }
            }
            let body = r#"{"code":1,"message":"Error: Invalid login"}"#;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n", body.len());
            let _ = tls.write_all(format!("{head}connection: close\r\n\r\n{body}").as_bytes());
        }
    });
    format!("https://localhost:{port}/")
}

fn file(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

/// What is told of a server with this identity where that PEM is trusted.
async fn told(identity: &Identity, trusted: Option<&str>) -> Finding {
    install_provider();
    let folder = tempfile::tempdir().unwrap();
    let ca_file = trusted.map(|pem| file(folder.path(), "ca.pem", pem));
    failure(&behind_tls(identity, None), |itop| itop.ca_file = ca_file).await
}

fn install_provider() {
    // A second call finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[tokio::test]
async fn the_very_certificate_that_is_named_is_trusted() {
    let authority = authority();
    let (of_authority, _) = issued(&authority);
    let no_ca = self_signed(|params| params.is_ca = IsCa::ExplicitNoCa);
    for (what, identity, trusted) in [
        ("as openssl makes it", &self_signed(|_| {}), None),
        ("one that is no authority", &no_ca, None),
        ("its authority", &of_authority, Some(authority.pem())),
        ("of an authority that nobody named", &of_authority, None),
        ("among others", &no_ca, Some(format!("{}\r\n{}", authority.pem(), no_ca.pem))),
    ] {
        let trusted = trusted.unwrap_or_else(|| identity.pem.clone());
        let finding = told(identity, Some(&trusted)).await;
        assert_eq!(finding.what, "login", "{what}: {finding}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_said() {
    let ca = self_signed(|_| {});
    let no_names = self_signed(|params| params.subject_alt_names.clear());
    let no_names_and_no_ca = self_signed(|params| {
        params.subject_alt_names.clear();
        params.is_ca = IsCa::ExplicitNoCa;
    });
    let expired = self_signed(|params| params.not_after = date_time_ymd(2020, 1, 1));
    let other = self_signed(|params| {
        params.subject_alt_names = vec![SanType::DnsName("itop.example".try_into().unwrap())];
    });
    let (of_authority, _) = issued(&authority());
    let named = |identity: &Identity| Some(identity.pem.clone());
    for (identity, trusted, says, mend) in [
        (&ca, None, "is its own (CA:TRUE) and is not trusted here", "itop.ca_file"),
        // Another one by the same name.
        (&ca, named(&self_signed(|_| {})), "not trusted here", "itop.ca_file"),
        (&of_authority, None, "an authority that is not trusted here", "itop.ca_file"),
        (&no_names, named(&no_names), "names no host in subjectAltName", "-addext subjectAltName"),
        (
            &no_names_and_no_ca,
            named(&no_names_and_no_ca),
            "names no host in subjectAltName",
            "-addext subjectAltName",
        ),
        (&expired, named(&expired), "has expired", "Renew"),
        (&other, named(&other), "is for another name", "itop.url"),
    ] {
        let finding = told(identity, trusted.as_deref()).await;
        assert!(finding.seen.contains(says), "{finding}");
        assert!(finding.mend.as_ref().unwrap().contains(mend), "{finding}");
    }
}

#[tokio::test]
async fn the_bridge_shows_its_certificate_where_one_is_asked_for() {
    install_provider();
    let authority = authority();
    let (server, _) = issued(&authority);
    let (own, own_key) = issued(&authority);
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let clients = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
    let url = behind_tls(&server, Some(clients));
    let folder = tempfile::tempdir().unwrap();
    let ca_file = file(folder.path(), "ca.pem", &authority.pem());
    let ask = async |cert: Option<PathBuf>, key: Option<PathBuf>| {
        failure(&url, |itop| {
            itop.ca_file = Some(ca_file.clone());
            itop.client_cert_file = cert;
            itop.client_key_file = key;
        })
        .await
    };
    let without = ask(None, None).await;
    assert!(without.seen.contains("a certificate of the bridge is asked for"), "{without}");
    assert!(without.mend.as_ref().unwrap().contains("itop.client_cert_file"), "{without}");

    let cert = file(folder.path(), "own.pem", &own.pem);
    let key = file(folder.path(), "own.key", &own_key.serialize_pem());
    let with = ask(Some(cert.clone()), Some(key.clone())).await;
    assert_eq!(with.what, "login", "{with}");
    let both = format!("{}{}", own.pem, own_key.serialize_pem());
    let both = file(folder.path(), "both.pem", &both);
    assert_eq!(ask(Some(both.clone()), Some(both)).await.what, "login");
    // Of somebody else.
    let other = self_signed(|_| {});
    let other = file(folder.path(), "other.pem", &other.pem);
    for (cert, key, says) in [
        (&other, &key, "itop.client_cert_file and itop.client_key_file cannot be used together"),
        (&cert, &other, "it holds no private key in PEM"),
        (&key, &key, "it holds no certificate in PEM"),
    ] {
        let finding = ask(Some(cert.clone()), Some(key.clone())).await;
        assert!(finding.seen.contains(says), "{finding}");
    }
}

#[tokio::test]
async fn a_certificate_that_was_changed_is_read_again() {
    let mut world = crate::world::World::start().await;
    let authority = authority();
    let (server, _) = issued(&authority);
    let folder = tempfile::tempdir().unwrap();
    // Of another installation.
    let ca_file = file(folder.path(), "ca.pem", &self_signed(|_| {}).pem);
    world.stop_bridge().await;
    world.config.itop.as_mut().unwrap().url = behind_tls(&server, None);
    world.config.itop.as_mut().unwrap().ca_file = Some(ca_file.clone());
    world.start_bridge().await;
    let gate = async || world.get("/readyz").await.expect(200)["gate"].clone();
    world.get("/api/v1/teams").await.problem(503, "itop-unavailable");
    assert_eq!(gate().await["reason"], "unreachable");
    std::fs::write(ca_file, authority.pem()).unwrap();
    world
        .until("iTop is reached, and refuses the login", async || {
            world.clock.advance(world.config.delivery.probe_max.duration());
            (gate().await["reason"] == "credentials").then_some(())
        })
        .await;
    world.finish().await;
}

/// What `check` says of a whole configuration.
#[tokio::test]
async fn a_file_that_cannot_be_used_names_its_key() {
    install_provider();
    for (change, says) in [
        (
            (|config: &mut Config| {
                config.itop.as_mut().unwrap().ca_file = Some("/no/such.pem".into());
            }) as fn(&mut Config),
            "itop.ca_file: /no/such.pem cannot be used: No such file",
        ),
        (
            |config| {
                config.itop.as_mut().unwrap().ca_file =
                    Some(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").into());
            },
            "it holds no certificate in PEM",
        ),
    ] {
        let itop = ItopSection {
            url: "https://itop.example/".to_owned(),
            password: Some(servicenav_itop_bridge::secret::Secret::new("x".to_owned())),
            ..ItopSection::default()
        };
        let mut config = Config { itop: Some(itop), ..Config::default() };
        change(&mut config);
        let findings = findings(&config, &Clock::system(), None, false).await;
        let failure = findings.iter().find(|finding| finding.verdict == Verdict::Failure).unwrap();
        assert!(failure.seen.contains(says), "{failure}");
    }
}
