//! The answers without a socket: limits, bad bodies, statuses, and that failures of our own are never verdicts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use futures::FutureExt;
use futures::future::BoxFuture;
use goldkeeper::cluster::{Answer, Builder, Coverage, Fact, Kind, Known, ObjectKey, Question};
use goldkeeper::policy::{PolicySet, PolicySource};
use goldkeeper::telemetry::Metrics;
use goldkeeper::webhook::{App, Limits, LiveReads, answer};
use http_body_util::BodyExt;
use serde_json::{Value, json};

const POLICIES: &str = "
apiVersion: goldkeeper.io/v1
kind: ProtectedNamespaces
metadata: {name: guard}
spec:
  validationActions: [Deny]
  parameters: {namespaces: ['openshift-*']}
---
apiVersion: goldkeeper.io/v1
kind: BootSourceNamespace
metadata: {name: fill}
spec: {validationActions: [Warn]}
";

/// Live reads that count, wait and answer as told.
struct Script {
    asked: AtomicUsize,
    wait: Duration,
    answer: fn(&Question) -> Known<Answer>,
}

impl LiveReads for Script {
    fn read<'a>(
        &'a self,
        question: &'a Question,
        deadline: tokio::time::Instant,
    ) -> BoxFuture<'a, Known<Answer>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        async move {
            let wait = tokio::time::sleep(self.wait);
            match tokio::time::timeout_at(deadline, wait).await {
                Ok(()) => (self.answer)(question),
                Err(_) => Known::Unknown,
            }
        }
        .boxed()
    }
}

fn app(live: Option<Arc<dyn LiveReads>>, limits: Limits) -> Arc<App> {
    let source = PolicySource {
        file: Arc::from("p.yaml"),
        text: POLICIES.to_owned(),
    };
    let policies = PolicySet::compile(&[source]).unwrap();
    let mut builder = Builder::live();
    for kind in [Kind::HyperConverged, Kind::DataSource] {
        builder.cover(kind, Coverage::Watched);
    }
    let key = ObjectKey {
        namespace: "kubevirt-os-images".into(),
        name: "fedora".into(),
    };
    builder.apply(
        Kind::DataSource,
        key,
        Known::Known(Fact::DataSource(Box::default())),
    );
    Arc::new(App {
        policies: Arc::new(ArcSwap::from_pointee(policies)),
        view: Arc::new(ArcSwap::new(builder.build())),
        live,
        observer: Arc::new(Metrics::default()),
        limits,
    })
}

fn plain() -> Arc<App> {
    app(None, Limits::default())
}

fn review(namespace: &str) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "e3f1",
            "kind": {"group": "kubevirt.io", "version": "v1", "kind": "VirtualMachine"},
            "resource": {"group": "kubevirt.io", "version": "v1", "resource": "virtualmachines"},
            "operation": "CREATE",
            "namespace": namespace,
            "userInfo": {"username": "alice"},
            "object": {"spec": {"dataVolumeTemplates": [
                {"metadata": {"name": "root"}, "spec": {"sourceRef": {"kind": "DataSource", "name": "fedora"}}}
            ]}},
        },
    })
}

