//! The transcript of `policies/README.md`: every command is run, and says what is written there.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::files;

const README: &str = "policies/README.md";
/// Where the transcript speaks to goldkeeper.
const WRITTEN: &str = "127.0.0.1:9090";

/// A folder with the files that an administrator has, a port, and what runs in the background.
struct Desk {
    folder: tempfile::TempDir,
    address: String,
    background: Vec<Child>,
}

impl Desk {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = tempfile::tempdir().unwrap();
        let copied = files::below(root.join("policies"), "yaml")
            .into_iter()
            .map(|file| file.strip_prefix(root).unwrap().to_owned())
            .chain(["deploy/base/webhooks.yaml", "examples/cluster.yaml"].map(Into::into));
        for file in copied {
            let to = folder.path().join(&file);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(root.join(file), to).unwrap();
        }
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        Self {
            folder,
            address: free.local_addr().unwrap().to_string(),
            background: Vec::new(),
        }
    }

    fn shell(&self, command: &str) -> Command {
        let program = Path::new(env!("CARGO_BIN_EXE_goldkeeper"));
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", program.parent().unwrap().display());
        let mut shell = Command::new("bash");
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GOLDKEEPER_")) {
            shell.env_remove(name);
        }
        shell
            .args(["-c", command])
            .current_dir(self.folder.path())
            .env("PATH", path)
            .env("GOLDKEEPER_LISTEN", "127.0.0.1:0")
            .env("GOLDKEEPER_METRICS_LISTEN", &self.address)
            .stdin(Stdio::null());
        shell
    }

    /// What a command says.
    fn run(&mut self, command: &str) -> String {
        let command = command.replace(WRITTEN, &self.address);
        if let Some(command) = command.strip_suffix(" &") {
            let child = self.shell(&format!("exec {command}")).spawn();
            self.background.push(child.unwrap());
            return String::new();
        }
        let output = self.shell(&format!("{{ {command}; }} 2>&1")).output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        let text = text.replace(&self.address, WRITTEN);
        let mut lines = String::new();
        for line in text.lines() {
            let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
            let is_time = first.parse::<jiff::Timestamp>().is_ok();
            let first = if is_time {
                "2027-01-05T03:00:00.000000Z"
            } else {
                first
            };
            let separator = if line.contains(' ') { " " } else { "" };
            writeln!(lines, "{first}{separator}{rest}").unwrap();
        }
        lines
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        for child in &mut self.background {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What goldkeeper says after a while: a change is seen within a second, on a busy machine later.
fn is_awaited(command: &str) -> bool {
    command.starts_with("curl ") || command.starts_with("grep ")
}

#[test]
fn the_transcript_of_the_readme_is_what_happens() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(README);
    let written = fs::read_to_string(&path).unwrap();
    let update = std::env::var_os("UPDATE").is_some();
    let mut desk = Desk::new();
    let mut happened = String::new();
    let mut lines = written.lines().peekable();
    let mut commands = 0;
    while let Some(line) = lines.next() {
        happened.extend([line, "\n"]);
        if line != "```console" {
            continue;
        }
        while let Some(line) = lines.next_if(|line| *line != "```") {
            let command = line
                .strip_prefix("$ ")
                .expect("a block begins with a command");
            let mut expected = String::new();
            while let Some(line) = lines.next_if(|line| !line.starts_with("$ ") && *line != "```") {
                expected.extend([line, "\n"]);
            }
            if update && is_awaited(command) {
                sleep(Duration::from_secs(4));
            }
            let started = Instant::now();
            let mut said = desk.run(command);
            while !update
                && is_awaited(command)
                && said != expected
                && started.elapsed() < Duration::from_secs(20)
            {
                sleep(Duration::from_millis(200));
                said = desk.run(command);
            }
            commands += 1;
            write!(happened, "$ {command}\n{said}").unwrap();
        }
    }
    assert!(commands > 10, "{commands}");
    if update {
        fs::write(path, happened).unwrap();
        return;
    }
    let changes = similar::TextDiff::from_lines(&written, &happened);
    assert!(
        written == happened,
        "{README} is stale: run `UPDATE=1 cargo test transcript`, read it and commit it\n{}",
        changes.unified_diff()
    );
}
