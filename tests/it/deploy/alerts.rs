//! The alerts: understood by promtool, firing when they should and only then, each with its runbook.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::{read, root};
use crate::support::{files, programs, yaml};

const ALERTS: &str = "deploy/components/monitoring/alerts.yaml";
const RUNBOOKS: &str = "https://goldkeeper.io/runbooks/";

/// The groups of the `PrometheusRule`.
fn groups() -> Value {
    yaml::documents(&read(ALERTS)).unwrap()[0]["spec"]["groups"].clone()
}

/// Every alert.
pub(super) fn alerts() -> Vec<Value> {
    let groups = groups();
    let groups = groups.as_array().unwrap().iter();
    groups
        .flat_map(|group| group["rules"].as_array().unwrap().clone())
        .collect()
}

fn promtool() -> Option<PathBuf> {
    if let Some(program) = std::env::var_os("PROMTOOL") {
        return Some(std::path::absolute(program).unwrap());
    }
    programs::built(
        "tests/promtool/build",
        "promtool, which tests the alerts, needs Go or PROMTOOL",
    )
}

#[test]
fn promtool_finds_them_sound_and_they_fire_when_they_should() {
    let Some(promtool) = promtool() else { return };
    let folder = tempfile::tempdir().unwrap();
    let rules = serde_saphyr::to_string(&json!({"groups": groups()})).unwrap();
    std::fs::write(folder.path().join("alerts.yaml"), rules).unwrap();
    let tests = root().join("tests/fixtures/alerts/alerts.test.yaml");
    std::fs::copy(tests, folder.path().join("alerts.test.yaml")).unwrap();
    for arguments in [
        [
            "check",
            "rules",
            "--lint=all",
            "--lint-fatal",
            "alerts.yaml",
        ]
        .as_slice(),
        ["test", "rules", "alerts.test.yaml"].as_slice(),
    ] {
        let seen = Command::new(&promtool)
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap();
        let text = [seen.stdout, seen.stderr].concat();
        assert!(
            seen.status.success(),
            "promtool {}:\n{}",
            arguments.join(" "),
            String::from_utf8_lossy(&text)
        );
    }
}

/// An alert that no test makes fire may be one that never does.
#[test]
fn each_is_made_to_fire_by_a_test() {
    let tests = read("tests/fixtures/alerts/alerts.test.yaml");
    for alert in alerts() {
        let name = alert["alert"].as_str().unwrap();
        let severity = alert["labels"]["severity"].as_str().unwrap();
        let fires = tests.lines().any(|line| {
            line.contains(&format!("alertname=\"{name}\""))
                && line.contains(&format!("severity=\"{severity}\""))
        });
        assert!(fires, "no test makes {name} ({severity}) fire");
    }
}

#[test]
fn each_is_labelled_and_explained() {
    for alert in alerts() {
        let name = alert["alert"].as_str().unwrap();
        let label = |label: &str| alert["labels"][label].as_str().unwrap_or_default();
        let severities = ["critical", "warning", "info"];
        assert!(severities.contains(&label("severity")), "{name}");
        let impacts = ["critical", "warning", "none"];
        assert!(impacts.contains(&label("operator_health_impact")), "{name}");
        assert_eq!(label("kubernetes_operator_part_of"), "kubevirt", "{name}");
        let component = label("kubernetes_operator_component");
        assert_eq!(component, "goldkeeper", "{name}");
        for text in ["summary", "description"] {
            let text = alert["annotations"][text].as_str().unwrap_or_default();
            assert!(
                text.ends_with('.') && !text.contains('\n'),
                "{name}: {text}"
            );
        }
        let url = &alert["annotations"]["runbook_url"];
        assert_eq!(*url, format!("{RUNBOOKS}{name}"));
    }
}

/// The command of the README that puts another address in the place of the one that nobody serves.
#[test]
fn the_address_of_the_runbooks_can_be_replaced() {
    let readme = read("deploy/README.md");
    let from = readme.find("sed -i ").expect("the README has the command");
    let command = readme[from..].split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join(ALERTS);
    std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
    std::fs::copy(root().join(ALERTS), &copy).unwrap();
    let mut shell = Command::new("bash");
    let shell = shell.args(["-c", command]).current_dir(folder.path());
    assert!(shell.status().unwrap().success());
    let text = std::fs::read_to_string(copy).unwrap();
    let urls = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("runbook_url: "));
    let urls: Vec<&str> = urls.collect();
    assert_eq!(urls.len(), alerts().len());
    for url in urls {
        let page = url.strip_prefix("https://git.example.com/platform/");
        assert!(root().join(page.unwrap_or(url)).is_file(), "{url}");
    }
}

#[test]
fn each_has_a_runbook_and_no_runbook_is_left_over() {
    let names: BTreeSet<String> = alerts()
        .iter()
        .map(|alert| alert["alert"].as_str().unwrap().to_owned())
        .collect();
    let mut there = BTreeSet::new();
    for file in files::below(root().join("deploy/runbooks"), "md") {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let headings: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
        let expected = [
            &*format!("# {name}"),
            "## Meaning",
            "## Impact",
            "## Diagnosis",
            "## Mitigation",
        ];
        assert_eq!(headings, expected, "{}", file.display());
        there.insert(name);
    }
    assert_eq!(there, names);
}
