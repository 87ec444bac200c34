//! Names as Kubernetes allows them.

/// Whether a name is an RFC 1123 label, as that of a namespace must be (apimachinery's `pkg/util/validation/validation.go`).
pub fn is_dns_label(name: &str) -> bool {
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= 63
        && name.chars().all(|c| sound(c) || c == '-')
        && name.starts_with(sound)
        && name.ends_with(sound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_told_apart() {
        let longest = "a".repeat(63);
        for name in ["gold-images", "a", "0-0", &longest] {
            assert!(is_dns_label(name), "{name}");
        }
        let too_long = "a".repeat(64);
        for name in ["", "Gold", "a_b", "a.b", "-a", "a-", "a b", "ä", &too_long] {
            assert!(!is_dns_label(name), "{name}");
        }
    }
}
