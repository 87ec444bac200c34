//! Commands that count, on clusters of any size: against a count that uses none of their code, and within their memory.
//! `GOLDKEEPER_LONG=1` takes a hundred thousand virtual machines.

#![allow(clippy::print_stdout, reason = "time and memory are there to be read")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::estate::{GOLD, IMAGE_BYTES, Image, PROTECTED, Size, image};

const SMALL: Size = Size {
    machines: 4_000,
    namespaces: 200,
    images: 50,
};
const LARGE: Size = Size {
    machines: 100_000,
    namespaces: 5_000,
    images: 50,
};
/// What a command may take at its peak, in KiB.
const MEMORY: u64 = 256 * 1024;

fn size() -> Size {
    if std::env::var_os("GOLDKEEPER_LONG").is_some() {
        LARGE
    } else {
        SMALL
    }
}

/// What a command printed, and its peak in KiB.
struct Ran {
    stdout: String,
    code: i32,
    peak: u64,
}

/// Runs goldkeeper and looks at its memory all the while. `GOLDKEEPER_BINARY` takes another build.
fn run(arguments: &[&str]) -> Ran {
    let binary = std::env::var_os("GOLDKEEPER_BINARY").map_or_else(
        || PathBuf::from(env!("CARGO_BIN_EXE_goldkeeper")),
        PathBuf::from,
    );
    let out = tempfile::NamedTempFile::new().unwrap();
    let start = Instant::now();
    let mut child = Command::new(binary)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(out.reopen().unwrap())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let ended = loop {
        // The kernel keeps the peak itself; only the last moments of the process can be missed.
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let seen = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let seen = seen.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak = peak.max(seen.unwrap_or_default());
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    println!(
        "goldkeeper {}: {:.1} s, {} MiB at its peak",
        arguments.join(" "),
        start.elapsed().as_secs_f64(),
        peak / 1024
    );
    Ran {
        stdout: std::fs::read_to_string(out.path()).unwrap(),
        code: ended.code().unwrap(),
        peak,
    }
}

fn json(arguments: &[&str]) -> Value {
    let ran = run(arguments);
    assert!(ran.peak <= MEMORY, "{} KiB", ran.peak);
    serde_json::from_str(&ran.stdout).unwrap()
}

fn written(size: Size) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cluster.json");
    size.write(&path).unwrap();
    println!("{} MiB", std::fs::metadata(&path).unwrap().len() >> 20);
    let path = Path::to_str(&path).unwrap().to_owned();
    (folder, path)
}

/// The driver of a class.
fn driver(class: &str) -> char {
    if class == "fast-b" { 'b' } else { 'a' }
}

/// The class that an image is on now, and would be on if `fast-b` were the default and all had settled.
const fn classes(image: Image) -> (&'static str, &'static str) {
    match image {
        Image::Plain | Image::TakenOver => ("old-a", "fast-b"),
        Image::Explicit | Image::Uploaded => ("old-a", "old-a"),
        Image::Ahead => ("fast-b", "fast-b"),
    }
}

#[test]
fn boot_sources_are_counted_as_by_hand() {
    let size = size();
    let (_folder, path) = written(size);
    let report = json(&["boot-sources", "--cluster-from", &path, "-o", "json"]);
    let mut expected = vec![0_u64; size.images];
    for machine in size.all().filter(|machine| !machine.retired) {
        expected[machine.image] += 1;
    }
    let sources = report["bootSources"].as_array().unwrap();
    assert_eq!(sources.len(), size.images);
    for source in sources {
        let number: usize = source["name"].as_str().unwrap()[4..].parse().unwrap();
        assert_eq!(source["virtualMachines"], expected[number], "{source}");
        let stale = image(number) == Image::Ahead;
        assert_eq!(source["standing"] == "stale", stale, "{source}");
    }
    assert_eq!(report["stale"], size.images / 5);
}

#[test]
fn a_rehearsal_counts_as_by_hand() {
    let size = size();
    let (_folder, path) = written(size);
    let report = json(&[
        "rehearse",
        "default-storage-class",
        "fast-b",
        "--cluster-from",
        &path,
        "-o",
        "json",
    ]);
    let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
    for machine in size.all().filter(|machine| !machine.retired) {
        let (now, settled) = classes(image(machine.image));
        let disk_now = driver(machine.class.unwrap_or("old-a"));
        let disk_then = driver(machine.class.unwrap_or("fast-b"));
        let fast_now = driver(now) == disk_now;
        let fast_until = driver(now) == disk_then;
        let fast_then = driver(settled) == disk_then;
        let kind = match (fast_now, fast_until, fast_then) {
            (true, false, true) => "fullCopiesUntilImported",
            (true, _, false) => "fullCopiesForGood",
            (false, _, true) => "fastFromThenOn",
            _ => continue,
        };
        *expected.entry(kind).or_default() += 1;
    }
    for kind in [
        "fullCopiesUntilImported",
        "fullCopiesForGood",
        "fastFromThenOn",
    ] {
        let found = &report["clones"][kind]["virtualMachineDisks"];
        assert_eq!(*found, expected[kind], "{kind}");
    }
    assert_eq!(report["clones"]["unknown"]["virtualMachineDisks"], 0);
    let fates = |fate: &str| {
        let images = report["images"].as_array().unwrap().iter();
        images.filter(|image| image["fate"] == fate).count()
    };
    let fifth = size.images / 5;
    assert_eq!(fates("importedAgain"), fifth);
    assert_eq!(fates("importedOnceDeleted"), fifth);
    assert_eq!(fates("neverImportedAgain"), fifth);
    assert_eq!(fates("unchanged"), 2 * fifth);
    assert_eq!(report["bytesNeeded"], IMAGE_BYTES * 2 * fifth as u64);
}

