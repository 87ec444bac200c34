//! An API server for tests, in memory: discovery, paged lists, watches that replay what came since, gates and failures.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::{Body, Bytes};
use axum::http::{Request, Response, StatusCode, Uri};
use futures::channel::mpsc::{UnboundedSender, unbounded};
use http_body_util::{BodyExt, Collected};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::cluster::Kind;

type Line = Result<Bytes, Infallible>;

/// The server; clones are the same one.
#[derive(Clone, Default)]
pub(super) struct FakeApi(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    version: u64,
    /// Watches can't begin before this.
    oldest: u64,
    down: bool,
    /// Discovery paths that exist, and the plurals in them.
    served: BTreeMap<String, BTreeSet<&'static str>>,
    /// By plural, namespace and name.
    objects: BTreeMap<(String, String, String), Value>,
    log: Vec<Event>,
    watches: Vec<Watching>,
    refused: Vec<(String, u16)>,
    gates: Vec<(String, Arc<Semaphore>)>,
    requests: Vec<String>,
    /// The `spec` of each access review that is answered with yes.
    allowed: Vec<Value>,
}

struct Watching {
    plural: String,
    namespace: String,
    /// What is not newer than this is not said, even if it comes later.
    from: u64,
    sender: UnboundedSender<Line>,
}

struct Event {
    version: u64,
    plural: String,
    namespace: String,
    line: String,
}

impl FakeApi {
    /// Serves every kind, in the first version that can be read.
    pub(super) fn complete() -> Self {
        let api = Self::default();
        for kind in Kind::ALL {
            api.serve(kind, kind.info().versions[0]);
        }
        api
    }

    pub(super) fn client(&self) -> kube::Client {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            let api = api.clone();
            async move { api.answer(request).await }
        });
        kube::Client::new(service, "default")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(super) fn serve(&self, kind: Kind, version: &str) {
        let path = format!("/apis/{}/{version}", kind.info().group);
        let mut state = self.state();
        state
            .served
            .entry(path)
            .or_default()
            .insert(kind.info().plural);
    }

    pub(super) fn unserve(&self, kind: Kind) {
        let mut state = self.state();
        for plurals in state.served.values_mut() {
            plurals.remove(kind.info().plural);
        }
        state.served.retain(|_, plurals| !plurals.is_empty());
        let plural = kind.info().plural;
        state.objects.retain(|(other, ..), _| other != plural);
        state.watches.retain(|watching| watching.plural != plural);
    }

    pub(super) fn serve_openshift(&self) {
        let path = "/apis/config.openshift.io".to_owned();
        self.state().served.insert(path, ["clusterversions"].into());
    }

    pub(super) fn put(&self, kind: Kind, mut object: Value) {
        let mut state = self.state();
        state.version += 1;
        object["metadata"]["resourceVersion"] = json!(state.version.to_string());
        let key = key_of(kind, &object);
        state.objects.insert(key.clone(), object.clone());
        state.tell("MODIFIED", key, &object);
    }

    pub(super) fn delete(&self, kind: Kind, namespace: &str, name: &str) {
        let mut state = self.state();
        state.version += 1;
        let key = (
            kind.info().plural.to_owned(),
            namespace.to_owned(),
            name.to_owned(),
        );
        let mut object = state.objects.remove(&key).unwrap();
        object["metadata"]["resourceVersion"] = json!(state.version.to_string());
        state.tell("DELETED", key, &object);
    }

    /// Requests whose URI contains this fail with a status.
    pub(super) fn refuse(&self, part: &str, status: u16) {
        self.state().refused.push((part.to_owned(), status));
    }

    pub(super) fn accept_all(&self) {
        self.state().refused.clear();
    }

    /// Requests whose URI contains this wait for a permit each.
    pub(super) fn gate(&self, part: &str) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        self.state().gates.push((part.to_owned(), gate.clone()));
        gate
    }

    /// Ends all watches; positions from before are too old.
    pub(super) fn expire_watches(&self) {
        let mut state = self.state();
        state.version += 1;
        state.oldest = state.version;
        state.watches.clear();
    }

    /// Ends all watches in order; they may go on.
    pub(super) fn end_watches(&self) {
        self.state().watches.clear();
    }

    /// Nothing is stored any more, and versions begin anew.
    pub(super) fn empty(&self) {
        let mut state = self.state();
        (state.version, state.oldest) = (0, 0);
        state.objects.clear();
        state.log.clear();
        state.watches.clear();
    }

    /// Nothing answers any more, or again.
    pub(super) fn set_down(&self, down: bool) {
        let mut state = self.state();
        state.down = down;
        state.watches.clear();
    }

    /// How many requests contained this in their URI.
    pub(super) fn requests(&self, part: &str) -> usize {
        let state = self.state();
        state
            .requests
            .iter()
            .filter(|uri| uri.contains(part))
            .count()
    }

    /// Access that is asked for in exactly these words is allowed; any other is not.
    pub(super) fn allow(&self, spec: Value) {
        self.state().allowed.push(spec);
    }

    async fn answer(
        &self,
        request: Request<kube::client::Body>,
    ) -> Result<Response<Body>, std::io::Error> {
        let (head, body) = request.into_parts();
        let uri = &head.uri;
        let text = uri.to_string();
        let gates: Vec<_> = {
            let mut state = self.state();
            state.requests.push(text.clone());
            let gates = state.gates.iter().filter(|(part, _)| text.contains(part));
            gates.map(|(_, gate)| gate.clone()).collect()
        };
        for gate in gates {
            gate.acquire().await.unwrap().forget();
        }
        let body = body.collect().await.map(Collected::to_bytes);
        let body: Value = serde_json::from_slice(&body.unwrap_or_default()).unwrap_or_default();
        let mut state = self.state();
        if state.down {
            return Err(std::io::Error::other("connection refused"));
        }
        let refused = state.refused.iter().find(|(part, _)| text.contains(part));
        if let Some((_, status)) = refused {
            return Ok(failure(*status, "Refused", None));
        }
        if uri.path().ends_with("/subjectaccessreviews") {
            let allowed = state.allowed.contains(&body["spec"]);
            return Ok(ok(&json!({"status": {"allowed": allowed}})));
        }
        Ok(state.route(uri))
    }
}

