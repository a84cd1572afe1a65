/* pickle_scan.h: what is safe, what is asked about, what is broken; and nothing gets by. */
#include "pickle_scan.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pickle_records.h"

/* Protocol 4, in octal: a hexadecimal escape would go on into the text behind it. */
#define PROTO4 "\200\4"
#define TEXT "\214" /* SHORT_BINUNICODE, its size, its bytes */
#define NAME "\223" /* STACK_GLOBAL */
#define MEMO "\224"
#define ONE "\205" /* TUPLE1 and so on */
#define TWO "\206"
#define THREE "\207"
#define NEW "\201"
#define NEW_EX "\222"

typedef struct Case {
    const char *what, *bytes;
    size_t size;
    PickleVerdict verdict;
    const char *import; /* one that is listed; or NULL */
} Case;

#define ASK(what, import, bytes) {what, bytes, sizeof(bytes) - 1, PICKLE_ASK, import}
#define SAFE(what, import, bytes) {what, bytes, sizeof(bytes) - 1, PICKLE_SAFE, import}
#define BROKEN(what, bytes) {what, bytes, sizeof(bytes) - 1, PICKLE_BROKEN, NULL}

#define DTYPE "cnumpy\ndtype\n"
#define EMPTY "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntC\1btR"
#define OBJECTS(shape, list) EMPTY "(I1\n(" shape "t" DTYPE "(VO8\nI00\nI01\ntRI00\n" list "tb."

#define OBJECT_TYPE(flags) DTYPE "(VO8\nI00\nI01\ntR(I3\nV|\nNNNI-1\nI-1\n" flags "tb"

