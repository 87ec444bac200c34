//! How much is admitted at once.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The largest body that is read, in bytes: an update carries the object twice, and etcd holds 1.5 MiB each.
pub(super) const MAX_BODY: usize = 7 * 1024 * 1024;
/// A body over this size, in bytes, takes one of a few places, so that memory stays bounded.
const LARGE_BODY: usize = 512 * 1024;

/// How many such places there are.
const LARGE: usize = 8;

/// Requests in flight. Over the limit the answer is `429`, and the failurePolicy decides.
#[derive(Clone, Debug)]
pub struct Limits {
    requests: Places,
    large: Places,
}

impl Default for Limits {
    fn default() -> Self {
        Self::of(Self::IN_FLIGHT)
    }
}

/// A place among the requests in flight, given back when dropped.
pub(super) struct Place<'l> {
    _request: Taken<&'l AtomicUsize>,
    /// Held by whoever judges a large body, for as long as that takes.
    pub(super) large: Option<Taken<Arc<AtomicUsize>>>,
}

/// There is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

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
            requests: Places::new(requests),
            large: Places::new(large),
        }
    }

    /// Takes a place for a body of this length (`None`: the client did not say), without waiting.
    pub(super) fn enter(&self, length: Option<usize>) -> Result<Place<'_>, Full> {
        let is_large = length.is_none_or(|length| length > LARGE_BODY);
        Ok(Place {
            _request: Taken::of(&*self.requests.taken, self.requests.most)?,
            large: is_large
                .then(|| Taken::of(self.large.taken.clone(), self.large.most))
                .transpose()?,
        })
    }
}

/// A number of places. Nobody waits for one, so a count will do where a semaphore would take a lock for each request.
#[derive(Clone, Debug)]
struct Places {
    taken: Arc<AtomicUsize>,
    most: usize,
}

impl Places {
    fn new(most: usize) -> Self {
        Self {
            taken: Arc::default(),
            most,
        }
    }
}

/// One place, given back when dropped.
pub(super) struct Taken<T: Deref<Target = AtomicUsize>>(T);

impl<T: Deref<Target = AtomicUsize>> Taken<T> {
    fn of(places: T, most: usize) -> Result<Self, Full> {
        let taken = Self(places);
        let before = taken.0.fetch_add(1, Ordering::Relaxed);
        if before < most { Ok(taken) } else { Err(Full) }
    }
}

impl<T: Deref<Target = AtomicUsize>> Drop for Taken<T> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
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
