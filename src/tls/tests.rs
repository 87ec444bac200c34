//! Pairs, profiles and what is served of them, with real handshakes in memory.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use rcgen::{CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};
use serde_json::json;

use super::*;

const NOW: fn() -> SystemTime = SystemTime::now;

fn made(names: &[&str]) -> Made {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    make(&Names::new(&names, &[]).unwrap(), 30, NOW()).unwrap()
}

fn pem(text: &str) -> Pem {
    Pem {
        path: PathBuf::from("file.pem"),
        bytes: text.as_bytes().to_vec(),
    }
}

fn pair(made: &Made) -> Pair {
    Pair::from_pem(&pem(&made.certificate), &pem(&made.key)).unwrap()
}

fn terminal(made: &Made, profile: Profile) -> Terminal {
    Terminal::new(pair(made), None, Vec::new(), profile).unwrap()
}

/// A client that trusts an authority, and shows a certificate if it has one.
fn client(ca: &str, own: Option<(&str, &str)>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap())
        .unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .unwrap()
        .with_root_certificates(roots);
    match own {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => builder
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap(),
    }
}

#[allow(clippy::unwrap_in_result, reason = "what must not fail is no outcome")]
/// Shakes hands; what was agreed, or who complained of what.
fn shake(terminal: &Terminal, client: ClientConfig, name: &str) -> Result<String, String> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = ServerConnection::new(terminal.served().load_full()).unwrap();
    for _ in 0..10 {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        feed(&mut &wire[..], |from| server.read_tls(from));
        server
            .process_new_packets()
            .map_err(|error| format!("server: {error}"))?;
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        feed(&mut &wire[..], |from| client.read_tls(from));
        client
            .process_new_packets()
            .map_err(|error| format!("client: {error}"))?;
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    let (version, suite) = (client.protocol_version(), client.negotiated_cipher_suite());
    Ok(format!(
        "{:?} {:?}",
        version.unwrap(),
        suite.unwrap().suite()
    ))
}

