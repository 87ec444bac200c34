//! Refusals as Events on the namespace: off unless asked for, few, and never in the way of an answer.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::bench::{Bench, LONG, Policies, bench, documents, repository, until};
use super::objects::{review, vm};
use super::rights::{asked_for, granted, grants};
use crate::support::serving::{answer, connect, post};

const NAMESPACE: &str = "openshift-cnv";
/// A service account with the rights of goldkeeper's own, so that what it asks for is told from what that one does.
const ACCOUNT: &str = "system:serviceaccount:demo:events";
const COMPONENT: &str = "deploy/components/events";
/// What a user waits at most, whatever becomes of Events: a single write may take 5 s.
const AT_ONCE: Duration = Duration::from_secs(3);

/// The Events of goldkeeper in the namespace.
fn events(bench: &Bench) -> Vec<Value> {
    let line = "get events.v1.events.k8s.io -o json --field-selector";
    let selector = "reportingController=goldkeeper.io/goldkeeper";
    let line: Vec<&str> = line.split(' ').chain([selector, "-n", NAMESPACE]).collect();
    let seen = bench.quietly(&line).succeeded().json();
    seen["items"].as_array().unwrap().clone()
}

/// Those that tell of a virtual machine.
fn events_of(bench: &Bench, name: &str) -> Vec<Value> {
    let begin = format!("VirtualMachine {name} ");
    let is_of = |event: &Value| event["note"].as_str().unwrap().starts_with(&begin);
    let mut events = events(bench);
    events.retain(is_of);
    events
}

/// Has a virtual machine refused, for good and not only to see.
#[track_caller]
fn refuse(bench: &Bench, name: &str) {
    let refused = bench.client.create(&vm(NAMESPACE, name));
    assert_eq!(refused.code, 403, "{}", refused.message());
}

fn count(bench: &Bench, outcome: &str) -> u64 {
    bench.metric(&format!("goldkeeper_events_total{{outcome=\"{outcome}\"}}"))
}

/// Starts goldkeeper as [`ACCOUNT`], which may do what the base of the deployment grants.
fn run_with_the_rights_of_the_base(bench: &mut Bench) {
    let rbac = repository().join("deploy/base/rbac.yaml");
    let text = fs::read_to_string(rbac).unwrap();
    let role = documents(&text)
        .into_iter()
        .find(|object| object["kind"] == "ClusterRole");
    bench.write("role.yaml", &role.unwrap());
    bench.kubectl("apply -f role.yaml").succeeded();
    bench
        .kubectl("create serviceaccount events -n demo")
        .succeeded();
    bind(bench, "goldkeeper");
    let token = bench.secret("create token events -n demo");
    bench.run_with_token_and(&token, Policies::shipped(), &["--events"]);
}

/// Gives goldkeeper's own account what the component grants, and restarts it as [`ACCOUNT`] with the same.
fn run_with_the_rights_of_the_component(bench: &mut Bench, rbac: &str) {
    let may = |expected: &str| {
        let question = "auth can-i create events.events.k8s.io -A --as";
        let goldkeeper = "system:serviceaccount:goldkeeper:goldkeeper";
        let seen = bench.kubectl(&format!("{question} {goldkeeper}"));
        assert_eq!(seen.stdout.trim(), expected);
    };
    may("no");
    bench.kubectl(&format!("apply -f {rbac}")).succeeded();
    may("yes");
    bind(bench, "goldkeeper-events");
    let token = bench.secret("create token events -n demo");
    bench.run_with_token_and(&token, Policies::shipped(), &["--events"]);
}

fn bind(bench: &Bench, role: &str) {
    let line = format!(
        "create clusterrolebinding {role}-of-a-test --clusterrole={role} --serviceaccount=demo:events"
    );
    bench.kubectl(&line).succeeded();
}

