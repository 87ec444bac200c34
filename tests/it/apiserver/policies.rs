//! Policy files that change while the API server asks, and policies that it does not ask for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use super::bench::{Bench, Client, LONG, Policies, bench, loud, until};
use super::objects::vm;

/// Two policies that refuse with the number of their set, in one file.
fn good(number: usize) -> String {
    let policy = |name: &str| {
        format!(
            "apiVersion: goldkeeper.io/v1\nkind: ProtectedNamespaces\nmetadata: {{name: {name}}}\nspec:\n  \
             validationActions: [Deny]\n  message: set {number}.\n  parameters: {{namespaces: ['openshift-*']}}\n"
        )
    };
    format!("{}---\n{}", policy("first"), policy("second"))
}

/// As good, but for one word.
fn broken(number: usize) -> String {
    good(number).replacen("validationActions", "validationAction", 1)
}

/// A new text for a file in a folder, in one of three ways.
fn put(folder: &Path, number: usize, way: usize, text: &str) {
    let file = folder.join("p.yaml");
    match way {
        // As the kubelet does it: a new hidden folder, and `..data` renamed onto it.
        0 => {
            let hidden = PathBuf::from(format!("..{number}"));
            fs::create_dir(folder.join(&hidden)).unwrap();
            fs::write(folder.join(&hidden).join("p.yaml"), text).unwrap();
            link(folder, &hidden, "..data");
            link(folder, Path::new("..data/p.yaml"), "p.yaml");
        }
        // As an editor does it.
        1 => {
            fs::write(folder.join("p.yaml~"), text).unwrap();
            fs::rename(folder.join("p.yaml~"), file).unwrap();
        }
        _ => fs::write(file, text).unwrap(),
    }
}

/// Makes a symlink, or turns it, at once.
fn link(folder: &Path, to: &Path, name: &str) {
    let new = folder.join("..new");
    std::os::unix::fs::symlink(to, &new).unwrap();
    fs::rename(new, folder.join(name)).unwrap();
}

/// The number of the one set that refused; anything else ends the test.
fn set_of(code: u16, message: &str) -> usize {
    assert_eq!(code, 403, "{message}");
    let mut numbers = message.split("help:    set ").skip(1);
    let mut number = || numbers.next()?.split('.').next()?.parse::<usize>().ok();
    let (first, second) = (number(), number());
    assert!(
        first.is_some() && first == second,
        "one set, both of its policies: {message}"
    );
    first.unwrap()
}

/// Asks until told to stop; the sets that refused, in the order in which they did.
fn ask(client: &Client, pause: Duration, stop: &AtomicBool) -> Vec<usize> {
    let mut sets = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let started = Instant::now();
        let answer = client.dry_run(&vm("openshift-cnv", "swapped"));
        sets.push(set_of(answer.code, answer.message()));
        sleep(pause.saturating_sub(started.elapsed()));
    }
    sets
}

/// Swaps the folder so many times; every third set is broken. How many of them were. A long run goes its pace and may
/// lose a set that was replaced before it was looked at.
fn swap(bench: &Bench, folder: &Path, swaps: usize, long: bool) -> u64 {
    let mut rejected = 0;
    for number in 1..=swaps {
        let way = (number + number / 3) % 3;
        if number % 3 == 0 {
            put(folder, number, way, &broken(number));
            rejected += 1;
            let counted = || bench.metric("goldkeeper_policy_reloads_total{outcome=\"rejected\"");
            until("the broken set is rejected", LONG, || counted() >= rejected);
            assert_eq!(counted(), rejected);
        } else {
            put(folder, number, way, &good(number));
            if !long {
                // However busy the machine is.
                let good = u64::try_from(number).unwrap() - rejected;
                let loaded = || bench.metric("goldkeeper_policy_reloads_total{outcome=\"loaded\"");
                until("the good set is in force", LONG, || loaded() == good);
            }
            sleep(Duration::from_millis(if long { 1_100 } else { 400 }));
        }
    }
    rejected
}

#[test]
fn every_answer_belongs_to_one_good_set_while_the_files_are_swapped() {
    let Some(mut bench) = bench() else { return };
    let long = std::env::var_os("GOLDKEEPER_LONG").is_some();
    let (swaps, least) = if long { (100, 60) } else { (12, 7) };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    put(folder, 0, 0, &good(0));
    bench.run(Policies::at(folder));
    until("the first set refuses", LONG, || bench.is_refused_now());

    let stop = AtomicBool::new(false);
    let started = Instant::now();
    let (client, pause) = (bench.client.clone(), Duration::from_millis(50));
    let (answers, rejected) = scope(|scope| {
        let askers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| ask(&client, pause, &stop)))
            .collect();
        let rejected = swap(&bench, folder, swaps, long);
        stop.store(true, Ordering::Relaxed);
        let answers = askers.into_iter().map(|asker| asker.join().unwrap());
        (answers.collect::<Vec<_>>(), rejected)
    });
    let took = started.elapsed().as_secs_f64();

    let mut seen = BTreeSet::new();
    for sets in &answers {
        assert!(
            sets.is_sorted(),
            "a set that was replaced never comes back: {sets:?}"
        );
        seen.extend(sets.iter().copied());
    }
    let count = answers.iter().map(Vec::len).sum::<usize>();
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let rate = count as f64 / took;
    let good = (0..=swaps)
        .filter(|number| *number == 0 || number % 3 != 0)
        .count();
    loud(&format!(
        "{swaps} swaps in {took:.0} s, {rejected} of them broken and rejected; {count} reviews ({rate:.0}/s), each of one \
         good set; {} of {good} good sets were seen",
        seen.len()
    ));
    assert!(
        seen.iter().all(|number| *number == 0 || number % 3 != 0),
        "{seen:?}"
    );
    assert!(seen.len() >= least, "{seen:?}");
    assert!(!long || rate >= 50.0, "{rate} reviews a second");
    let loaded = bench.metric("goldkeeper_policy_reloads_total{outcome=\"loaded\"");
    assert!(loaded + 1 >= u64::try_from(seen.len()).unwrap(), "{loaded}");
}

#[test]
fn a_namespace_that_the_webhooks_leave_out_is_told() {
    let Some(mut bench) = bench() else { return };
    let metric = |bench: &Bench| {
        let metrics = bench.plain("/metrics");
        let mut lines = metrics.lines();
        let line = lines.find(|line| line.starts_with("goldkeeper_policies_undelivered "));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
    };
    // It looks when it starts, and then once a minute: the webhooks are registered by now.
    bench.run(Policies::shipped());
    until("all is delivered", LONG, || metric(&bench) == Some(0));
    let folder = bench.desk().join("infra");
    fs::create_dir_all(&folder).unwrap();
    let text = good(1).replace("'openshift-*'", "'openshift-*', 'infra-*'");
    fs::write(folder.join("p.yaml"), text).unwrap();
    bench.run(Policies::at(&folder));
    until("the gap is counted", LONG, || metric(&bench) == Some(2));
    let told = "the registered webhooks do not deliver all that first is for: the condition in-a-protected-namespace of \
                the webhook that calls /validate/protected-namespaces leaves out infra-*";
    assert!(bench.plain("/readyz?verbose").contains(told));
    until("the gap is logged", LONG, || {
        bench.goldkeeper_log().contains(told)
    });
}
