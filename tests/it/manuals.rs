//! `goldkeeper rules`: the manuals say what is so. Every example in one is tried, with the shipped policy of its kind.

use std::path::{Path, PathBuf};
use std::process::Command;

use goldkeeper::cases::{self, Outcome};
use goldkeeper::cluster::{ClusterView, Known};
use goldkeeper::engine::World;
use goldkeeper::policy::{PolicySet, PolicySource};
use goldkeeper::rules::{RULES, Rule};
use goldkeeper::store;
use jiff::civil::date;
use serde_json::{Value, json};

use crate::support::seen::Seen;
use crate::support::{files, yaml};

fn rules(arguments: &[&str]) -> Seen {
    Seen::goldkeeper(&[&["rules"], arguments].concat())
}

fn printed(arguments: &[&str]) -> String {
    rules(arguments).succeeded().stdout
}

/// The text below one of these headings.
fn section(rule: &Rule, headings: &[&str]) -> Option<String> {
    let manual = rule.manual();
    let mut sections = manual.split("\n## ").skip(1);
    let found = sections.find(|text| headings.contains(&text.lines().next().unwrap_or_default()));
    Some(found?.split_once('\n')?.1.to_owned())
}

/// The documents of all YAML blocks in a text.
fn examples(text: &str) -> Vec<Value> {
    let blocks = text.split("```yaml\n").skip(1);
    let texts = blocks.map(|block| block.split("```").next().unwrap());
    texts
        .flat_map(|text| yaml::documents(text).unwrap())
        .collect()
}

/// What a user would create: the example itself, or a virtual machine with the part of it that the example shows.
fn object(example: &Value) -> Value {
    let is_whole = example.get("kind").is_some() && example.get("apiVersion").is_some();
    let mut object = if is_whole {
        example.clone()
    } else {
        let volume = json!({"metadata": {"name": "web-root"}, "spec": example});
        json!({"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine",
            "spec": {"dataVolumeTemplates": [volume], "template": {"spec": {}}}})
    };
    if object.get("metadata").is_none() {
        object["metadata"] = match object["kind"].as_str() {
            Some("HyperConverged") => {
                json!({"name": "kubevirt-hyperconverged", "namespace": "openshift-cnv"})
            }
            _ => json!({"name": "web", "namespace": "demo"}),
        };
    }
    object
}

fn request(rule: &Rule, object: &Value) -> Value {
    let text = |field: &str| object[field].as_str().unwrap();
    let (group, version) = text("apiVersion").split_once('/').unwrap();
    let mut resources = rule
        .resources()
        .into_iter()
        .map(goldkeeper::admission::Resource::info);
    let info = resources.find(|info| info.group == group && info.kind == text("kind"));
    let plural = info.expect("the rule looks at its own example").plural;
    let metadata = &object["metadata"];
    json!({
        "uid": "1", "operation": "CREATE", "name": metadata["name"], "namespace": metadata["namespace"],
        "kind": {"group": group, "version": version, "kind": text("kind")},
        "resource": {"group": group, "version": version, "resource": plural},
        "userInfo": {"username": "alice", "groups": ["system:authenticated"]},
        "object": object, "oldObject": null, "options": null,
    })
}

/// How much goldkeeper has to say of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    Nothing,
    Filled,
    Warned,
    Denied,
}

fn said(rule: &Rule, policies: &PolicySet, view: &ClusterView, example: &Value) -> Said {
    let world = World {
        policies,
        view,
        read: &|_| Known::Unknown,
        today: date(2026, 1, 1),
    };
    let Outcome {
        mutate, validate, ..
    } = cases::judge(&world, &request(rule, &object(example))).unwrap();
    if !validate.allowed {
        Said::Denied
    } else if !mutate.warnings.is_empty() || !validate.warnings.is_empty() {
        Said::Warned
    } else if !mutate.patch.is_empty() {
        Said::Filled
    } else {
        Said::Nothing
    }
}

/// The shipped policies of a rule.
fn shipped(rule: &Rule) -> PolicySet {
    let own = format!("\nkind: {}\n", rule.kind);
    let texts = files::below("policies", "yaml").into_iter();
    let sources = texts.map(|file| PolicySource {
        file: file.to_string_lossy().as_ref().into(),
        text: std::fs::read_to_string(&file).unwrap(),
    });
    let sources: Vec<_> = sources
        .filter(|source| source.text.contains(&own))
        .collect();
    assert!(!sources.is_empty(), "{} has no shipped policy", rule.kind);
    PolicySet::compile(&sources).unwrap()
}

