//! What the pods are told to do is what goldkeeper can do.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use super::{read, root};
use crate::support::files;
use crate::support::serving::goldkeeper;
use crate::support::yaml;

fn container() -> Value {
    let deployment = yaml::documents(&read("deploy/base/deployment.yaml")).unwrap();
    deployment[0]["spec"]["template"]["spec"]["containers"][0].clone()
}

/// The arguments with the folders of the pod put elsewhere, and ports that are free.
fn arguments(folder: &Path) -> Vec<String> {
    let container = container();
    let arguments = container["args"].as_array().unwrap().iter();
    let path = |name: &str| folder.join(name).display().to_string();
    arguments
        .map(|argument| {
            argument
                .as_str()
                .unwrap()
                .replace("/etc/goldkeeper/policies", &path("policies"))
                .replace("/etc/goldkeeper/tls", &path("tls"))
                .replace("]:8443", "]:0")
                .replace("]:9090", "]:0")
        })
        .collect()
}

#[test]
fn goldkeeper_starts_with_what_is_mounted() {
    let folder = tempfile::tempdir().unwrap();
    let policies = root().join("policies");
    std::os::unix::fs::symlink(&policies, folder.path().join("policies")).unwrap();
    let tls = folder.path().join("tls");
    fs::create_dir(&tls).unwrap();
    let names = vec!["goldkeeper.goldkeeper.svc".to_owned()];
    let pair = rcgen::generate_simple_self_signed(names).unwrap();
    fs::write(tls.join("tls.crt"), pair.cert.pem()).unwrap();
    fs::write(tls.join("tls.key"), pair.signing_key.serialize_pem()).unwrap();
    let arguments = arguments(folder.path());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut child = goldkeeper(&arguments)
        .args(["--cluster-from", "examples/cluster.yaml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    lines.read_line(&mut first).unwrap();
    let _ = child.kill();
    let ended = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(first.contains("listening on https://[::]:"), "{errors}");
    assert!(!first.contains("self-signed"), "{first}");
}

/// Both overlays deploy policies that are in force, not faults.
#[test]
fn the_policies_of_kubernetes_are_sound() {
    let folder = tempfile::tempdir().unwrap();
    let overlay = root().join("deploy/overlays/kubernetes/policies");
    for from in [root().join("policies"), overlay] {
        for file in files::below(from, "yaml") {
            let name = file.file_name().unwrap();
            if name != "kustomization.yaml" {
                fs::copy(&file, folder.path().join(name)).unwrap();
            }
        }
    }
    let seen = goldkeeper(&["policies", folder.path().to_str().unwrap()])
        .output()
        .unwrap();
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(seen.status.success(), "{text}");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("protected-namespaces.yaml").contains("[kubevirt, cdi]"));
}

/// Somebody who looks at the ports by name finds those that the arguments open.
#[test]
fn ports_and_probes_are_those_of_the_arguments() {
    let container = container();
    let arguments = container["args"].as_array().unwrap();
    for port in container["ports"].as_array().unwrap() {
        let flag = match port["name"].as_str().unwrap() {
            "webhook" => "--listen",
            _ => "--metrics-listen",
        };
        let expected = format!("{flag}=[::]:{}", port["containerPort"]);
        assert!(
            arguments.contains(&Value::from(expected.clone())),
            "{expected}"
        );
    }
    for (probe, path) in [("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")] {
        let get = &container[probe]["httpGet"];
        assert_eq!(
            (get["path"].as_str(), get["port"].as_str()),
            (Some(path), Some("metrics"))
        );
    }
}
