//! SARIF 2.1.0, as GitHub's code scanning reads it
//! (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>).

use std::fmt::Write;

use serde_json::{Value, json};

use super::Remark;

/// What a rule id in remarks means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleText {
    /// The id, as in [`Remark::rule`].
    pub id: String,
    /// One sentence.
    pub summary: String,
    /// The manual as Markdown; may be empty.
    pub manual: String,
}

/// A SARIF log with one run. `rules` are the rules that could have made remarks, whether or not they did; the order of
/// remarks stays.
pub fn sarif(rules: &[RuleText], remarks: &[Remark]) -> Value {
    let results: Vec<Value> = remarks.iter().map(|remark| result(rules, remark)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "goldkeeper",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(descriptor).collect::<Vec<_>>(),
            }},
            // Our columns count characters, not UTF-16 code units.
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn descriptor(rule: &RuleText) -> Value {
    let manual = if rule.manual.is_empty() {
        &rule.summary
    } else {
        &rule.manual
    };
    json!({
        "id": rule.id,
        "name": rule.id,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.summary},
        "help": {"text": manual, "markdown": manual},
    })
}

/// One result of a log, for logs that are written piece by piece.
pub fn result(rules: &[RuleText], remark: &Remark) -> Value {
    let mut location = json!({"artifactLocation": {"uri": uri(&remark.file)}});
    if let (Some(location), Some(region)) = (location.as_object_mut(), region(remark)) {
        location.insert("region".to_owned(), region);
    }
    let mut result = json!({
        "ruleId": remark.rule,
        "level": remark.level.as_str(),
        "message": {"text": remark.text()},
        "locations": [{"physicalLocation": location}],
    });
    let index = rules.iter().position(|rule| rule.id == remark.rule);
    if let (Some(result), Some(index)) = (result.as_object_mut(), index) {
        result.insert("ruleIndex".to_owned(), json!(index));
    }
    result
}

/// GitHub shows a result without a region nowhere, so a fault of the file as a whole is shown at its first line.
fn region(remark: &Remark) -> Option<Value> {
    let mut region = json!({"startLine": remark.line.max(1)});
    let fields = region.as_object_mut()?;
    if remark.column > 0 {
        fields.insert("startColumn".to_owned(), json!(remark.column));
    }
    if let Some(end) = remark.end_column.filter(|end| *end > remark.column) {
        fields.insert("endColumn".to_owned(), json!(end));
    }
    Some(region)
}

/// A path as a URI reference (RFC 3986): relative to where the command ran unless it is absolute, forward slashes.
fn uri(path: &str) -> String {
    let path = path.replace('\\', "/");
    let path = path.trim_start_matches("./");
    let mut uri = String::with_capacity(path.len() + 8);
    if path.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in path.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte);
        if plain {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::super::remark::tests::remark;
    use super::*;

    #[test]
    fn a_log_has_what_code_scanning_needs() {
        let rule = RuleText {
            id: "ProtectedNamespaces".to_owned(),
            summary: "refuses".to_owned(),
            manual: String::new(),
        };
        let whole = Remark {
            line: 0,
            column: 0,
            end_column: None,
            rule: "unheard-of".to_owned(),
            ..remark()
        };
        let log = sarif(&[rule], &[remark(), whole]);
        let run = &log["runs"][0];
        assert_eq!(log["version"], "2.1.0");
        assert_eq!(
            run["tool"]["driver"]["rules"][0]["id"],
            "ProtectedNamespaces"
        );
        let first = &run["results"][0];
        assert_eq!(
            (&first["ruleIndex"], &first["level"]),
            (&json!(0), &json!("error"))
        );
        let place = &first["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "policies/a,%20b.yaml");
        assert_eq!(
            place["region"],
            json!({"startLine": 5, "startColumn": 3, "endColumn": 9})
        );
        let second = &run["results"][1];
        assert_eq!(second.get("ruleIndex"), None);
        assert_eq!(
            second["locations"][0]["physicalLocation"]["region"],
            json!({"startLine": 1})
        );
    }

    #[test]
    fn paths_become_uris() {
        for (path, expected) in [
            ("policies/a.yaml", "policies/a.yaml"),
            ("./a b.yaml", "a%20b.yaml"),
            ("policies\\a.yaml", "policies/a.yaml"),
            ("/etc/p#1.yaml", "file:///etc/p%231.yaml"),
            ("ü:x.yaml", "%C3%BC%3Ax.yaml"),
        ] {
            assert_eq!(uri(path), expected);
        }
    }
}
