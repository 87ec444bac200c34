//! The walls between the modules, read from their source.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::files;

/// Each domain module with the modules below it, which are all that it may name.
const DOMAIN: &[(&str, &[&str])] = &[
    ("admission", &[]),
    ("document", &[]),
    ("manifest", &[]),
    ("cluster", &[]),
    ("inventory", &["admission", "cluster", "manifest"]),
    ("rules", &["admission", "cluster", "document"]),
    ("policy", &["admission", "cluster", "document", "rules"]),
    (
        "engine",
        &["admission", "cluster", "document", "policy", "rules"],
    ),
    (
        "cases",
        &[
            "admission",
            "cluster",
            "document",
            "engine",
            "policy",
            "rules",
        ],
    ),
    ("diagnosis", &["cluster", "engine", "manifest", "policy"]),
];

/// The adapters. They stand side by side and do not know each other: `cli` brings them together.
const ADAPTERS: &[&str] = &["webhook", "tls", "watch", "store", "report", "telemetry"];

/// Crates and parts of the standard library that do IO or know the time.
const FOREIGN: &[&str] = &[
    "kube",
    "k8s_openapi",
    "axum",
    "hyper",
    "hyper_util",
    "tokio",
    "tokio_rustls",
    "tower",
    "tower_http",
    "rustls",
    "futures",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
    "std::io",
    "SystemTime",
    "Instant",
];

/// The lines of a file that are code, with their numbers.
fn code(file: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(file).expect("a source file can be read");
    let lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim().to_owned()));
    lines.filter(|(_, line)| !line.starts_with("//")).collect()
}

fn domain_files() -> impl Iterator<Item = (&'static str, &'static [&'static str], PathBuf)> {
    DOMAIN.iter().flat_map(|(module, below)| {
        let files = files::below(format!("src/{module}"), "rs").into_iter();
        files.map(|file| (*module, *below, file))
    })
}

/// Whether a path is named in a line as a whole: `kube::Api` and `use kube;`, not `kubevirt` and not `kube_thing`.
fn names(line: &str, path: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + path.len()..).unwrap_or_default();
        let is_path = after.starts_with("::")
            || after.starts_with(';')
            || path.contains("::")
            || path.starts_with(char::is_uppercase);
        !before.is_some_and(|c| is_word(c) || c == '"' || c == '.')
            && !after.starts_with(is_word)
            && is_path
    })
}

#[test]
fn the_words_are_told_apart() {
    for line in [
        "use kube::Api;",
        "use kube;",
        "let x = kube::Client::new();",
        "fn f(now: kube::X)",
    ] {
        assert!(names(line, "kube"), "{line}");
    }
    for line in [
        "\"kubevirt.io\"",
        "use kubevirt::x;",
        "my_kube::x",
        "kube: 1",
        "\"kube::x\"",
    ] {
        assert!(!names(line, "kube"), "{line}");
    }
    assert!(names("use std::time::SystemTime;", "SystemTime"));
    assert!(names("std::fs::read(path)", "std::fs"));
}

#[test]
fn the_domain_does_no_io_and_knows_no_clock() {
    for (_, _, file) in domain_files() {
        for (number, line) in code(&file) {
            for foreign in FOREIGN {
                assert!(
                    !names(&line, foreign),
                    "{}:{number} names {foreign}: {line}",
                    file.display()
                );
            }
        }
    }
}

/// Holds that the files of a module name only these modules of the crate.
fn holds(module: &str, below: &[&str], file: &Path) {
    for (number, line) in code(file) {
        for path in line.split("crate::").skip(1) {
            let name: String = path
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            let place = format!("{}:{number}", file.display());
            assert!(
                !name.is_empty(),
                "{place}: name one module a line, so that this test can read it: {line}"
            );
            assert!(
                name == module || below.contains(&name.as_str()),
                "{place}: {module} may not name {name}: {line}"
            );
        }
    }
}

#[test]
fn arrows_point_down_only() {
    for (module, below, file) in domain_files() {
        holds(module, below, &file);
    }
    let domain: Vec<&str> = DOMAIN.iter().map(|(module, _)| *module).collect();
    for adapter in ADAPTERS {
        for file in files::below(format!("src/{adapter}"), "rs") {
            holds(adapter, &domain, &file);
        }
    }
}

#[test]
fn the_walls_are_linted() {
    for (module, _) in DOMAIN {
        let text =
            fs::read_to_string(format!("src/{module}/mod.rs")).expect("a module has a mod.rs");
        let wall = "#![deny(clippy::disallowed_methods, clippy::disallowed_types)]";
        assert!(
            text.lines().any(|line| line == wall),
            "src/{module}/mod.rs lacks {wall}"
        );
        let allowed = files::below(format!("src/{module}"), "rs")
            .into_iter()
            .find(|file| {
                fs::read_to_string(file).is_ok_and(|text| text.contains("allow(clippy::disallowed"))
            });
        assert_eq!(allowed, None, "a hole in the wall");
    }
}

#[test]
fn no_file_is_longer_than_500_lines_and_none_is_unfinished() {
    for file in files::below("src", "rs") {
        let lines = fs::read_to_string(&file)
            .expect("a source file can be read")
            .lines()
            .count();
        assert!(lines <= 500, "{} has {lines} lines", file.display());
        for (number, line) in code(&file) {
            for word in ["todo!(", "unimplemented!(", "todo!{", "unimplemented!{"] {
                assert!(!line.contains(word), "{}:{number}: {line}", file.display());
            }
        }
    }
}
