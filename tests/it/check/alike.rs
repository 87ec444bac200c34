//! `check` and the webhooks decide alike, to the byte of message, warnings and patch: over all cases, and over the corpus
//! in front of the real HTTPS server.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use goldkeeper::admission::Resource;
use goldkeeper::cluster::Known;
use goldkeeper::store;
use serde_json::{Value, json};

use super::desk::Desk;
use crate::support::round::{self, World};
use crate::support::serving::{Serving, Tls, answer, connect};
use crate::support::{files, yaml};

/// What was said of an object.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    message: Option<String>,
    warnings: Vec<String>,
    patch: Vec<Value>,
}

impl Said {
    /// By `check -o json`.
    fn by_check(object: &Value) -> Self {
        Self {
            message: object
                .get("message")
                .and_then(Value::as_str)
                .map(str::to_owned),
            warnings: list(&object["warnings"]).iter().map(text).collect(),
            patch: list(&object["patch"]),
        }
    }

    fn anything(&self) -> bool {
        self.message.is_some() || !self.warnings.is_empty() || !self.patch.is_empty()
    }
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn resource_of(object: &Value) -> Option<(Resource, String)> {
    let (group, version) = object["apiVersion"].as_str()?.split_once('/')?;
    let kind = object["kind"].as_str()?;
    let resource = Resource::ALL.into_iter().find(|resource| {
        let info = resource.info();
        info.group == group && info.kind == kind && info.versions.contains(&version)
    });
    Some((resource?, version.to_owned()))
}

/// The request that the API server makes of an object in a namespace, for an operation.
fn request(
    object: &Value,
    old: &Value,
    namespace: &str,
    operation: &str,
    user: &Value,
) -> Option<Value> {
    let named = if object.is_null() { old } else { object };
    let (resource, version) = resource_of(named)?;
    let info = resource.info();
    let namespace = if info.namespaced { namespace } else { "" };
    let stored = |object: &Value| {
        let mut object = object.clone();
        if object["metadata"].is_null() && object.is_object() {
            object["metadata"] = json!({});
        }
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            if info.namespaced {
                metadata.insert("namespace".to_owned(), json!(namespace));
            }
            if operation == "CREATE" {
                for field in [
                    "uid",
                    "creationTimestamp",
                    "deletionTimestamp",
                    "deletionGracePeriodSeconds",
                    "selfLink",
                ] {
                    metadata.remove(field);
                }
            }
        }
        object
    };
    Some(json!({
        "uid": "alike",
        "kind": {"group": info.group, "version": version, "kind": info.kind},
        "resource": {"group": info.group, "version": version, "resource": info.plural},
        "name": named.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default(),
        "namespace": namespace,
        "operation": operation,
        "userInfo": user,
        "object": stored(object),
        "oldObject": stored(old),
        "dryRun": false,
    }))
}

/// The groups that the API server adds to those of a case.
fn user(name: &str, groups: &[String]) -> Value {
    let mut groups = groups.to_vec();
    if let (true, Some(account)) = (
        groups.is_empty(),
        name.strip_prefix("system:serviceaccount:"),
    ) {
        groups.push("system:serviceaccounts".to_owned());
        groups.push(format!(
            "system:serviceaccounts:{}",
            account.split(':').next().unwrap()
        ));
    }
    if !groups.iter().any(|group| group == "system:authenticated") {
        groups.push("system:authenticated".to_owned());
    }
    json!({"username": name, "groups": groups})
}

/// Whatever a case names is put into files, as an administrator has them. `None`: no command line can say it.
struct CaseFiles {
    desk: Desk,
    request: Value,
    arguments: Vec<String>,
    today: String,
}

