import os
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Callable, Literal, NamedTuple, TypeVar, overload

__all__ = [
    "Checkpoint",
    "DumpError",
    "UntrustedDump",
    "ahook",
    "dump",
    "hook",
    "inspect_dump",
    "install",
    "load",
    "post_mortem",
    "rescue",
    "run_as_main",
    "set_trace",
    "track_globals",
    "uninstall",
    "unwatch",
    "watch",
]
__version__: str

# What is only tested for its truth is an object; `when` may also be a callable without arguments.
def hook(
    banner_msg: str | None = None,
    overwrite_locals: object = False,
    logger: str = "root",
    *,
    when: object = True,
    once: object = False,
    after: int = 0,
    keep: object = (),
    isolate: object = False,
) -> None: ...
def ahook(
    banner_msg: str | None = None,
    overwrite_locals: object = False,
    logger: str = "root",
    *,
    when: object = True,
    once: object = False,
    after: int = 0,
    keep: object = (),
) -> Coroutine[Any, None, None]: ...
def set_trace(
    banner_msg: str | None = None,
    overwrite_locals: object = True,
    logger: str = "root",
    *,
    when: object = True,
    once: object = False,
    after: int = 0,
    keep: object = (),
    isolate: object = False,
    header: str | None = None,
    commands: Sequence[str] | None = None,
) -> None: ...
def post_mortem(exc: BaseException | TracebackType | None = None) -> None: ...
def install() -> None: ...
def uninstall() -> None: ...

_F = TypeVar("_F", bound=Callable[..., Any])
_Exceptions = type[BaseException] | tuple["_Exceptions", ...]

class _Rescue:
    @overload
    def __call__(self, *exceptions: _Exceptions) -> _Rescue: ...
    @overload
    def __call__(self, function: _F, /) -> _F: ...
    def __enter__(self) -> None: ...
    def __exit__(
        self, kind: type[BaseException] | None, exception: BaseException | None, traceback: TracebackType | None, /
    ) -> bool: ...

rescue: _Rescue

class _Watch:
    unbound: object
    @property
    def number(self) -> int: ...
    @property
    def target(self) -> str: ...
    @property
    def hits(self) -> int: ...
    @property
    def value(self) -> Any: ...
    @property
    def old(self) -> Any: ...
    @property
    def new(self) -> Any: ...
    @property
    def condition(self) -> str | Callable[[Any, Any], object] | None: ...
    @property
    def file(self) -> str | None: ...
    @property
    def line(self) -> int: ...
    @property
    def function(self) -> str | None: ...
    @property
    def active(self) -> bool: ...
    def remove(self) -> None: ...
    def __enter__(self) -> _Watch: ...
    def __exit__(self, *raised: object) -> None: ...

def watch(
    target: str,
    *,
    when: str | Callable[[Any, Any], object] | None = None,
    read: object = False,
    call: Callable[[Any, Any, _Watch], object] | None = None,
    depth: int = 0,
) -> _Watch: ...
def unwatch(which: _Watch | int | str, /) -> int: ...

_Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]

class DumpError(ValueError): ...
class UntrustedDump(DumpError): ...

def dump(obj: object, path: _Path, *, name: str | None = None) -> None: ...
def load(
    path: _Path,
    *,
    trust: object = None,
    mmap: object = True,
    verify: object = False,
    modules: Mapping[str, str] | None = None,
) -> Any: ...
def run_as_main(
    path: _Path | None = None, *, module: str | None = None, argv: Iterable[str] | None = None
) -> None: ...
class Checkpoint:
    frequency: float
    min_obj_size: int
    frames: bool
    sync: bool
    verbose: bool
    @property
    def keep(self) -> int: ...
    @property
    def keep_every(self) -> int: ...
    @property
    def max_size(self) -> int: ...
    @property
    def output_dir(self) -> str: ...
    @property
    def script(self) -> str: ...
    @property
    def resumed(self) -> dict[str, Any]: ...
    def __init__(
        self,
        output_dir: _Path = "checkpoints",
        *,
        frequency: float = -1,
        min_obj_size: int = 0,
        script: str | None = None,
        frames: object = False,
        jobs: int = 1,
        keep: int = 0,
        keep_every: int = 0,
        max_size: int = 0,
        sync: object = False,
        verbose: object = False,
        resume: object = False,
    ) -> None: ...
    @classmethod
    def get_global_singleton(cls) -> Checkpoint: ...
    @staticmethod
    def restore(
        name: str = "latest", *, output_dir: _Path = "checkpoints", script: str | None = None
    ) -> dict[str, Any]: ...
    def snapshot(self, name: str = "snapshot") -> str | None: ...
    def track(self, object: object, /) -> None: ...
    def untrack(self, object: object, /) -> None: ...
    def track_library(self, prefix: str, /) -> None: ...
    def resume_or(self, name: str, default: Any) -> Any: ...
    def wait(self) -> None: ...
    def close(self) -> None: ...
    def __enter__(self) -> Checkpoint: ...
    def __exit__(self, *raised: object) -> None: ...

def inspect_dump(path: _Path, *, verify: object = True) -> dict[str, Any]: ...

class _Place(NamedTuple):
    module: str
    name: str
    kind: Literal["read", "builtin", "missing", "write", "delete"]
    how: Literal["name", "attribute", "item", "other"]
    function: str
    file: str
    line: int | None
    thread: int
    count: int

class track_globals:
    mode: Literal["all", "names"]
    where: bool
    def __init__(
        self, target: object = None, *, mode: Literal["all", "names"] = "all", where: object = False
    ) -> None: ...
    @property
    def reads(self) -> dict[str, dict[str, int]]: ...
    @property
    def writes(self) -> dict[str, dict[str, int]]: ...
    @property
    def deletes(self) -> dict[str, dict[str, int]]: ...
    @property
    def builtins(self) -> dict[str, dict[str, int]]: ...
    @property
    def missing(self) -> dict[str, dict[str, int]]: ...
    @property
    def by_function(self) -> dict[str, dict[str, dict[str, int]]]: ...
    @property
    def places(self) -> list[_Place]: ...
    @property
    def limits(self) -> list[str]: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def __enter__(self) -> track_globals: ...
    def __exit__(self, *exception: object) -> None: ...
    def __call__(self, function: _F) -> _F: ...
    def as_dict(self) -> dict[str, Any]: ...
    def to_json(self, indent: int | None = None) -> str: ...
    def to_dot(self) -> str: ...
    def fingerprint(self) -> dict[str, str]: ...
