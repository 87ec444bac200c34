//! A good installation, and what is said of each way in which it can be a bad one.

mod broken;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::cluster::{Builder, ClusterView, Known};
use crate::engine::{ClientConfig, mutating_configuration, validating_configuration};
use crate::policy::{PolicySet, PolicySource};
use broken::{BROKEN_CLUSTER, BROKEN_WEBHOOKS};

const POLICIES: &str = "\
apiVersion: goldkeeper.io/v1
kind: ProtectedNamespaces
metadata: {name: guard}
spec:
  validationActions: [Deny]
  parameters: {namespaces: [openshift, \"openshift-*\"]}
---
apiVersion: goldkeeper.io/v1
kind: BootSourceNamespace
metadata: {name: fill}
spec: {validationActions: [Warn]}
";

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Everything that can be broken.
struct Site {
    objects: Vec<Value>,
    policies: PolicySet,
    live: Live,
    trust: Told<()>,
    expires: &'static str,
    account: Known<bool>,
    cloners: Known<bool>,
}

fn policies(text: &str) -> PolicySet {
    PolicySet::compile(&[PolicySource {
        file: "p.yaml".into(),
        text: text.to_owned(),
    }])
    .unwrap()
}

fn pod(name: &str, said: &str) -> Pod {
    Pod {
        name: name.to_owned(),
        account: "goldkeeper".to_owned(),
        said: Ok(said.to_owned()),
    }
}

fn other(name: &str) -> Value {
    json!({"kind": "MutatingWebhookConfiguration", "metadata": {"name": name},
        "webhooks": [{"name": "x", "rules": [{"apiGroups": ["kubevirt.io"]}]}]})
}

fn class(name: &str, day: u8, annotations: &Value) -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "p", "metadata": {"name": name,
        "creationTimestamp": format!("2026-01-{day:02}T00:00:00Z"), "annotations": annotations}})
}

impl Site {
    fn good() -> Self {
        let policies = policies(POLICIES);
        let client = ClientConfig {
            url: None,
            ca_bundle: Some("eA==".to_owned()),
        };
        let said = format!("policies {}\nok\n", policies.digest());
        let mutating = mutating_configuration(&policies, &client).unwrap();
        let validating = validating_configuration(&policies, &client).unwrap();
        let live = Live {
            namespace: "goldkeeper".to_owned(),
            kubernetes: Ok("v1.33.1".to_owned()),
            hyper_converged_versions: Ok(vec!["v1".to_owned(), "v1beta1".to_owned()]),
            mutating: Ok(vec![
                mutating,
                other("cdi-api-datavolume-mutate"),
                other("virt-api-mutator"),
            ]),
            validating: Ok(vec![validating]),
            pods: Ok(vec![pod("a", &said), pod("b", &said)]),
            policies: Ok(None),
            hyper_converged: Ok(vec![hyper_converged(&json!({}))]),
            api_server: Ok(None),
            machines: Ok(Machines::default()),
        };
        let golden = "openshift-virtualization-os-images";
        let objects = vec![
            json!({"apiVersion": "config.openshift.io/v1", "kind": "ClusterVersion", "metadata": {"name": "version"}}),
            hyper_converged(&json!({})),
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": golden}}),
            json!({"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "DataSource",
                "metadata": {"name": "rhel9", "namespace": golden},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]}}),
            class(
                "fast",
                1,
                &json!({"storageclass.kubernetes.io/is-default-class": "true"}),
            ),
            json!({"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "CDI", "metadata": {"name": "cdi"},
                "status": {"observedVersion": "v1.66.0"}}),
        ];
        Self {
            objects,
            policies,
            live,
            trust: Ok(()),
            expires: "2028-01-01T00:00:00Z",
            account: Known::Known(true),
            cloners: Known::Known(true),
        }
    }

    fn view(&self) -> std::sync::Arc<ClusterView> {
        let mut builder = Builder::complete();
        for object in &self.objects {
            builder.fold(object);
        }
        builder.build()
    }

    fn lines(&self) -> Vec<Line> {
        let view = self.view();
        let served = Served {
            pod: "a".to_owned(),
            expires: self.expires.parse().unwrap(),
            issuer: "CN=x".to_owned(),
        };
        let trust = Trust {
            webhook: "w".to_owned(),
            pod: "a".to_owned(),
            outcome: self.trust.clone(),
        };
        let namespaces = golden_namespaces(&view).into_iter();
        diagnose(&Evidence {
            view: &view,
            policies: Ok(&self.policies),
            now: "2026-11-25T00:00:00Z".parse::<Timestamp>().unwrap(),
            live: Some(&self.live),
            certificates: vec![Ok(served)],
            trust: vec![trust],
            account: account_questions("goldkeeper", "goldkeeper")
                .into_iter()
                .map(|access| (access, self.account))
                .collect(),
            cloners: namespaces.map(|name| (name, self.cloners)).collect(),
        })
    }

    fn mutating(&mut self) -> &mut Vec<Value> {
        self.live.mutating.as_mut().unwrap()
    }

    fn validating(&mut self) -> &mut Value {
        &mut self.live.validating.as_mut().unwrap()[0]["webhooks"]
    }
}

