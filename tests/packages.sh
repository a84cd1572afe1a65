#!/usr/bin/env bash
# pip: wheel, sdist, install and editable install, and what it has to know of
# `make install`; without network, from a copy of the repository as it stands.
# usage: tests/packages.sh [PYTHON]
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tools/debian-tree.sh
. "$root/tools/debian-tree.sh"
python=${1:-$root/.venv/bin/python}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# no index, no cache of wheels, and where we may, no network at all
export PIP_NO_INDEX=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
unset PIP_FIND_LINKS PIP_EXTRA_INDEX_URL
offline=()
unshare --net true 2>/dev/null && offline=(unshare --net)

# quietly WHAT COMMAND...
quietly() {
  local what=$1
  shift
  "${offline[@]}" "$@" >"$work/log" 2>&1 </dev/null || {
    cat "$work/log"
    die "$what failed: $*"
  }
  echo "ok    $what"
}

new_venv() {
  rm -rf "$work/venv"
  "$python" -m venv "$work/venv"
  pip=("$work/venv/bin/python" -m pip)
}

# installed_from FOLDER [INSTALLER], away from any folder that has a "hooking" in it.
installed_from() {
  (cd "$work/venv" && bin/python - "$1" "${2:-pip}" <<'EOF'
import importlib.metadata
import pathlib
import sys

import hooking._core

where = pathlib.Path(hooking._core.__file__)
assert where.is_relative_to(sys.argv[1]), f"{where} is not below {sys.argv[1]}"
assert where.name == "_core.abi3.so", where
assert importlib.metadata.version("hooking") == hooking.__version__
assert importlib.metadata.distribution("hooking").read_text("INSTALLER").strip() == sys.argv[2]
[script] = importlib.metadata.entry_points(group="console_scripts", name="hooking")
assert script.value == "hooking.__main__:main"
[plugin] = importlib.metadata.entry_points(group="pytest11", value="hooking.pytest_plugin")
assert plugin.name == plugin.value
EOF
  ) || die "what ${2:-pip} installed is not what it should be"
  venv/bin/hooking --help >/dev/null || die "the command hooking does not run"
}

copy_sources "$work/src"
cd "$work"
new_venv
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' src/python/hooking/__init__.py)

quietly "pip wheel" "${pip[@]}" wheel --no-deps -w wheels ./src
wheel=$(echo wheels/*.whl)
[[ $wheel == wheels/hooking-$version-cp311-abi3-*.whl ]] || die "the wheel is called $wheel"
packed=$("$python" -m zipfile -l "$wheel" | awk 'NR > 1 { print $1 }' | grep dist-info | LC_ALL=C sort)
info=hooking-$version.dist-info
[[ $packed == "$(printf '%s\n' "$info"/{METADATA,RECORD,WHEEL,entry_points.txt,licenses/LICENSE})" ]] ||
  die "the wheel has these: $packed"
quietly "pip install of the wheel" "${pip[@]}" install "$wheel"
installed_from "$work/venv"
[[ -e venv/share/man/man1/hooking.1 ]] || die "no man page"
"${pip[@]}" -q uninstall -y hooking

quietly "pip install of a checkout" "${pip[@]}" install ./src
installed_from "$work/venv"

new_venv
mkdir sdist
quietly "sdist" "$python" -c 'import sys
sys.path.insert(0, "src/tools")
import build_backend
build_backend.build_sdist("sdist")'
[[ -e sdist/hooking-$version.tar.gz ]] || die "the sdist is called $(ls sdist)"
# with these in front, whoever needs autotools fails
mkdir none
for tool in autoconf automake autoreconf aclocal autoheader libtoolize; do
  # shellcheck disable=SC2016
  printf '#!/bin/sh\necho "$0 is not needed here" >&2\nexit 1\n' >"none/$tool"
done
chmod +x none/*
quietly "pip install of the sdist, no autotools" \
  env PATH="$work/none:$PATH" "${pip[@]}" install "sdist/hooking-$version.tar.gz"
installed_from "$work/venv"

new_venv
quietly "pip install --editable" "${pip[@]}" install --editable ./src
installed_from "$work/src"
echo 'changed = True' >>src/python/hooking/__init__.py
(cd venv && bin/python -c 'import hooking; assert hooking.changed') ||
  die "an editable install does not see a changed file"
echo "ok    a change is seen at once"

# build/editable installs where its Python looks
"${pip[@]}" -q uninstall -y hooking
left() { find venv/ -iname '*hooking*' ! -name '*.pyc'; }
[[ -z $(left) ]] || die "pip uninstall of the editable install leaves $(left)"
mkdir -p "$(venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')/hooking-0.0.1.dist-info"
quietly "make install" make -C src/build/editable install
installed_from "$work/venv" make
[[ $(left | grep -c dist-info) = 1 ]] || die "make install leaves the metadata of another version"
quietly "make uninstall" make -C src/build/editable uninstall
[[ -z $(left) ]] || die "make uninstall leaves $(left)"
quietly "make install, once more" make -C src/build/editable install
quietly "pip install over that" "${pip[@]}" install --force-reinstall "$wheel"
installed_from "$work/venv"
