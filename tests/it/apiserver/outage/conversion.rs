//! HyperConverged is stored in one version, read in another, and what converts it is not there.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use serde_json::{Value, json};

use super::super::bench::{Bench, CUSTOM, LONG, Version, until, with_own_bench};
use super::super::objects::path_of;
use super::super::stand_in;
use super::reviews::{
    FILLED, FOLLOWED, LEFT_ALONE, NAMED, NAMED_RETIRED, REFUSED, Run, THERE, TOLD, TOLD_UNSURE,
};

/// What answers are while the setting can't be read.
const UNKNOWN: &[&str] = &[REFUSED, LEFT_ALONE, TOLD_UNSURE, NAMED, THERE];
/// And when it can, but for what is filled in.
const KNOWN: &[&str] = &[REFUSED, TOLD, NAMED_RETIRED, THERE];

/// How long a kind is waited for.
const GRACE: Duration = Duration::from_secs(10);
const GROUP: &str = "/apis/hco.kubevirt.io";

/// The object in the other version: what one has in `spec`, the other has in `spec.workloadSources`.
fn convert(mut object: Value, wanted: &Value) -> Value {
    let setting = "commonBootImageNamespace";
    let spec = object["spec"].as_object_mut().unwrap();
    if *wanted == "hco.kubevirt.io/v1" {
        if let Some(value) = spec.remove(setting) {
            spec.insert("workloadSources".to_owned(), json!({setting: value}));
        }
    } else if let Some(mut sources) = spec.remove("workloadSources") {
        spec.insert(setting.to_owned(), sources[setting].take());
    }
    object["apiVersion"] = wanted.clone();
    object
}

fn converter() -> Router {
    Router::new().fallback(async |body: Bytes| {
        let mut review: Value = serde_json::from_slice(&body).unwrap();
        let request = review["request"].take();
        let objects = request["objects"].as_array().unwrap().iter();
        let wanted = &request["desiredAPIVersion"];
        let objects: Vec<Value> = objects
            .map(|object| convert(object.clone(), wanted))
            .collect();
        review["response"] = json!({
            "uid": request["uid"],
            "result": {"status": "Success"},
            "convertedObjects": objects,
        });
        review.to_string()
    })
}

/// Stores the setting as v1beta1, and has it converted at this address, where nobody is.
fn break_conversion(bench: &mut Bench, address: SocketAddr) {
    let crd = bench.store_hyper_converged_in_v1beta1();
    bench.set_golden_namespace(&json!(CUSTOM));
    let conversion = json!({"strategy": "Webhook", "webhook": {
        "conversionReviewVersions": ["v1"],
        "clientConfig": {
            "url": format!("https://{address}/convert"),
            "caBundle": stand_in::authority(bench),
        },
    }});
    let patch = json!({"spec": {"conversion": conversion}});
    bench.client.merge(&path_of(&crd, true), &patch).object();
    let list = format!("{GROUP}/v1/hyperconvergeds?limit=1");
    until("the conversion fails", LONG, || {
        bench.client.get(&list).code == 500
    });
}

#[test]
fn a_conversion_is_broken_from_the_start() {
    with_own_bench(|bench| {
        let name = "conversion broken";
        bench.put(&super::the_vanishing_one());
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        break_conversion(bench, address);
        let started = bench.begin();
        let mut run = Run::start(bench, "not ready", UNKNOWN);
        assert!(!bench.is_ready());
        until("it is ready", LONG, || bench.is_ready());
        let took = started.elapsed();
        eprintln!("{name}: ready {took:.1?} after the start");
        assert!(took >= GRACE, "what can't be listed is waited for");
        until("it is told why", LONG, || {
            let ready = bench.plain("/readyz?verbose");
            let mut lines = ready.lines();
            let told =
                lines.find(|line| line.starts_with("HyperConverged 0 objects, unknown: 500"));
            told.inspect(|line| eprintln!("{name}: {line}")).is_some()
        });
        run.settle("ready", UNKNOWN);

        run.enter("mended", &[UNKNOWN, KNOWN, &[FOLLOWED]]);
        let mended = Instant::now();
        stand_in::serve(bench, address, converter());
        run.until_seen("mended", FOLLOWED);
        eprintln!("{name}: known {:.1?} after it was mended", mended.elapsed());
        let changed = Instant::now();
        run.enter("changed", &[KNOWN, &[FOLLOWED, FILLED, NAMED]]);
        bench.set_golden_namespace(&Value::Null);
        run.until_seen("changed", FILLED);
        eprintln!(
            "{name}: a change is followed after {:.2?}",
            changed.elapsed()
        );
        run.end(name);
        bench.install_hyper_converged(Version::V1);
    });
}
