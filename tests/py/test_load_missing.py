"""A dump whose classes are not there: what is missing, of which file, and what to do."""

import os
import pickle
import sys
import types

import pytest

from dumps import run, stand_in
from hooking import DumpError, dump, load

try:
    import numpy
except ImportError:
    numpy = None


@pytest.fixture
def path(tmp_path, own_key):
    folder = tmp_path / "dumps"
    folder.mkdir()
    return folder / "x.dump"


TRAIN = '''
    from hooking import dump
    class Model:
        def __init__(self, size):
            self.size = size
    def helper():
        pass
    if __name__ == "__main__":
        dump([Model(5), helper], "model")
'''


@pytest.fixture
def model(tmp_path, path):
    """The folder of a program that has dumped an object of a class of its own."""
    run(TRAIN, tmp_path, name="train.py", XDG_STATE_HOME=os.environ["XDG_STATE_HOME"])
    return tmp_path


def test_a_class_of_another_program(model):
    with pytest.raises(AttributeError) as caught:
        load(model / "model")
    said = str(caught.value)
    assert said.startswith(f"{model / 'model'} needs Model of __main__, which was {model / 'train.py'} ")
    assert f"hooking.load('{model / 'model'}', modules={{'__main__': 'train'}})" in said and "\n" not in said
    assert isinstance(caught.value.__cause__, AttributeError)


def test_it_is_found_where_it_is_now(model, monkeypatch):
    monkeypatch.syspath_prepend(model)
    monkeypatch.delitem(sys.modules, "train", raising=False)
    got = load(model / "model", modules={"__main__": "train"})
    assert type(got[0]).__module__ == "train" and got[0].size == 5
    del sys.modules["train"]


def test_a_program_that_was_started_as_a_module(tmp_path, path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    run(TRAIN, package, name="train.py")                  # written, and tried
    run('import runpy; runpy.run_module("package.train", run_name="__main__", alter_sys=True)', tmp_path,
        XDG_STATE_HOME=os.environ["XDG_STATE_HOME"])
    with pytest.raises(AttributeError, match=r"modules={'__main__': '(package\.train|train)'}"):
        load(tmp_path / "model")


def test_a_program_without_a_file(tmp_path, path):
    (tmp_path / "stdin.py").write_text("class Model:\n    pass\nfrom hooking import dump\ndump(Model(), 'model')\n")
    run('import os, sys; os.execv(sys.executable, [sys.executable, "-c", open("stdin.py").read()])', tmp_path,
        XDG_STATE_HOME=os.environ["XDG_STATE_HOME"])
    with pytest.raises(AttributeError, match=r"model needs __main__\.Model, which is not here: "):
        load(tmp_path / "model")


@pytest.mark.parametrize("modules", [{}, {"other": "train"}, {"__main__": "no_such_module"}])
def test_a_mapping_that_does_not_help(modules, model):
    with pytest.raises((AttributeError, ImportError), match=r"model needs "):
        load(model / "model", modules=modules)


@pytest.mark.parametrize("modules", [3, ["__main__"], "train", {"__main__": 3}])
def test_what_is_no_mapping(modules, model):
    with pytest.raises(TypeError):
        load(model / "model", modules=modules)


def test_a_mapping_that_raises(model):
    class Mapping(dict):
        def __missing__(self, name):
            raise ZeroDivisionError(name)
    with pytest.raises(ZeroDivisionError, match="__main__"):
        load(model / "model", modules=Mapping())


def test_any_mapping_will_do(path, monkeypatch):
    new = stand_in(monkeypatch, "new_place")
    old = stand_in(monkeypatch, "old_place")
    old.Thing = type("Thing", (), {"__module__": "old_place"})
    dump([old.Thing()], path)
    new.Thing = type("Thing", (), {"__module__": "new_place"})
    monkeypatch.delitem(sys.modules, "old_place")
    for modules in ({"old_place": "new_place"}, types.MappingProxyType({"old_place": "new_place"})):
        assert type(load(path, modules=modules)[0]) is new.Thing


def test_a_module_that_is_gone(path, monkeypatch):
    gone = stand_in(monkeypatch, "gone_module")
    gone.Thing = type("Thing", (), {"__module__": "gone_module"})
    dump(gone.Thing(), path)
    monkeypatch.delitem(sys.modules, "gone_module")
    with pytest.raises(ModuleNotFoundError, match=r"x\.dump needs gone_module\.Thing, which is not here: "
                                                  r"No module named 'gone_module'$"):
        load(path)


def test_a_class_that_is_gone(path, monkeypatch):
    module = stand_in(monkeypatch, "changed_module")
    module.Outer = type("Outer", (), {"__module__": "changed_module"})
    module.Outer.Inner = type("Inner", (), {"__module__": "changed_module", "__qualname__": "Outer.Inner"})
    dump(module.Outer.Inner(), path)
    del module.Outer.Inner
    with pytest.raises(AttributeError, match=r"x\.dump needs changed_module\.Outer\.Inner, which is not here: "):
        load(path)


def test_a_module_that_fails_when_it_is_imported(path, tmp_path, monkeypatch):
    (tmp_path / "failing_module.py").write_text("1 / 0\n")
    module = stand_in(monkeypatch, "failing_module")
    module.Thing = type("Thing", (), {"__module__": "failing_module"})
    dump(module.Thing(), path)
    monkeypatch.delitem(sys.modules, "failing_module")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ZeroDivisionError):
        load(path)


