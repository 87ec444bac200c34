//! The setting is changed: the next virtual machine follows.

use std::time::Duration;

use serde_json::{Value, json};

use super::bench::{Bench, CUSTOM, DEFAULT, LONG, Version, bench, until};

/// How soon the next virtual machine has to follow.
const SOON: Duration = Duration::from_secs(1);

#[test]
fn the_next_vm_follows_the_setting() {
    let Some(bench) = bench() else { return };
    follow(&bench, "v1");
}

/// As it was before HyperConverged had a v1. goldkeeper goes on running while the CRD goes and comes back.
#[test]
fn the_next_vm_follows_the_setting_of_v1beta1() {
    let Some(mut bench) = bench() else { return };
    for (version, name) in [(Version::V1beta1, "v1beta1"), (Version::V1, "v1 again")] {
        bench.install_hyper_converged(version);
        bench.set_golden_namespace(&json!(CUSTOM));
        let taken_up = until("the new CRD is taken up", LONG, || {
            bench.filled_now().as_deref() == Some(CUSTOM)
        });
        eprintln!("{name}: taken up {taken_up:.1?} after the CRD was there");
        bench.set_golden_namespace(&Value::Null);
        until("it is the default again", SOON, || {
            bench.filled_now().as_deref() == Some(DEFAULT)
        });
        follow(&bench, name);
    }
}

fn follow(bench: &Bench, version: &str) {
    assert_eq!(bench.filled_now().as_deref(), Some(DEFAULT));
    let settings = [
        (json!(CUSTOM), CUSTOM),
        (Value::Null, DEFAULT),
        (json!("somewhere-else"), "somewhere-else"),
        (json!(CUSTOM), CUSTOM),
        (json!(""), DEFAULT),
    ];
    for (setting, expected) in settings {
        bench.set_golden_namespace(&setting);
        let took = until("the next virtual machine follows", SOON, || {
            bench.filled_now().as_deref() == Some(expected)
        });
        eprintln!("{version}: commonBootImageNamespace {setting} -> {expected} after {took:.1?}");
    }
}
