//! What holds of any request, any bytes and any policy file.

use std::fs;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use goldkeeper::admission::{AdmissionRequest, json as fast};
use goldkeeper::cluster::{Answer, Builder, ClusterView, Coverage, Kind, Known, Question};
use goldkeeper::engine::Route;
use goldkeeper::policy::{PolicySet, PolicySource};
use goldkeeper::webhook::review;
use jiff::civil::Date;
use proptest::prelude::*;
use serde_json::Value;

use crate::support::round::{self, World};
use crate::support::{files, json, yaml};

const TODAY: Date = Date::constant(2026, 11, 23);

/// Policies that use all that a policy can say, beside the shipped ones.
const MORE: &str = r#"
apiVersion: goldkeeper.io/v1
kind: ProtectedNamespaces
metadata: {name: selective}
spec:
  validationActions: [Warn, Audit]
  onMissingData: Deny
  message: "ask, please,\nthe administrators"
  match:
    excludeNamespaces: [kube-system]
    namespaceSelector: {matchExpressions: [{key: team, operator: NotIn, values: [red]}]}
    objectSelector: {matchExpressions: [{key: a, operator: Exists}]}
  exemptions: [{reason: a test, expires: 2026-11-23, users: [bob], serviceAccounts: ["*/x"]}]
  parameters: {namespaces: ["*"]}
---
apiVersion: goldkeeper.io/v1
kind: BootSourceNamespace
metadata: {name: another-filler}
spec: {validationActions: [Deny], onMissingData: Deny, parameters: {defaultNamespace: other-images}}
"#;

fn shipped() -> Vec<PolicySource> {
    let source = |file: std::path::PathBuf| PolicySource {
        file: Arc::from(file.to_string_lossy()),
        text: fs::read_to_string(&file).expect("a policy file can be read"),
    };
    files::below("policies", "yaml")
        .into_iter()
        .map(source)
        .collect()
}

static POLICIES: LazyLock<PolicySet> = LazyLock::new(|| {
    let more = PolicySource {
        file: Arc::from("more.yaml"),
        text: MORE.to_owned(),
    };
    let sources: Vec<_> = shipped().into_iter().chain([more]).collect();
    PolicySet::compile(&sources).expect("the policies compile")
});

/// A cluster that is known whole, one that is watched, and one of which nothing is known.
static VIEWS: LazyLock<[Arc<ClusterView>; 3]> = LazyLock::new(|| {
    let text = fs::read_to_string("tests/fixtures/clusters/openshift.yaml").expect("the fixture");
    let objects = yaml::documents(&text).expect("the fixture is YAML");
    let mut whole = Builder::complete();
    let mut watched = Builder::live();
    for object in &objects {
        whole.fold(object);
        watched.fold(object);
    }
    for kind in Kind::ALL
        .into_iter()
        .filter(|kind| *kind != Kind::VirtualMachine)
    {
        watched.cover(kind, Coverage::Watched);
    }
    [whole.build(), watched.build(), Builder::live().build()]
});

