//! Processes that never outlive the tests.

use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Ends what is left when this process is gone, however it went: its standard input then comes to an end. It stands
/// aside from the terminal's Ctrl-C, so that it is there to clear up after one.
const UNDERTAKER: &str = r#"
trap '' INT TERM HUP
pids=' '
while read -r what pid; do
  case $what in
    watch) pids="$pids$pid " ;;
    forget) pids="${pids%%" $pid "*} ${pids#*" $pid "}" ;;
  esac
done
[ "$pids" = ' ' ] || kill -9 $pids 2>/dev/null
sleep 0.2
rm -rf -- "$0"
"#;

/// Starts processes in a folder of their own, for their logs and files.
pub(super) struct Processes {
    pub(super) folder: PathBuf,
    undertaker: Arc<Mutex<Child>>,
}

/// A running process.
pub(super) struct Process {
    child: Child,
    log: PathBuf,
    undertaker: Arc<Mutex<Child>>,
}

impl Processes {
    pub(super) fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("goldkeeper-apiserver-")
            .tempdir()
            .unwrap()
            .keep();
        let undertaker = Command::new("sh")
            .args(["-c", UNDERTAKER])
            .arg(&folder)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            folder,
            undertaker: Arc::new(Mutex::new(undertaker)),
        }
    }

    pub(super) fn start(&self, name: &str, command: &mut Command) -> Process {
        let log = self.folder.join(format!("{name}.log"));
        let out = File::create(&log).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stderr(out.try_clone().unwrap())
            .stdout(out)
            .spawn()
            .unwrap_or_else(|error| panic!("can't start {name}: {error}"));
        let process = Process {
            child,
            log,
            undertaker: self.undertaker.clone(),
        };
        process.tell_undertaker("watch");
        process
    }
}

impl Process {
    /// Waits until it is ready; if it ends before that, or takes too long, with its last words.
    pub(super) fn await_ready(&mut self, mut ready: impl FnMut() -> bool) {
        let started = Instant::now();
        while !ready() {
            let ended = self.child.try_wait().unwrap();
            let late = started.elapsed() > Duration::from_mins(1);
            assert!(
                ended.is_none() && !late,
                "{} {}:\n{}",
                self.log.display(),
                if late { "is not ready" } else { "ended" },
                last_lines(&self.log)
            );
            std::thread::sleep(Duration::from_millis(25));
        }
    }

    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    fn tell_undertaker(&self, what: &str) {
        let mut undertaker = self.undertaker.lock().unwrap();
        let stdin = undertaker.stdin.as_mut().unwrap();
        let _ = writeln!(stdin, "{what} {}", self.child.id());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The undertaker first: once the process is waited for, its number may be another one's.
        self.tell_undertaker("forget");
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn last_lines(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// A port that nothing listens on.
pub(super) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}
