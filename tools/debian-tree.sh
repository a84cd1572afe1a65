# shellcheck shell=bash
# Debian trees to run things in, for tools/matrix and tests/fresh.sh: source this.
#
# The caller sets $root, the repository. Trees live in a cache folder outside it.
# Whatever is mounted in one is mounted in a namespace of its own, which ends with
# the command that runs there, however it ends: nothing stays mounted, so a tree
# can be removed safely.

# shellcheck disable=SC2034 # the caller's too
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hooking
tree_days=30 # then a tree is made anew: forky moves

say() { printf '== %s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }
as_root() { if ((EUID)); then sudo "$@"; else "$@"; fi; }

# need COMMAND PACKAGE...: have it, from apt if need be.
need() {
  command -v "$1" >/dev/null || [[ -x /usr/sbin/$1 ]] && return
  command -v apt-get >/dev/null || die "$1 is missing"
  say "installing ${*:2}"
  as_root env DEBIAN_FRONTEND=noninteractive sh -c \
    'apt-get -q update && apt-get -qy install --no-install-recommends "$@"' sh "${@:2}" >/dev/null </dev/null ||
    die "$1 is missing: apt-get install ${*:2}"
}

# The archive that this machine's apt uses, if it is Debian's.
debian_mirror() {
  local mirror
  # shellcheck disable=SC2016
  mirror=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 2>/dev/null |
    sed -n 's/^Debian|Debian|\(http:.*\)/\1/p' | head -n 1) || :
  printf '%s\n' "${mirror:-http://deb.debian.org/debian}"
}

# remove_tree DIR
remove_tree() {
  [[ -d $1 ]] || return 0
  if grep -qF " $(realpath "$1")/" /proc/mounts; then
    die "something is mounted below $1: not removed"
  fi
  as_root rm -rf --one-file-system -- "$1"
}

# make_tree SUITE DIR [PACKAGE...]: unless it is there and not too old, make a
# minimal tree in DIR and install the packages.
make_tree() {
  local suite=$1 tree=$2 script=/usr/share/debootstrap/scripts/$1 log=$2.log mirror stamp
  shift 2
  stamp="$suite ${*-}"
  mkdir -p "$(dirname "$tree")"
  if [[ -e $tree.stamp && -d $tree && $(<"$tree.stamp") = "$stamp" &&
    -z $(find "$tree.stamp" -mtime "+$tree_days") ]]; then
    return
  fi
  need debootstrap debootstrap debian-archive-keyring
  need unshare util-linux
  [[ -e $script ]] || script=/usr/share/debootstrap/scripts/sid
  mirror=$(debian_mirror)
  say "making a Debian $suite tree in $tree, from $mirror"
  rm -f "$tree.stamp"
  remove_tree "$tree"
  {
    as_root env PATH="$PATH:/usr/sbin:/sbin" \
      debootstrap --variant=minbase "$suite" "$tree" "$mirror" "$script" &&
      apt-config dump Acquire::http::Proxy Acquire::https::Proxy Acquire::Retries \
        Acquire::Check-Valid-Until Acquire::Check-Date |
      as_root tee "$tree/etc/apt/apt.conf.d/00as-outside" &&
      # nobody minds if a power cut spoils it
      echo force-unsafe-io | as_root tee "$tree/etc/dpkg/dpkg.cfg.d/unsafe" &&
      { (($# == 0)) || { in_tree "$tree" apt-get -q update &&
        in_tree "$tree" apt-get -qy install --no-install-recommends "$@" &&
        in_tree "$tree" apt-get clean; }; }
  } >"$log" 2>&1 </dev/null || {
    tail -n 30 "$log" >&2
    die "no Debian $suite tree; all of it is in $log"
  }
  printf '%s\n' "$stamp" >"$tree.stamp"
}

# in_tree DIR COMMAND...: run it there with /proc, /dev/pts and /dev/shm of its
# own, and nothing of this environment.
in_tree() {
  local tree=$1
  shift
  # shellcheck disable=SC2016
  as_root unshare --mount --propagation private --pid --fork --kill-child \
    bash -c '
      set -e
      tree=$1
      shift
      mount -t proc proc "$tree/proc"
      mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$tree/dev/pts"
      mount --bind "$tree/dev/pts/ptmx" "$tree/dev/ptmx"
      mount -t tmpfs tmpfs "$tree/dev/shm"
      status=0
      # not exec: this shell is the init of these processes, and reaps
      chroot "$tree" /usr/bin/env -i HOME=/root LANG=C.UTF-8 TERM=xterm \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        DEBIAN_FRONTEND=noninteractive "$@" || status=$?
      exit "$status"
    ' in_tree "$tree" "$@"
}

# copy_sources DIR: the repository's files as they stand, and no build products.
# shellcheck disable=SC2154 # the caller sets $root
copy_sources() {
  mkdir -p "$1"
  if git -C "$root" rev-parse --show-toplevel >/dev/null 2>&1; then
    git -C "$root" ls-files -z --cached --others --exclude-standard |
      (cd "$root" && while IFS= read -r -d '' file; do
        [[ ! -e $file ]] || printf '%s\0' "$file"
      done | tar --null -cf - -T -) | tar -C "$1" -xf -
  else
    tar -C "$root" -cf - --exclude=./build --exclude=./.venv --exclude=__pycache__ . |
      tar -C "$1" -xf -
  fi
}
