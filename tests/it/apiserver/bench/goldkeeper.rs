//! goldkeeper as a process of its own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{CertificateParams, KeyPair};

use super::processes::{Process, Processes, free_port};

/// Where it listens, and as whom.
pub(super) struct Identity {
    pub(super) port: u16,
    pub(super) metrics_port: u16,
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl Identity {
    pub(super) fn new(folder: &Path) -> Self {
        let key = KeyPair::generate().unwrap();
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let params = CertificateParams::new(names).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let identity = Self {
            port: free_port(),
            metrics_port: free_port(),
            certificate: folder.join("goldkeeper.crt"),
            key: folder.join("goldkeeper.key"),
        };
        std::fs::write(&identity.certificate, certificate.pem()).unwrap();
        std::fs::write(&identity.key, key.serialize_pem()).unwrap();
        identity
    }

    /// Starts goldkeeper and waits until it is ready.
    pub(super) fn start(
        &self,
        processes: &Processes,
        kubeconfig: &Path,
        policies: &Policies,
        more: &[&str],
    ) -> Process {
        let mut process = self.begin(processes, kubeconfig, policies, more);
        process.await_ready(|| self.is_ready());
        process
    }

    /// Whether it says that it is ready.
    pub(super) fn is_ready(&self) -> bool {
        self.http("/readyz")
            .is_some_and(|text| text.contains(" 200 "))
    }

    /// Starts goldkeeper.
    pub(super) fn begin(
        &self,
        processes: &Processes,
        kubeconfig: &Path,
        policies: &Policies,
        more: &[&str],
    ) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_goldkeeper"));
        command
            .arg("serve")
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .arg("--policies")
            .arg(&policies.folder)
            .arg("--tls-cert")
            .arg(&self.certificate)
            .arg("--tls-key")
            .arg(&self.key)
            .args(["--listen", &format!("127.0.0.1:{}", self.port)])
            .args([
                "--metrics-listen",
                &format!("127.0.0.1:{}", self.metrics_port),
            ])
            .args(more)
            .env(
                "GOLDKEEPER_LOG",
                "info,kube_client=off,goldkeeper::watch=debug",
            );
        if policies.none {
            command.arg("--allow-no-policies");
        }
        processes.start("goldkeeper", &mut command)
    }

    /// What the plain port says, head and all; `None` if nobody is there.
    pub(super) fn http(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.metrics_port)).ok()?;
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        Some(text)
    }
}

/// A folder of policies to start with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Policies {
    pub(in super::super) folder: PathBuf,
    none: bool,
}

impl Policies {
    pub(in super::super) fn shipped() -> Self {
        Self {
            folder: super::repository().join("policies"),
            none: false,
        }
    }

    /// Those of a folder.
    pub(in super::super) fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            none: false,
        }
    }

    /// The shipped kinds, bound to a namespace that does not exist.
    pub(in super::super) fn for_nobody(folder: &Path) -> Self {
        let folder = folder.join("policies-for-nobody");
        std::fs::create_dir_all(&folder).unwrap();
        let text = "\
apiVersion: goldkeeper.io/v1
kind: ProtectedNamespaces
metadata: {name: nowhere}
spec:
  validationActions: [Deny]
  parameters: {namespaces: [no-such-namespace]}
---
apiVersion: goldkeeper.io/v1
kind: BootSourceNamespace
metadata: {name: nowhere}
spec:
  validationActions: [Warn]
  match: {namespaces: [no-such-namespace]}
";
        std::fs::write(folder.join("nowhere.yaml"), text).unwrap();
        Self {
            folder,
            none: false,
        }
    }

    /// The shipped ones, but for one file that says something else.
    pub(in super::super) fn but(folder: &Path, file: &str, text: &str) -> Self {
        let folder = folder.join(format!("policies-but-{file}"));
        std::fs::create_dir_all(&folder).unwrap();
        for shipped in std::fs::read_dir(super::repository().join("policies")).unwrap() {
            let shipped = shipped.unwrap();
            std::fs::copy(shipped.path(), folder.join(shipped.file_name())).unwrap();
        }
        std::fs::write(folder.join(file), text).unwrap();
        Self {
            folder,
            none: false,
        }
    }

    /// One policy file of its own.
    pub(in super::super) fn of(folder: &Path, name: &str, text: &str) -> Self {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("policy.yaml"), text).unwrap();
        Self {
            folder,
            none: false,
        }
    }

    /// An empty folder.
    pub(in super::super) fn none(folder: &Path) -> Self {
        let folder = folder.join("no-policies");
        std::fs::create_dir_all(&folder).unwrap();
        Self { folder, none: true }
    }
}
