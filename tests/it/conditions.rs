//! What holds of any text as a condition, and of any condition on any request.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use goldkeeper::cluster::{Answers, Builder, ClusterView, Facts};
use goldkeeper::engine::{Route, enforce, evaluate};
use goldkeeper::policy::{PolicySet, PolicySource};
use goldkeeper::webhook::review;
use jiff::civil::Date;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::json as any_json;
use crate::support::round;

const TODAY: Date = Date::constant(2026, 11, 23);

/// How long reading a condition, or answering a request with it, may take: a debug build on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(10);

static VIEW: LazyLock<Arc<ClusterView>> = LazyLock::new(|| Builder::complete().build());

fn source(expression: &str) -> PolicySource {
    let policy = json!({
        "apiVersion": "goldkeeper.io/v1",
        "kind": "ProtectedNamespaces",
        "metadata": {"name": "p"},
        "spec": {
            "validationActions": ["Deny"],
            "onMissingData": "Deny",
            "matchConditions": [{"name": "c", "expression": expression}],
            "parameters": {"namespaces": ["*"]},
        },
    });
    PolicySource {
        file: Arc::from("any.yaml"),
        text: policy.to_string(),
    }
}

/// Reads a condition; one that is refused is told in words.
fn read(expression: &str) -> Option<PolicySet> {
    let started = Instant::now();
    let read = PolicySet::compile(&[source(expression)]);
    assert!(
        started.elapsed() < AT_ONCE,
        "reading takes long: {expression}"
    );
    match read {
        Ok(policies) => Some(policies),
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a word: {expression}");
            for fault in faults {
                assert!(fault.line > 0 && !fault.help.is_empty(), "{fault}");
            }
            None
        }
    }
}

/// Judges a request twice: the same comes out, at once, and no panic with it.
fn judge(policies: &PolicySet, request: &Value) {
    let body = serde_json::to_vec(&round::review(request)).expect("JSON can be written");
    let request = review::decode(&body).expect("a sound envelope");
    let answer = || {
        let answers = Answers::default();
        let facts = Facts::new(&VIEW, &answers);
        enforce(
            &evaluate(Route::VALIDATE, &request, policies, facts, TODAY),
            policies,
        )
    };
    let started = Instant::now();
    let decision = answer();
    assert!(started.elapsed() < AT_ONCE, "judging takes long");
    assert_eq!(decision, answer(), "the same request is answered alike");
}

