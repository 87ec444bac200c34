//! `kubectl apply -k` of each overlay, and everything gone again.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::bench::{
    Bench, LONG, Seen, Webhooks, bench, corpus, documents, loud, repository, until,
};
use super::objects::{path_of, vm};

/// As deploy/README.md has it: the configurations first, so that the API server calls nobody who is gone.
const OFF: &str = "delete mutatingwebhookconfigurations,validatingwebhookconfigurations \
                   -l app.kubernetes.io/name=goldkeeper";

#[test]
fn on_openshift_it_is_accepted_without_a_warning_and_leaves_nothing() {
    let Some(bench) = ready("openshift") else {
        return;
    };
    comes_and_goes(&bench, "openshift");
}

#[test]
fn on_kubernetes_it_is_accepted_without_a_warning_and_leaves_nothing() {
    let Some(bench) = ready("kubernetes") else {
        return;
    };
    comes_and_goes(&bench, "kubernetes");
}

type Guard = std::sync::MutexGuard<'static, Bench>;

/// A bench without webhooks of ours, with the kinds of others that are deployed; `None` where there are none.
fn ready(overlay: &str) -> Option<Guard> {
    let Some(corpus) = corpus() else {
        loud(&format!(
            "skipped: the overlay {overlay} on a real API server needs GOLDKEEPER_CORPUS"
        ));
        return None;
    };
    let mut bench = bench()?;
    bench.register(Webhooks::None);
    let fixtures = repository().join("tests/fixtures/apiserver");
    let files = [
        corpus.join("crds-openshift/servicemonitors.monitoring.coreos.com.yaml"),
        corpus.join("crds-openshift/prometheusrules.monitoring.coreos.com.yaml"),
        fixtures.join("cert-manager.yaml"),
    ];
    for file in files {
        let file = file.display().to_string();
        let applied = bench.kubectl_with(&["apply", "--server-side", "-f", &file]);
        applied.succeeded();
    }
    bench
        .kubectl("wait --for=condition=Established crd --all --timeout=60s")
        .succeeded();
    bench.namespace("openshift-config-managed");
    Some(bench)
}

fn comes_and_goes(bench: &Bench, overlay: &str) {
    let folder = repository().join("deploy/overlays").join(overlay);
    let folder = folder.display().to_string();
    let before = inventory(bench);
    let on_overlay = |line: &str| {
        let line: Vec<&str> = line.split(' ').chain(["-k", &*folder]).collect();
        bench.kubectl_with(&line)
    };
    let shown = bench.kubectl_with(&["kustomize", &folder]).succeeded();
    assert_eq!(shown.stderr, "", "nothing in it is out of date");
    let objects = documents(&shown.stdout);
    all_carry_the_label(&objects);
    the_certificate_is_made_for_them(&objects, overlay);

    let applied = on_overlay("apply").succeeded();
    assert_eq!(applied.stderr, "", "no warning");
    assert_eq!(applied.stdout.lines().count(), objects.len());
    pods_are_restricted(bench, &objects);
    calls_that_fail_are_counted(bench);
    stays_as_it_is(bench, &on_overlay);

    let readme = std::fs::read_to_string(repository().join("deploy/README.md")).unwrap();
    for line in [
        OFF,
        "delete -k deploy/overlays/openshift --ignore-not-found",
    ] {
        assert!(readme.contains(&format!("kubectl {line}")), "{line}");
    }
    bench.kubectl(OFF).succeeded();
    let machine = vm("openshift-cnv", "enforcement-is-off");
    until("nothing is refused any more", LONG, || {
        bench.client.dry_run(&machine).is_success()
    });
    bench
        .kubectl("get deployment -n goldkeeper goldkeeper")
        .succeeded();
    on_overlay("apply").succeeded();
    until("enforcement is on again", LONG, || {
        !bench.client.dry_run(&machine).is_success()
    });

    bench.kubectl(OFF).succeeded();
    // The wait is for the namespace, which here nobody but the test takes away.
    let removed = on_overlay("delete --ignore-not-found --wait=false");
    assert_eq!(removed.succeeded().stderr, "");
    remove_namespace(bench);
    assert_eq!(inventory(bench), before);
}

