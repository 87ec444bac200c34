//! What a scalar means to Kubernetes: YAML 1.1 as the Go library reads it (`resolve.go` of `go.yaml.in/yaml/v2`, which
//! `sigs.k8s.io/yaml` uses), then JSON.

use serde_json::Number;

use super::Content;

/// A scalar without quotes and without a tag.
pub(super) fn plain(text: &str) -> Content {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Content::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Content::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Content::Bool(false)
        }
        _ => number(text).map_or_else(|| written(text), Content::Number),
    }
}

/// A scalar that is text whatever it looks like.
pub(super) fn written(text: &str) -> Content {
    Content::Text {
        text: text.to_owned(),
        block: false,
    }
}

fn number(text: &str) -> Option<Number> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return None;
    }
    let digits = text.replace('_', "");
    let (sign, rest) = match digits.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, digits.strip_prefix('+').unwrap_or(&digits)),
    };
    let radixes = [("0b", 2), ("0o", 8), ("0x", 16), ("0", 8)];
    let radix = radixes.iter().find_map(|(prefix, radix)| {
        let digits = rest.strip_prefix(prefix)?;
        let number = i128::from_str_radix(digits, *radix).ok()?;
        (!digits.starts_with(['+', '-'])).then_some(number)
    });
    let whole = radix.or_else(|| {
        let plain = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| rest.parse().ok()).flatten()
    });
    if let Some(whole) = whole.and_then(|whole: i128| Number::from_i128(sign * whole)) {
        return Some(whole);
    }
    let is_float = rest
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'))
        && rest.bytes().any(|byte| byte.is_ascii_digit())
        && rest.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let float = is_float.then(|| digits.parse().ok()).flatten();
    float.and_then(Number::from_f64)
}

/// Whether a text without quotes means just itself, in YAML 1.1 and 1.2 and for whoever reads the file.
pub(super) fn is_safe_plain(text: &str) -> bool {
    let letters = text
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    letters && text.starts_with(|c: char| c.is_ascii_lowercase()) && {
        matches!(plain(text), Content::Text { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_mean_what_kubernetes_takes_them_for() {
        let table = [
            ("web", r#""web""#),
            ("yes", "true"),
            ("off", "false"),
            ("~", "null"),
            ("", "null"),
            ("12", "12"),
            ("-0", "0"),
            ("+7", "7"),
            ("0644", "420"),
            ("0o17", "15"),
            ("0x1F", "31"),
            ("0b11", "3"),
            ("08", "8"),
            ("1_000", "1000"),
            ("1.5", "1.5"),
            (".5", "0.5"),
            ("1e3", "1000.0"),
            ("18446744073709551615", "18446744073709551615"),
            ("1.2.3", r#""1.2.3""#),
            ("2026-01-01", r#""2026-01-01""#),
            ("-", r#""-""#),
            (".", r#""."#),
            ("10Gi", r#""10Gi""#),
            ("0x", r#""0x""#),
            ("12:30", r#""12:30""#),
        ];
        for (text, expected) in table {
            let node = super::super::Node {
                place: super::super::Place::default(),
                end: 0,
                shared: false,
                content: plain(text),
            };
            assert!(
                node.to_json().to_string().starts_with(expected),
                "{text}: {}",
                node.to_json()
            );
        }
    }

    #[test]
    fn only_names_that_mean_themselves_go_without_quotes() {
        for text in ["gold-images", "a1", "x"] {
            assert!(is_safe_plain(text), "{text}");
        }
        for text in [
            "", "1", "true", "on", "y", "a b", "a:b", "a#", "-", "Ä", "null",
        ] {
            assert!(!is_safe_plain(text), "{text}");
        }
    }
}
