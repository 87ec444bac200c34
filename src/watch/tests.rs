use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::fake::FakeApi;
use super::*;
use crate::cluster::{Coverage, Known};

const GOLDEN: &str = "kubevirt-os-images";

fn named(namespace: &str, name: &str) -> Value {
    json!({"metadata": {"namespace": namespace, "name": name}})
}

fn hyper_converged(namespace: &str) -> Value {
    json!({"apiVersion": "hco.kubevirt.io/v1beta1",
        "metadata": {"namespace": "kubevirt-hyperconverged", "name": "kubevirt-hyperconverged"},
        "spec": {"commonBootImageNamespace": namespace, "workloadSources": {"commonBootImageNamespace": namespace}}})
}

/// Waits (the clock is paused: no real time passes) until the view is as wanted.
async fn until(watch: &Watch, wanted: impl Fn(&ClusterView) -> bool) {
    let start = Instant::now();
    while !wanted(&watch.view()) {
        assert!(
            start.elapsed() < Duration::from_secs(90),
            "never so: {:?}",
            watch.view()
        );
        sleep(Duration::from_millis(20)).await;
    }
}

async fn started(api: &FakeApi) -> Watch {
    let watch = Watch::start(api.client());
    until(&watch, ClusterView::is_settled).await;
    watch
}

fn has(view: &ClusterView, kind: Kind, namespace: &str, name: &str) -> bool {
    matches!(view.object(kind, namespace, name), Known::Known(Some(_)))
}

#[tokio::test(start_paused = true)]
async fn a_list_and_then_events_make_the_view() {
    let api = FakeApi::complete();
    api.put(Kind::DataSource, named("a", "first"));
    let start = Instant::now();
    let watch = started(&api).await;
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(*watch.view().coverage(Kind::DataSource), Coverage::Watched);
    assert!(has(&watch.view(), Kind::DataSource, "a", "first"));

    api.put(Kind::DataSource, named("a", "second"));
    let put = Instant::now();
    until(&watch, |view| has(view, Kind::DataSource, "a", "second")).await;
    assert!(put.elapsed() < Duration::from_millis(100));
    api.delete(Kind::DataSource, "a", "first");
    until(&watch, |view| !has(view, Kind::DataSource, "a", "first")).await;
}

#[tokio::test(start_paused = true)]
async fn what_changes_nothing_is_not_published() {
    let api = FakeApi::complete();
    api.put(Kind::DataSource, named("a", "one"));
    let watch = started(&api).await;
    sleep(Duration::from_secs(1)).await;
    let before = watch.view();
    let mut touched = named("a", "one");
    touched["metadata"]["managedFields"] = json!([{"manager": "somebody"}]);
    api.put(Kind::DataSource, touched);
    sleep(Duration::from_secs(1)).await;
    assert!(Arc::ptr_eq(&before, &watch.view()));
}

