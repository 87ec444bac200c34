//! How much is admitted at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit, TryAcquireError};

/// The largest body that is read, in bytes: an update carries the object twice, and etcd holds 1.5 MiB each.
pub(super) const MAX_BODY: usize = 7 * 1024 * 1024;
/// A body over this size, in bytes, takes one of a few places, so that memory stays bounded.
const LARGE_BODY: usize = 512 * 1024;

/// How many such places there are.
const LARGE: usize = 8;

/// Requests in flight. Over the limit the answer is `429`, and the failurePolicy decides.
#[derive(Clone, Debug)]
pub struct Limits {
    requests: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Default for Limits {
    fn default() -> Self {
        Self::of(Self::IN_FLIGHT)
    }
}

/// A place among the requests in flight, given back when dropped.
pub(super) struct Place<'l> {
    _request: SemaphorePermit<'l>,
    /// Held by whoever judges a large body, for as long as that takes.
    pub(super) large: Option<OwnedSemaphorePermit>,
}

impl Limits {
    /// Requests in flight, unless something else is said.
    pub const IN_FLIGHT: usize = 256;

    /// At most this many requests in flight, and a fixed number of large ones among them: those bound memory.
    pub fn of(requests: usize) -> Self {
        Self::new(requests, LARGE)
    }

    /// At most this many requests in flight, and at most this many large ones among them.
    pub fn new(requests: usize, large: usize) -> Self {
        Self {
            requests: Arc::new(Semaphore::new(requests)),
            large: Arc::new(Semaphore::new(large)),
        }
    }

    /// Takes a place for a body of this length (`None`: the client did not say), without waiting.
    pub(super) fn enter(&self, length: Option<usize>) -> Result<Place<'_>, TryAcquireError> {
        let is_large = length.is_none_or(|length| length > LARGE_BODY);
        Ok(Place {
            _request: self.requests.try_acquire()?,
            large: is_large
                .then(|| self.large.clone().try_acquire_owned())
                .transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_and_given_back() {
        let limits = Limits::new(3, 1);
        let small = limits.enter(Some(10)).unwrap();
        let large = limits.enter(None).unwrap();
        assert!(
            limits.enter(Some(LARGE_BODY + 1)).is_err(),
            "one large body at a time"
        );
        let other = limits.enter(Some(LARGE_BODY)).unwrap();
        assert!(limits.enter(Some(0)).is_err(), "three requests at a time");
        drop((small, large, other));
        assert!(limits.enter(None).is_ok());
    }
}
