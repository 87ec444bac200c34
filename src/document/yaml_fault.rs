//! What the YAML reader complains of, in words that help at three in the morning.

use serde_saphyr::Error;
use serde_saphyr::budget::BudgetBreach;

use super::node::{MAX_DEPTH, MAX_REPLAYED};

/// What is wrong, and what to do about it.
pub(super) fn describe(error: &Error) -> (String, String) {
    let told = |message: &str, help: &str| (message.to_owned(), help.to_owned());
    match error.without_snippet() {
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => bomb(),
        Error::Budget { breach, .. } => breached(breach),
        Error::MergeKeyNotAllowed { .. } => told(
            "merge keys (<<) are not allowed",
            "write the fields out; a plain alias (field: *name) is allowed",
        ),
        Error::UnknownAnchor { .. } => told(
            "this alias names no anchor",
            "write &name before the value that *name stands for, earlier in the same document; \
             a text that starts with * has to be in quotes",
        ),
        Error::ContainerEndMismatch { .. } => told(
            "a bracket that fits no other",
            "close every [ with ] and every { with }",
        ),
        other => {
            let text = other.to_string();
            // The same limits, met inside an alias.
            if text.contains("alias") && text.contains("exceeded") {
                return bomb();
            }
            parser(&text)
        }
    }
}

fn bomb() -> (String, String) {
    (
        format!("the aliases (*name) stand for more than {MAX_REPLAYED} values"),
        "write the few values that are needed where they are needed".to_owned(),
    )
}

fn breached(breach: &BudgetBreach) -> (String, String) {
    match breach {
        BudgetBreach::Depth { .. } => (
            format!("nested deeper than {MAX_DEPTH} levels"),
            "a policy nests less than ten levels; look for brackets that are not closed".to_owned(),
        ),
        BudgetBreach::ScalarBytes { .. } => (
            "the aliases (*name) stand for too much text".to_owned(),
            "write the few values that are needed where they are needed".to_owned(),
        ),
        _ => (
            "there is more in it than a policy file may hold".to_owned(),
            "split it into several files; use few aliases (*name)".to_owned(),
        ),
    }
}

/// Complaints of the parser come as text, with the place at the end.
fn parser(text: &str) -> (String, String) {
    let line = text.lines().next().unwrap_or_default();
    let message = line.split(" at line ").next().unwrap_or_default();
    // What the text of the complaint holds, and the cure.
    let cures = [
        (
            "tab",
            "replace the tab by spaces; YAML is indented with spaces only",
        ),
        (
            "quot",
            "close the quotes: every \" and every ' needs its twin",
        ),
        (
            "flow",
            "close every [ with ] and every { with }, and put commas between what is in them",
        ),
        (
            "alias",
            "put a text that starts with * into quotes: \"*-system\"",
        ),
        (
            "mapping values",
            "put a text with `: ` in it into quotes, and look at the indentation of this line",
        ),
        (
            "':'",
            "look at this line and the one before: a bracket that is not closed, or a text with `: ` in it that \
             needs quotes",
        ),
        (
            "key",
            "write `name: value`, with a blank after the colon and in line with the fields around it",
        ),
    ];
    let cure = cures.iter().find(|(word, _)| message.contains(word));
    let cure = cure.map_or(
        "look at this line and the one before: brackets and quotes that are not closed, a missing colon, or wrong \
         indentation",
        |(_, cure)| cure,
    );
    (message.to_owned(), cure.to_owned())
}
