/* What a pickle would do, see load_describe.h. */
#include "load_describe.h"

#include <ctype.h>
#include <string.h>

enum { DESCRIBE_MOST = 12 }; /* lines: what matters must not leave the screen */

typedef enum DescribeRank {
    DESCRIBE_RUNS,    /* programs, code, or opens files and connections */
    DESCRIBE_OTHER,
    DESCRIBE_LIBRARY, /* makes an object of a library that everybody has */
} DescribeRank;

/* Only an order: whatever is asked about may run code. */
static const char *const runners[] = {
    "?", "_aix_support", "_io", "_osx_support", "_posixsubprocess", "_pyio", "asyncio", "bdb", "builtins", "cProfile",
    "code", "codeop", "commands", "concurrent", "ctypes", "distutils", "ensurepip", "functools", "ftplib", "gc", "http",
    "idlelib", "imp", "importlib", "inspect", "io", "linecache", "logging", "marshal", "multiprocessing", "nt",
    "operator", "os", "pdb", "pickle", "_pickle", "pip", "pkgutil", "popen2", "posix", "profile", "pty", "pydoc",
    "requests", "runpy", "setuptools", "shutil", "smtplib", "socket", "socketserver", "sqlite3", "ssl", "subprocess",
    "sys", "tempfile", "test", "threading", "_thread", "timeit", "trace", "types", "urllib", "venv",
    "webbrowser", "zipimport", "__builtin__", "dill", "cloudpickle",
};

static const char *const libraries[] = {
    "joblib", "lightgbm", "numpy", "pandas", "polars", "pyarrow", "scipy", "sklearn", "statsmodels", "torch", "xarray",
    "xgboost",
};
enum { LIBRARY_COUNT = sizeof libraries / sizeof *libraries };

/* Its place in a list of packages, by the part before the first dot; `count` when it is not there. */
static size_t
describe_find(const char *const *list, size_t count, const char *module)
{
    size_t size = strcspn(module, ".");
    for (size_t i = 0; i < count; i++) {
        if (strncmp(list[i], module, size) == 0 && list[i][size] == '\0') {
            return i;
        }
    }
    return count;
}

/* Does the name look like a class, or like a function that only puts an object together? */
static bool
describe_constructs(const char *name)
{
    static const char *const begins[] = {"__pyx_unpickle_", "_rebuild_", "_reconstruct", "_unpickle", "_new_",
                                         "_restore_"};
    if (strchr(name, '.') != NULL) {
        return false; /* an attribute of it, which may be anything */
    }
    if (isupper((unsigned char)name[strspn(name, "_")])) {
        return true;
    }
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        if (strncmp(name, begins[i], strlen(begins[i])) == 0) {
            return true;
        }
    }
    return strcmp(name, "dtype") == 0 || strcmp(name, "ndarray") == 0 || strcmp(name, "scalar") == 0;
}

static DescribeRank
describe_rank(const PickleImport *import)
{
    if (describe_find(runners, sizeof runners / sizeof *runners, import->module) < sizeof runners / sizeof *runners) {
        return DESCRIBE_RUNS;
    }
    bool library = describe_find(libraries, LIBRARY_COUNT, import->module) < LIBRARY_COUNT;
    return library && describe_constructs(import->name) ? DESCRIBE_LIBRARY : DESCRIBE_OTHER;
}

static void
describe_import(const PickleImport *import, Buffer *text)
{
    buffer_add_string(text, import->called ? "\n  import and call " : "\n  import ");
    buffer_add_string(text, import->module);
    buffer_add_char(text, '.');
    buffer_add_string(text, import->name);
    buffer_add_format(text, " (byte %zu)", import->offset);
}

/* "\n  make objects of numpy (2 names), sklearn (7 names)" */
static size_t
describe_libraries(const PickleScan *scan, Buffer *text)
{
    size_t counts[LIBRARY_COUNT] = {0}, all = 0;
    for (size_t i = 0; i < scan->count; i++) {
        if (!scan->imports[i].safe && describe_rank(&scan->imports[i]) == DESCRIBE_LIBRARY) {
            counts[describe_find(libraries, LIBRARY_COUNT, scan->imports[i].module)]++;
            all++;
        }
    }
    const char *between = "\n  make objects of ";
    for (size_t i = 0; i < LIBRARY_COUNT; i++) {
        if (counts[i] > 0) {
            buffer_add_string(text, between);
            buffer_add_string(text, libraries[i]);
            buffer_add_format(text, " (%zu name%s)", counts[i], counts[i] == 1 ? "" : "s");
            between = ", ";
        }
    }
    return all;
}

void
load_describe(const PickleScan *scan, Buffer *text)
{
    size_t listed = 0;
    for (int rank = DESCRIBE_RUNS; rank < DESCRIBE_LIBRARY; rank++) {
        for (size_t i = 0; i < scan->count; i++) {
            const PickleImport *import = &scan->imports[i];
            if (!import->safe && (int)describe_rank(import) == rank && ++listed <= DESCRIBE_MOST) {
                describe_import(import, text);
            }
        }
    }
    if (listed > DESCRIBE_MOST) {
        buffer_add_format(text, "\n  and %zu more", listed - DESCRIBE_MOST);
    }
    listed += describe_libraries(scan, text);
    if (listed == 0) {
        buffer_add_string(text, "\n  do what data has no need of: ");
        buffer_add_string(text, scan->why);
        buffer_add_format(text, " (byte %zu)", scan->offset);
    }
}