static const Case cases[] = {
    SAFE("nothing", NULL, "N."),
    SAFE("what stands behind STOP does not count", NULL, "N.cos\nsystem\n(S'id'\ntR."),
    SAFE("several PROTO", NULL, "\200\2\200\4N."),
    SAFE("text that looks like a pickle", NULL, PROTO4 TEXT "\5cos\n."
                                                       "."),
    SAFE("protocol 2 bytes", "_codecs.encode", "\200\2c_codecs\nencode\nX\1\0\0\0aX\6\0\0\0latin1\206R."),
    SAFE("Python 2's name of set", "__builtin__.set", "\200\2c__builtin__\nset\n]\205R."),
    SAFE("POP takes a mark", NULL, "(0N."),

    /* plain */
    ASK("REDUCE", "os.system", "cos\nsystem\n(S'id'\ntR."),
    ASK("STACK_GLOBAL", "os.system", PROTO4 TEXT "\2os" TEXT "\6system" NAME TEXT "\2id" ONE "R."),
    ASK("INST", "os.system", "(S'id'\nios\nsystem\n."),
    ASK("OBJ", "os.system", "(cos\nsystem\nS'id'\no."),
    ASK("NEWOBJ", "subprocess.Popen", "\200\2csubprocess\nPopen\nU\2id\205\201."),
    ASK("NEWOBJ_EX", "subprocess.Popen",
        PROTO4 TEXT "\12subprocess" TEXT "\5Popen" NAME TEXT "\2id" ONE "}" NEW_EX "."),
    ASK("an import that is not called", "this.s", "cthis\ns\n."),
    ASK("an import that is thrown away", "antigravity.x", "cantigravity\nx\n0N."),

    /* fickling: an unused result, and what comes behind it */
    ASK("a result that is thrown away (unused variable)", "os.system", "cos\nsystem\n(S'id'\ntR0N."),
    ASK("a result behind a mark that is taken away", "os.system", "N(cos\nsystem\n(S'id'\ntR1."),
    ASK("a result in the memo and BUILD behind it", "smtplib.SMTP", "csmtplib\nSMTP\n(S'x'\ntRp0\n}bN."),
    ASK("BUILD runs __setstate__", "_interpreters.create", "c_interpreters\ncreate\n)R}bN."),
    ASK("marshal and FunctionType", "types.FunctionType",
        PROTO4 TEXT "\7marshal" TEXT "\5loads" NAME "C\1x" ONE "R" MEMO TEXT "\5types" TEXT "\14FunctionType" NAME
                    "h\0}" TWO "R)R."),

    /* picklescan and modelscan: what the memo holds */
    ASK("PUT and MEMOIZE mixed (memo confusion)", "os.system",
        PROTO4 TEXT "\2osq\0" TEXT "\6systemq\1" TEXT "\4list" MEMO TEXT "\4dict" MEMO "h\0h\1" NAME "."),
    ASK("a memo place that is overwritten", "os.system",
        PROTO4 TEXT "\10builtinsq\0" TEXT "\2osq\0" TEXT "\6systemq\1" "h\0h\1" NAME "."),
    ASK("an index out of order", "os.system", PROTO4 TEXT "\2osr\4\2\0\0" TEXT "\6systemq\7j\4\2\0\0h\7" NAME "."),
    ASK("strings by PUT and GET of protocol 0", "os.system",
        "\200\4V" "os\np00005\n0Vsystem\np7\n0g5\ng007\n" NAME "."),
    ASK("strings by DUP and POP", "os.os", PROTO4 TEXT "\2os2" NAME "."),
    ASK("strings with values between them", "os.system", PROTO4 TEXT "\2osN0K\0010" TEXT "\6system(0" NAME "."),
    ASK("classic strings (STRING)", "os.system", "S'os'\nS'system'\n" NAME "."),
    ASK("classic strings (BINSTRING)", "os.system", "T\2\0\0\0osU\6system" NAME "."),
    ASK("strings with escapes (UNICODE)", "?.?", "Vo\\u0073\nVsystem\n" NAME "."),
    ASK("strings with escapes (STRING)", "?.?", "S'o\\x73'\nS'system'\n" NAME "."),
    ASK("computed strings (str.join)", "?.?", PROTO4 TEXT "\10builtins" TEXT "\7getattr" NAME TEXT "\0" TEXT
                                                     "\4join" TWO "R]" ONE "R" TEXT "\6system" NAME "."),
    ASK("strings that are bytes", "?.?", PROTO4 "C\2osC\6system" NAME "."),
    ASK("a string in a list as a name", "?.?", PROTO4 "]" TEXT "\6system" NAME "."),

    /* names that are something else */
    ASK("dots in a name", "builtins.list.__class__", PROTO4 TEXT "\10builtins" TEXT "\16list.__class__" NAME "."),
    ASK("dots in a name (GLOBAL)", "collections.OrderedDict.x", "\200\4ccollections\nOrderedDict.x\n."),
    ASK("the module of a known name", "numpy.dtype.x", "cnumpy\ndtype.x\n."),
    ASK("attribute of a known module", "collections._sys", "ccollections\n_sys\n."),
    ASK("a NUL behind a known name", "builtins.list\\x00", PROTO4 TEXT "\10builtins" TEXT "\5list\0" NAME "."),
    ASK("a NUL behind a known module", "builtins\\x00.list", PROTO4 TEXT "\11builtins\0" TEXT "\4list" NAME "."),
    ASK("a letter that looks the same", "builtin\\xd1\\x95.list",
        PROTO4 TEXT "\11builtin\321\225" TEXT "\4list" NAME "."),
    ASK("capitals", "Builtins.list", "cBuiltins\nlist\n."),
    ASK("blanks", "builtins\\x20.list", "cbuiltins \nlist\n."),
    ASK("CR before LF", "builtins\\x0d.list", "cbuiltins\r\nlist\n."),
    ASK("what a terminal obeys", "\\x1b[2J.x", "c\33[2J\nx\n."),
    ASK("Python 2's name in protocol 4", "__builtin__.set", "\200\4c__builtin__\nset\n."),
    ASK("Python 2's name after a second PROTO", "__builtin__.set", "\200\2\200\3c__builtin__\nset\n."),
    ASK("Python 2's commands", "commands.getoutput", "\200\2ccommands\ngetoutput\nU\2id\205R."),
    ASK("Python 2's __builtin__ eval", "__builtin__.eval", "\200\2c__builtin__\neval\nU\0011\205R."),
    ASK("an empty name in STACK_GLOBAL", ".", PROTO4 TEXT "\0" TEXT "\0" NAME "."),

    /* known names, used otherwise */
    ASK("NEWOBJ of a function", "_codecs.encode", PROTO4 TEXT "\7_codecs" TEXT "\6encode" NAME TEXT "\1a" TEXT
                                                         "\6latin1" TWO NEW "."),
    ASK("a codec that is a bomb", "_codecs.encode", "c_codecs\nencode\n(VA\nVzip\ntR."),
    ASK("a codec that is not said", "_codecs.encode", "c_codecs\nencode\n(VA\nV\\u007aip\ntR."),
    ASK("bytes of a number", "builtins.bytes", "\200\3cbuiltins\nbytes\nJ\377\377\377\177\205R."),
    ASK("items of a range", "builtins.set", "\200\3cbuiltins\nset\ncbuiltins\nrange\nJ\377\377\377\177\205R\205R."),
    ASK("a fraction with an exponent", "fractions.Fraction", "cfractions\nFraction\n(V1e999999999\ntR."),
    ASK("_reconstructor of another base", "copyreg._reconstructor",
        "\200\3ccopyreg\n_reconstructor\ncbuiltins\nbytearray\ncbuiltins\nbytearray\nK\1\207R."),
    ASK("arguments that are no tuple", "builtins.set", "\200\3cbuiltins\nset\n]R."),
    ASK("NEWOBJ_EX of a known class", "builtins.set", PROTO4 TEXT "\10builtins" TEXT "\3set" NAME ")}" NEW_EX "."),
    ASK("a result is called", "builtins.object", "\200\3cbuiltins\nobject\n)R)R."),
    ASK("a class is only named, and called", "builtins.list", "\200\3cbuiltins\nlist\n)R."),
    ASK("a string is called", NULL, "Vos\n)R."),
    ASK("a factory that is no class", "collections.defaultdict",
        "ccollections\ndefaultdict\n(c_codecs\nencode\ntR."),
    ASK("a factory that is not known", "os.system", "ccollections\ndefaultdict\n(cos\nsystem\ntR."),
    ASK("BUILD on a class", "builtins.object", "\200\3cbuiltins\nobject\n}b."),
    ASK("BUILD on a function", "_codecs.encode", "c_codecs\nencode\n}b."),
    ASK("BUILD on a list", NULL, "]}b."),
    ASK("BUILD on a known product", "builtins.object", "\200\3cbuiltins\nobject\n)R}b."),
    ASK("BUILD with slots", "types.SimpleNamespace", "\200\3ctypes\nSimpleNamespace\n)RN}\206b."),
    ASK("BUILD twice: __setstate__ among the first attributes", "types.SimpleNamespace",
        "\200\3ctypes\nSimpleNamespace\n)R}Va\nNsb}Vb\nNsb."),
    ASK("BUILD of numpy's builtins (allowlisted module)", "numpy.__builtins__",
        PROTO4 TEXT "\5numpy" TEXT "\4size" NAME MEMO TEXT "\5numpy" TEXT "\14__builtins__" NAME MEMO
               "h\0}}" TEXT "\5shapeh\1s" TWO "bh\0" TEXT "\4eval" TWO "R."),
    ASK("APPEND to a class", "builtins.object", "\200\3cbuiltins\nobject\nNa."),
    ASK("APPENDS to a product", "builtins.object", "\200\3cbuiltins\nobject\n)R(Ne."),
    ASK("APPENDS of nothing to a product", "builtins.object", "\200\3cbuiltins\nobject\n)R(e."),
    ASK("SETITEM on a list", NULL, "]K\0Ns."),
    ASK("SETITEM on a namespace", "types.SimpleNamespace", "ctypes\nSimpleNamespace\n)RK\0Ns."),
    ASK("ADDITEMS to a list", NULL, "\200\4](N\220."),
    ASK("ADDITEMS to a product", "builtins.object", "\200\4cbuiltins\nobject\n)R(N\220."),
    ASK("SETITEM on a module's dict", "builtins.__dict__", "cbuiltins\n__dict__\nVa\nNs."),
    SAFE("READONLY_BUFFER of bytes", NULL, "\200\5C\1a\230."),
    ASK("READONLY_BUFFER of an object", NULL, "\200\5]\230."),
    ASK("READONLY_BUFFER of a bytearray, which only NEXT_BUFFER gives", NULL,
        "\200\5\226\1\0\0\0\0\0\0\0a\230."),
    ASK("EXT1", "?.?", "\200\2\202\1."),
    ASK("EXT2", "?.?", "\200\2\203\1\1."),
    ASK("EXT4", "?.?", "\200\2\204\1\1\1\0."),
    {"a number of too many digits to read", NULL, 0, PICKLE_ASK, NULL}, /* made below */

    /* numpy: what a dtype's state says is believed */
    SAFE("bools of protocol 0", NULL, "(I00\nI01\nI0\nI-1\nL0L\nl."),
    SAFE("an object dtype", "numpy.dtype", OBJECT_TYPE("I63\n") "."),
    SAFE("a dtype", "numpy.dtype", DTYPE "(Vf8\nI00\nI01\ntR(I3\nV<\nNNNI-1\nI-1\nI0\ntb."),
    ASK("an object dtype without its flags", "numpy.dtype", DTYPE "(VO8\nI00\nI01\ntR(I3\nV|\nNNNI-1\nI-1\nI0\ntb."),
    ASK("a dtype with fields", "numpy.dtype", DTYPE "(VV8\nI00\nI01\ntR(I3\nV|\nN(Va\nt}I8\nI1\nI0\ntb."),
    ASK("a dtype of another size", "numpy.dtype", DTYPE "(VS2\nI00\nI01\ntR(I3\nV|\nNNNI999\nI1\nI0\ntb."),
    ASK("a dtype of dtypes", "numpy.dtype", DTYPE "((lI00\nI01\ntR."),
    ASK("a scalar that is an object", "numpy.core.multiarray.scalar",
        "cnumpy.core.multiarray\nscalar\n(" DTYPE "(VO8\nI00\nI01\ntR]tR."),
    ASK("an array that is not empty", "numpy.core.multiarray._reconstruct",
        "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I9\ntS'b'\ntR."),
    ASK("an array of a dtype that is not known", "numpy.core.multiarray._reconstruct",
        "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(I1\ntNI00\nC\1atb."),
    SAFE("an array of objects", "numpy.core.multiarray._reconstruct", OBJECTS("I2\nI1\n", "(Nl(Ne")),
    SAFE("an array of no objects", "numpy.core.multiarray._reconstruct", OBJECTS("I0\n", "]")),
    ASK("an array of more objects than there are", "numpy.core.multiarray._reconstruct", OBJECTS("I3\n", "]NaNa")),
    ASK("an array of very many objects", "numpy.core.multiarray._reconstruct",
        OBJECTS("I4294967296\nI4294967296\n", "]")),
    ASK("an address where pandas looks for one", "types.SimpleNamespace",
        "ctypes\nSimpleNamespace\n)R}V__array_interface__\n}sbp0\n0"
        "cpandas.core.indexes.base\n_new_Index\n(cpandas.core.indexes.base\nIndex\n}Vdata\ng0\nstR."),

    /* no unpickler would come to its end */
    BROKEN("nothing at all", ""),
    BROKEN("no STOP", "N"),
    BROKEN("no STOP, after a call (broken pickle)", "cos\nsystem\n(S'id'\ntR"),
    BROKEN("a bad opcode after a call", "cos\nsystem\n(S'id'\ntR\377"),
    BROKEN("STOP on nothing", "."),
    BROKEN("STOP above a mark", "N(."),
    BROKEN("nothing to POP", "0N."),
    BROKEN("nothing to DUP", "2."),
    BROKEN("no mark", "N1."),
    BROKEN("a mark between", "N(\205."),
    BROKEN("nothing to call", ")R."),
    BROKEN("a key without a value", "}(Nu."),
    BROKEN("a dict of three", "(NNNd."),
    BROKEN("a place that was never filled", "h\0."),
    BROKEN("a place without a number", "g\n."),
    BROKEN("a negative place", "Np-1\n."),
    BROKEN("a giant place", "Nr\377\377\377\377."),
    BROKEN("a place of thirty digits", "Np111111111111111111111111111111\n."),
    BROKEN("protocol 6", "\200\6N."),
    BROKEN("a name that is another one across a frame (C reads array.array as rray.array)",
           "\200\4\225\7\0\0\0\0\0\0\0\217\224(K\1ca" "rray\narray\n\220."),
    BROKEN("bytes across a frame", "\200\4\225\3\0\0\0\0\0\0\0C\2ab."),
    BROKEN("a frame in a frame", "\200\4\225\14\0\0\0\0\0\0\0N\225\1\0\0\0\0\0\0\0N."),
    BROKEN("a frame that is too long", "\200\4\225\377\0\0\0\0\0\0\0N."),
    BROKEN("a name that is missing", "c\nx\n."),
    BROKEN("BINSTRING with a negative length", "T\377\377\377\377."),
    BROKEN("LONG4 with a negative length", "\213\377\377\377\377."),
    BROKEN("an int that is none", "I0x\n."),
    BROKEN("an int that is octal to the unpickler in C", "I063\n."),
    BROKEN("octal flags, of an object dtype that does not own its objects", OBJECT_TYPE("I063\n") "."),
    BROKEN("an int without digits", "I\n."),
    BROKEN("a float that is none", "F1.2.3\n."),
    BROKEN("a string without quotes", "Sabc\n."),
    BROKEN("a string with one quote", "S'\n."),
    BROKEN("EXT1 of zero", "\202\0."),
    BROKEN("EXT4 below zero", "\204\377\377\377\377."),
    BROKEN("PERSID", "Pwhere\n."),
    BROKEN("BINPERSID", "NQ."),
    BROKEN("NEXT_BUFFER", "\200\5\227."),
    BROKEN("a text instead of a pickle", "import os\n"),
    BROKEN("a zip archive", "PK\3\4"),
};

