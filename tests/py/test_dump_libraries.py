"""What people compute for a day, in the libraries that they do it with: all of it comes back, here and in a program
that knows nothing of hooking.

Each test wants its library. `.ci/run libraries` has them all, and promises them in HK_LIBRARIES: there no test is left
out for want of one."""

import datetime
import importlib.util
import os
import pickle

import pytest

from conftest import source
from dumps import LIMIT, both, run
from hooking import DumpError, UntrustedDump, dump, inspect_dump, load

pytestmark = pytest.mark.usefixtures("own_key")


PROMISED = os.environ.get("HK_LIBRARIES", "").split()


def is_missing(name):
    """Seen without importing it, which takes seconds. NumPy may be there, but for another Python."""
    try:
        return importlib.util.find_spec(name) is None or (name == "numpy" and importlib.import_module(name) is None)
    except ImportError:
        return True


def wants(*names):
    missing = [name for name in names if is_missing(name) and name not in PROMISED]
    return pytest.mark.skipif(bool(missing), reason=f"wants {' and '.join(missing)}")


library = importlib.import_module


@pytest.fixture
def path(tmp_path):
    return tmp_path / "value.pickle"


def forms(obj, path):
    """As load() brings it, mapped and not, as any unpickler does, and as load() does with a stranger's pickle."""
    yield from both(obj, path)
    yield load(path, mmap=False, verify=True)
    path.write_bytes(pickle.dumps(obj))
    yield load(path, trust=True)


def is_mapped(path):
    with open("/proc/self/maps", encoding="utf-8") as maps:
        return str(path) in maps.read()


# pandas -------------------------------------------------------------------------------------------------------------

def frame_of(pandas, **columns):
    return pandas.DataFrame(columns)


FRAMES = {
    "numbers": lambda pd: frame_of(pd, a=[1, 2, 3], b=[1.5, float("nan"), -0.0], c=[True, False, True]),
    "texts": lambda pd: frame_of(pd, a=["one", "zwei", "три"], b=[None, "", "x" * 1000]),
    "objects": lambda pd: frame_of(pd, a=[[1], {"k": 2}, (3,)], b=[None, 1, "x"]),
    "times": lambda pd: frame_of(pd, a=pd.date_range("2026-01-01", periods=3, freq="h"),
                                 b=pd.date_range("2026-01-01", periods=3, tz="Europe/Berlin"),
                                 c=pd.to_timedelta([1, 2, None], unit="s"), d=[pd.NaT, pd.Timestamp(0), pd.NaT]),
    "periods and intervals": lambda pd: frame_of(pd, a=pd.period_range("2026-01", periods=3, freq="M"),
                                                 b=pd.interval_range(0, 3)),
    "categories": lambda pd: frame_of(pd, a=pd.Categorical(["x", "y", None], ["x", "y", "z"], ordered=True)),
    "nullable": lambda pd: frame_of(pd, a=pd.array([1, None, 3], "Int64"), b=pd.array([True, None, False], "boolean"),
                                    c=pd.array([1.5, None, 2.5], "Float32"), d=pd.array(["x", None, "y"], "string")),
    "sparse": lambda pd: frame_of(pd, a=pd.arrays.SparseArray([0, 0, 7], fill_value=0)),
    "indexed by several": lambda pd: pd.DataFrame({"v": range(4)}, pd.MultiIndex.from_product([["a", "b"], [1, 2]],
                                                                                             names=["k", "n"])),
    "columns in two levels": lambda pd: pd.DataFrame([[1, 2], [3, 4]], columns=pd.MultiIndex.from_tuples(
        [("x", 1), ("y", 2)])),
    "two columns of one name": lambda pd: pd.DataFrame([[1, 2.5], [3, 4.5]], columns=["a", "a"]),
    "without rows": lambda pd: frame_of(pd, a=pd.Series([], dtype="int32"), b=pd.Series([], dtype="datetime64[ns]")),
    "with nothing": lambda pd: pd.DataFrame(),
    "indexed by times": lambda pd: pd.DataFrame({"v": [1.0, 2.0]}, pd.DatetimeIndex(["2026-01-01", "2026-02-01"])),
    "a part of another": lambda pd: pd.DataFrame({"a": range(10), "b": range(10)}).iloc[2:8:3],
    "transposed": lambda pd: pd.DataFrame({"a": [1.5, 2.5], "b": [3.5, 4.5]}).T,
    "large": lambda pd: frame_of(pd, a=range(LIMIT), b=[n / 3 for n in range(LIMIT)], c=["text"] * LIMIT),
    "large categories": lambda pd: frame_of(pd, a=pd.Categorical(["x", "y"] * LIMIT)),
}


