#!/usr/bin/env bash
# README's two commands, word for word, on a fresh Debian: a minimal tree with
# nothing but the base system, this repository copied in, and no PyPI. Needs root
# or sudo. The pristine tree is kept in the cache folder, a copy of it is used up.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tools/debian-tree.sh
. "$root/tools/debian-tree.sh"

suite=${1:-trixie}
pristine=$cache/$suite
there=/root/hooking

# The commands are what README's first code block says.
commands=$(awk '/^```/ { if (inside) exit; inside = 1; next } inside && NF' "$root/README.md")
for want in demo check; do
  grep -qE "^\./bootstrap $want( |$)" <<<"$commands" ||
    die "README.md's first code block has no line ./bootstrap $want"
done

mkdir -p "$cache"
exec 9>"$cache/fresh.lock"
flock 9
make_tree "$suite" "$pristine"

tree=$(mktemp -d "$cache/fresh.XXXXXX")
trap 'remove_tree "$tree"' EXIT
as_root cp -a --reflink=auto "$pristine/." "$tree/"
# whoever asks for PyPI shall not find it
printf '0.0.0.0 %s\n' pypi.org files.pythonhosted.org | as_root tee -a "$tree/etc/hosts" >/dev/null
sources=$(mktemp -d)
copy_sources "$sources"
as_root cp -r "$sources" "$tree$there"
rm -rf "$sources"

while IFS= read -r command; do
  begin=$SECONDS
  say "fresh $suite: $command"
  in_tree "$tree" bash -c "cd $there && $command" </dev/null 9>&- ||
    die "on a fresh $suite this failed with status $?: $command"
  say "fresh $suite: $command: ok, $((SECONDS - begin)) s"
done <<<"$commands"
