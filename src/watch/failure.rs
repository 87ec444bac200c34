//! Why the API server could not be asked, in one line.

use std::error::Error as _;
use std::sync::Arc;

/// Longest reason that is kept.
const LONGEST: usize = 240;

/// What a failure makes of the position from which a watch was to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// It is as good as it was.
    Kept,
    /// It is of no use: the next thing to do is a list, at once.
    Expired,
    /// It may be of no use: the next thing to do is a list, in a while.
    Doubtful,
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// For people: one line, no secrets.
    pub(super) reason: Arc<str>,
    /// What becomes of the position.
    pub(super) position: Position,
    /// Whether there is no such thing: a kind in this version, or an object.
    pub(super) absent: bool,
}

impl Failure {
    /// Nothing came in time.
    pub(super) fn late() -> Self {
        Self {
            reason: "the API server did not answer in time".into(),
            position: Position::Kept,
            absent: false,
        }
    }

    /// A watch ended at once, or went silent.
    pub(super) fn ended() -> Self {
        Self {
            reason: "the watch ended before its time".into(),
            position: Position::Kept,
            absent: false,
        }
    }
}

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        let position = match &error {
            // 410: it is too old. 404: the kind is gone, or in the making.
            kube::Error::Api(status) if matches!(status.code, 404 | 410) => Position::Expired,
            kube::Error::SerdeError(_) => Position::Expired,
            // The API server was away, or nobody is there behind what stands before it. It may come back with an etcd
            // restored from a backup, where our position is yet to come; a watch from there is begun without an error,
            // and says nothing until the others have caught up with it (apiserver's
            // `pkg/storage/cacher/cache_watcher.go`, `process`).
            kube::Error::Service(_) | kube::Error::HyperError(_) => Position::Doubtful,
            kube::Error::Api(status) if status.code >= 500 => Position::Doubtful,
            _ => Position::Kept,
        };
        Self {
            reason: describe(&error),
            position,
            absent: is_not_found(&error),
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
        assert_eq!(failure.position, Position::Kept);
        assert!(one_line(&"é".repeat(1000)).chars().count() < LONGEST + 4);
    }

    #[test]
    fn what_becomes_of_the_position() {
        let away = kube::Error::Service("connection refused".into());
        assert_eq!(Failure::from(away).position, Position::Doubtful);
        assert_eq!(Failure::ended().position, Position::Kept);
        for (code, expected) in [
            (403, Position::Kept),
            (404, Position::Expired),
            (410, Position::Expired),
            (429, Position::Kept),
            (500, Position::Doubtful),
            (503, Position::Doubtful),
        ] {
            let status = Status::failure("no", "No").with_code(code);
            let failure = Failure::from(kube::Error::Api(status.boxed()));
            assert_eq!(failure.position, expected, "{code}");
            assert_eq!(failure.absent, code == 404);
        }
    }
}
