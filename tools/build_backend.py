"""Build hooking for pip: PEP 517 and PEP 660 over configure and make.

What the extension consists of stands in Makefile.am; here is only how to run
it and how to pack what `make install` leaves. Standard library only, nothing is
fetched. `--config-settings configure=--enable-werror` hands options to configure.
"""

import base64
import contextlib
import hashlib
import io
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
NAME = PROJECT["name"]
VERSION = re.search(
    r'^__version__ = "(.+)"$', (ROOT / "python/hooking/__init__.py").read_text("utf-8"), re.M
)[1]
DIST_INFO = f"{NAME}-{VERSION}.dist-info"
SOURCE_LICENSE = "MIT"
BINARY_LICENSE = "MIT AND GPL-3.0-or-later"
AUTOTOOLS = "autoconf automake libtool pkg-config"


# --- the hooks ----------------------------------------------------------------


def _nothing_required(config_settings=None):
    return []


get_requires_for_build_wheel = _nothing_required
get_requires_for_build_sdist = _nothing_required
get_requires_for_build_editable = _nothing_required


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    """Write the .dist-info folder and return its name."""
    for name, data in _dist_info().items():
        path = pathlib.Path(metadata_directory, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return DIST_INFO


prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """Build in a temporary folder, pack what `make install` leaves, return the file's name."""
    with _source() as source, tempfile.TemporaryDirectory(prefix="hooking-build-") as temp:
        build, dest = pathlib.Path(temp, "build"), pathlib.Path(temp, "dest")
        _configure(source, build, config_settings)
        _make(build, "install", f"DESTDIR={dest}", "pythondir=/lib", "bindir=/bin", "mandir=/man")
        # without the .dist-info that is beside it, for one of a wheel has more
        files = {f"{NAME}/{name}": data for name, data in _tree(dest / "lib" / NAME).items()}
        # the script is pip's to make, out of entry_points.txt
        files |= {
            f"{NAME}-{VERSION}.data/data/share/man/{name}": data
            for name, data in _tree(dest / "man").items()
        }
    return _write_wheel(wheel_directory, files)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    """Build in build/editable and return a wheel that only points there.

    The package that it points to consists of links: a change to a .py file counts
    at once, a change to a .c file after `make -C build/editable`.
    """
    if (ROOT / "config.status").exists():
        _fail(f"{ROOT} is configured itself: run `make distclean` there, then try again")
    if not _is_sdist():
        _autoreconf(ROOT)
    build = ROOT / "build" / "editable"
    _configure(ROOT, build, config_settings, "--enable-maintainer-mode")
    _make(build, "all")
    pth = f"{build / 'stage'}\n".encode()
    return _write_wheel(wheel_directory, {f"__editable__.{NAME}-{VERSION}.pth": pth})


def build_sdist(sdist_directory, config_settings=None):
    """Return the name of the archive that `make dist` writes: configure is in it."""
    with _source() as source, tempfile.TemporaryDirectory(prefix="hooking-build-") as temp:
        _configure(source, pathlib.Path(temp), config_settings)
        _make(temp, "dist-gzip")
        name = f"{NAME}-{VERSION}.tar.gz"
        shutil.copy(pathlib.Path(temp, name), sdist_directory)
    return name


# --- configure and make -------------------------------------------------------


def _is_sdist():
    return (ROOT / "PKG-INFO").exists()


@contextlib.contextmanager
def _source():
    """Give a source tree with an up-to-date configure that can be built from elsewhere.

    An unpacked sdist serves as it is. A checkout is copied: its configure may be
    missing or stale, and one that is configured itself cannot be built elsewhere.
    """
    if _is_sdist() and not (ROOT / "config.status").exists():
        yield ROOT
        return
    with tempfile.TemporaryDirectory(prefix="hooking-source-") as temp:
        source = pathlib.Path(temp, NAME)
        shutil.copytree(ROOT, source, symlinks=True, ignore=_products)
        if not _is_sdist():
            _autoreconf(source)
        yield source


def _products(folder, names):
    """For copytree: whatever a build, a test run or a developer leaves behind."""
    folder = pathlib.Path(folder)
    out = {n for n in names if re.fullmatch(r"__pycache__|\.libs|\.deps|.*\.(o|lo|la|so|pyc)", n)}
    if folder == ROOT:
        out |= {n for n in names if n.startswith(".") and n != ".ci"}
        out |= {"Makefile", "libtool", "stage", "stage.stamp", "autom4te.cache", "build", "dist"}
        out |= {"config.status", "config.log"}
        out |= {n for n in names if (folder / n / "config.status").exists()}
        out |= {n for n in names if (folder / n / "pyvenv.cfg").exists()}
    return out & set(names)


def _autoreconf(source):
    _run(["autoreconf", "-fi"], source, f"install {AUTOTOOLS}, or build from the sdist")


def _configure(source, build, config_settings, *options):
    given = (config_settings or {}).get("configure", [])
    for words in [given] if isinstance(given, str) else given:
        options += tuple(shlex.split(words))
    pathlib.Path(build).mkdir(parents=True, exist_ok=True)
    configure = os.path.relpath(source / "configure", build)
    _run([configure, f"PYTHON={sys.executable}", *options], build)


def _make(build, *targets):
    jobs = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    _run(["make", f"-j{jobs}", *targets], build, "install make")


def _run(command, folder, remedy=""):
    """Run it; the remedy is for when there is no such command."""
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "DESTDIR")}
    sys.stdout.flush()
    try:
        subprocess.run(command, cwd=folder, env=env, check=True, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        _fail(f"no {command[0]}: {remedy}")
    except subprocess.CalledProcessError as error:
        _fail(f"{' '.join(command)}: status {error.returncode}; what it said is above")


def _fail(message):
    raise SystemExit(f"{NAME}: {message}")


# --- metadata and the wheel ---------------------------------------------------


def _metadata(license_expression, license_files=()):
    head = [
        ("Metadata-Version", "2.4"),
        ("Name", NAME),
        ("Version", VERSION),
        ("Summary", PROJECT["description"]),
        ("License-Expression", license_expression),
        *(("License-File", name) for name in license_files),
        ("Keywords", ",".join(PROJECT["keywords"])),
        *(("Classifier", name) for name in PROJECT["classifiers"]),
        ("Requires-Python", PROJECT["requires-python"]),
        ("Description-Content-Type", "text/markdown; charset=UTF-8"),
    ]
    readme = ROOT / PROJECT["readme"]
    text = readme.read_text("utf-8") if readme.exists() else ""
    return "".join(f"{key}: {value}\n" for key, value in head) + "\n" + text


def _tag():
    platform = re.sub(r"[-.]", "_", sysconfig.get_platform())
    return f"cp311-abi3-{platform}"


def _entry_points():
    points = {"console_scripts": PROJECT["scripts"], **PROJECT["entry-points"]}
    sections = (
        f"[{group}]\n" + "".join(f"{name} = {where}\n" for name, where in entries.items())
        for group, entries in points.items()
    )
    return "\n".join(sections)


def _dist_info():
    """Give a wheel's .dist-info folder without RECORD: name -> content."""
    texts = {
        "METADATA": _metadata(BINARY_LICENSE, PROJECT["license-files"]),
        "WHEEL": f"Wheel-Version: 1.0\nGenerator: {NAME} ({VERSION})\n"
        f"Root-Is-Purelib: false\nTag: {_tag()}\n",
        "entry_points.txt": _entry_points(),
    }
    for name in PROJECT["license-files"]:
        texts[f"licenses/{name}"] = (ROOT / name).read_text("utf-8")
    return {f"{DIST_INFO}/{name}": text.encode() for name, text in texts.items()}


def _stage_dist_info(stage):
    """Put a .dist-info beside the package that make has staged, by which pip and pytest find it."""
    folder = pathlib.Path(stage, DIST_INFO)
    folder.mkdir()
    texts = {
        "METADATA": _metadata(BINARY_LICENSE),
        "entry_points.txt": _entry_points(),
        "INSTALLER": "make\n",
        # pip can put a wheel in the place of it; no hashes, for the files are links into the sources
        "RECORD": "",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    (folder / "RECORD").write_text("".join(f"{name},,\n" for name in _tree(pathlib.Path(stage))), "utf-8")


def _tree(top):
    """Give every file below TOP: relative name -> content."""
    return {
        path.relative_to(top).as_posix(): path.read_bytes()
        for path in sorted(top.rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    }


def _write_wheel(folder, files):
    """Pack FILES (name -> content) and the metadata, return the wheel's file name."""
    files = {**files, **_dist_info()}
    record_name = f"{DIST_INFO}/RECORD"
    record = io.StringIO()
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record.write(f"{name},sha256={digest},{len(data)}\n")
    record.write(f"{record_name},,\n")
    files[record_name] = record.getvalue().encode()

    # 1980 is where zip's calendar begins
    stamp = max(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())), 315532800)
    when = time.gmtime(stamp)[:6]
    wheel = f"{NAME}-{VERSION}-{_tag()}.whl"
    with zipfile.ZipFile(pathlib.Path(folder, wheel), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, when)
            info.compress_type = zipfile.ZIP_DEFLATED
            mode = 0o755 if name.endswith(".so") else 0o644
            info.external_attr = (0o100000 | mode) << 16
            archive.writestr(info, data)
    return wheel


if __name__ == "__main__":
    if sys.argv[1:] == ["pkg-info"]:
        # make dist: a source archive is an sdist, whoever packs it
        sys.stdout.write(_metadata(SOURCE_LICENSE, PROJECT["license-files"]))
    elif sys.argv[1:2] == ["dist-info"] and len(sys.argv) == 3:
        _stage_dist_info(sys.argv[2])
    else:
        _fail(f"usage: {sys.argv[0]} pkg-info | dist-info STAGE")