impl CaseFiles {
    fn of(case: &Value, file: &Path) -> Result<Self, &'static str> {
        let asked = &case["request"];
        let (object, old) = (&asked["object"], &asked["oldObject"]);
        let named = if object.is_null() { old } else { object };
        let operation = asked["operation"].as_str().unwrap();
        let own = named
            .pointer("/metadata/namespace")
            .and_then(Value::as_str)
            .filter(|name| !name.is_empty());
        let namespace = asked["namespace"].as_str().or(own).unwrap_or_default();
        if !case["live"].is_null() {
            return Err("the cluster is watched");
        }
        if case["mutationSkipped"] == true || operation == "CONNECT" || !asked["resource"].is_null()
        {
            return Err("the request is none of a manifest");
        }
        if asked["subResource"]
            .as_str()
            .is_some_and(|name| !name.is_empty())
        {
            return Err("the request is none of a manifest");
        }
        if own.is_some_and(|own| own != namespace) {
            return Err("the API server would refuse it: two namespaces");
        }
        let named_twice = operation != "UPDATE"
            || !named["metadata"]["name"]
                .as_str()
                .unwrap_or_default()
                .is_empty();
        let user_name = asked["user"].as_str().unwrap_or("alice");
        let groups: Vec<String> = list(&asked["groups"]).iter().map(text).collect();
        let request = request(object, old, namespace, operation, &user(user_name, &groups))
            .filter(|_| named_twice);
        let request = request.ok_or("the object is of no kind that is judged")?;
        let desk = Desk::new();
        put(&desk, case, file);
        let mut arguments: Vec<String> = ["new.json", "-o", "json", "--as", user_name]
            .map(str::to_owned)
            .to_vec();
        desk.write("new.json", &named.to_string());
        if operation == "UPDATE" {
            desk.write("old.json", &old.to_string());
            arguments.extend(["--old", "old.json"].map(str::to_owned));
        } else {
            arguments.extend(["--operation", operation].map(str::to_owned));
        }
        if !namespace.is_empty() {
            arguments.extend(["-n".to_owned(), namespace.to_owned()]);
        }
        arguments.extend(
            groups
                .iter()
                .flat_map(|group| ["--as-group".to_owned(), group.clone()]),
        );
        let today = case["now"].as_str().unwrap_or("2026-01-01").to_owned();
        arguments.extend(["--now".to_owned(), today.clone()]);
        Ok(Self {
            desk,
            request,
            arguments,
            today,
        })
    }
}

fn case(file: &Path) -> Value {
    let text = std::fs::read_to_string(file).unwrap();
    yaml::documents(&text).unwrap().remove(0)
}

/// Policies and cluster of a case, as files.
fn put(desk: &Desk, case: &Value, file: &Path) {
    let folder = file.parent().unwrap();
    let mut inline = String::new();
    std::fs::create_dir(desk.path("policies")).unwrap();
    for policy in list(&case["policies"]) {
        match policy.as_str() {
            Some(path) => {
                let name = Path::new(path).file_name().unwrap();
                std::fs::copy(folder.join(path), desk.path("policies").join(name)).unwrap();
            }
            None => inline.extend(["---\n".to_owned(), policy.to_string(), "\n".to_owned()]),
        }
    }
    if !inline.is_empty() {
        let name = file.file_name().unwrap().to_str().unwrap();
        desk.write(&format!("policies/{name}"), &inline);
    }
    let mut cluster = String::new();
    let sources = match &case["cluster"] {
        Value::String(path) => vec![Value::from(path.as_str())],
        sources => list(sources),
    };
    for source in sources {
        let document = match source.as_str() {
            Some(path) => std::fs::read_to_string(folder.join(path)).unwrap(),
            None => source.to_string(),
        };
        cluster.extend(["---\n", &document, "\n"]);
    }
    desk.write("cluster.yaml", &cluster);
}

/// Each text once, as the API server shows it.
fn once(texts: &[String]) -> Vec<String> {
    let is_first = |(place, text): &(usize, &String)| !texts[..*place].contains(text);
    let firsts = texts.iter().enumerate().filter(is_first);
    firsts.map(|(_, text)| text.clone()).collect()
}

