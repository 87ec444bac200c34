//! goldkeeper with the token of its own service account: what it asks for is granted, and nothing else is.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::bench::{Answer, Bench, DEFAULT, LONG, Policies, bench, documents, repository, until};
use super::deploy::remove_namespace;
use super::objects::{path_of, restore, review, vm};
use super::tls_profile;
use crate::deploy::metrics::{OF_A_LIVE_CLUSTER, announced};
use crate::support::serving::{answer, connect, post};

const ACCOUNT: &str = "system:serviceaccount:goldkeeper:goldkeeper";

/// How long a verb may take to be used; kinds that are served are listed at once.
const PATIENCE: Duration = Duration::from_secs(25);

/// API group, resource, verb, name where only one is granted.
pub(super) type Right = (String, String, String, Option<String>);

#[test]
fn the_service_account_may_do_what_is_asked_for_and_nothing_else() {
    let Some(mut bench) = bench() else { return };
    let base = repository().join("deploy/base");
    let file = |name: &str| base.join(name).display().to_string();
    let (namespace, rbac) = (file("namespace.yaml"), file("rbac.yaml"));
    let files = ["-f", &namespace, "-f", &rbac];
    let applied = bench.kubectl_with(&[&["apply"], files.as_slice()].concat());
    assert_eq!(applied.succeeded().stderr, "");

    tls_profile::installed(&bench);
    let token = bench.secret("create token goldkeeper -n goldkeeper");
    let policies = policies(&bench);
    bench.run_with_token(&token, policies);
    let granted = granted(&fs::read_to_string(&rbac).unwrap());
    assert!(granted.len() > 20, "{granted:?}");
    let made = import(&bench);
    let mut asked = BTreeSet::new();
    let mut missing = BTreeSet::new();
    let mut superfluous = BTreeSet::new();
    let started = Instant::now();
    until("everything that is granted is asked for", LONG, || {
        drive(&bench);
        (asked, missing) = asked_for(&bench, ACCOUNT);
        superfluous = granted
            .iter()
            .filter(|right| !asked.iter().any(|asked| grants(right, asked)))
            .cloned()
            .collect();
        superfluous.is_empty() || !missing.is_empty() || started.elapsed() > PATIENCE
    });
    let log = bench.goldkeeper_log();
    assert_eq!(missing, BTreeSet::new(), "missing verbs:\n{log}");
    assert_eq!(superfluous, BTreeSet::new(), "superfluous verbs:\n{log}");
    let by_others = asked
        .iter()
        .filter(|asked| !granted.iter().any(|right| grants(right, asked)));
    let by_others: Vec<_> = by_others.collect();
    assert!(by_others.is_empty(), "not by our role: {by_others:?}");
    let announced = announced(&bench.metrics());
    for metric in OF_A_LIVE_CLUSTER {
        assert!(announced.contains(metric), "{metric}");
    }

    for object in made {
        bench.client.delete(&path_of(&object, true));
    }
    let remove = [&["delete", "--wait=false"], files.as_slice()].concat();
    bench.kubectl_with(&remove).succeeded();
    remove_namespace(&bench);
}

/// The shipped policies, and one that looks at the labels of namespaces.
fn policies(bench: &Bench) -> Policies {
    let text = "\
apiVersion: goldkeeper.io/v1
kind: ProtectedNamespaces
metadata: {name: of-a-label}
spec:
  validationActions: [Warn]
  match: {namespaceSelector: {matchLabels: {tier: platform}}}
  parameters: {namespaces: ['openshift-*']}
";
    let name = "policies-of-rights";
    let policies = Policies::of(bench.desk(), name, text);
    for file in crate::support::files::below(repository().join("policies"), "yaml") {
        let copy = bench.desk().join(name).join(file.file_name().unwrap());
        fs::copy(&file, copy).unwrap();
    }
    policies
}

/// An image that a cron imports into the golden namespace.
fn import(bench: &Bench) -> [Value; 2] {
    let metadata = |name: &str| json!({"name": name, "namespace": DEFAULT});
    let cron = json!({
        "apiVersion": "cdi.kubevirt.io/v1beta1",
        "kind": "DataImportCron",
        "metadata": metadata("rights-cron"),
        "spec": {
            "managedDataSource": "rights",
            "schedule": "0 0 * * *",
            "template": {"spec": {
                "source": {"registry": {"url": "docker://registry.example.com/rights"}},
                "storage": {"resources": {"requests": {"storage": "1Gi"}}},
            }},
        },
    });
    let mut claim = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata("rights-0123456789ab"),
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    });
    claim["metadata"]["labels"] = json!({"cdi.kubevirt.io/dataImportCron": "rights-cron"});
    let objects = [cron, claim];
    for object in &objects {
        let made = bench.client.create(object);
        assert!(made.is_success(), "{}", made.message());
    }
    objects
}

