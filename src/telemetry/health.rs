//! The plain HTTP port: `/healthz`, `/readyz`, `/metrics`.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::RawQuery;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::cluster::{Coverage, Kind};

use super::Sources;

/// How many lines of one thing are shown.
const MAX_LINES: usize = 200;

/// Whether goldkeeper is to get requests.
#[derive(Debug, Default)]
pub struct Health {
    stopping: AtomicBool,
}

impl Health {
    /// From now on not ready: the process is about to end.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

/// The routes of the plain port.
pub fn router(health: Arc<Health>, sources: Arc<Sources>) -> Router {
    let scraped = sources.clone();
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route(
            "/readyz",
            get(async move |RawQuery(query)| ready(&health, &sources, query.as_deref())),
        )
        .route("/metrics", get(async move || metrics(&scraped)))
}

fn metrics(sources: &Arc<Sources>) -> Response {
    match sources.render() {
        Ok(text) => {
            let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, content_type)], text).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Ready once every kind is listed or known to be out of reach; with `?verbose` also what is known.
fn ready(health: &Health, sources: &Sources, query: Option<&str>) -> Response {
    let view = sources.view.load();
    let stopping = health.is_stopping();
    let ready = view.is_settled() && !stopping;
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let mut text = String::new();
    let verbose = query.is_some_and(|query| {
        query
            .split('&')
            .any(|parameter| parameter.starts_with("verbose"))
    });
    if verbose || !ready {
        text.push_str(&policies(sources));
        text.push_str(&(sources.tls)().lines());
        for kind in Kind::ALL {
            let state = describe(view.coverage(kind));
            let _ = writeln!(
                text,
                "{} {} objects, {state}",
                kind.info().kind,
                view.count(kind)
            );
        }
        if stopping {
            text.push_str("stopping\n");
        }
    }
    text.push_str(if ready { "ok\n" } else { "not ready\n" });
    (status, text).into_response()
}

/// The set in force, why the files are not, and what is to be told of it.
fn policies(sources: &Sources) -> String {
    let policies = sources.policies.load();
    let mut text = format!("policies {}\n", policies.digest());
    let faults = sources.standing.faults();
    if faults > 0 {
        let _ = writeln!(
            text,
            "policy files not loaded, faults: {faults}; the last good set stays in force"
        );
        let reason = sources.standing.reason();
        for line in reason.lines().take(MAX_LINES) {
            let _ = writeln!(text, "{}", format!("  {line}").trim_end());
        }
        if reason.lines().nth(MAX_LINES).is_some() {
            text.push_str("  and more: see the log\n");
        }
    }
    let today = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    for notice in policies.notices(today).iter().take(MAX_LINES) {
        let (file, line, message) = (&notice.file, notice.line, &notice.message);
        let _ = writeln!(text, "policy notice: {file}:{line}: {message}");
    }
    let undelivered = sources.standing.undelivered();
    for what in undelivered
        .iter()
        .flat_map(|all| all.iter())
        .take(MAX_LINES)
    {
        let _ = writeln!(text, "policy not delivered: {what}");
    }
    text
}

fn describe(coverage: &Coverage) -> String {
    match coverage {
        Coverage::Pending => "being listed".to_owned(),
        Coverage::Unknown(reason) => format!("unknown: {reason}"),
        Coverage::Watched => "watched".to_owned(),
        Coverage::OnDemand => "read on demand".to_owned(),
        Coverage::NotServed => "not served by this cluster".to_owned(),
        Coverage::Complete => "from files".to_owned(),
        Coverage::Within(namespaces) => {
            format!("from a snapshot of {} namespaces", namespaces.len())
        }
    }
}
