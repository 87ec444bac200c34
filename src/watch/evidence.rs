//! What `goldkeeper doctor` looks at besides the view: read once, each with the reason why it could not be.

use std::time::Duration;

use futures::future::join_all;
use http::Request;
use http_body_util::{BodyExt, Limited};
use kube::Client;
use kube::client::Body;
use serde_json::Value;
use tokio::time::timeout;

use super::failure::{Failure, describe, is_not_found};
use crate::diagnosis::{Live, Machines, Pod, Told};

/// Longest that one answer is waited for.
const PATIENCE: Duration = Duration::from_secs(8);
/// So many objects of a list are read.
const MANY: usize = 500;
/// So many virtual machines are looked at.
const MACHINES: usize = 200;
/// The longest answer of a pod.
const LONGEST: usize = 1024 * 1024;

const REGISTRATION: &str = "/apis/admissionregistration.k8s.io/v1";

/// Reads everything. `namespace` is that of goldkeeper; it must be a name that Kubernetes allows.
///
/// # Errors
/// Why the API server can't be asked at all.
pub async fn gather(client: &Client, namespace: &str) -> Told<Live> {
    let version = timeout(PATIENCE, client.apiserver_version()).await;
    let version = version
        .map_err(|_| Failure::late().reason)
        .and_then(|answer| answer.map_err(|error| describe(&error)))
        .map_err(|reason| reason.to_string())?;
    let (versions, hyper_converged) = hyper_converged(client).await;
    let configurations = |kind: &'static str, plural: &str| {
        let path = format!("{REGISTRATION}/{plural}?limit={MANY}");
        async move {
            list(client, &path)
                .await
                .map(|(objects, _)| named(objects, kind))
        }
    };
    let config_map = format!("/api/v1/namespaces/{namespace}/configmaps/goldkeeper-policies");
    let machines = format!("/apis/kubevirt.io/v1/virtualmachines?limit={MACHINES}");
    let (mutating, validating, pods, policies, api_server, machines) = tokio::join!(
        configurations(
            "MutatingWebhookConfiguration",
            "mutatingwebhookconfigurations"
        ),
        configurations(
            "ValidatingWebhookConfiguration",
            "validatingwebhookconfigurations"
        ),
        pods(client, namespace),
        get(client, &config_map),
        get(client, "/apis/config.openshift.io/v1/apiservers/cluster"),
        list(client, &machines),
    );
    Ok(Live {
        namespace: namespace.to_owned(),
        kubernetes: Ok(version.git_version),
        hyper_converged_versions: versions,
        mutating,
        validating,
        pods,
        policies: policies.map(|found| found.map(|object| files(&object))),
        hyper_converged,
        api_server,
        machines: machines.map(|(objects, more)| Machines { objects, more }),
    })
}

/// The versions that are served, and the objects in the first of them.
async fn hyper_converged(client: &Client) -> (Told<Vec<String>>, Told<Vec<Value>>) {
    let group = match get(client, "/apis/hco.kubevirt.io").await {
        Ok(group) => group.unwrap_or_default(),
        Err(reason) => return (Err(reason.clone()), Err(reason)),
    };
    let versions = group.get("versions").and_then(Value::as_array);
    let names = versions.into_iter().flatten();
    let names = names.filter_map(|version| version.get("version").and_then(Value::as_str));
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort_unstable();
    let Some(first) = names.first() else {
        return (Ok(names), Ok(Vec::new()));
    };
    let path = format!("/apis/hco.kubevirt.io/{first}/hyperconvergeds?limit={MANY}");
    let objects = list(client, &path).await.map(|(objects, _)| objects);
    (Ok(names), objects)
}

/// The files of a ConfigMap, sorted by name.
fn files(object: &Value) -> Vec<(String, String)> {
    let data = object.get("data").and_then(Value::as_object);
    let files = data.into_iter().flatten();
    let files = files.filter_map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned())));
    let mut files: Vec<(String, String)> = files.collect();
    files.sort_unstable();
    files
}

