//! A case: one request in one world, and what must come of it. `tests/cases/README.md` is the manual of the format.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use goldkeeper::admission::Resource;
use goldkeeper::cluster::{
    Access, Answer as Found, Builder, ClusterView, Coverage, Fact, Kind, Known, Question,
};
use goldkeeper::policy::{PolicySet, PolicySource};
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

use super::round::{self, Answer, World};
use super::yaml;

/// The day of a case that names none.
const TODAY: Date = Date::constant(2026, 1, 1);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    policies: Vec<Source>,
    #[serde(default)]
    cluster: Cluster,
    live: Option<Live>,
    now: Option<String>,
    request: Request,
    #[serde(default)]
    mutation_skipped: bool,
    expect: Expect,
}

/// A file, relative to the case, or a document in its place.
#[derive(Deserialize)]
#[serde(untagged)]
enum Source {
    File(PathBuf),
    Document(Value),
}

/// A cluster that is known whole.
#[derive(Deserialize)]
#[serde(untagged)]
enum Cluster {
    File(PathBuf),
    Objects(Vec<Source>),
}

impl Default for Cluster {
    fn default() -> Self {
        Self::Objects(Vec::new())
    }
}

/// A cluster that is followed by watches and asked by live reads.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Live {
    #[serde(default)]
    seen: Vec<Source>,
    #[serde(default)]
    unknown: BTreeMap<String, String>,
    #[serde(default)]
    present: Vec<Source>,
    #[serde(default)]
    absent: Vec<Key>,
    #[serde(default)]
    allowed: Vec<Right>,
    #[serde(default)]
    denied: Vec<Right>,
}

/// What an access review says; what is left out goes for all.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Right {
    user: Option<String>,
    group: Option<String>,
    verb: Option<String>,
    resource: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
}

