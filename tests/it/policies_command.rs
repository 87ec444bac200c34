//! `goldkeeper policies` as it is typed, and how much memory hostile files get.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::seen::Seen;

const BROKEN: &str = "tests/fixtures/broken-policies";

/// What it says and its exit code; it says nothing on standard error unless it could not do its work.
fn policies(arguments: &[&str]) -> (String, i32) {
    let all: Vec<&str> = ["policies"].iter().chain(arguments).copied().collect();
    let Seen {
        code,
        stdout,
        stderr,
    } = Seen::goldkeeper(&all);
    assert_eq!(stderr.is_empty(), code < 2, "{stderr}");
    (if code < 2 { stdout } else { stderr }, code)
}

#[test]
fn exit_codes_tell_faults_from_paths_that_can_t_be_read() {
    let empty = tempfile::tempdir().unwrap();
    let empty = empty.path().to_str().unwrap();
    let (text, code) = policies(&[]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.starts_with("NAME ") && !text.contains('\u{1b}'),
        "{text}"
    );
    let (text, code) = policies(&["policies", &format!("{BROKEN}/two-faults.yaml"), "policies"]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains(
            "
error: 3 faults in 1 of "
        ),
        "{text}"
    );
    let (text, code) = policies(&["no-such-folder"]);
    assert_eq!(
        (code, text.contains("can't read no-such-folder")),
        (2, true),
        "{text}"
    );
    let (text, code) = policies(&[empty]);
    assert_eq!(
        (code, text.contains("--allow-no-policies")),
        (2, true),
        "{text}"
    );
    let (text, code) = policies(&[empty, "--allow-no-policies"]);
    assert_eq!(
        (code, text.contains("0 policies in 0 files")),
        (0, true),
        "{text}"
    );
    assert_eq!(policies(&["--now", "tomorrow"]).1, 2);
    assert_eq!(policies(&["--webhooks", "no-such-file"]).1, 2);
}

#[test]
fn every_form_tells_the_same_faults() {
    let file = format!("{BROKEN}/bad-date.yaml");
    let parse = |form: &str| -> Value {
        let (text, code) = policies(&[&file, "-o", form]);
        assert_eq!(code, 1, "{text}");
        serde_saphyr::from_str(&text).unwrap()
    };
    let json = parse("json");
    let remarks = json["remarks"].as_array().unwrap();
    let lines: Vec<u64> = remarks
        .iter()
        .map(|remark| remark["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [7, 8, 9]);
    assert_eq!(
        (&remarks[0]["column"], &remarks[0]["endColumn"]),
        (&35.into(), &45.into())
    );
    assert_eq!(parse("yaml"), json);
    let sarif = parse("sarif");
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let region =
        |result: &Value| result["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64();
    assert_eq!(results.iter().filter_map(region).collect::<Vec<_>>(), lines);
    let (github, _) = policies(&[&file, "-o", "github"]);
    let begins = format!(
        "::error file={file},line=7,col=35,endColumn=45,title=policy-file::spec.exemptions[0].expires: "
    );
    assert!(github.starts_with(&begins), "{github}");
    assert_eq!(github.lines().count(), 3);
    let (text, _) = policies(&[&file, "-o", "wide"]);
    assert_eq!(text.matches("error: spec.exemptions").count(), 3, "{text}");
    let (sound, code) = policies(&["-o", "sarif"]);
    assert_eq!(code, 0);
    assert!(sound.contains("\"results\": []"), "{sound}");
}

/// Runs it with 512 MiB of address space in all.
fn confined(file: &Path, text: &str) -> (String, Option<i32>) {
    fs::write(file, text).unwrap();
    let output = Command::new("bash")
        .args(["-c", "ulimit -v 524288; exec \"$0\" policies \"$1\""])
        .arg(env!("CARGO_BIN_EXE_goldkeeper"))
        .arg(file)
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        String::from_utf8_lossy(&said).into_owned(),
        output.status.code(),
    )
}

#[test]
fn hostile_files_get_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.yaml");
    let (said, code) = confined(
        &file,
        &fs::read_to_string("policies/boot-source-namespace.yaml").unwrap(),
    );
    assert_eq!(
        code,
        Some(0),
        "a sound file is read within the same bounds: {said}"
    );
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{aliases}]").unwrap();
    }
    let mut unknown = String::new();
    for number in 0..80_000 {
        write!(unknown, "u{number}: 1, ").unwrap();
    }
    let texts = [
        bomb,
        format!(
            "a: &a {}\nb: [{}]\n",
            "x".repeat(900_000),
            "*a, ".repeat(9_000)
        ),
        format!("a: &a [[[[x]]]]\nb: [{}]\n", "*a, ".repeat(90_000)),
        format!("a: {}", "&a [".repeat(200_000)),
        "- &a x\n".repeat(140_000),
        "---\n- x\n".repeat(100_000),
        "{\"unknown\": 1, ".repeat(60_000),
        format!("{{{unknown}}}"),
        format!("kind: {}\n", "k".repeat(1_000_000)),
        format!(
            "apiVersion: goldkeeper.io/v1\nkind: ProtectedNamespaces\nmetadata: {{name: p}}\nspec: {{validationActions: \
                 [Deny], parameters: {{namespaces: [{}]}}}}\n",
            "\"{a,b}{c,d}*\", ".repeat(60_000)
        ),
        "# padding\n".repeat(1_000_000),
        "# padding\n".repeat(2_000_000),
    ];
    for (number, text) in texts.iter().enumerate() {
        let started = std::time::Instant::now();
        let (said, code) = confined(&file, text);
        let shown: String = said.chars().take(300).collect();
        assert!(matches!(code, Some(0..=2)), "{number}: {code:?} {shown}");
        assert!(
            said.contains("error: ") || code == Some(0),
            "{number}: {shown}"
        );
        assert!(
            said.len() < 200_000,
            "{number}: {} bytes are said",
            said.len()
        );
        assert!(
            started.elapsed().as_secs() < 20,
            "{number}: {:?}",
            started.elapsed()
        );
    }
}
