"""A hook() of the plainest kind, in Python: find the caller with inspect.stack(), merge its names, code.interact()."""

import code
import ctypes
import inspect


def hook(banner_msg=None, overwrite_locals=False):
    caller = inspect.stack()[1]
    frame = caller.frame
    before = dict(frame.f_locals)
    names = {}
    names.update(dict(frame.f_globals))
    names.update(before)
    banner = f"Hooked at {caller.filename}:{caller.lineno} - Exit with CTRL+D"
    code.interact(f"{banner_msg}\n{banner}" if banner_msg else banner, local=names, exitmsg="")
    if overwrite_locals:
        frame.f_locals.update((name, names[name]) for name in before)
        ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))
    del caller, frame
