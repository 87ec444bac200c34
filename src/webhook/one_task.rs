//! One task for a connection and for all that is asked over it.
//!
//! The API server sends many requests over one HTTP/2 connection. Left to itself hyper spawns a task for each: handing a
//! request to another thread and back costs as much as answering it, and every answer is written by itself. Here the
//! connection's own task polls its requests, and what they answer in one go is written in one go.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::task::AtomicWaker;
use futures::{FutureExt, Stream};
use hyper::rt::Executor;

/// How often the connection is looked at in one go before other tasks get their turn.
const ROUNDS: usize = 16;

/// Takes the requests of one connection to its task. Not bounded by itself: the connection's limit on streams is.
#[derive(Clone)]
pub(super) struct Here(UnboundedSender<BoxFuture<'static, ()>>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Here {
    fn execute(&self, request: F) {
        // Fails only after the connection, and then nobody waits for the answer.
        let _ = self.0.unbounded_send(request.boxed());
    }
}

/// A connection and its requests, to be polled as one.
pub(super) struct OneTask<C> {
    connection: Pin<Box<C>>,
    arriving: UnboundedReceiver<BoxFuture<'static, ()>>,
    requests: FuturesUnordered<BoxFuture<'static, ()>>,
    wakes: Arc<Wakes>,
    waker: Waker,
    was_asked: bool,
}

impl<C> OneTask<C> {
    /// A connection that is made with where its requests go.
    pub(super) fn new(connect: impl FnOnce(Here) -> C) -> Self {
        let (here, arriving) = unbounded();
        let wakes = Arc::new(Wakes::default());
        Self {
            connection: Box::pin(connect(Here(here))),
            arriving,
            requests: FuturesUnordered::new(),
            waker: Waker::from(wakes.clone()),
            wakes,
            was_asked: false,
        }
    }

    /// Whether a request has come so far.
    pub(super) const fn was_asked(&self) -> bool {
        self.was_asked
    }

    /// The connection itself.
    pub(super) fn connection(&mut self) -> Pin<&mut C> {
        self.connection.as_mut()
    }
}

impl<C: Future> Future for OneTask<C> {
    type Output = C::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<C::Output> {
        let this = self.get_mut();
        this.wakes.task.register(context.waker());
        let mut own = Context::from_waker(&this.waker);
        for _ in 0..ROUNDS {
            this.wakes.begin();
            if let Poll::Ready(ended) = this.connection.as_mut().poll(&mut own) {
                return Poll::Ready(ended);
            }
            while let Ok(request) = this.arriving.try_recv() {
                this.was_asked = true;
                this.requests.push(request);
            }
            while let Poll::Ready(Some(())) = Pin::new(&mut this.requests).poll_next(&mut own) {}
            if this.wakes.rest() {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// What wakes the task: not while it runs, for then it only looks once more before it rests.
#[derive(Default)]
struct Wakes {
    task: AtomicWaker,
    state: AtomicU8,
}

const RESTS: u8 = 0;
const RUNS: u8 = 1;
const IS_WOKEN: u8 = 2;

impl Wakes {
    fn begin(&self) {
        self.state.swap(RUNS, Ordering::AcqRel);
    }

    /// Whether nothing was woken since the last look.
    fn rest(&self) -> bool {
        let state = &self.state;
        let rests = state.compare_exchange(RUNS, RESTS, Ordering::AcqRel, Ordering::Acquire);
        rests.is_ok()
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.swap(IS_WOKEN, Ordering::AcqRel) == RESTS {
            self.task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::StreamExt;

    use super::*;

    /// A connection that hands out requests and ends when all of them are done.
    async fn connection(here: Here, count: usize) -> usize {
        let (done, ended) = unbounded();
        for number in 0..count {
            let done = done.clone();
            here.execute(async move {
                // Woken by a timer, by itself, and at once.
                match number % 3 {
                    0 => tokio::time::sleep(Duration::from_millis(1)).await,
                    1 => tokio::task::yield_now().await,
                    _ => {}
                }
                let _ = done.unbounded_send(number);
            });
            if number % 7 == 0 {
                tokio::task::yield_now().await;
            }
        }
        drop(done);
        ended.count().await
    }

    #[tokio::test]
    async fn every_request_ends_and_so_does_the_connection() {
        let mut all = OneTask::new(|here| connection(here, 1000));
        assert!(!all.was_asked());
        let ended = tokio::time::timeout(Duration::from_secs(20), &mut all).await;
        assert_eq!(ended, Ok(1000));
        assert!(all.was_asked());
    }

    #[tokio::test]
    async fn what_other_threads_finish_is_seen() {
        let all = OneTask::new(|here| async move {
            let (done, ended) = unbounded();
            for _ in 0..1000 {
                let (tell, told) = tokio::sync::oneshot::channel();
                std::thread::spawn(move || tell.send(()));
                let done = done.clone();
                here.execute(async move { drop((told.await, done)) });
            }
            drop(done);
            ended.map(|(): ()| ()).count().await
        });
        let ended = tokio::time::timeout(Duration::from_secs(20), all).await;
        assert_eq!(ended, Ok(0));
    }

    #[tokio::test]
    async fn a_connection_that_never_rests_lets_others_run() {
        let busy = OneTask::new(|_| async {
            loop {
                tokio::task::yield_now().await;
            }
        });
        let other = tokio::time::sleep(Duration::from_millis(5));
        tokio::select! {
            () = other => {}
            () = busy => {}
        }
    }
}