static bool
is_listed(const PickleScan *scan, const char *wanted)
{
    for (size_t i = 0; i < scan->count; i++) {
        char name[2048];
        snprintf(name, sizeof name, "%s.%s", scan->imports[i].module, scan->imports[i].name);
        if (strcmp(name, wanted) == 0) {
            return true;
        }
    }
    return false;
}

static void
expect(const char *what, const void *bytes, size_t size, PickleVerdict verdict, const char *import)
{
    PickleScan scan;
    unsigned char *copy = malloc(size > 0 ? size : 1); /* of that size, so that a sanitizer sees where it ends */
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, size);
    ck_assert(pickle_scan(copy, size, &scan));
    ck_assert_msg(scan.verdict == verdict, "%s: %d instead of %d at %zu: %s", what, scan.verdict, verdict, scan.offset,
                  scan.why);
    ck_assert_msg((scan.why[0] != '\0') == (verdict != PICKLE_SAFE), "%s: %s", what, scan.why);
    ck_assert_msg(import == NULL || is_listed(&scan, import), "%s: %s is not listed", what, import);
    ck_assert_msg(verdict == PICKLE_BROKEN || scan.end <= size, "%s", what);
    pickle_scan_clear(&scan);
    free(copy);
}

START_TEST(test_verdicts)
{
    const Case *one = &cases[_i];
    if (one->bytes == NULL) {
        char digits[5003];
        memset(digits, '9', sizeof digits);
        digits[0] = 'I';
        memcpy(digits + 5001, "\n.", 2);
        expect(one->what, digits, sizeof digits, one->verdict, NULL);
        return;
    }
    expect(one->what, one->bytes, one->size, one->verdict, one->import);
}
END_TEST