fn worlds() -> impl Iterator<Item = World<'static>> {
    let absent: &goldkeeper::engine::Read = &|question: &Question| {
        Known::Known(match question {
            Question::Object { .. } => Answer::Object(None),
            Question::Access(_) => Answer::Access(false),
        })
    };
    let failing: &goldkeeper::engine::Read = &|_: &Question| Known::Unknown;
    let all = VIEWS
        .iter()
        .flat_map(move |view| [(view, absent), (view, failing)]);
    all.map(|(view, read)| World {
        policies: &POLICIES,
        view,
        read,
        today: TODAY,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// The laws themselves are asserted in [`round::judge`].
    #[test]
    fn the_laws_hold_of_any_object(request in json::request()) {
        let request: Value = serde_json::from_str(&request.text(0)).unwrap();
        for world in worlds() {
            let outcome = round::judge(&world, &request);
            let outcome = outcome.expect("a sound envelope is always answered");
            let (filled, unfilled) = (outcome.validate, outcome.validate_unpatched);
            prop_assert!(filled.allowed || !unfilled.allowed, "filling in made it worse: {filled:?}");
        }
    }

    #[test]
    fn the_order_of_keys_does_not_matter(request in json::request(), order in any::<u64>()) {
        for world in worlds() {
            for route in [Route::MUTATE, Route::VALIDATE] {
                let answer = |order| {
                    let request = request.text(order);
                    let body = format!(r#"{{"apiVersion":"admission.k8s.io/v1","request":{request},"kind":"AdmissionReview"}}"#);
                    round::respond(&world, route, body.as_bytes())
                };
                prop_assert_eq!(answer(order), answer(order.wrapping_add(1)));
            }
        }
    }

    /// The reader of the request path against the general one: same request, however it is written.
    #[test]
    fn requests_are_read_as_by_serde_json(request in json::request(), order in any::<u64>()) {
        let text = request.text(order);
        let value: Value = serde_json::from_str(&text).unwrap();
        for text in [text, serde_json::to_string_pretty(&value).unwrap()] {
            let expected = serde_json::from_str::<AdmissionRequest>(&text).unwrap();
            let found = fast::from_slice::<AdmissionRequest>(text.as_bytes()).unwrap();
            prop_assert_eq!(format!("{found:?}"), format!("{expected:?}"));
        }
    }

    /// What the general reader takes for JSON, the fast one reads alike.
    #[test]
    fn damaged_requests_are_read_as_by_serde_json(
        request in json::request(),
        at in any::<prop::sample::Index>(),
        damage in prop::sample::select(vec!["", "\\", "\"", "\\\"", "{", "]", ",", "\\u00e9", "\u{e9}", " ", "1e3", "null"]),
    ) {
        let mut body = request.text(0).into_bytes();
        let at = at.index(body.len());
        body.splice(at..at, damage.bytes());
        let found = fast::from_slice::<AdmissionRequest>(&body);
        // The general reader passes over bytes that are no UTF-8; the fast one refuses them.
        let text = std::str::from_utf8(&body).unwrap_or_default();
        if let Ok(expected) = serde_json::from_str::<AdmissionRequest>(text) {
            prop_assert_eq!(format!("{:?}", found.unwrap()), format!("{expected:?}"));
        }
    }

    #[test]
    fn any_bytes_are_a_review_or_none(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = review::decode(&bytes);
    }

    #[test]
    fn a_damaged_review_is_a_review_or_none(
        request in json::request(),
        at in any::<prop::sample::Index>(),
        damage in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let request: Value = serde_json::from_str(&request.text(0)).unwrap();
        let mut body = serde_json::to_vec(&round::review(&request)).unwrap();
        let at = at.index(body.len());
        let end = (at + damage.len()).min(body.len());
        body.splice(at..end, damage);
        for world in worlds() {
            for route in [Route::MUTATE, Route::VALIDATE] {
                let _ = round::respond(&world, route, &body);
            }
        }
    }

    #[test]
    fn any_text_is_a_policy_file_or_told(text in any::<String>()) {
        assert_told(text);
    }

    #[test]
    fn any_bytes_are_a_policy_file_or_told(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        assert_told(String::from_utf8_lossy(&bytes).into_owned());
    }

    #[test]
    fn any_yaml_is_a_policy_file_or_told(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "- ", ": ", "? ", "&a ", "*a", "!!str ", "| ", "> ", "\"", "'", "{", "}", "[", "]", ", ", "#", "---", "...",
                "%YAML 1.2", "\n", "\n  ", "\n    ", "\t", "\r\n", "\u{feff}", "<<", "~", "kind", "spec", "metadata",
                "name", "ProtectedNamespaces", "match", "exemptions", "validationActions", "Deny", "1e999", "0x1F", ".nan",
            ]),
            0..60,
        ),
    ) {
        assert_told(parts.concat());
    }

    #[test]
    fn a_damaged_policy_file_is_one_or_told(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        length in 0..12_usize,
        damage in "[-a-zA-Z0-9:{}\\[\\]&*!|>'\"#%@, \n\t\u{e9}~]{0,12}",
    ) {
        let mut sources = shipped();
        sources.push(PolicySource { file: Arc::from("more.yaml"), text: MORE.to_owned() });
        let text: Vec<char> = sources[which.index(sources.len())].text.chars().collect();
        let at = at.index(text.len());
        let (before, rest) = text.split_at(at);
        let after = rest.iter().skip(length);
        assert_told(before.iter().copied().chain(damage.chars()).chain(after.copied()).collect());
    }
}

fn assert_told(text: String) {
    let started = Instant::now();
    let source = PolicySource {
        file: Arc::from("any.yaml"),
        text,
    };
    if let Err(faults) = PolicySet::compile(&[source]) {
        assert!(!faults.is_empty(), "refused without a word");
        for fault in faults {
            assert!(
                !fault.help.is_empty() && !fault.message.is_empty(),
                "{fault}"
            );
        }
    }
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "a policy file is read at once"
    );
}

#[test]
fn deep_nesting_is_no_danger() {
    for depth in [100, 1_000, 200_000] {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        let (open_object, close_object) = (r#"{"spec":"#.repeat(depth), "}".repeat(depth));
        let bodies = [
            format!(r#"{{"metadata":{{"x":{open}{close}}}}}"#),
            format!(r#"{{"spec":{{"dataVolumeTemplates":{open}{close}}}}}"#),
            format!("{open_object}1{close_object}"),
        ];
        for object in bodies {
            let body = format!(
                r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"u","kind":{{}},
                "resource":{{"group":"kubevirt.io","version":"v1","resource":"virtualmachines"}},"operation":"CREATE",
                "namespace":"demo","object":{object}}}}}"#
            );
            for world in worlds() {
                let _ = round::respond(&world, Route::VALIDATE, body.as_bytes());
            }
        }
    }
}

#[test]
fn hostile_policy_files_are_read_at_once() {
    let texts = [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        format!("a: {}", "&a [".repeat(50_000)),
        "- ".repeat(100_000),
        "---\n".repeat(100_000),
        format!("namespaces: [{}]", "\"*a\", ".repeat(20_000)),
        format!(
            "apiVersion: goldkeeper.io/v1\nkind: ProtectedNamespaces\nmetadata: {{name: p}}\nspec: {{validationActions: [Deny], parameters: {{namespaces: [\"{}\"]}}}}\n",
            "*a".repeat(10_000)
        ),
        format!(
            "apiVersion: goldkeeper.io/v1\nkind: ProtectedNamespaces\nmetadata: {{name: p}}\nspec: {{validationActions: [Deny], parameters: {{namespaces: [\"{}\"]}}}}\n",
            "{a,b}".repeat(10_000)
        ),
        format!(
            "apiVersion: goldkeeper.io/v1\nkind: ProtectedNamespaces\nmetadata: {{name: p}}\nspec: {{validationActions: [Deny], parameters: {{namespaces: [\"{}\"]}}}}\n",
            "{a,".repeat(10_000)
        ),
    ];
    for text in texts {
        assert_told(text);
    }
}
