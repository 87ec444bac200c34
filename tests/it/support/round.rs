//! One request on its way: in as bytes, through `/mutate`, patched as the API server patches, through `/validate`, out
//! as bytes. What must hold of every request whatsoever is asserted here, so that no test can forget to ask.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
pub(crate) use goldkeeper::cases::{Answer, Outcome};
use goldkeeper::cluster::Question;
pub(crate) use goldkeeper::engine::World;
use goldkeeper::engine::{self, Route};
use goldkeeper::webhook::review;
use serde_json::{Value, json};

/// An `AdmissionReview` around a request.
pub(crate) fn review(request: &Value) -> Value {
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})
}

/// The answer of the webhooks to bytes; `None` if they are no review, which is an HTTP error and never a verdict.
pub(crate) fn respond(world: &World<'_>, route: Route, body: &[u8]) -> Option<Vec<u8>> {
    let request = review::decode(body).ok()?;
    let read = |question: &Question| {
        let known = match question {
            Question::Object {
                kind, namespace, ..
            } => world.view.coverage(*kind).is_final(namespace),
            Question::Access(_) => !world.view.is_live(),
        };
        assert!(
            !known,
            "{question:?} was asked of a cluster that can't say more"
        );
        (world.read)(question)
    };
    let world = &World {
        read: &read,
        ..*world
    };
    let decision = engine::ask(world, route, &request).decision;
    Some(review::encode(&request.uid, &decision).expect("a decision can be encoded"))
}

/// Takes a request all the way.
///
/// # Panics
/// Where one of the laws of the webhook is broken.
pub(crate) fn judge(world: &World<'_>, request: &Value) -> Option<Outcome> {
    let ask = |route: Route, request: &Value| {
        let body = serde_json::to_vec(&review(request)).expect("a review can be encoded");
        let answer = respond(world, route, &body)?;
        Some(read_answer(&answer, request))
    };
    let mutate = ask(Route::MUTATE, request)?;
    assert!(mutate.allowed, "/mutate never refuses: {mutate:?}");

    let mut patched = request.clone();
    for operation in &mutate.patch {
        assert_is_allowed(operation);
    }
    if let Some(object) = patched.get_mut("object") {
        let patch: json_patch::Patch =
            serde_json::from_value(Value::Array(mutate.patch.clone())).expect("a JSON patch");
        json_patch::patch(object, &patch).expect("the patch applies");
    }
    let ask_again =
        |route| ask(route, &patched).unwrap_or_else(|| panic!("a patched object can be read"));
    let again = ask_again(Route::MUTATE);
    assert!(
        again.patch.is_empty(),
        "a second /mutate changes nothing more: {again:?}"
    );

    let validate = ask_again(Route::VALIDATE);
    let validate_unpatched = ask(Route::VALIDATE, request)?;
    for answer in [&validate, &validate_unpatched] {
        assert!(
            answer.patch.is_empty(),
            "/validate never patches: {answer:?}"
        );
    }
    Some(Outcome {
        mutate,
        validate,
        validate_unpatched,
    })
}

/// A patch only ever adds the namespace of a boot-source reference.
fn assert_is_allowed(operation: &Value) {
    let text = |field: &str| {
        operation
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let keeps_to_its_field = text("path").ends_with("/sourceRef/namespace");
    assert!(
        text("op") == "add" && keeps_to_its_field && !text("value").is_empty(),
        "a patch fills sourceRef.namespace and nothing else: {operation}"
    );
}

/// Reads a response as the API server does.
fn read_answer(bytes: &[u8], request: &Value) -> Answer {
    let review: Value = serde_json::from_slice(bytes).expect("the answer is JSON");
    assert_eq!(
        review.get("apiVersion"),
        Some(&json!("admission.k8s.io/v1"))
    );
    assert_eq!(review.get("kind"), Some(&json!("AdmissionReview")));
    let response = review.get("response").expect("an answer holds a response");
    assert_eq!(response.get("uid"), request.get("uid"), "the uid is echoed");

    let allowed = response
        .get("allowed")
        .and_then(Value::as_bool)
        .expect("a verdict");
    let status = response.get("status");
    assert_eq!(
        status.is_some(),
        !allowed,
        "a refusal, and nothing else, has a status"
    );
    if let Some(status) = status {
        assert_eq!(status.get("code"), Some(&json!(403)));
        assert_eq!(status.get("reason"), Some(&json!("Forbidden")));
        assert_eq!(
            status.get("details"),
            None,
            "kubectl would hide the message"
        );
    }
    let patch = response.get("patch").and_then(Value::as_str).map(|patch| {
        assert_eq!(response.get("patchType"), Some(&json!("JSONPatch")));
        let patch = STANDARD.decode(patch).expect("a patch is base64 text");
        let patch: Vec<Value> = serde_json::from_slice(&patch).expect("a patch is a JSON list");
        assert!(!patch.is_empty(), "no patch rather than an empty one");
        patch
    });
    let warnings: Vec<String> = response
        .get("warnings")
        .map(|warnings| serde_json::from_value(warnings.clone()).expect("warnings are texts"))
        .unwrap_or_default();
    for warning in &warnings {
        let sound = !warning.contains(", ") && !warning.chars().any(char::is_control);
        assert!(sound, "clients cut or drop this warning: {warning:?}");
    }
    let annotations = response.get("auditAnnotations").and_then(Value::as_object);
    Answer {
        allowed,
        message: status
            .and_then(|status| status.get("message")?.as_str())
            .map(str::to_owned),
        patch: patch.unwrap_or_default(),
        warnings,
        audit_annotations: annotations
            .into_iter()
            .flatten()
            .map(|(key, text)| (key.clone(), text.as_str().unwrap_or_default().to_owned()))
            .collect(),
    }
}
