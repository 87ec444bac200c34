//! The control plane, goldkeeper in front of it, and ways to speak to them and to disturb them.

mod assets;
mod clearing;
mod client;
mod control_plane;
mod goldkeeper;
mod kubectl;
mod outage;
mod processes;
mod proxy;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub(super) use assets::loud;
pub(super) use client::{Answer, Client, RUNTIME};
pub(super) use goldkeeper::Policies;
pub(super) use kubectl::Seen;
pub(super) use outage::with_own_bench;

use super::objects::{self, names_of, path_of, vm};
use control_plane::ControlPlane;
use goldkeeper::Identity;
use processes::{Process, Processes};
use proxy::Proxy;

/// Where images are while the HyperConverged names no namespace: it is an OpenShift.
pub(super) const DEFAULT: &str = "openshift-virtualization-os-images";
/// Another golden namespace.
pub(super) const CUSTOM: &str = "gold-images";
/// Keeps an object from going away at once.
pub(super) const FINALIZER: &str = "tests.goldkeeper.io/hold";

const PROTECTED: &str = "openshift-cnv";
/// Virtual machines that were in the protected namespace before goldkeeper came.
const OLD_MACHINES: usize = 24;

/// A control plane with goldkeeper.
pub(super) struct Bench {
    pub(super) client: Client,
    pub(super) crds: PathBuf,
    identity: Identity,
    policies: Policies,
    goldkeeper: Option<Process>,
    webhooks: Webhooks,
    hyper_converged: Version,
    disturbed: bool,
    old_machines: Vec<String>,
    /// Where everything is that it was furnished with.
    furnished: BTreeSet<String>,
    proxy: Proxy,
    plane: ControlPlane,
    /// Of users.
    kubeconfig: PathBuf,
    /// Of goldkeeper: through the proxy.
    proxied: PathBuf,
    assets: PathBuf,
    desk: PathBuf,
    processes: Processes,
}

/// What is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Webhooks {
    None,
    /// As shipped.
    Ours,
    /// As shipped, but for the name of the mutating one.
    OursLast,
    /// What the policies that goldkeeper runs with need.
    OfItsPolicies,
}

/// The version in which the cluster keeps its HyperConverged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V1beta1,
}

/// The one bench of this process, put in order, for as long as the guard is held. `None`, said aloud, where no control
/// plane can be had.
pub(super) fn bench() -> Option<MutexGuard<'static, Bench>> {
    static BENCH: OnceLock<Option<Mutex<Bench>>> = OnceLock::new();
    let bench = BENCH.get_or_init(|| {
        let assets = assets::control_plane()?;
        Some(Mutex::new(Bench::start(assets)))
    });
    let shared = bench.as_ref()?;
    let lock = shared.lock();
    // A test that failed before this one left it as it was.
    let failed = lock.is_err();
    let mut bench = lock.unwrap_or_else(PoisonError::into_inner);
    if failed {
        bench.clear();
        shared.clear_poison();
    }
    bench.put_in_order();
    Some(bench)
}

pub(super) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of real CRDs and manifests, where there is one.
pub(super) fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("GOLDKEEPER_CORPUS")?;
    Some(std::path::absolute(folder).unwrap())
}

