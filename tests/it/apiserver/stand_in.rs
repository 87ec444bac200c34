//! A webhook in the place of KubeVirt's and CDI's own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::Uri;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use goldkeeper::tls::{Files, Profile, Terminal};
use goldkeeper::webhook::Server;
use serde_json::{Value, json};

use super::bench::{Bench, RUNTIME};
use crate::support::serving::routed;

/// A webhook that takes down what it is shown, and allows or refuses it. It serves goldkeeper's certificate.
pub(super) struct StandIn {
    address: SocketAddr,
    authority: String,
    /// What it was shown last, by path.
    shown: Arc<Mutex<BTreeMap<String, Value>>>,
}

impl StandIn {
    /// Allows everything, or refuses everything with this message.
    pub(super) fn start(bench: &Bench, refusal: Option<&'static str>) -> Self {
        let shown = Arc::<Mutex<BTreeMap<String, Value>>>::default();
        let authority = authority(bench);
        let noted = shown.clone();
        let router = Router::new().fallback(async move |uri: Uri, body: Bytes| {
            let review: Value = serde_json::from_slice(&body).unwrap();
            let request = &review["request"];
            let object = request["object"].clone();
            noted.lock().unwrap().insert(uri.path().to_owned(), object);
            let mut response = json!({"uid": request["uid"], "allowed": refusal.is_none()});
            if let Some(message) = refusal {
                response["status"] = json!({"code": 400, "message": message});
            }
            json!({
                "apiVersion": "admission.k8s.io/v1",
                "kind": "AdmissionReview",
                "response": response,
            })
            .to_string()
        });
        let address = serve(bench, SocketAddr::from(([127, 0, 0, 1], 0)), router);
        Self {
            address,
            authority,
            shown,
        }
    }

    /// What it was shown last at a path.
    pub(super) fn shown(&self, path: &str) -> Option<Value> {
        self.shown.lock().unwrap().get(path).cloned()
    }

    pub(super) fn forget(&self) {
        self.shown.lock().unwrap().clear();
    }

    /// A mutating configuration of this name, for what is made of a resource.
    pub(super) fn registration(&self, name: &str, group: &str, resource: &str) -> Value {
        let address = self.address;
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
                "clientConfig": {"url": format!("https://{address}/{name}"), "caBundle": self.authority},
                "rules": [{
                    "apiGroups": [group],
                    "apiVersions": ["*"],
                    "operations": ["CREATE"],
                    "resources": [resource],
                }],
            }],
        })
    }
}

/// The caBundle of whoever serves goldkeeper's certificate.
pub(super) fn authority(bench: &Bench) -> String {
    let (certificate, _) = bench.pair();
    STANDARD.encode(std::fs::read(certificate).unwrap())
}

/// Serves with goldkeeper's certificate until the tests end. Returns where.
pub(super) fn serve(bench: &Bench, address: SocketAddr, router: Router) -> SocketAddr {
    let (certificate, key) = bench.pair();
    let files = Files {
        pair: Some((certificate.to_owned(), key.to_owned())),
        client_ca: None,
    };
    let pair = files.pair().unwrap().unwrap();
    let tls = Terminal::new(pair, None, Vec::new(), Profile::default()).unwrap();
    let server = {
        let _runtime = RUNTIME.enter();
        Server::bind(address).unwrap()
    };
    let address = server.address();
    RUNTIME.spawn(server.serve(tls.served(), routed(router)));
    address
}