/* Names that lists of forbidden ones were found to lack: advisories of picklescan, fickling and modelscan. */
static const char *const forbidden[][2] = {
    {"os", "system"}, {"posix", "system"}, {"nt", "system"}, {"builtins", "eval"}, {"builtins", "exec"},
    {"builtins", "compile"}, {"builtins", "open"}, {"builtins", "getattr"}, {"builtins", "setattr"},
    {"builtins", "__import__"}, {"builtins", "map"}, {"builtins", "filter"}, {"builtins", "type"},
    {"builtins", "apply"}, {"builtins", "breakpoint"}, {"builtins", "input"}, {"builtins", "vars"},
    {"builtins", "globals"}, {"builtins", "memoryview"}, {"builtins", "enumerate"}, {"builtins", "iter"},
    {"subprocess", "Popen"}, {"subprocess", "getoutput"}, {"pip", "main"}, {"pip._internal", "main"},
    {"runpy", "_run_code"}, {"runpy", "run_path"}, {"timeit", "timeit"}, {"cProfile", "run"}, {"cProfile", "runctx"},
    {"profile", "Profile.run"}, {"pdb", "run"}, {"bdb", "Bdb.run"}, {"bdb", "Bdb"},
    {"idlelib.run", "Executive.runcode"},
    {"idlelib.pyshell", "ModifiedInterpreter.runcode"}, {"idlelib.autocomplete", "AutoComplete.get_entity"},
    {"idlelib.debugobj", "ObjectTreeItem"}, {"idlelib.calltip", "Calltip"}, {"code", "InteractiveInterpreter.runcode"},
    {"torch", "load"}, {"torch.utils.collect_env", "run"}, {"torch.utils.bottleneck.__main__", "run_cprofile"},
    {"torch._dynamo.guards", "GuardBuilder.get"}, {"torch.jit.unsupported_tensor_ops", "execWrapper"},
    {"torch._inductor.codecache", "compile_file"}, {"torch.serialization", "load"}, {"torch.hub", "load"},
    {"asyncio.unix_events", "_UnixSubprocessTransport._start"}, {"ctypes", "CDLL"}, {"_ctypes", "dlopen"},
    {"marshal", "loads"}, {"types", "FunctionType"}, {"types", "CodeType"}, {"types", "MethodType"},
    {"numpy.f2py.crackfortran", "myeval"}, {"numpy.f2py.crackfortran", "getlincoef"},
    {"numpy.f2py.crackfortran", "_eval_length"}, {"numpy.testing._private.utils", "runstring"}, {"numpy", "load"},
    {"numpy", "memmap"}, {"numpy", "fromfile"}, {"numpy", "vectorize"}, {"numpy", "record"}, {"operator", "attrgetter"},
    {"operator", "methodcaller"}, {"operator", "itemgetter"}, {"_operator", "attrgetter"}, {"functools", "partial"},
    {"functools", "reduce"}, {"_functools", "partial"}, {"_io", "open"}, {"_io", "FileIO"}, {"io", "open"},
    {"io", "FileIO"}, {"codecs", "open"}, {"codecs", "encode"}, {"codecs", "decode"}, {"_codecs", "decode"},
    {"_codecs", "lookup"}, {"logging.config", "listen"}, {"logging", "FileHandler"}, {"ensurepip", "_run_pip"},
    {"lib2to3.pgen2.pgen", "ParserGenerator.make_label"}, {"lib2to3.pgen2.grammar", "Grammar.loads"},
    {"trace", "Trace.run"}, {"trace", "Trace.runctx"}, {"unittest.mock", "_importer"}, {"doctest", "debug_script"},
    {"importlib", "import_module"}, {"importlib._bootstrap", "_call_with_frames_removed"}, {"pkgutil", "resolve_name"},
    {"pydoc", "locate"}, {"pydoc", "pipepager"}, {"pickle", "loads"}, {"_pickle", "loads"}, {"pickle", "Unpickler"},
    {"joblib", "load"}, {"dill", "loads"}, {"cloudpickle", "loads"}, {"shelve", "open"}, {"dbm", "open"},
    {"sqlite3", "connect"}, {"shutil", "rmtree"}, {"tempfile", "mkstemp"}, {"distutils.file_util", "write_file"},
    {"webbrowser", "open"}, {"smtplib", "SMTP"}, {"http.client", "HTTPSConnection"}, {"ssl", "get_server_certificate"},
    {"socket", "create_connection"}, {"urllib.request", "urlopen"}, {"urllib.request", "urlretrieve"},
    {"aiohttp.client", "ClientSession"}, {"requests.api", "get"}, {"multiprocessing.util", "spawnv_passfds"},
    {"_posixsubprocess", "fork_exec"}, {"pty", "spawn"}, {"signal", "signal"}, {"sys", "exit"}, {"sys", "modules"},
    {"sys", "setrecursionlimit"}, {"venv", "create"}, {"zipimport", "zipimporter"}, {"zipapp", "create_archive"},
    {"compileall", "compile_file"}, {"py_compile", "compile"}, {"imp", "load_source"}, {"gc", "get_objects"},
    {"inspect", "getattr_static"}, {"itertools", "starmap"}, {"_interpreters", "create"},
    {"_xxsubinterpreters", "run_string"}, {"test.support.script_helper", "assert_python_ok"},
    {"pandas.io.parsers.readers", "read_csv"}, {"pandas", "eval"}, {"pandas", "read_pickle"},
    {"pandas.core.computation.eval", "eval"}, {"pandas.core.arrays.categorical", "Categorical"},
    {"pandas.core.indexes.multi", "MultiIndex"}, {"pyarrow.lib", "py_buffer"}, {"copyreg", "add_extension"},
    {"copyreg", "__newobj__"}, {"collections", "namedtuple"}, {"collections", "ChainMap"},
    {"dataclasses", "make_dataclass"},
    {"enum", "Enum"}, {"typing", "get_type_hints"}, {"weakref", "finalize"}, {"atexit", "register"},
    {"threading", "Thread"}, {"concurrent.futures", "ThreadPoolExecutor"}, {"hooking", "hook"}, {"hooking", "load"},
    {"site", "main"}, {"nturl2path", "url2pathname"}, {"mimetypes", "init"}, {"cgitb", "enable"}, {"__main__", "x"},
};

