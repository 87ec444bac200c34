//! Files that derive from the catalogue are what the code says. `UPDATE=1 cargo test generated` writes them again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use goldkeeper::cluster::Kind;
use goldkeeper::policy::{PolicySet, PolicySource, Standing};
use goldkeeper::store;
use goldkeeper::telemetry::{Sources, TlsFile, TlsState};

use crate::deploy::metrics::announced;
use crate::support::seen::Seen;
use crate::support::serving::Serving;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Compares a checked-in file with what it should say, or writes it.
fn same(file: &str, expected: &str) {
    let path: PathBuf = root().join(file);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, expected).unwrap();
        return;
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "{file} is stale: run `UPDATE=1 cargo test generated` and commit it\n--- expected\n{expected}"
    );
}

/// Compares what stands between two marks of a file with what should, or writes it.
fn same_between(file: &str, mark: &str, expected: &str) {
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    let (begin, end) = (
        format!("<!-- {mark}: begin -->\n"),
        format!("<!-- {mark}: end -->"),
    );
    let (before, rest) = text
        .split_once(&begin)
        .expect("a mark where the table begins");
    let (_, after) = rest.split_once(&end).expect("a mark where the table ends");
    same(file, &format!("{before}{begin}{expected}{end}{after}"));
}

fn goldkeeper(arguments: &[&str]) -> String {
    Seen::goldkeeper(arguments).succeeded().stdout
}

#[test]
fn the_webhook_configurations_cover_the_shipped_policies() {
    same(
        "deploy/base/webhooks.yaml",
        &goldkeeper(&["webhook-config", "--policies", "policies"]),
    );
}

#[test]
fn the_schema_of_policy_files_is_what_the_decoder_reads_by() {
    same("policies/schema.json", &goldkeeper(&["schema"]));
    for file in crate::support::files::below(root().join("policies"), "yaml") {
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(
            text.lines().next(),
            Some("# yaml-language-server: $schema=schema.json"),
            "{}: the first line tells editors of the schema",
            file.display()
        );
    }
}

/// The fields of a policy between two marks of the policies' README, from the schema.
#[test]
fn the_manual_of_the_policies_lists_every_field() {
    let schema = goldkeeper::policy::schema();
    let spec = &schema["allOf"][0]["then"]["properties"]["spec"];
    let mut table =
        "| field of `spec` | what it is for | default |\n| --- | --- | --- |\n".to_owned();
    rows(spec, "", &mut table);
    same_between("policies/README.md", "fields", &table);
}

fn rows(object: &serde_json::Value, path: &str, table: &mut String) {
    let fields = object["properties"].as_object().into_iter().flatten();
    for (name, field) in fields.filter(|(name, _)| *name != "parameters") {
        let required = object["required"].as_array().into_iter().flatten();
        let default = match field.get("default") {
            Some(default) => format!("`{default}`"),
            None if required.clone().any(|one| one == name) => "must be there".to_owned(),
            None => String::new(),
        };
        let text = field["description"].as_str().unwrap_or_default();
        table.extend(["| `", path, name, "` | ", text, " | ", &default, " |\n"]);
        rows(field, &format!("{path}{name}."), table);
        rows(&field["items"], &format!("{path}{name}[]."), table);
    }
}

/// The table of rules between two marks of the README.
#[test]
fn the_readme_lists_every_rule() {
    let mut table = "| kind | what it does | looks at |\n| --- | --- | --- |\n".to_owned();
    for rule in goldkeeper::rules::RULES {
        let resources: Vec<&str> = rule
            .resources()
            .iter()
            .map(|resource| resource.info().plural)
            .collect();
        let cells = [
            &format!("`{}`", rule.kind),
            rule.summary,
            &resources.join(", "),
        ];
        table.extend(["| ", &cells.join(" | "), " |\n"]);
    }
    same_between("README.md", "rules", &table);
}

/// The table of metrics between two marks of the deployment's README, from what `/metrics` says where there is something
/// to say of everything.
#[test]
fn the_manual_of_the_deployment_lists_every_metric() {
    let text = every_metric();
    let mut table =
        "| metric | type | labels | what it tells |\n| --- | --- | --- | --- |\n".to_owned();
    let mut rows = 0;
    for help in text.lines().filter_map(|line| line.strip_prefix("# HELP ")) {
        let (name, help) = help.split_once(' ').unwrap();
        let kind = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("# TYPE {name} ")))
            .unwrap();
        let name = match kind {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.to_owned(),
        };
        let labels = labels(&text, &name, kind);
        let help = help.trim_end_matches('.');
        table.extend([
            "| `", &name, "` | ", kind, " | ", &labels, " | ", help, " |\n",
        ]);
        rows += 1;
    }
    assert!(rows > 15, "{text}");
    let known = announced(&text);
    let unknown: Vec<String> = announced(&Serving::start().get("/metrics"))
        .into_iter()
        .filter(|name| !known.contains(name))
        .collect();
    assert_eq!(unknown, [""; 0], "not in the table");
    same_between("deploy/README.md", "metrics", &table);
}

