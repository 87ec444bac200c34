//! The servers under test, each in a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

/// A process that ends with this value.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Resident memory in MiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Now.
    pub(crate) now: f64,
    /// The most there ever was.
    pub(crate) peak: f64,
}

/// What becomes of a server's log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Log {
    /// It goes to /dev/null.
    #[default]
    Null,
    /// It goes through a pipe that a thread of the bench reads, as a container runtime would.
    Pipe,
}

impl Running {
    /// Starts a process whose output nobody wants.
    pub(crate) fn quiet(command: &mut Command) -> Result<Self> {
        let program = command.get_program().to_owned();
        let command = command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.stderr(Stdio::null()).spawn();
        Ok(Self(child.with_context(|| {
            format!("can't start {}", program.display())
        })?))
    }

    /// Starts a server and waits until it says on which address it listens: the first `https://` on its standard output.
    pub(crate) fn server(command: &mut Command, log: Log) -> Result<(Self, SocketAddr)> {
        let program = command.get_program().to_owned();
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let command = command.stderr(match log {
            Log::Null => Stdio::null(),
            Log::Pipe => Stdio::piped(),
        });
        let mut child = command
            .spawn()
            .with_context(|| format!("can't start {}", program.display()))?;
        let output = child.stdout.take();
        if let Some(mut errors) = child.stderr.take() {
            std::thread::spawn(move || {
                let mut buffer = vec![0; 64 * 1024];
                while errors.read(&mut buffer).is_ok_and(|count| count > 0) {}
            });
        }
        let running = Self(child);
        let mut output = BufReader::new(output.context("no standard output")?);
        let mut line = String::new();
        while output.read_line(&mut line)? > 0 {
            let address = line.split_once("https://").and_then(|(_, rest)| {
                let end = rest.find(|c: char| c.is_whitespace());
                rest.get(..end?)?.parse().ok()
            });
            if let Some(address) = address {
                std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
                return Ok((running, address));
            }
            line.clear();
        }
        anyhow::bail!(
            "{} ended without listening; run it by hand to see why",
            program.display()
        )
    }

    /// The processor time that the process has taken so far: unlike throughput it hardly depends on what else the machine
    /// does.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let mut nanos = 0;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.0.id()))? {
            let schedule = std::fs::read_to_string(task?.path().join("schedstat"))?;
            let first = schedule.split_whitespace().next();
            nanos += first.context("an empty schedstat")?.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// What the process takes of memory.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let field = |name: &str| -> Option<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kibibytes: f64 = line.split_whitespace().next()?.parse().ok()?;
            Some(kibibytes / 1024.0)
        };
        Ok(Memory {
            now: field("VmRSS:").context("no VmRSS")?,
            peak: field("VmHWM:").context("no VmHWM")?,
        })
    }
}

/// A certificate for 127.0.0.1 and its key, in PEM files.
pub(crate) struct Pair {
    /// The certificate.
    pub(crate) certificate: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
    /// The certificate, as text.
    pub(crate) pem: String,
}

impl Pair {
    /// Makes one.
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        let key = rcgen::KeyPair::generate()?;
        let params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
        let pem = params.self_signed(&key)?.pem();
        let pair = Self {
            certificate: folder.join("tls.crt"),
            key: folder.join("tls.key"),
            pem,
        };
        std::fs::write(&pair.certificate, &pair.pem)?;
        std::fs::write(&pair.key, key.serialize_pem())?;
        Ok(pair)
    }

    /// The floor, in a process of its own.
    pub(crate) fn floor(&self) -> Result<(Running, SocketAddr)> {
        let mut command = Command::new(std::env::current_exe()?);
        let command = command.arg("floor").arg(&self.certificate).arg(&self.key);
        Running::server(command, Log::Null)
    }

    /// goldkeeper with the shipped policies, on free ports; `cluster` are the arguments that say which.
    pub(crate) fn goldkeeper(
        &self,
        cluster: [&Path; 2],
        log: Log,
    ) -> Result<(Running, SocketAddr)> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_goldkeeper"));
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(["--metrics-listen", "127.0.0.1:0", "--policies", "policies"])
            .arg("--tls-cert")
            .arg(&self.certificate)
            .arg("--tls-key")
            .arg(&self.key)
            .args(cluster)
            .env_remove("GOLDKEEPER_LOG");
        Running::server(&mut command, log)
    }
}