#[test]
fn a_refusal_is_an_event_on_the_namespace_where_that_is_asked_for() {
    let Some(mut bench) = bench() else { return };
    let rbac = repository().join(COMPONENT).join("rbac.yaml");
    let rbac = rbac.display().to_string();
    refuse(&bench, "while-off");
    assert!(!bench.metrics().contains("goldkeeper_events"));
    run_with_the_rights_of_the_base(&mut bench);
    that_it_may_not_is_counted_and_told_once(&bench);
    run_with_the_rights_of_the_component(&mut bench, &rbac);
    repeats_are_one_event(&bench);
    what_leaves_nothing_behind_makes_none(&bench);
    looks_good(&bench);
    asks_for_what_is_granted(&bench, &rbac);
    for line in [
        &format!("delete -f {rbac} -f role.yaml"),
        "delete clusterrolebinding goldkeeper-of-a-test goldkeeper-events-of-a-test",
        "delete serviceaccount events -n demo",
    ] {
        bench.kubectl(line).succeeded();
    }
}

fn that_it_may_not_is_counted_and_told_once(bench: &Bench) {
    let started = Instant::now();
    for number in 0..40 {
        refuse(bench, &format!("without-rights-{number}"));
    }
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    until("Events that can't be written are counted", LONG, || {
        count(bench, "failed") == 25 && count(bench, "dropped") == 15
    });
    assert_eq!(count(bench, "written"), 0);
    until("the log has caught up", LONG, || {
        bench.goldkeeper_log().contains("goldkeeper rbac --events")
    });
    let log = bench.goldkeeper_log();
    assert_eq!(log.matches("can't be written").count(), 1, "{log}");
}

fn repeats_are_one_event(bench: &Bench) {
    let mut generated = vm(NAMESPACE, "generated");
    generated["metadata"] = json!({"generateName": "generated-", "namespace": NAMESPACE});
    for _ in 0..3 {
        assert_eq!(bench.client.create(&generated).code, 403);
    }
    for _ in 0..50 {
        refuse(bench, "web");
    }
    for (name, times) in [("web", 50), ("generated-*", 3)] {
        until("one Event with the count of all", LONG, || {
            let events = events_of(bench, name);
            assert!(events.len() <= 1, "{events:#?}");
            let event = events.first();
            event.is_some_and(|event| event["series"]["count"] == times)
        });
    }
    assert_eq!((count(bench, "failed"), count(bench, "dropped")), (0, 0));
}

/// A dry run, and a request in a namespace that is not there (any more): no Event, and no noise.
fn what_leaves_nothing_behind_makes_none(bench: &Bench) {
    let tried = bench.client.dry_run(&vm(NAMESPACE, "tried"));
    assert_eq!(tried.code, 403);
    asked_directly(bench, 1, &review("openshift-not-there", "nowhere"));
    refuse(bench, "last");
    until("what was refused after them is an Event", LONG, || {
        events_of(bench, "last").len() == 1 && count(bench, "failed") == 1
    });
    for name in ["while-off", "tried", "nowhere"] {
        assert_eq!(events_of(bench, name), Vec::<Value>::new(), "{name}");
    }
    assert!(!bench.goldkeeper_log().contains("can't be written"));
}

/// What people see, and that nobody is named.
fn looks_good(bench: &Bench) {
    let line = format!("get events -n {NAMESPACE}");
    let seen = bench.kubectl(&line).succeeded().stdout;
    let expected = "virtual machines may not be created in openshift-cnv: it belongs to the platform [no-vms-in-openshift-namespaces]";
    let own = seen
        .lines()
        .find(|line| line.contains("VirtualMachine web "));
    let words: Vec<&str> = own.unwrap().split_whitespace().skip(1).collect();
    assert_eq!(
        words.join(" "),
        format!(
            "Warning ProtectedNamespaces namespace/openshift-cnv VirtualMachine web was refused: {expected}"
        )
    );
    bench.kubectl(&format!("{line} -o wide")).succeeded();
    let told = format!("events --for namespace/{NAMESPACE} -n {NAMESPACE}");
    let told = bench.kubectl(&told).succeeded().stdout;
    assert!(told.contains("(x50 over "), "{told}");
    let event = events_of(bench, "web").remove(0);
    eprintln!("{}", serde_json::to_string_pretty(&event).unwrap());
    assert_eq!(event["action"], "Deny");
    assert!(!event.to_string().contains("admin"), "{event}");
}

