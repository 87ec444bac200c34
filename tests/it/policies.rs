//! The shipped policies, and what is said of broken ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use goldkeeper::document::Severity;
use goldkeeper::policy::{PolicySet, PolicySource};
use goldkeeper::report;
use goldkeeper::rules::RULES;

use crate::support::files;

fn source(file: &Path) -> PolicySource {
    PolicySource {
        file: Arc::from(file.to_string_lossy()),
        text: String::from_utf8_lossy(&fs::read(file).expect("a policy file can be read"))
            .into_owned(),
    }
}

fn shipped() -> Vec<PathBuf> {
    files::below("policies", "yaml")
}

#[test]
fn the_shipped_policies_compile_each_and_together() {
    let sources: Vec<_> = shipped().iter().map(|file| source(file)).collect();
    for one in &sources {
        let compiled = PolicySet::compile(std::slice::from_ref(one));
        assert!(compiled.is_ok(), "{:?}", compiled.unwrap_err());
    }
    let all = PolicySet::compile(&sources).unwrap();
    assert!(all.policies().len() >= RULES.len());
}

#[test]
fn every_rule_has_a_policy_and_a_case() {
    let sources: Vec<_> = shipped().iter().map(|file| source(file)).collect();
    let policies = PolicySet::compile(&sources).unwrap();
    let cases = files::below("tests/cases", "yaml");
    for rule in RULES {
        let kind = rule.kind;
        let shipped = policies
            .policies()
            .iter()
            .any(|policy| policy.rule.kind == kind);
        assert!(shipped, "{kind} has no shipped policy");
        let named = cases
            .iter()
            .any(|file| fs::read_to_string(file).unwrap().contains(kind));
        assert!(named, "{kind} has no case");
    }
}

#[test]
fn every_fault_is_told_with_its_place_and_its_cure() {
    let folder = "tests/fixtures/broken-policies";
    let mut told = String::new();
    let files = files::below(folder, "yaml");
    assert!(files.len() >= 40, "at least 40 kinds of fault");
    for file in files {
        let name = file
            .strip_prefix(folder)
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let source = PolicySource {
            file: Arc::from(name.as_str()),
            ..source(&file)
        };
        let holds_something = source.text.lines().any(|line| !line.starts_with('#'));
        let faults = PolicySet::compile(std::slice::from_ref(&source)).expect_err(&name);
        assert!(!faults.is_empty(), "{name}: refused without a word");
        for fault in &faults {
            assert_eq!(fault.severity, Severity::Error, "{fault}");
            assert_eq!(&*fault.file, name, "{fault}");
            assert!(!fault.help.is_empty(), "{fault}");
            assert!(fault.line > 0 || !holds_something, "{fault}");
        }
        let shown = report::diagnostics(&faults, &[source], false);
        for line in shown.lines() {
            assert!(
                !line.contains('\t'),
                "{line}: a tab moves what is underlined"
            );
        }
        told.push_str(&shown);
    }
    insta::assert_snapshot!("broken_policies", told.trim_end());
}

#[test]
fn two_faults_in_two_documents_are_both_told() {
    let faults = PolicySet::compile(&[source(Path::new(
        "tests/fixtures/broken-policies/two-faults.yaml",
    ))]);
    let lines: Vec<u32> = faults.unwrap_err().iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [5, 7, 9]);
}

#[test]
fn a_fault_in_one_file_does_not_hide_one_in_another() {
    let folder = Path::new("tests/fixtures/broken-policies");
    let sources = ["not-yaml.yaml", "bad-name.yaml"].map(|name| source(&folder.join(name)));
    let faults = PolicySet::compile(&sources).unwrap_err();
    assert_eq!(faults.len(), 2, "{faults:?}");
}

#[test]
fn a_policy_file_may_not_be_endless() {
    let text = "# padding\n".repeat(1_000_000);
    let source = PolicySource {
        file: Arc::from("endless.yaml"),
        text,
    };
    let faults = PolicySet::compile(&[source]).unwrap_err();
    let told = faults.iter().map(ToString::to_string).collect::<String>();
    assert!(
        told.contains("10000000 bytes") && told.contains("split it"),
        "{told}"
    );
}

#[test]
fn a_good_set_tells_what_ends_and_what_is_in_vain() {
    let text = "apiVersion: goldkeeper.io/v1\nkind: BootSourceNamespace\nmetadata: {name: fill}\nspec:\n  \
                validationActions: [Warn]\n  match: {namespaces: [\"team-*\"], excludeNamespaces: [kube-system]}\n  \
                exemptions:\n  - {reason: a test, owner: team-a, expires: 2027-01-31, users: [bob, eve, joe]}\n  \
                - {reason: for good, groups: [g]}\n";
    let source = PolicySource {
        file: Arc::from("p.yaml"),
        text: text.to_owned(),
    };
    let set = PolicySet::compile(&[source]).unwrap();
    let told = |day: &str| {
        let notices = set.notices(day.parse().unwrap());
        for notice in &notices {
            assert_eq!(notice.severity, Severity::Warning);
        }
        assert!(
            notices[0]
                .message
                .contains("`kube-system` excludes nothing")
        );
        assert_eq!((notices[0].line, notices[0].column), (6, 54));
        notices.get(1).map(ToString::to_string)
    };
    assert_eq!(told("2027-01-16"), None);
    let soon = "warning: the exemption of bob and 2 more from fill ends soon: its last day is 2027-01-31\n  --> p.yaml:8:46\n  \
                = help: write a later day into `expires` if it is still needed (ask team-a), else remove the exemption";
    assert_eq!(told("2027-01-17").as_deref(), Some(soon));
    for (day, word) in [
        ("2027-01-30", "ends tomorrow"),
        ("2027-01-31", "ends today"),
        (
            "2027-02-01",
            "is over: its last day was 2027-01-31; they are no longer let through",
        ),
    ] {
        assert!(told(day).unwrap().contains(word), "{day}");
    }
}
