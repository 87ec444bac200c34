//! What admission adds to a create, through a real API server: `cargo bench --bench apiserver`.
//!
//! Every variant has a namespace of its own, by whose label its registrations are selected, so that all of them stand
//! side by side and rounds can take turns.
#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Parser;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::{Value, json};

#[allow(dead_code, reason = "each bench uses a part of it")]
mod client;
#[allow(dead_code, reason = "each bench uses a part of it")]
mod figures;
mod floor;
#[allow(dead_code, reason = "each bench uses a part of it")]
mod process;
#[allow(dead_code, reason = "each bench uses a part of it")]
mod reviews;

use client::{Call, Peer, Protocol, Until};
use figures::median;
use process::{Log, Pair, Running};

/// Measures creates through a real API server: without admission, with in-tree policies, with the floor, with goldkeeper.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only shows that it works
    #[arg(long)]
    quick: bool,
    /// Rounds for each variant
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Requests in a round
    #[arg(long, default_value_t = 100)]
    requests: usize,
    /// Set by cargo
    #[arg(long, hide = true)]
    bench: bool,
    /// Runs the floor instead: `floor <certificate> <key>`
    #[arg(hide = true, num_args = 3)]
    floor: Vec<PathBuf>,
}

/// Who looks at creates in a namespace.
const VARIANTS: [(&str, &str); 4] = [
    ("none", "bench-none"),
    ("in-tree pair", "bench-intree"),
    ("floor", "bench-floor"),
    ("goldkeeper", "bench-goldkeeper"),
];

/// Kinds of creates: what they show, and the reference to the boot source.
const CLASSES: [(&str, &str); 3] = [
    (
        "boot source in full: one call",
        r#"{"kind": "DataSource", "name": "rhel9", "namespace": "gold-images"}"#,
    ),
    (
        "an image of one's own without namespace: two calls",
        r#"{"kind": "DataSource", "name": "own"}"#,
    ),
    (
        "golden image without namespace: two calls, the fill reads live",
        r#"{"kind": "DataSource", "name": "rhel9"}"#,
    ),
];

