//! Every boot source as it is.

use jiff::Timestamp;

use crate::cluster::{
    BootSource, ClusterView, Comeback, Expected, GoldenNamespace, Known, SourceVolume, Standing,
    Updates,
};

use super::Census;

/// A boot source with all that is to be said of it today.
#[derive(Clone, Debug)]
pub struct Spot<'v> {
    /// Its place in [`Census::sources`].
    pub index: usize,
    /// The boot source.
    pub source: BootSource<'v>,
    /// The class on which it would be imported today.
    pub expected: Expected<'v>,
    /// Whether it is there. What was uploaded is judged alike: it is where somebody put it, and on the wrong class all
    /// the same.
    pub standing: Standing,
    /// Who brings it there, if it is not.
    pub comeback: Option<Comeback>,
    /// Whether newer images are imported.
    pub updates: Updates<'v>,
    /// Older imports on another class than the expected one, oldest first.
    pub left_behind: Vec<SourceVolume<'v>>,
}

/// Every boot source.
#[derive(Debug)]
pub struct Shelf<'v> {
    /// By namespace and name.
    pub spots: Vec<Spot<'v>>,
    /// The namespace of the images that no template of their own places.
    pub golden: Known<GoldenNamespace<'v>>,
}

impl<'v> Shelf<'v> {
    /// What a census has found, as it is today.
    pub fn of(view: &'v ClusterView, census: &Census<'v>) -> Self {
        let defaults = view.default_classes();
        let sources = census.sources().iter().enumerate();
        let spots = sources.map(|(index, source)| {
            let expected = source.expected(defaults);
            let standing = source.standing(defaults);
            let mut left_behind = source.older_imports();
            left_behind.retain(|volume| {
                let class = volume.class.name();
                matches!((class, expected.name()), (Some(own), Some(wanted)) if own != wanted)
            });
            Spot {
                index,
                source: *source,
                expected,
                standing,
                comeback: standing.is_stale().then(|| source.comeback(defaults)),
                updates: source.updates(),
                left_behind,
            }
        });
        Self {
            spots: spots.collect(),
            golden: view.golden_namespace(None),
        }
    }

    /// How many images are on the wrong class. An image for one architecture counts, the name that points at it does not.
    pub fn stale(&self) -> usize {
        let spots = self.spots.iter();
        spots
            .filter(|spot| spot.source.pointer.is_none() && spot.standing.is_stale())
            .count()
    }
}

/// How long ago a time (RFC 3339) was, in its largest unit: `45s`, `12m`, `6h`, `41d`. `None` if it is none; `0s` if it is
/// yet to come.
pub fn age(now: Timestamp, time: &str) -> Option<String> {
    let time: Timestamp = time.parse().ok()?;
    let seconds = now.as_second().saturating_sub(time.as_second()).max(0);
    Some(match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7_199 => format!("{}m", seconds / 60),
        7_200..=172_799 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    })
}

/// A schedule of cron(8) in few words, where it has some: `every 12h`, else as it is.
pub fn every(schedule: &str) -> String {
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    let is_number = |text: &str| text.parse::<u8>().is_ok();
    match fields[..] {
        [minute, "*", "*", "*", "*"] if is_number(minute) => "every 1h".to_owned(),
        [minute, hours, "*", "*", "*"] if is_number(minute) => match hours.strip_prefix("*/") {
            Some(step) if is_number(step) => format!("every {step}h"),
            None if is_number(hours) => "every 24h".to_owned(),
            _ => schedule.to_owned(),
        },
        _ => schedule.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_one_unit() {
        let now: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        let table = [
            ("2026-11-25T11:59:15Z", Some("45s")),
            ("2026-11-25T11:48:00Z", Some("12m")),
            ("2026-11-25T06:00:00Z", Some("6h")),
            ("2026-10-15T12:00:00Z", Some("41d")),
            ("2026-11-26T12:00:00Z", Some("0s")),
            ("yesterday", None),
        ];
        for (time, expected) in table {
            assert_eq!(age(now, time).as_deref(), expected, "{time}");
        }
    }

    #[test]
    fn schedules_read_as_people_say_them() {
        let table = [
            ("0 */12 * * *", "every 12h"),
            ("33 4 * * *", "every 24h"),
            ("7 * * * *", "every 1h"),
            ("0 0 * * 1", "0 0 * * 1"),
            ("@daily", "@daily"),
        ];
        for (schedule, expected) in table {
            assert_eq!(every(schedule), expected);
        }
    }
}
