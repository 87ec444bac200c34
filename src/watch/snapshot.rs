//! The cluster at one moment, for a file: each kind listed once.

use kube::Client;
use kube::api::ListParams;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Duration, timeout};

use super::discovery::{Availability, Served, look};
use super::failure::{Failure, describe};
use super::resource::{Collection, PAGE, Page, golden_namespaces};
use crate::admission::Object;
use crate::cluster::{Builder, Fact, Kind, Scope, Snapshot, SnapshotKind, thin, thin_to};

/// How often a list is begun before it is said that it can't be had.
const ATTEMPTS: usize = 3;
/// Longest that the first answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The API server could not be asked at all.
    #[error(
        "the API server can't be asked: {0}; check --kubeconfig and --context, or try `kubectl version`"
    )]
    Unreachable(String),
    /// It is not known whether the cluster is an OpenShift.
    #[error(
        "the API server does not say which API groups it serves; try again when `kubectl api-resources` answers"
    )]
    NoDiscovery,
    /// No kind could be listed.
    #[error("none of the kinds could be listed: {0}")]
    NothingListed(String),
}

/// What is told while a snapshot is taken.
#[derive(Debug)]
pub enum Step<'s> {
    /// So many objects of a kind have come in.
    Listing(Kind, usize),
    /// All objects of a kind, reduced to what is kept of them.
    Listed(Kind, &'s [Value]),
}

/// Lists every kind, one after another. `virtual_machines` are listed only if they are wanted: there may be very many.
///
/// # Errors
/// [`SnapshotError`] if nothing can be had. A kind that can't be listed is no error; the result says why.
pub async fn take_snapshot(
    client: &Client,
    taken_at: String,
    virtual_machines: bool,
    told: &mut (dyn FnMut(Step<'_>) + Send),
) -> Result<Snapshot, SnapshotError> {
    let version = timeout(PATIENCE, client.apiserver_version()).await;
    let version = version
        .map_err(|_| Failure::late().reason)
        .and_then(|answer| answer.map_err(|error| describe(&error)))
        .map_err(|reason| SnapshotError::Unreachable(reason.to_string()))?;
    let (served, _) = look(client, &Kind::ALL).await;
    let openshift = served.openshift.ok_or(SnapshotError::NoDiscovery)?;
    let mut lister = Lister {
        client,
        served,
        builder: Builder::complete(),
        told,
    };
    lister.builder.openshift(openshift);
    let mut kinds = lister.list_all(virtual_machines).await;
    kinds.sort_by_key(|listed| {
        Kind::ALL
            .iter()
            .position(|kind| kind.info().kind == listed.kind)
    });
    if !kinds.iter().any(|kind| kind.listed) {
        let reason = kinds.into_iter().find_map(|kind| kind.reason);
        return Err(SnapshotError::NothingListed(reason.unwrap_or_default()));
    }
    Ok(Snapshot {
        taken_at,
        server_version: version.git_version,
        openshift,
        kinds,
    })
}

struct Lister<'l> {
    client: &'l Client,
    served: Served,
    /// Knows which namespaces are golden.
    builder: Builder,
    told: &'l mut (dyn FnMut(Step<'_>) + Send),
}

