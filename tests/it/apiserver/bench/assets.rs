//! Where kube-apiserver, etcd and kubectl come from.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PROGRAMS: [&str; 3] = ["kube-apiserver", "etcd", "kubectl"];

/// The folder that holds the three programs, built if need be. `None`, said aloud, where they can't be had.
pub(super) fn control_plane() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("KUBEBUILDER_ASSETS") {
        let folder = std::path::absolute(folder).unwrap();
        for name in PROGRAMS {
            let there = folder.join(name).is_file();
            let folder = folder.display();
            assert!(there, "KUBEBUILDER_ASSETS is {folder}: no {name} there");
        }
        return Some(folder);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/control-plane/build");
    // Its progress goes to the terminal as it is: the first time it takes minutes.
    let built = Command::new(script)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    if built.status.success() {
        let folder = String::from_utf8(built.stdout).unwrap();
        return Some(PathBuf::from(folder.trim_end()));
    }
    let go = Command::new("go").arg("version").output();
    assert!(
        go.is_err(),
        "the control plane could not be built: see above"
    );
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(
        !in_ci,
        "no Go and no KUBEBUILDER_ASSETS: with CI=true the tests against a real API server may not be left out"
    );
    loud("skipped: the tests against a real API server need Go or KUBEBUILDER_ASSETS");
    None
}

/// Says something that the test runner does not hold back.
pub(in super::super) fn loud(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
