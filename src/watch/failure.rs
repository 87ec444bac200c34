//! Why the API server could not be asked, in one line.

use std::error::Error as _;
use std::sync::Arc;

/// Longest reason that is kept.
const LONGEST: usize = 240;

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// For people: one line, no secrets.
    pub(super) reason: Arc<str>,
    /// Whether the position in a watch is of no use any more, so that the next thing to do is a list.
    pub(super) needs_list: bool,
}

impl Failure {
    /// Nothing came in time.
    pub(super) fn late() -> Self {
        Self {
            reason: "the API server did not answer in time".into(),
            needs_list: false,
        }
    }

    /// A watch ended at once, or went silent.
    pub(super) fn ended() -> Self {
        Self {
            reason: "the watch ended before its time".into(),
            needs_list: false,
        }
    }
}

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        let needs_list = match &error {
            // 410: the position is too old. 404: the kind is gone, or in the making.
            kube::Error::Api(status) => matches!(status.code, 404 | 410),
            kube::Error::SerdeError(_) => true,
            _ => false,
        };
        Self {
            reason: describe(&error),
            needs_list,
        }
    }
}

/// The error and its causes in one line. What a credential helper printed is not repeated.
pub(super) fn describe(error: &kube::Error) -> Arc<str> {
    let text = match error {
        kube::Error::Api(status) => {
            format!("{} {}: {}", status.code, status.reason, status.message)
        }
        kube::Error::Auth(_) => "no credentials for the API server could be obtained".to_owned(),
        _ => {
            let mut text = error.to_string();
            let mut cause = error.source();
            while let Some(inner) = cause {
                let more = inner.to_string();
                if !text.contains(&more) {
                    text = format!("{text}: {more}");
                }
                cause = inner.source();
            }
            text
        }
    };
    one_line(&text).into()
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// Whether the answer was that there is no such thing: an object, or (without `details`) a kind.
pub(super) fn is_not_found(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

/// Whether it was the object that is not there, and not the kind: the API server then names it.
pub(super) fn is_object_not_found(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404
        && status.details.as_ref().is_some_and(|details| !details.name.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    #[test]
    fn reasons_are_one_short_line() {
        let status = Status::failure("first\n  second\u{7}", "Forbidden").with_code(403);
        let failure = Failure::from(kube::Error::Api(status.boxed()));
        assert_eq!(&*failure.reason, "403 Forbidden: first second");
        assert!(!failure.needs_list);
        assert!(one_line(&"é".repeat(1000)).chars().count() < LONGEST + 4);
    }

    #[test]
    fn a_position_that_is_too_old_needs_a_list() {
        let gone = Status::failure("too old", "Expired").with_code(410);
        assert!(Failure::from(kube::Error::Api(gone.boxed())).needs_list);
    }
}
