//! OpenShift's TLS profile, which goldkeeper follows while it runs.

use serde_json::{Value, json};

use super::bench::{Bench, LONG, Policies, bench, until};
use super::objects::path_of;

const GROUP: &str = "config.openshift.io";

/// The kind as OpenShift has it, as far as it is looked at (openshift/api `config/v1/types_apiserver.go`).
fn kind() -> Value {
    let any = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("apiservers.{GROUP}")},
        "spec": {
            "group": GROUP,
            "names": {"kind": "APIServer", "listKind": "APIServerList", "plural": "apiservers", "singular": "apiserver"},
            "scope": "Cluster",
            "versions": [{
                "name": "v1",
                "served": true,
                "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": any}}},
            }],
        },
    })
}

/// The one object of that kind, made with the kind, where it is not there yet.
pub(super) fn installed(bench: &Bench) -> Value {
    bench.put(&kind());
    let object = json!({
        "apiVersion": format!("{GROUP}/v1"),
        "kind": "APIServer",
        "metadata": {"name": "cluster"},
        "spec": {},
    });
    bench.put(&object);
    object
}

#[test]
fn the_clusters_tls_profile_is_followed_while_running() {
    let Some(mut bench) = bench() else { return };
    let path = path_of(&installed(&bench), true);
    let set = |bench: &Bench, profile: Value| {
        let spec = json!({"spec": {"tlsSecurityProfile": profile}});
        let answer = bench.client.merge(&path, &spec);
        assert!(answer.is_success(), "{}", answer.message());
    };
    let told = |bench: &Bench, what: &str| {
        until(what, LONG, || bench.plain("/readyz?verbose").contains(what));
    };
    set(&bench, json!({"type": "Modern", "modern": {}}));
    bench.run(Policies::shipped());
    told(
        &bench,
        "tls TLS 1.3 and up, 3 cipher suites, from the cluster's TLS profile Modern",
    );
    set(&bench, json!({"type": "Old", "modern": null, "old": {}}));
    told(
        &bench,
        "tls notice: the cluster's TLS profile Old can't be met",
    );
    told(&bench, "tls TLS 1.2 and up, 9 cipher suites");
    set(&bench, Value::Null);
    told(
        &bench,
        "from the cluster's TLS profile Intermediate (none is set)",
    );
    // Lines are written in batches.
    until("the log has caught up", LONG, || {
        bench
            .goldkeeper_log()
            .contains("Intermediate (none is set)")
    });
    let log = bench.goldkeeper_log();
    assert_eq!(log.matches("Old can't be met").count(), 1, "{log}");
}
