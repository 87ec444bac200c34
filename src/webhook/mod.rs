//! The HTTPS side: what the API server sends, and what it gets.
//!
//! `allowed: false` is only ever a policy's verdict. Our own failures are HTTP statuses, so that the API server's
//! failurePolicy decides what becomes of the request. Handlers have no error type.

mod answer;
mod connection;
mod deadline;
mod limits;
mod one_task;
pub mod review;
mod server;

use std::sync::Arc;

use arc_swap::ArcSwap;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::Instant;

use crate::cluster::{Answer, ClusterView, Known, Question};
use crate::engine::{Observer, Route};
use crate::policy::PolicySet;
use crate::rules::{Stage, Webhook};

pub use answer::answer;
pub use connection::{Respond, Respondent};
pub use limits::Limits;
pub use server::{ServeError, Server};

/// Asks the live cluster what a decision must be sure of.
pub trait LiveReads: Send + Sync {
    /// Reads one object or finds that there is none, or finds out whether somebody may do something, before the
    /// deadline; `Unknown` if there is no answer by then.
    fn read<'a>(
        &'a self,
        question: &'a Question,
        deadline: Instant,
    ) -> BoxFuture<'a, Known<Answer>>;
}

/// What the webhook answers from. Each request takes one policy set and one view and keeps them to the end.
pub struct App {
    /// The policies in force.
    pub policies: Arc<ArcSwap<PolicySet>>,
    /// What is known of the cluster.
    pub view: Arc<ArcSwap<ClusterView>>,
    /// Live reads; absent where the view comes from files.
    pub live: Option<Arc<dyn LiveReads>>,
    /// Who is told of answers.
    pub observer: Arc<dyn Observer>,
    /// Bounds on what is admitted at once.
    pub limits: Limits,
}

/// Answers every request on the HTTPS port.
pub fn respondent(app: Arc<App>) -> Respondent {
    Arc::new(move || {
        // Counted by requests of this connection alone; those of all would wait for one another's cache line.
        let app = Arc::new(app.clone());
        Box::new(move |request| {
            let app = app.clone();
            async move { answer(&app, request).await }.boxed()
        })
    })
}

/// Who is asked: `/mutate`, `/validate` and one path below it for each webhook. There is nothing else.
fn route(path: &str) -> Option<Route> {
    match path {
        "/mutate" => Some(Route::MUTATE),
        "/validate" => Some(Route::VALIDATE),
        _ => {
            let slug = path.strip_prefix("/validate/")?;
            let mut webhooks = Webhook::ALL.into_iter();
            Some(Route {
                stage: Stage::Validate,
                webhook: Some(webhooks.find(|webhook| webhook.slug() == slug)?),
            })
        }
    }
}