impl Right {
    fn is_of(&self, access: &Access) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        let resource = match access.subresource {
            "" => access.resource.to_owned(),
            subresource => format!("{}/{subresource}", access.resource),
        };
        let mut groups = access.who.groups.iter();
        is(&self.user, &access.who.user)
            && (self.group.as_ref()).is_none_or(|wanted| groups.any(|group| group == wanted))
            && is(&self.verb, access.verb)
            && is(&self.resource, &resource)
            && is(&self.namespace, &access.namespace)
            && is(&self.name, &access.name)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Key {
    kind: String,
    #[serde(default)]
    namespace: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Request {
    operation: String,
    #[serde(default = "alice")]
    user: String,
    #[serde(default)]
    groups: Vec<String>,
    namespace: Option<String>,
    #[serde(default)]
    object: Value,
    #[serde(default)]
    old_object: Value,
    #[serde(default)]
    sub_resource: String,
    #[serde(default)]
    dry_run: bool,
    resource: Option<ResourceName>,
}

fn alice() -> String {
    "alice".to_owned()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ResourceName {
    group: String,
    version: String,
    resource: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Expect {
    #[serde(default)]
    mutate: Expected,
    #[serde(default)]
    validate: Expected,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Expected {
    allowed: bool,
    message: Option<String>,
    patch: Vec<Value>,
    warnings: Vec<String>,
    audit_annotations: Option<BTreeMap<String, String>>,
}

impl Default for Expected {
    fn default() -> Self {
        Self {
            allowed: true,
            message: None,
            patch: Vec::new(),
            warnings: Vec::new(),
            audit_annotations: None,
        }
    }
}

/// Runs a case file. The error is what people read: a fault in the file, or expected and found side by side.
pub(crate) fn run(file: &Path) -> Result<(), String> {
    let text = read(file)?;
    let case: Case = serde_saphyr::from_str(&text).map_err(|error| error.to_string())?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let policies = case.policies(file, folder)?;
    let (view, read) = match &case.live {
        Some(live) => live.view(folder)?,
        None => case.cluster.view(folder)?,
    };
    let today = case.now.as_deref().map(str::parse);
    let world = World {
        policies: &policies,
        view: &view,
        read: &*read,
        today: today
            .unwrap_or(Ok(TODAY))
            .map_err(|error| format!("now: {error}"))?,
    };
    let outcome = round::judge(&world, &case.request.review()?)
        .ok_or("the request is no review that can be answered")?;
    let validate = if case.mutation_skipped {
        &outcome.validate_unpatched
    } else {
        &outcome.validate
    };
    let expected = case.expect.mutate.text("mutate") + &case.expect.validate.text("validate");
    let found = found(&outcome.mutate, &case.expect.mutate, "mutate")
        + &found(validate, &case.expect.validate, "validate");
    if std::env::var_os("UPDATE").is_some() {
        return rewrite(file, &text, &found);
    }
    if expected == found {
        return Ok(());
    }
    let diff = similar::TextDiff::from_lines(&expected, &found);
    Err(format!(
        "what came of the request is not what was expected (-expected +found):\n{}",
        diff.unified_diff().context_radius(20)
    ))
}

/// `expect` stands last in a file, so that the rest keeps its comments.
fn rewrite(file: &Path, text: &str, found: &str) -> Result<(), String> {
    let start = if text.starts_with("expect:") {
        0
    } else {
        text.find("\nexpect:")
            .map(|at| at + 1)
            .ok_or("no line begins with expect:")?
    };
    let (before, _) = text.split_at(start);
    let new = format!("{before}expect:\n{found}");
    if new == text {
        return Ok(());
    }
    fs::write(file, new).map_err(|error| error.to_string())
}

fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

/// The documents of all sources; the items of a `List` count as documents of their own.
fn objects(sources: &[Source], folder: &Path) -> Result<Vec<Value>, String> {
    let mut objects = Vec::new();
    for source in sources {
        match source {
            Source::Document(document) => objects.push(document.clone()),
            Source::File(file) => {
                let text = read(&folder.join(file))?;
                let documents = yaml::documents(&text)
                    .map_err(|error| format!("{}: {error}", file.display()))?;
                objects.extend(documents);
            }
        }
    }
    let items = objects.into_iter().flat_map(|object| {
        match object.get("items").and_then(Value::as_array) {
            Some(items) => items.clone(),
            None => vec![object],
        }
    });
    Ok(items.collect())
}

impl Case {
    fn policies(&self, file: &Path, folder: &Path) -> Result<PolicySet, String> {
        let mut sources = Vec::new();
        for source in &self.policies {
            sources.push(match source {
                Source::File(policy) => PolicySource {
                    file: Arc::from(policy.to_string_lossy()),
                    text: read(&folder.join(policy))?,
                },
                Source::Document(policy) => PolicySource {
                    file: Arc::from(file.to_string_lossy()),
                    text: policy.to_string(),
                },
            });
        }
        PolicySet::compile(&sources).map_err(|faults| {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            faults.join("\n")
        })
    }
}

type OwnedRead = Box<round::Read>;

impl Cluster {
    fn view(&self, folder: &Path) -> Result<(Arc<ClusterView>, OwnedRead), String> {
        let objects = match self {
            Self::File(file) => objects(&[Source::File(file.clone())], folder)?,
            Self::Objects(sources) => objects(sources, folder)?,
        };
        let mut builder = Builder::complete();
        for object in &objects {
            builder.fold(object);
        }
        let read =
            |question: &Question| panic!("{question:?} was asked of a cluster that is known whole");
        Ok((builder.build(), Box::new(read)))
    }
}

impl Live {
    fn view(&self, folder: &Path) -> Result<(Arc<ClusterView>, OwnedRead), String> {
        let mut builder = Builder::live();
        for kind in Kind::ALL {
            let info = kind.info();
            let coverage = match self.unknown.get(info.kind) {
                Some(reason) => Coverage::Unknown(Arc::from(reason.as_str())),
                None if kind == Kind::VirtualMachine => Coverage::OnDemand,
                None => Coverage::Watched,
            };
            builder.cover(kind, coverage);
        }
        for name in self.unknown.keys() {
            find_kind(name)?;
        }
        for object in objects(&self.seen, folder)? {
            builder.fold(&object);
        }
        let mut answers = Vec::new();
        for object in objects(&self.present, folder)? {
            let text = |field: &str| {
                object
                    .get(field)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
            };
            let kind = find_kind(text("kind"))?;
            let (key, fact) =
                Fact::read(kind, &object).ok_or("an object under `present` has no name")?;
            answers.push((kind, key.namespace, key.name, fact.map(Some)));
        }
        for name in &self.absent {
            let key = (name.namespace.as_str().into(), name.name.as_str().into());
            answers.push((find_kind(&name.kind)?, key.0, key.1, Known::Known(None)));
        }
        let (allowed, denied) = (self.allowed.clone(), self.denied.clone());
        let read = move |question: &Question| match question {
            Question::Object {
                kind,
                namespace,
                name,
            } => {
                let mut answers = answers.iter();
                let answer =
                    answers.find(|(k, ns, n, _)| k == kind && **ns == **namespace && **n == **name);
                answer.map_or(Known::Unknown, |(.., answer)| {
                    answer.clone().map(Found::Object)
                })
            }
            Question::Access(access) => {
                let says = |rights: &[Right]| rights.iter().any(|right| right.is_of(access));
                match (says(&denied), says(&allowed)) {
                    (true, _) => Known::Known(Found::Access(false)),
                    (_, true) => Known::Known(Found::Access(true)),
                    _ => Known::Unknown,
                }
            }
        };
        Ok((builder.build(), Box::new(read)))
    }
}

fn find_kind(name: &str) -> Result<Kind, String> {
    let mut kinds = Kind::ALL.into_iter();
    kinds
        .find(|kind| kind.info().kind == name)
        .ok_or_else(|| format!("`{name}` is not a kind that goldkeeper looks at"))
}

impl Request {
    /// The request as the API server would send it.
    fn review(&self) -> Result<Value, String> {
        let object = if self.object.is_null() {
            &self.old_object
        } else {
            &self.object
        };
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let kind = text("/kind").unwrap_or_default();
        let (group, version) = match text("/apiVersion").unwrap_or_default().split_once('/') {
            Some((group, version)) => (group, version),
            None => ("", text("/apiVersion").unwrap_or_default()),
        };
        let resource = match &self.resource {
            Some(name) => {
                json!({"group": name.group, "version": name.version, "resource": name.resource})
            }
            None if kind.is_empty() => {
                return Err("the object names no kind: say `resource`".to_owned());
            }
            None => json!({"group": group, "version": version, "resource": plural(group, kind)}),
        };
        let namespace = self.namespace.as_deref().or(text("/metadata/namespace"));
        Ok(json!({
            "uid": "5d5a2a67-64d6-4a0b-a4fb-9d47bb2d2a4f",
            "kind": {"group": group, "version": version, "kind": kind},
            "resource": resource,
            "subResource": self.sub_resource,
            "name": text("/metadata/name").unwrap_or_default(),
            "namespace": namespace.unwrap_or_default(),
            "operation": self.operation,
            "userInfo": {"username": self.user, "groups": self.groups},
            "object": self.object,
            "oldObject": self.old_object,
            "dryRun": self.dry_run,
            "options": null,
        }))
    }
}

fn plural(group: &str, kind: &str) -> String {
    let mut resources = Resource::ALL.into_iter().map(Resource::info);
    let known = resources.find(|info| info.group == group && info.kind == kind);
    known.map_or_else(
        || format!("{}s", kind.to_lowercase()),
        |info| info.plural.to_owned(),
    )
}

impl Expected {
    fn text(&self, stage: &str) -> String {
        let annotations = self.audit_annotations.as_ref();
        print(stage, self, annotations.map(|map| map.iter().collect()))
    }
}

fn found(answer: &Answer, expected: &Expected, stage: &str) -> String {
    let found = Expected {
        allowed: answer.allowed,
        message: answer.message.clone(),
        patch: answer.patch.clone(),
        warnings: answer.warnings.clone(),
        audit_annotations: None,
    };
    // The digest of the policies changes with every comment in them.
    let annotations = answer
        .audit_annotations
        .iter()
        .filter(|(key, _)| key != "policies");
    let annotations = expected
        .audit_annotations
        .as_ref()
        .map(|_| annotations.map(|(key, text)| (key, text)).collect());
    print(stage, &found, annotations)
}

/// What came of a stage, as it is written in a case file. Nothing at all is not written.
fn print(stage: &str, answer: &Expected, annotations: Option<Vec<(&String, &String)>>) -> String {
    let mut text = String::new();
    let mut line = |indent: usize, line: &str| {
        let _ = writeln!(text, "{:indent$}{line}", "");
    };
    line(2, &format!("{stage}:"));
    if stage != "mutate" || !answer.allowed {
        line(4, &format!("allowed: {}", answer.allowed));
    }
    if !answer.patch.is_empty() {
        line(4, "patch:");
        for operation in &answer.patch {
            line(6, &format!("- {operation}"));
        }
    }
    if let Some(message) = &answer.message {
        line(4, "message: |");
        message.trim_end().lines().for_each(|part| line(6, part));
    }
    if !answer.warnings.is_empty() {
        line(4, "warnings:");
        for warning in &answer.warnings {
            line(6, &format!("- {}", Value::from(warning.as_str())));
        }
    }
    if let Some(annotations) = annotations {
        line(4, "auditAnnotations:");
        for (key, value) in annotations {
            line(6, &format!("{key}: {}", Value::from(value.as_str())));
        }
    }
    let says_nothing = text.lines().count() == 1;
    if says_nothing { String::new() } else { text }
}
