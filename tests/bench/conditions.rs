//! What `matchConditions` cost: an everyday one, and the worst that are let through.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use criterion::Criterion;
use goldkeeper::cluster::{Answers, ClusterView, Facts};
use goldkeeper::engine::{Evaluation, Route, evaluate};
use goldkeeper::policy::{PolicySet, PolicySource};
use goldkeeper::rules::Finding;
use goldkeeper::webhook::review;
use serde_json::{Value, json};

/// How large the objects are on which the worst conditions are tried, in bytes.
const LARGE: usize = 3 * 1024 * 1024;

/// Ways to spend as much as possible. Each is tried on the largest lists and texts on which it is begun at all.
const WORST: &[(&str, &str)] = &[
    ("loop", "o.many.all(x, x >= 0)"),
    ("loop in a loop", "o.many.all(x, o.many.all(y, y >= 0))"),
    (
        "much in a loop",
        "o.many.all(x, x+1+1+1+1+1+1+1+1+1+1+1+1 > -1 && -x <= 0 && x*2 > -1)",
    ),
    ("map", "o.many.map(x, x).size() >= 0"),
    ("map of texts", "o.texts.map(x, x).size() >= 0"),
    ("map of objects", "o.objects.map(x, x).size() >= 0"),
    (
        "filter that takes nothing",
        "o.texts.filter(x, false).size() >= 0",
    ),
    (
        "comparing lists in a loop",
        "o.many.all(x, o.many == o.many)",
    ),
    (
        "comparing objects in a loop",
        "o.texts.all(x, o.objects == o.objects)",
    ),
    (
        "errors that are written down",
        "o.many.exists(x, int(o.many) == 1) || true",
    ),
    (
        "errors over texts",
        "o.texts.exists(x, o.texts.startsWith('a')) || true",
    ),
    (
        "errors over objects",
        "o.objects.exists(x, o.objects.startsWith('a')) || true",
    ),
    ("copies for a function", "o.many.all(x, o.many.size() >= 0)"),
    (
        "copies of objects",
        "o.objects.all(x, o.objects.size() >= 0)",
    ),
    ("copies of one text", "o.many.all(x, o.text.size() >= 0)"),
    ("optional", "o.many.all(x, o.?many.hasValue())"),
    (
        "looking up in a list",
        "o.texts.all(x, !((x + 'y') in o.texts))",
    ),
    (
        "looking up in an object",
        "o.labels.all(k, o.labels[k] == 'v')",
    ),
    ("sets", "sets.contains(o.texts, o.texts.map(t, t))"),
    ("sets without a match", "!sets.intersects(o.many, o.texts)"),
    ("distinct", "o.texts.distinct().size() >= 0"),
    ("sort", "o.texts.sort().size() >= 0"),
    (
        "indexOf in a text",
        "o.text.indexOf(o.text + 'y') < 0 && o.text.indexOf(o.half + 'y') < 0",
    ),
    ("split", "o.text.split('').size() >= 0"),
    (
        "split and join",
        "o.text.split('').join('--------').size() >= 0",
    ),
    ("split and map", "o.text.split('').map(c, c).size() >= 0"),
    ("replace", "o.text.replace('x', o.half).size() >= 0"),
    (
        "replace nothing",
        "o.text.replace('', 'yyyyyyyyyyyyyyyy').size() >= 0",
    ),
    (
        "doubling",
        "[o.text].map(x, x+x).map(x, x+x).map(x, x+x).map(x, x+x).size() >= 0",
    ),
    (
        "doubling lists",
        "[o.many].map(x, x+x).map(x, x+x).map(x, x+x).map(x, x+x).size() >= 0",
    ),
    (
        "lists of the object",
        "o.many.map(x, o.objects).size() >= 0",
    ),
    (
        "format",
        "'%s%s%s'.format([o.objects, o.many, o.texts]).size() >= 0",
    ),
    (
        "format of numbers",
        "o.many.all(x, '%.99f%.99e'.format([1.0, 1.0]).size() >= 0)",
    ),
    ("quote", "strings.quote(o.text).size() >= 0"),
    ("pattern", "o.text.matches('^x+$')"),
    (
        "pattern with many states",
        "!o.text.matches('[xy]*y[xy]{60}z')",
    ),
    (
        "pattern with a large program",
        "!o.text.matches('(?:x?){120}y')",
    ),
    ("pattern over letters", "!o.text.matches('\\\\w\\\\d')"),
    (
        "short texts and a pattern",
        "o.texts.all(t, !t.matches('[a-z0-9]*y[a-z0-9]{60}z'))",
    ),
    ("findAll", "o.text.findAll('x').size() >= 0"),
    (
        "quantities",
        "o.texts.all(t, !isQuantity(t)) && o.many.all(x, quantity('1.5Gi').add(quantity('100m')).sign() == 1)",
    ),
    (
        "URLs",
        "o.many.all(x, url('https://a.example:8080/b?c=d&e=f').getHost() != '')",
    ),
    (
        "names",
        "o.texts.all(t, !format.dns1123Label().validate(t).hasValue() || true)",
    ),
    (
        "other names",
        "o.texts.all(t, format.uri().validate(t).hasValue() || format.datetime().validate(t).hasValue() || true)",
    ),
    (
        "times",
        "o.many.all(x, timestamp('2026-01-01T00:00:00Z') + duration('1h') != timestamp('2026-01-01T00:00:00Z'))",
    ),
    (
        "addresses",
        "o.many.all(x, cidr('10.0.0.0/8').containsIP(ip('10.0.0.1')))",
    ),
    (
        "versions",
        "o.many.all(x, semver('1.2.3').isLessThan(semver('1.2.4')))",
    ),
    (
        "base64",
        "base64.decode(base64.encode(bytes(o.text))).size() >= 0",
    ),
    (
        "steps on a text",
        "o.texts.all(t, t.reverse().upperAscii().trim().split('').join('').charAt(0) != '')",
    ),
];