@wants("pandas")
@pytest.mark.parametrize("name", FRAMES)
def test_a_frame(name, path):
    pandas = library("pandas")
    frame = FRAMES[name](pandas)
    for got in forms(frame, path):
        pandas.testing.assert_frame_equal(got, frame)
        assert got.index.names == frame.index.names and got.columns.names == frame.columns.names


@wants("pandas", "pyarrow")
@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_of_arrow(name, path):
    pandas = library("pandas")
    try:
        frame = FRAMES[name](pandas).convert_dtypes(dtype_backend="pyarrow")
    except Exception:
        assert name in ("objects", "periods and intervals", "sparse")
        frame = pandas.DataFrame({"a": pandas.array([1, None], "int8[pyarrow]")})
    for got in forms(frame, path):
        pandas.testing.assert_frame_equal(got, frame)


ARROW_TYPES = ["int64", "float64", "bool_", "string", "large_string", "binary", "date32"]


@wants("pandas", "pyarrow")
@pytest.mark.parametrize("kind", ARROW_TYPES)
def test_a_series_of_arrow(kind, path):
    pandas, pyarrow = library("pandas"), library("pyarrow")
    values = {"bool_": [True, False], "string": ["a", "é"], "large_string": ["a", "é"], "binary": [b"a", b"\0"],
              "date32": [datetime.date(2026, 1, 2), datetime.date(1970, 1, 1)]}.get(kind, [1, 2])
    series = pandas.Series([*values, None] * LIMIT, dtype=pandas.ArrowDtype(getattr(pyarrow, kind)()), name=kind)
    for got in forms(series, path):
        pandas.testing.assert_series_equal(got, series)
    nested = pandas.Series([[1, 2], None, []], dtype=pandas.ArrowDtype(pyarrow.list_(pyarrow.int64())))
    for got in forms(nested, path):
        assert got.dtype == nested.dtype and got.to_list() == nested.to_list()


