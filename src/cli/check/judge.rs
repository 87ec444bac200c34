//! What becomes of one object.

use json_patch::PatchOperation;
use json_patch::jsonptr::{Pointer, PointerBuf};

use crate::admission::{Edit, Resource};
use crate::engine::{self, Action, Admission, Outcome, World};
use crate::manifest::{self, Insertion, Manifest, Node, Place};

use super::ask::{Asker, Operation};
use super::old::OldObjects;

/// The rule id of fields that the version of an object does not have.
pub(super) const UNKNOWN_FIELD: &str = "UnknownField";

/// The gravest thing that became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Decision {
    /// No policy is for it.
    NotCovered,
    /// It goes through as it is.
    Allowed,
    /// It goes through with fields filled in.
    Filled,
    /// It goes through with warnings.
    Warned,
    /// It is refused.
    Denied,
    /// It can't be told.
    NotJudged,
}

/// One thing that is said of an object.
#[derive(Debug, PartialEq)]
pub(super) struct Said {
    pub(super) action: Action,
    /// The kind of the policy, or [`UNKNOWN_FIELD`].
    pub(super) rule: &'static str,
    /// The name of the policy; `None` where none says it.
    pub(super) policy: Option<String>,
    /// The field in API spelling.
    pub(super) field: String,
    /// Where the field stands, or the nearest above it that is there.
    pub(super) place: Place,
    pub(super) text: String,
}

/// What became of an object.
#[derive(Debug)]
pub(super) struct Judgement {
    pub(super) place: Place,
    pub(super) api_version: String,
    pub(super) kind: String,
    /// Empty for what is in none, and where only the API server knows.
    pub(super) namespace: String,
    /// With a `*` for what the API server will append.
    pub(super) name: String,
    /// Whether any policy is for it.
    pub(super) covered: bool,
    pub(super) decision: Decision,
    /// Why it could not be told.
    pub(super) reason: Option<String>,
    /// What the API server would answer to a refused request.
    pub(super) message: Option<String>,
    /// What it would pass on as warnings.
    pub(super) warnings: Vec<String>,
    /// What it would do to the object.
    pub(super) patch: Vec<PatchOperation>,
    /// All that is said, with places, in the order of the policies.
    pub(super) said: Vec<Said>,
    /// What would be filled in, with its place in the document.
    pub(super) insertions: Vec<Insertion>,
}

/// Judges objects.
pub(super) struct Judge<'w> {
    pub(super) world: World<'w>,
    pub(super) asker: Asker,
    pub(super) operation: Operation,
    /// The objects as they were, if they are told.
    pub(super) old: Option<OldObjects>,
}

/// The resource of an object, in a version that goldkeeper reads.
pub(super) fn resource_of(manifest: &Manifest<'_>) -> Option<Resource> {
    Resource::ALL.into_iter().find(|resource| {
        let info = resource.info();
        info.kind == manifest.kind
            && info.group == manifest.group()
            && info.versions.contains(&manifest.version())
    })
}

