/* Facts in a dump, see dump_facts.h. */
#include "dump_facts.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "frame.h"

/* A program cannot load a dump without these, and other versions of them may read it otherwise. */
static const char *const LIBRARIES[] = {
    "numpy", "pandas", "pyarrow", "scipy", "sklearn", "torch", "polars", "xarray", "cloudpickle", NULL,
};

int
dump_facts_add_text(DumpTrailer *trailer, const char *name, PyObject *text)
{
    if (text == NULL) {
        return 0;
    }
    /* File names may have no UTF-8, and neither may contain NUL. */
    PyObject *bytes = PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
    if (bytes == NULL) {
        return -1;
    }
    dump_trailer_add_fact(trailer, name, PyBytes_AsString(bytes));
    Py_DECREF(bytes);
    return 0;
}

/* The same with what a call has given: NULL is its exception. Steals it. */
static int
facts_take(DumpTrailer *trailer, const char *name, PyObject *text)
{
    int ret = text == NULL ? -1 : dump_facts_add_text(trailer, name, text);
    Py_XDECREF(text);
    return ret;
}

int
dump_facts_add_notes(DumpTrailer *trailer, PyObject *notes)
{
    PyObject *name, *text;
    Py_ssize_t at = 0;
    int ret = 0;
    while (ret == 0 && notes != NULL && PyDict_Next(notes, &at, &name, &text)) {
        const char *as = PyUnicode_AsUTF8AndSize(name, NULL);
        ret = as == NULL ? -1 : dump_facts_add_text(trailer, as, text);
    }
    return ret;
}

int
dump_facts_add_names(DumpTrailer *trailer, PyObject *dict)
{
    PyObject *keys = PyDict_Keys(dict), *comma = PyUnicode_FromString(", ");
    PyObject *joined = keys == NULL || comma == NULL ? NULL : PyUnicode_Join(comma, keys);
    Py_XDECREF(comma);
    Py_XDECREF(keys);
    return facts_take(trailer, "names", joined);
}

static int
facts_add_type(DumpTrailer *trailer, PyObject *object)
{
    PyObject *module = PyObject_GetAttrString((PyObject *)Py_TYPE(object), "__module__");
    PyObject *name = PyType_GetQualName(Py_TYPE(object));
    if (module == NULL || !PyUnicode_Check(module)) {
        PyErr_Clear();
        Py_SETREF(module, PyUnicode_FromString("?"));
    }
    PyObject *whole = NULL;
    if (module != NULL && name != NULL) {
        bool builtin = PyUnicode_CompareWithASCIIString(module, "builtins") == 0;
        whole = builtin ? Py_NewRef(name) : PyUnicode_FromFormat("%U.%U", module, name);
    }
    Py_XDECREF(name);
    Py_XDECREF(module);
    return facts_take(trailer, "type", whole);
}

static int
facts_add_time(DumpTrailer *trailer)
{
    char text[32];
    struct tm parts;
    time_t now = time(NULL);
    if (gmtime_r(&now, &parts) != NULL && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) > 0) {
        dump_trailer_add_fact(trailer, "time", text);
    }
    return 0;
}

