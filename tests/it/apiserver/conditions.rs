//! Every case of `people` and `boot_sources` once more, under every condition that goldkeeper may be in.

use std::fmt::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::bench::{
    Answer, Bench, CUSTOM, DEFAULT, FINALIZER, LONG, Policies, Webhooks, bench, until,
};
use super::objects::{data_source, names_of, path_of, vm};

/// A condition: its name, and how it comes about.
type Condition = (&'static str, fn(&mut Bench));

const CONDITIONS: [Condition; 6] = [
    ("as shipped", |_| {}),
    ("policies for nobody", |bench| {
        let policies = Policies::for_nobody(bench.desk());
        bench.run(policies);
    }),
    ("no policies", |bench| {
        let policies = Policies::none(bench.desk());
        bench.run(policies);
    }),
    ("no webhooks", |bench| bench.register(Webhooks::None)),
    ("watch cut", |bench| bench.cut()),
    ("goldkeeper killed", |bench| bench.kill_goldkeeper()),
];

/// A case: its name, what is there before the condition comes about, and what is seen under it.
struct Case {
    name: &'static str,
    before: fn(&mut Bench, &str) -> Value,
    seen: fn(&Bench, &Value) -> String,
}

const CASES: &[Case] = &[
    Case {
        name: "VM in openshift-cnv",
        before: |_, _| vm("openshift-cnv", "web"),
        seen: |bench, machine| tell(&bench.client.dry_run(machine)),
    },
    Case {
        name: "VM in kube-public",
        before: |_, _| vm("kube-public", "conditions"),
        seen: |bench, machine| tell(&bench.client.dry_run(machine)),
    },
    Case {
        name: "VM elsewhere",
        before: |_, namespace| vm(namespace, "elsewhere"),
        seen: |bench, machine| tell(&bench.client.create(machine)),
    },
    Case {
        name: "VM elsewhere, dry run",
        before: |_, namespace| vm(namespace, "dry-run"),
        seen: |bench, machine| tell(&bench.client.dry_run(machine)),
    },
    Case {
        name: "same file applied again",
        before: |bench, namespace| {
            let machine = vm(namespace, "again");
            bench.write("again.yaml", &machine);
            bench.kubectl("apply -f again.yaml").succeeded();
            machine
        },
        seen: |bench, machine| {
            bench.write("again.yaml", machine);
            bench.kubectl("apply -f again.yaml").succeeded();
            tell(&bench.client.get(&path_of(machine, true)))
        },
    },
    Case {
        name: "same, server-side",
        before: |bench, namespace| {
            let machine = vm(namespace, "server-side");
            bench.write("server-side.yaml", &machine);
            bench
                .kubectl("apply --server-side -f server-side.yaml")
                .succeeded();
            machine
        },
        seen: |bench, machine| {
            bench.write("server-side.yaml", machine);
            bench
                .kubectl("apply --server-side -f server-side.yaml")
                .succeeded();
            tell(&bench.client.get(&path_of(machine, true)))
        },
    },
    Case {
        name: "VM with its own DataSource",
        before: |bench, namespace| {
            let own = format!("{namespace}-own");
            bench.namespace(&own);
            bench.client.create(&data_source(&own)).object();
            bench.until_boot_sources_are_known();
            vm(&own, "web")
        },
        seen: |bench, machine| tell(&bench.client.dry_run(machine)),
    },
    Case {
        name: "DataSource made, VM at once",
        before: |bench, namespace| {
            let new = format!("{namespace}-new");
            bench.namespace(&new);
            vm(&new, "web")
        },
        seen: |bench, machine| {
            let namespace = machine["metadata"]["namespace"].as_str().unwrap();
            bench.client.create(&data_source(namespace)).object();
            tell(&bench.client.create(machine))
        },
    },
    Case {
        name: "VM, DataSource made at once",
        before: |bench, namespace| {
            let late = format!("{namespace}-late");
            bench.namespace(&late);
            vm(&late, "web")
        },
        seen: |bench, machine| {
            let namespace = machine["metadata"]["namespace"].as_str().unwrap();
            let answer = bench.client.create(machine);
            bench.client.create(&data_source(namespace)).object();
            tell(&answer)
        },
    },
    Case {
        name: "DataSource deleted, VM at once",
        before: |bench, namespace| {
            let gone = format!("{namespace}-gone");
            bench.namespace(&gone);
            bench.client.create(&data_source(&gone)).object();
            bench.until_boot_sources_are_known();
            vm(&gone, "web")
        },
        seen: |bench, machine| {
            let namespace = machine["metadata"]["namespace"].as_str().unwrap();
            let source = path_of(&data_source(namespace), true);
            bench.client.delete(&source).object();
            tell(&bench.client.create(machine))
        },
    },
    Case {
        name: "setting changed, VM soon",
        before: |_, namespace| vm(namespace, "setting"),
        seen: |bench, machine| {
            bench.set_golden_namespace(&json!(CUSTOM));
            let changed = within_a_second(bench, machine, CUSTOM);
            bench.set_golden_namespace(&Value::Null);
            let back = within_a_second(bench, machine, DEFAULT);
            format!("{changed}, back: {back}")
        },
    },
    Case {
        name: "old VM in openshift-cnv changed",
        before: |bench, _| vm("openshift-cnv", &bench.old_machine()),
        seen: |bench, machine| {
            let patch = json!({"metadata": {"labels": {"a": "b"}}});
            let changed = bench.client.merge(&path_of(machine, true), &patch);
            let passed = changed.is_success() && changed.warnings.is_empty();
            if passed { "passes" } else { "no" }.to_owned()
        },
    },
    Case {
        name: "same deleted, finalizer removed",
        before: |bench, _| vm("openshift-cnv", &bench.old_machine()),
        seen: |bench, machine| {
            let path = path_of(machine, true);
            let deleted = bench.client.delete(&path);
            assert_eq!(deleted.body["metadata"]["finalizers"], json!([FINALIZER]));
            let patch = json!({"metadata": {"finalizers": null}});
            let freed = bench.client.merge(&path, &patch);
            let passed = deleted.is_success() && freed.is_success();
            let gone = bench.client.get(&path).code == 404;
            if passed && gone { "gone" } else { "no" }.to_owned()
        },
    },
];

/// What a user sees, in a word or two.
fn tell(answer: &Answer) -> String {
    for warning in &answer.warnings {
        eprintln!("Warning: {warning}");
    }
    if !answer.is_success() {
        let outage = answer.message().contains("failed calling webhook");
        return if outage { "closed" } else { "refused" }.to_owned();
    }
    let mut text = match names_of(&answer.body).as_slice() {
        [Some(namespace)] if namespace == DEFAULT => "filled".to_owned(),
        [Some(namespace)] => format!("filled {namespace}"),
        _ => "as is".to_owned(),
    };
    if !answer.warnings.is_empty() {
        text.push_str(", warned");
    }
    text
}

/// What a user sees as soon as the golden namespace is this one, or after a second.
fn within_a_second(bench: &Bench, machine: &Value, golden: &str) -> String {
    let started = Instant::now();
    loop {
        let answer = bench.client.dry_run(machine);
        let followed = names_of(&answer.body)[0].as_deref() == Some(golden);
        if followed || started.elapsed() > Duration::from_secs(1) {
            return tell(&answer);
        }
    }
}

#[test]
fn every_case_under_every_condition() {
    let Some(mut bench) = bench() else { return };
    let mut columns = Vec::new();
    for (number, (name, come_about)) in CONDITIONS.into_iter().enumerate() {
        let namespace = format!("condition-{number}");
        bench.namespace(&namespace);
        let before: Vec<Value> = CASES
            .iter()
            .map(|case| (case.before)(&mut bench, &namespace))
            .collect();
        come_about(&mut bench);
        let cases = CASES.iter().zip(&before);
        let seen = cases.map(|(case, before)| (case.seen)(&bench, before));
        columns.push((name, seen.collect()));
        bench.put_in_order();
    }
    let table = table(&columns);
    eprintln!("{table}");
    insta::assert_snapshot!(table, @"
    case                            | as shipped                       | policies for nobody | no policies        | no webhooks        | watch cut                          | goldkeeper killed
    VM in openshift-cnv             | refused                          | as is               | as is              | as is              | refused                            | closed
    VM in kube-public               | filled, warned                   | as is               | as is              | as is              | as is, warned                      | as is
    VM elsewhere                    | filled                           | as is               | as is              | as is              | as is, warned                      | as is
    VM elsewhere, dry run           | filled                           | as is               | as is              | as is              | as is, warned                      | as is
    same file applied again         | filled                           | as is               | as is              | as is              | filled                             | as is
    same, server-side               | filled                           | as is               | as is              | as is              | filled                             | as is
    VM with its own DataSource      | as is                            | as is               | as is              | as is              | as is                              | as is
    DataSource made, VM at once     | as is                            | as is               | as is              | as is              | as is, warned                      | as is
    VM, DataSource made at once     | filled                           | as is               | as is              | as is              | as is, warned                      | as is
    DataSource deleted, VM at once  | filled                           | as is               | as is              | as is              | as is                              | as is
    setting changed, VM soon        | filled gold-images, back: filled | as is, back: as is  | as is, back: as is | as is, back: as is | as is, warned, back: as is, warned | as is, back: as is
    old VM in openshift-cnv changed | passes                           | passes              | passes             | passes             | passes                             | passes
    same deleted, finalizer removed | gone                             | gone                | gone               | gone               | gone                               | gone
    ");
}

fn table(columns: &[(&str, Vec<String>)]) -> String {
    let width = |texts: &mut dyn Iterator<Item = &str>| texts.map(str::len).max().unwrap();
    let first = width(&mut CASES.iter().map(|case| case.name));
    let mut text = format!("{:first$}", "case");
    let widths: Vec<usize> = columns
        .iter()
        .map(|(name, cells)| width(&mut cells.iter().map(String::as_str).chain([*name])))
        .collect();
    for ((name, _), width) in columns.iter().zip(&widths) {
        let _ = write!(text, " | {name:width$}");
    }
    for (row, case) in CASES.iter().enumerate() {
        let _ = write!(text, "\n{:first$}", case.name);
        for ((_, cells), width) in columns.iter().zip(&widths) {
            let _ = write!(text, " | {:width$}", cells[row]);
        }
    }
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n")
}

/// The API server can't be asked: nothing is guessed, nothing is refused that should not be, and the user is told.
#[test]
fn what_cannot_be_made_sure_of_is_left_alone_and_told() {
    let Some(mut bench) = bench() else { return };
    let machine = vm(bench.namespace("wire"), "web");
    bench.write("wire.yaml", &machine);
    for (name, disturb) in [
        ("cut", Bench::cut as fn(&mut Bench)),
        ("stalled", Bench::stall),
    ] {
        disturb(&mut bench);
        let started = Instant::now();
        let seen = bench
            .kubectl("create --dry-run=server -f wire.yaml -o json")
            .succeeded();
        eprintln!("{name}: answered after {:.1?}", started.elapsed());
        assert_eq!(names_of(&seen.json()), [None]);
        insta::allow_duplicates! {
            insta::assert_snapshot!(seen.stderr, @"Warning: boot source rhel9 is named without a namespace and could not be looked up: it stays in wire: whether wire has a DataSource rhel9 of its own is not known: the cluster could not be asked in time (BootSourceNamespace)");
        }
        assert!(bench.is_refused_now(), "{name}: denials need no API server");
        bench.mend();
        let filled = until("it is filled in again", LONG, || {
            bench.filled_now().as_deref() == Some(DEFAULT)
        });
        bench.set_golden_namespace(&json!(CUSTOM));
        let followed = until("the setting is followed again", LONG, || {
            bench.filled_now().as_deref() == Some(CUSTOM)
        });
        bench.set_golden_namespace(&Value::Null);
        until("back at the default", LONG, || {
            bench.filled_now().as_deref() == Some(DEFAULT)
        });
        eprintln!(
            "{name}: mended: filled in again after {filled:.1?}, settings followed again after {followed:.1?} more"
        );
    }
    let log = bench.goldkeeper_log();
    assert!(!log.contains("panicked"), "{log}");
}
