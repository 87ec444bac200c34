//! One request, from the socket to the socket.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant as Clock;

use axum::BoxError;
use axum::body::{Bytes, HttpBody as Body};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use futures::future::join_all;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::{Instant, timeout_at};

use crate::admission::AdmissionRequest;
use crate::cluster::{Answer as Found, Answers, ClusterView, Facts, Known, Question};
use crate::engine::{Decided, Decision, Evaluation, ROUNDS, Route, enforce, evaluate};
use crate::policy::PolicySet;

use super::limits::MAX_BODY;
use super::{App, deadline, review, route};

/// A body over this size, in bytes, is judged on a task of its own: judging it may take milliseconds, and nobody should
/// wait for that on the same connection. Most objects are far below.
const SHORT: usize = 64 * 1024;

/// Answers one request. What fails on our side is an HTTP status, never a verdict.
pub async fn answer<B>(app: &Arc<App>, request: Request<B>) -> Response
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let started = Clock::now();
    let Some(route) = route(request.uri().path()) else {
        let reason = "there is no such path".to_owned();
        return Failure(StatusCode::NOT_FOUND, reason).into_response();
    };
    let judged = AssertUnwindSafe(receive_and_judge(app, route, request, started))
        .catch_unwind()
        .await;
    let response = match judged.unwrap_or_else(|_| Err(Failure::own())) {
        Ok(answer) => answer.into_response(),
        Err(failure) => failure.into_response(),
    };
    app.observer
        .answered(route.stage, response.status().as_u16(), started.elapsed());
    response
}

/// Why a request was not judged.
struct Failure(StatusCode, String);

impl Failure {
    /// A panic: the API server's failurePolicy decides.
    fn own() -> Self {
        let reason = "a fault in goldkeeper".to_owned();
        Self(StatusCode::INTERNAL_SERVER_ERROR, reason)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self(status, reason) = self;
        tracing::warn!(status = status.as_u16(), reason, "request not judged");
        (status, format!("goldkeeper: {reason}\n")).into_response()
    }
}

struct Answer(Vec<u8>);

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(axum::body::Body::from(self.0));
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        response
    }
}

async fn receive_and_judge<B>(
    app: &Arc<App>,
    route: Route,
    request: Request<B>,
    started: Clock,
) -> Result<Answer, Failure>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let deadline = Instant::now() + deadline::from_query(request.uri().query());
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST {
        let reason = "an AdmissionReview is sent by POST".to_owned();
        return Err(Failure(StatusCode::METHOD_NOT_ALLOWED, reason));
    }
    if !is_json(&parts.headers) {
        let reason = "the content type must be application/json".to_owned();
        return Err(Failure(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
    }
    let length = content_length(&parts.headers);
    if length.is_some_and(|length| length > MAX_BODY) {
        return Err(too_large());
    }
    let mut place = app.limits.enter(length).map_err(|_| {
        Failure(
            StatusCode::TOO_MANY_REQUESTS,
            "too many requests at once".to_owned(),
        )
    })?;
    let body = receive(body, deadline).await?;
    if body.len() <= SHORT {
        return judge(app, route, &body, deadline, started).await;
    }
    let (app, large) = (app.clone(), place.large.take());
    let judged = tokio::spawn(async move {
        let _large = large;
        judge(&app, route, &body, deadline, started).await
    });
    judged.await.unwrap_or_else(|_| Err(Failure::own()))
}

async fn judge(
    app: &App,
    route: Route,
    body: &[u8],
    deadline: Instant,
    started: Clock,
) -> Result<Answer, Failure> {
    let request = review::decode(body)
        .map_err(|error| Failure(StatusCode::BAD_REQUEST, error.to_string()))?;
    let policies = app.policies.load();
    let view = app.view.load();
    let evaluation = determine(app, route, &request, &policies, &view, deadline).await;
    let decision = enforce(&evaluation, &policies);
    app.observer.decided(&Decided {
        stage: route.stage,
        request: &request,
        decision: &decision,
        digest: policies.digest(),
        elapsed: started.elapsed(),
    });
    encode(&request, &decision)
}

fn encode(request: &AdmissionRequest<'_>, decision: &Decision) -> Result<Answer, Failure> {
    review::encode(&request.uid, decision)
        .map(Answer)
        .map_err(|error| Failure(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

/// Evaluates, reads live what the decision must be sure of, and evaluates again with the answers.
async fn determine<'p>(
    app: &App,
    route: Route,
    request: &AdmissionRequest<'_>,
    policies: &'p PolicySet,
    view: &ClusterView,
    deadline: Instant,
) -> Evaluation<'p> {
    let today = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    let mut answers = Answers::default();
    let mut rounds = 0;
    loop {
        let facts = Facts::new(view, &answers);
        let mut evaluation = evaluate(route, request, policies, facts, today);
        let questions = std::mem::take(&mut evaluation.questions);
        rounds += 1;
        if questions.is_empty() || rounds > ROUNDS {
            return evaluation;
        }
        let found = read_live(app, &questions, deadline).await;
        for (question, answer) in questions.into_iter().zip(found) {
            answers.add(question, answer);
        }
    }
}

async fn read_live(app: &App, questions: &[Question], deadline: Instant) -> Vec<Known<Found>> {
    let Some(live) = &app.live else {
        return questions.iter().map(|_| Known::Unknown).collect();
    };
    join_all(
        questions
            .iter()
            .map(|question| live.read(question, deadline)),
    )
    .await
}

async fn receive<B>(body: B, deadline: Instant) -> Result<Bytes, Failure>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let body = Limited::new(body, MAX_BODY);
    match timeout_at(deadline, body.collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => Err(Failure(
            StatusCode::BAD_REQUEST,
            format!("the body broke off: {error}"),
        )),
        Err(_) => {
            let reason = "the body did not arrive in time".to_owned();
            Err(Failure(StatusCode::REQUEST_TIMEOUT, reason))
        }
    }
}

fn too_large() -> Failure {
    Failure(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the body has more than {MAX_BODY} bytes"),
    )
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|value| value.split(';').next());
    media_type.is_some_and(|value| value.trim().eq_ignore_ascii_case("application/json"))
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}
