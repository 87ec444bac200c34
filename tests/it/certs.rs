//! `goldkeeper certs`: what it writes and prints, and that it replaces nothing unasked.

use std::os::unix::fs::PermissionsExt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use goldkeeper::tls::Files;
use serde_json::Value;

use crate::support::seen::Seen;

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let seen = Seen::goldkeeper(arguments);
    (Some(seen.code), seen.stdout, seen.stderr)
}

#[test]
fn the_files_are_a_pair_with_its_authority_and_stay_unless_forced() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("certs");
    let arguments = ["certs", "--out", out.to_str().unwrap()];
    let (code, told, _) = run(&arguments);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("goldkeeper.goldkeeper.svc\n"), "{told}");
    let read = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    let mode = |name: &str| out.join(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("tls.key"), 0o600);
    assert!(told.contains(&format!("caBundle: {}\n", STANDARD.encode(read("ca.crt")))));
    let files = Files {
        pair: Some((out.join("tls.crt"), out.join("tls.key"))),
        client_ca: None,
    };
    assert!(files.pair().unwrap().is_some());

    let before = read("tls.crt");
    let (code, _, error) = run(&arguments);
    assert_eq!(code, Some(2));
    assert!(error.contains("with --force it is replaced"), "{error}");
    assert_eq!(read("tls.crt"), before);
    let forced: Vec<&str> = arguments.iter().copied().chain(["--force"]).collect();
    assert_eq!(run(&forced).0, Some(0));
    assert_ne!(read("tls.crt"), before);
    assert_eq!(
        std::fs::read_dir(&out).unwrap().count(),
        3,
        "nothing is left beside them"
    );
}

#[test]
fn a_secret_is_printed_for_kubectl() {
    let (code, yaml, _) = run(&["certs", "-o", "secret", "--service", "hook.virt.svc"]);
    assert_eq!(code, Some(0));
    let secret: Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(secret["type"], "kubernetes.io/tls");
    assert_eq!(secret["metadata"]["namespace"], "virt");
    for (key, kind) in [
        ("ca.crt", "CERTIFICATE"),
        ("tls.crt", "CERTIFICATE"),
        ("tls.key", "PRIVATE KEY"),
    ] {
        let text = STANDARD
            .decode(secret["data"][key].as_str().unwrap())
            .unwrap();
        assert!(
            text.starts_with(format!("-----BEGIN {kind}").as_bytes()),
            "{key}"
        );
    }
    let bundle = format!(
        "# caBundle: {}\n",
        secret["data"]["ca.crt"].as_str().unwrap()
    );
    assert!(yaml.ends_with(&bundle));
    for wrong in [
        &["certs"][..],
        &["certs", "-o", "secret", "--service", "hook"],
        &["certs", "-o", "secret", "--days", "0"],
    ] {
        assert_eq!(run(wrong).0, Some(2), "{wrong:?}");
    }
}
