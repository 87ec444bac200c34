//! A cluster written down is the cluster that was watched.

use std::path::Path;
use std::sync::Arc;

use goldkeeper::cluster::{ClusterView, Coverage, Kind, Known};
use goldkeeper::engine::{self, World};
use goldkeeper::store;
use goldkeeper::watch::{self, Watch};
use jiff::civil::date;
use serde_json::{Value, json};

use super::bench::{Bench, CUSTOM, DEFAULT, LONG, RUNTIME, bench, documents, repository, until};
use super::objects::{data_source, vm};

/// What a watch of the cluster makes of it.
fn watched(kubeconfig: &Path) -> Arc<ClusterView> {
    let watch = RUNTIME.block_on(async {
        let client = watch::client(Some(kubeconfig), None).await.unwrap();
        Watch::start(client)
    });
    until("the watch has settled", LONG, || watch.view().is_settled());
    watch.view()
}

fn names(view: &ClusterView, kind: Kind) -> Vec<(String, String, String)> {
    let objects = view.objects(kind).into_iter();
    let texts = objects.map(|seen| {
        let fact = format!("{:?}", seen.fact);
        (seen.namespace.to_owned(), seen.name.to_owned(), fact)
    });
    texts.collect()
}

fn take(bench: &Bench, arguments: &[&str]) -> std::path::PathBuf {
    let file = bench.desk().join("cluster-snapshot.yaml");
    let mut line = vec!["snapshot", "-o", file.to_str().unwrap()];
    line.extend(arguments);
    bench.goldkeeper(&line).succeeded();
    file
}

#[test]
fn a_snapshot_read_back_is_the_view_that_was_watched() {
    let Some(bench) = bench() else { return };
    bench.set_golden_namespace(&json!(CUSTOM));
    let claim = |namespace: &str| {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "claim", "namespace": namespace,
                "annotations": {"example.com/token": "secret-of-somebody"}},
            "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "0777",
                "resources": {"requests": {"storage": "1Gi"}}}})
    };
    let mut items = [DEFAULT, CUSTOM, "demo"].map(claim).to_vec();
    items.push(json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "p.example.com",
        "metadata": {"name": "snapshotted", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}}));
    bench.write(
        "facts.yaml",
        &json!({"apiVersion": "v1", "kind": "List", "items": items}),
    );
    bench.kubectl("apply -f facts.yaml").succeeded();
    let live = watched(bench.kubeconfig());
    let file = take(&bench, &[]);
    bench
        .kubectl("delete -f facts.yaml --wait=false")
        .succeeded();
    let text = std::fs::read_to_string(&file).unwrap();
    for secret in [
        "managedFields",
        "secret-of-somebody",
        "last-applied",
        "uid:",
    ] {
        assert!(!text.contains(secret), "{secret}\n{text}");
    }
    let files = store::read_cluster(&[file]).unwrap();
    let read = &files.view;
    for kind in Kind::ALL {
        let info = kind.info();
        assert_eq!(names(read, kind), names(&live, kind), "{}", info.kind);
        let expected = match live.coverage(kind) {
            Coverage::NotServed => Coverage::NotServed,
            Coverage::OnDemand => read.coverage(kind).clone(),
            _ if matches!(read.coverage(kind), Coverage::Within(_)) => read.coverage(kind).clone(),
            Coverage::Watched => Coverage::Complete,
            other => panic!("{}: {other:?}", info.kind),
        };
        assert_eq!(*read.coverage(kind), expected, "{}", info.kind);
    }
    let claims = names(&live, Kind::PersistentVolumeClaim).into_iter();
    let claims = claims.filter(|(_, name, _)| name == "claim");
    let places: Vec<String> = claims.map(|(namespace, ..)| namespace).collect();
    assert_eq!(places, [CUSTOM, DEFAULT], "those of golden namespaces only");
    assert_eq!(read.is_openshift(), live.is_openshift());
    assert_eq!(read.golden_names(None), live.golden_names(None));
    assert_eq!(read.golden_namespaces(), live.golden_namespaces());
    assert_eq!(read.golden_namespace(None), live.golden_namespace(None));
    assert_eq!(read.default_classes(), live.default_classes());
}

