//! What policies say of an object that is there.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use anyhow::Result;
use serde_json::{Value, json};

use crate::admission::Resource;
use crate::cluster::{Answer, Known, Question};
use crate::engine::{Route, World, ask_bytes};
use crate::rules::Finding;

use super::found::{Found, Named};

/// How many answers of the live cluster are remembered.
const MEMORY: usize = 50_000;

/// Judges objects.
pub(super) struct Judge<'w> {
    pub(super) world: World<'w>,
    /// How many questions of rights were left unasked so far.
    pub(super) unasked: &'w Cell<u64>,
}

/// What all policies say of one object.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    pub(super) found: Vec<Found>,
    /// Policies that could not tell, and why.
    pub(super) untold: Vec<(String, String)>,
    /// Whether rights would have been asked.
    pub(super) rights_unasked: bool,
}

impl Judge<'_> {
    /// Judges an object as if somebody made it now; `None` if it is judged with another one, or is on its way out.
    pub(super) fn judge(&self, resource: Resource, object: Value) -> Result<Option<Verdicts>> {
        if is_left_out(resource, &object) {
            return Ok(None);
        }
        let named = named(resource, &object);
        let unasked = self.unasked.get();
        let judged = ask_bytes(&self.world, Route::VALIDATE, &request(&named, object))?;
        let mut verdicts = Verdicts::default();
        for outcome in &judged.evaluation.outcomes {
            if let Finding::Undetermined(untold) = &outcome.finding {
                let policy = outcome.policy.name.clone();
                verdicts.untold.push((policy, untold.reason.clone()));
            }
            verdicts.found.extend(Found::of(outcome, &named));
        }
        verdicts.rights_unasked = self.unasked.get() > unasked;
        if verdicts.rights_unasked && verdicts.untold.len() == 1 {
            // The one thing that was not told is the one that was not asked.
            verdicts.untold.clear();
        }
        Ok(Some(verdicts))
    }
}

/// What another object owns is judged with that one; what is being deleted needs no judgement; a data volume that is
/// filled has no use for its source any more.
fn is_left_out(resource: Resource, object: &Value) -> bool {
    let metadata = |field: &str| object.get("metadata").and_then(|it| it.get(field));
    let owners = metadata("ownerReferences").and_then(Value::as_array);
    let is_owned = owners.is_some_and(|owners| {
        let mut owners = owners.iter();
        owners.any(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true))
    });
    let is_leaving = metadata("deletionTimestamp").is_some_and(|time| !time.is_null());
    let phase = object.pointer("/status/phase").and_then(Value::as_str);
    let is_filled = resource == Resource::DataVolumes && phase == Some("Succeeded");
    let is_made_by_people = !matches!(
        resource,
        Resource::HyperConvergeds | Resource::DataImportCrons | Resource::StorageClasses
    );
    is_leaving || is_filled || is_owned && is_made_by_people
}

fn named(resource: Resource, object: &Value) -> Named {
    let text = |pointer: &str| {
        let value = object.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    Named {
        resource,
        api_version: text("/apiVersion"),
        namespace: text("/metadata/namespace"),
        name: text("/metadata/name"),
    }
}

/// The request by which somebody would make it.
fn request(named: &Named, object: Value) -> Value {
    let info = named.resource.info();
    let version = named.api_version.rsplit('/').next().unwrap_or_default();
    let mut request = json!({
        // No request has this one.
        "uid": "00000000-0000-0000-0000-000000000000",
        "kind": {"group": info.group, "version": version, "kind": info.kind},
        "resource": {"group": info.group, "version": version, "resource": info.plural},
        "name": named.name,
        "namespace": named.namespace,
        "operation": "CREATE",
        // Nobody in particular.
        "userInfo": {"username": "", "groups": ["system:authenticated"]},
        "oldObject": null,
        "dryRun": true,
    });
    if let Some(fields) = request.as_object_mut() {
        fields.insert("object".to_owned(), object);
    }
    request
}

/// Answers that are asked for once: a hundred thousand machines ask the same few questions. Whoever lists a cluster sees
/// its boot sources; other rights are asked only if they are wanted.
pub(super) fn memory(
    read: impl Fn(&Question) -> Known<Answer>,
    rights: bool,
    unasked: &Cell<u64>,
) -> impl Fn(&Question) -> Known<Answer> {
    let answers: RefCell<HashMap<Question, Known<Answer>>> = RefCell::default();
    move |question| {
        match question {
            Question::Access(access) if access.verb == "get" => {
                return Known::Known(Answer::Access(true));
            }
            Question::Access(_) if !rights => {
                unasked.set(unasked.get() + 1);
                return Known::Unknown;
            }
            Question::Access(_) | Question::Object { .. } => {}
        }
        if let Some(answer) = answers.borrow().get(question) {
            return answer.clone();
        }
        let answer = read(question);
        let mut answers = answers.borrow_mut();
        if answers.len() < MEMORY {
            answers.insert(question.clone(), answer.clone());
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_another_object_is_left_out() {
        let owned = json!({"metadata": {"ownerReferences": [{"kind": "VirtualMachine", "controller": true}]}});
        assert!(is_left_out(Resource::DataVolumes, &owned));
        assert!(!is_left_out(Resource::DataImportCrons, &owned));
        let referred = json!({"metadata": {"ownerReferences": [{"kind": "ConfigMap"}]}});
        assert!(!is_left_out(Resource::VirtualMachines, &referred));
        let leaving = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
        assert!(is_left_out(Resource::VirtualMachines, &leaving));
        let filled =
            json!({"metadata": {"deletionTimestamp": null}, "status": {"phase": "Succeeded"}});
        assert!(is_left_out(Resource::DataVolumes, &filled));
        assert!(!is_left_out(Resource::VirtualMachines, &filled));
    }

    #[test]
    fn a_question_is_asked_once_and_rights_only_if_wanted() {
        use crate::cluster::{Access, Kind, Someone};
        let asked = Cell::new(0);
        let read = |_: &Question| {
            asked.set(asked.get() + 1);
            Known::Known(Answer::Object(None))
        };
        let object = Question::Object {
            kind: Kind::DataSource,
            namespace: "a".to_owned(),
            name: "b".to_owned(),
        };
        let access = Question::Access(Access {
            who: Someone::anybody(),
            verb: "create",
            group: "",
            resource: "pods",
            subresource: "",
            namespace: "a".to_owned(),
            name: String::new(),
        });
        let unasked = Cell::new(0);
        let frugal = memory(read, false, &unasked);
        for _ in 0..3 {
            assert_eq!(frugal(&object), Known::Known(Answer::Object(None)));
            assert_eq!(frugal(&access), Known::Unknown);
        }
        assert_eq!((asked.get(), unasked.get()), (1, 3));
        assert!(matches!(
            memory(read, true, &unasked)(&access),
            Known::Known(_)
        ));
        let Question::Access(clone) = access else {
            panic!("it is one");
        };
        let get = Question::Access(Access {
            verb: "get",
            ..clone
        });
        assert_eq!(frugal(&get), Known::Known(Answer::Access(true)));
    }
}