impl Judge<'_> {
    /// Judges an object as the API server would.
    pub(super) fn judge(&self, manifest: &Manifest<'_>) -> Judgement {
        let resource = resource_of(manifest);
        let mut judgement = self.unjudged(manifest, resource);
        if let Some(resource) = resource {
            self.ask(manifest, resource, &mut judgement);
        }
        if let Some(unknown) = manifest::unknown_field(manifest) {
            judgement.said.push(Said {
                action: Action::Warn,
                rule: UNKNOWN_FIELD,
                policy: None,
                field: unknown.field.to_owned(),
                place: manifest.node.place_of(&unknown.pointer),
                text: unknown.message,
            });
            judgement.decision = judgement.decision.max(Decision::Warned);
        }
        judgement
    }

    fn unjudged(&self, manifest: &Manifest<'_>, resource: Option<Resource>) -> Judgement {
        let namespace = match resource {
            Some(resource) => self.asker.namespace_of(manifest, resource),
            None => manifest.metadata("namespace"),
        };
        let name = match (manifest.metadata("name"), manifest.metadata("generateName")) {
            ("", "") => String::new(),
            ("", prefix) => format!("{prefix}*"),
            (name, _) => name.to_owned(),
        };
        Judgement {
            place: manifest.node.place,
            api_version: manifest.api_version.clone(),
            kind: manifest.kind.clone(),
            namespace: namespace.to_owned(),
            name,
            covered: false,
            decision: Decision::NotCovered,
            reason: None,
            message: None,
            warnings: Vec::new(),
            patch: Vec::new(),
            said: Vec::new(),
            insertions: Vec::new(),
        }
    }

    fn ask(&self, manifest: &Manifest<'_>, resource: Resource, judgement: &mut Judgement) {
        let old = self.old.as_ref();
        let old = old.map(|old| old.find(manifest, &judgement.namespace));
        let (operation, old) = match old {
            // What is not among the objects as they were is new.
            Some(None) => (Operation::Create, None),
            Some(old) => (Operation::Update, old),
            None => (self.operation, None),
        };
        let request = self.asker.request(manifest, resource, operation, old);
        let admission = match engine::admit(&self.world, request) {
            Ok(admission) => admission,
            Err(error) => {
                judgement.decision = Decision::NotJudged;
                judgement.reason = Some(error.to_string());
                return;
            }
        };
        if admission.mutate.evaluation.matched + admission.validate.evaluation.matched == 0 {
            return;
        }
        judgement.covered = true;
        judgement.decision = Decision::Allowed;
        if let Some(untold) = &manifest.untold {
            judgement.decision = Decision::NotJudged;
            judgement.reason = Some(format!(
                "parameter {} of the template has no value and decides at {}",
                untold.parameter, untold.field
            ));
        } else if operation != Operation::Update || is_delivered(&admission) {
            judgement.take(manifest, admission);
        }
    }
}

/// Whether the registered webhooks get to see an update (their `matchConditions`): what is being deleted, and what does
/// not change, never leaves the API server.
fn is_delivered(admission: &Admission<'_>) -> bool {
    let request = &admission.request;
    let filled = !admission.mutate.decision.edits.is_empty();
    let being_deleted = request.pointer("/object/metadata/deletionTimestamp");
    being_deleted.is_none_or(serde_json::Value::is_null)
        && (filled || request.get("object") != request.get("oldObject"))
}

impl Judgement {
    fn take(&mut self, manifest: &Manifest<'_>, admission: Admission<'_>) {
        // Both webhooks may tell of one thing. It is shown once, as the API server does.
        for judged in [&admission.mutate, &admission.validate] {
            let outcomes = judged.evaluation.outcomes.iter();
            for said in outcomes.flat_map(|outcome| said(outcome, manifest.node)) {
                if !self.said.contains(&said) {
                    self.said.push(said);
                }
            }
        }
        let edits = admission.mutate.decision.edits;
        self.patch = edits.iter().map(Edit::operation).collect();
        let insertions = edits.iter().map(|edit| Insertion {
            pointer: below(&manifest.pointer, &edit.path.pointer()),
            value: edit.value.clone(),
        });
        self.insertions = insertions.collect();
        self.message = admission.validate.decision.denial;
        self.warnings = admission.mutate.decision.warnings;
        for warning in admission.validate.decision.warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        self.decision = if self.message.is_some() {
            Decision::Denied
        } else if !self.warnings.is_empty() {
            Decision::Warned
        } else if !self.patch.is_empty() {
            Decision::Filled
        } else {
            Decision::Allowed
        };
    }
}

fn said(outcome: &Outcome<'_>, node: &Node) -> Vec<Said> {
    let actions = outcome.actions();
    let said = actions.filter_map(|action| {
        Some(Said {
            action,
            rule: outcome.policy.rule.kind,
            policy: Some(outcome.policy.name.clone()),
            field: outcome.field().to_string(),
            place: node.place_of(&parsed(&outcome.field().pointer())),
            text: outcome.text(action)?,
        })
    });
    said.collect()
}

fn parsed(pointer: &str) -> PointerBuf {
    PointerBuf::parse(pointer).unwrap_or_default()
}

fn below(base: &Pointer, pointer: &str) -> PointerBuf {
    let mut whole = base.to_buf();
    whole.append(parsed(pointer));
    whole
}