fn feed(wire: &mut &[u8], mut read: impl FnMut(&mut &[u8]) -> std::io::Result<usize>) {
    while !wire.is_empty() {
        match read(wire) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn what_is_made_is_a_chain_that_clients_verify() {
    let services = ["goldkeeper.goldkeeper".to_owned()];
    let names = [
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    let names = Names::new(&names, &services).unwrap();
    let made = make(&names, 30, NOW()).unwrap();
    let terminal = terminal(&made, Profile::default());
    for name in [
        "localhost",
        "127.0.0.1",
        "::1",
        "goldkeeper.goldkeeper.svc",
        "goldkeeper.goldkeeper.svc.cluster.local",
    ] {
        shake(&terminal, client(&made.ca, None), name).unwrap();
    }
    let other = shake(&terminal, client(&made.ca, None), "elsewhere");
    assert!(other.unwrap_err().contains("not valid for name"));
    let stranger = self::made(&["localhost"]);
    let refused = shake(&terminal, client(&stranger.ca, None), "localhost");
    assert!(refused.is_err(), "another authority does not vouch for it");

    let left = pair(&made).seconds_left(Timestamp::now());
    assert!((30 * 86400 - 60..=30 * 86400).contains(&left), "{left}");
    assert!(pair(&made).is_valid(Timestamp::now()));
    for days in [0, 40_000] {
        assert!(matches!(make(&names, days, NOW()), Err(TlsError::Days(_))));
    }
    assert_eq!(Names::new(&[], &[]), None);
}

#[test]
fn what_is_no_pair_is_refused() {
    let (one, other) = (made(&["a"]), made(&["b"]));
    let refused = |certificate: &str, key: &str| {
        let refused = Pair::from_pem(&pem(certificate), &pem(key)).unwrap_err();
        files::describe(&refused)
    };
    assert!(refused(&one.certificate, &other.key).contains("can't be used together"));
    let none = refused(&one.key, &one.key);
    assert!(none.starts_with("can't read a certificate from file.pem: it holds no"));
    assert!(
        refused(&one.certificate, &one.certificate).starts_with("can't read a private key from")
    );
    let torn = &one.certificate[..one.certificate.len() / 2];
    assert!(refused(torn, &one.key).starts_with("can't read a certificate from"));
    assert_eq!(pair(&one).fingerprint().len(), 32 * 3 - 1);
}

/// Files of a folder, and the names they have there.
fn put(folder: &Path, made: &Made) -> Files {
    let paths = (folder.join("tls.crt"), folder.join("tls.key"));
    std::fs::write(&paths.0, &made.certificate).unwrap();
    std::fs::write(&paths.1, &made.key).unwrap();
    Files {
        pair: Some(paths),
        client_ca: None,
    }
}

#[test]
fn a_bad_pair_is_told_and_the_old_one_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (made(&["localhost"]), made(&["localhost"]));
    let files = put(folder.path(), &first);
    let terminal = terminal(&first, Profile::default());
    let standing = || terminal.state().serving;
    terminal.judge(&files.read());
    assert_eq!(standing(), Followed::default(), "it is the one in use");

    std::fs::write(folder.path().join("tls.crt"), &second.certificate).unwrap();
    terminal.judge(&files.read());
    assert_eq!((standing().loaded, standing().rejected), (0, 1));
    assert!(
        standing()
            .reason
            .unwrap()
            .contains("can't be used together")
    );
    shake(&terminal, client(&first.ca, None), "localhost").unwrap();

    std::fs::remove_file(folder.path().join("tls.key")).unwrap();
    terminal.judge(&files.read());
    assert!(
        standing()
            .reason
            .unwrap()
            .starts_with("can't read a private key")
    );

    std::fs::write(folder.path().join("tls.key"), &second.key).unwrap();
    terminal.judge(&files.read());
    assert_eq!((standing().loaded, standing().rejected), (1, 2));
    assert_eq!(standing().reason, None);
    shake(&terminal, client(&second.ca, None), "localhost").unwrap();
    assert!(shake(&terminal, client(&first.ca, None), "localhost").is_err());
}

#[test]
fn one_that_has_ended_does_not_replace_one_that_is_valid() {
    let folder = tempfile::tempdir().unwrap();
    let good = made(&["localhost"]);
    let past = NOW() - Duration::from_hours(48);
    let names = Names::new(&["localhost".to_owned()], &[]).unwrap();
    let ended = make(&names, 1, past).unwrap();
    let files = put(folder.path(), &ended);
    let serving = terminal(&good, Profile::default());
    serving.judge(&files.read());
    let reason = serving.state().serving.reason.unwrap();
    assert!(
        reason.starts_with("the certificate is valid from"),
        "{reason}"
    );
    shake(&serving, client(&good.ca, None), "localhost").unwrap();

    let other = make(&names, 1, past).unwrap();
    let hopeless = terminal(&other, Profile::default());
    hopeless.judge(&files.read());
    assert_eq!(hopeless.state().serving.loaded, 1, "no worse than before");
}

/// An authority of clients, and a certificate of its.
fn api_server(names: &[&str], common: &str) -> (String, String, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, common);
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    (authority.pem(), certificate.pem(), key.serialize_pem())
}

#[test]
fn only_clients_of_the_authority_with_the_name_are_let_in() {
    let server = made(&["localhost"]);
    let (ca, certificate, key) = api_server(&["api.example"], "kube-apiserver");
    let (_, strange, strange_key) = api_server(&["api.example"], "kube-apiserver");
    let own = Some((&*certificate, &*key));
    let serve = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let check = ClientCheck::from_pem(&pem(&ca), names.clone()).unwrap();
        Terminal::new(pair(&server), Some(check), names, Profile::default()).unwrap()
    };
    let try_as = |terminal: &Terminal, own| shake(terminal, client(&server.ca, own), "localhost");
    for names in [&[][..], &["kube-apiserver"], &["x", "api.example"]] {
        try_as(&serve(names), own).unwrap();
    }
    let with = serve(&[]);
    let none = try_as(&with, None).unwrap_err();
    assert!(none.contains("peer sent no certificates"), "{none}");
    assert!(try_as(&with, Some((&strange, &strange_key))).is_err());
    let misnamed = try_as(&serve(&["someone"]), own).unwrap_err();
    assert!(
        misnamed.starts_with("server: invalid peer certificate"),
        "{misnamed}"
    );

    // Another authority comes into use, a broken one does not.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.crt");
    let files = Files {
        pair: None,
        client_ca: Some(path.clone()),
    };
    let (new, certificate, key) = api_server(&[], "kube-apiserver");
    let with = serve(&["kube-apiserver"]);
    std::fs::write(&path, "nothing").unwrap();
    with.judge(&files.read());
    assert_eq!(with.state().client_ca.unwrap().rejected, 1);
    try_as(&with, own).unwrap();
    std::fs::write(&path, new).unwrap();
    with.judge(&files.read());
    assert!(try_as(&with, own).is_err());
    try_as(&with, Some((&certificate, &key))).unwrap();
    assert_eq!(with.state().client_ca.unwrap().loaded, 1);
}