class Picky:
    def __setstate__(self, state):
        raise LookupError("not this state")

    def __getstate__(self):
        return 5


def test_a_class_that_refuses_its_state(path):
    dump(Picky(), path)
    with pytest.raises(LookupError, match="not this state"):
        load(path)


# cloudpickle --------------------------------------------------------------------------------------------------------

def rebuild(number):
    return types.SimpleNamespace(rebuilt=number)


@pytest.fixture
def cloudpickle(monkeypatch):
    """A stand-in, which has a way to pickle functions."""
    class Pickler(pickle.Pickler):
        def reducer_override(self, obj):
            if isinstance(obj, types.FunctionType) and obj.__name__ == "<lambda>":
                return module.rebuild, (obj(),)
            return NotImplemented
    module = stand_in(monkeypatch, "cloudpickle", Pickler=Pickler, __version__="9.9")
    module.rebuild = rebuild
    monkeypatch.setattr(rebuild, "__module__", "cloudpickle")
    return module


def test_what_pickle_cannot_do_cloudpickle_does(path, cloudpickle):
    dump([1, lambda: 7, b"b" * (1 << 20)], path)
    got = load(path)
    assert got[1].rebuilt == 7
    with open(path, "rb") as file:
        assert pickle.load(file)[1].rebuilt == 7
    assert b"needs\0cloudpickle\0" in path.read_bytes()


def test_it_is_not_needed_for_what_pickle_does(path, cloudpickle):
    dump([1], path)
    assert b"needs\0" not in path.read_bytes()


def test_it_is_not_there_where_it_is_needed(path, cloudpickle, monkeypatch):
    dump([lambda: 7], path)
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(ImportError, match=r"x\.dump needs cloudpickle, which is not installed here: "
                                          r"python -m pip install cloudpickle$"):
        load(path)


def test_what_it_cannot_do_either(path, cloudpickle):
    with pytest.raises(TypeError, match=r"x\[1\]: .*memoryview"):
        dump([lambda: 7, memoryview(b"")], path, name="x")
    assert os.listdir(path.parent) == []


def test_without_it_a_lambda_is_the_culprit(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(Exception, match=r"x\[0\]: a lambda cannot be pickled"):
        dump([lambda: 7], path, name="x")


def test_one_that_is_broken_is_passed_over(path, monkeypatch):
    stand_in(monkeypatch, "cloudpickle")                  # and has no Pickler
    with pytest.raises(Exception, match=r"x\[0\]: a lambda cannot be pickled"):
        dump([lambda: 7], path, name="x")


# Guard --------------------------------------------------------------------------------------------------------------

def test_what_is_loaded_may_load(path, monkeypatch):
    module = stand_in(monkeypatch, "loading_module")
    inner = path.with_name("inner")
    dump([1], inner)
    module.again = lambda name: load(name)
    module.again.__module__, module.again.__qualname__ = "loading_module", "again"
    module.Thing = type("Thing", (), {"__module__": "loading_module",
                                      "__reduce__": lambda self: (module.again, (str(inner),))})
    dump([module.Thing()], path)
    assert load(path) == [[1]]


def test_a_message_for_a_file_with_an_odd_name(own_key, tmp_path):
    path = tmp_path / "a\nb {x} %s"
    path.write_bytes(b"\x80\x04")
    with pytest.raises(DumpError) as caught:
        load(path)
    assert str(path) in str(caught.value)


@pytest.mark.skipif(numpy is None, reason="wants NumPy")
def test_an_array_of_a_later_numpy(path):
    """numpy 2 has moved what arrays are made of."""
    written = pickle.dumps(numpy.array([5, 6]), protocol=2)
    path.write_bytes(written.replace(b"cnumpy.core.", b"cnumpy._core."))
    loaded = load(path)
    assert isinstance(loaded, numpy.ndarray) and loaded.tolist() == [5, 6]
