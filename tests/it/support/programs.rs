//! Programs that a script of the repository builds from Go modules.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a script prints: where it put what it built. `None`, said aloud, where there is no Go to build with; with
/// `CI=true` that is a failure, so that nothing is left out unseen.
pub(crate) fn built(script: &str, left_out: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    // Its progress goes to the terminal as it is: the first time it takes minutes.
    let built = Command::new(path)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    if built.status.success() {
        let printed = String::from_utf8(built.stdout).unwrap();
        return Some(PathBuf::from(printed.trim_end()));
    }
    let go = Command::new("go").arg("version").output();
    assert!(go.is_err(), "{script} failed: see above");
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(
        !in_ci,
        "with CI=true nothing may be left out, but there is no Go: {left_out}"
    );
    loud(&format!("skipped: {left_out}"));
    None
}

/// Says something that the test runner does not hold back.
pub(crate) fn loud(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