async fn send(
    app: Arc<App>,
    path: &str,
    content_type: &str,
    body: impl Into<Body>,
) -> (StatusCode, String) {
    let request = Request::post(path)
        .header("content-type", content_type)
        .body(body.into())
        .unwrap();
    let response = answer(&app, request).await;
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn post(app: Arc<App>, path: &str, review: &Value) -> (StatusCode, Value) {
    let (status, body) = send(app, path, "application/json", review.to_string()).await;
    (
        status,
        serde_json::from_str(&body).unwrap_or(Value::String(body)),
    )
}

#[tokio::test]
async fn a_denial_echoes_the_uid_and_has_code_and_reason() {
    for path in ["/validate", "/validate/protected-namespaces"] {
        let (status, answer) = post(plain(), path, &review("openshift-cnv")).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(answer["response"]["uid"], "e3f1");
        assert_eq!(answer["response"]["allowed"], false);
        assert_eq!(answer["response"]["status"]["code"], 403);
        assert_eq!(answer["response"]["status"]["reason"], "Forbidden");
        assert!(answer["response"]["status"].get("details").is_none());
    }
}

#[tokio::test]
async fn each_webhook_asks_only_its_own_policies() {
    for path in [
        "/validate/boot-sources",
        "/validate/protected-namespaces-warnings",
    ] {
        let (_, answer) = post(plain(), path, &review("openshift-cnv")).await;
        assert_eq!(answer["response"]["allowed"], true, "{path}");
    }
}

#[tokio::test]
async fn what_is_no_review_is_a_status_and_never_a_verdict() {
    let json = "application/json";
    let large = Body::from(vec![b' '; 7 * 1024 * 1024 + 1]);
    let endless = Body::from_stream(futures::stream::repeat_with(|| {
        Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 8192]))
    }));
    let broken = Body::from_stream(futures::stream::iter([Err::<Bytes, _>(
        std::io::Error::other("gone"),
    )]));
    let cases: [(&str, &str, Body, StatusCode); 9] = [
        ("/validate", json, Body::empty(), StatusCode::BAD_REQUEST),
        ("/validate", json, Body::from("{"), StatusCode::BAD_REQUEST),
        ("/mutate", json, Body::from("[]"), StatusCode::BAD_REQUEST),
        (
            "/mutate",
            json,
            Body::from(r#"{"apiVersion":"v1","kind":"Pod"}"#),
            StatusCode::BAD_REQUEST,
        ),
        (
            "/validate",
            "text/plain",
            Body::from("{}"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        ("/validate", json, large, StatusCode::PAYLOAD_TOO_LARGE),
        ("/validate", json, endless, StatusCode::PAYLOAD_TOO_LARGE),
        ("/validate", json, broken, StatusCode::BAD_REQUEST),
        ("/elsewhere", json, Body::empty(), StatusCode::NOT_FOUND),
    ];
    for (path, content_type, body, expected) in cases {
        let (status, body) = send(plain(), path, content_type, body).await;
        assert_eq!(status, expected, "{path}: {body}");
        assert!(!body.contains("allowed"), "{body}");
    }
    let request = Request::get("/validate").body(Body::empty()).unwrap();
    assert_eq!(
        answer(&plain(), request).await.status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_ends_in_time() {
    let body = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
    let started = tokio::time::Instant::now();
    let (status, _) = send(plain(), "/validate?timeout=1s", "application/json", body).await;
    assert_eq!(status, StatusCode::REQUEST_TIMEOUT);
    assert_eq!(started.elapsed().as_millis(), 800);
}

#[tokio::test(start_paused = true)]
async fn over_the_limit_the_answer_is_429() {
    let app = app(None, Limits::new(1, 1));
    let slow = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
    let first = tokio::spawn(send(app.clone(), "/validate", "application/json", slow));
    tokio::task::yield_now().await;
    let (status, _) = post(app.clone(), "/validate", &review("demo")).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(first.await.unwrap().0, StatusCode::REQUEST_TIMEOUT);
    let (status, _) = post(app, "/validate", &review("demo")).await;
    assert_eq!(status, StatusCode::OK, "the place is given back");
}

fn script(wait: Duration, answer: fn(&Question) -> Known<Answer>) -> Arc<Script> {
    Arc::new(Script {
        asked: AtomicUsize::new(0),
        wait,
        answer,
    })
}

#[tokio::test(start_paused = true)]
async fn a_fill_rests_on_one_live_read() {
    let absent = script(Duration::from_millis(5), |_| {
        Known::Known(Answer::Object(None))
    });
    let (_, answer) = post(
        app(Some(absent.clone()), Limits::default()),
        "/mutate",
        &review("demo"),
    )
    .await;
    assert_eq!(answer["response"]["patchType"], "JSONPatch");
    assert_eq!(absent.asked.load(Ordering::Relaxed), 1);

    let present = script(Duration::from_millis(5), |_| {
        Known::Known(Answer::Object(Some(Fact::DataSource(Box::default()))))
    });
    let (_, answer) = post(
        app(Some(present), Limits::default()),
        "/mutate",
        &review("demo"),
    )
    .await;
    assert_eq!(
        answer["response"],
        json!({"uid": "e3f1", "allowed": true}),
        "the machine's own is meant"
    );
}

#[tokio::test(start_paused = true)]
async fn a_live_read_that_takes_too_long_leaves_the_reference_alone() {
    let slow = script(Duration::from_mins(1), |_| {
        Known::Known(Answer::Object(None))
    });
    let app = app(Some(slow), Limits::default());
    let started = tokio::time::Instant::now();
    let (status, answer) = post(app.clone(), "/mutate?timeout=2s", &review("demo")).await;
    assert_eq!(
        (status, started.elapsed().as_millis()),
        (StatusCode::OK, 1600)
    );
    assert!(answer["response"].get("patch").is_none());
    let (_, answer) = post(app, "/validate?timeout=2s", &review("demo")).await;
    assert_eq!(answer["response"]["allowed"], true);
    let warning = answer["response"]["warnings"][0].as_str().unwrap();
    assert!(
        warning.starts_with(
            "boot source fedora is named without a namespace and could not be looked up"
        ),
        "{warning}"
    );
}

/// A review as large as most objects are, and as large as few are: that one is judged on a task of its own.
fn short_and_long(namespace: &str) -> [Value; 2] {
    let short = review(namespace);
    let mut long = short.clone();
    long["request"]["object"]["metadata"] =
        json!({"annotations": {"long": "x".repeat(600 * 1024)}});
    [short, long]
}

#[tokio::test]
async fn a_panic_is_a_status_and_the_next_request_is_answered() {
    let panics = script(Duration::ZERO, |_| panic!("on purpose"));
    let app = app(Some(panics), Limits::new(1, 1));
    for review in short_and_long("demo") {
        let (status, _) = post(app.clone(), "/mutate", &review).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    }
    for review in short_and_long("openshift-cnv") {
        // Nothing is read live for it.
        let path = "/validate/protected-namespaces";
        let (status, answer) = post(app.clone(), path, &review).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(answer["response"]["allowed"], false);
    }
}