#[tokio::test(start_paused = true)]
async fn nobody_sees_half_a_list() {
    let api = FakeApi::complete();
    for number in 0..250 {
        api.put(Kind::DataSource, named("a", &format!("n{number}")));
    }
    let watch = started(&api).await;
    assert_eq!(watch.view().count(Kind::DataSource), 250);

    let gate = api.gate("datasources?&limit=100&continue=100");
    api.expire_watches();
    api.delete(Kind::DataSource, "a", "n0");
    for _ in 0..100 {
        sleep(Duration::from_millis(100)).await;
        assert_eq!(watch.view().count(Kind::DataSource), 250);
        assert_eq!(*watch.view().coverage(Kind::DataSource), Coverage::Watched);
    }
    assert_eq!(api.requests("continue=100"), 2, "the second list has begun");
    gate.add_permits(1);
    until(&watch, |view| view.count(Kind::DataSource) == 249).await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_listed_is_unknown_after_ten_seconds() {
    let api = FakeApi::complete();
    api.refuse("hyperconvergeds?", 403);
    let start = Instant::now();
    let watch = Watch::start(api.client());
    sleep(Duration::from_secs(9)).await;
    assert!(!watch.view().is_settled());
    until(&watch, ClusterView::is_settled).await;
    assert!(start.elapsed() < Duration::from_secs(11));
    let view = watch.view();
    let Coverage::Unknown(reason) = view.coverage(Kind::HyperConverged) else {
        panic!("{:?}", view.coverage(Kind::HyperConverged));
    };
    assert_eq!(&**reason, "403 Refused: it is Refused");
    assert_eq!(view.hyper_converged(), Known::Unknown);
    assert_eq!(
        *view.coverage(Kind::PersistentVolumeClaim),
        Coverage::Watched
    );

    api.accept_all();
    api.put(Kind::HyperConverged, hyper_converged("images"));
    until(&watch, |view| {
        *view.coverage(Kind::HyperConverged) == Coverage::Watched
    })
    .await;
    until(&watch, |view| {
        view.golden_namespaces().contains(&"images".to_owned())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_does_not_answer_holds_nothing_up() {
    let api = FakeApi::complete();
    api.set_down(true);
    let watch = Watch::start(api.client());
    sleep(Duration::from_secs(21)).await;
    let view = watch.view();
    assert!(view.is_settled(), "{view:?}");
    assert!(
        matches!(view.coverage(Kind::Cdi), Coverage::Unknown(reason) if reason.contains("refused"))
    );
    assert!(matches!(
        view.coverage(Kind::Namespace),
        Coverage::Unknown(_)
    ));
}

#[tokio::test(start_paused = true)]
async fn kinds_that_are_not_served_are_none_until_they_are() {
    let api = FakeApi::default();
    let start = Instant::now();
    let watch = started(&api).await;
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!(
        *watch.view().coverage(Kind::DataSource),
        Coverage::NotServed
    );
    assert_eq!(
        *watch.view().coverage(Kind::VolumeSnapshot),
        Coverage::NotServed
    );
    assert_eq!(
        *watch.view().coverage(Kind::PersistentVolumeClaim),
        Coverage::Watched
    );
    assert_eq!(watch.view().hyper_converged(), Known::Known(None));

    api.serve(Kind::DataSource, "v1beta1");
    api.put(Kind::DataSource, named(GOLDEN, "fedora"));
    let installed = Instant::now();
    until(&watch, |view| has(view, Kind::DataSource, GOLDEN, "fedora")).await;
    assert!(
        installed.elapsed() < Duration::from_secs(14),
        "{:?}",
        installed.elapsed()
    );
    assert!(watch.view().is_settled(), "readiness does not flap");

    api.unserve(Kind::DataSource);
    until(&watch, |view| {
        *view.coverage(Kind::DataSource) == Coverage::NotServed
    })
    .await;
    assert_eq!(watch.view().count(Kind::DataSource), 0);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_read_keeps_its_key_and_can_be_deleted() {
    let api = FakeApi::complete();
    let unreadable = json!({"metadata": {"namespace": "a", "name": "odd"}, "spec": {"source": 7}});
    api.put(Kind::DataSource, unreadable.clone());
    let watch = started(&api).await;
    assert_eq!(
        watch.view().object(Kind::DataSource, "a", "odd"),
        Known::Unknown
    );
    api.delete(Kind::DataSource, "a", "odd");
    until(&watch, |view| {
        view.object(Kind::DataSource, "a", "odd") == Known::Known(None)
    })
    .await;
    api.put(Kind::DataSource, unreadable);
    until(&watch, |view| {
        view.object(Kind::DataSource, "a", "odd") == Known::Unknown
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn claims_and_snapshots_follow_the_golden_namespace() {
    let api = FakeApi::complete();
    api.put(Kind::HyperConverged, hyper_converged("old"));
    for namespace in ["old", "new", "other"] {
        api.put(Kind::PersistentVolumeClaim, named(namespace, "claim"));
        api.put(Kind::VolumeSnapshot, named(namespace, "snapshot"));
        let mut content = named("", namespace);
        content["spec"] =
            json!({"driver": "d", "volumeSnapshotRef": {"namespace": namespace, "name": "s"}});
        api.put(Kind::VolumeSnapshotContent, content);
    }
    let watch = started(&api).await;
    let only = |view: &ClusterView, namespace: &str| {
        ["old", "new", "other"].into_iter().all(|other| {
            let wanted = other == namespace;
            has(view, Kind::PersistentVolumeClaim, other, "claim") == wanted
                && has(view, Kind::VolumeSnapshot, other, "snapshot") == wanted
                && has(view, Kind::VolumeSnapshotContent, "", other) == wanted
        })
    };
    until(&watch, |view| only(view, "old")).await;

    let slow = api.gate("/namespaces/new/persistentvolumeclaims");
    api.put(Kind::HyperConverged, hyper_converged("new"));
    let changed = Instant::now();
    until(&watch, |view| {
        has(view, Kind::VolumeSnapshot, "new", "snapshot")
    })
    .await;
    let view = watch.view();
    assert!(view.is_settled(), "readiness does not flap");
    assert_eq!(
        view.object(Kind::PersistentVolumeClaim, "new", "claim"),
        Known::Unknown,
        "what is not listed yet is not absent"
    );
    slow.add_permits(9);
    until(&watch, |view| only(view, "new")).await;
    assert!(changed.elapsed() < Duration::from_secs(1));
    api.put(Kind::PersistentVolumeClaim, named("old", "late"));
    sleep(Duration::from_secs(1)).await;
    assert!(!has(
        &watch.view(),
        Kind::PersistentVolumeClaim,
        "old",
        "late"
    ));

    let mut unreadable = hyper_converged("new");
    unreadable["spec"]["commonBootImageNamespace"] = json!(7);
    api.put(Kind::HyperConverged, unreadable);
    until(&watch, |view| view.hyper_converged() == Known::Unknown).await;
    sleep(Duration::from_secs(1)).await;
    assert!(
        only(&watch.view(), "new"),
        "what was golden is still followed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_golden_namespace_that_is_none_gets_into_no_url() {
    let api = FakeApi::complete();
    api.put(Kind::HyperConverged, hyper_converged("../../secrets?x="));
    let watch = started(&api).await;
    assert_eq!(
        *watch.view().coverage(Kind::PersistentVolumeClaim),
        Coverage::Watched
    );
    assert_eq!(api.requests("secrets"), 0);
}

#[tokio::test(start_paused = true)]
async fn the_newest_version_of_hyper_converged_is_read() {
    let api = FakeApi::complete();
    api.unserve(Kind::HyperConverged);
    api.serve(Kind::HyperConverged, "v1beta1");
    let mut setting = hyper_converged("beta");
    setting["spec"]["workloadSources"]["commonBootImageNamespace"] = json!("one");
    api.put(Kind::HyperConverged, setting);
    let watch = started(&api).await;
    let golden = |view: &ClusterView, name: &str| {
        view.golden_namespace(None)
            .known()
            .is_some_and(|golden| golden.name == name)
    };
    assert!(golden(&watch.view(), "beta"));
    api.serve(Kind::HyperConverged, "v1");
    until(&watch, |view| golden(view, "one")).await;
}

#[tokio::test(start_paused = true)]
async fn an_openshift_is_known_by_its_configuration_group() {
    let api = FakeApi::complete();
    api.serve_openshift();
    let watch = started(&api).await;
    assert!(watch.view().is_openshift());
    let expected = "openshift-virtualization-os-images";
    assert_eq!(watch.view().golden_namespaces(), [expected]);
    let path = format!("/namespaces/{expected}/persistentvolumeclaims?&watch");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(api.requests(&path), 1);
}

#[tokio::test(start_paused = true)]
async fn while_the_api_server_is_away_the_last_view_holds() {
    let api = FakeApi::complete();
    api.put(Kind::DataSource, named("a", "one"));
    let watch = started(&api).await;
    let age = |watch: &Watch, wanted| {
        let ages = watch.ages();
        ages.into_iter()
            .find(|(kind, _)| *kind == wanted)
            .unwrap()
            .1
    };
    assert!(age(&watch, Kind::DataSource).unwrap() < Duration::from_secs(2));
    assert_eq!(age(&watch, Kind::VirtualMachine), None);

    api.set_down(true);
    sleep(Duration::from_mins(5)).await;
    assert!(has(&watch.view(), Kind::DataSource, "a", "one"));
    assert_eq!(*watch.view().coverage(Kind::DataSource), Coverage::Watched);
    assert!(age(&watch, Kind::DataSource).unwrap() > Duration::from_secs(290));
    let attempts = api.requests("datasources?");
    assert!(
        (5..40).contains(&attempts),
        "{attempts} attempts in five minutes"
    );

    api.delete(Kind::DataSource, "a", "one");
    api.set_down(false);
    until(&watch, |view| !has(view, Kind::DataSource, "a", "one")).await;
    assert!(age(&watch, Kind::DataSource).unwrap() < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_position_that_is_too_old_is_listed_anew_at_once() {
    let api = FakeApi::complete();
    api.put(Kind::DataSource, named("a", "one"));
    let watch = started(&api).await;
    sleep(Duration::from_secs(5)).await;
    api.set_down(true);
    sleep(Duration::from_mins(1)).await;
    api.expire_watches();
    api.delete(Kind::DataSource, "a", "one");
    api.set_down(false);
    let back = Instant::now();
    until(&watch, |view| !has(view, Kind::DataSource, "a", "one")).await;
    assert!(
        back.elapsed() < Duration::from_secs(4),
        "{:?}",
        back.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_position_that_is_yet_to_come_is_not_waited_for() {
    let api = FakeApi::complete();
    for name in ["one", "two", "three", "four"] {
        api.put(Kind::DataSource, named("a", name));
    }
    let watch = started(&api).await;
    sleep(Duration::from_secs(5)).await;
    api.set_down(true);
    sleep(Duration::from_secs(10)).await;
    api.empty();
    api.put(Kind::DataSource, named("a", "restored"));
    api.set_down(false);
    let back = Instant::now();
    until(&watch, |view| {
        has(view, Kind::DataSource, "a", "restored") && view.count(Kind::DataSource) == 1
    })
    .await;
    assert!(
        back.elapsed() < Duration::from_secs(4),
        "{:?}",
        back.elapsed()
    );
    api.put(Kind::DataSource, named("a", "new"));
    until(&watch, |view| has(view, Kind::DataSource, "a", "new")).await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_is_over_makes_the_next_one_no_longer() {
    let api = FakeApi::complete();
    let watch = started(&api).await;
    let mut waits = Vec::new();
    for (outage, name) in [(40, "one"), (1, "two")] {
        api.refuse("datasources?", 503);
        api.end_watches();
        sleep(Duration::from_secs(outage)).await;
        api.put(Kind::DataSource, named("a", name));
        api.accept_all();
        let over = Instant::now();
        until(&watch, |view| has(view, Kind::DataSource, "a", name)).await;
        waits.push(over.elapsed());
        sleep(Duration::from_secs(30)).await;
    }
    assert!(waits[0] < Duration::from_secs(15), "{waits:?}");
    assert!(waits[1] < Duration::from_secs(4), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn what_can_be_listed_and_not_watched_is_not_asked_for_without_end() {
    let api = FakeApi::complete();
    api.refuse("datasources?&watch", 503);
    let watch = started(&api).await;
    api.put(Kind::DataSource, named("a", "one"));
    until(&watch, |view| has(view, Kind::DataSource, "a", "one")).await;
    sleep(Duration::from_mins(5)).await;
    let attempts = api.requests("datasources?");
    assert!((10..100).contains(&attempts), "{attempts}");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_watch_asks_no_more() {
    let api = FakeApi::complete();
    let watch = started(&api).await;
    drop(watch);
    sleep(Duration::from_secs(1)).await;
    let before = api.requests("");
    sleep(Duration::from_mins(5)).await;
    assert_eq!(api.requests(""), before);
}