/// The names of the labels that the samples of a metric have.
fn labels(text: &str, name: &str, kind: &str) -> String {
    let sample = match kind {
        "histogram" => format!("{name}_count"),
        _ => name.to_owned(),
    };
    let sample = text
        .lines()
        .find_map(|line| line.strip_prefix(&sample)?.strip_prefix(['{', ' ']))
        .unwrap_or_else(|| panic!("no sample of {name}: {text}"));
    let Some((labels, _)) = sample.split_once('}') else {
        return String::new();
    };
    let names = labels
        .split("\",")
        .map(|label| label.split('=').next().unwrap());
    names
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// What `/metrics` says of a live cluster with boot sources and of a policy with an exemption that ends.
fn every_metric() -> String {
    let policy = "\
apiVersion: goldkeeper.io/v1
kind: ProtectedNamespaces
metadata: {name: none-here}
spec:
  validationActions: [Deny]
  exemptions: [{reason: x, users: [alice], expires: 2027-01-31}]
  parameters: {namespaces: [closed]}
";
    let policy = PolicySource {
        file: Arc::from("a.yaml"),
        text: policy.to_owned(),
    };
    let standing = Standing::default();
    standing.compared(Some(Vec::new()));
    let cluster =
        store::read_cluster(&[root().join("tests/fixtures/clusters/two-classes.yaml")]).unwrap();
    let file = TlsFile {
        name: "serving",
        loaded: 0,
        rejected: 0,
        reason: None,
    };
    let tls = TlsState {
        fingerprint: String::new(),
        chain: Vec::new(),
        until: jiff::Timestamp::UNIX_EPOCH,
        profile: String::new(),
        notes: Vec::new(),
        files: vec![file],
    };
    let sources = Sources {
        metrics: Arc::default(),
        policies: Arc::new(ArcSwap::from_pointee(
            PolicySet::compile(&[policy]).unwrap(),
        )),
        standing: Arc::new(standing),
        view: Arc::new(ArcSwap::new(cluster.view)),
        pulse: Box::new(|| (vec![("found", 0)], vec![(Kind::DataSource, 0.0)])),
        tls: Box::new(move || tls.clone()),
        events: Some(Arc::default()),
    };
    Arc::new(sources).render().unwrap()
}

#[test]
fn the_role_grants_what_is_asked_of_the_api_server() {
    same("deploy/base/rbac.yaml", &goldkeeper(&["rbac"]));
    same(
        "deploy/components/events/rbac.yaml",
        &goldkeeper(&["rbac", "--events"]),
    );
}

/// The ConfigMap of the deployment holds every shipped policy. The file has no `.yaml` in its name, so that it is not
/// taken for a policy.
#[test]
fn the_config_map_holds_every_shipped_policy() {
    let text = "\
# The shipped policies as a ConfigMap, for deploy/. Made by `UPDATE=1 cargo test generated`; a test fails when a policy is
# not in it. The name has no suffix: goldkeeper follows the files by content, so a change needs no new pods.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
generatorOptions:
  disableNameSuffixHash: true
configMapGenerator:
- name: goldkeeper-policies
  namespace: goldkeeper
  files:
";
    let files = policies().map(|(name, _)| format!("  - {name}\n"));
    let files = files.collect::<String>();
    same("policies/Kustomization", &format!("{text}{files}"));
}

/// Elsewhere than on OpenShift the platform is in other namespaces. What its own accounts do is let through there.
#[test]
fn on_kubernetes_the_platform_is_where_kubevirt_is() {
    let folder = "deploy/overlays/kubernetes/policies";
    let mut text = "\
# The shipped policies that name the namespaces of the platform, with those of KubeVirt and CDI instead. Made by
# `UPDATE=1 cargo test generated`.
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
generatorOptions:
  disableNameSuffixHash: true
configMapGenerator:
- name: goldkeeper-policies
  namespace: goldkeeper
  behavior: merge
  files:
"
    .to_owned();
    for (name, policy) in policies() {
        let there = policy
            .replace(
                "platformNamespaces: [openshift-cnv]",
                "platformNamespaces: [kubevirt, cdi]",
            )
            .replace("$schema=", "$schema=../../../../policies/");
        if there.contains("[kubevirt, cdi]") {
            text.extend(["  - ", &name, "\n"]);
            same(&format!("{folder}/{name}"), &there);
        }
    }
    same(&format!("{folder}/kustomization.yaml"), &text);
}

/// The shipped policies: name of the file and text.
fn policies() -> impl Iterator<Item = (String, String)> {
    let files = crate::support::files::below(root().join("policies"), "yaml");
    files.into_iter().map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        (name.to_owned(), std::fs::read_to_string(&path).unwrap())
    })
}
