//! `goldkeeper doctor` in front of a real API server: a good installation, and broken ones.
//!
//! There is no kubelet here: the pods are objects whose status says where goldkeeper listens, and the API server's proxy
//! goes there. It refuses loopback addresses, so that the pods have the address that this machine has for others.

use std::net::{IpAddr, UdpSocket};

use serde_json::{Value, json};

use super::bench::{Bench, DEFAULT, LONG, Policies, Webhooks, bench, repository, until};
use super::deploy::remove_namespace;
use super::objects::{path_of, vm};
use super::stand_in::StandIn;

const NAMESPACE: &str = "goldkeeper";
const PLAIN: &str = "storageclass.kubernetes.io/is-default-class";

/// The address of this machine for others; nothing is sent.
fn address() -> IpAddr {
    let socket = UdpSocket::bind(("0.0.0.0", 0)).unwrap();
    // Documentation only (RFC 5737): any address will do that is not of this machine.
    socket
        .connect(("203.0.113.1", 9))
        .expect("a network that leads elsewhere");
    socket.local_addr().unwrap().ip()
}

fn pod(name: &str, port: u16) -> Value {
    let address = address();
    let status = json!({
        "phase": "Running", "podIP": address, "podIPs": [{"ip": address}],
        "conditions": [{"type": "Ready", "status": "True"}],
    });
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app.kubernetes.io/name": "goldkeeper"}},
        "spec": {
            "serviceAccountName": "goldkeeper",
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": "goldkeeper", "image": "goldkeeper",
                "ports": [{"name": "metrics", "containerPort": port}],
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
            }],
        },
        "status": status,
    })
}

fn class(name: &str) -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "p.example.com",
        "metadata": {"name": name, "annotations": {PLAIN: "true"}}})
}

fn cdi() -> Value {
    json!({"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "CDI", "metadata": {"name": "cdi-kubevirt-hyperconverged"},
        "spec": {}, "status": {"observedVersion": "v1.66.0"}})
}

/// The one that the bench's HyperConverged has and the bench has not.
fn image(ready: &str) -> Value {
    let conditions = json!([{"type": "Ready", "status": ready, "reason": "NoSource", "message": "no import yet"}]);
    json!({"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "DataSource",
        "metadata": {"name": "rhel10", "namespace": DEFAULT},
        "spec": {"source": {"pvc": {"name": "rhel10", "namespace": DEFAULT}}},
        "status": {"conditions": conditions}})
}

/// Writes the status of what is there, whether or not its kind keeps that apart.
fn set_status(bench: &Bench, object: &Value) {
    let (path, status) = (path_of(object, true), json!({"status": object["status"]}));
    bench.client.merge(&path, &status).object();
    let apart = bench.client.merge(&format!("{path}/status"), &status);
    assert!(
        apart.is_success() || apart.code == 404,
        "{}",
        apart.message()
    );
}

/// The lines of `-o json` as `level topic sentence -> cures`.
fn lines(bench: &Bench, arguments: &[&str]) -> (i32, Vec<String>) {
    let seen = bench.goldkeeper(&[&["doctor", "-o", "json"], arguments].concat());
    let told = seen.json();
    let lines = told["lines"].as_array().unwrap().iter().map(|line| {
        let text = |field: &str| line[field].as_str().unwrap().to_owned();
        let cures = line["cures"].as_array().unwrap().iter();
        let cures: Vec<&str> = cures.map(|cure| cure.as_str().unwrap()).collect();
        format!(
            "{} {} {} -> {}",
            text("level"),
            text("topic"),
            text("sentence"),
            cures.join("; ")
        )
    });
    (seen.code, lines.collect())
}

/// Holds that one line begins so and says this, that no other topic is in trouble, and the exit code.
#[track_caller]
fn shows(bench: &Bench, arguments: &[&str], level_and_topic: &str, part: &str) {
    let (code, lines) = lines(bench, arguments);
    let found = lines
        .iter()
        .find(|line| line.starts_with(level_and_topic) && line.contains(part));
    assert!(found.is_some(), "{level_and_topic} {part}: {lines:#?}");
    let topic = level_and_topic.split(' ').nth(1).unwrap();
    let others = lines
        .iter()
        .filter(|line| !line.starts_with("ok ") && line.split(' ').nth(1) != Some(topic));
    let others: Vec<_> = others.collect();
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(
        code,
        i32::from(lines.iter().any(|line| line.starts_with("FAILED ")))
    );
    eprintln!("{}", found.unwrap());
}

/// A good installation with all that it needs; what was made for it.
fn furnish(bench: &Bench) -> Vec<Value> {
    bench.namespace(NAMESPACE);
    let rbac = repository().join("deploy/base/rbac.yaml");
    bench
        .kubectl_with(&["apply", "-f", rbac.to_str().unwrap()])
        .succeeded();
    let other = StandIn::start(bench, None);
    let port = bench.plain_port_at(address());
    let made = vec![
        other.registration(
            "cdi-api-datavolume-mutate",
            "tests.goldkeeper.io",
            "nothing",
        ),
        other.registration("virt-api-mutator", "tests.goldkeeper.io", "nothing"),
        class("doctor-a"),
        cdi(),
        pod("goldkeeper-a", port),
        pod("goldkeeper-b", port),
        image("True"),
    ];
    for object in &made {
        bench.put(object);
    }
    let policies = repository().join("policies");
    let from = format!("--from-file={}", policies.display());
    bench
        .kubectl_with(&[
            "create",
            "configmap",
            "goldkeeper-policies",
            "-n",
            NAMESPACE,
            &from,
        ])
        .succeeded();
    made
}

