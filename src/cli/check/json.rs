//! Every object with its decision, for machines: printed as it goes, so that memory does not grow with what is judged.
//!
//! ```json
//! {"apiVersion": "goldkeeper.io/v1", "kind": "CheckReport", "policies": "sha256:…", "cluster": "…",
//!  "objects": [
//!   {"file": "vms/web.yaml", "line": 4, "column": 1,
//!    "object": {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "namespace": "demo", "name": "web"},
//!    "decision": "denied",     "(the gravest: denied, warned, filled, allowed, notCovered, notJudged)"
//!    "reason": "…",            "(of notJudged)"
//!    "message": "…",           "(of a refusal, as the API server would answer it)"
//!    "warnings": ["…"],        "(as the API server would pass them on)"
//!    "patch": [{"op": "add", "path": "/spec/…", "value": "…"}],
//!    "remarks": [{"action": "deny", "rule": "ProtectedNamespaces", "policy": "…", "field": "metadata.namespace",
//!                 "line": 8, "column": 3, "message": "…"}]}],
//!  "declined": [{"file": "…", "line": 12, "path": "/spec/…", "reason": "…"}],    "(what --write leaves alone)"
//!  "faults": [{"level": "error", "rule": "manifest-file", "file": "…", "line": 1, "column": 1, "message": "…", "help": "…"}],
//!  "summary": {"files": 1, "judged": 1, "notCovered": 0, "notJudged": 0, "foreign": 0, "denied": 1, "warned": 0,
//!              "filled": 0, "written": 0, "declined": 0, "faults": 0}}
//! ```
//!
//! What there is nothing to say of is left out of an object. `foreign` counts documents that are no Kubernetes objects.

use std::sync::Arc;

use anyhow::Result;
use json_patch::PatchOperation;
use serde::Serialize;
use serde_json::{Value, json};

use crate::document::Diagnostic;
use crate::report::{self, Remark};

use super::file::Edited;
use super::judge::{Decision, Judgement, Said};
use super::machine::remark_of;
use super::output::{Header, Summary};

/// A report that is printed piece by piece.
pub(super) struct Listed {
    yaml: bool,
    any: bool,
    faults: Vec<Remark>,
    declined: Vec<Value>,
}

#[derive(Serialize)]
struct Head<'r> {
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    kind: &'static str,
    policies: &'r str,
    cluster: &'r str,
}

#[derive(Serialize)]
struct One<'r> {
    file: &'r str,
    line: u32,
    column: u32,
    object: Reference<'r>,
    decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'r str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'r [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    patch: &'r [PatchOperation],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remarks: Vec<Spoken<'r>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reference<'r> {
    api_version: &'r str,
    kind: &'r str,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'r str,
    name: &'r str,
}

#[derive(Serialize)]
struct Spoken<'r> {
    action: &'static str,
    rule: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'r str>,
    field: &'r str,
    line: u32,
    column: u32,
    message: &'r str,
}

impl Decision {
    /// Its name in reports.
    const fn as_str(self) -> &'static str {
        match self {
            Self::NotCovered => "notCovered",
            Self::Allowed => "allowed",
            Self::Filled => "filled",
            Self::Warned => "warned",
            Self::Denied => "denied",
            Self::NotJudged => "notJudged",
        }
    }
}

impl Listed {
    pub(super) const fn new(yaml: bool) -> Self {
        Self {
            yaml,
            any: false,
            faults: Vec::new(),
            declined: Vec::new(),
        }
    }

    /// Everything up to the first object.
    pub(super) fn start(&self, header: &Header) -> Result<String> {
        let head = Head {
            api_version: "goldkeeper.io/v1",
            kind: "CheckReport",
            policies: &header.policies,
            cluster: &header.cluster,
        };
        if self.yaml {
            return Ok(format!("{}objects:", serde_saphyr::to_string(&head)?));
        }
        let head = serde_json::to_string(&head)?;
        let open = head.strip_suffix('}').unwrap_or(&head);
        Ok(format!("{open},\"objects\":["))
    }

    pub(super) fn judged(&mut self, file: &Arc<str>, judgement: &Judgement) -> Result<String> {
        let one = One::of(file, judgement);
        let first = !std::mem::replace(&mut self.any, true);
        if self.yaml {
            let start = if first { "\n" } else { "" };
            return Ok(format!("{start}{}", serde_saphyr::to_string(&[one])?));
        }
        let separator = if first { "" } else { "," };
        Ok(format!("{separator}\n{}", serde_json::to_string(&one)?))
    }

    pub(super) fn fault(&mut self, fault: &Diagnostic) {
        self.faults.push(remark_of(fault));
    }

    /// What can't be put into a file.
    pub(super) fn edited(&mut self, edited: &Edited<'_>) {
        let declined = edited.declined.iter().map(|declined| {
            json!({
                "file": &**edited.file,
                "line": declined.place.line,
                "path": declined.insertion.pointer.as_str(),
                "reason": declined.reason,
            })
        });
        self.declined.extend(declined);
    }

    /// Everything after the last object.
    pub(super) fn finish(&self, summary: &Summary) -> Result<String> {
        let rest = json!({
            "declined": self.declined,
            "faults": report::json(&self.faults),
            "summary": {
                "files": summary.files,
                "judged": summary.judged,
                "notCovered": summary.all_not_covered(),
                "notJudged": summary.not_judged,
                "foreign": summary.foreign,
                "denied": summary.denied,
                "warned": summary.warned,
                "filled": summary.filled,
                "written": summary.written,
                "declined": summary.declined,
                "faults": summary.faults,
            },
        });
        if self.yaml {
            let none = if self.any { "" } else { " []\n" };
            return Ok(format!("{none}{}", serde_saphyr::to_string(&rest)?));
        }
        let rest = rest.to_string();
        let rest = rest.strip_prefix('{').unwrap_or(&rest);
        Ok(format!("\n],{rest}\n"))
    }
}

impl<'r> One<'r> {
    fn of(file: &'r str, judgement: &'r Judgement) -> Self {
        Self {
            file,
            line: judgement.place.line,
            column: judgement.place.column,
            object: Reference {
                api_version: &judgement.api_version,
                kind: &judgement.kind,
                namespace: &judgement.namespace,
                name: &judgement.name,
            },
            decision: judgement.decision.as_str(),
            reason: judgement.reason.as_deref(),
            message: judgement.message.as_deref(),
            warnings: &judgement.warnings,
            patch: &judgement.patch,
            remarks: judgement.said.iter().map(Spoken::of).collect(),
        }
    }
}

impl<'r> Spoken<'r> {
    fn of(said: &'r Said) -> Self {
        Self {
            action: said.action.as_str(),
            rule: said.rule,
            policy: said.policy.as_deref(),
            field: &said.field,
            line: said.place.line,
            column: said.place.column,
            message: &said.text,
        }
    }
}
