//! Words that commands share.

use std::fmt::Display;

/// Bytes as people say them, in whole units: `30 GiB`. Rounded up: what is asked for must fit.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["GiB", "MiB", "KiB", "B"];
    for (unit, shift) in UNITS.into_iter().zip([30, 20, 10, 0]) {
        if bytes >> shift > 0 || shift == 0 {
            let one = 1_u64 << shift;
            return format!("{} {unit}", bytes.div_ceil(one));
        }
    }
    String::new()
}

/// Names in a sentence: `a`, `a and b`, `a, b and c`.
pub(super) fn joined(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A number and its noun: `1 disk`, `2 disks`.
pub(super) fn counted<N: Copy + Display + From<u8> + PartialEq>(count: N, noun: &str) -> String {
    let s = if count == N::from(1) { "" } else { "s" };
    format!("{count} {noun}{s}")
}

/// The same for policies.
pub(super) fn policies(count: usize) -> String {
    match count {
        1 => "1 policy".to_owned(),
        some => format!("{some} policies"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_up() {
        assert_eq!(bytes(30 << 30), "30 GiB");
        assert_eq!(bytes((30 << 30) + 1), "31 GiB");
        assert_eq!(bytes(512 << 20), "512 MiB");
        assert_eq!(bytes(0), "0 B");
    }

    #[test]
    fn names_are_joined() {
        assert_eq!(joined(&["a"]), "a");
        assert_eq!(joined(&["a", "b", "c"]), "a, b and c");
        assert_eq!(counted(1_u64, "disk"), "1 disk");
        assert_eq!(counted(0_usize, "disk"), "0 disks");
    }
}