#[test]
fn a_good_installation_is_ok_and_each_broken_one_is_told() {
    let Some(mut bench) = bench() else { return };
    let made = furnish(&bench);
    good(&bench);
    broken_webhooks(&mut bench);
    broken_pods_and_rights(&mut bench);
    broken_settings(&bench);
    for object in &made {
        bench.client.delete(&path_of(object, true));
    }
    bench
        .kubectl("delete clusterrole,clusterrolebinding goldkeeper")
        .succeeded();
    bench
        .kubectl("delete configmap,serviceaccount --all -n goldkeeper")
        .succeeded();
    bench
        .kubectl("delete namespace goldkeeper --wait=false")
        .succeeded();
    remove_namespace(&bench);
}

fn good(bench: &Bench) {
    let seen = bench.goldkeeper(&["doctor"]);
    eprintln!("{}", seen.stdout);
    let bad: Vec<&str> = seen
        .stdout
        .lines()
        .filter(|line| !line.starts_with("ok "))
        .collect();
    assert_eq!(bad, ["13 ok"], "{}", seen.stdout);
    for part in [
        "same on 2 of 2 replicas",
        "7 in force",
        "matches caBundle",
        "runs before cdi-api-datavolume-mutate and virt-api-mutator",
        "system:serviceaccount:goldkeeper:goldkeeper has all",
    ] {
        assert!(seen.stdout.contains(part), "{part}: {}", seen.stdout);
    }
    assert!(!seen.stdout.contains('\u{1b}'), "colours are for terminals");
}

fn broken_webhooks(bench: &mut Bench) {
    bench.register(Webhooks::OursLast);
    shows(
        bench,
        &[],
        "FAILED order",
        "zz-goldkeeper runs after cdi-api-datavolume-mutate and virt-api-mutator",
    );
    bench.register(Webhooks::Ours);
    let validating =
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/goldkeeper";
    let patch = |bench: &Bench, change: &dyn Fn(&mut Value)| {
        let mut object = bench.client.get(validating).object();
        change(&mut object["webhooks"]);
        let webhooks = object["webhooks"].take();
        bench
            .client
            .merge(validating, &json!({"webhooks": webhooks}))
            .object();
    };
    patch(bench, &|webhooks| {
        webhooks[0]["failurePolicy"] = json!("Ignore");
    });
    shows(
        bench,
        &[],
        "FAILED fail-open",
        "failurePolicy of protected-namespaces.goldkeeper.io is Ignore, shipped Fail",
    );
    bench.register(Webhooks::Ours);
    let foreign = foreign_authority();
    patch(bench, &|webhooks| {
        webhooks[0]["clientConfig"]["caBundle"] = json!(foreign);
    });
    shows(
        bench,
        &[],
        "FAILED certificate",
        "that the caBundle of protected-namespaces.goldkeeper.io does not vouch for",
    );
    bench.register(Webhooks::Ours);
    let text =
        std::fs::read_to_string(repository().join("policies/protected-namespaces.yaml")).unwrap();
    let wider = text.replace("\"openshift-*\"]", "\"openshift-*\", \"infra-*\"]");
    assert_ne!(wider, text);
    let policies = Policies::but(bench.desk(), "protected-namespaces.yaml", &wider);
    let (code, lines) = lines(bench, &["--policies", policies.folder.to_str().unwrap()]);
    let says = |part: &str| lines.iter().any(|line| line.contains(part));
    assert!(
        says("FAILED delivery") && says("leaves out infra-*"),
        "{lines:#?}"
    );
    assert!(says("warning policies") && code == 1, "{lines:#?}");
    // A certificate that is over at another date.
    shows(
        bench,
        &["--now", "9000-01-01"],
        "FAILED certificate",
        "expired",
    );
}

/// A certificate authority that signed nothing here, as in `caBundle`.
fn foreign_authority() -> String {
    use base64::Engine as _;
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    base64::engine::general_purpose::STANDARD.encode(certificate.pem())
}

