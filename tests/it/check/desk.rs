//! A folder of its own in which `goldkeeper check` runs.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use crate::support::seen::Seen;
use crate::support::serving::goldkeeper;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Its boot source is named without a namespace.
pub(super) const GOLDEN_VM: &str = "\
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata:
  name: web
  namespace: demo # of a tenant
spec:
  runStrategy: Halted
  dataVolumeTemplates:
  - metadata:
      name: web-root
    spec:
      sourceRef:
        kind: DataSource
        name: rhel9
      storage: {resources: {requests: {storage: 30Gi}}}
";

pub(super) fn vm(namespace: &str, name: &str) -> String {
    format!(
        "apiVersion: kubevirt.io/v1\nkind: VirtualMachine\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{}}\n"
    )
}

pub(super) fn pod(name: &str) -> String {
    format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\n")
}

pub(super) struct Desk(tempfile::TempDir);

/// The digest changes with every comment in the policies.
fn seen(output: Output) -> Seen {
    let mut seen = Seen::of(output);
    let digests: Vec<String> = seen
        .stdout
        .match_indices("sha256:")
        .map(|(at, _)| seen.stdout[at..at + 15].to_owned())
        .collect();
    for digest in digests {
        seen.stdout = seen.stdout.replace(&digest, "sha256:…");
    }
    seen
}

impl Desk {
    pub(super) fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let cluster = Path::new(ROOT).join("examples/cluster.yaml");
        std::fs::copy(cluster, desk.path("cluster.yaml")).unwrap();
        desk
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(super) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The one policy of the folder `policies`.
    pub(super) fn policy(&self, more: &str) {
        let text = format!(
            "apiVersion: goldkeeper.io/v1\nkind: ProtectedNamespaces\nmetadata: {{name: p}}\nspec:\n  validationActions: \
             [Deny]\n  parameters: {{namespaces: ['openshift-*']}}\n  {more}"
        );
        self.write("policies/p.yaml", &text);
    }

    /// With the shipped policies and the example cluster.
    pub(super) fn check(&self, arguments: &[&str]) -> Seen {
        self.run_bare(&[&["--cluster-from", "cluster.yaml"], arguments].concat())
    }

    /// With the example cluster unless another is named.
    pub(super) fn run(&self, arguments: &[&str]) -> Seen {
        if arguments.contains(&"--cluster-from") {
            return self.run_bare(arguments);
        }
        self.check(arguments)
    }

    pub(super) fn run_bare(&self, arguments: &[&str]) -> Seen {
        seen(self.command(arguments).output().unwrap())
    }

    /// With a standard output that nobody reads.
    pub(super) fn unread(&self, arguments: &[&str]) -> Seen {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = self.command(&[&["--cluster-from", "cluster.yaml"], arguments].concat());
        seen(command.stdout(writer).output().unwrap())
    }

    /// With a text as standard input.
    pub(super) fn pipe(&self, text: &str, arguments: &[&str]) -> Seen {
        let mut command = self.command(&[&["--cluster-from", "cluster.yaml"], arguments].concat());
        let pipes = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        seen(child.wait_with_output().unwrap())
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = goldkeeper(&["check"]);
        if !arguments.contains(&"--policies") {
            command
                .arg("--policies")
                .arg(Path::new(ROOT).join("policies"));
        }
        command.args(arguments).current_dir(self.0.path());
        command
    }
}