#[test]
fn a_move_of_images_counts_as_by_hand() {
    let size = size();
    let (_folder, path) = written(size);
    let line = [
        "rehearse",
        "boot-image-namespace",
        "new-images",
        "-o",
        "json",
    ];
    let report = json(&[&line[..], &["--cluster-from", &path]].concat());
    let moving = size
        .all()
        .filter(|machine| !machine.retired && image(machine.image) == Image::Plain);
    let (by_claim, by_name): (Vec<_>, Vec<_>) = moving.partition(|machine| machine.by_claim);
    assert_eq!(
        report["referencesThatBreak"]["virtualMachineDisks"],
        by_name.len()
    );
    assert_eq!(
        report["clonesOfOneImport"]["virtualMachineDisks"],
        by_claim.len()
    );
    let fifth = size.images / 5;
    assert_eq!(report["moves"].as_array().unwrap().len(), fifth);
    assert_eq!(report["bytesNeeded"], IMAGE_BYTES * fifth as u64);
    let stays = |why: &str| {
        let stays = report["stays"].as_array().unwrap().iter();
        stays.filter(|image| image["why"] == why).count()
    };
    assert_eq!(
        (stays("uploaded"), stays("ownTemplate")),
        (fifth, 3 * fifth)
    );
    assert_eq!(report["namespace"], "missing");
}

#[test]
fn an_audit_counts_as_by_hand() {
    let size = size();
    let (_folder, path) = written(size);
    let ran = run(&["audit", "--cluster-from", &path, "-o", "json"]);
    assert_eq!(ran.code, 1);
    assert!(ran.peak <= MEMORY, "{} KiB", ran.peak);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let mut denied = 0_u64;
    let mut warned = 0_u64;
    for machine in size.all() {
        denied += u64::from(machine.protected);
        if machine.retired {
            continue;
        }
        let image = image(machine.image);
        let is_stale = image == Image::Ahead;
        let (on, _) = classes(image);
        let is_copied = driver(on) != driver(machine.class.unwrap_or("old-a"));
        warned += if machine.by_claim && image != Image::Uploaded {
            // One import that will be deleted, and on the wrong class.
            1 + u64::from(is_stale)
        } else {
            u64::from(is_stale || is_copied)
        };
    }
    let counts = report["summary"]["byRuleAndNamespace"].as_array().unwrap();
    let sum = |rule: &str, action: &str| {
        let of_machines = counts.iter().filter(|count| {
            let namespace = count["namespace"].as_str().unwrap();
            count["rule"] == rule && namespace != GOLD && !namespace.is_empty()
        });
        of_machines
            .map(|count| count[action].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!(sum("ProtectedNamespaces", "deny"), denied);
    assert_eq!(sum("BootSourceStorageClass", "warn"), warned);
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(report["summary"]["findings"], findings.len());
    assert_eq!(
        report["summary"]["judged"]["virtualmachines"],
        size.machines
    );
    let in_protected = findings
        .iter()
        .filter(|found| found["rule"] == "ProtectedNamespaces");
    assert!(
        in_protected
            .clone()
            .all(|found| found["namespace"] == PROTECTED)
    );
    assert_eq!(in_protected.count() as u64, denied);
}

#[test]
fn a_large_cluster_is_told_on_one_screen() {
    let size = size();
    let (_folder, path) = written(size);
    let lines = [
        "audit --policies policies --now 2026-11-25T00:00:00Z",
        "rehearse default-storage-class fast-b",
        "rehearse boot-image-namespace new-images",
    ];
    for line in lines {
        let arguments: Vec<&str> = line.split(' ').chain(["--cluster-from", &path]).collect();
        let ran = run(&arguments);
        assert!(ran.peak <= MEMORY, "{} KiB", ran.peak);
        let screen = ran.stdout.replace(&path, "cluster.json");
        println!("{screen}");
        assert!(screen.lines().count() <= 80, "{screen}");
        if line.starts_with("audit") {
            let findings: u64 = screen
                .split_once(" policies: ")
                .and_then(|(_, rest)| rest.split(' ').next()?.parse().ok())
                .unwrap();
            let is_finding = |line: &&str| line.starts_with("deny ") || line.starts_with("warn ");
            let shown = screen.lines().filter(is_finding).count() as u64;
            let rest = findings - shown;
            let rest =
                format!("and {rest} more: goldkeeper audit --cluster-from cluster.json --all\n");
            assert!(screen.contains(&rest), "{screen}");
        }
    }
}
