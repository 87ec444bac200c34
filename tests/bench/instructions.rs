//! What the engine costs in instructions, which no neighbour on the machine can change: `cargo bench --bench
//! instructions`. Each figure is counted by callgrind in a process of its own.
#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use clap::ValueEnum;
use goldkeeper::store;
use serde_json::Value;

mod answering;
#[allow(dead_code, reason = "each bench uses a part of it")]
mod reviews;

use reviews::Class;

/// How often each is done, so that what is done once does not count.
const TIMES: u64 = 200;
/// The cost with the large view is at most this many times that with the small one.
const GROWTH: f64 = 1.10;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Work {
    /// Reading the uid, as the floor does
    Uid,
    /// Reading the review
    Review,
    /// The whole answer
    Answer,
}

/// Counts the instructions of an answer, by class of request and size of the cluster.
#[derive(Debug, Parser)]
struct Arguments {
    /// Ends with 1 if an answer costs more where the cluster is large
    #[arg(long)]
    check: bool,
    /// Set by cargo
    #[arg(long, hide = true)]
    bench: bool,
    /// Does the work instead of counting it
    #[arg(long, hide = true, requires_all = ["class", "cluster"])]
    work: Option<Work>,
    #[arg(long, hide = true)]
    class: Option<Class>,
    #[arg(long, hide = true)]
    cluster: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    if let (Some(work), Some(class), Some(cluster)) =
        (arguments.work, arguments.class, &arguments.cluster)
    {
        return work_on(work, class, cluster).map(|()| ExitCode::SUCCESS);
    }
    if !arguments.bench {
        println!("nothing is counted without --bench: cargo bench --bench instructions");
        return Ok(ExitCode::SUCCESS);
    }
    let flat = count_all()?;
    Ok(ExitCode::from(u8::from(arguments.check && !flat)))
}

/// Prints the table; whether no answer costs more where the cluster is large.
fn count_all() -> Result<bool> {
    let folder = tempfile::tempdir()?;
    let small = write_cluster(folder.path(), 100, 100)?;
    let large = write_cluster(folder.path(), 20_000, 10_000)?;
    println!(
        "| class | uid only | review | answer | answer, 20,000 DataSources and 10,000 namespaces | growth |\n\
         |---|---:|---:|---:|---:|---:|"
    );
    let mut flat = true;
    for class in Class::ALL {
        let count = |work, cluster| count(work, class, cluster, folder.path());
        let (few, many) = (count(Work::Answer, &small)?, count(Work::Answer, &large)?);
        let growth = many / few;
        flat &= growth <= GROWTH;
        println!(
            "| {} | {:.0} | {:.0} | {few:.0} | {many:.0} | {growth:.3} |",
            class.name(),
            count(Work::Uid, &small)?,
            count(Work::Review, &small)?,
        );
    }
    let verdict = if flat { "PASS" } else { "FAIL" };
    println!("\n{verdict}: an answer costs at most {GROWTH} times as much with the large view");
    Ok(flat)
}

/// The instructions of one piece of work.
#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn count(work: Work, class: Class, cluster: &Path, folder: &Path) -> Result<f64> {
    let name = |value: Option<clap::builder::PossibleValue>| {
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    };
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=*many_times*"])
        .arg(format!(
            "--callgrind-out-file={}",
            folder.join("out").display()
        ))
        .arg(std::env::current_exe()?)
        .args(["--work", &name(work.to_possible_value())])
        .args(["--class", &name(class.to_possible_value())])
        .arg("--cluster")
        .arg(cluster)
        .output()
        .context("valgrind counts the instructions: install it")?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "callgrind failed: {told}");
    let line = told
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let (_, number) = line.with_context(|| format!("callgrind counted nothing: {told}"))?;
    let number: u64 = number.trim().parse().context("callgrind's figure")?;
    Ok(number as f64 / TIMES as f64)
}

fn work_on(work: Work, class: Class, cluster: &Path) -> Result<()> {
    let policies = store::compile_folder("policies".as_ref(), false)?;
    let view = store::read_cluster(&[cluster.to_owned()])?.view;
    let body = class.review();
    let answer = || answering::answer(class, &body, &policies, &view);
    let text = answer()?;
    ensure!(
        String::from_utf8_lossy(&text).contains(class.mark()),
        "{} is not answered as expected",
        class.name()
    );
    match work {
        Work::Uid => many_times(|| answering::read_uid(&body)),
        Work::Review => many_times(|| answering::read_review(&body)),
        Work::Answer => many_times(answer),
    }
    Ok(())
}

/// The instructions in here are counted, and no others.
#[inline(never)]
fn many_times<T>(work: impl Fn() -> T) {
    for _ in 0..TIMES {
        black_box(work());
    }
}

/// As JSON, which is read some twenty times faster than YAML: under callgrind that matters.
fn write_cluster(folder: &Path, data_sources: usize, namespaces: usize) -> Result<PathBuf> {
    let path = folder.join(format!("{data_sources}.json"));
    let text = reviews::cluster(data_sources, namespaces);
    let options = serde_saphyr::options! { budget: None };
    let cluster: Value = serde_saphyr::from_str_with_options(&text, options)?;
    std::fs::write(&path, cluster.to_string())?;
    Ok(path)
}
