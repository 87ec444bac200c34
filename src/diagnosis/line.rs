//! One line of a diagnosis.

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Ok,
    /// Could not be looked at.
    Skipped,
    /// Works, but somebody will be surprised.
    Warning,
    /// Does not work as it should.
    Failed,
}

impl Level {
    /// The word on the screen and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
            Self::Failed => "FAILED",
        }
    }
}

/// What a check says: one sentence, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How it stands.
    pub level: Level,
    /// What was looked at, in one word.
    pub topic: &'static str,
    /// One sentence on one line, without a full stop.
    pub sentence: String,
    /// What to do: commands to copy, or a sentence.
    pub cures: Vec<String>,
}

impl Line {
    /// A line of a level.
    pub fn new(level: Level, topic: &'static str, sentence: impl Into<String>) -> Self {
        // Reasons and messages come from elsewhere: nothing of them may move the cursor or begin a line.
        let sentence = sentence.into().replace(char::is_control, " ");
        Self {
            level,
            topic,
            sentence,
            cures: Vec::new(),
        }
    }

    pub(super) fn ok(topic: &'static str, sentence: impl Into<String>) -> Self {
        Self::new(Level::Ok, topic, sentence)
    }

    pub(super) fn warning(topic: &'static str, sentence: impl Into<String>) -> Self {
        Self::new(Level::Warning, topic, sentence)
    }

    pub(super) fn failed(topic: &'static str, sentence: impl Into<String>) -> Self {
        Self::new(Level::Failed, topic, sentence)
    }

    pub(super) fn skipped(topic: &'static str, reason: impl AsRef<str>) -> Self {
        Self::new(
            Level::Skipped,
            topic,
            format!("not looked at: {}", reason.as_ref()),
        )
    }

    /// The same with something to do.
    #[must_use]
    pub(super) fn cure(mut self, cure: impl Into<String>) -> Self {
        self.cures.push(cure.into());
        self
    }
}

/// What a check says; the error is what it says where it could not go on.
pub(super) type Lines = Result<Vec<Line>, Vec<Line>>;

/// The first few of many names, and how many more there are.
pub(super) fn some(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>();
    match names.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!("{} and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}
