//! Certificates that are replaced under load.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use goldkeeper::tls::{Made, Names, make};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::time::sleep;

use crate::support::files;
use crate::support::load::{Load, is_long, tls};
use crate::support::serving::Serving;

fn made() -> Made {
    let names = Names::new(&["localhost".to_owned()], &[]).unwrap();
    make(&names, 30, SystemTime::now()).unwrap()
}

fn swap(folder: &Path, version: &str, certificate: &Made, key: &Made) {
    let pair = [
        ("tls.crt", &*certificate.certificate),
        ("tls.key", &*key.key),
    ];
    files::swap(folder, version, &pair);
}

/// Whether a new connection meets this certificate.
async fn is_served(serving: &Serving, made: &Made) -> bool {
    let connection = tls(serving.https, "h2").await.unwrap();
    let met = connection.get_ref().1.peer_certificates().unwrap()[0].clone();
    met == CertificateDer::from_pem_slice(made.certificate.as_bytes()).unwrap()
}

async fn until_served(serving: &Serving, made: &Made) -> Duration {
    let start = Instant::now();
    while !is_served(serving, made).await {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "it is not taken up"
        );
        sleep(Duration::from_millis(100)).await;
    }
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_replacements_fail_no_review() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut current = made();
    swap(folder, "first", &current, &current);
    let log = tempfile::NamedTempFile::new().unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    let (certificate, key) = (path("tls.crt"), path("tls.key"));
    let arguments = ["--tls-cert", &*certificate, "--tls-key", &*key];
    let serving = Serving::start_logging(&arguments, log.reopen().unwrap().into());
    let pause = if is_long() { 5000 } else { 300 };
    let load = Load::start(serving.https, 12, Duration::from_millis(25));

    for number in 0..5 {
        sleep(Duration::from_millis(pause)).await;
        let new = made();
        if number == 2 {
            swap(folder, "mismatched", &new, &current);
            let refused = "goldkeeper_certificate_faults{certificate=\"serving\"} 1";
            let start = Instant::now();
            while !serving.get("/metrics").contains(refused) {
                assert!(start.elapsed() < Duration::from_secs(20), "it is not told");
                sleep(Duration::from_millis(100)).await;
            }
            assert!(is_served(&serving, &current).await, "the old one serves");
            let ready = serving.get("/readyz?verbose");
            assert!(
                ready.starts_with("HTTP/1.1 200")
                    && ready.contains("serving certificate files not loaded; the last good ones stay in use: the certificate and the private key can't be used together"),
                "{ready}"
            );
        }
        swap(folder, &number.to_string(), &new, &new);
        let took = until_served(&serving, &new).await;
        println!("replacement {number} served after {took:.1?}");
        current = new;
    }
    let rate = load.end("rotation").await;
    if is_long() {
        assert!(rate >= 200.0, "{rate}");
    }
    let metrics = serving.get("/metrics");
    for line in [
        "goldkeeper_certificate_reloads_total{certificate=\"serving\",outcome=\"loaded\"} 5",
        "goldkeeper_certificate_reloads_total{certificate=\"serving\",outcome=\"rejected\"} 1",
        "goldkeeper_certificate_faults{certificate=\"serving\"} 0",
        "goldkeeper_certificate_expiry_seconds 2",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    let log = std::fs::read_to_string(log.path()).unwrap();
    assert!(
        log.contains("new certificate refused, the old one stays in use"),
        "{log}"
    );
    assert_eq!(log.matches("new certificate in use").count(), 5, "{log}");
}
