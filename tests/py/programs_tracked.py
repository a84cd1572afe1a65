"""Programs for test_track_oracle.py, which use libraries as programs do. Each is a function without arguments that does
the same whenever it is called."""

import argparse
import dataclasses
import io
import json
import types


def use_json():
    data = {"a": [1, 2.5, None, True, "é\n"], "b": {"c": [[], {}]}, "d": float("inf")}
    text = json.dumps(data, indent=2, sort_keys=True) + json.dumps([1, "x"], separators=(",", ":"), ensure_ascii=False)
    json.loads(json.dumps(data), parse_float=str, object_pairs_hook=list)
    json.dump(data, io.StringIO(), default=str)
    for wrong in ('{"a": }', "[1, 2", '"\\x"', "nul"):
        try:
            json.loads(wrong)
        except json.JSONDecodeError:
            pass
    return text


def use_argparse():
    parser = argparse.ArgumentParser(prog="prog", description="words " * 30)
    parser.add_argument("--number", type=int, default=3, help="a number, %(default)s if there is none")
    parser.add_argument("-v", action="count", default=0)
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--on", action="store_true")
    group.add_argument("--off", action="store_false")
    commands = parser.add_subparsers(dest="command")
    add = commands.add_parser("add", aliases=["a"])
    add.add_argument("files", nargs="*")
    parser.parse_args(["--number", "5", "-vv", "add", "x", "y"])
    parser.parse_known_args(["--unknown", "a"])
    return parser.format_help() + parser.format_usage()


def use_dataclasses():
    @dataclasses.dataclass(order=True)
    class Point:
        x: int
        y: int = 0
        tags: list = dataclasses.field(default_factory=list, compare=False)

    @dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
    class Named(Point if False else object):
        name: str = "n"

        def __post_init__(self):
            dataclasses.fields(self)
    point = Point(1, 2)
    dataclasses.asdict(point), dataclasses.astuple(point), dataclasses.replace(point, x=5)
    made = dataclasses.make_dataclass("Made", [("a", int), "b"])
    made(1, 2) == made(1, 2), point < Point(3), repr(point), hash(Named(name="x"))
    try:
        Named().name = "y"
    except dataclasses.FrozenInstanceError:
        pass


APP = '''
import functools
import json

ROUTES = {}
SESSIONS = {}
CONFIG = {"title": "Shop", "debug": False}
HITS = 0
current = None


class NotFound(Exception):
    status = 404


def route(path):
    def register(function):
        ROUTES[path] = function
        return function
    return register


def needs_user(function):
    @functools.wraps(function)
    def checked(request):
        global current
        current = SESSIONS.get(request.get("user"))
        if current is None:
            raise NotFound(request["path"])
        try:
            return function(request)
        finally:
            current = None
    return checked


@route("/")
def index(request):
    return CONFIG["title"]


@route("/cart")
@needs_user
def cart(request):
    return json.dumps(current)


@route("/login")
def login(request):
    SESSIONS[request["user"]] = {"user": request["user"], "items": [n for n in range(HITS % 3)]}
    return "ok"


def handle(request):
    global HITS
    HITS = HITS + 1
    try:
        return 200, ROUTES[request["path"]](request)
    except KeyError:
        return NotFound.status, undefined_name if CONFIG["debug"] else "nothing here"
    except NotFound as error:
        return error.status, str(error)


class Client:
    app = handle
    title = CONFIG["title"]
    count = [HITS for _ in range(2)]

    def get(self, path, **more):
        return handle({"path": path, **more})
'''
app = types.ModuleType("app")
exec(compile(APP, "app.py", "exec"), app.__dict__)


def use_app():
    app.HITS = 0
    app.SESSIONS.clear()
    client = app.Client()
    client.get("/"), client.get("/nowhere"), client.get("/cart", user="ann")
    client.get("/login", user="ann")
    for _ in range(20):
        client.get("/cart", user="ann")
    exec(compile(APP, "app.py", "exec"), app.__dict__)
    return client.get("/")
