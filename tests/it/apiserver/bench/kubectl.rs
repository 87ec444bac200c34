//! What users type, and what they see.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::Bench;
pub(in super::super) use crate::support::seen::Seen;

impl Bench {
    /// Runs kubectl as the administrator in a folder that holds what was written there.
    pub(in super::super) fn kubectl(&self, line: &str) -> Seen {
        self.kubectl_with(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// Runs kubectl with goldkeeper as its plugin, as `goldkeeper completions --help` says to install it.
    pub(in super::super) fn kubectl_with_plugin(&self, arguments: &[&str]) -> Seen {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = self.desk.join("plugins");
        if !folder.exists() {
            std::fs::create_dir(&folder).unwrap();
            let program = env!("CARGO_BIN_EXE_goldkeeper");
            symlink(program, folder.join("kubectl-goldkeeper")).unwrap();
            let script = self
                .goldkeeper(&["completions", "kubectl"])
                .succeeded()
                .stdout;
            let file = folder.join("kubectl_complete-goldkeeper");
            std::fs::write(&file, script).unwrap();
            std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
        }
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new(self.assets.join("kubectl"));
        command.env("PATH", format!("{}:{path}", folder.display()));
        self.run_command(&mut command, &self.kubeconfig, arguments)
    }

    /// Runs kubectl for what is not to be shown.
    pub(in super::super) fn secret(&self, line: &str) -> String {
        let seen = self.quietly(&line.split_whitespace().collect::<Vec<_>>());
        seen.succeeded().stdout.trim().to_owned()
    }

    pub(in super::super) fn kubectl_with(&self, arguments: &[&str]) -> Seen {
        let seen = self.quietly(arguments);
        let shown = arguments.iter().map(|argument| {
            if argument.starts_with("--token=") {
                "--token=..."
            } else {
                argument
            }
        });
        eprintln!("$ kubectl {}", shown.collect::<Vec<_>>().join(" "));
        let long = seen.stdout.lines().count() > 5;
        eprint!("{}", if long { "" } else { &*seen.stdout });
        eprint!("{}", seen.stderr);
        seen
    }

    /// Runs goldkeeper as the administrator.
    pub(in super::super) fn goldkeeper(&self, arguments: &[&str]) -> Seen {
        self.show_goldkeeper(&self.kubeconfig, arguments)
    }

    /// Runs goldkeeper as a user that the administrator takes the part of.
    pub(in super::super) fn goldkeeper_as(&self, user: &str, arguments: &[&str]) -> Seen {
        let text = std::fs::read_to_string(&self.kubeconfig).unwrap();
        let mut config: Value = serde_saphyr::from_str(&text).unwrap();
        for entry in config["users"].as_array_mut().unwrap() {
            entry["user"]["as"] = user.into();
        }
        let file = self.desk.join(format!("kubeconfig-of-{user}"));
        std::fs::write(&file, config.to_string()).unwrap();
        self.show_goldkeeper(&file, arguments)
    }

    fn show_goldkeeper(&self, kubeconfig: &Path, arguments: &[&str]) -> Seen {
        let mut command = Command::new(env!("CARGO_BIN_EXE_goldkeeper"));
        let seen = self.run_command(&mut command, kubeconfig, arguments);
        eprintln!("$ goldkeeper {}", arguments.join(" "));
        eprint!("{}", seen.stderr);
        seen
    }

    pub(in super::super) fn quietly(&self, arguments: &[&str]) -> Seen {
        let mut command = Command::new(self.assets.join("kubectl"));
        self.run_command(&mut command, &self.kubeconfig, arguments)
    }

    fn run_command(&self, command: &mut Command, kubeconfig: &Path, arguments: &[&str]) -> Seen {
        let output = command
            .args(arguments)
            .current_dir(&self.desk)
            .env("KUBECONFIG", kubeconfig)
            .env("KUBECACHEDIR", self.processes.folder.join("kubectl-cache"))
            .env("KUBERC", "off")
            .env_remove("KUBECTL_EXTERNAL_DIFF")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Seen::of(output)
    }

    /// Writes a manifest where kubectl runs.
    pub(in super::super) fn write(&self, name: &str, object: &Value) {
        let text = serde_saphyr::to_string(object).unwrap();
        std::fs::write(self.desk.join(name), text).unwrap();
    }

    /// Puts one of the shipped examples where kubectl runs.
    pub(in super::super) fn example(&self, name: &str) {
        let example = super::repository().join("examples").join(name);
        std::fs::copy(example, self.desk.join(name)).unwrap();
    }
}