/// An object with lists and texts of about so many entries and characters, filled up with a text that nobody looks at.
fn object(count: usize) -> Value {
    let text = |n: usize| format!("entry-number-{n:07}");
    let object = |padding: usize| {
        json!({
            "many": (0..count).collect::<Vec<_>>(),
            "texts": (0..count).map(text).collect::<Vec<_>>(),
            "objects": (0..count / 4).map(|n| json!({"name": text(n), "n": n, "none": null})).collect::<Vec<_>>(),
            "labels": (0..count / 4).map(|n| (text(n), json!("v"))).collect::<serde_json::Map<_, _>>(),
            "text": "x".repeat(count),
            "half": "x".repeat(count / 2),
            "padding": "p".repeat(padding),
        })
    };
    let size = object(0).to_string().len();
    object(LARGE.saturating_sub(size))
}

fn body(object: &Value) -> Vec<u8> {
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "u",
            "kind": {"group": "kubevirt.io", "version": "v1", "kind": "VirtualMachine"},
            "resource": {"group": "kubevirt.io", "version": "v1", "resource": "virtualmachines"},
            "operation": "CREATE",
            "namespace": "demo",
            "userInfo": {"username": "alice", "groups": ["dev"]},
            "object": object,
        },
    });
    review.to_string().into_bytes()
}

fn policies(expression: &str) -> Result<PolicySet> {
    let policy = json!({
        "apiVersion": "goldkeeper.io/v1",
        "kind": "ProtectedNamespaces",
        "metadata": {"name": "p"},
        "spec": {
            "validationActions": ["Warn"],
            "matchConditions": [{"name": "c", "expression": expression}],
            "parameters": {"namespaces": ["*"]},
        },
    });
    let source = PolicySource {
        file: Arc::from("p.yaml"),
        text: policy.to_string(),
    };
    PolicySet::compile(&[source]).map_err(|faults| anyhow!("{expression}: {faults:?}"))
}

fn judge<'p>(body: &[u8], policies: &'p PolicySet, view: &ClusterView) -> Result<Evaluation<'p>> {
    let request = review::decode(body)?;
    let answers = Answers::default();
    let today = jiff::civil::date(2026, 11, 23);
    Ok(evaluate(
        Route::VALIDATE,
        &request,
        policies,
        Facts::new(view, &answers),
        today,
    ))
}

/// Why the condition gave no answer, if it gave none.
fn refusal(evaluation: &Evaluation<'_>) -> Option<String> {
    evaluation
        .outcomes
        .iter()
        .find_map(|outcome| match &outcome.finding {
            Finding::Undetermined(undetermined) => Some(undetermined.reason.clone()),
            _ => None,
        })
}

/// The largest object on which the condition is begun.
fn worst(policies: &PolicySet, view: &ClusterView) -> Result<(usize, Vec<u8>)> {
    let (mut fits, mut refused) = (1, 2_000_000);
    while refused - fits > fits / 50 + 1 {
        let middle = usize::midpoint(fits, refused);
        let object = object(middle);
        let evaluation = judge(&body(&object), policies, view)?;
        if refusal(&evaluation).is_some() || object.to_string().len() > LARGE {
            refused = middle;
        } else {
            fits = middle;
        }
    }
    let body = body(&object(fits));
    match refusal(&judge(&body, policies, view)?) {
        Some(reason) => Err(anyhow!("never evaluated: {reason}")),
        None => Ok((fits, body)),
    }
}

/// An everyday condition on an everyday machine, and the same without a condition.
pub(crate) fn everyday(criterion: &mut Criterion, body: &[u8], view: &ClusterView) -> Result<()> {
    let mut group = criterion.benchmark_group("condition");
    let conditions = [
        ("none", "true"),
        ("user", "request.userInfo.username != 'installer'"),
        (
            "disks",
            "object.spec.dataVolumeTemplates.all(t, t.metadata.name.matches('^[a-z0-9-]+$')) && !has(object.metadata.deletionTimestamp)",
        ),
    ];
    for (name, expression) in conditions {
        let policies = policies(expression)?;
        let reason = refusal(&judge(body, &policies, view)?);
        anyhow::ensure!(reason.is_none(), "{expression}: {reason:?}");
        group.bench_function(name, |bencher| {
            bencher.iter(|| judge(body, &policies, view).is_ok());
        });
    }
    group.finish();
    Ok(())
}

/// The worst conditions on objects of 3 MiB, each on the most entries on which it is still begun.
pub(crate) fn worst_condition(criterion: &mut Criterion, view: &ClusterView) -> Result<()> {
    let mut group = criterion.benchmark_group("worst_condition");
    group.sample_size(10);
    group.measurement_time(std::time::Duration::from_secs(1));
    group.warm_up_time(std::time::Duration::from_millis(200));
    for (name, expression) in WORST {
        let expression = expression.replace("o.", "object.");
        let policies = policies(&expression)?;
        let (count, body) = worst(&policies, view)?;
        group.bench_function(format!("{name}/{count}"), |bencher| {
            bencher.iter(|| judge(&body, &policies, view).is_ok());
        });
    }
    group.finish();
    Ok(())
}