impl Lister<'_> {
    /// Kinds that are wanted whole go first: they say which namespaces are golden.
    async fn list_all(&mut self, virtual_machines: bool) -> Vec<SnapshotKind> {
        let mut kinds = Vec::new();
        for kind in of_scope(Scope::All) {
            kinds.push(self.list(kind, None).await);
        }
        let golden = golden_namespaces(&self.builder.build());
        for kind in of_scope(Scope::GoldenNamespaces) {
            kinds.push(self.list(kind, Some(&golden)).await);
        }
        for kind in of_scope(Scope::OnDemand) {
            kinds.push(if virtual_machines {
                self.list(kind, None).await
            } else {
                not_listed(kind, "not asked for: taken without --virtual-machines")
            });
        }
        kinds
    }

    async fn list(&mut self, kind: Kind, within: Option<&[Box<str>]>) -> SnapshotKind {
        let version = match self.served.of(kind) {
            Availability::Served(version) => version,
            Availability::NotServed => {
                return SnapshotKind {
                    served: Some(false),
                    ..not_listed(kind, "")
                };
            }
            Availability::Failed(reason) => return not_listed(kind, &reason),
            Availability::Unasked => return not_listed(kind, "not asked for"),
        };
        let listed = match within {
            // In no namespace of their own: those count whose snapshots are in one that counts.
            Some(golden) if kind == Kind::VolumeSnapshotContent => {
                let listed = self.collection(kind, version, "").await;
                listed.map(|mut objects| {
                    objects.retain(|object| is_content_of(object, golden));
                    objects
                })
            }
            Some(golden) => self.each(kind, version, golden).await,
            None => self.collection(kind, version, "").await,
        };
        match listed {
            Err(failure) => not_listed(kind, &failure.reason),
            Ok(objects) => {
                for object in &objects {
                    self.builder.fold(object);
                }
                (self.told)(Step::Listed(kind, &objects));
                SnapshotKind {
                    kind: kind.info().kind.to_owned(),
                    listed: true,
                    objects: Some(objects.len()),
                    namespaces: within.map(<[_]>::to_vec),
                    ..SnapshotKind::default()
                }
            }
        }
    }

    async fn each(
        &mut self,
        kind: Kind,
        version: &'static str,
        namespaces: &[Box<str>],
    ) -> Result<Vec<Value>, Failure> {
        let mut objects = Vec::new();
        for namespace in namespaces {
            objects.extend(self.collection(kind, version, namespace).await?);
        }
        Ok(objects)
    }

    /// Lists a collection. A list that fails half way may have outlived its position, and begins anew.
    async fn collection(
        &mut self,
        kind: Kind,
        version: &'static str,
        namespace: &str,
    ) -> Result<Vec<Value>, Failure> {
        let collection = Collection {
            kind,
            version,
            namespace: namespace.into(),
        };
        let mut attempts = 1;
        loop {
            let mut objects = Vec::new();
            match self.pages(&collection, &mut objects).await {
                Ok(()) => return Ok(objects),
                Err(_) if !objects.is_empty() && attempts < ATTEMPTS => attempts += 1,
                Err(failure) => return Err(failure),
            }
        }
    }

    async fn pages(
        &mut self,
        collection: &Collection,
        objects: &mut Vec<Value>,
    ) -> Result<(), Failure> {
        let mut parameters = ListParams::default().limit(PAGE);
        loop {
            let keep = |object| keep(collection, object);
            let page = Page::fetch(self.client, collection, &parameters, keep).await?;
            objects.extend(page.objects);
            (self.told)(Step::Listing(collection.kind, objects.len()));
            parameters.continue_token = page.continue_token;
            if parameters.continue_token.is_none() {
                return Ok(());
            }
        }
    }
}

fn of_scope(scope: Scope) -> impl Iterator<Item = Kind> {
    let kinds = Kind::ALL.into_iter();
    kinds.filter(move |kind| kind.info().scope == scope)
}

fn not_listed(kind: Kind, reason: &str) -> SnapshotKind {
    SnapshotKind {
        kind: kind.info().kind.to_owned(),
        reason: Some(reason.to_owned()).filter(|reason| !reason.is_empty()),
        ..SnapshotKind::default()
    }
}

/// What is kept of an object. The items of built-in lists don't say what they are.
fn keep(collection: &Collection, mut object: Value) -> Option<Value> {
    let info = collection.kind.info();
    let api_version = match info.group {
        "" => collection.version.to_owned(),
        group => format!("{group}/{}", collection.version),
    };
    let fields = object.as_object_mut()?;
    fields.insert("apiVersion".to_owned(), api_version.into());
    fields.insert("kind".to_owned(), info.kind.into());
    if collection.kind == Kind::VirtualMachine {
        return Some(thin_machine(object));
    }
    thin(collection.kind, object)
}

/// Of a virtual machine the view keeps nothing. What stays is what rules look at, for those who judge or count the
/// machines of a snapshot.
fn thin_machine(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    thin_to(object, &|object| {
        let key = Fact::read(Kind::VirtualMachine, object);
        (
            key,
            Object::deserialize(object)
                .ok()
                .map(|lens| format!("{lens:?}")),
        )
    })
}

