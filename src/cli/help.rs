//! How the commands are shown: in groups, and under the name they were called by.

use std::fmt::Write as _;
use std::path::Path;

use clap::builder::StyledStr;
use clap::{Command, CommandFactory};

use super::Cli;

/// The name under which kubectl finds its plugin.
const PLUGIN: &str = "kubectl-goldkeeper";

/// Which commands stand together. A test holds that every command is in one of them.
const GROUPS: &[(&str, &[&str])] = &[
    (
        "Policies",
        &["policies", "check", "test", "rules", "schema"],
    ),
    (
        "A cluster",
        &["snapshot", "boot-sources", "audit", "rehearse", "doctor"],
    ),
    ("The webhook", &["serve", "webhook-config", "rbac", "certs"]),
    ("Other", &["completions"]),
];

/// The command line, under the name in `argv[0]`.
pub(super) fn command(called: Option<&Path>) -> Command {
    let is_plugin = called
        .and_then(Path::file_stem)
        .is_some_and(|stem| stem == PLUGIN);
    let name = if is_plugin {
        "kubectl goldkeeper"
    } else {
        "goldkeeper"
    };
    let command = Cli::command();
    let template = template(&command);
    let command = command.bin_name(name).help_template(template);
    if is_plugin {
        renamed(command, name)
    } else {
        command
    }
}

/// Examples are there to be copied.
fn renamed(command: Command, name: &str) -> Command {
    let all: Vec<String> = command
        .get_subcommands()
        .map(|sub| sub.get_name().to_owned())
        .collect();
    all.iter().fold(command, |command, sub| {
        command.mut_subcommand(sub, |sub| {
            let text = sub.get_after_help().map(ToString::to_string);
            match text {
                Some(text) => sub.after_help(rename(&text, name)),
                None => sub,
            }
        })
    })
}

fn rename(text: &str, name: &str) -> String {
    ["  goldkeeper ", "<(goldkeeper ", "`goldkeeper "]
        .iter()
        .fold(text.to_owned(), |text, place| {
            text.replace(place, &place.replace("goldkeeper", name))
        })
}

/// The help of the whole, with the commands in their groups where clap has one list of them.
fn template(command: &Command) -> StyledStr {
    let styles = command.get_styles();
    let (header, literal) = (styles.get_header(), styles.get_literal());
    let names = command.get_subcommands().map(|sub| sub.get_name().len());
    let width = names.max().unwrap_or_default();
    let mut text = "{about-with-newline}\n{usage-heading} {usage}\n".to_owned();
    for (group, names) in GROUPS {
        let subs = names
            .iter()
            .filter_map(|name| command.find_subcommand(name));
        for (number, sub) in subs.enumerate() {
            if number == 0 {
                let _ = writeln!(text, "\n{header}{group}:{header:#}");
            }
            let (name, about) = (sub.get_name(), sub.get_about().cloned().unwrap_or_default());
            let _ = writeln!(text, "  {literal}{name:width$}{literal:#}  {about}");
        }
    }
    let _ = write!(
        text,
        "\n{header}Options:{header:#}\n{{options}}{{after-help}}"
    );
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_in_one_group() {
        let command = Cli::command();
        for sub in command.get_subcommands() {
            let groups = GROUPS
                .iter()
                .filter(|(_, names)| names.contains(&sub.get_name()));
            assert_eq!(groups.count(), 1, "{}", sub.get_name());
        }
    }

    #[test]
    fn every_command_says_what_it_does_and_has_an_example() {
        let command = Cli::command();
        let help = self::command(None).render_help().to_string();
        for sub in command.get_subcommands() {
            let about = sub.get_about().unwrap().to_string();
            assert!(
                !about.ends_with('.') && about.starts_with(char::is_uppercase),
                "{about}"
            );
            assert!(help.contains(&about), "{help}");
            let more = sub.get_after_help().unwrap().to_string();
            let example = format!("goldkeeper {}", sub.get_name());
            assert!(
                more.contains("Examples:\n") && more.contains(&example),
                "{more}"
            );
            // What is longer is broken in two on every terminal (`max_term_width`), examples too.
            let long = more.lines().find(|line| line.chars().count() > 110);
            assert_eq!(long, None, "{}", sub.get_name());
        }
    }

    #[test]
    fn a_plugin_of_kubectl_goes_by_its_name() {
        let mut command = self::command(Some(Path::new("/usr/bin/kubectl-goldkeeper")));
        command.build();
        let help = command.render_help().to_string();
        assert!(
            help.contains("Usage: kubectl goldkeeper <COMMAND>"),
            "{help}"
        );
        for sub in command
            .get_subcommands_mut()
            .filter(|sub| sub.get_name() != "help")
        {
            let help = sub.render_help().to_string();
            let left = help.lines().find(|line| line.starts_with("  goldkeeper "));
            assert_eq!(left, None);
            assert!(help.contains("kubectl goldkeeper "), "{help}");
        }
    }
}
