//! The end of `goldkeeper serve`: told to stop, it is no longer ready, goes on answering for a while, and lets what is in
//! flight finish.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

use crate::telemetry::Health;

/// Waits for SIGTERM or SIGINT; then readiness fails, and after `delay` no new connection is taken and requests in flight
/// finish. With SIGTERM the delay is served to its end: that long new requests may still come from those that have not heard
/// of it. A SIGINT comes from somebody at a keyboard, who does not want to wait; so does a second signal.
pub(super) async fn on_signal(health: Arc<Health>, delay: Duration, stop: impl FnOnce()) {
    let (Ok(mut term), Ok(mut int)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        tracing::error!("signals can't be received; stopping will not wait for requests in flight");
        return;
    };
    let delay = tokio::select! {
        _ = term.recv() => delay,
        _ = int.recv() => Duration::ZERO,
    };
    tracing::info!(
        seconds = delay.as_secs(),
        "stopping: no longer ready, requests are answered for a while yet"
    );
    health.stop();
    let _ = timeout(delay, either(&mut term, &mut int)).await;
    tracing::info!("stopping: no new connections, requests in flight finish");
    stop();
}

async fn either(term: &mut Signal, int: &mut Signal) {
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}