/// What was asked of the API server for Events, and what the component grants for them, are the same.
fn asks_for_what_is_granted(bench: &Bench, rbac: &str) {
    let granted = granted(&fs::read_to_string(rbac).unwrap());
    let (asked, _) = asked_for(bench, ACCOUNT);
    let asked: BTreeSet<_> = asked
        .into_iter()
        .filter(|right| right.1 == "events")
        .collect();
    let all = granted
        .iter()
        .all(|right| asked.iter().any(|asked| grants(right, asked)));
    let only = asked
        .iter()
        .all(|asked| granted.iter().any(|right| grants(right, asked)));
    assert!(all && only, "granted {granted:?}, asked {asked:?}");
}

#[test]
fn an_api_server_that_takes_no_events_holds_nobody_up() {
    let Some(mut bench) = bench() else { return };
    bench.run_and(Policies::shipped(), &["--events"]);
    bench.stall();
    let started = Instant::now();
    asked_directly(&bench, 300, &review(NAMESPACE, "while-stalled"));
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    until("a write that got no answer is counted", LONG, || {
        count(&bench, "failed") >= 1
    });
    bench.mend();
    until("it is written when it can be", LONG, || {
        asked_directly(&bench, 1, &review(NAMESPACE, "while-stalled"));
        std::thread::sleep(Duration::from_millis(200));
        !events_of(&bench, "while-stalled").is_empty()
    });
}

/// Sends a review to goldkeeper itself, so often; each is refused.
fn asked_directly(bench: &Bench, times: usize, review: &Value) {
    let review = review.to_string();
    let mut tls = connect(bench.address(), &[], rustls::ALL_VERSIONS);
    tls.sock.set_nodelay(true).unwrap();
    for _ in 0..times {
        post(
            &mut tls,
            "/validate/protected-namespaces?timeout=2s",
            review.as_bytes(),
        );
        tls.write_all(review.as_bytes()).unwrap();
        let seen = answer(&mut tls);
        assert!(seen.contains("\"allowed\":false"), "{seen}");
    }
}

/// The component switches Events on, grants what they take, and tells the API server of the side effect.
#[test]
fn the_component_fits_both_overlays() {
    let Some(bench) = bench() else { return };
    let folder = bench.desk().join("with-events");
    fs::create_dir_all(&folder).unwrap();
    for overlay in ["openshift", "kubernetes"] {
        let path = |path: &str| relative(&folder, &repository().join(path));
        let kustomization = json!({
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [path(&format!("deploy/overlays/{overlay}"))],
            "components": [path(COMPONENT)],
        });
        bench.write("with-events/kustomization.yaml", &kustomization);
        let shown = bench.kubectl("kustomize with-events").succeeded();
        assert_eq!(shown.stderr, "");
        let objects = documents(&shown.stdout);
        let named = |kind: &'static str, name: &'static str| {
            let mut objects = objects.iter();
            let is_it = |own: &&Value| own["kind"] == kind && own["metadata"]["name"] == name;
            objects
                .find(is_it)
                .unwrap_or_else(|| panic!("{kind} {name}"))
        };
        let pod = &named("Deployment", "goldkeeper")["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        let switch = json!([{"name": "GOLDKEEPER_EVENTS", "value": "true"}]);
        assert_eq!(container["env"], switch);
        assert_eq!(container["args"][0], "serve");
        named("ClusterRole", "goldkeeper-events");
        named("ClusterRoleBinding", "goldkeeper-events");
        for (kind, name, expected) in [
            (
                "ValidatingWebhookConfiguration",
                "goldkeeper",
                "NoneOnDryRun",
            ),
            (
                "MutatingWebhookConfiguration",
                "boot-source-namespace.goldkeeper.io",
                "None",
            ),
        ] {
            let webhooks = named(kind, name)["webhooks"].as_array().unwrap();
            for webhook in webhooks {
                assert_eq!(webhook["sideEffects"], expected, "{}", webhook["name"]);
            }
        }
    }
}

/// kustomize takes no absolute paths.
fn relative(from: &Path, to: &Path) -> String {
    let from = from.canonicalize().unwrap();
    let up = "../".repeat(from.components().count() - 1);
    let to = to.canonicalize().unwrap();
    format!("{up}{}", to.strip_prefix("/").unwrap().display())
}
