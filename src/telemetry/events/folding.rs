//! Repeats of one refusal are one Event with a count, and there are never many of either.
//!
//! The first refusal of something is written at once. Its repeats are counted, and the count is written after 5 s, then
//! after twice as long each time, up to 5 min. New Events are limited over all of a replica: 25 at once, then one each
//! 10 s. client-go's `EventCorrelator` limits by source and object instead (25 at once, then one each 5 min), which bounds
//! nothing where each refusal has a new object.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{Denial, Refused};

/// New Events at once.
const BURST: u32 = 25;
/// Time until there may be one more.
const REFILL: Duration = Duration::from_secs(10);
/// Time until the first repeats are written, and the longest until further ones are. Well within the hour after which the
/// API server forgets an Event that is not written to.
const PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// What is not refused again for so long is new when it is.
const FORGET: Duration = Duration::from_mins(10);
/// The most refusals that are remembered.
const MOST: usize = 256;

/// What is refused again and again.
#[derive(Debug)]
pub struct Folding {
    series: BTreeMap<Refused, Series>,
    tokens: u32,
    refilled: Instant,
}

/// Refusals of the same.
#[derive(Debug)]
struct Series {
    note: String,
    first: Timestamp,
    last: Timestamp,
    count: u32,
    /// How many of them were written, or tried to be.
    told: u32,
    /// Whether the API server has an Event of it.
    exists: bool,
    heard: Instant,
    next: Instant,
    pause: Duration,
}

/// What is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// What was refused.
    pub refused: Refused,
    /// One line for people.
    pub note: String,
    /// When it was refused first; with the namespace it is the name of the Event.
    pub first: Timestamp,
    /// When it was refused last.
    pub last: Timestamp,
    /// How often it was refused so far.
    pub count: u32,
    /// Whether there is an Event of it already, which is told the new count.
    pub exists: bool,
}

impl Folding {
    /// Nothing yet.
    pub const fn new(now: Instant) -> Self {
        Self {
            series: BTreeMap::new(),
            tokens: BURST,
            refilled: now,
        }
    }

    /// Takes a refusal up. `false` if there are too many: it is in no Event then.
    pub fn take(&mut self, denial: Denial, now: Instant) -> bool {
        let Denial { refused, note, at } = denial;
        if let Some(series) = self.series.get_mut(&refused)
            && !series.is_over(now)
        {
            series.count = series.count.saturating_add(1);
            series.last = at;
            series.heard = now;
            return true;
        }
        self.series.retain(|_, series| !series.is_over(now));
        if self.series.len() >= MOST || !self.take_token(now) {
            return false;
        }
        let series = Series {
            note,
            first: at,
            last: at,
            count: 1,
            told: 0,
            exists: false,
            heard: now,
            next: now,
            pause: PAUSE,
        };
        self.series.insert(refused, series);
        true
    }

    fn take_token(&mut self, now: Instant) -> bool {
        while self.tokens < BURST && now.duration_since(self.refilled) >= REFILL {
            self.tokens += 1;
            self.refilled += REFILL;
        }
        if self.tokens == BURST {
            self.refilled = now;
        }
        let left = self.tokens.checked_sub(1);
        self.tokens = left.unwrap_or_default();
        left.is_some()
    }

    /// When there is something to be written next, if nothing more is refused.
    pub fn next(&self) -> Option<Instant> {
        let waiting = self.series.values().filter(|series| series.is_untold());
        waiting.map(|series| series.next).min()
    }

    /// Something that is to be written now, whether that works or not: it is handed out once. What was refused is put in
    /// with [`Self::exists`] afterwards.
    pub fn due(&mut self, now: Instant) -> Option<Write> {
        let mut waiting = self.series.iter_mut();
        let (refused, series) =
            waiting.find(|(_, series)| series.is_untold() && series.next <= now)?;
        series.told = series.count;
        series.next = now + series.pause;
        series.pause = (series.pause * 2).min(LONGEST_PAUSE);
        Some(Write {
            refused: refused.clone(),
            note: series.note.clone(),
            first: series.first,
            last: series.last,
            count: series.count,
            exists: series.exists,
        })
    }

    /// Whether the API server has an Event of it now: what it lacks is created with the next refusal.
    pub fn exists(&mut self, refused: &Refused, exists: bool) {
        if let Some(series) = self.series.get_mut(refused) {
            series.exists = exists;
        }
    }
}

