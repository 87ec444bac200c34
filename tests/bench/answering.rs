//! From the bytes of a review to the bytes of its answer, without network.

use anyhow::Result;
use goldkeeper::cluster::{Answers, ClusterView, Facts};
use goldkeeper::engine::{Route, enforce, evaluate};
use goldkeeper::policy::PolicySet;
use goldkeeper::rules::Webhook;
use goldkeeper::webhook::review;
use jiff::civil::Date;
use serde::Deserialize;

use super::reviews::Class;

/// The day of every request.
const TODAY: Date = Date::constant(2026, 11, 23);

/// The least that any webhook has to read.
#[derive(Deserialize)]
pub(crate) struct UidOnly<'a> {
    #[serde(borrow)]
    request: Uid<'a>,
}

#[derive(Deserialize)]
struct Uid<'a> {
    uid: &'a str,
}

/// Reads the uid alone, as the floor does.
pub(crate) fn read_uid(body: &[u8]) -> bool {
    serde_json::from_slice::<UidOnly<'_>>(body).is_ok_and(|review| !review.request.uid.is_empty())
}

/// Reads the review.
pub(crate) fn read_review(body: &[u8]) -> bool {
    review::decode(body).is_ok_and(|request| !request.uid.is_empty())
}

/// Answers the review of a class at the webhook that the API server would call.
pub(crate) fn answer(
    class: Class,
    body: &[u8],
    policies: &PolicySet,
    view: &ClusterView,
) -> Result<Vec<u8>> {
    let request = review::decode(body)?;
    let answers = Answers::default();
    let facts = Facts::new(view, &answers);
    let evaluation = evaluate(route(class), &request, policies, facts, TODAY);
    let decision = enforce(&evaluation, policies);
    Ok(review::encode(&request.uid, &decision)?)
}

fn route(class: Class) -> Route {
    let validate = |webhook| Route {
        webhook: Some(webhook),
        ..Route::VALIDATE
    };
    match class {
        Class::NotMatched | Class::Allowed => validate(Webhook::BootSources),
        Class::Denied => validate(Webhook::ProtectedNamespaces),
        Class::Filled => Route::MUTATE,
    }
}