/// One selector finds all of it.
fn all_carry_the_label(objects: &[Value]) {
    for object in objects {
        let label = &object["metadata"]["labels"]["app.kubernetes.io/name"];
        let (kind, name) = (&object["kind"], &object["metadata"]["name"]);
        assert_eq!(label, "goldkeeper", "{kind} {name}");
    }
}

/// Whoever makes the certificate is told by both configurations, and puts it where the pods look for it.
fn the_certificate_is_made_for_them(objects: &[Value], overlay: &str) {
    let of = |kind: &'static str| objects.iter().filter(move |object| object["kind"] == kind);
    let annotation = |object: &Value, name: &str| object["metadata"]["annotations"][name].clone();
    let (name, value, secret) = if overlay == "openshift" {
        let service = of("Service").next().unwrap();
        let secret = "service.beta.openshift.io/serving-cert-secret-name";
        let secret = annotation(service, secret);
        ("service.beta.openshift.io/inject-cabundle", "true", secret)
    } else {
        let mut certificates = of("Certificate");
        let serving = certificates.find(|own| own["metadata"]["name"] == "goldkeeper-tls");
        let serving = &serving.unwrap()["spec"];
        assert_eq!(serving["dnsNames"][0], "goldkeeper.goldkeeper.svc");
        let name = "cert-manager.io/inject-ca-from";
        (
            name,
            "goldkeeper/goldkeeper-tls",
            serving["secretName"].clone(),
        )
    };
    let configurations = [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ];
    for configuration in configurations.into_iter().flat_map(of) {
        assert_eq!(annotation(configuration, name), value);
        for webhook in configuration["webhooks"].as_array().unwrap() {
            let service = &webhook["clientConfig"]["service"];
            assert_eq!(service["name"], "goldkeeper");
            assert_eq!(service["namespace"], "goldkeeper");
        }
    }
    let pod = &of("Deployment").next().unwrap()["spec"]["template"]["spec"];
    let mut volumes = pod["volumes"].as_array().unwrap().iter();
    assert!(volumes.any(|volume| volume["secret"]["secretName"] == secret));
}

/// There are no controllers here, so the pod is made of its template by hand, in the namespace as it is labelled.
fn pods_are_restricted(bench: &Bench, objects: &[Value]) {
    let mut deployments = objects
        .iter()
        .filter(|object| object["kind"] == "Deployment");
    let template = &deployments.next().unwrap()["spec"]["template"];
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe", "namespace": "goldkeeper", "labels": template["metadata"]["labels"]},
        "spec": template["spec"],
    });
    let made = bench.client.dry_run(&pod);
    assert_eq!(made.warnings, [""; 0]);
    let pod_spec = made.object()["spec"].clone();
    assert_eq!(pod_spec["priority"], 1_000_000_000);
    assert!(pod_spec["securityContext"].get("runAsUser").is_none());
    let container = &pod_spec["containers"][0]["securityContext"];
    assert_eq!(container["readOnlyRootFilesystem"], true);
    assert!(container.get("runAsUser").is_none());
    // That this is looked at at all.
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = json!(true);
    let refused = bench.client.dry_run(&pod);
    assert_eq!(refused.code, 403, "{}", refused.message());
    assert!(
        refused
            .message()
            .contains("violates PodSecurity \"restricted")
    );
}

/// Nobody answers at the Service, and the API server counts that by the names that the alerts ask for.
fn calls_that_fail_are_counted(bench: &Bench) {
    let made = bench.client.dry_run(&vm("demo", "nobody-answers"));
    assert!(made.is_success(), "{}", made.message());
    until("a call that fails closed", LONG, || {
        !bench
            .client
            .dry_run(&vm("openshift-cnv", "nobody-answers"))
            .is_success()
    });
    let counted = |metric: &str, labels: &[&str]| {
        let metrics = bench
            .quietly(&["get", "--raw", "/metrics"])
            .succeeded()
            .stdout;
        metrics.lines().any(|line| {
            line.starts_with(&format!("{metric}{{"))
                && labels.iter().all(|label| line.contains(label))
                && !line.ends_with(" 0")
        })
    };
    let open = "apiserver_admission_webhook_fail_open_count";
    until("a call that fails open is counted", LONG, || {
        bench.client.dry_run(&vm("demo", "nobody-answers"));
        counted(open, &["name=\"boot-source-namespace.goldkeeper.io\""])
    });
    let closed = "apiserver_admission_webhook_rejection_count";
    let labels = [
        "name=\"protected-namespaces.goldkeeper.io\"",
        "error_type=\"calling_webhook_error\"",
    ];
    assert!(counted(closed, &labels));
}

