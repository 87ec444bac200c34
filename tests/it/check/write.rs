//! `--write`: what is filled in gets into the files, and nothing else changes.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::desk::{Desk, GOLDEN_VM, vm};

/// Writes, and holds that there is nothing left to do.
fn written(desk: &Desk, file: &str) -> String {
    let seen = desk.check(&[file, "--write", "--fail-on", "fill"]);
    assert_eq!(seen.code, 0, "{}{}", seen.stdout, seen.stderr);
    assert!(
        seen.stdout.contains("(written into 1 file)"),
        "{}",
        seen.stdout
    );
    let text = desk.read(file);
    let again = desk.check(&[file, "--write", "--fail-on", "fill"]);
    assert!(
        again.stdout.contains(": nothing to say"),
        "{}",
        again.stdout
    );
    assert_eq!(desk.read(file), text, "a second run changed it again");
    text
}

#[test]
fn one_line_is_added_and_nothing_else_is_touched() {
    let desk = Desk::new();
    let text = format!(
        "\u{feff}# above\r\n{}# below",
        GOLDEN_VM.replace('\n', "\r\n")
    );
    desk.write("vm.yaml", &text);
    let expected = text.replace(
        "name: rhel9\r\n",
        "name: rhel9\r\n        namespace: gold-images\r\n",
    );
    assert_eq!(written(&desk, "vm.yaml"), expected);
}

#[test]
fn several_documents_lists_and_json_are_written() {
    let desk = Desk::new();
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n- {}",
        GOLDEN_VM.trim_end().replace('\n', "\n  ")
    );
    desk.write(
        "all.yaml",
        &format!("{list}\n---\n{}---\n{GOLDEN_VM}", vm("demo", "x")),
    );
    let text = written(&desk, "all.yaml");
    assert_eq!(text.matches("namespace: gold-images\n").count(), 2);
    assert_eq!(
        text.replace("          namespace: gold-images\n", "")
            .matches("namespace: gold-images")
            .count(),
        1
    );
    let json = "{\n  \"apiVersion\": \"kubevirt.io/v1\", \"kind\": \"VirtualMachine\",\n  \"metadata\": {\"name\": \"web\", \
                \"namespace\": \"demo\"},\n  \"spec\": {\"dataVolumeTemplates\": [{\"spec\": {\"sourceRef\": {\"kind\": \
                \"DataSource\", \"name\": \"rhel9\"}}}]}\n}\n";
    desk.write("vm.json", json);
    let expected = json.replace("\"rhel9\"", "\"rhel9\", \"namespace\": \"gold-images\"");
    assert_eq!(written(&desk, "vm.json"), expected);
}

#[test]
fn what_is_not_safe_is_declined_and_told() {
    let desk = Desk::new();
    let text = GOLDEN_VM.replace(
        "      sourceRef:\n        kind: DataSource\n        name: rhel9\n",
        "      sourceRef: *source\n",
    );
    let text = format!("x-source: &source {{kind: DataSource, name: rhel9}}\n{text}");
    desk.write("vm.yaml", &text);
    let seen = desk.check(&["vm.yaml", "--write"]);
    assert_eq!(seen.code, 0);
    assert_eq!(desk.read("vm.yaml"), text);
    let told = "vm.yaml:13  /spec/dataVolumeTemplates/0/spec/sourceRef/namespace is not put in: it comes by an alias or a \
                merge key: other places read it too\n";
    assert!(seen.stdout.contains(told), "{}", seen.stdout);
    assert_eq!(
        desk.check(&["vm.yaml", "--write", "--fail-on", "fill"])
            .code,
        1
    );
    let json = desk.check(&["vm.yaml", "--write", "-o", "json"]).json();
    assert_eq!(
        (&json["summary"]["declined"], &json["summary"]["written"]),
        (&1.into(), &0.into())
    );
    assert_eq!(
        (&json["declined"][0]["file"], &json["declined"][0]["line"]),
        (&"vm.yaml".into(), &13.into())
    );
    for form in ["github", "sarif"] {
        let seen = desk.check(&["vm.yaml", "--write", "-o", form]).stdout;
        assert!(
            seen.contains("is not put in: it comes by an alias"),
            "{form}: {seen}"
        );
    }
}

#[test]
fn links_and_permissions_stay() {
    let desk = Desk::new();
    desk.write("real/vm.yaml", GOLDEN_VM);
    std::fs::set_permissions(desk.path("real/vm.yaml"), PermissionsExt::from_mode(0o604)).unwrap();
    symlink("real/vm.yaml", desk.path("vm.yaml")).unwrap();
    written(&desk, "vm.yaml");
    assert!(
        desk.path("vm.yaml")
            .symlink_metadata()
            .unwrap()
            .is_symlink()
    );
    let mode = desk
        .path("real/vm.yaml")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o604);
    assert_eq!(
        std::fs::read_dir(desk.path("real")).unwrap().count(),
        1,
        "nothing is left behind"
    );
}

#[test]
fn a_file_that_can_t_be_written_is_exit_code_2_and_stays() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("vms")).unwrap();
    let target = desk.path("vms/vm.yaml");
    // A pipe has a text once, and no place to write to.
    let made = std::process::Command::new("mkfifo")
        .arg(&target)
        .status()
        .unwrap();
    assert!(made.success());
    let writer = {
        let target = target.clone();
        std::thread::spawn(move || std::fs::write(target, GOLDEN_VM).unwrap())
    };
    let seen = desk.check(&["vms/vm.yaml", "--write"]);
    writer.join().unwrap();
    assert_eq!(seen.code, 2, "{}", seen.stdout);
    assert!(
        seen.stderr.contains("it is no regular file"),
        "{}",
        seen.stderr
    );
}
