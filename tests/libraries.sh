#!/usr/bin/env bash
# Dumps of real data: pandas, Arrow, scikit-learn, torch, joblib, dill, cloudpickle, in a venv that is kept in
# ~/.cache/hooking for the next time. One that cannot be had is a failure, but for torch.
# usage: tests/libraries.sh PYTHON STAGE   STAGE: the folder that holds the built package (build/stage)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tools/debian-tree.sh
. "$root/tools/debian-tree.sh"

[[ $# -eq 2 && -d $2/hooking ]] || die "usage: tests/libraries.sh PYTHON STAGE"
base=$("$1" -c 'import sys; print(sys._base_executable)')
stage=$(cd "$2" && pwd)
modules=(numpy pandas pyarrow sklearn joblib dill cloudpickle)
packages=(numpy pandas pyarrow scikit-learn joblib dill cloudpickle pytest pytest-xdist pexpect pyte)
# PyPI's own builds of it bring gigabytes of CUDA with them; this one is not there, but may be where pip looks besides
torch=torch==2.13.0+cpu

venv=$cache/libraries
stamp="$("$base" -V) ${packages[*]} $torch"
mkdir -p "$cache"
exec 9>"$cache/libraries.lock"
flock 9
if [[ ! -e $venv.stamp || $(<"$venv.stamp") != "$stamp" || -n $(find "$venv.stamp" -mtime "+$tree_days") ]]; then
  say "making a venv of $("$base" -V) with ${packages[*]}"
  rm -f "$venv.stamp"
  "$base" -m venv --clear "$venv"
  "$venv/bin/python" -m pip install -q --only-binary :all: "${packages[@]}" 9>&-
  "$venv/bin/python" -m pip install -q --only-binary :all: "$torch" 9>&- 2>"$venv.torch.log" || :
  printf '%s\n' "$stamp" >"$venv.stamp"
fi
if "$venv/bin/python" -c 'import torch' 2>/dev/null; then
  modules+=(torch)
else
  say "torch is not tried: pip finds no $torch for $("$base" -V)"
fi

cd "$root"
HK_LIBRARIES="${modules[*]}" PYTHONPATH=$stage PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" -m pytest -q -n "$(nproc)" \
  -p no:cacheprovider tests/py/test_dump_libraries.py tests/py/test_dump_arrays.py \
  tests/py/test_checkpoint.py::test_tensors tests/py/test_checkpoint.py::test_libraries 9>&-