fn hyper_converged(spec: &Value) -> Value {
    json!({"apiVersion": "hco.kubevirt.io/v1", "kind": "HyperConverged",
        "metadata": {"name": "kubevirt-hyperconverged", "namespace": "openshift-cnv"}, "spec": spec})
}

/// Level, topic, and what the sentence or a cure holds.
type Expected = (Level, &'static str, &'static str);

fn holds(lines: &[Line], (level, topic, part): Expected) {
    let found = lines.iter().any(|line| {
        let all = format!("{} {}", line.sentence, line.cures.join(" "));
        line.level == level && line.topic == topic && all.contains(part)
    });
    assert!(found, "{level:?} {topic} {part}: {lines:#?}");
}

#[test]
fn a_good_site_is_all_ok() {
    let lines = Site::good().lines();
    let bad: Vec<&Line> = lines
        .iter()
        .filter(|line| line.level != Level::Ok)
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert_eq!(lines.len(), CHECKS.len());
    holds(&lines, (Level::Ok, "policies", "2 in force"));
    holds(&lines, (Level::Ok, "policies", "same on 2 of 2 replicas"));
    holds(
        &lines,
        (
            Level::Ok,
            "certificate",
            "expires in 402 days, matches caBundle",
        ),
    );
    holds(
        &lines,
        (
            Level::Ok,
            "order",
            "before cdi-api-datavolume-mutate and virt-api-mutator",
        ),
    );
}

#[test]
fn each_broken_site_gets_its_line_and_no_other() {
    for (told, broken) in BROKEN_WEBHOOKS.iter().chain(BROKEN_CLUSTER) {
        let mut site = Site::good();
        broken(&mut site);
        let lines = site.lines();
        holds(&lines, *told);
        let others = lines
            .iter()
            .filter(|line| line.level != Level::Ok && line.topic != told.1);
        // Without defaults or a HyperConverged other things can't be told either.
        let others: Vec<_> = others.collect();
        assert!(others.is_empty(), "{told:?}: {others:#?}");
    }
}

#[test]
fn a_golden_namespace_that_is_not_there_is_a_failure() {
    let mut site = Site::good();
    site.objects[1] =
        hyper_converged(&json!({"workloadSources": {"commonBootImageNamespace": "gold"}}));
    holds(
        &site.lines(),
        (Level::Failed, "golden", "kubectl create namespace gold"),
    );
}

#[test]
fn nothing_registered_is_a_failure() {
    let mut site = Site::good();
    site.live.mutating = Ok(Vec::new());
    site.live.validating = Ok(Vec::new());
    let lines = site.lines();
    holds(
        &lines,
        (
            Level::Failed,
            "fail-open",
            "nothing is filled in and nothing is refused",
        ),
    );
    holds(
        &lines,
        (
            Level::Failed,
            "delivery",
            "no registered webhook calls /mutate",
        ),
    );
    holds(&lines, (Level::Failed, "order", "nothing is filled in"));
}

#[test]
fn what_needs_a_live_cluster_is_skipped_with_files() {
    let site = Site::good();
    let view = site.view();
    let lines = diagnose(&Evidence {
        view: &view,
        policies: Err("none".to_owned()),
        now: Timestamp::UNIX_EPOCH,
        live: None,
        certificates: Vec::new(),
        trust: Vec::new(),
        account: Vec::new(),
        cloners: Vec::new(),
    });
    let of = |level: Level| {
        let lines = lines.iter().filter(|line| line.level == level);
        lines.map(|line| line.topic).collect::<Vec<_>>()
    };
    assert_eq!(of(Level::Ok), ["golden", "sources", "storage", "versions"]);
    assert_eq!(of(Level::Skipped).len(), CHECKS.len() - 4);
}

#[test]
fn every_sentence_is_one_line() {
    let line = Line::new(Level::Ok, "x", "a\nb\u{1b}[31m");
    assert_eq!(line.sentence, "a b [31m");
}
