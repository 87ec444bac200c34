//! Refusals become Events, off the request path.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::Receiver;
use tokio::time::sleep_until;

use crate::telemetry::{Denial, EventCounts, Folding, Write};
use crate::watch::{DenialEvent, EventWriter, NotWritten};

/// Folds refusals and writes what comes of them, one after another, until the other end of the queue is dropped. Why they
/// can't be written is logged when that begins, and not again before one was written.
pub(super) async fn follow(
    writer: EventWriter,
    mut denials: Receiver<Denial>,
    counts: Arc<EventCounts>,
) {
    let mut folding = Folding::new(Instant::now());
    let mut told = false;
    loop {
        let next = folding.next();
        let due = async {
            match next {
                Some(next) => sleep_until(next.into()).await,
                None => std::future::pending().await,
            }
        };
        // First what is waiting: while one is written, repeats of it are folded.
        tokio::select! {
            biased;
            denial = denials.recv() => {
                let Some(denial) = denial else { return };
                if !folding.take(denial, Instant::now()) {
                    counts.dropped();
                }
            }
            () = due => {
                if let Some(due) = folding.due(Instant::now()) {
                    let result = write(&writer, &due).await;
                    tell(result.as_ref().err(), &mut told);
                    counts.count(result.is_ok());
                    let exists = match result {
                        Ok(()) => true,
                        Err(NotWritten::Gone) => false,
                        Err(NotWritten::Failed(_)) => due.exists,
                    };
                    folding.exists(&due.refused, exists);
                }
            }
        }
    }
}

async fn write(writer: &EventWriter, write: &Write) -> Result<(), NotWritten> {
    let event = DenialEvent {
        namespace: &write.refused.namespace,
        reason: write.refused.rule,
        note: &write.note,
        first: write.first,
        last: write.last,
        count: write.count,
    };
    if write.exists {
        writer.update(&event).await
    } else {
        writer.create(&event).await
    }
}

/// A namespace that is not there is nothing to be told of.
fn tell(failure: Option<&NotWritten>, told: &mut bool) {
    match failure {
        None => *told = false,
        Some(NotWritten::Failed(reason)) if !std::mem::replace(told, true) => {
            tracing::warn!(
                "Events of refusals can't be written: {reason}; goldkeeper rbac --events prints the rights that they take"
            );
        }
        Some(_) => {}
    }
}
