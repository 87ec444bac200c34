//! `goldkeeper completions`

use anyhow::Result;
use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::{Shell, generate};

use super::screen::print;
use super::{Cli, Verdict};

/// Arguments of `goldkeeper completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  source <(goldkeeper completions bash)                      for this shell
  goldkeeper completions zsh > ~/.zfunc/_goldkeeper          a folder of your fpath
  goldkeeper completions fish > ~/.config/fish/completions/goldkeeper.fish

As a plugin of kubectl, in a folder of your PATH:
  ln -s \"$(command -v goldkeeper)\" ~/bin/kubectl-goldkeeper
  goldkeeper completions kubectl > ~/bin/kubectl_complete-goldkeeper
  chmod +x ~/bin/kubectl_complete-goldkeeper")]
pub(super) struct Completions {
    /// Shell to complete for; `kubectl` is the program that kubectl asks about its plugin (it needs bash)
    #[arg(value_enum, value_name = "SHELL")]
    shell: Target,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Target {
    Bash,
    Zsh,
    Fish,
    Kubectl,
}

/// The first lines of what kubectl runs.
const KUBECTL_HEAD: &str = "#!/usr/bin/env bash\n# Made by `goldkeeper completions kubectl`.\n";

/// What kubectl runs with the words that follow the plugin's name, the last one being completed; it reads one completion
/// a line, and then what the shell is to do (`:0`: what it always does). See `pkg/cmd/plugin.go` in kubernetes/kubectl.
const FOR_KUBECTL: &str = r#"
COMP_WORDS=(goldkeeper "$@")
COMP_CWORD=$#
previous=${COMP_WORDS[$((COMP_CWORD > 0 ? COMP_CWORD - 1 : 0))]}
COMPREPLY=()
_goldkeeper goldkeeper "${COMP_WORDS[COMP_CWORD]}" "$previous"
for completion in "${COMPREPLY[@]}"; do
    printf '%s\n' "$completion"
done
echo :0
"#;

impl Completions {
    /// Prints the script.
    pub(super) fn run(self) -> Result<Verdict> {
        let shell = match self.shell {
            Target::Bash | Target::Kubectl => Shell::Bash,
            Target::Zsh => Shell::Zsh,
            Target::Fish => Shell::Fish,
        };
        let mut script = Vec::new();
        generate(shell, &mut Cli::command(), "goldkeeper", &mut script);
        let script = String::from_utf8(script)?;
        print(&match self.shell {
            Target::Kubectl => format!("{KUBECTL_HEAD}{script}{FOR_KUBECTL}"),
            _ => script,
        })?;
        Ok(Verdict::Clean)
    }
}
