#!/usr/bin/env bash
# configure refuses what cannot work with one line that says what to install.
# usage: tests/configure.sh [PYTHON]
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${1:-$root/.venv/bin/python}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# refused WHAT PATTERN CONFIGURE-ARGUMENT...: exactly one error line, and this one.
refused() {
  local what=$1 pattern=$2 lines
  shift 2
  mkdir -p "$work/build"
  if (cd "$work/build" && "$root/configure" "$@") >"$work/out" 2>"$work/err" </dev/null; then
    echo "FAIL  $what: configure accepted it"
    failed=1
  else
    lines=$(grep -c . "$work/err") || :
    if ((lines == 1)) && grep -qE "^configure: error: .*$pattern" "$work/err"; then
      echo "ok    $what: $(<"$work/err")"
    else
      printf 'FAIL  %s:\n%s\n' "$what" "$(<"$work/err")"
      failed=1
    fi
  fi
  rm -rf "$work/build"
}

[[ -x $root/configure ]] || (cd "$root" && autoreconf -fi)

# A library that has readline's common functions and not GNU's own, as libedit.
mkdir -p "$work/edit/readline"
cat >"$work/edit/edit.c" <<'EOF'
int rl_initialize(void);
int rl_initialize(void) { return 0; }
char *readline(const char *prompt);
char *readline(const char *prompt) { return (char *)prompt; }
EOF
echo 'char *readline(const char *); typedef void *Keymap;' >"$work/edit/readline/readline.h"
: >"$work/edit/readline/history.h"
cc -shared -fPIC -o "$work/edit/libedit.so" "$work/edit/edit.c"
refused "libedit" "libedit.*apt install libreadline-dev" PYTHON="$python" \
  READLINE_CFLAGS="-I$work/edit" READLINE_LIBS="-L$work/edit -ledit"

refused "no readline" "readline.*apt install libreadline-dev" PYTHON="$python" \
  PKG_CONFIG_LIBDIR="$work"

mkdir "$work/no-xxhash"
: >"$work/no-xxhash/xxhash.h"
refused "no xxhash" "xxhash.h.*apt install libxxhash-dev" PYTHON="$python" CPPFLAGS="-I$work/no-xxhash"

refused "no pkg-config" "apt install pkg-config" PYTHON="$python" \
  PKG_CONFIG= ac_cv_path_ac_pt_PKG_CONFIG=no ac_cv_path_PKG_CONFIG=no

cat >"$work/python-old" <<EOF
#!/bin/sh
# an interpreter that is not new enough
exit 1
EOF
chmod +x "$work/python-old"
refused "an old Python" "no CPython >= 3.11.*apt install python3" PYTHON="$work/python-old"

# a Python whose headers are not installed
cat >"$work/python-bare" <<EOF
#!/bin/sh
exec "$python" -c '
import sys, sysconfig
sys.executable = "$work/python-bare"
real = sysconfig.get_path
sysconfig.get_path = lambda name, *a, **k: "$work/none" if name == "include" else real(name, *a, **k)
code = sys.argv[2] if sys.argv[1] == "-c" else sys.stdin.read()
exec(compile(code, "-", "exec"))
' "\$@"
EOF
chmod +x "$work/python-bare"
refused "no Python.h" "no Python.h.*apt install python3.[0-9]*-dev" PYTHON="$work/python-bare"

exit $failed