#[test]
fn versions_and_suites_are_told_in_several_spellings() {
    for (text, version) in [
        ("1.2", Version::Tls12),
        ("VersionTLS12", Version::Tls12),
        ("1.3", Version::Tls13),
        ("VersionTLS13", Version::Tls13),
    ] {
        assert_eq!(text.parse(), Ok(version));
    }
    assert!(
        "1.1"
            .parse::<Version>()
            .unwrap_err()
            .contains("1.2 is the lowest")
    );
    assert!("tls".parse::<Version>().is_err());
    for suite in Suite::ALL {
        assert_eq!(suite.name().parse(), Ok(*suite));
        let listed = provider().cipher_suites;
        assert!(listed.contains(&suite.inner), "{suite:?} is in the library");
    }
    assert_eq!(Suite::ALL.len(), provider().cipher_suites.len());
    let old: Suite = "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305".parse().unwrap();
    assert_eq!(old.name(), "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256");
    let wrong = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA265".parse::<Suite>();
    let wrong = wrong.unwrap_err();
    assert!(
        wrong.contains("did you mean TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256?")
            && wrong.contains("supported: TLS_AES_128_GCM_SHA256, "),
        "{wrong}"
    );
    assert!(
        !"nonsense"
            .parse::<Suite>()
            .unwrap_err()
            .contains("did you mean")
    );
}

#[test]
fn a_profile_is_what_is_agreed_on() {
    let server = made(&["localhost"]);
    let suite = |name: &str| Suite::find(name).unwrap();
    let ecdsa = suite("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384");
    let chacha = suite("TLS_CHACHA20_POLY1305_SHA256");
    let only12 = |ca: &str| {
        let mut only = client(ca, None);
        only = ClientConfig::builder_with_provider(only.crypto_provider().clone())
            .with_protocol_versions(&[&TLS12])
            .unwrap()
            .with_root_certificates({
                let mut roots = RootCertStore::empty();
                let root = CertificateDer::from_pem_slice(ca.as_bytes()).unwrap();
                roots.add(root).unwrap();
                roots
            })
            .with_no_client_auth();
        only
    };
    let both = |profile: Profile| {
        let terminal = terminal(&server, profile);
        let old = shake(&terminal, only12(&server.ca), "localhost");
        let new = shake(&terminal, client(&server.ca, None), "localhost");
        (new.unwrap(), old.unwrap_or_else(|_| "refused".to_owned()))
    };
    let (new, old) = both(Profile::default());
    assert!(
        new.starts_with("TLSv1_3") && old.starts_with("TLSv1_2"),
        "{new} {old}"
    );
    let (_, old) = both(Profile::of_flags(Some(Version::Tls13), &[]));
    assert_eq!(old, "refused");
    let (new, old) = both(Profile::of_flags(None, &[ecdsa]));
    assert!(new.starts_with("TLSv1_3"), "those of TLS 1.3 stay: {new}");
    assert_eq!(old, "TLSv1_2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384");
    let (new, old) = both(Profile::of_flags(None, &[chacha]));
    assert_eq!(
        (&*new, &*old),
        ("TLSv1_3 TLS13_CHACHA20_POLY1305_SHA256", "refused")
    );
}

#[test]
fn the_clusters_profile_is_read() {
    let of = |value| Profile::of_cluster(Some(&value));
    let none = Profile::of_cluster(None);
    assert!(none.notes().is_empty() && none.minimum() == Version::Tls12);
    let intermediate = of(json!({"type": "Intermediate", "intermediate": {}}));
    assert_eq!(
        (intermediate.suites().len(), intermediate.notes().len()),
        (9, 0)
    );
    let modern = of(json!({"type": "Modern", "modern": {}}));
    assert_eq!(
        (modern.suites().len(), modern.minimum()),
        (3, Version::Tls13)
    );
    let old = of(json!({"type": "Old", "old": {}}));
    assert_eq!(old.suites().len(), 9);
    assert!(old.notes()[0].contains("Old can't be met"), "{old:?}");
    let custom = of(json!({"type": "Custom", "custom": {
        "ciphers": ["ECDHE-RSA-AES128-GCM-SHA256", "AES128-SHA", "TLS_AES_256_GCM_SHA384"],
        "minTLSVersion": "VersionTLS11"}}));
    let names: Vec<&str> = custom.suites().iter().map(Suite::name).collect();
    assert_eq!(
        names,
        [
            "TLS_AES_256_GCM_SHA384",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
        ]
    );
    assert_eq!(custom.notes().len(), 2, "{custom:?}");
    let hopeless = of(json!({"type": "Custom", "custom": {"ciphers": ["AES128-SHA"]}}));
    assert_eq!((hopeless.suites().len(), hopeless.notes().len()), (9, 2));
    let thirteen = of(json!({"type": "Custom", "custom": {"minTLSVersion": "VersionTLS13"}}));
    assert_eq!(thirteen.minimum(), Version::Tls13);
    for strange in [json!({"type": "New"}), json!({"type": "Custom"}), json!(7)] {
        let profile = of(strange);
        assert_eq!((profile.suites().len(), profile.notes().len()), (9, 1));
    }
}