fn is_content_of(object: &Value, namespaces: &[Box<str>]) -> bool {
    let read = Fact::read(Kind::VolumeSnapshotContent, object).and_then(|(_, fact)| fact.known());
    match read {
        Some(Fact::VolumeSnapshotContent(content)) => {
            let own = &content.volume_snapshot_ref.namespace;
            namespaces.iter().any(|namespace| namespace == own)
        }
        // One that can't be read may be.
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::FakeApi;
    use super::*;
    use serde_json::json;

    async fn take(
        api: &FakeApi,
        virtual_machines: bool,
    ) -> Result<(Snapshot, Vec<Value>), SnapshotError> {
        let mut items = Vec::new();
        let mut told = |step: Step<'_>| {
            if let Step::Listed(_, objects) = step {
                items.extend_from_slice(objects);
            }
        };
        let now = "2026-11-25T10:00:00Z".to_owned();
        let snapshot = take_snapshot(&api.client(), now, virtual_machines, &mut told).await?;
        Ok((snapshot, items))
    }

    fn of(snapshot: &Snapshot, kind: Kind) -> SnapshotKind {
        let mut kinds = snapshot.kinds.iter();
        kinds
            .find(|own| own.kind == kind.info().kind)
            .unwrap()
            .clone()
    }

    fn named(namespace: &str, name: &str) -> Value {
        json!({"metadata": {"namespace": namespace, "name": name, "managedFields": [{}],
            "annotations": {"a": "secret"}}, "data": {"b": "secret"}})
    }

    #[tokio::test(start_paused = true)]
    async fn every_kind_is_listed_and_pruned() {
        let api = FakeApi::complete();
        for number in 0..250 {
            api.put(Kind::DataSource, named("a", &format!("n{number}")));
        }
        api.put(
            Kind::PersistentVolumeClaim,
            named("kubevirt-os-images", "golden"),
        );
        api.put(Kind::PersistentVolumeClaim, named("a", "of-somebody"));
        for (name, namespace) in [("one", "kubevirt-os-images"), ("other", "a")] {
            let mut content = named("", name);
            content["spec"] =
                json!({"driver": "d", "volumeSnapshotRef": {"namespace": namespace, "name": "x"}});
            api.put(Kind::VolumeSnapshotContent, content);
        }
        api.put(Kind::VirtualMachine, named("a", "vm"));
        let (snapshot, items) = take(&api, false).await.unwrap();
        assert_eq!(of(&snapshot, Kind::DataSource).objects, Some(250));
        assert_eq!(of(&snapshot, Kind::PersistentVolumeClaim).objects, Some(1));
        assert_eq!(of(&snapshot, Kind::VolumeSnapshotContent).objects, Some(1));
        assert!(!of(&snapshot, Kind::VirtualMachine).listed);
        assert_eq!(snapshot.kinds.len(), Kind::ALL.len());
        assert_eq!(items.len(), 252);
        let text = Value::from(items).to_string();
        assert!(
            !text.contains("secret") && !text.contains("managedFields"),
            "{text}"
        );
        let (snapshot, _) = take(&api, true).await.unwrap();
        assert_eq!(of(&snapshot, Kind::VirtualMachine).objects, Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_served_and_what_cannot_be_listed_are_told_apart() {
        let api = FakeApi::complete();
        api.serve_openshift();
        api.unserve(Kind::Cdi);
        api.refuse("storageclasses", 403);
        let (snapshot, _) = take(&api, false).await.unwrap();
        assert!(snapshot.openshift);
        assert_eq!(of(&snapshot, Kind::Cdi).served, Some(false));
        let refused = of(&snapshot, Kind::StorageClass);
        assert_eq!((refused.listed, refused.served), (false, None));
        assert_eq!(
            refused.reason.as_deref(),
            Some("403 Refused: it is Refused")
        );
        let golden = of(&snapshot, Kind::PersistentVolumeClaim)
            .namespaces
            .unwrap();
        assert!(
            golden.contains(&"openshift-virtualization-os-images".into()),
            "{golden:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_list_is_none() {
        let api = FakeApi::complete();
        for number in 0..150 {
            api.put(Kind::DataSource, named("a", &format!("n{number}")));
        }
        api.refuse("datasources?&limit=100&continue=100", 410);
        let (snapshot, items) = take(&api, false).await.unwrap();
        let sources = of(&snapshot, Kind::DataSource);
        assert_eq!((sources.listed, sources.objects), (false, None));
        assert_eq!(items.len(), 0);
        assert_eq!(
            api.requests("datasources?&limit=100&continue=100"),
            ATTEMPTS
        );
        assert_eq!(api.requests("cdis?"), 1);
    }

    #[test]
    fn a_machine_keeps_what_rules_look_at() {
        let machine = json!({
            "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine",
            "metadata": {"name": "a", "namespace": "b", "labels": {"team": "c"}, "managedFields": [{}],
                "annotations": {"x": "secret"}, "uid": "1"},
            "spec": {"running": true,
                "dataVolumeTemplates": [{"metadata": {"name": "d"}, "spec": {
                    "sourceRef": {"kind": "DataSource", "name": "e", "namespace": "f"},
                    "storage": {"storageClassName": "g", "accessModes": ["ReadWriteMany"]}}}],
                "template": {"spec": {"domain": {"devices": {}}, "accessCredentials": ["secret"]}}},
            "status": {"ready": true},
        });
        let read = |object: &Value| format!("{:?}", Object::deserialize(object).unwrap());
        let thinned = thin_machine(machine.clone());
        assert_eq!(read(&thinned), read(&machine));
        let text = thinned.to_string();
        for gone in [
            "secret",
            "managedFields",
            "uid",
            "running",
            "domain",
            "ReadWriteMany",
            "ready",
        ] {
            assert!(!text.contains(gone), "{gone}: {text}");
        }
        assert!(
            text.contains("\"storageClassName\":\"g\"") && text.contains("\"team\":\"c\""),
            "{text}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_at_all_is_an_error() {
        let api = FakeApi::complete();
        api.refuse("limit=", 403);
        let refused = take(&api, false).await.unwrap_err().to_string();
        assert!(
            refused.starts_with("none of the kinds could be listed: 403"),
            "{refused}"
        );
        api.set_down(true);
        let down = take(&api, false).await.unwrap_err().to_string();
        assert!(
            down.contains("connection refused") && down.contains("--kubeconfig"),
            "{down}"
        );
    }
}
