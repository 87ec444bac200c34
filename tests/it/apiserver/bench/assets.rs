//! Where kube-apiserver, etcd and kubectl come from.

use std::path::PathBuf;

use crate::support::programs;

pub(in super::super) use programs::loud;

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
    programs::built(
        "tests/control-plane/build",
        "the tests against a real API server need Go or KUBEBUILDER_ASSETS",
    )
}