#[test]
fn a_snapshot_decides_as_the_server_does() {
    let Some(bench) = bench() else { return };
    bench.set_golden_namespace(&json!(CUSTOM));
    let own = bench.namespace("snapshot-own");
    bench.client.create(&data_source(own));
    bench.until_boot_sources_are_known();
    until("the setting has arrived", LONG, || {
        bench.filled_now().as_deref() == Some(CUSTOM)
    });
    let files = store::read_cluster(&[take(&bench, &[])]).unwrap();
    let policies = store::compile_folder(&repository().join("policies"), false).unwrap();
    let world = World {
        policies: &policies,
        view: &files.view,
        read: &|_| Known::Unknown,
        today: date(2026, 1, 1),
    };
    let mut outcomes = [0, 0];
    for namespace in [
        "demo",
        own,
        "openshift-cnv",
        "openshift-monitoring",
        CUSTOM,
        DEFAULT,
    ] {
        let object = vm(namespace, "decided");
        let admission = engine::admit(&world, request(&object)).unwrap();
        let answer = bench.client.dry_run(&object);
        let decision = &admission.validate.decision;
        assert_eq!(
            decision.allowed(),
            answer.is_success(),
            "{namespace}: {}",
            answer.message()
        );
        outcomes[usize::from(decision.allowed())] += 1;
        if decision.allowed() {
            let filled = &admission.request["object"]["spec"]["dataVolumeTemplates"];
            let stored = &answer.body["spec"]["dataVolumeTemplates"];
            assert_eq!(reference(filled), reference(stored), "{namespace}");
        } else {
            let message = decision.denial.as_deref().unwrap();
            assert!(
                answer.message().ends_with(message),
                "{message}\n{}",
                answer.message()
            );
        }
    }
    assert!(outcomes.iter().all(|count| *count >= 2), "{outcomes:?}");
}

fn reference(templates: &Value) -> &Value {
    &templates[0]["spec"]["sourceRef"]
}

fn request(object: &Value) -> Value {
    json!({
        "uid": "1", "operation": "CREATE", "name": object["metadata"]["name"],
        "namespace": object["metadata"]["namespace"],
        "kind": {"group": "kubevirt.io", "version": "v1", "kind": "VirtualMachine"},
        "resource": {"group": "kubevirt.io", "version": "v1", "resource": "virtualmachines"},
        "userInfo": {"username": "kubernetes-admin"}, "object": object, "oldObject": null, "options": null,
    })
}

#[test]
fn what_a_user_may_not_list_is_told_and_not_taken_for_absent() {
    let Some(bench) = bench() else { return };
    bench.kubectl("create clusterrole lists-boot-sources --verb=list --resource=datasources.cdi.kubevirt.io,namespaces");
    bench.kubectl("create clusterrolebinding lists-boot-sources --clusterrole=lists-boot-sources --user=lister");
    let seen = bench.goldkeeper_as("lister", &["snapshot"]).succeeded();
    assert!(
        seen.stderr
            .contains("warning: HyperConverged is not in the snapshot: 403 Forbidden"),
        "{}",
        seen.stderr
    );
    let list = documents(&seen.stdout).remove(0);
    assert_eq!(list["items"][0]["spec"]["kinds"][0]["listed"], false);
    let file = bench.desk().join("lister.yaml");
    std::fs::write(&file, &seen.stdout).unwrap();
    let view = store::read_cluster(&[file]).unwrap().view;
    assert_eq!(view.hyper_converged(), Known::Unknown);
    assert_eq!(*view.coverage(Kind::DataSource), Coverage::Complete);
    bench
        .goldkeeper_as("nobody-at-all", &["snapshot"])
        .failed("none of the kinds could be listed: 403");
}

#[test]
fn virtual_machines_are_written_by_name_when_they_are_asked_for() {
    let Some(bench) = bench() else { return };
    let without = store::read_cluster(&[take(&bench, &[])]).unwrap().view;
    assert!(
        matches!(without.coverage(Kind::VirtualMachine), Coverage::Unknown(reason) if reason.contains("--virtual-machines"))
    );
    let with = store::read_cluster(&[take(&bench, &["--virtual-machines"])])
        .unwrap()
        .view;
    assert!(with.count(Kind::VirtualMachine) > 0);
    assert_eq!(*with.coverage(Kind::VirtualMachine), Coverage::Complete);
}
