//! Files that derive from the catalogue are what the code says. `UPDATE=1 cargo test generated` writes them again.

use std::path::{Path, PathBuf};
use std::process::Command;

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

fn goldkeeper(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_goldkeeper"))
        .args(arguments)
        .current_dir(root())
        .env_remove("GOLDKEEPER_POLICIES")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
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
    let file = "policies/README.md";
    let readme = std::fs::read_to_string(root().join(file)).unwrap();
    let (begin, end) = ("<!-- fields: begin -->\n", "<!-- fields: end -->");
    let (before, rest) = readme
        .split_once(begin)
        .expect("a mark where the table begins");
    let (_, after) = rest.split_once(end).expect("a mark where the table ends");
    let schema = goldkeeper::policy::schema();
    let spec = &schema["allOf"][0]["then"]["properties"]["spec"];
    let mut table =
        "| field of `spec` | what it is for | default |\n| --- | --- | --- |\n".to_owned();
    rows(spec, "", &mut table);
    same(file, &format!("{before}{begin}{table}{end}{after}"));
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
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (begin, end) = ("<!-- rules: begin -->\n", "<!-- rules: end -->");
    let (before, rest) = readme
        .split_once(begin)
        .expect("README.md has a mark where the table of rules begins");
    let (_, after) = rest
        .split_once(end)
        .expect("README.md has a mark where the table of rules ends");
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
    same("README.md", &format!("{before}{begin}{table}{end}{after}"));
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
