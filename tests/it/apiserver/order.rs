//! Ours comes before CDI's and KubeVirt's: they have to see the namespace.

use serde_json::Value;

use super::bench::{Bench, DEFAULT, LONG, Webhooks, bench, until};
use super::objects::{data_volume, names_of, path_of, vm};
use super::stand_in::StandIn;

#[test]
fn cdi_and_kubevirt_see_the_namespace_unless_ours_sorts_last() {
    let Some(mut bench) = bench() else { return };
    let other = StandIn::start(&bench, None);
    let registrations = [
        (
            "cdi-api-datavolume-mutate",
            "cdi.kubevirt.io",
            "datavolumes",
        ),
        ("virt-api-mutator", "kubevirt.io", "virtualmachines"),
    ]
    .map(|(name, group, resource)| other.registration(name, group, resource));
    for registration in &registrations {
        bench.client.create(registration).object();
    }
    let objects = [
        ("/cdi-api-datavolume-mutate", data_volume("demo", "seen")),
        ("/virt-api-mutator", vm("demo", "seen")),
    ];
    // What the other webhook is shown of an object, and what becomes of it.
    let send = |bench: &Bench, path: &str, object: &Value| {
        other.forget();
        let stored = names_of(&bench.client.dry_run(object).object()).remove(0);
        let seen = other.shown(path).map(|object| names_of(&object));
        (seen.map(|mut names| names.remove(0)), stored)
    };
    let golden = || Some(DEFAULT.to_owned());
    for (path, object) in &objects {
        until("the stand-in is called", LONG, || {
            send(&bench, path, object).0.is_some()
        });
        for _ in 0..5 {
            assert_eq!(send(&bench, path, object), (Some(golden()), golden()));
        }
        eprintln!("{path} saw {DEFAULT}");
    }
    bench.register(Webhooks::OursLast);
    for (path, object) in &objects {
        until("the stand-in comes first", LONG, || {
            send(&bench, path, object).0 == Some(None)
        });
        for _ in 0..5 {
            assert_eq!(send(&bench, path, object), (Some(None), golden()));
        }
        eprintln!("{path} saw no namespace, with ours named to sort last");
    }
    for registration in &registrations {
        bench.client.delete(&path_of(registration, true)).object();
    }
}