/// Requests whose answers rest on something that is read live.
fn drive(bench: &Bench) {
    let succeeded = |what: &str, answer: Answer| {
        assert!(answer.is_success(), "{what}: {}", answer.message());
    };
    // Is there a DataSource of that name in the namespace of the machine?
    succeeded("a reference", bench.client.dry_run(&vm("demo", "rights")));
    // Is the machine that is to be restored there?
    let restored = restore("openshift-cnv", "rights", "not-there");
    let refused = bench.client.dry_run(&restored);
    assert_eq!(refused.code, 403, "{}", refused.message());
    // Is the import still one that goes with the next, and are others there at all?
    for source in [
        json!({"pvc": {"name": "rights-0123456789ab", "namespace": DEFAULT}}),
        json!({"pvc": {"name": "not-there", "namespace": DEFAULT}}),
        json!({"snapshot": {"name": "not-there", "namespace": DEFAULT}}),
    ] {
        let mut machine = vm("demo", "rights");
        let spec = &mut machine["spec"]["dataVolumeTemplates"][0]["spec"];
        spec.as_object_mut().unwrap().remove("sourceRef");
        spec["source"] = source;
        succeeded("a clone", bench.client.dry_run(&machine));
    }
    // Is there such a class?
    let cron = json!({
        "apiVersion": "cdi.kubevirt.io/v1beta1",
        "kind": "DataImportCron",
        "metadata": {"name": "rights-class", "namespace": DEFAULT},
        "spec": {
            "managedDataSource": "rights-class",
            "schedule": "0 0 * * *",
            "template": {"spec": {
                "source": {"registry": {"url": "docker://registry.example.com/rights"}},
                "storage": {
                    "storageClassName": "not-there",
                    "resources": {"requests": {"storage": "1Gi"}},
                },
            }},
        },
    });
    bench.client.dry_run(&cron);
    // Which labels has a namespace that was not heard of yet? The API server makes one known too soon, so this one is
    // asked for without it.
    let review = review("openshift-not-heard-of", "rights").to_string();
    let mut tls = connect(bench.address(), &[], rustls::ALL_VERSIONS);
    let path = "/validate/protected-namespaces-warnings?timeout=2s";
    post(&mut tls, path, review.as_bytes());
    tls.write_all(review.as_bytes()).unwrap();
    let seen = answer(&mut tls);
    assert!(seen.contains(" 200 "), "{seen}");
}

/// What the role grants, one verb on one resource each.
pub(super) fn granted(rbac: &str) -> BTreeSet<Right> {
    let texts = |value: &Value| -> Vec<String> {
        let texts = value.as_array().into_iter().flatten();
        texts
            .map(|text| text.as_str().unwrap().to_owned())
            .collect()
    };
    let mut rights = BTreeSet::new();
    let objects = documents(rbac);
    let role = objects
        .iter()
        .find(|object| object["kind"] == "ClusterRole");
    for rule in role.unwrap()["rules"].as_array().unwrap() {
        let names: Vec<_> = match texts(&rule["resourceNames"]) {
            names if names.is_empty() => vec![None],
            names => names.into_iter().map(Some).collect(),
        };
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                for verb in texts(&rule["verbs"]) {
                    for name in &names {
                        assert!(![&group, &resource, &verb].contains(&&"*".to_owned()));
                        let name = name.clone();
                        rights.insert((group.clone(), resource.clone(), verb.clone(), name));
                    }
                }
            }
        }
    }
    rights
}

/// What goldkeeper asked the API server for, and what it was refused.
pub(super) fn asked_for(bench: &Bench, account: &str) -> (BTreeSet<Right>, BTreeSet<Right>) {
    let (mut asked, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for event in bench.audit_log() {
        let object = &event["objectRef"];
        if event["user"]["username"] != account || !object.is_object() {
            // Discovery is no object, and open to everybody.
            continue;
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let resource = match text(&object["subresource"]) {
            sub if sub.is_empty() => text(&object["resource"]),
            sub => format!("{}/{sub}", text(&object["resource"])),
        };
        let name = object["name"].as_str().map(str::to_owned);
        let right = (
            text(&object["apiGroup"]),
            resource,
            text(&event["verb"]),
            name,
        );
        if event["responseStatus"]["code"] == 403 {
            refused.insert(right.clone());
        }
        asked.insert(right);
    }
    (asked, refused)
}

/// Whether a right is what a request needed. A right for one object by name is not one for another.
pub(super) fn grants(right: &Right, asked: &Right) -> bool {
    let same = (&right.0, &right.1, &right.2) == (&asked.0, &asked.1, &asked.2);
    same && (right.3.is_none() || right.3 == asked.3)
}
