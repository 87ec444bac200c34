//! The image, as far as it can be judged without building it.

use super::{read, root};
use crate::support::files;

/// The instructions of a file, continued lines joined, comments left out.
fn instructions(text: &str) -> Vec<(String, String)> {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let joined = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let lines = joined
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            (word.to_owned(), rest.trim().to_owned())
        })
        .collect()
}

/// What follows each instruction of this name.
fn rests<'i>(all: &'i [(String, String)], word: &'static str) -> impl Iterator<Item = &'i str> {
    all.iter()
        .filter(move |(own, _)| own == word)
        .map(|(_, rest)| &**rest)
}

/// What is wrong with an image file, by the rules that hadolint and OpenShift have for it.
fn faults(text: &str) -> Vec<String> {
    let all = instructions(text);
    let of = |word| rests(&all, word);
    let mut faults = Vec::new();
    let mut fault = |wrong: bool, what: String| {
        if wrong {
            faults.push(what);
        }
    };
    let defaults: Vec<(&str, &str)> = of("ARG").filter_map(|arg| arg.split_once('=')).collect();
    let stages: Vec<&str> = of("FROM").collect();
    fault(
        stages.len() < 2,
        "one stage: the tools of the build are in the image".to_owned(),
    );
    for stage in &stages {
        let mut image = stage.split(' ').next().unwrap_or_default().to_owned();
        for (name, value) in &defaults {
            image = image.replace(&format!("${{{name}}}"), value);
        }
        let tag = image.rsplit('/').next().unwrap_or_default().split_once(':');
        let tag = tag.map_or("", |(_, tag)| tag);
        fault(
            tag.is_empty() || tag == "latest",
            format!("{image}: no fixed tag"),
        );
        fault(
            image.contains('$'),
            format!("{image}: an argument without a default"),
        );
    }
    let last = stages.last().copied().unwrap_or_default();
    fault(
        !last.contains("ubi9/ubi-micro:"),
        format!("{last}: not UBI 9 micro"),
    );
    let start = all
        .iter()
        .rposition(|(word, _)| word == "FROM")
        .unwrap_or_default();
    let of_last = |word| rests(&all[start..], word);
    let user = of_last("USER").last().unwrap_or_default();
    let number = user.split(':').next().unwrap_or_default().parse::<u32>();
    fault(
        number.unwrap_or_default() == 0,
        format!("USER {user}: not the number of a user who is not root"),
    );
    fault(
        of_last("RUN").next().is_some(),
        "RUN: ubi-micro has nothing to run".to_owned(),
    );
    let entry = of_last("ENTRYPOINT").last().unwrap_or_default();
    fault(
        !entry.starts_with('['),
        format!("ENTRYPOINT {entry}: in a shell, which gets the signals instead"),
    );
    fault(
        !of("ARG").any(|arg| arg == "TARGETARCH"),
        "no ARG TARGETARCH".to_owned(),
    );
    let labels = of_last("LABEL").collect::<Vec<_>>().join(" ");
    for label in [
        "name",
        "vendor",
        "maintainer",
        "version",
        "summary",
        "description",
        "io.k8s.display-name",
        "io.k8s.description",
        "io.openshift.tags",
        "org.opencontainers.image.title",
        "org.opencontainers.image.version",
        "org.opencontainers.image.licenses",
    ] {
        let there = labels
            .split_whitespace()
            .any(|own| own.starts_with(&format!("{label}=\"")));
        fault(!there, format!("no label {label}"));
    }
    for run in of("RUN") {
        fault(
            run.contains("| sh") || run.contains("|sh"),
            format!("RUN {run}: a failed download goes unseen"),
        );
        fault(
            run.contains("microdnf install") && !run.contains("microdnf clean all"),
            format!("RUN {run}: leaves caches"),
        );
        fault(run.contains("sudo "), format!("RUN {run}: sudo"));
    }
    fault(of("ADD").next().is_some(), "ADD: write COPY".to_owned());
    faults
}

#[test]
fn the_image_is_built_as_it_should_be() {
    assert_eq!(faults(&read("Containerfile")), [""; 0]);
}

#[test]
fn the_lint_finds_what_it_looks_for() {
    let good = read("Containerfile");
    let table = [
        ("USER 1001", "USER root", "USER root"),
        ("USER 1001\n", "", "USER :"),
        ("ARG UBI=9.6", "ARG UBI=latest", "no fixed tag"),
        ("ARG UBI=9.6\n", "", "without a default"),
        ("ubi9/ubi-micro", "ubi9/ubi", "not UBI 9 micro"),
        (
            "[\"/usr/bin/goldkeeper\"]",
            "/usr/bin/goldkeeper",
            "in a shell",
        ),
        ("      version=\"${VERSION}\" \\\n", "", "no label version"),
        ("ARG TARGETARCH", "ARG OTHER", "no ARG TARGETARCH"),
        ("microdnf clean all", "true", "leaves caches"),
    ];
    for (from, to, expected) in table {
        let bad = good.replace(from, to);
        assert_ne!(bad, good, "{from} is not in the Containerfile");
        let found = faults(&bad).join("\n");
        assert!(found.contains(expected), "{to}: {found}");
    }
}

/// What is deployed is what this tree builds.
#[test]
fn the_version_is_the_same_everywhere() {
    let version = env!("CARGO_PKG_VERSION");
    for overlay in ["openshift", "kubernetes"] {
        let text = read(&format!("deploy/overlays/{overlay}/kustomization.yaml"));
        assert!(
            text.contains(&format!("newTag: {version}\n")),
            "{overlay}: {text}"
        );
    }
    assert!(read("Containerfile").contains(&format!("ARG VERSION={version}\n")));
}

/// The Containerfile names public images; nothing else names a registry.
#[test]
fn no_registry_is_named_but_by_the_image() {
    for extension in ["yaml", "md", "json", "toml"] {
        for folder in ["deploy", "certs", "policies"] {
            for file in files::below(root().join(folder), extension) {
                let text = std::fs::read_to_string(&file).unwrap();
                let text = text.replace("registry.example.com", "");
                for host in ["registry.", "quay.io", "ghcr.io", "docker.io"] {
                    assert!(!text.contains(host), "{} names {host}", file.display());
                }
            }
        }
    }
}
