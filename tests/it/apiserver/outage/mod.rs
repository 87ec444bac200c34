//! The API server is killed, watches expire, etcd is emptied, a conversion fails: each under load.
//!
//! What is known goes on being answered from. What needs a look at the live cluster (that there is no `DataSource` of a
//! name in the virtual machine's own namespace, whether a user may clone) can't be confirmed while the API server is
//! away: such a reference is left alone with a warning, and nothing is ever refused for it.
//!
//! With `GOLDKEEPER_LONG=1` the outages are long and there is one more. The figures are printed:
//! `cargo test --test it outage -- --nocapture`.

mod conversion;
mod reviews;

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::bench::{Bench, CUSTOM, LONG, Policies, until, with_own_bench};
use super::objects::{data_source, path_of};
use crate::support::load::is_long;
use reviews::{
    FILLED, FOLLOWED, GONE, LEFT_ALONE, LOST, NAMED, NAMED_RETIRED, NOT_FOUND, REFUSED, Run, THERE,
    TOLD, TOLD_UNSURE, VANISHING, answer_now, unnamed, vanishing,
};

/// What answers are while all is well.
const WELL: &[&str] = &[REFUSED, FILLED, TOLD, NAMED, THERE];
/// What they are once the other setting is known.
const FOLLOWING: &[&str] = &[REFUSED, FOLLOWED, TOLD, NAMED_RETIRED];

/// The kinds whose age is looked at.
const KINDS: [&str; 3] = ["DataSource", "HyperConverged", "Namespace"];

fn the_vanishing_one() -> Value {
    let mut source = data_source(CUSTOM);
    source["metadata"]["name"] = json!(VANISHING);
    source
}

/// As each of these begins: goldkeeper knows of the default, and of what will vanish.
fn prepare(bench: &Bench) {
    bench.set_golden_namespace(&Value::Null);
    bench.put(&the_vanishing_one());
    until("goldkeeper knows the cluster", LONG, || {
        answer_now(bench, &unnamed()) == FILLED && answer_now(bench, &vanishing()) == THERE
    });
}

/// The oldest that is known, in seconds.
fn age(bench: &Bench) -> f64 {
    let ages = KINDS.iter().filter_map(|kind| bench.view_age(kind));
    ages.fold(0.0, f64::max)
}

/// Lets time pass. goldkeeper is ready throughout, and its view ages.
fn let_pass(bench: &Bench, name: &str, short: u64, long: u64) {
    let time = Duration::from_secs(if is_long() { long } else { short });
    let (started, before) = (Instant::now(), age(bench));
    while started.elapsed() < time {
        assert!(bench.is_ready(), "it stays ready");
        sleep(Duration::from_millis(100));
    }
    let age = age(bench);
    eprintln!("{name}: view age {before:.1} s, and {age:.1} s after {time:?} more");
    // A watch that had just begun is found to work a second later.
    assert!(age > time.as_secs_f64() - 1.5, "the view's age is to rise");
}

/// All was heard of again since the API server began to come back.
fn until_young(bench: &Bench, name: &str, since: Instant) {
    until("the view is young again", LONG, || {
        assert!(bench.is_ready(), "it stays ready");
        age(bench) < since.elapsed().as_secs_f64()
    });
    eprintln!("{name}: view age {:.1} s", age(bench));
}

#[test]
fn the_api_server_is_killed() {
    with_own_bench(|bench| {
        let name = "API server killed";
        prepare(bench);
        let mut run = Run::start(bench, "known", WELL);
        run.enter("away", &[WELL]);
        bench.kill_apiserver();
        let_pass(bench, name, 3, 60);
        run.until_seen("away", LEFT_ALONE);
        run.until_seen("away", TOLD_UNSURE);
        run.enter("back", &[WELL, FOLLOWING]);
        let starting = Instant::now();
        let ready = bench.start_apiserver(&[]);
        bench.set_golden_namespace(&json!(CUSTOM));
        run.until_seen("back", FOLLOWED);
        eprintln!(
            "{name}: a change is followed {:.2?} after ready",
            ready.elapsed()
        );
        until_young(bench, name, starting);
        run.settle("followed", &[FOLLOWING, &[THERE]].concat());
        run.end(name);
    });
}

