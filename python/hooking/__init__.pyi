__all__ = ["hook", "set_trace"]
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
) -> None: ...
def set_trace() -> None: ...