impl State {
    fn tell(
        &mut self,
        r#type: &str,
        (plural, namespace, _): (String, String, String),
        object: &Value,
    ) {
        let line = format!("{}\n", json!({"type": r#type, "object": object}));
        for watching in &self.watches {
            let scope = &watching.namespace;
            let here = scope.is_empty() || *scope == namespace;
            if watching.plural == plural && here && self.version > watching.from {
                watching.sender.unbounded_send(Ok(line.clone().into())).ok();
            }
        }
        self.log.push(Event {
            version: self.version,
            plural,
            namespace,
            line,
        });
    }

    fn route(&mut self, uri: &Uri) -> Response<Body> {
        let query: BTreeMap<&str, &str> = uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .collect();
        if uri.path() == "/version" {
            let text = |field: &str| (field.to_owned(), json!("v1.33.5"));
            let fields = [
                "major",
                "minor",
                "gitVersion",
                "gitCommit",
                "gitTreeState",
                "buildDate",
                "goVersion",
                "compiler",
                "platform",
            ];
            return ok(&fields.map(text).into_iter().collect());
        }
        let segments: Vec<&str> = uri.path().split('/').skip(1).collect();
        let (root, rest) = match segments[..] {
            ["api", ..] | ["apis", _] => segments.split_at(2),
            _ => segments.split_at(3),
        };
        let root = format!("/{}", root.join("/"));
        let plurals = self.served.get(&root).cloned().unwrap_or_default();
        let is_core = root == "/api/v1";
        match rest {
            [] if plurals.is_empty() => failure(404, "NotFound", None),
            [] => ok(&resources(&root, &plurals)),
            [plural] | ["namespaces", _, plural] | [plural, _] | ["namespaces", _, plural, _]
                if !is_core && !plurals.contains(plural) =>
            {
                failure(404, "NotFound", None)
            }
            ["namespaces", namespace, plural] => self.collection(&root, plural, namespace, &query),
            [plural] => self.collection(&root, plural, "", &query),
            ["namespaces", namespace, plural, name] => self.one(plural, namespace, name),
            [plural, name] => self.one(plural, "", name),
            _ => failure(404, "NotFound", None),
        }
    }

    fn one(&self, plural: &str, namespace: &str, name: &str) -> Response<Body> {
        let key = (plural.to_owned(), namespace.to_owned(), name.to_owned());
        match self.objects.get(&key) {
            Some(object) => ok(object),
            None => failure(404, "NotFound", Some(name)),
        }
    }

    fn collection(
        &mut self,
        root: &str,
        plural: &str,
        namespace: &str,
        query: &BTreeMap<&str, &str>,
    ) -> Response<Body> {
        if query.contains_key("watch") {
            let from = query["resourceVersion"].parse().unwrap();
            return self.watch(plural, namespace, from);
        }
        let number = |name| query.get(name).and_then(|value| value.parse().ok());
        let (skip, limit) = (
            number("continue").unwrap_or(0),
            number("limit").unwrap_or(usize::MAX),
        );
        let matching = self.objects.iter().filter(|((other, scope, _), _)| {
            other == plural && (namespace.is_empty() || scope == namespace)
        });
        let all: Vec<Value> = matching
            .map(|(_, object)| {
                let mut object = object.clone();
                // The items of built-in lists don't say what they are; those of CRDs do, in the version asked for.
                if let Some(api_version) = root.strip_prefix("/apis/") {
                    object["apiVersion"] = json!(api_version);
                }
                object
            })
            .collect();
        let page: Vec<_> = all.iter().skip(skip).take(limit).collect();
        let next = skip + page.len();
        let token = if next < all.len() {
            next.to_string()
        } else {
            String::new()
        };
        let metadata = json!({"resourceVersion": self.version.to_string(), "continue": token});
        ok(&json!({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": page}))
    }

    fn watch(&mut self, plural: &str, namespace: &str, from: u64) -> Response<Body> {
        if from < self.oldest {
            let status = status(410, "Expired", None);
            let line = format!("{}\n", json!({"type": "ERROR", "object": status}));
            return Response::new(Body::from(line));
        }
        let (sender, receiver) = unbounded();
        for event in &self.log {
            let here = namespace.is_empty() || event.namespace == namespace;
            if event.version > from && event.plural == plural && here {
                sender
                    .unbounded_send(Ok(event.line.clone().into()))
                    .unwrap();
            }
        }
        self.watches.push(Watching {
            plural: plural.to_owned(),
            namespace: namespace.to_owned(),
            from,
            sender,
        });
        Response::new(Body::from_stream(receiver))
    }
}

fn key_of(kind: Kind, object: &Value) -> (String, String, String) {
    let text = |field: &str| {
        let value = object["metadata"][field].as_str();
        value.unwrap_or_default().to_owned()
    };
    (
        kind.info().plural.to_owned(),
        text("namespace"),
        text("name"),
    )
}

fn resources(root: &str, plurals: &BTreeSet<&'static str>) -> Value {
    let resources: Vec<Value> = plurals
        .iter()
        .map(|plural| {
            json!({"name": plural, "singularName": "", "namespaced": true, "kind": "X", "verbs": ["list"]})
        })
        .collect();
    let group_version = root.trim_start_matches("/apis/");
    json!({"kind": "APIResourceList", "groupVersion": group_version, "resources": resources})
}

fn ok(body: &Value) -> Response<Body> {
    Response::new(Body::from(body.to_string()))
}

fn status(code: u16, reason: &str, name: Option<&str>) -> Value {
    let details = json!({"name": name.unwrap_or_default()});
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
        "message": format!("it is {reason}"), "details": details})
}

fn failure(code: u16, reason: &str, name: Option<&str>) -> Response<Body> {
    let mut response = ok(&status(code, reason, name));
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response
}