/// Expressions of the grammar, sound and unsound: any function and operator on anything.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "object",
        "oldObject",
        "request",
        "object.spec",
        "object.metadata.labels",
        "object.metadata.name",
        "object.spec.dataVolumeTemplates",
        "request.userInfo.groups",
        "request.namespace",
        "x",
        "y",
        "unknown",
        "1",
        "-1",
        "0",
        "2.5",
        "1u",
        "9223372036854775807",
        "'a'",
        "''",
        "'1Gi'",
        "'%s'",
        "b'x'",
        "null",
        "true",
        "false",
        "[]",
        "{}",
        "object.?spec",
        "'2026-01-01T00:00:00Z'",
        "'10.0.0.0/8'",
        "'1.2.3'",
        "'é'",
    ]);
    leaf.prop_map(str::to_owned)
        .prop_recursive(4, 24, 3, |inner| {
            let operators = prop::sample::select(vec![
                "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||",
            ]);
            let methods = prop::sample::select(vec![
                "size",
                "startsWith",
                "contains",
                "matches",
                "find",
                "findAll",
                "split",
                "join",
                "replace",
                "format",
                "reverse",
                "sort",
                "distinct",
                "flatten",
                "slice",
                "sum",
                "min",
                "max",
                "first",
                "last",
                "indexOf",
                "lastIndexOf",
                "charAt",
                "substring",
                "trim",
                "isSorted",
                "isGreaterThan",
                "compareTo",
                "add",
                "sub",
                "sign",
                "asInteger",
                "getHours",
                "getDayOfYear",
                "getHost",
                "getQuery",
                "containsIP",
                "masked",
                "major",
                "validate",
                "orValue",
                "hasValue",
                "value",
                "or",
                "string",
            ]);
            let functions = prop::sample::select(vec![
                "size",
                "int",
                "uint",
                "double",
                "string",
                "bytes",
                "duration",
                "timestamp",
                "quantity",
                "isQuantity",
                "semver",
                "url",
                "ip",
                "cidr",
                "isIP",
                "has",
                "math.abs",
                "math.bitShiftLeft",
                "math.greatest",
                "sets.contains",
                "sets.equivalent",
                "base64.encode",
                "base64.decode",
                "strings.quote",
                "optional.of",
                "optional.none",
                "format.named",
                "format.uri",
                "jsonpatch.escapeKey",
                "unknown",
            ]);
            let loops = prop::sample::select(vec!["all", "exists", "exists_one", "map", "filter"]);
            let names = prop::sample::select(vec!["x", "y"]);
            prop_oneof![
                (inner.clone(), operators, inner.clone())
                    .prop_map(|(left, operator, right)| format!("({left} {operator} {right})")),
                (inner.clone(), methods.clone())
                    .prop_map(|(target, name)| format!("{target}.{name}()")),
                (inner.clone(), methods.clone(), inner.clone())
                    .prop_map(|(target, name, one)| format!("{target}.{name}({one})")),
                (inner.clone(), methods, inner.clone(), inner.clone())
                    .prop_map(|(target, name, one, two)| format!("{target}.{name}({one}, {two})")),
                (functions.clone(), inner.clone()).prop_map(|(name, one)| format!("{name}({one})")),
                (functions, inner.clone(), inner.clone())
                    .prop_map(|(name, one, two)| format!("{name}({one}, {two})")),
                (inner.clone(), loops, names, inner.clone()).prop_map(
                    |(list, name, entry, body)| format!("{list}.{name}({entry}, {body})")
                ),
                (inner.clone(), inner.clone()).prop_map(|(owner, key)| format!("{owner}[{key}]")),
                (inner.clone(), inner.clone(), inner.clone())
                    .prop_map(|(if_, yes, no)| format!("({if_} ? {yes} : {no})")),
                (inner.clone(), inner.clone()).prop_map(|(one, two)| format!("[{one}, {two}]")),
                (inner.clone(), inner.clone())
                    .prop_map(|(key, value)| format!("{{{key}: {value}}}")),
                inner.clone().prop_map(|one| format!("!{one}")),
                inner.clone().prop_map(|one| format!("-{one}")),
                inner.prop_map(|one| format!("{one}.?spec.name")),
            ]
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_condition_or_told(text in any::<String>()) {
        read(&text);
    }

    #[test]
    fn any_words_are_a_condition_or_told(words in prop::collection::vec(prop::sample::select(vec![
        "object", ".", ".?", "a", "(", ")", "[", "]", "{", "}", ",", ":", "?", "!", "-", "+", "&&", "||", "==", "=", "in",
        "'", "\"", "'''", "r'", "b\"", "\\", "`", "//", "\n", " ", "1", "0x", "1.", "1e", "all", "x", "has", "map",
        "true", "null", "\u{0}", "é", "\u{202e}", "@result", "@in", "_==_",
    ]), 0..60)) {
        read(&words.concat());
    }

    #[test]
    fn any_condition_answers_any_request(expression in expression(), request in any_json::request()) {
        let comparisons = [expression.clone(), format!("{expression} == {expression}"), format!("({expression}) == true || true")];
        let request: Value = serde_json::from_str(&request.text(0)).unwrap();
        for expression in comparisons {
            if let Some(policies) = read(&expression) {
                judge(&policies, &request);
            }
        }
    }
}

#[test]
fn hostile_conditions_are_read_at_once() {
    let texts = [
        "(", ")", "[", "{", "!", "-", "a.", "a?", "a[", "a(", "a,", "''", "'", "\"", "a+", "1+",
        "a&&", "a||(", "[1,", "{1:", "a.?", "//", "\n", "((a)", "a.all(x,", "r'", "'''", "`", "@",
        "\\", "1e", "0x", "é", "a?b:", "true?",
    ];
    for text in texts {
        for length in [1, 10, 100, 1_000, 4_096] {
            let repeated = text.repeat(length / text.len());
            read(&repeated);
            read(&format!("true || {repeated}"));
            read(&format!("{repeated}true"));
        }
    }
}
