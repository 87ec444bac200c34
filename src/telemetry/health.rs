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
        let _ = writeln!(text, "policies {}", sources.policies.load().digest());
        if sources.standing.faults() > 0 {
            let faults = sources.standing.faults();
            let _ = writeln!(
                text,
                "policy files not loaded: {faults} faults; the last good set stays in force"
            );
        }
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