/// What service-ca or cert-manager fills in is no drift, and stays whoever applies again, and however.
fn stays_as_it_is(bench: &Bench, on_overlay: &dyn Fn(&str) -> Seen) {
    let configuration = "validatingwebhookconfiguration goldkeeper";
    let (certificate, _) = bench.pair();
    let bundle = STANDARD.encode(std::fs::read(certificate).unwrap());
    let webhooks = bench
        .kubectl(&format!("get {configuration} -o json"))
        .json();
    let patch = webhooks["webhooks"].as_array().unwrap().iter().enumerate();
    let patch = patch.map(|(index, _)| {
        let path = format!("/webhooks/{index}/clientConfig/caBundle");
        json!({"op": "add", "path": path, "value": &bundle})
    });
    let patch = patch.collect::<Value>().to_string();
    let line = [
        "patch",
        "validatingwebhookconfiguration",
        "goldkeeper",
        "--type=json",
        "-p",
        &*patch,
    ];
    bench.quietly(&line).succeeded();
    let diff = on_overlay("diff").succeeded();
    assert_eq!(diff.stdout, "", "no drift");
    let before = versions(on_overlay);
    on_overlay("apply").succeeded();
    assert_eq!(versions(on_overlay), before, "nothing is written again");
    on_overlay("apply --server-side --force-conflicts").succeeded();
    let webhooks = bench
        .kubectl(&format!("get {configuration} -o json"))
        .json();
    for webhook in webhooks["webhooks"].as_array().unwrap() {
        assert_eq!(webhook["clientConfig"]["caBundle"], bundle);
    }
}

/// The resource version of each object. kubectl itself says "configured" of a `PodDisruptionBudget` whatever it sent.
fn versions(on_overlay: &dyn Fn(&str) -> Seen) -> Vec<String> {
    let columns = "get -o=custom-columns=:.kind,:.metadata.name,:.metadata.resourceVersion";
    let seen = on_overlay(columns).succeeded().stdout;
    seen.lines().map(str::to_owned).collect()
}

/// Does what the controller of namespaces does when nothing is left in one.
pub(super) fn remove_namespace(bench: &Bench) {
    let namespace =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "goldkeeper"}});
    let path = path_of(&namespace, true);
    let left: Vec<String> = inventory(bench)
        .into_iter()
        .filter(|line| line.contains(" goldkeeper "))
        .collect();
    assert_eq!(left, [""; 0], "left in the namespace");
    let finalize = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "goldkeeper"},
        "spec": {"finalizers": []},
    });
    let terminating = bench.client.get(&path);
    assert!(terminating.body["metadata"]["deletionTimestamp"].is_string());
    bench
        .client
        .call("PUT", &format!("{path}/finalize"), Some(&finalize))
        .object();
    until("the namespace is gone", LONG, || {
        bench.client.get(&path).code == 404
    });
}

/// Every object of any kind that is in the namespace goldkeeper or has that in its name, as `Kind namespace name`.
fn inventory(bench: &Bench) -> BTreeSet<String> {
    let kinds = bench
        .quietly(&[
            "api-resources",
            "--verbs=list",
            "-o",
            "name",
            "--cached=false",
        ])
        .succeeded()
        .stdout;
    let kinds: Vec<&str> = kinds
        .lines()
        .filter(|kind| *kind != "componentstatuses" && !kind.starts_with("events"))
        .collect();
    let columns = "-o=custom-columns=KIND:.kind,IN:.metadata.namespace,NAME:.metadata.name";
    let all = kinds.join(",");
    let seen = bench.quietly(&["get", &all, "-A", "--no-headers", "--chunk-size=0", columns]);
    let lines = seen.succeeded().stdout;
    lines
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| line.contains("goldkeeper"))
        .collect()
}
