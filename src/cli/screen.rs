//! Standard output. Whoever reads it may leave before the end, as `head` does: what was asked for is done all the same, and
//! the exit code is that of the whole.

use std::io::{ErrorKind, Result, StdoutLock, Write};

/// Standard output, for what is written piece by piece.
pub(super) struct Screen(StdoutLock<'static>);

impl Screen {
    /// Standard output, for nobody else as long as this is held.
    pub(super) fn locked() -> Self {
        Self(std::io::stdout().lock())
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        unless_left(self.0.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        unless_left(self.0.flush(), ())
    }
}

/// What was done, or would have been if anybody still read.
fn unless_left<T>(done: Result<T>, otherwise: T) -> Result<T> {
    match done {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(otherwise),
        done => done,
    }
}

/// A text in a colour (SGR code, as `31` for red), and the colour before it again.
pub(super) fn painted(code: &str, text: &str) -> String {
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

/// Prints in one piece.
///
/// # Errors
/// What keeps it from being written, a full disk for example; that nobody reads is none.
pub(super) fn print(text: &str) -> Result<()> {
    let mut screen = Screen::locked();
    screen.write_all(text.as_bytes())?;
    screen.flush()
}
