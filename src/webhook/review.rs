//! `AdmissionReview` of `admission.k8s.io/v1` on the wire.
//!
//! Our own types rather than kube's: the patch is base64 text, the uid is echoed, and every refusal has a code and a
//! reason (without them the API server says `400` and `BadRequest`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::admission::{AdmissionRequest, Body, json};
use crate::engine::Decision;

const API_VERSION: &str = "admission.k8s.io/v1";
const KIND: &str = "AdmissionReview";

/// Why a body is no review that can be answered.
#[derive(Debug, thiserror::Error)]
pub enum Undecodable {
    /// It is not JSON, or lacks what every request has.
    #[error("not an AdmissionReview: {0}")]
    Json(#[from] json::JsonError),
    /// It is another version or kind.
    #[error("expected {API_VERSION} {KIND}, found {0}")]
    Type(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review<'a> {
    #[serde(borrow)]
    api_version: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    request: AdmissionRequest<'a>,
}

/// Reads the request of a review, in one pass, borrowing from the body.
///
/// # Errors
/// [`Undecodable`] if the body is no `admission.k8s.io/v1` review. There is then no uid to answer to: the caller says
/// `400`, and the failurePolicy decides.
pub fn decode(body: &[u8]) -> Result<AdmissionRequest<'_>, Undecodable> {
    let mut review: Review<'_> = json::from_slice(body)?;
    if review.api_version != API_VERSION || review.kind != KIND {
        return Err(Undecodable::Type(format!(
            "{} {}",
            review.api_version, review.kind
        )));
    }
    review.request.body = Some(Body::Review(body));
    Ok(review.request)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReviewResponse<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: Response<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    audit_annotations: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
struct Status<'a> {
    code: u16,
    reason: &'static str,
    message: &'a str,
}

/// The review that answers a request.
///
/// # Errors
/// None that a decision can cause; the type is serde's.
pub fn encode(uid: &str, decision: &Decision) -> serde_json::Result<Vec<u8>> {
    let patch = match decision.edits.as_slice() {
        [] => None,
        edits => Some(STANDARD.encode(serde_json::to_vec(edits)?)),
    };
    let mut answer = Vec::with_capacity(1024);
    serde_json::to_writer(
        &mut answer,
        &ReviewResponse {
            api_version: API_VERSION,
            kind: KIND,
            response: Response {
                uid,
                allowed: decision.allowed(),
                status: decision.denial.as_deref().map(|message| Status {
                    code: 403,
                    reason: "Forbidden",
                    message,
                }),
                patch_type: patch.is_some().then_some("JSONPatch"),
                patch,
                warnings: &decision.warnings,
                audit_annotations: decision
                    .audit_annotations
                    .iter()
                    .map(|(key, text)| (*key, text.as_str()))
                    .collect(),
            },
        },
    )?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::{Edit, FieldPath};
    use serde_json::{Value, json};

    fn review(change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let mut review = json!({
            "apiVersion": API_VERSION,
            "kind": KIND,
            "request": {
                "uid": "u-1",
                "kind": {"group": "kubevirt.io", "version": "v1", "kind": "VirtualMachine"},
                "resource": {"group": "kubevirt.io", "version": "v1", "resource": "virtualmachines"},
                "operation": "CREATE",
                "object": {"spec": {"dataVolumeTemplates": null}},
                "oldObject": null,
            },
        });
        change(&mut review);
        serde_json::to_vec(&review).unwrap()
    }

    #[test]
    fn the_least_a_request_can_hold_is_enough() {
        let body = review(|_| {});
        let request = decode(&body).unwrap();
        assert_eq!(request.uid, "u-1");
        assert!(request.object.get().is_some() && request.old_object.get().is_none());
    }

    #[test]
    fn what_is_no_review_is_told() {
        type Change = fn(&mut Value);
        let cases: [(Change, &str); 5] = [
            (
                |review| review["apiVersion"] = json!("admission.k8s.io/v1beta1"),
                "found admission.k8s.io/v1beta1",
            ),
            (
                |review| review["kind"] = json!("Pod"),
                "found admission.k8s.io/v1 Pod",
            ),
            (
                |review| review["request"] = json!(null),
                "invalid type: null",
            ),
            (
                |review| review["request"]["uid"] = json!(7),
                "invalid type: integer `7`",
            ),
            (
                |review| review["request"]["operation"] = json!("PATCH"),
                "unknown variant `PATCH`",
            ),
        ];
        for (change, expected) in cases {
            let message = decode(&review(change)).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_patch_is_base64_text_of_single_adds() {
        let path = FieldPath::of(&["spec", "sourceRef", "namespace"]);
        let decision = Decision {
            edits: vec![Edit {
                path,
                value: "gold".to_owned(),
                notice: None,
            }],
            ..Decision::default()
        };
        let answer: Value = serde_json::from_slice(&encode("u", &decision).unwrap()).unwrap();
        let patch = STANDARD
            .decode(answer["response"]["patch"].as_str().unwrap())
            .unwrap();
        let patch: Value = serde_json::from_slice(&patch).unwrap();
        assert_eq!(
            patch,
            json!([{"op": "add", "path": "/spec/sourceRef/namespace", "value": "gold"}])
        );
        let operations: Vec<_> = decision.edits.iter().map(Edit::operation).collect();
        assert_eq!(patch, serde_json::to_value(operations).unwrap());
        assert_eq!(answer["response"]["patchType"], "JSONPatch");
    }

    #[test]
    fn an_allowed_answer_holds_nothing_more() {
        let answer: Value =
            serde_json::from_slice(&encode("u", &Decision::default()).unwrap()).unwrap();
        assert_eq!(answer["response"], json!({"uid": "u", "allowed": true}));
    }
}
