//! Ours comes before CDI's and KubeVirt's: they have to see the namespace.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::Uri;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use goldkeeper::tls::{Certificate, server_config};
use goldkeeper::webhook::Server;
use serde_json::{Value, json};

use super::bench::{Bench, DEFAULT, LONG, RUNTIME, Webhooks, bench, until};
use super::objects::{data_volume, names_of, path_of, vm};

/// What a webhook was shown last, by path.
type Shown = Arc<Mutex<BTreeMap<String, Value>>>;

#[test]
fn cdi_and_kubevirt_see_the_namespace_unless_ours_sorts_last() {
    let Some(mut bench) = bench() else { return };
    let (address, shown) = stand_in(&bench);
    let authority = STANDARD.encode(std::fs::read(bench.pair().0).unwrap());
    let registrations = [
        (
            "cdi-api-datavolume-mutate",
            "cdi.kubevirt.io",
            "datavolumes",
        ),
        ("virt-api-mutator", "kubevirt.io", "virtualmachines"),
    ]
    .map(|(name, group, resource)| registration(name, group, resource, &authority, address));
    for registration in &registrations {
        bench.client.create(registration).object();
    }
    let objects = [
        ("/cdi-api-datavolume-mutate", data_volume("demo", "seen")),
        ("/virt-api-mutator", vm("demo", "seen")),
    ];
    // What the other webhook is shown of an object, and what becomes of it.
    let send = |bench: &Bench, path: &str, object: &Value| {
        shown.lock().unwrap().clear();
        let stored = names_of(&bench.client.dry_run(object).object()).remove(0);
        let seen = shown.lock().unwrap().get(path).map(names_of);
        (seen.map(|mut names| names.remove(0)), stored)
    };
    let golden = || Some(DEFAULT.to_owned());
    for (path, object) in &objects {
        until("the stand-in is called", LONG, || {
            send(&bench, path, object).0.is_some()
        });
        for _ in 0..5 {
            assert_eq!(send(&bench, path, object), (Some(golden()), golden()));
        }
        eprintln!("{path} saw {DEFAULT}");
    }
    bench.register(Webhooks::OursLast);
    for (path, object) in &objects {
        until("the stand-in comes first", LONG, || {
            send(&bench, path, object).0 == Some(None)
        });
        for _ in 0..5 {
            assert_eq!(send(&bench, path, object), (Some(None), golden()));
        }
        eprintln!("{path} saw no namespace, with ours named to sort last");
    }
    for registration in &registrations {
        bench.client.delete(&path_of(registration, true)).object();
    }
}

/// A webhook that takes down what it is shown, and allows it. It serves goldkeeper's certificate.
fn stand_in(bench: &Bench) -> (SocketAddr, Shown) {
    let shown = Shown::default();
    let (certificate, key) = bench.pair();
    let certificate = Certificate::from_files(certificate, key).unwrap();
    let noted = shown.clone();
    let router = Router::new().fallback(async move |uri: Uri, body: Bytes| {
        let review: Value = serde_json::from_slice(&body).unwrap();
        let request = &review["request"];
        let object = request["object"].clone();
        noted.lock().unwrap().insert(uri.path().to_owned(), object);
        json!({
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "response": {"uid": request["uid"], "allowed": true},
        })
        .to_string()
    });
    let server = {
        let _runtime = RUNTIME.enter();
        Server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap()
    };
    let address = server.address();
    RUNTIME.spawn(server.serve(server_config(Arc::new(certificate)).unwrap(), router));
    (address, shown)
}

fn registration(
    name: &str,
    group: &str,
    resource: &str,
    authority: &str,
    address: SocketAddr,
) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [{
            "name": format!("{resource}.stand-in.example.com"),
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "clientConfig": {"url": format!("https://{address}/{name}"), "caBundle": authority},
            "rules": [{
                "apiGroups": [group],
                "apiVersions": ["*"],
                "operations": ["CREATE"],
                "resources": [resource],
            }],
        }],
    })
}