START_TEST(test_names_that_lists_of_forbidden_ones_lack)
{
    const char *module = forbidden[_i][0], *name = forbidden[_i][1];
    char bytes[300];
    ck_assert(!pickle_safe_is_known(module, name));
    int size = snprintf(bytes, sizeof bytes, "c%s\n%s\n(S'id'\ntR.", module, name);
    expect(name, bytes, (size_t)size, PICKLE_ASK, NULL);
    size = snprintf(bytes, sizeof bytes, "(S'id'\ni%s\n%s\n.", module, name);
    expect(name, bytes, (size_t)size, PICKLE_ASK, NULL);
    size = snprintf(bytes, sizeof bytes, "\200\4" TEXT "%c%s" TEXT "%c%s" NAME ".", (int)strlen(module), module,
                    (int)strlen(name), name);
    expect(name, bytes, (size_t)size, PICKLE_ASK, NULL);
}
END_TEST

START_TEST(test_what_is_known)
{
    ck_assert(pickle_safe_is_known("collections", "OrderedDict"));
    ck_assert(pickle_safe_is_known("__builtin__", "set"));
    ck_assert(pickle_safe_is_known("copy_reg", "_reconstructor"));
    ck_assert(!pickle_safe_is_known("collections", ""));
    ck_assert(!pickle_safe_is_known("collections", "OrderedDict.x"));
    ck_assert(!pickle_safe_is_known("collections", "OrderedDic"));
    ck_assert(!pickle_safe_is_known("collection", "OrderedDict"));
}
END_TEST