fn broken_pods_and_rights(bench: &mut Bench) {
    let stray = pod("goldkeeper-c", 1);
    bench.put(&stray);
    shows(
        bench,
        &[],
        "FAILED policies",
        "pod goldkeeper-c does not answer",
    );
    bench
        .kubectl("delete pod goldkeeper-c -n goldkeeper --grace-period=0 --force")
        .succeeded();
    bench
        .kubectl("delete clusterrolebinding goldkeeper")
        .succeeded();
    shows(
        bench,
        &[],
        "FAILED account",
        "may not list hyperconvergeds.hco.kubevirt.io",
    );
    let rbac = repository().join("deploy/base/rbac.yaml");
    bench
        .kubectl_with(&["apply", "-f", rbac.to_str().unwrap()])
        .succeeded();
    let binding = format!(
        "/apis/rbac.authorization.k8s.io/v1/namespaces/{DEFAULT}/rolebindings/os-images.kubevirt.io:view"
    );
    let mut kept = bench.client.get(&binding).object();
    bench.client.delete(&binding).object();
    shows(
        bench,
        &[],
        "warning rights",
        "kubectl create rolebinding os-images-view -n openshift-virtualization-os-images",
    );
    let metadata = &mut kept["metadata"];
    *metadata = json!({"name": metadata["name"], "namespace": metadata["namespace"]});
    bench.put(&kept);
}

fn broken_settings(bench: &Bench) {
    let settings =
        "/apis/hco.kubevirt.io/v1/namespaces/openshift-cnv/hyperconvergeds/kubevirt-hyperconverged";
    let applied = json!({"apiVersion": "hco.kubevirt.io/v1", "kind": "HyperConverged",
        "metadata": {"name": "kubevirt-hyperconverged", "namespace": "openshift-cnv"},
        "spec": {"commonBootImageNamespace": "gold-images"}});
    let annotate = |text: Value| {
        let annotations = json!({"kubectl.kubernetes.io/last-applied-configuration": text});
        bench
            .client
            .merge(settings, &json!({"metadata": {"annotations": annotations}}))
            .object();
    };
    annotate(json!(applied.to_string()));
    shows(
        bench,
        &[],
        "FAILED golden",
        "belongs in spec.workloadSources.commonBootImageNamespace",
    );
    annotate(Value::Null);

    bench.set_golden_namespace(&json!("no-such-namespace"));
    let (code, told) = lines(bench, &[]);
    let golden = told
        .iter()
        .find(|line| line.starts_with("FAILED golden"))
        .expect("it is told");
    assert!(
        golden.contains("kubectl create namespace no-such-namespace") && code == 1,
        "{golden}"
    );
    bench.set_golden_namespace(&Value::Null);

    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "rhel10", "namespace": DEFAULT},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "doctor-a", "resources": {"requests": {"storage": "1Gi"}}}});
    bench.put(&claim);
    set_status(bench, &image("False"));
    shows(
        bench,
        &[],
        "warning sources",
        "rhel10 is not ready: NoSource: no import yet",
    );
    set_status(bench, &image("True"));
    bench.client.delete(&path_of(&claim, true));
    bench.client.merge(
        &path_of(&claim, true),
        &json!({"metadata": {"finalizers": null}}),
    );

    // Newer than the first, whatever the clock's grain: the name decides between equals.
    bench.put(&class("doctor-b"));
    shows(
        bench,
        &[],
        "warning storage",
        "2 plain default classes: doctor-a, doctor-b; CDI takes doctor-",
    );
    bench
        .client
        .delete(&path_of(&class("doctor-b"), true))
        .object();

    let mut old = cdi();
    old["status"]["observedVersion"] = json!("v1.60.2");
    set_status(bench, &old);
    shows(
        bench,
        &[],
        "warning versions",
        "CDI 1.60.2 leaves golden images behind",
    );
    set_status(bench, &cdi());

    // Only the first virtual machines are looked at, and other tests leave some behind.
    let mut machine = vm(bench.namespace("a-drift"), "doctor-drift");
    machine["metadata"]["annotations"] = json!({
        "argocd.argoproj.io/tracking-id": "app:kubevirt.io/VirtualMachine:a-drift/doctor-drift",
        "kubectl.kubernetes.io/last-applied-configuration": machine.to_string(),
    });
    bench.client.create(&machine).object();
    shows(
        bench,
        &[],
        "warning managers",
        "a-drift/doctor-drift -> goldkeeper check",
    );
    bench.client.delete(&path_of(&machine, true)).object();
    until("the machine is gone", LONG, || {
        bench.client.get(&path_of(&machine, true)).code == 404
    });
}

#[test]
fn without_rights_or_without_an_api_server_it_says_so() {
    let Some(bench) = bench() else { return };
    let seen = bench.goldkeeper_as("nobody-in-particular", &["doctor"]);
    assert!(
        seen.stdout.contains("skipped order") && seen.stdout.contains("403"),
        "{}",
        seen.stdout
    );
    assert!(!seen.stdout.contains("ok      account"), "{}", seen.stdout);
    let nowhere = bench.desk().join("nowhere");
    let text = std::fs::read_to_string(bench.kubeconfig()).unwrap();
    let mut config: Value = serde_saphyr::from_str(&text).unwrap();
    config["clusters"][0]["cluster"]["server"] = json!("https://127.0.0.1:1");
    std::fs::write(&nowhere, config.to_string()).unwrap();
    let seen = bench.goldkeeper(&["doctor", "--kubeconfig", nowhere.to_str().unwrap()]);
    assert_eq!(seen.code, 2, "{}", seen.stdout);
    assert!(
        seen.stderr.contains("the API server can't be asked"),
        "{}",
        seen.stderr
    );
}