#[test]
fn the_examples_of_every_manual_are_as_it_says() {
    let mut clusters = files::below("tests/fixtures/clusters", "yaml");
    clusters.push(Path::new("examples/cluster.yaml").to_owned());
    let read = |file: &PathBuf| {
        store::read_cluster(std::slice::from_ref(file))
            .unwrap()
            .view
    };
    let views: Vec<_> = clusters.iter().map(read).collect();
    let mut wrong = Vec::new();
    for rule in RULES {
        let policies = shipped(rule);
        let bad = section(rule, &["Refused", "Told", "Before"]);
        let good = section(rule, &["Instead", "After"]);
        let (Some(bad), Some(good)) = (bad, good) else {
            wrong.push(format!(
                "{}: lacks `## Refused` (or Told, Before) and `## Instead` (or After)",
                rule.kind
            ));
            continue;
        };
        let (bad, good) = (examples(&bad), examples(&good));
        assert!(
            !bad.is_empty() && !good.is_empty(),
            "{} has no example",
            rule.kind
        );
        // A pair needs a cluster in which it makes sense. The mended one may still be told something, but nothing as bad.
        let is_as_said = |view: &ClusterView| {
            let said = |example: &Value| said(rule, &policies, view, example);
            let least = bad.iter().map(said).min();
            let most = good.iter().map(said).max();
            most < least && most < Some(Said::Denied)
        };
        if !views.iter().any(|view| is_as_said(view)) {
            wrong.push(format!(
                "{}: {bad:?} must be told of, and {good:?} must pass",
                rule.kind
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_manual_has_its_sections() {
    for rule in RULES {
        for heading in ["What it does", "Why", "Parameters"] {
            let text = section(rule, &[heading]);
            assert!(
                text.is_some_and(|text| !text.trim().is_empty()),
                "{}: {heading}",
                rule.kind
            );
        }
    }
}

#[test]
fn the_catalogue_names_every_rule() {
    let text = printed(&[]);
    for rule in RULES {
        assert!(
            text.contains(rule.kind) && text.contains(rule.summary),
            "{text}"
        );
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 140),
        "{text}"
    );
    let all: Value = serde_json::from_str(&printed(&["-o", "json"])).unwrap();
    assert_eq!(all.as_array().unwrap().len(), RULES.len());
    for field in [
        "kind",
        "summary",
        "manual",
        "resources",
        "operations",
        "webhook",
    ] {
        assert!(!all[0][field].is_null(), "{field}");
    }
}

#[test]
fn a_manual_is_printed_whole_and_its_code_as_it_is() {
    for rule in RULES {
        let text = printed(&[rule.kind]);
        let manual = rule.manual();
        for line in manual.lines().filter(|line| !line.starts_with("```")) {
            let shown = line.trim_start_matches(['#', ' ']).trim_end();
            assert!(text.contains(shown), "{}: {shown}", rule.kind);
        }
        assert!(!text.contains("```") && !text.contains('\u{1b}'), "{text}");
        let lower = printed(&[&rule.kind.to_lowercase()]);
        assert_eq!(lower, text, "capital letters need not be remembered");
    }
}

#[test]
fn an_unknown_kind_is_told_with_the_nearest() {
    let seen = rules(&["ProtectedNamespace"]);
    assert_eq!((seen.code, rules(&["--nonsense"]).code), (2, 2));
    seen.failed("there is no rule `ProtectedNamespace`: did you mean `ProtectedNamespaces`?");
}

#[test]
fn the_shells_complete() {
    let script = |shell: &str| Seen::goldkeeper(&["completions", shell]).succeeded().stdout;
    assert!(script("zsh").starts_with("#compdef goldkeeper"));
    assert!(script("fish").contains("complete -c goldkeeper"));
    let run = |script: &Path, arguments: &[&str]| {
        let output = Command::new("bash")
            .arg(script)
            .args(arguments)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    };
    let sourced = format!(
        "{}\nCOMP_WORDS=(goldkeeper snap)\nCOMP_CWORD=1\n_goldkeeper goldkeeper snap goldkeeper\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        script("bash")
    );
    assert_eq!(run(&write("sourced", sourced), &[]), "snapshot\n");
    let plugin = write("plugin", script("kubectl"));
    assert_eq!(run(&plugin, &["snap"]), "snapshot\n:0\n");
    assert!(run(&plugin, &["rules", "--out"]).starts_with("--output\n"));
    assert!(run(&plugin, &[""]).contains("rules\n"));
}