impl Series {
    const fn is_untold(&self) -> bool {
        self.told < self.count
    }

    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.heard) >= FORGET && !self.is_untold()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn denial(name: &str) -> Denial {
        Denial {
            refused: Refused {
                namespace: "openshift-cnv".to_owned(),
                kind: "VirtualMachine".to_owned(),
                name: name.to_owned(),
                rule: "ProtectedNamespaces",
                policy: "p".to_owned(),
            },
            note: "no".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    /// Writes all that is due, and what the API server has got then.
    fn write(folding: &mut Folding, now: Instant) -> Vec<(u32, bool)> {
        let mut written = Vec::new();
        while let Some(write) = folding.due(now) {
            folding.exists(&write.refused, true);
            written.push((write.count, write.exists));
        }
        written
    }

    #[test]
    fn a_controller_that_tries_each_second_makes_one_event_and_few_writes() {
        let start = Instant::now();
        let mut folding = Folding::new(start);
        let mut written = Vec::new();
        for second in 0..3600 {
            let now = start + SECOND * second;
            assert!(folding.take(denial("web"), now));
            written.extend(write(&mut folding, now));
        }
        let created = written.iter().filter(|(_, exists)| !exists).count();
        assert_eq!(created, 1);
        assert_eq!(
            written[..4],
            [(1, false), (6, true), (16, true), (36, true)]
        );
        assert!(written.len() < 20, "{written:?}");
    }

    #[test]
    fn fifty_at_once_are_one_event_with_their_count() {
        let start = Instant::now();
        let mut folding = Folding::new(start);
        assert!(folding.take(denial("web"), start));
        assert_eq!(write(&mut folding, start), [(1, false)]);
        for _ in 0..49 {
            assert!(folding.take(denial("web"), start));
        }
        assert_eq!(write(&mut folding, start), []);
        assert_eq!(folding.next(), Some(start + PAUSE));
        assert_eq!(write(&mut folding, start + PAUSE), [(50, true)]);
        assert_eq!(folding.next(), None);
    }

    #[test]
    fn what_is_refused_again_much_later_is_a_new_event() {
        let start = Instant::now();
        let mut folding = Folding::new(start);
        for now in [start, start + FORGET] {
            assert!(folding.take(denial("web"), now));
            assert_eq!(write(&mut folding, now), [(1, false)]);
        }
    }

    #[test]
    fn what_could_not_be_created_is_tried_with_a_later_refusal() {
        let start = Instant::now();
        let mut folding = Folding::new(start);
        assert!(folding.take(denial("web"), start));
        assert!(folding.due(start).is_some());
        // It failed: nothing is said, and nothing is tried until it is refused again and the pause is over.
        assert_eq!(folding.next(), None);
        assert!(folding.take(denial("web"), start + SECOND));
        assert_eq!(folding.due(start + SECOND), None);
        assert_eq!(write(&mut folding, start + PAUSE), [(2, false)]);
        // The API server has forgotten it.
        folding.exists(&denial("web").refused, false);
        let later = start + PAUSE * 4;
        assert!(folding.take(denial("web"), later));
        assert_eq!(write(&mut folding, later), [(3, false)]);
    }

    #[test]
    fn new_events_are_limited_and_repeats_are_not() {
        let start = Instant::now();
        let mut folding = Folding::new(start);
        let mut take = |name: u32, now| folding.take(denial(&format!("web-{name}")), now);
        let taken = (0..100).filter(|name| take(*name, start)).count();
        assert_eq!(taken, BURST as usize);
        assert!(take(0, start), "a repeat");
        assert!(!take(100, start + SECOND * 9));
        assert!(take(100, start + REFILL));
        assert!(!take(101, start + REFILL));
        let later = start + REFILL * 1000;
        let taken = (200..300).filter(|name| take(*name, later)).count();
        assert_eq!(taken, BURST as usize);
    }

    #[test]
    fn memory_is_bounded() {
        let start = Instant::now();
        let mut folding = Folding::new(start);
        // All are tried again each minute, so that none is forgotten.
        for minute in 0..120 {
            let now = start + SECOND * 60 * minute;
            for name in 0..2 * MOST {
                folding.take(denial(&format!("web-{name}")), now);
            }
            write(&mut folding, now);
        }
        assert_eq!(folding.series.len(), MOST);
        let later = start + SECOND * 60 * 119 + FORGET;
        write(&mut folding, later);
        assert!(folding.take(denial("web"), later));
        assert_eq!(folding.series.len(), 1, "the others are forgotten");
    }
}
