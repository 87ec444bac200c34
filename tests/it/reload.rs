//! Policy files that change under a running goldkeeper: by symlink swap, by rename and in place.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::serving::{Serving, answer, connect, example, post};

/// A policy that refuses the example with a word of its own.
fn policy(marker: &str) -> String {
    format!(
        "apiVersion: goldkeeper.io/v1\nkind: ProtectedNamespaces\nmetadata: {{name: guard}}\nspec:\n  \
         validationActions: [Deny]\n  message: {marker}\n  parameters: {{namespaces: ['openshift-*']}}\n"
    )
}

/// What the example is refused with.
fn refusal(serving: &Serving) -> String {
    let mut tls = connect(serving.https, &["http/1.1"], &[&rustls::version::TLS13]);
    let body = example("vm-in-openshift.json");
    post(&mut tls, "/validate/protected-namespaces", &body);
    std::io::Write::write_all(&mut tls, &body).unwrap();
    answer(&mut tls)
}

/// Waits until something holds.
fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < end, "it did not come to this: {what}");
        sleep(Duration::from_millis(50));
    }
}

/// Swaps the policies as the kubelet does.
fn swap(folder: &Path, version: &str, text: &str) {
    crate::support::files::swap(folder, version, &[("p.yaml", text)]);
}

#[test]
fn a_good_set_comes_into_force_and_a_bad_one_never_does() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    swap(folder, "1", &policy("first"));
    let serving = Serving::start_with(&["--policies", folder.to_str().unwrap()]);
    assert!(refusal(&serving).contains("help:    first"));

    swap(folder, "2", &policy("second"));
    until("the symlink swap counts", || {
        refusal(&serving).contains("help:    second")
    });

    swap(folder, "3", "kind: Nonsense\n");
    until("the fault is told", || {
        serving
            .get("/readyz?verbose")
            .contains("policy files not loaded")
    });
    assert!(
        serving.get("/readyz").starts_with("HTTP/1.1 200"),
        "the last good set serves"
    );
    assert!(refusal(&serving).contains("help:    second"));
    assert!(
        serving
            .get("/metrics")
            .contains("goldkeeper_policy_reloads_total{outcome=\"rejected\"} 1")
    );

    fs::remove_file(folder.join("p.yaml")).unwrap();
    until("an emptied folder is a fault too", || {
        serving
            .get("/metrics")
            .contains("goldkeeper_policy_reloads_total{outcome=\"rejected\"} 2")
    });
    assert!(refusal(&serving).contains("help:    second"));

    fs::write(folder.join("new"), policy("third")).unwrap();
    fs::rename(folder.join("new"), folder.join("p.yaml")).unwrap();
    until("a rename counts", || {
        refusal(&serving).contains("help:    third")
    });
    assert!(
        !serving
            .get("/readyz?verbose")
            .contains("policy files not loaded")
    );

    fs::write(folder.join("p.yaml"), policy("fourth")).unwrap();
    until("a write in place counts", || {
        refusal(&serving).contains("help:    fourth")
    });
    assert!(
        serving
            .get("/metrics")
            .contains("goldkeeper_policy_reloads_total{outcome=\"loaded\"} 3")
    );

    swap(folder, "5", &policy("nobody reads this"));
    fs::write(folder.join("p.yaml"), "a: [1\n").unwrap();
    until("a broken write is a fault", || {
        serving
            .get("/metrics")
            .contains("goldkeeper_policy_faults 1")
    });
    fs::write(folder.join("p.yaml"), policy("fourth")).unwrap();
    until("what is in force again is no fault", || {
        serving
            .get("/metrics")
            .contains("goldkeeper_policy_faults 0")
    });
}

#[test]
fn an_exemption_that_ends_is_told_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let text = |expires: &str| {
        let exemption = format!("{{reason: a test, expires: {expires}, users: [bob]}}");
        format!("{}  exemptions:\n  - {exemption}\n", policy("first"))
    };
    fs::create_dir(folder.join("policies")).unwrap();
    let file = folder.join("policies/p.yaml");
    fs::write(&file, text("2026-01-31")).unwrap();
    let log = folder.join("log");
    let policies = folder.join("policies");
    let arguments = ["--policies", policies.to_str().unwrap()];
    let serving = Serving::start_logging(&arguments, fs::File::create(&log).unwrap().into());
    let told = "the exemption of bob from guard is over: its last day was 2026-01-31";
    until("it is logged", || {
        fs::read_to_string(&log).unwrap().contains(told)
    });
    assert!(serving.get("/readyz?verbose").contains(told));
    let seconds = |serving: &Serving| {
        let metrics = serving.get("/metrics");
        let start = "goldkeeper_exemption_expiry_seconds{kind=\"ProtectedNamespaces\",policy=\"guard\",line=";
        let line = metrics.lines().find(|line| line.starts_with(start));
        let value = line.and_then(|line| line.rsplit(' ').next()?.parse::<i64>().ok());
        value.unwrap_or_else(|| panic!("{metrics}"))
    };
    assert!(seconds(&serving) < 0);
    fs::write(&file, text("2999-12-31")).unwrap();
    until("a later day is no reason to speak", || {
        !serving
            .get("/readyz?verbose")
            .contains("the exemption of bob")
    });
    assert!(seconds(&serving) > 14 * 24 * 3600);
    assert_eq!(
        fs::read_to_string(&log)
            .unwrap()
            .matches("the exemption of bob")
            .count(),
        1
    );
}
