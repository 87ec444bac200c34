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

/// What expressions are made of.
const LEAVES: &[&str] = &[
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
];

/// Between two of them.
const OPERATORS: &[&str] = &[
    "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||",
];

/// Called on one of them.
const METHODS: &[&str] = &[
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
];

/// Called with one or two of them.
const FUNCTIONS: &[&str] = &[
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
];

/// Expressions of the grammar, sound and unsound: any function and operator on anything.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(LEAVES);
    leaf.prop_map(str::to_owned)
        .prop_recursive(4, 24, 3, |inner| {
            let operators = prop::sample::select(OPERATORS);
            let methods = prop::sample::select(METHODS);
            let functions = prop::sample::select(FUNCTIONS);
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
        for length in [1, 100, 4_000] {
            let repeated = text.repeat(length / text.len());
            read(&repeated);
            read(&format!("true || {repeated}"));
            read(&format!("{repeated}true"));
        }
    }
}

/// The deepest expression of a form that is not refused for its depth.
fn deepest(open: &str, inner: &str, close: &str) -> String {
    let too_deep = |expression: &String| {
        let faults = PolicySet::compile(&[source(expression)]).err();
        let mut faults = faults.iter().flatten();
        faults.any(|fault| fault.message.contains("too deep"))
    };
    let forms =
        (1..100).map(|depth| format!("{}{inner}{}", open.repeat(depth), close.repeat(depth)));
    let kept = forms.take_while(|form| !too_deep(form)).last();
    kept.expect("one level is not too deep")
}

/// Threads of the server have 2 MiB of stack, and this is a debug build, whose frames are several times as large.
#[test]
fn the_deepest_conditions_fit_into_the_stack_of_a_thread() {
    let forms = [
        ("(", "true", ")"),
        ("[", "1", "]"),
        ("{1:", "1", "}"),
        ("size(", "object", ")"),
        ("", "object", ".a"),
        ("", "object", ".a[0]"),
        ("", "object", ".?a"),
        ("", "1", "+1"),
        ("", "1", "==1"),
        ("1+(", "1", ")"),
        ("!", "true", ""),
        ("-", "1", ""),
        ("!(", "true", ")"),
        ("true?", "true", ":false"),
        ("true?true:", "true", ""),
        ("[1].all(x,", "true", ")"),
        ("", "[1]", ".map(x,[x])"),
        ("'a'.startsWith(", "'a'", ")"),
        ("true&&(", "true", ")"),
        ("(true||true||true||true)&&!(", "true", ")"),
        ("[1,(2)]+[", "1", "]"),
    ];
    let work = move || {
        let request = json!({"uid": "u", "operation": "CREATE", "kind": {}, "namespace": "demo",
            "resource": {"group": "kubevirt.io", "version": "v1", "resource": "virtualmachines"}, "object": {"a": [1]}});
        let wide = [
            format!("true{}", "||true".repeat(600)),
            format!("true{}", "&&(true)".repeat(500)),
            format!("object.a in [{}1]", "'a',".repeat(900)),
        ];
        for expression in forms
            .map(|(open, inner, close)| deepest(open, inner, close))
            .into_iter()
            .chain(wide)
        {
            for expression in [format!("{expression} == 1"), expression] {
                if let Some(policies) = read(&expression) {
                    judge(&policies, &request);
                }
            }
        }
    };
    let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
    thread
        .spawn(work)
        .expect("a thread")
        .join()
        .expect("nothing fails");
}
