//! etcd and kube-apiserver.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::KeyPair;
use serde_json::{Value, json};

use super::client::{Client, RUNTIME};
use super::processes::{Process, Processes, free_port};

/// Who may ask: user, token, groups.
const USERS: [(&str, &str, &str); 2] = [
    ("admin", "token-of-admin", "system:masters"),
    ("alice", "token-of-alice", "system:authenticated"),
];

/// Everything that goldkeeper itself asks for where it runs as its own service account or one of a test, and the
/// requests on what it judges, with what it noted.
const AUDIT_POLICY: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  users: [system:serviceaccount:goldkeeper:goldkeeper, system:serviceaccount:demo:events]
- level: Metadata
  verbs: [create, update, patch]
  resources:
  - group: kubevirt.io
  - group: cdi.kubevirt.io
- level: None
";

pub(super) struct ControlPlane {
    pub(super) address: SocketAddr,
    pub(super) audit_log: PathBuf,
    certificate: PathBuf,
    assets: PathBuf,
    /// What kube-apiserver is started with.
    arguments: Vec<String>,
    etcd_port: u16,
    etcd: Option<Process>,
    apiserver: Option<Process>,
}

impl ControlPlane {
    pub(super) fn start(assets: &Path, processes: &Processes) -> Self {
        let folder = &processes.folder;
        let etcd_port = free_port();
        let etcd = start_etcd(assets, processes, etcd_port);
        let keys = KeyPair::generate().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let private = write("service-accounts.key", &keys.serialize_pem());
        let public = write("service-accounts.pub", &keys.public_key_pem());
        let tokens =
            USERS.map(|(user, token, groups)| format!("{token},{user},{user},\"{groups}\""));
        let tokens = write("tokens.csv", &tokens.join("\n"));
        let audit_policy = write("audit-policy.yaml", AUDIT_POLICY);
        let audit_log = folder.join("audit.log");
        let certificates = folder.join("apiserver");
        let port = free_port();
        let flag = |name: &str, path: &Path| format!("--{name}={}", path.display());
        let arguments = vec![
            format!("--etcd-servers=http://127.0.0.1:{etcd_port}"),
            "--bind-address=127.0.0.1".to_owned(),
            "--advertise-address=127.0.0.1".to_owned(),
            format!("--secure-port={port}"),
            flag("cert-dir", &certificates),
            flag("token-auth-file", &tokens),
            "--authorization-mode=RBAC".to_owned(),
            "--disable-admission-plugins=ServiceAccount".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            flag("service-account-key-file", &public),
            flag("service-account-signing-key-file", &private),
            "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
            flag("audit-policy-file", &audit_policy),
            flag("audit-log-path", &audit_log),
        ];
        let mut plane = Self {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            audit_log,
            certificate: certificates.join("apiserver.crt"),
            assets: assets.to_owned(),
            arguments,
            etcd_port,
            etcd: Some(etcd),
            apiserver: None,
        };
        plane.start_apiserver(processes, &[]);
        plane
    }

    /// Starts kube-apiserver, with more arguments if need be, and waits until it is ready.
    pub(super) fn start_apiserver(&mut self, processes: &Processes, more: &[&str]) {
        let mut command = Command::new(self.assets.join("kube-apiserver"));
        command.args(&self.arguments).args(more);
        let apiserver = processes.start("kube-apiserver", &mut command);
        let apiserver = self.apiserver.insert(apiserver);
        apiserver
            .await_ready(|| std::fs::metadata(&self.certificate).is_ok_and(|file| file.len() > 0));
        let kubeconfig = self.write_kubeconfig(&processes.folder, "kubeconfig", self.address);
        let client = client(&kubeconfig);
        let is_ready = || {
            let answer = RUNTIME.block_on(client.send("GET", "/readyz", None));
            answer.is_ok_and(|answer| answer.code == 200)
        };
        if let Some(apiserver) = &mut self.apiserver {
            apiserver.await_ready(is_ready);
        }
    }

    /// Kills kube-apiserver, as nothing can prepare for.
    pub(super) fn kill_apiserver(&mut self) {
        self.apiserver = None;
    }

    /// etcd comes back with nothing in it: its revisions begin anew. kube-apiserver must not be running.
    pub(super) fn empty_etcd(&mut self, processes: &Processes) {
        assert!(self.apiserver.is_none());
        self.etcd = None;
        std::fs::remove_dir_all(data_of_etcd(processes)).unwrap();
        self.etcd = Some(start_etcd(&self.assets, processes, self.etcd_port));
    }

    /// Asks etcd's gateway for JSON.
    pub(super) fn etcd(&self, path: &str, question: &Value) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.etcd_port)).unwrap();
        let body = question.to_string();
        let length = body.len();
        write!(
            stream,
            "POST {path} HTTP/1.0\r\nhost: etcd\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{path}: {answer}");
        serde_json::from_str(body).unwrap()
    }

    /// Writes how the API server is reached at an address, with a context a user.
    pub(super) fn write_kubeconfig(
        &self,
        folder: &Path,
        name: &str,
        address: SocketAddr,
    ) -> PathBuf {
        let users = USERS.map(|(user, token, _)| (user, token));
        self.write_kubeconfig_of(&users, folder, name, address)
    }

    /// The same for these users and their tokens; the first one is the current one.
    pub(super) fn write_kubeconfig_of(
        &self,
        users: &[(&str, &str)],
        folder: &Path,
        name: &str,
        address: SocketAddr,
    ) -> PathBuf {
        let current = users[0].0;
        let authority = STANDARD.encode(std::fs::read(&self.certificate).unwrap());
        let cluster = json!({
            "server": format!("https://{address}"),
            "certificate-authority-data": authority,
        });
        let contexts = users
            .iter()
            .map(|(user, _)| json!({"name": user, "context": {"cluster": "local", "user": user}}));
        let contexts: Vec<_> = contexts.collect();
        let users = users.iter();
        let users: Vec<_> = users
            .map(|(user, token)| json!({"name": user, "user": {"token": token}}))
            .collect();
        let kubeconfig = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "local", "cluster": cluster}],
            "users": users,
            "contexts": contexts,
            "current-context": current,
        });
        let path = folder.join(name);
        std::fs::write(&path, kubeconfig.to_string()).unwrap();
        path
    }
}

pub(super) fn client(kubeconfig: &Path) -> Client {
    let client = RUNTIME.block_on(goldkeeper::watch::client(Some(kubeconfig), None));
    Client(client.unwrap())
}

fn data_of_etcd(processes: &Processes) -> PathBuf {
    processes.folder.join("etcd")
}

fn start_etcd(assets: &Path, processes: &Processes, port: u16) -> Process {
    let url = format!("http://127.0.0.1:{port}");
    let peer = format!("http://127.0.0.1:{}", free_port());
    let mut etcd = processes.start(
        "etcd",
        Command::new(assets.join("etcd")).args([
            format!("--data-dir={}", data_of_etcd(processes).display()),
            format!("--listen-client-urls={url}"),
            format!("--advertise-client-urls={url}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster=default={peer}"),
            "--unsafe-no-fsync".to_owned(),
            "--log-level=warn".to_owned(),
        ]),
    );
    etcd.await_ready(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
    etcd
}