#[test]
fn every_case_is_decided_as_by_the_webhooks() {
    let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut compared, mut said_something) = (0, 0);
    let mut differences = Vec::new();
    for file in files::below("tests/cases", "yaml") {
        let case = match CaseFiles::of(&case(&file), &file) {
            Ok(case) => case,
            Err(reason) => {
                *skipped.entry(reason).or_default() += 1;
                continue;
            }
        };
        let mut line: Vec<&str> = [
            "--cluster-from",
            "cluster.yaml",
            "--policies",
            "policies",
            "--allow-no-policies",
        ]
        .to_vec();
        line.extend(case.arguments.iter().map(String::as_str));
        let seen = case.desk.run_bare(&line);
        assert!(seen.code < 2, "{}: {}", file.display(), seen.stderr);
        let by_check = Said::by_check(&seen.json()["objects"][0]);

        let policies = store::compile_folder(&case.desk.path("policies"), true).unwrap();
        let cluster = store::read_cluster(&[case.desk.path("cluster.yaml")]).unwrap();
        let world = World {
            policies: &policies,
            view: &cluster.view,
            read: &|_| Known::Unknown,
            today: case.today.parse().unwrap(),
        };
        let outcome = round::judge(&world, &case.request).unwrap();
        let by_webhooks = Said {
            message: outcome.validate.message,
            warnings: once(&[outcome.mutate.warnings, outcome.validate.warnings].concat()),
            patch: outcome.mutate.patch,
        };
        compared += 1;
        said_something += usize::from(by_webhooks.anything());
        if by_check != by_webhooks {
            differences.push(format!(
                "{}:\n{by_check:#?}\n{by_webhooks:#?}",
                file.display()
            ));
        }
    }
    println!(
        "{compared} cases compared, of {said_something} something is said; left out: {skipped:#?}"
    );
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(
        compared > 100 && said_something > 60,
        "{compared} {said_something}"
    );
}

/// Ways to send what is in the corpus.
const VARIANTS: [&str; 4] = [
    "as it is",
    "in a namespace of the platform",
    "in a namespace of Kubernetes",
    "from a golden image without its namespace",
];

fn variant(which: &str, object: &Value) -> Value {
    let mut object = object.clone();
    match which {
        "in a namespace of the platform" | "in a namespace of Kubernetes" => {
            let platform = which == "in a namespace of the platform";
            let namespace = if platform {
                "openshift-cnv"
            } else {
                "kube-public"
            };
            if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.insert("namespace".to_owned(), json!(namespace));
            }
        }
        "from a golden image without its namespace" => clone_golden_image(&mut object),
        _ => {}
    }
    object
}

fn clone_golden_image(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(reference) = fields.get_mut("sourceRef").and_then(Value::as_object_mut) {
                reference.remove("namespace");
                reference.insert("name".to_owned(), json!("rhel9"));
            }
            let imported = fields
                .get("source")
                .is_some_and(|source| source.get("pvc").is_none());
            if imported && (fields.contains_key("storage") || fields.contains_key("pvc")) {
                fields.remove("source");
                let golden = json!({"kind": "DataSource", "name": "rhel9"});
                fields.insert("sourceRef".to_owned(), golden);
            }
            fields.values_mut().for_each(clone_golden_image);
        }
        Value::Array(items) => items.iter_mut().for_each(clone_golden_image),
        _ => {}
    }
}

/// What the webhooks answer over HTTPS.
fn over_https(tls: &mut Tls, mut request: Value) -> Said {
    let mut ask = |path: &str, request: &Value| -> Value {
        let body = round::review(request).to_string();
        let length = body.len();
        // In one piece: the kernel holds back a second small one until the first is acknowledged.
        let whole = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        tls.write_all(whole.as_bytes()).unwrap();
        let answer = answer(tls);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
        serde_json::from_str::<Value>(body).unwrap()["response"].take()
    };
    let mutated = ask("/mutate", &request);
    let patch: Vec<Value> = mutated["patch"].as_str().map_or_else(Vec::new, |patch| {
        serde_json::from_slice(&STANDARD.decode(patch).unwrap()).unwrap()
    });
    let applied: json_patch::Patch = serde_json::from_value(json!(patch)).unwrap();
    json_patch::patch(&mut request["object"], &applied).unwrap();
    let validated = ask("/validate", &request);
    let warnings = [list(&mutated["warnings"]), list(&validated["warnings"])].concat();
    Said {
        message: validated.pointer("/status/message").map(text),
        warnings: once(&warnings.iter().map(text).collect::<Vec<_>>()),
        patch,
    }
}

