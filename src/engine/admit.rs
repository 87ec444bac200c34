//! One request all the way, as the API server takes it: filled in, then judged as it will be stored.
//!
//! For the command line, which has no server between itself and the engine.

use jiff::civil::Date;
use serde_json::Value;

use crate::admission::{AdmissionRequest, Edit, json};
use crate::cluster::{Answer, Answers, ClusterView, Facts, Known, Question};
use crate::policy::PolicySet;

use super::{Decision, Evaluation, Route, enforce, evaluate};

/// How often a decision may come back with new questions: namespace labels first, then boot sources.
pub const ROUNDS: usize = 3;

/// What the live cluster says.
pub type Read = dyn Fn(&Question) -> Known<Answer>;

/// The world in which requests are judged.
#[derive(Clone, Copy)]
pub struct World<'w> {
    /// The policies in force.
    pub policies: &'w PolicySet,
    /// What is known of the cluster.
    pub view: &'w ClusterView,
    /// Answers what the view alone can't.
    pub read: &'w (dyn Fn(&Question) -> Known<Answer> + 'w),
    /// The date in UTC by which exemptions end.
    pub today: Date,
}

/// What one webhook says of a request, and what it rests on.
#[derive(Debug)]
pub struct Judged<'p> {
    /// All that was found.
    pub evaluation: Evaluation<'p>,
    /// What the API server is told.
    pub decision: Decision,
}

/// What becomes of a request.
#[derive(Debug)]
pub struct Admission<'p> {
    /// What `/mutate` says.
    pub mutate: Judged<'p>,
    /// What `/validate` says of the object as it was filled in.
    pub validate: Judged<'p>,
    /// The request as `/validate` saw it.
    pub request: Value,
}

/// Why a request can't be taken all the way.
#[derive(Debug, thiserror::Error)]
pub enum Inadmissible {
    /// It is not a request.
    #[error("not an AdmissionRequest: {0}")]
    Request(#[from] json::JsonError),
    /// It can't be written down.
    #[error("the request can't be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// What was to be filled in has no place in the object.
    #[error("the fields can't be filled in: {0}")]
    Patch(#[from] json_patch::PatchError),
}

/// Asks one webhook.
pub fn ask<'p>(world: &World<'p>, route: Route, request: &AdmissionRequest<'_>) -> Judged<'p> {
    let mut answers = Answers::default();
    let mut rounds = 0;
    loop {
        let facts = Facts::new(world.view, &answers);
        let mut evaluation = evaluate(route, request, world.policies, facts, world.today);
        let questions = std::mem::take(&mut evaluation.questions);
        rounds += 1;
        if questions.is_empty() || rounds > ROUNDS {
            let decision = enforce(&evaluation, world.policies);
            return Judged {
                evaluation,
                decision,
            };
        }
        for question in questions {
            let answer = (world.read)(&question);
            answers.add(question, answer);
        }
    }
}

/// Takes a request (the `request` of an `AdmissionReview`) all the way.
///
/// # Errors
/// [`Inadmissible`] if it is no request.
pub fn admit<'p>(world: &World<'p>, mut request: Value) -> Result<Admission<'p>, Inadmissible> {
    let mutate = ask_bytes(world, Route::MUTATE, &request)?;
    if let Some(object) = request.get_mut("object") {
        let operations = mutate.decision.edits.iter().map(Edit::operation).collect();
        json_patch::patch(object, &json_patch::Patch(operations))?;
    }
    let validate = ask_bytes(world, Route::VALIDATE, &request)?;
    Ok(Admission {
        mutate,
        validate,
        request,
    })
}

/// Asks one webhook about a request that is at hand as JSON. Lenses read bytes, as they do behind the server.
///
/// # Errors
/// If it is no request.
pub fn ask_bytes<'p>(
    world: &World<'p>,
    route: Route,
    request: &Value,
) -> Result<Judged<'p>, Inadmissible> {
    let bytes = serde_json::to_vec(request)?;
    Ok(ask(world, route, &AdmissionRequest::read(&bytes)?))
}