START_TEST(test_what_it_says)
{
    static const char bytes[] = "\200\2cos\nsystem\n(S'id'\ntRq\0cos\nsystem\n0ccollections\nCounter\n0.x";
    PickleScan scan;
    ck_assert(pickle_scan((const unsigned char *)bytes, sizeof bytes - 1, &scan));
    ck_assert_int_eq(scan.verdict, PICKLE_ASK);
    ck_assert_str_eq(scan.why, "it imports os.system");
    ck_assert_uint_eq(scan.offset, 2);
    ck_assert_uint_eq(scan.end, sizeof bytes - 2);
    ck_assert_int_eq(scan.protocol, 2);
    ck_assert_uint_eq(scan.count, 2);
    ck_assert_str_eq(scan.imports[0].module, "os");
    ck_assert_str_eq(scan.imports[0].name, "system");
    ck_assert_uint_eq(scan.imports[0].offset, 2);
    ck_assert(scan.imports[0].called && !scan.imports[0].safe);
    ck_assert_str_eq(scan.imports[1].name, "Counter");
    ck_assert(!scan.imports[1].called && scan.imports[1].safe);
    pickle_scan_clear(&scan);
}
END_TEST

/* Of a million different imports a hundred are told, in no time. */
START_TEST(test_many_imports)
{
    Buffer bytes = {0};
    PickleScan scan;
    for (int i = 0; i < 300000; i++) {
        buffer_add_format(&bytes, "cm%d\nx\n0", i);
    }
    buffer_add_string(&bytes, "N.");
    clock_t start = clock();
    ck_assert(pickle_scan((unsigned char *)bytes.bytes, bytes.size, &scan));
    ck_assert_int_lt((int)((clock() - start) / CLOCKS_PER_SEC), 10);
    ck_assert_int_eq(scan.verdict, PICKLE_ASK);
    ck_assert_uint_eq(scan.count, 101);
    ck_assert_str_eq(scan.imports[100].module, "?");
    pickle_scan_clear(&scan);
    buffer_free(&bytes);
}
END_TEST

