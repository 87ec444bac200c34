//! A boot source of the user's own comes or goes, and the virtual machine with it: no watch is that fast, the answer is
//! right all the same.

use super::bench::{DEFAULT, RUNTIME, bench};
use super::objects::{data_source, names_of, path_of, vm};

const ROUNDS: usize = 200;

#[test]
fn a_boot_source_that_came_or_went_a_moment_ago_counts() {
    let Some(bench) = bench() else { return };
    let namespace = bench.namespace("a-moment-ago");
    let source = data_source(namespace);
    let path = path_of(&source, true);
    let make = |name: String| {
        let answer = bench.client.create(&vm(namespace, &name));
        assert_eq!(answer.warnings, [""; 0], "{name}");
        names_of(&answer.object()).remove(0)
    };
    let golden = || Some(DEFAULT.to_owned());
    let started = std::time::Instant::now();
    for round in 0..ROUNDS {
        let first = make(format!("first-{round}"));
        bench.client.create(&source).object();
        let after = make(format!("after-{round}"));
        bench.client.delete(&path).object();
        let gone = make(format!("gone-{round}"));
        assert_eq!((first, after, gone), (golden(), None, golden()), "{round}");
    }
    let took = started.elapsed();
    eprintln!(
        "{ROUNDS} rounds, each: VM, DataSource, VM, no DataSource, VM: all right, {took:.1?}"
    );
}

/// Both at once: either may come first, but it is one of the two, and the virtual machine is never refused.
#[test]
fn a_boot_source_and_its_vm_may_race() {
    let Some(bench) = bench() else { return };
    let namespace = bench.namespace("race");
    let source = data_source(namespace);
    let client = &bench.client;
    let mut own = 0;
    for round in 0..ROUNDS {
        let machine = vm(namespace, &format!("race-{round}"));
        let post = |object| {
            let path = path_of(object, false);
            async move { client.send("POST", &path, Some(object)).await.unwrap() }
        };
        let (made, machine) =
            RUNTIME.block_on(async { tokio::join!(post(&source), post(&machine)) });
        made.object();
        match names_of(&machine.object()).remove(0).as_deref() {
            Some(DEFAULT) => {}
            None => own += 1,
            other => panic!("{other:?}"),
        }
        client.delete(&path_of(&source, true)).object();
    }
    eprintln!(
        "{ROUNDS} races: {own} found the DataSource, {} came first",
        ROUNDS - own
    );
}
