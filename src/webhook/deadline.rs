//! How long an answer may take.

use std::time::Duration;

/// Never longer than this, whatever the API server would wait for.
const LONGEST: Duration = Duration::from_secs(2);

/// The time for an answer: what the API server waits (`?timeout=`, whole seconds) less a fifth for the way, and at most
/// two seconds. Without a timeout, or with one that can't be read, two seconds.
pub(super) fn from_query(query: Option<&str>) -> Duration {
    let parameters = query.unwrap_or_default().split('&');
    let timeout = parameters
        .filter_map(|parameter| parameter.strip_prefix("timeout="))
        .find_map(seconds);
    timeout.map_or(LONGEST, |timeout| timeout.mul_f64(0.8).min(LONGEST))
}

/// A duration in Go's spelling, as the API server writes it: `10s`, `1m30s`.
fn seconds(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at_checked(end)?;
        let number: u32 = number.parse().ok()?;
        let (unit, tail) = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)]
            .into_iter()
            .find_map(|(unit, millis)| {
                Some((Duration::from_millis(millis), tail.strip_prefix(unit)?))
            })?;
        total = total.checked_add(unit.checked_mul(number)?)?;
        rest = tail;
    }
    (!total.is_zero()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_is_kept_for_the_way() {
        let table = [
            (Some("timeout=2s"), 1600),
            (Some("timeout=1s"), 800),
            (Some("a=b&timeout=1s"), 800),
            (Some("timeout=10s"), 2000),
            (Some("timeout=1m30s"), 2000),
            (Some("timeout=500ms"), 400),
            (Some("timeout=0s"), 2000),
            (Some("timeout=x"), 2000),
            (Some("timeout="), 2000),
            (Some("timeout=-1s"), 2000),
            (Some("timeout=99999999999999h"), 2000),
            (None, 2000),
        ];
        for (query, expected) in table {
            assert_eq!(
                from_query(query),
                Duration::from_millis(expected),
                "{query:?}"
            );
        }
    }
}
