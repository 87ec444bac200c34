//! The real binary with a cluster from files: what it prints, what it refuses to start with, TLS, and the drain.

use std::io::Write;
use std::time::Duration;

use crate::support::seen::Seen;
use crate::support::serving::{Serving, answer, connect, example, post};

#[test]
fn it_tells_what_it_stands_on() {
    let serving = Serving::start();
    insta::with_settings!({filters => vec![
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"sha256 [0-9a-f:]+\)", "sha256 …)"),
        (r"sha256:[0-9a-f]{8}", "sha256:…"),
    ]}, {
        insta::assert_snapshot!(serving.started);
    });
}

#[test]
fn the_two_examples_do_what_they_say() {
    let serving = Serving::start();
    let both = [&rustls::version::TLS13, &rustls::version::TLS12];
    let mut tls = connect(serving.https, &["http/1.1"], &both);
    let cases = [
        ("/validate", "vm-in-openshift.json", "\"allowed\":false"),
        (
            "/mutate",
            "vm-without-namespace.json",
            "\"patchType\":\"JSONPatch\"",
        ),
    ];
    for (path, file, expected) in cases {
        let body = example(file);
        post(&mut tls, path, &body);
        tls.write_all(&body).unwrap();
        let answer = answer(&mut tls);
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.contains(expected),
            "{answer}"
        );
    }
    let metrics = serving.get("/metrics");
    assert!(
        metrics
            .contains("goldkeeper_decisions_total{rule=\"ProtectedNamespaces\",action=\"deny\"} 1"),
        "{metrics}"
    );
    assert!(
        metrics.contains("goldkeeper_admission_requests_total{stage=\"mutate\",code=\"200\"} 1"),
        "{metrics}"
    );
    assert!(metrics.contains("_bucket{le=\"+Inf\""), "{metrics}");
}

#[test]
fn both_protocols_and_both_versions_of_tls_are_served() {
    let serving = Serving::start();
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        for (offered, expected) in [
            (&["h2", "http/1.1"][..], "h2"),
            (&["http/1.1"][..], "http/1.1"),
        ] {
            let tls = connect(serving.https, offered, &[version]);
            assert_eq!(tls.conn.alpn_protocol(), Some(expected.as_bytes()));
            assert_eq!(tls.conn.protocol_version(), Some(version.version));
        }
    }
}

#[test]
fn told_to_stop_it_finishes_what_it_has_begun() {
    let mut serving = Serving::start_with(&["--drain-delay", "2"]);
    assert!(serving.get("/readyz").starts_with("HTTP/1.1 200"));
    let body = example("vm-in-openshift.json");
    let (first, second) = body.split_at(body.len() / 2);
    let mut tls = connect(serving.https, &["http/1.1"], &[&rustls::version::TLS13]);
    post(&mut tls, "/validate", &body);
    tls.write_all(first).unwrap();
    tls.flush().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    serving.terminate();
    std::thread::sleep(Duration::from_millis(300));
    assert!(
        serving.get("/readyz").starts_with("HTTP/1.1 503"),
        "not ready before it ends"
    );
    let mut new = connect(serving.https, &["http/1.1"], &[&rustls::version::TLS13]);
    post(&mut new, "/validate", &body);
    new.write_all(&body).unwrap();
    assert!(
        answer(&mut new).starts_with("HTTP/1.1 200"),
        "those who have not heard of it are served"
    );
    tls.write_all(second).unwrap();
    assert!(answer(&mut tls).starts_with("HTTP/1.1 200"));
    assert_eq!(serving.child.wait().unwrap().code(), Some(0));
}

fn refused(arguments: &[&str]) -> String {
    let seen = Seen::goldkeeper(arguments);
    assert_eq!((seen.code, &*seen.stdout), (2, ""), "{}", seen.stderr);
    seen.stderr
}

#[test]
fn what_it_can_t_start_with_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let broken = "apiVersion: goldkeeper.io/v1\nkind: ProtectedNamespaces\nmetadata: {name: a}\n\
                  spec:\n  validationAction: [Deny]\n  parameters: {namespaces: [\"a[\"]}\n";
    std::fs::create_dir(path("broken")).unwrap();
    std::fs::create_dir(path("empty")).unwrap();
    std::fs::write(path("broken/p.yaml"), broken).unwrap();
    std::fs::write(path("no-pem"), "nothing").unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let files = [
        "serve",
        "--cluster-from",
        "examples/cluster.yaml",
        "--listen",
        "127.0.0.1:0",
    ];
    let with = |more: &[&str]| {
        let arguments: Vec<&str> = files.iter().chain(more).copied().collect();
        refused(&arguments)
    };

    let faults = with(&["--policies", &path("broken")]);
    assert!(
        faults.contains("unknown field `validationAction`"),
        "{faults}"
    );
    assert!(
        faults.contains("did you mean `validationActions`?"),
        "{faults}"
    );
    assert!(
        faults.contains("p.yaml:5:3") && faults.contains("p.yaml:6:29"),
        "every fault is told: {faults}"
    );
    assert!(with(&["--policies", &path("empty")]).contains("holds no *.yaml"));
    assert!(with(&["--policies", &path("none")]).contains("can't read"));
    assert!(with(&["--metrics-listen", &taken]).contains(&format!("can't listen on {taken}")));
    let pair = ["--tls-cert", &path("no-pem"), "--tls-key", &path("no-pem")];
    assert!(with(&pair).contains("error: can't read a certificate from"));
    assert!(with(&["--tls-cert", &path("no-pem")]).contains("--tls-key"));
    assert!(refused(&["serve", "--cluster-from", &path("none.yaml")]).contains("can't read"));
    assert!(refused(&["serve", "--kubeconfig", &path("none")]).contains(&path("none")));
    let suite = with(&[
        "--tls-cipher-suites",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA265",
    ]);
    assert!(suite.contains("did you mean TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256?"));
    assert!(with(&["--tls-min-version", "VersionTLS11"]).contains("TLS 1.2 is the lowest"));
    assert!(with(&["--client-name", "x"]).contains("--client-ca"));
    assert!(with(&["--events"]).contains("leave one of them out"));
    assert!(with(&["--max-in-flight", "0"]).contains("write a number from 1"));
    let authority = with(&["--client-ca", &path("no-pem")]);
    assert!(authority.contains("error: can't read the authority for client certificates"));
    assert!(refused(&["serve", "--listen", "nonsense"]).contains("nonsense"));
}
