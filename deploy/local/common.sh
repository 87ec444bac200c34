# shellcheck shell=bash
# What up and down have in common; sourced, not run.

repo=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
state=$repo/target/local
# In the order in which they are started; they are stopped in reverse.
# shellcheck disable=SC2034
pieces=(etcd kube-apiserver goldkeeper)

# Is piece $1 running? A process counts only if its command line names the state
# folder, so that a recycled process id is never mistaken for one of ours.
running() {
  local pid command
  [[ -f $state/$1.pid ]] || return 1
  pid=$(<"$state/$1.pid")
  if [[ -d /proc/self ]]; then
    command=$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") || return 1
  else
    command=$(ps -ww -o args= -p "$pid") || return 1
  fi
  [[ $command == *"$state/"* ]]
}
