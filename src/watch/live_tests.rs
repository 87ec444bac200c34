use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::super::fake::FakeApi;
use super::*;
use crate::cluster::{Kind, Someone};

const PATH: &str = "/apis/cdi.kubevirt.io/v1beta1/namespaces/a/datasources/";

fn reader(api: &FakeApi) -> LiveReader {
    let (sender, served) = watch::channel(Served::default());
    drop(sender);
    LiveReader::new(api.client(), served)
}

fn question(name: &str) -> Question {
    object(Kind::DataSource, "a", name)
}

fn object(kind: Kind, namespace: &str, name: &str) -> Question {
    Question::Object {
        kind,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

const NONE: Known<Answer> = Known::Known(Answer::Object(None));

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(1)
}

fn ask(reader: &LiveReader, name: &str) -> tokio::task::JoinHandle<Known<Answer>> {
    let (reader, question) = (reader.clone(), question(name));
    tokio::spawn(async move { reader.read(&question, soon()).await })
}

fn put(api: &FakeApi, name: &str) {
    let object = json!({"metadata": {"namespace": "a", "name": name}, "spec": {}});
    api.put(Kind::DataSource, object);
}

/// Nothing is left behind, once all that runs has ended.
async fn assert_clean(reader: &LiveReader) {
    sleep(Duration::from_secs(5)).await;
    assert_eq!(reader.0.flights().len(), 0);
    assert_eq!(reader.0.permits.available_permits(), LIMIT);
}

#[tokio::test(start_paused = true)]
async fn an_object_is_there_or_not_or_cannot_be_read() {
    let api = FakeApi::complete();
    put(&api, "here");
    let reader = reader(&api);
    let here = reader.read(&question("here"), soon()).await;
    assert!(matches!(
        here,
        Known::Known(Answer::Object(Some(Fact::DataSource(_))))
    ));
    assert_eq!(reader.read(&question("none"), soon()).await, NONE);
    api.refuse("broken", 500);
    assert_eq!(
        reader.read(&question("broken"), soon()).await,
        Known::Unknown
    );
    api.unserve(Kind::DataSource);
    assert_eq!(reader.read(&question("here"), soon()).await, NONE);
    let expected = LiveReads {
        found: 1,
        absent: 2,
        failed: 1,
        ..LiveReads::default()
    };
    assert_eq!(reader.reads(), expected);
    assert_clean(&reader).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_served_a_moment_ago_is_not_said_to_be_absent() {
    let api = FakeApi::complete();
    let mut served = Served::default();
    let kinds = [(Kind::DataSource, Availability::Served("v1beta1"))];
    served.kinds.extend(kinds);
    let (_sender, served) = watch::channel(served);
    let reader = LiveReader::new(api.client(), served);
    assert_eq!(reader.read(&question("none"), soon()).await, NONE);
    api.unserve(Kind::DataSource);
    let gone = reader.read(&question("none"), soon()).await;
    assert_eq!(gone, Known::Unknown);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_cannot_exist_is_not_asked_for() {
    let api = FakeApi::complete();
    let reader = reader(&api);
    for name in ["../../../../v1/secrets", "a/b", "x?watch=1", "", "Upper"] {
        assert_eq!(reader.read(&question(name), soon()).await, NONE);
    }
    let odd = object(Kind::DataSource, "../x", "fine");
    assert_eq!(reader.read(&odd, soon()).await, NONE);
    assert_eq!(api.requests(""), 0);
}

#[tokio::test(start_paused = true)]
async fn an_older_version_is_asked_where_the_newer_is_not_served() {
    let api = FakeApi::complete();
    api.unserve(Kind::VirtualMachine);
    api.serve(Kind::VirtualMachine, "v1alpha3");
    let machine = json!({"metadata": {"namespace": "a", "name": "vm"}});
    api.put(Kind::VirtualMachine, machine);
    let reader = reader(&api);
    let machine = |name: &str| object(Kind::VirtualMachine, "a", name);
    let here = reader.read(&machine("vm"), soon()).await;
    assert_eq!(
        here,
        Known::Known(Answer::Object(Some(Fact::VirtualMachine)))
    );
    assert_eq!(reader.read(&machine("none"), soon()).await, NONE);
}

#[tokio::test(start_paused = true)]
async fn equal_questions_share_a_read_that_has_not_begun() {
    let api = FakeApi::complete();
    put(&api, "x");
    let reader = reader(&api);
    let asked = [ask(&reader, "x"), ask(&reader, "x"), ask(&reader, "x")];
    for asked in asked {
        assert!(matches!(
            asked.await.unwrap(),
            Known::Known(Answer::Object(Some(_)))
        ));
    }
    assert_eq!(api.requests(PATH), 1);
    assert_eq!(reader.reads().shared, 2);
    assert_clean(&reader).await;
}

#[tokio::test(start_paused = true)]
async fn a_read_in_flight_is_not_joined() {
    let api = FakeApi::complete();
    let reader = reader(&api);
    let gate = api.gate(PATH);
    let first = ask(&reader, "x");
    sleep(Duration::from_millis(10)).await;
    assert_eq!(api.requests(PATH), 1);
    let later = [ask(&reader, "x"), ask(&reader, "x")];
    sleep(Duration::from_millis(10)).await;
    assert_eq!(api.requests(PATH), 1, "one at a time");
    gate.add_permits(1);
    assert_eq!(first.await.unwrap(), NONE);
    // Created while the first read was answered: those who asked after that must see it.
    put(&api, "x");
    gate.add_permits(1);
    for asked in later {
        assert!(matches!(
            asked.await.unwrap(),
            Known::Known(Answer::Object(Some(_)))
        ));
    }
    assert_eq!(api.requests(PATH), 2);
    assert_clean(&reader).await;
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_kept_and_leaves_nothing_behind() {
    let api = FakeApi::complete();
    let reader = reader(&api);
    let _gate = api.gate(PATH);
    let start = Instant::now();
    let asked = [ask(&reader, "x"), ask(&reader, "y")];
    for asked in asked {
        assert_eq!(asked.await.unwrap(), Known::Unknown);
    }
    assert!(start.elapsed() < Duration::from_millis(1100));
    let abandoned = ask(&reader, "z");
    sleep(Duration::from_millis(10)).await;
    abandoned.abort();
    assert_clean(&reader).await;
    assert_eq!(reader.reads().failed, 3);
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_limit_are_in_flight() {
    let api = FakeApi::complete();
    let reader = reader(&api);
    let _gate = api.gate(PATH);
    let asked: Vec<_> = (0..LIMIT + 20)
        .map(|number| ask(&reader, &format!("n{number}")))
        .collect();
    sleep(Duration::from_millis(100)).await;
    assert_eq!(api.requests(PATH), LIMIT);
    for asked in asked {
        assert_eq!(asked.await.unwrap(), Known::Unknown);
    }
    assert_clean(&reader).await;
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_longer_are_not_given_up_with_the_others() {
    let api = FakeApi::complete();
    let reader = reader(&api);
    let gate = api.gate(PATH);
    let running = ask(&reader, "x");
    sleep(Duration::from_millis(10)).await;
    let patient = {
        let reader = reader.clone();
        tokio::spawn(async move {
            let deadline = Instant::now() + Duration::from_secs(3);
            reader.read(&question("x"), deadline).await
        })
    };
    assert_eq!(running.await.unwrap(), Known::Unknown);
    gate.add_permits(1);
    assert_eq!(patient.await.unwrap(), NONE);
    assert_clean(&reader).await;
}

fn access(user: &str) -> Question {
    Question::Access(Access {
        who: Someone {
            user: user.to_owned(),
            groups: vec!["system:authenticated".to_owned()],
        },
        verb: "create",
        group: "cdi.kubevirt.io",
        resource: "datavolumes",
        subresource: "source",
        namespace: "golden".to_owned(),
        name: "rhel9".to_owned(),
    })
}

#[tokio::test(start_paused = true)]
async fn access_is_reviewed_as_it_was_asked_for() {
    let api = FakeApi::complete();
    let reader = reader(&api);
    api.allow(json!({
        "user": "alice",
        "groups": ["system:authenticated"],
        "resourceAttributes": {"verb": "create", "group": "cdi.kubevirt.io", "resource": "datavolumes",
            "subresource": "source", "namespace": "golden", "name": "rhel9"},
    }));
    for (user, allowed) in [("alice", true), ("bob", false)] {
        let answer = reader.read(&access(user), soon()).await;
        assert_eq!(answer, Known::Known(Answer::Access(allowed)), "{user}");
    }
    api.refuse(REVIEWS, 403);
    assert_eq!(reader.read(&access("alice"), soon()).await, Known::Unknown);
    let expected = LiveReads {
        allowed: 1,
        denied: 1,
        failed: 1,
        ..LiveReads::default()
    };
    assert_eq!(reader.reads(), expected);
    assert_clean(&reader).await;
}

#[tokio::test(start_paused = true)]
async fn equal_questions_about_access_share_a_review() {
    let api = FakeApi::complete();
    let reader = reader(&api);
    let ask = |user: &'static str| {
        let reader = reader.clone();
        tokio::spawn(async move { reader.read(&access(user), soon()).await })
    };
    let asked = [ask("alice"), ask("alice"), ask("bob")];
    for asked in asked {
        assert_eq!(asked.await.unwrap(), Known::Known(Answer::Access(false)));
    }
    assert_eq!(api.requests(REVIEWS), 2);
    assert_eq!(reader.reads().shared, 1);
    assert_clean(&reader).await;
}