/* "numpy 2.1.0, pandas 2.2.3": of those that the program has imported. */
static int
facts_add_libraries(DumpTrailer *trailer)
{
    PyObject *modules = Py_XNewRef(PySys_GetObject("modules"));
    PyObject *list = PyList_New(0), *comma = PyUnicode_FromString(", ");
    int ret = -1;
    for (const char *const *name = LIBRARIES; list != NULL && modules != NULL && *name != NULL; name++) {
        /* One that is made late may put another in its place, and be gone: references of our own. */
        PyObject *module = PyDict_Check(modules) ? Py_XNewRef(PyDict_GetItemString(modules, *name)) : NULL;
        PyObject *version = module == NULL ? NULL : PyObject_GetAttrString(module, "__version__");
        Py_XDECREF(module);
        if (version == NULL || !PyUnicode_Check(version)) {
            PyErr_Clear();
            Py_XDECREF(version);
            continue;
        }
        PyObject *text = PyUnicode_FromFormat("%s %U", *name, version);
        Py_DECREF(version);
        int failed = text == NULL ? -1 : PyList_Append(list, text);
        Py_XDECREF(text);
        if (failed < 0) {
            goto done;
        }
    }
    if (list != NULL && comma != NULL) {
        ret = PyList_Size(list) == 0 ? 0 : facts_take(trailer, "modules", PyUnicode_Join(comma, list));
    }
done:
    Py_XDECREF(comma);
    Py_XDECREF(list);
    Py_XDECREF(modules);
    return ret;
}

/* What `__main__` is here: a class of it is not found in another program. */
static int
facts_add_main(DumpTrailer *trailer)
{
    PyObject *main = PyImport_AddModule("__main__"); /* borrowed */
    PyObject *spec = main == NULL ? NULL : PyObject_GetAttrString(main, "__spec__");
    PyObject *name = spec == NULL || spec == Py_None ? NULL : PyObject_GetAttrString(spec, "name");
    PyObject *file = main == NULL ? NULL : PyObject_GetAttrString(main, "__file__");
    PyErr_Clear(); /* a program without either has none */
    int ret = name != NULL && PyUnicode_Check(name) ? dump_facts_add_text(trailer, "main module", name) : 0;
    if (ret == 0 && file != NULL && PyUnicode_Check(file)) {
        ret = dump_facts_add_text(trailer, "main", file);
    }
    Py_XDECREF(file);
    Py_XDECREF(name);
    Py_XDECREF(spec);
    return ret;
}

static int
facts_add_place(DumpTrailer *trailer, PyObject *frame)
{
    char line[24];
    if (frame == NULL) {
        return 0;
    }
    snprintf(line, sizeof line, "%d", frame_line(frame));
    dump_trailer_add_fact(trailer, "line", line);
    return facts_take(trailer, "file", frame_filename(frame)) < 0
                   || facts_take(trailer, "function", frame_function(frame)) < 0
               ? -1
               : 0;
}

int
dump_facts_add(DumpTrailer *trailer, PyObject *object, PyObject *frame)
{
    const char *version = Py_GetVersion();
    char python[32];
    snprintf(python, sizeof python, "%.*s", (int)strcspn(version, " "), version);
    dump_trailer_add_fact(trailer, "python", python);
    return facts_add_type(trailer, object) < 0 || facts_add_place(trailer, frame) < 0 || facts_add_time(trailer) < 0
                   || facts_add_libraries(trailer) < 0 || facts_add_main(trailer) < 0
               ? -1
               : 0;
}

/* A fact is shown on terminals, and a stranger's may have anything in it. Steals it. */
static PyObject *
facts_printable(PyObject *text)
{
    PyObject *is = text == NULL ? NULL : PyObject_CallMethod(text, "isprintable", NULL);
    PyObject *shown = is == NULL ? NULL : is == Py_True ? Py_NewRef(text) : PyObject_Repr(text);
    Py_XDECREF(is);
    Py_XDECREF(text);
    return shown;
}

PyObject *
dump_facts_dict(const DumpTrailer *trailer)
{
    PyObject *facts = PyDict_New();
    const char *at = trailer->facts.bytes, *end = at + trailer->facts.size;
    while (facts != NULL && at < end) {
        const char *value = at + strlen(at) + 1;
        PyObject *text = facts_printable(PyUnicode_DecodeUTF8(value, (Py_ssize_t)strlen(value), "backslashreplace"));
        if (text == NULL || PyDict_SetItemString(facts, at, text) < 0) {
            Py_CLEAR(facts);
        }
        Py_XDECREF(text);
        at = value + strlen(value) + 1;
    }
    return facts;
}