/// How long it takes until it is so; that it never is ends the test.
#[track_caller]
pub(super) fn until(what: &str, longest: Duration, mut so: impl FnMut() -> bool) -> Duration {
    let started = Instant::now();
    while !so() {
        assert!(started.elapsed() < longest, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
    started.elapsed()
}

pub(super) const LONG: Duration = Duration::from_secs(40);

pub(super) fn documents(text: &str) -> Vec<Value> {
    let options = serde_saphyr::options! {
        legacy_octal_numbers: true,
        budget: None,
    };
    serde_saphyr::from_multiple_with_options(text, options).unwrap()
}

impl Bench {
    fn start(assets: PathBuf) -> Self {
        let started = Instant::now();
        let processes = Processes::new();
        let desk = processes.folder.join("desk");
        std::fs::create_dir(&desk).unwrap();
        let plane = ControlPlane::start(&assets, &processes);
        let folder = &processes.folder;
        let kubeconfig = plane.write_kubeconfig(folder, "kubeconfig", plane.address);
        let proxy = Proxy::to(plane.address);
        let proxied = plane.write_kubeconfig(folder, "kubeconfig-of-goldkeeper", proxy.address);
        let crds = corpus().map(|corpus| corpus.join("crds"));
        let crds = crds.filter(|folder| folder.is_dir());
        let mut bench = Self {
            client: control_plane::client(&kubeconfig),
            crds: crds.unwrap_or_else(|| repository().join("tests/fixtures/crds")),
            identity: Identity::new(folder),
            policies: Policies::shipped(),
            goldkeeper: None,
            webhooks: Webhooks::None,
            hyper_converged: Version::V1,
            disturbed: false,
            old_machines: Vec::new(),
            furnished: BTreeSet::new(),
            proxy,
            plane,
            kubeconfig,
            proxied,
            assets,
            desk,
            processes,
        };
        bench.furnish();
        bench.run(Policies::shipped());
        let took = started.elapsed().as_secs_f32();
        loud(&format!(
            "control plane and goldkeeper ready after {took:.1} s"
        ));
        bench
    }

    /// CRDs, an example cluster, and virtual machines that were there before goldkeeper.
    fn furnish(&mut self) {
        let crds = self.crds.to_str().unwrap().to_owned();
        let openshift = repository().join("tests/fixtures/apiserver/openshift.yaml");
        let files = ["-f", &crds, "-f", openshift.to_str().unwrap()];
        let apply = ["apply", "--server-side"].iter().chain(&files).copied();
        self.kubectl_with(&apply.collect::<Vec<_>>()).succeeded();
        self.kubectl("wait --for=condition=Established crd --all --timeout=60s")
            .succeeded();
        self.put_cluster();
        self.put(&objects::hyper_converged(Version::V1));
        for number in 0..OLD_MACHINES {
            let name = format!("old-{number}");
            let mut machine = vm(PROTECTED, &name);
            machine["metadata"]["finalizers"] = json!([FINALIZER]);
            self.client.create(&machine).object();
            self.old_machines.push(name);
        }
        self.furnished = self.shared();
    }

    /// The example cluster.
    fn put_cluster(&self) {
        let cluster = repository().join("tests/fixtures/apiserver/cluster.yaml");
        for object in documents(&std::fs::read_to_string(cluster).unwrap()) {
            self.put(&object);
        }
    }

    /// Creates an object with its status.
    pub(super) fn put(&self, object: &Value) {
        // Kinds that are new are not served at once.
        until("the object is created", LONG, || {
            let answer = self.client.create(object);
            let created = answer.is_success() || answer.code == 409;
            assert!(
                created || matches!(answer.code, 404 | 500..),
                "{}: {}",
                answer.code,
                answer.message()
            );
            created
        });
        if let Some(status) = object.get("status") {
            let path = path_of(object, true);
            let answer = self
                .client
                .merge(&format!("{path}/status"), &json!({"status": status}));
            assert!(
                answer.is_success() || answer.code == 404,
                "{}",
                answer.message()
            );
        }
    }

    /// As every test finds it.
    pub(super) fn put_in_order(&mut self) {
        let disturbed = std::mem::take(&mut self.disturbed);
        self.proxy.mend();
        if self.hyper_converged != Version::V1 {
            self.install_hyper_converged(Version::V1);
        }
        self.set_golden_namespace(&Value::Null);
        if disturbed || self.goldkeeper.is_none() || self.policies != Policies::shipped() {
            self.run(Policies::shipped());
        }
        if self.webhooks != Webhooks::Ours {
            self.register(Webhooks::Ours);
        }
        until("everything is in order", LONG, || {
            self.filled_now().as_deref() == Some(DEFAULT) && self.is_refused_now()
        });
    }

    /// A namespace of this name, made if need be.
    pub(super) fn namespace<'n>(&self, name: &'n str) -> &'n str {
        self.put(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
        name
    }

    /// Where a virtual machine made now would get its disk from.
    pub(super) fn filled_now(&self) -> Option<String> {
        let answer = self.client.dry_run(&vm("demo", "probe"));
        names_of(&answer.body).remove(0)
    }

    pub(super) fn is_refused_now(&self) -> bool {
        self.client.dry_run(&vm(PROTECTED, "probe")).code == 403
    }

    /// The name of a virtual machine in `openshift-cnv` that was there before goldkeeper.
    pub(super) fn old_machine(&mut self) -> String {
        self.old_machines.pop().unwrap()
    }

    // goldkeeper

    /// (Re)starts goldkeeper with these policies.
    pub(super) fn run(&mut self, policies: Policies) {
        self.start_goldkeeper(&self.proxied.clone(), policies, &[]);
    }

    /// The same, with more arguments.
    pub(super) fn run_and(&mut self, policies: Policies, more: &[&str]) {
        self.disturbed = true;
        self.start_goldkeeper(&self.proxied.clone(), policies, more);
    }

    fn start_goldkeeper(&mut self, kubeconfig: &Path, policies: Policies, more: &[&str]) {
        self.goldkeeper = None;
        self.goldkeeper = Some(
            self.identity
                .start(&self.processes, kubeconfig, &policies, more),
        );
        self.policies = policies;
    }

    /// Restarts goldkeeper with these policies and a token, and with the rights of whose it is.
    pub(super) fn run_with_token(&mut self, token: &str, policies: Policies) {
        self.run_with_token_and(token, policies, &[]);
    }

    /// The same, with more arguments.
    pub(super) fn run_with_token_and(&mut self, token: &str, policies: Policies, more: &[&str]) {
        let folder = &self.processes.folder;
        let name = "kubeconfig-with-token";
        let users = [("somebody", token)];
        let kubeconfig = self
            .plane
            .write_kubeconfig_of(&users, folder, name, self.plane.address);
        self.disturbed = true;
        self.start_goldkeeper(&kubeconfig, policies, more);
    }

    pub(super) fn kill_goldkeeper(&mut self) {
        self.goldkeeper = None;
    }

    pub(super) fn goldkeeper_log(&self) -> String {
        self.goldkeeper.as_ref().map(Process::log).unwrap()
    }

    /// How many requests of a stage, `mutate` or `validate`, goldkeeper has answered.
    pub(super) fn answered(&self, stage: &str) -> u64 {
        self.metric(&format!(
            "goldkeeper_admission_requests_total{{stage=\"{stage}\""
        ))
    }

    /// Waits until goldkeeper has heard of every `DataSource`, or that it is gone.
    pub(super) fn until_boot_sources_are_known(&self) {
        until("goldkeeper knows the DataSources", LONG, || {
            let list = self.client.get("/apis/cdi.kubevirt.io/v1beta1/datasources");
            let there = list.object()["items"].as_array().unwrap().len() as u64;
            there == self.metric("goldkeeper_view_objects{kind=\"DataSource\"")
        });
    }

    /// What goldkeeper's plain port says, head and all.
    pub(super) fn plain(&self, path: &str) -> String {
        self.identity.http(path).unwrap()
    }

    /// What goldkeeper says on `/metrics`.
    pub(super) fn metrics(&self) -> String {
        self.identity.http("/metrics").unwrap()
    }

    /// The sum of the metrics that begin like this.
    pub(super) fn metric(&self, beginning: &str) -> u64 {
        let metrics = self.metrics();
        let lines = metrics.lines().filter(|line| line.starts_with(beginning));
        lines
            .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
            .sum()
    }

    // The wire between goldkeeper and the API server.

    pub(super) fn cut(&mut self) {
        self.disturbed = true;
        self.proxy.cut();
    }

    pub(super) fn stall(&mut self) {
        self.disturbed = true;
        self.proxy.stall();
    }

    pub(super) fn mend(&self) {
        self.proxy.mend();
    }

    // Webhooks

    /// Registers the webhooks, and waits until the API server goes by it; for that, goldkeeper must be running with the
    /// shipped policies, or with others that do the same to the probes.
    pub(super) fn register(&mut self, webhooks: Webhooks) {
        for object in &self.configurations(&Policies::shipped()) {
            let path = path_of(object, true);
            self.client.delete(&path);
            let collection = path.rsplit_once('/').unwrap().0;
            self.client.delete(&format!("{collection}/{LAST}"));
        }
        let mut objects = match webhooks {
            Webhooks::None => Vec::new(),
            Webhooks::Ours | Webhooks::OursLast => self.configurations(&Policies::shipped()),
            Webhooks::OfItsPolicies => self.configurations(&self.policies),
        };
        if webhooks == Webhooks::OursLast {
            objects[0]["metadata"]["name"] = json!(LAST);
        }
        if !objects.is_empty() {
            let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
            self.write("webhooks.yaml", &list);
            self.kubectl("apply -f webhooks.yaml").succeeded();
        }
        self.webhooks = webhooks;
        let ours = webhooks != Webhooks::None;
        until("the API server goes by the webhooks", LONG, || {
            self.filled_now().is_some() == ours && self.is_refused_now() == ours
        });
    }

    /// What `goldkeeper webhook-config` prints for policies.
    fn configurations(&self, policies: &Policies) -> Vec<Value> {
        let output = Command::new(env!("CARGO_BIN_EXE_goldkeeper"))
            .arg("webhook-config")
            .arg("--policies")
            .arg(&policies.folder)
            .args([
                "--url",
                &format!("https://127.0.0.1:{}", self.identity.port),
            ])
            .arg("--ca-bundle")
            .arg(&self.identity.certificate)
            .output()
            .unwrap();
        assert!(output.status.success());
        documents(&String::from_utf8(output.stdout).unwrap())
    }

    // The HyperConverged

    /// What the console does: a value, or null to go back to the default.
    pub(super) fn set_golden_namespace(&self, namespace: &Value) {
        let field = json!({"commonBootImageNamespace": namespace});
        let spec = match self.hyper_converged {
            Version::V1 => json!({"workloadSources": field}),
            Version::V1beta1 => field,
        };
        let object = objects::hyper_converged(self.hyper_converged);
        self.client
            .merge(&path_of(&object, true), &json!({"spec": spec}))
            .object();
    }

    /// Takes the CRD away with the object, and puts it back: for v1beta1 as it was before there was a v1.
    pub(super) fn install_hyper_converged(&mut self, version: Version) {
        let mut crd = self.hyper_converged_crd();
        if version == Version::V1beta1 {
            let versions = crd["spec"]["versions"].as_array_mut().unwrap();
            versions.retain(|version| version["name"] == "v1beta1");
            versions[0]["storage"] = json!(true);
        }
        self.replace_hyper_converged(&crd, version);
    }

    fn hyper_converged_crd(&self) -> Value {
        let file = self.crds.join("hyperconvergeds.hco.kubevirt.io.yaml");
        documents(&std::fs::read_to_string(file).unwrap()).remove(0)
    }

    fn replace_hyper_converged(&mut self, crd: &Value, version: Version) {
        let path = path_of(crd, true);
        self.client.delete(&path);
        until("the CRD is gone", LONG, || {
            self.client.get(&path).code == 404
        });
        self.hyper_converged = version;
        self.client.create(crd).object();
        self.put(&objects::hyper_converged(version));
    }

    // For those who look closer

    pub(super) fn audit_log(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.plane.audit_log).unwrap();
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Kubeconfig of the administrator.
    pub(super) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A folder for files of a test.
    pub(super) fn desk(&self) -> &Path {
        &self.desk
    }

    /// Where the API server calls goldkeeper.
    pub(super) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.identity.port))
    }

    /// The port of that address.
    pub(super) fn port(&self) -> String {
        self.identity.port.to_string()
    }

    /// The plain port of goldkeeper on an address of this machine, as if it were that of a pod.
    pub(super) fn plain_port_at(&self, address: IpAddr) -> u16 {
        let upstream = SocketAddr::from(([127, 0, 0, 1], self.identity.metrics_port));
        Proxy::at(address, upstream).address.port()
    }

    /// Certificate and key of goldkeeper, for the stand-in of another webhook on this machine.
    pub(super) fn pair(&self) -> (&Path, &Path) {
        (&self.identity.certificate, &self.identity.key)
    }
}

/// A name for our mutating configuration that puts it behind everybody else's.
const LAST: &str = "zz-goldkeeper";