/// The API server goes on and nothing gets through for a while, in which etcd forgets what goldkeeper has not heard of.
#[test]
fn watches_expire() {
    with_own_bench(|bench| {
        let name = "watches expired";
        // With its cache, it would remember for longer than etcd. Whoever restarts it next gives it back.
        bench.kill_apiserver();
        bench.start_apiserver(&["--watch-cache=false"]);
        prepare(bench);
        let mut run = Run::start(bench, "known", WELL);
        run.enter("away", &[WELL]);
        bench.stall();
        let sources = "/apis/cdi.kubevirt.io/v1beta1/datasources";
        let position = bench.client.get(sources).object()["metadata"]["resourceVersion"].clone();
        bench
            .client
            .delete(&path_of(&the_vanishing_one(), true))
            .object();
        bench.set_golden_namespace(&json!(CUSTOM));
        bench.compact_etcd();
        let position = position.as_str().unwrap();
        let watch = format!("{sources}?watch=1&timeoutSeconds=1&resourceVersion={position}");
        assert_eq!(bench.client.get(&watch).body["object"]["code"], 410);
        let_pass(bench, name, 3, 60);
        run.enter("back", &[WELL, FOLLOWING, &[GONE]]);
        let mended = Instant::now();
        bench.mend();
        run.until_seen("back", FOLLOWED);
        run.until_seen("back", GONE);
        eprintln!(
            "{name}: all changes are followed {:.2?} after the wire was mended",
            mended.elapsed()
        );
        until_young(bench, name, mended);
        run.settle("followed", &[FOLLOWING, &[GONE]].concat());
        run.end(name);
        let log = bench.goldkeeper_log();
        let expired = log
            .lines()
            .filter(|line| line.contains("listing anew") && line.contains("410"));
        let expired = expired.count();
        eprintln!("{name}: {expired} kinds were listed anew after 410");
        assert!(expired > 0, "{log}");
    });
}

/// The API server comes back with an etcd that is empty and counts from one, and is filled anew.
#[test]
fn etcd_comes_back_empty() {
    with_own_bench(|bench| {
        let name = "etcd emptied";
        // Positions from before are then yet to come for as long as this lasts.
        bench.bump_etcd(3000);
        bench.run(Policies::shipped());
        prepare(bench);
        let mut run = Run::start(bench, "known", WELL);
        run.enter("away", &[WELL]);
        bench.kill_apiserver();
        let before = bench.etcd_revision();
        bench.empty_etcd();
        let_pass(bench, name, 2, 30);
        run.enter("empty", &[WELL, LOST]);
        let starting = Instant::now();
        if !is_long() {
            // goldkeeper does not see that it was empty: as after a backup was restored, the kinds are there again, and
            // only the positions of its watches are none.
            bench.cut();
        }
        let ready = bench.start_apiserver(&[]);
        if is_long() {
            until_all_is_gone(bench, &run, name, "empty", ready);
        }
        refill(bench, &mut run, name);
        let after = bench.etcd_revision();
        eprintln!("{name}: revision {before} before and {after} after");
        assert!(after < before);
        until_young(bench, name, starting);
        run.settle("followed", &[FOLLOWING, &[GONE]].concat());
        run.end(name);
    });
}

/// All keys are deleted while the API server is there, and written anew.
#[test]
fn etcd_is_emptied_under_the_api_server() {
    if !is_long() {
        return;
    }
    with_own_bench(|bench| {
        let name = "etcd emptied under the API server";
        prepare(bench);
        let mut run = Run::start(bench, "known", WELL);
        run.enter("empty", &[WELL, LOST]);
        let emptied = Instant::now();
        bench.delete_all_keys();
        until_all_is_gone(bench, &run, name, "empty", emptied);
        // What it makes at its start is gone too.
        bench.kill_apiserver();
        bench.start_apiserver(&[]);
        refill(bench, &mut run, name);
        until_young(bench, name, emptied);
        run.settle("followed", &[FOLLOWING, &[GONE]].concat());
        run.end(name);
    });
}

/// No `DataSource` and no `HyperConverged` is known any more.
fn until_all_is_gone(bench: &Bench, run: &Run, name: &str, phase: &str, since: Instant) {
    until("goldkeeper goes on without the kinds", LONG, || {
        let told = bench.plain("/readyz?verbose");
        let mut kinds = ["HyperConverged", "DataSource"].iter();
        kinds.all(|kind| told.contains(&format!("{kind} 0 objects, not served")))
    });
    run.until_seen(phase, NOT_FOUND);
    eprintln!(
        "{name}: it is known that nothing is there after {:.1?}",
        since.elapsed()
    );
    assert!(bench.is_ready(), "it stays ready");
}

/// CRDs and objects come again, but for the one that vanishes; and the setting is another one.
fn refill(bench: &mut Bench, run: &mut Run, name: &str) {
    run.enter("refilled", &[WELL, LOST, FOLLOWING]);
    let began = Instant::now();
    bench.refill();
    bench.set_golden_namespace(&json!(CUSTOM));
    bench.mend();
    let refilled = Instant::now();
    run.until_seen("refilled", FOLLOWED);
    run.until_seen("refilled", GONE);
    run.until_seen("refilled", NAMED_RETIRED);
    eprintln!(
        "{name}: all is known {:.1?} after it was filled again, which took {:.1?}",
        refilled.elapsed(),
        refilled - began
    );
}