fn main() -> Result<ExitCode> {
    let mut arguments = Arguments::parse();
    if let [_, certificate, key] = arguments.floor.as_slice() {
        return floor::serve(certificate, key).map(|()| ExitCode::SUCCESS);
    }
    if !arguments.bench {
        println!("nothing is measured without --bench: cargo bench --bench apiserver");
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.quick {
        arguments.rounds = 1;
        arguments.requests = 5;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure(&arguments))?;
    Ok(ExitCode::SUCCESS)
}

async fn measure(arguments: &Arguments) -> Result<()> {
    let plane = ControlPlane::start()?;
    plane.wait_until_ready()?;
    plane.kubectl(
        &["apply", "--server-side", "-f", "tests/fixtures/crds"],
        None,
    )?;
    plane.kubectl(
        &[
            "wait",
            "--for=condition=Established",
            "crd",
            "--all",
            "--timeout=60s",
        ],
        None,
    )?;
    plane.apply(&objects())?;
    let kubeconfig = plane.folder.path().join("kubeconfig");
    let pair = Pair::new(plane.folder.path())?;
    let (_floor, floor) = pair.floor()?;
    let from = [Path::new("--kubeconfig"), &kubeconfig];
    let (_goldkeeper, goldkeeper) = pair.goldkeeper(from, Log::Null)?;
    plane.register(&pair, "floor", "bench-floor", floor)?;
    plane.register(&pair, "goldkeeper", "bench-goldkeeper", goldkeeper)?;
    plane.apply(&in_tree())?;

    let peer = plane.peer()?;
    settle(&plane, &peer).await?;
    println!(
        "| create with `?dryRun=All` | in flight | variant | p50 ms | mean ms | added p50 ms | added mean ms |\n\
         |---|---:|---|---:|---:|---:|---:|"
    );
    for (class, source_ref) in CLASSES {
        for in_flight in [1, 8] {
            compare(arguments, &plane, &peer, class, source_ref, in_flight).await?;
        }
    }
    Ok(())
}

/// Measures one class, the variants by turns, and prints a row for each.
async fn compare(
    arguments: &Arguments,
    plane: &ControlPlane,
    peer: &Peer,
    class: &str,
    source_ref: &str,
    in_flight: usize,
) -> Result<()> {
    let mut rounds: BTreeMap<usize, Vec<(f64, f64)>> = BTreeMap::new();
    let warm_up = Until::Count(arguments.requests / 5);
    let until = Until::Count(arguments.requests);
    for round in 0..arguments.rounds {
        for turn in 0..VARIANTS.len() {
            let variant = (turn + round) % VARIANTS.len();
            let (_, namespace) = VARIANTS.get(variant).copied().unwrap_or_default();
            let call = plane.create(namespace, source_ref)?;
            let protocol = Protocol::H2(in_flight);
            let figures = peer.drive(protocol, &call, warm_up, until).await?;
            let figures = (figures.p50() / 1000.0, figures.mean() / 1000.0);
            rounds.entry(variant).or_default().push(figures);
        }
    }
    let none = rounds.get(&0).cloned().unwrap_or_default();
    for ((name, _), rounds) in VARIANTS.iter().zip(rounds.values()) {
        // What was added is the median over rounds: each round against the one with none beside it.
        let pairs = || rounds.iter().zip(&none);
        println!(
            "| {class} | {in_flight} | {name} | {:.2} | {:.2} | {:+.2} | {:+.2} |",
            median(rounds.iter().map(|(p50, _)| *p50)),
            median(rounds.iter().map(|(_, mean)| *mean)),
            median(pairs().map(|((own, _), (none, _))| own - none)),
            median(pairs().map(|((_, own), (_, none))| own - none)),
        );
    }
    Ok(())
}

/// Waits until every registration is in force.
async fn settle(plane: &ControlPlane, peer: &Peer) -> Result<()> {
    let deadline = Instant::now() + Duration::from_mins(1);
    let (_, golden) = CLASSES.last().copied().unwrap_or_default();
    for namespace in ["bench-intree", "bench-goldkeeper"] {
        let call = plane.create(namespace, golden)?;
        loop {
            let (status, body) = peer.once(&call).await?;
            let created: Value = serde_json::from_slice(&body).unwrap_or_default();
            let place = "/spec/dataVolumeTemplates/0/spec/sourceRef/namespace";
            if created.pointer(place).and_then(Value::as_str) == Some("gold-images") {
                break;
            }
            ensure!(
                Instant::now() < deadline,
                "nothing is filled in in {namespace}: {status} {}",
                String::from_utf8_lossy(&body)
            );
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
    Ok(())
}

/// etcd and kube-apiserver in a folder that goes away with them.
struct ControlPlane {
    assets: PathBuf,
    address: SocketAddr,
    token: String,
    _processes: [Running; 2],
    folder: tempfile::TempDir,
}

impl ControlPlane {
    fn start() -> Result<Self> {
        let assets = assets()?;
        let folder = tempfile::tempdir()?;
        let [client, peer_port, secure] = free_ports()?;
        let at = |name: &str| folder.path().join(name).display().to_string();
        let etcd_url = format!("http://127.0.0.1:{client}");
        let peer_url = format!("http://127.0.0.1:{peer_port}");
        let etcd = Running::quiet(Command::new(assets.join("etcd")).args([
            format!("--data-dir={}", at("etcd")),
            format!("--listen-client-urls={etcd_url}"),
            format!("--advertise-client-urls={etcd_url}"),
            format!("--listen-peer-urls={peer_url}"),
            format!("--initial-advertise-peer-urls={peer_url}"),
            format!("--initial-cluster=default={peer_url}"),
            "--unsafe-no-fsync".to_owned(),
        ]))?;
        let token = rcgen::KeyPair::generate()?
            .serialized_der()
            .iter()
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        std::fs::write(
            at("tokens.csv"),
            format!("{token},admin,admin,\"system:masters\"\n"),
        )?;
        // kube-apiserver takes the public half of an ECDSA key only from a file of its own.
        let account_key = rcgen::KeyPair::generate()?;
        std::fs::write(at("service-account.key"), account_key.serialize_pem())?;
        std::fs::write(at("service-account.pub"), account_key.public_key_pem())?;
        let apiserver = Running::quiet(Command::new(assets.join("kube-apiserver")).args([
            format!("--etcd-servers={etcd_url}"),
            "--bind-address=127.0.0.1".to_owned(),
            "--advertise-address=127.0.0.1".to_owned(),
            format!("--secure-port={secure}"),
            format!("--cert-dir={}", at("apiserver")),
            format!("--token-auth-file={}", at("tokens.csv")),
            "--authorization-mode=RBAC".to_owned(),
            "--disable-admission-plugins=ServiceAccount".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-key-file={}", at("service-account.pub")),
            format!(
                "--service-account-signing-key-file={}",
                at("service-account.key")
            ),
            "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
        ]))?;
        Ok(Self {
            assets,
            address: SocketAddr::from(([127, 0, 0, 1], secure)),
            token,
            _processes: [etcd, apiserver],
            folder,
        })
    }

    fn wait_until_ready(&self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(90);
        let certificate = self.folder.path().join("apiserver/apiserver.crt");
        while !certificate.exists() {
            ensure!(
                Instant::now() < deadline,
                "kube-apiserver wrote no certificate"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        let certificates = STANDARD.encode(std::fs::read(certificate)?);
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "bench", "cluster": {
                "server": format!("https://{}", self.address),
                "certificate-authority-data": certificates,
            }}],
            "users": [{"name": "admin", "user": {"token": self.token}}],
            "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "admin"}}],
            "current-context": "bench",
        });
        std::fs::write(self.folder.path().join("kubeconfig"), config.to_string())?;
        while let Err(fault) = self.kubectl(&["get", "--raw", "/readyz"], None) {
            if Instant::now() > deadline {
                return Err(fault.context("kube-apiserver is not ready"));
            }
            std::thread::sleep(Duration::from_millis(300));
        }
        Ok(())
    }

    fn kubectl(&self, arguments: &[&str], input: Option<&Path>) -> Result<()> {
        let mut command = Command::new(self.assets.join("kubectl"));
        command
            .env("KUBECONFIG", self.folder.path().join("kubeconfig"))
            .env("KUBECACHEDIR", self.folder.path().join("cache"))
            .args(arguments)
            .args(input);
        let output = command.output().context("can't run kubectl")?;
        if !output.status.success() {
            bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    /// Applies objects until it works: new kinds take a moment to be served.
    fn apply(&self, objects: &[Value]) -> Result<()> {
        let file = self.folder.path().join("objects.json");
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        std::fs::write(&file, list.to_string())?;
        let deadline = Instant::now() + Duration::from_secs(30);
        while let Err(fault) = self.kubectl(&["apply", "--server-side", "-f"], Some(&file)) {
            if Instant::now() > deadline {
                return Err(fault);
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        Ok(())
    }

    /// Registers a webhook server the way the shipped configurations do, for one namespace.
    fn register(
        &self,
        pair: &Pair,
        name: &str,
        namespace: &str,
        address: SocketAddr,
    ) -> Result<()> {
        let output = Command::new(env!("CARGO_BIN_EXE_goldkeeper"))
            .args(["webhook-config", "--policies", "policies"])
            .args(["--url", &format!("https://{address}"), "--ca-bundle"])
            .arg(&pair.certificate)
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        let mut objects: Vec<Value> = serde_saphyr::from_multiple(&text)?;
        for object in &mut objects {
            if let Some(own) = object.pointer_mut("/metadata/name") {
                *own = json!(format!("{name}.{}", own.as_str().unwrap_or_default()));
            }
            let webhooks = object.get_mut("webhooks").and_then(Value::as_array_mut);
            for webhook in webhooks
                .into_iter()
                .flatten()
                .filter_map(Value::as_object_mut)
            {
                let selector = json!({"matchLabels": {"kubernetes.io/metadata.name": namespace}});
                webhook.insert("namespaceSelector".to_owned(), selector);
            }
        }
        self.apply(&objects)
    }

    fn peer(&self) -> Result<Peer> {
        let certificates = std::fs::read(self.folder.path().join("apiserver/apiserver.crt"))?;
        Peer::new(self.address, &certificates)
    }

    /// A create of a virtual machine that is not stored.
    fn create(&self, namespace: &str, source_ref: &str) -> Result<Call> {
        let source_ref: Value = serde_json::from_str(source_ref)?;
        let mut headers = HeaderMap::new();
        let authorization = HeaderValue::from_str(&format!("Bearer {}", self.token))?;
        headers.insert(AUTHORIZATION, authorization);
        let machine = reviews::machine(namespace, Some(&source_ref));
        Ok(Call {
            path: format!("/apis/kubevirt.io/v1/namespaces/{namespace}/virtualmachines?dryRun=All"),
            headers,
            body: machine.to_string().into(),
            expected: StatusCode::CREATED,
        })
    }
}

/// The folder of kube-apiserver, etcd and kubectl, built if need be.
fn assets() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("KUBEBUILDER_ASSETS") {
        return Ok(folder.into());
    }
    let build = Command::new("tests/control-plane/build")
        .stderr(std::process::Stdio::inherit())
        .output()?;
    ensure!(build.status.success(), "tests/control-plane/build failed");
    Ok(String::from_utf8(build.stdout)?.trim().into())
}

fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut ports = [0; N];
    // All are held until all are known, so that no two are the same.
    let mut held = Vec::new();
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// The namespaces of the variants, and a golden image.
fn objects() -> Vec<Value> {
    let names = VARIANTS.iter().map(|(_, namespace)| *namespace);
    let mut objects: Vec<Value> = names
        .chain(["gold-images", "openshift-cnv"])
        .map(|name| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
        .collect();
    objects.push(json!({
        "apiVersion": "cdi.kubevirt.io/v1beta1",
        "kind": "DataSource",
        "metadata": {"name": "rhel9", "namespace": "gold-images"},
        "spec": {"source": {"pvc": {"name": "rhel9", "namespace": "gold-images"}}},
    }));
    objects.push(json!({
        "apiVersion": "hco.kubevirt.io/v1",
        "kind": "HyperConverged",
        "metadata": {"name": "kubevirt-hyperconverged", "namespace": "openshift-cnv"},
        "spec": {"workloadSources": {"commonBootImageNamespace": "gold-images"}},
    }));
    objects
}

/// A policy that refuses virtual machines in namespaces of the platform, and one that fills the namespace in: the same
/// two things, by the API server itself. It has no way to look up which images are golden, so it takes every name for one.
fn in_tree() -> Vec<Value> {
    let rules = json!({
        "resourceRules": [{
            "apiGroups": ["kubevirt.io"],
            "apiVersions": ["v1"],
            "operations": ["CREATE"],
            "resources": ["virtualmachines"],
        }],
    });
    let selector = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "bench-intree"}}});
    let missing = "object.?spec.?dataVolumeTemplates.orValue([]).exists(d, has(d.spec) && d.spec.?sourceRef.hasValue() && \
        !(has(d.spec.sourceRef.namespace) && d.spec.sourceRef.namespace != null && d.spec.sourceRef.namespace != \"\"))";
    let group = "admissionregistration.k8s.io/v1";
    vec![
        json!({
            "apiVersion": group,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": "protected-namespaces"},
            "spec": {"matchConstraints": rules, "validations": [{
                "expression": "!(request.namespace == 'openshift' || request.namespace.startsWith('openshift-'))",
                "messageExpression": "'virtual machines may not be created in ' + request.namespace",
            }]},
        }),
        json!({
            "apiVersion": group,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": "protected-namespaces"},
            "spec": {"policyName": "protected-namespaces", "validationActions": ["Deny"], "matchResources": selector},
        }),
        json!({
            "apiVersion": group,
            "kind": "MutatingAdmissionPolicy",
            "metadata": {"name": "boot-source-namespace"},
            "spec": {
                "matchConstraints": rules,
                "reinvocationPolicy": "IfNeeded",
                "failurePolicy": "Ignore",
                "matchConditions": [{"name": "missing", "expression": missing}],
                "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression":
                    "[JSONPatch{op: 'add', path: '/spec/dataVolumeTemplates/0/spec/sourceRef/namespace', value: 'gold-images'}]",
                }}],
            },
        }),
        json!({
            "apiVersion": group,
            "kind": "MutatingAdmissionPolicyBinding",
            "metadata": {"name": "boot-source-namespace"},
            "spec": {"policyName": "boot-source-namespace", "matchResources": selector},
        }),
    ]
}