/* Pickles of n bytes that would take n * n, or n deep, if anything did. */
static const struct {
    const char *before, *again, *after;
    PickleVerdict verdict;
} large[] = {
    {"", "N", ".", PICKLE_SAFE},                                      /* a deep stack */
    {"", "(", "N.", PICKLE_SAFE},                                     /* many marks */
    {")", "\205", ".", PICKLE_ASK},                                   /* deep tuples */
    {"cbuiltins\nslice\nq\1Nq\2", "h\1h\2\205Rq\2", ".", PICKLE_ASK}, /* deep slices */
    {")q\1", "\205" "0h\1", ".", PICKLE_SAFE},                         /* many tuples that are not deep */
    {"]", "]a", ".", PICKLE_SAFE},
    {"](", "K\1", "e.", PICKLE_SAFE},
    {"N", "\224", ".", PICKLE_SAFE},                                  /* a large memo */
    {")\224", "h\2" "0h\2" "0", ".", PICKLE_BROKEN},
    {")q\1", "2\206q\1h\1", ".", PICKLE_ASK},                         /* tuples of themselves */
    {"", "cbuiltins\nobject\n)R0", "N.", PICKLE_SAFE},
    {"}q\1Vaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nq\2", "0h\1h\2h\2s", ".", PICKLE_SAFE},
};

START_TEST(test_time_is_that_of_the_size)
{
    enum { TIMES = 1000000 };
    Buffer bytes = {0};
    PickleScan scan;
    buffer_add_string(&bytes, large[_i].before);
    for (int i = 0; i < TIMES; i++) {
        buffer_add_string(&bytes, large[_i].again);
    }
    buffer_add_string(&bytes, large[_i].after);
    clock_t start = clock();
    ck_assert(pickle_scan((unsigned char *)bytes.bytes, bytes.size, &scan));
    double took = (double)(clock() - start) / CLOCKS_PER_SEC;
    printf("a million times <%s>: %.3f s\n", large[_i].again[0] > ' ' ? large[_i].again : "", took);
    ck_assert_msg(scan.verdict == large[_i].verdict, "%s at %zu", scan.why, scan.offset);
    ck_assert_msg(took < 10, "%f s", took);
    pickle_scan_clear(&scan);
    buffer_free(&bytes);
}
END_TEST

/* A long line that is a name a million times over must not be looked at as often. */
START_TEST(test_time_with_a_long_name)
{
    Buffer bytes = {0};
    PickleScan scan;
    buffer_add_char(&bytes, 'V');
    for (int i = 0; i < 1000000; i++) {
        buffer_add_char(&bytes, 'a');
    }
    buffer_add_string(&bytes, "\nq\1");
    for (int i = 0; i < 200000; i++) {
        buffer_add_string(&bytes, "h\1h\1\223" "0}h\1h\1s0");
    }
    buffer_add_char(&bytes, '.');
    clock_t start = clock();
    ck_assert(pickle_scan((unsigned char *)bytes.bytes, bytes.size, &scan));
    ck_assert_int_lt((int)((clock() - start) / CLOCKS_PER_SEC), 10);
    ck_assert_int_eq(scan.verdict, PICKLE_ASK);
    pickle_scan_clear(&scan);
    buffer_free(&bytes);
}
END_TEST

/* What is known may be written by any pickler, and is what it says. */
START_TEST(test_data_of_this_python_is_safe)
{
    FILE *pipe = records_open("data");
    Record name, pickle;
    size_t count = 0;
    while (records_next(pipe, &name)) {
        ck_assert(records_next(pipe, &pickle));
        expect((char *)name.bytes, pickle.bytes, pickle.size, PICKLE_SAFE, NULL);
        for (size_t end = 0; end < pickle.size && pickle.size < 500; end++) {
            expect((char *)name.bytes, pickle.bytes, end, PICKLE_BROKEN, NULL);
        }
        free(name.bytes);
        free(pickle.bytes);
        count++;
    }
    ck_assert_int_eq(pclose(pipe), 0);
    ck_assert_uint_gt(count, 400);
}
END_TEST

/* ---- the interpreter's word ---- */

