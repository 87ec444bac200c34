//! What the engine costs, without network: `cargo bench --bench engine`.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use criterion::{Criterion, Throughput};
use goldkeeper::cluster::ClusterView;
use goldkeeper::policy::{PolicySet, PolicySource};
use goldkeeper::store;

mod answering;
mod conditions;
#[allow(dead_code, reason = "each bench uses a part of it")]
mod reviews;

use reviews::Class;

fn main() -> Result<()> {
    let policies = store::compile_folder("policies".as_ref(), false)?;
    let small = view(100, 100)?;
    let large = view(20_000, 10_000)?;
    let mut criterion = Criterion::default().configure_from_args();
    decode(&mut criterion);
    answer(&mut criterion, "answer", &policies, &small);
    answer(
        &mut criterion,
        "answer, 20,000 DataSources and 10,000 namespaces",
        &policies,
        &large,
    );
    compile(&mut criterion);
    conditions::everyday(&mut criterion, &Class::Allowed.review(), &small)?;
    conditions::worst_condition(&mut criterion, &small)?;
    criterion.final_summary();
    Ok(())
}

fn view(data_sources: usize, namespaces: usize) -> Result<Arc<ClusterView>> {
    let file = tempfile::NamedTempFile::with_suffix(".yaml")?;
    std::fs::write(file.path(), reviews::cluster(data_sources, namespaces))?;
    Ok(store::read_cluster(&[file.path().to_owned()])?.view)
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    for class in Class::ALL {
        let body = class.review();
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(format!("uid only/{}", class.name()), |bencher| {
            bencher.iter(|| answering::read_uid(&body));
        });
        group.bench_function(format!("review/{}", class.name()), |bencher| {
            bencher.iter(|| answering::read_review(&body));
        });
    }
    group.finish();
}

/// From the bytes of a review to the bytes of its answer.
fn answer(criterion: &mut Criterion, name: &str, policies: &PolicySet, view: &ClusterView) {
    let mut group = criterion.benchmark_group(name);
    for class in Class::ALL {
        let body = class.review();
        let judge = || answering::answer(class, &body, policies, view);
        let sound =
            judge().is_ok_and(|answer| String::from_utf8_lossy(&answer).contains(class.mark()));
        assert!(sound, "{} is not answered as expected", class.name());
        group.bench_function(class.name(), |bencher| bencher.iter(judge));
    }
    group.finish();
}

fn compile(criterion: &mut Criterion) {
    let sources: Vec<PolicySource> = (0..100)
        .map(|number| PolicySource {
            file: Arc::from(format!("{number}.yaml")),
            text: format!(
                "apiVersion: goldkeeper.io/v1\nkind: ProtectedNamespaces\nmetadata:\n  name: policy-{number}\nspec:\n  \
                 validationActions: [Deny]\n  match:\n    excludeNamespaces: [\"sandbox-*\"]\n  parameters:\n    \
                 namespaces: [openshift, \"openshift-*\", \"team-{number}-*\"]\n"
            ),
        })
        .collect();
    criterion.bench_function("compile 100 policies", |bencher| {
        bencher.iter(|| {
            PolicySet::compile(&sources)
                .map_err(|faults| anyhow!("{faults:?}"))
                .is_ok()
        });
    });
}