async fn pods(client: &Client, namespace: &str) -> Told<Vec<Pod>> {
    let path = format!(
        "/api/v1/namespaces/{namespace}/pods?labelSelector=app.kubernetes.io/name%3Dgoldkeeper&limit={MANY}"
    );
    let (objects, _) = list(client, &path).await?;
    let wanted = objects.iter().filter(|pod| {
        let phase = pod.pointer("/status/phase").and_then(Value::as_str);
        let is_going = pod.pointer("/metadata/deletionTimestamp").is_some();
        !is_going && !matches!(phase, Some("Succeeded" | "Failed"))
    });
    Ok(join_all(wanted.map(|pod| ask(client, namespace, pod))).await)
}

/// What a pod says, through the API server's proxy.
async fn ask(client: &Client, namespace: &str, pod: &Value) -> Pod {
    let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str);
    let name = text("/metadata/name").unwrap_or_default().to_owned();
    let path = format!(
        "/api/v1/namespaces/{namespace}/pods/{name}:{}/proxy/readyz?verbose",
        metrics_port(pod)
    );
    Pod {
        account: text("/spec/serviceAccountName")
            .unwrap_or("default")
            .to_owned(),
        said: say(client, &path).await,
        name,
    }
}

/// The container port named `metrics`, else the one that is shipped.
fn metrics_port(pod: &Value) -> u64 {
    let list = |object: &Value, field: &str| {
        let found = object.get(field).and_then(Value::as_array);
        found.cloned().unwrap_or_default()
    };
    let containers = pod.get("spec").map(|spec| list(spec, "containers"));
    let ports = containers.into_iter().flatten();
    let mut ports = ports.flat_map(|container| list(&container, "ports"));
    let metrics = ports.find(|port| port.get("name").and_then(Value::as_str) == Some("metrics"));
    let number = metrics.and_then(|port| port.get("containerPort")?.as_u64());
    number.unwrap_or(9090)
}

/// The text of an answer. A pod that is not ready answers 503 and says why; a `Status` comes from the API server.
async fn say(client: &Client, path: &str) -> Told<String> {
    let request = request(path)?.map(Body::from);
    let answer = async {
        let response = client
            .send(request)
            .await
            .map_err(|error| describe(&error).to_string())?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LONGEST).collect().await;
        let body = body.map_err(|error| format!("the answer can't be read: {error}"))?;
        let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        let ours = text.starts_with("policies ")
            || text.ends_with("ok\n")
            || text.ends_with("not ready\n");
        if status.is_success() || ours {
            return Ok(text);
        }
        let told: Value = serde_json::from_str(&text).unwrap_or_default();
        let message = told.get("message").and_then(Value::as_str);
        Err(format!(
            "{} {}",
            status.as_u16(),
            message.unwrap_or("no reason was given")
        ))
    };
    timeout(PATIENCE, answer)
        .await
        .map_err(|_| "no answer in time".to_owned())?
}

/// An object; `None` if there is none, or no such kind.
async fn get(client: &Client, path: &str) -> Told<Option<Value>> {
    let request = request(path)?;
    match timeout(PATIENCE, client.request::<Value>(request)).await {
        Err(_) => Err(Failure::late().reason.to_string()),
        Ok(Ok(object)) => Ok(Some(object)),
        Ok(Err(error)) if is_not_found(&error) => Ok(None),
        Ok(Err(error)) => Err(describe(&error).to_string()),
    }
}

/// The first page of a list and whether there is another one; none if there is no such kind.
async fn list(client: &Client, path: &str) -> Told<(Vec<Value>, bool)> {
    let page = get(client, path).await?.unwrap_or_default();
    let token = page.pointer("/metadata/continue").and_then(Value::as_str);
    let more = token.is_some_and(|token| !token.is_empty());
    let items = page.get("items").and_then(Value::as_array);
    Ok((items.cloned().unwrap_or_default(), more))
}

/// The items of built-in lists don't say what they are.
fn named(mut objects: Vec<Value>, kind: &str) -> Vec<Value> {
    for object in objects.iter_mut().filter_map(Value::as_object_mut) {
        object.insert("kind".to_owned(), Value::from(kind));
    }
    objects
}

fn request(path: &str) -> Told<Request<Vec<u8>>> {
    let request = Request::get(path).body(Vec::new());
    request.map_err(|error| format!("{path} can't be asked for: {error}"))
}
