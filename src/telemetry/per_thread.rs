//! A value for each thread, so that threads that count do not wait for one another's cache lines.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How many values there are; more threads share them.
const VALUES: usize = 16;

/// The number that the next thread gets.
static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
}

/// One value for each of a number of threads.
#[derive(Debug)]
pub(super) struct PerThread<T>(Vec<Apart<T>>);

/// In cache lines of its own: two, as processors fetch them in pairs.
#[derive(Debug)]
#[repr(align(128))]
struct Apart<T>(T);

impl<T> PerThread<T> {
    /// Makes the values.
    pub(super) fn of(make: impl Fn() -> T) -> Self {
        Self((0..VALUES).map(|_| Apart(make())).collect())
    }

    /// The value of this thread.
    pub(super) fn own(&self) -> Option<&T> {
        let number = NUMBER.with(|number| *number);
        self.0.get(number % VALUES).map(|apart| &apart.0)
    }

    /// All values.
    pub(super) fn all(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|apart| &apart.0)
    }
}

impl<T: Default> Default for PerThread<T> {
    fn default() -> Self {
        Self::of(T::default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_between_threads() {
        let counts = PerThread::<AtomicUsize>::default();
        std::thread::scope(|scope| {
            for _ in 0..3 * VALUES {
                scope.spawn(|| counts.own().unwrap().fetch_add(1, Ordering::Relaxed));
            }
        });
        let all = counts.all().map(|count| count.load(Ordering::Relaxed));
        assert_eq!(all.sum::<usize>(), 3 * VALUES);
    }
}