@wants("pyarrow")
def test_tables_of_arrow(path):
    pyarrow = library("pyarrow")
    table = pyarrow.table({"n": list(range(LIMIT)), "s": ["x", None] * (LIMIT // 2)})
    chunked = pyarrow.concat_tables([table, table.slice(5, 100)])
    schema = pyarrow.schema([("a", pyarrow.timestamp("us", "UTC"))], metadata={"k": "v"})
    for got in forms([table, chunked, schema, table.column("n")], path):
        assert got[0].equals(table) and got[1].equals(chunked) and got[1].num_rows == chunked.num_rows
        assert got[2].equals(schema, check_metadata=True) and got[3].equals(table.column("n"))


@wants("pandas")
def test_a_large_frame_is_mapped_and_can_be_changed(path):
    pandas = library("pandas")
    frame = frame_of(pandas, a=range(LIMIT), b=[n / 3 for n in range(LIMIT)])
    dump(frame, path)
    before = path.read_bytes()
    got = load(path)
    assert is_mapped(path)
    got.loc[5, "a"] = -1
    got["b"] *= 2
    got["c"] = got["a"] + got["b"]
    assert got.loc[5, "a"] == -1 and got.loc[6, "c"] == 6 + 6 / 3 * 2
    assert path.read_bytes() == before
    pandas.testing.assert_frame_equal(load(path, verify=True), frame)


@wants("pandas")
@pytest.mark.parametrize("name", ["numbers", "texts", "times", "indexed by times", "large", "without rows"])
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_frame_of_somebody_else_is_data(name, protocol, path):
    """As pandas.to_pickle() writes it; with pandas 3, whose names are not known, one is asked."""
    pandas = library("pandas")
    frame = FRAMES[name](pandas)
    frame.to_pickle(path, protocol=protocol)
    if int(pandas.__version__.split(".")[0]) < 3:
        assert inspect_dump(path)["does"] == "data", inspect_dump(path)["why"]
        pandas.testing.assert_frame_equal(load(path), frame)
    pandas.testing.assert_frame_equal(load(path, trust=True), frame)


@wants("pandas")
def test_pandas_reads_a_dump(path):
    pandas = library("pandas")
    frame = FRAMES["numbers"](pandas)
    dump(frame, path)
    pandas.testing.assert_frame_equal(pandas.read_pickle(path), frame)


# scikit-learn -------------------------------------------------------------------------------------------------------

MODELS = {
    "pipeline": "make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))",
    "forest": "RandomForestClassifier(20, random_state=0)",
    "boosting": "GradientBoostingClassifier(n_estimators=5, random_state=0)",
    "histograms": "HistGradientBoostingClassifier(max_iter=5, random_state=0)",
    "vectors": "SVC(probability=False)",
    "neighbours": "KNeighborsClassifier(algorithm='kd_tree')",
    "balls": "KNeighborsClassifier(algorithm='ball_tree')",
    "bayes": "GaussianNB()",
    "network": "MLPClassifier((8,), max_iter=30, random_state=0)",
    "clusters": "KMeans(3, n_init=2, random_state=0)",
    "search": "GridSearchCV(DecisionTreeClassifier(random_state=0), {'max_depth': [2, 3]})",
    "gaussian": "GaussianProcessClassifier(random_state=0)",
    "columns": "make_pipeline(ColumnTransformer([('s', StandardScaler(), [0, 1])]), DecisionTreeClassifier())",
}
TRAINING = '''
    import warnings
    warnings.simplefilter("ignore")
    from sklearn.cluster import KMeans
    from sklearn.compose import ColumnTransformer
    from sklearn.datasets import load_iris
    from sklearn.ensemble import (GradientBoostingClassifier, HistGradientBoostingClassifier,
                                  RandomForestClassifier)
    from sklearn.gaussian_process import GaussianProcessClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier
    flowers, kinds = load_iris(return_X_y=True)
'''


@pytest.fixture(scope="module")
def trained():
    """Every model, fitted, and what it says of the flowers."""
    names = {}
    exec(source(TRAINING), names)
    models = {name: eval(text, names).fit(names["flowers"], names["kinds"]) for name, text in MODELS.items()}
    return {name: (model, names["flowers"], model.predict(names["flowers"])) for name, model in models.items()}


@wants("sklearn")
@pytest.mark.parametrize("name", MODELS)
def test_a_model(name, path, trained):
    model, flowers, said = trained[name]
    for got in forms(model, path):
        assert (got.predict(flowers) == said).all()
        assert repr(got) == repr(model)


@wants("sklearn")
def test_models_in_another_program(tmp_path, trained, own_key):
    """One that has never trained any, and one that has no hooking."""
    dump({name: (model, said) for name, (model, _, said) in trained.items()}, tmp_path / "models")
    for reading in ("import hooking; models = hooking.load(sys.argv[1])",
                    "import pickle; models = pickle.load(open(sys.argv[1], 'rb'))"):
        assert run(f"""
            import sys
            {reading}
            from sklearn.datasets import load_iris
            flowers = load_iris().data
            print(sum((model.predict(flowers) == said).all() for model, said in models.values()))
        """, tmp_path, tmp_path / "models", XDG_STATE_HOME=os.environ["XDG_STATE_HOME"]).split()[-1] \
            == str(len(MODELS))


@wants("sklearn")
def test_a_model_of_somebody_else_is_asked_about(path, trained):
    path.write_bytes(pickle.dumps(trained["forest"][0]))
    with pytest.raises(UntrustedDump, match="sklearn"):
        load(path)


@wants("sklearn")
def test_texts_as_vectors(path):
    from sklearn.feature_extraction.text import TfidfVectorizer
    vectorizer = TfidfVectorizer()
    matrix = vectorizer.fit_transform([f"word{n % 7} word{n} word{n * 3}" for n in range(9000)])
    for got, got_matrix in forms((vectorizer, matrix), path):
        assert got.vocabulary_ == vectorizer.vocabulary_ and (got_matrix != matrix).nnz == 0
    dump(matrix, path)
    again = load(path)
    assert is_mapped(path) and (again != matrix).nnz == 0


# torch --------------------------------------------------------------------------------------------------------------

@wants("torch")
def test_tensors(path):
    torch = library("torch")
    whole = torch.arange(LIMIT, dtype=torch.float32).reshape(64, -1)
    learned = torch.randn(5, 3, requires_grad=True)
    kinds = [torch.ones(3, dtype=kind) for kind in (torch.bfloat16, torch.float16, torch.int8, torch.bool,
                                                    torch.complex64)]
    for got in forms([whole, whole.T, whole[3:5], torch.empty(0, 4), torch.tensor(5), learned, kinds], path):
        assert torch.equal(got[0], whole) and torch.equal(got[1], whole.T) and got[1].stride() == whole.T.stride()
        assert torch.equal(got[2], whole[3:5]) and got[3].shape == (0, 4) and got[4].item() == 5
        assert got[5].requires_grad and torch.equal(got[5], learned)
        assert all(torch.equal(one, other) and one.dtype == other.dtype for one, other in zip(got[6], kinds))


@wants("torch")
def test_a_network(path):
    torch = library("torch")
    network = torch.nn.Sequential(torch.nn.Linear(40, 500), torch.nn.ReLU(), torch.nn.Linear(500, 2))
    optimizer = torch.optim.Adam(network.parameters())
    entry = torch.randn(6, 40)
    network(entry).sum().backward()
    optimizer.step()
    with torch.no_grad():
        for got, state, steps in forms([network, network.state_dict(), optimizer.state_dict()], path):
            assert torch.equal(got(entry), network(entry))
            assert all(torch.equal(state[name], value) for name, value in network.state_dict().items())
            assert steps["param_groups"] == optimizer.state_dict()["param_groups"]


@wants("torch")
@pytest.mark.parametrize("new", [True, False])
def test_a_file_of_torch(new, path):
    torch = library("torch")
    torch.save({"weights": torch.ones(3)}, path, _use_new_zipfile_serialization=new)
    for trust in (None, True):
        with pytest.raises(DumpError) as caught:
            load(path, trust=trust)
        assert "torch.save()" in str(caught.value) and str(caught.value).endswith(": torch.load() reads it")
    assert inspect_dump(path)["reader"] == "torch.load() reads it"


# Their own files ----------------------------------------------------------------------------------------------------

@wants("joblib", "numpy")
@pytest.mark.parametrize("compress", [0, "zlib", "gzip", "bz2", "xz", "lzma", ("zlib", 1), ("zlib", 6), ("zlib", 9)],
                         ids=str)
def test_a_file_of_joblib(compress, path):
    joblib, numpy = library("joblib"), library("numpy")
    joblib.dump({"weights": numpy.arange(LIMIT), "name": "x"}, path, compress=compress)
    for trust in (None, True):
        with pytest.raises(DumpError) as caught:
            load(path, trust=trust)
        said = str(caught.value)
        assert "joblib" in said and said.endswith(": joblib.load() reads it") and "\n" not in said
    found = inspect_dump(path)
    assert "joblib" in found["kind"] and found["reader"] == "joblib.load() reads it"


@wants("joblib", "numpy")
def test_joblib_reads_a_dump(path):
    joblib, numpy = library("joblib"), library("numpy")
    dump({"weights": numpy.arange(LIMIT)}, path)
    assert (joblib.load(path)["weights"] == numpy.arange(LIMIT)).all()


@wants("numpy")
def test_files_of_numpy(path):
    numpy = library("numpy")
    with open(path, "wb") as file:
        numpy.save(file, numpy.arange(5))
    with pytest.raises(DumpError, match="numpy.load.. reads it$"):
        load(path)
    with open(path, "wb") as file:
        numpy.savez_compressed(file, a=numpy.arange(5))
    with pytest.raises(DumpError, match="numpy.load.. reads it$"):
        load(path)
    numpy.arange(5).dump(path)
    assert load(path).tolist() == [0, 1, 2, 3, 4]


# Functions ----------------------------------------------------------------------------------------------------------

@wants("cloudpickle")
def test_what_only_cloudpickle_can_save(path, tmp_path, own_key):
    factor = 3

    class Local:
        def times(self, n):
            return n * factor

    dump({"f": lambda n: n + factor, "local": Local(), "class": Local}, path)
    got = load(path)
    assert got["f"](4) == 7 and got["local"].times(2) == 6 and type(got["local"]) is got["class"]
    assert "cloudpickle" in str(inspect_dump(path)["facts"])
    said = run("""
        import sys
        sys.modules["cloudpickle"] = None
        import hooking
        try:
            hooking.load(sys.argv[1])
        except Exception as error:
            print(type(error).__name__, error)
    """, tmp_path, path, XDG_STATE_HOME=os.environ["XDG_STATE_HOME"])
    assert "needs cloudpickle" in said or "cloudpickle" in said and "install" in said


@wants("cloudpickle")
def test_a_file_of_cloudpickle_is_asked_about(path):
    cloudpickle = library("cloudpickle")
    path.write_bytes(cloudpickle.dumps(lambda n: n + 1))
    with pytest.raises(UntrustedDump, match="cloudpickle"):
        load(path)
    assert load(path, trust=True)(1) == 2


@wants("dill")
def test_a_file_of_dill(path):
    dill = library("dill")
    path.write_bytes(dill.dumps(lambda n: n + 1))
    with pytest.raises(UntrustedDump, match="dill"):
        load(path)
    assert load(path, trust=True)(1) == 2
    path.write_bytes(dill.dumps({"a": [1, 2]}))
    assert load(path) == {"a": [1, 2]}


@wants("dill")
def test_dumps_after_dill_is_imported(path):
    """It changes what pickle can do in its process."""
    for got in both({"a": {1, 2}, "type": dict, "function": len}, path):
        assert got == {"a": {1, 2}, "type": dict, "function": len}