/// The objects of the corpus that can be read by the other reader too, each with its variants, one a file.
fn unpack(corpus: &Path, desk: &Desk) -> Vec<(String, Value)> {
    let mut objects = Vec::new();
    for file in files::below(corpus, "yaml") {
        let Some(documents) = std::fs::read_to_string(&file)
            .ok()
            .and_then(|text| yaml::documents(&text).ok())
        else {
            continue;
        };
        let items = documents.into_iter().flat_map(|document| {
            match document.get("items").and_then(Value::as_array) {
                Some(items) => items.clone(),
                None => vec![document],
            }
        });
        for object in items.filter(|object| resource_of(object).is_some()) {
            for (number, which) in VARIANTS.iter().enumerate() {
                let object = variant(which, &object);
                let name = format!("unpacked/{:05}-{number}.json", objects.len());
                desk.write(&name, &object.to_string());
                objects.push((name, object));
            }
        }
    }
    objects
}

#[test]
fn the_corpus_is_decided_as_by_the_server() {
    let Some(corpus) = std::env::var_os("GOLDKEEPER_CORPUS") else {
        println!("GOLDKEEPER_CORPUS is not set: the corpus tests were skipped");
        return;
    };
    let corpus = PathBuf::from(corpus).join("manifests");
    let desk = Desk::new();
    let objects = unpack(&corpus, &desk);
    let report = desk.check(&["unpacked", "-o", "json", "-n", "demo"]);
    assert!(report.code < 2, "{}", report.stderr);
    let report = report.json();
    let judged = list(&report["objects"]);
    assert_eq!(judged.len(), objects.len());

    let serving = Serving::start();
    let mut tls = connect(serving.https, &["http/1.1"], &[&rustls::version::TLS13]);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for ((name, object), judged) in objects.iter().zip(&judged) {
        assert_eq!(judged["file"], name.as_str());
        let own = object
            .pointer("/metadata/namespace")
            .and_then(Value::as_str)
            .filter(|name| !name.is_empty());
        let user = user("kubernetes-admin", &[]);
        let request =
            request(object, &Value::Null, own.unwrap_or("demo"), "CREATE", &user).unwrap();
        let by_server = over_https(&mut tls, request);
        assert_eq!(Said::by_check(judged), by_server, "{name}: {object}");
        let mut count = |what, is| *counts.entry(what).or_default() += usize::from(is);
        count("compared", true);
        count("denied", by_server.message.is_some());
        count("warned", !by_server.warnings.is_empty());
        count("filled", !by_server.patch.is_empty());
    }
    println!("{counts:?}");
    assert!(
        counts["denied"] > 100 && counts["warned"] > 100 && counts["filled"] > 20,
        "{counts:?}"
    );
}

#[test]
fn the_corpus_is_read_as_the_other_reader_reads_it() {
    let Some(corpus) = std::env::var_os("GOLDKEEPER_CORPUS") else {
        println!("GOLDKEEPER_CORPUS is not set: the corpus tests were skipped");
        return;
    };
    let (mut same, mut different) = (0, Vec::new());
    for file in files::below(PathBuf::from(corpus).join("manifests"), "yaml") {
        let Ok(text) = std::fs::read_to_string(&file) else {
            continue;
        };
        let Ok(expected) = yaml::documents(&text) else {
            continue;
        };
        let found: Result<Vec<Value>, _> = goldkeeper::manifest::documents(&text)
            .map(|document| document.map(|document| document.node.to_json()))
            .collect();
        match found {
            Ok(found) if found == expected => same += 1,
            Ok(_) => different.push(format!("{}: other values", file.display())),
            Err(fault) => different.push(format!("{}: {fault:?}", file.display())),
        }
    }
    println!("{same} files read the same");
    assert!(
        different.is_empty() && same > 100,
        "{same}\n{}",
        different.join("\n")
    );
}