static uint32_t
random_next(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* Some bytes are others, are missing, or come twice. */
static size_t
mutate(unsigned char *bytes, size_t size, uint32_t *state)
{
    static const char likely[] = "(.012NRacdehijloqrstubgpKV)}]\200\201\205\206\207\223\224";
    for (uint32_t times = 1 + random_next(state) % 3; times > 0 && size > 2; times--) {
        size_t at = random_next(state) % size;
        uint32_t how = random_next(state) % 4;
        if (how == 0) {
            memmove(bytes + at, bytes + at + 1, size - at - 1);
            size--;
        }
        else if (how == 1) {
            bytes[at] = (unsigned char)random_next(state);
        }
        else if (how == 2) {
            bytes[at] = (unsigned char)likely[random_next(state) % (sizeof likely - 1)];
        }
        else {
            size_t from = random_next(state) % size, count = random_next(state) % 8;
            count = count < size - from ? count : size - from;
            count = count < size - at ? count : size - at;
            memmove(bytes + at, bytes + from, count);
        }
    }
    return size;
}

/* Stricter than the unpickler on purpose: numbers that no pickler writes so, and places that take gigabytes. */
static bool
is_strict(const PickleScan *scan)
{
    return strstr(scan->why, "no pickler") || strstr(scan->why, "cannot be read") || strstr(scan->why, "far beyond");
}

static size_t
write_mutations(FILE *file, size_t rounds)
{
    FILE *pipe = records_open("data");
    Record name, pickle;
    uint32_t state = 1;
    size_t count = 0;
    while (records_next(pipe, &name)) {
        ck_assert(records_next(pipe, &pickle));
        for (size_t i = 0; i < rounds && pickle.size < 2000; i++) {
            unsigned char bytes[2000];
            PickleScan scan;
            memcpy(bytes, pickle.bytes, pickle.size);
            uint32_t size = (uint32_t)mutate(bytes, pickle.size, &state);
            ck_assert(pickle_scan(bytes, size, &scan));
            if (scan.verdict != PICKLE_ASK && !is_strict(&scan)) {
                fputc(scan.verdict == PICKLE_SAFE ? 'S' : 'B', file);
                fwrite(&size, sizeof size, 1, file);
                fwrite(bytes, 1, size, file);
                count++;
            }
            pickle_scan_clear(&scan);
        }
        free(name.bytes);
        free(pickle.bytes);
    }
    ck_assert_int_eq(pclose(pipe), 0);
    return count;
}

/* A line of "pickles.py load": letter, outcome, names, with tabs between them. */
static void
check_outcome(char *line, size_t number)
{
    char *letter = strtok(line, "\t\n"), *outcome = strtok(NULL, "\t\n"), *name;
    ck_assert_ptr_nonnull(outcome);
    ck_assert_msg(*letter != 'B' || strcmp(outcome, "loads") != 0, "pickle %zu is called broken, and loads", number);
    while (*letter == 'S' && (name = strtok(NULL, "\t\n")) != NULL) {
        char *blank = strchr(name, ' ');
        ck_assert_ptr_nonnull(blank);
        *blank = '\0';
        ck_assert_msg(pickle_safe_is_known(name, blank + 1), "pickle %zu is called safe, and imports %s.%s", number,
                      name, blank + 1);
    }
}

START_TEST(test_the_unpickler_agrees_on_mutations)
{
    char path[] = "/tmp/hooking-pickles-XXXXXX", arguments[64], line[4096];
    const char *rounds = getenv("HK_TEST_ROUNDS");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    FILE *file = fdopen(fd, "wb");
    size_t count = write_mutations(file, rounds != NULL ? strtoul(rounds, NULL, 10) : 60), outcomes = 0;
    fclose(file);
    snprintf(arguments, sizeof arguments, "load %s", path);
    FILE *pipe = records_open(arguments);
    while (fgets(line, sizeof line, pipe) != NULL) {
        check_outcome(line, outcomes++);
    }
    ck_assert_int_eq(pclose(pipe), 0);
    unlink(path);
    printf("%zu mutations loaded\n", outcomes);
    ck_assert_uint_eq(outcomes, count);
    ck_assert_uint_gt(count, 5000);
}
END_TEST

int
main(void)
{
    TCase *verdicts = tcase_create("verdicts"), *size = tcase_create("size"), *python = tcase_create("python");
    tcase_add_loop_test(verdicts, test_verdicts, 0, sizeof cases / sizeof *cases);
    tcase_add_loop_test(verdicts, test_names_that_lists_of_forbidden_ones_lack, 0,
                        sizeof forbidden / sizeof *forbidden);
    tcase_add_test(verdicts, test_what_is_known);
    tcase_add_test(verdicts, test_what_it_says);
    tcase_set_timeout(size, 120);
    tcase_add_test(size, test_many_imports);
    tcase_add_loop_test(size, test_time_is_that_of_the_size, 0, sizeof large / sizeof *large);
    tcase_add_test(size, test_time_with_a_long_name);
    tcase_set_timeout(python, 600);
    tcase_add_test(python, test_data_of_this_python_is_safe);
    tcase_add_test(python, test_the_unpickler_agrees_on_mutations);
    return unit_run("pickle_scan", (TCase *const[]){verdicts, size, python}, 3);
}
