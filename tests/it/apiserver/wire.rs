//! What passes between the API server and goldkeeper: notes, warnings, and calls that are not made.

use serde_json::{Value, json};

use super::bench::{Bench, DEFAULT, bench};
use super::objects::{data_source, path_of, vm};

/// The audit annotations that our webhooks left on the request that made this object.
fn annotations(bench: &Bench, namespace: &str, name: &str) -> Vec<(String, String)> {
    let log = bench.audit_log();
    let event = log.iter().find(|event| {
        let object = &event["objectRef"];
        object["namespace"] == namespace && object["name"] == name && event["verb"] == "create"
    });
    let annotations = event.unwrap()["annotations"].as_object().unwrap();
    let ours = annotations
        .iter()
        .filter(|(key, _)| key.contains(".goldkeeper.io/"));
    ours.map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned()))
        .collect()
}

#[test]
fn what_was_filled_in_is_in_the_audit_log() {
    let Some(bench) = bench() else { return };
    bench.client.create(&vm("demo", "audited")).object();
    let notes = annotations(&bench, "demo", "audited");
    for (key, value) in &notes {
        eprintln!("{key}: {value}");
    }
    let digest = notes.iter().find(|(key, _)| key.ends_with("/policies"));
    let digest = digest.unwrap().1.clone();
    let expected = [
        (
            "boot-source-namespace.goldkeeper.io/filled",
            format!(
                "spec.dataVolumeTemplates[0].spec.sourceRef.namespace={DEFAULT} [default-golden-namespace]"
            ),
        ),
        ("boot-source-namespace.goldkeeper.io/policies", digest),
    ];
    assert_eq!(notes, expected.map(|(key, value)| (key.to_owned(), value)));
}

#[test]
fn a_refusal_names_its_policies_in_the_audit_log() {
    let Some(bench) = bench() else { return };
    let refused = bench.client.create(&vm("openshift-cnv", "audited"));
    assert_eq!(refused.code, 403);
    let notes = annotations(&bench, "openshift-cnv", "audited");
    let keys: Vec<&str> = notes.iter().map(|(key, _)| key.as_str()).collect();
    assert!(
        keys.contains(&"protected-namespaces.goldkeeper.io/policies"),
        "{keys:?}"
    );
}

#[test]
fn a_vm_in_a_namespace_of_kubernetes_is_warned_of() {
    let Some(bench) = bench() else { return };
    bench.write("kube.yaml", &vm("kube-public", "web"));
    let seen = bench.kubectl("create -f kube.yaml").succeeded();
    insta::assert_snapshot!(seen.stderr, @"Warning: virtual machines should not be created in kube-public: it belongs to the platform (ProtectedNamespaces)");
    let notes = annotations(&bench, "kube-public", "web");
    let keys: Vec<&str> = notes.iter().map(|(key, _)| key.as_str()).collect();
    assert!(
        keys.contains(&"protected-namespaces-warnings.goldkeeper.io/warned"),
        "{keys:?}"
    );
    bench.write("strict.yaml", &vm("kube-public", "strict"));
    let strict = bench.kubectl("create --dry-run=server --warnings-as-errors -f strict.yaml");
    strict.failed("error: 1 warning received");
}

#[test]
fn a_change_that_touches_no_boot_source_makes_no_call() {
    let Some(bench) = bench() else { return };
    let calls = |change: &dyn Fn()| {
        let counted = || (bench.answered("mutate"), bench.answered("validate"));
        let before = counted();
        change();
        let after = counted();
        (after.0 - before.0, after.1 - before.1)
    };
    let namespace = bench.namespace("calls");
    let machine = vm(namespace, "web");
    let path = path_of(&machine, true);
    let made = calls(&|| drop(bench.client.create(&machine).object()));
    // Filled in, asked again because of it, and judged: how often the API server asks again is its own affair.
    assert!(made.0 >= 1 && made.1 == 1, "{made:?}");
    let merge = |path: &str, patch: Value| drop(bench.client.merge(path, &patch).object());
    let label = json!({"metadata": {"labels": {"a": "b"}}});
    let start = json!({"spec": {"runStrategy": "Always"}});
    let status = json!({"status": {"ready": true}});
    assert_eq!(calls(&|| merge(&path, label.clone())), (0, 0));
    assert_eq!(calls(&|| merge(&path, start.clone())), (0, 0));
    assert_eq!(
        calls(&|| merge(&format!("{path}/status"), status.clone())),
        (0, 0)
    );
    assert_eq!(calls(&|| drop(bench.client.delete(&path).object())), (0, 0));
    // One that is without a namespace for good reason is looked at, and stays as it is.
    bench.client.create(&data_source(namespace)).object();
    bench.client.create(&machine).object();
    assert_eq!(calls(&|| merge(&path, label.clone())), (1, 0));
    // Nothing else of the cluster is our business.
    let other = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "calls-2"}});
    assert_eq!(
        calls(&|| drop(bench.client.create(&other).object())),
        (0, 0)
    );
}
