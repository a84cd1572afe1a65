/* Looking into files, see inspect.h. */
#include "inspect.h"

#include <string.h>

#include "dump_facts.h"
#include "load_source.h"
#include "pickle_scan.h"

/* Put a value into a dict. Steals it; NULL is an exception. */
static int
inspect_put(PyObject *dict, const char *name, PyObject *value)
{
    int ret = value == NULL ? -1 : PyDict_SetItemString(dict, name, value);
    Py_XDECREF(value);
    return ret;
}

static PyObject *
inspect_buffers(const DumpTrailer *trailer)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < trailer->region_count; i++) {
        const DumpRegion *region = &trailer->regions[i];
        PyObject *entry = Py_BuildValue("{sKsKsO}", "offset", (unsigned long long)region->offset, "size",
                                        (unsigned long long)region->size, "readonly",
                                        region->readonly ? Py_True : Py_False);
        if (entry == NULL || PyList_Append(list, entry) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(entry);
    }
    return list;
}

static PyObject *
inspect_imports(const PickleScan *scan)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < scan->count; i++) {
        const PickleImport *import = &scan->imports[i];
        PyObject *name = PyUnicode_DecodeUTF8(import->name, (Py_ssize_t)strlen(import->name), "backslashreplace");
        PyObject *module = PyUnicode_DecodeUTF8(import->module, (Py_ssize_t)strlen(import->module),
                                                "backslashreplace");
        PyObject *entry = name == NULL || module == NULL
                              ? NULL
                              : Py_BuildValue("{sOsOsnsOsO}", "module", module, "name", name, "offset",
                                              (Py_ssize_t)import->offset, "called", import->called ? Py_True : Py_False,
                                              "safe", import->safe ? Py_True : Py_False);
        if (entry == NULL || PyList_Append(list, entry) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(entry);
        Py_XDECREF(module);
        Py_XDECREF(name);
    }
    return list;
}

/* A file that something else reads. */
static int
inspect_kind(PyObject *found, const LoadKind *kind)
{
    const char *reader = kind->reader == NULL ? "unpack it first" : kind->reader;
    return inspect_put(found, "kind", PyUnicode_FromString(kind->name)) < 0
               ? -1 : inspect_put(found, "reader", PyUnicode_FromString(reader));
}

/* What the opcodes would do. */
static int
inspect_scan(PyObject *found, const LoadSource *source)
{
    static const char *const verdicts[] = {[PICKLE_SAFE] = "data", [PICKLE_ASK] = "code", [PICKLE_BROKEN] = "broken"};
    bool whole = source->dump == DUMP_WHOLE;
    PickleScan scan;
    bool scanned;
    Py_BEGIN_ALLOW_THREADS
    scanned = pickle_scan(source->bytes, whole ? (size_t)source->trailer.stream_end : source->size, &scan);
    Py_END_ALLOW_THREADS
    const LoadKind *other = scanned ? load_kind_of_imports(&scan) : NULL;
    int ret = -1;
    if (!scanned) {
        PyErr_NoMemory();
    }
    else if (other != NULL) {
        ret = inspect_kind(found, other);
        goto done;
    }
    else if (inspect_put(found, "does", PyUnicode_FromString(verdicts[scan.verdict])) == 0
             && inspect_put(found, "protocol", PyLong_FromLong(scan.protocol)) == 0
             && inspect_put(found, "imports", inspect_imports(&scan)) == 0) {
        ret = 0;
    }
    if (ret == 0 && scan.verdict != PICKLE_SAFE) {
        ret = inspect_put(found, "why", PyUnicode_FromFormat("%s, at byte %zu", scan.why, scan.offset));
    }
    if (ret == 0 && scan.verdict == PICKLE_BROKEN && !whole) {
        ret = PyDict_SetItemString(found, "whole", Py_False);
    }
done:
    pickle_scan_clear(&scan);
    return ret;
}

static PyObject *
inspect_damage(const LoadSource *source)
{
    unsigned long long offset = source->offset, until = source->until;
    return until != 0 ? PyUnicode_FromFormat("%s, between bytes %llu and %llu", source->why, offset, until)
                      : PyUnicode_FromFormat("%s, at byte %llu", source->why, offset);
}

/* What the file says about itself, and whether it is what it says. */
static int
inspect_source(PyObject *found, const LoadSource *source)
{
    bool dump = source->dump != DUMP_NONE, whole = !dump || source->dump == DUMP_WHOLE;
    const char *kind = dump ? "dump" : source->kind == NULL ? "pickle" : source->kind->name;
    if (inspect_put(found, "kind", PyUnicode_FromString(kind)) < 0
        || PyDict_SetItemString(found, "whole", whole ? Py_True : Py_False) < 0
        || PyDict_SetItemString(found, "signed", source->own ? Py_True : Py_False) < 0) {
        return -1;
    }
    if (source->packed != NULL && inspect_put(found, "packed", PyUnicode_FromString(source->packed->name)) < 0) {
        return -1;
    }
    if (!whole) {
        return inspect_put(found, "damage", inspect_damage(source));
    }
    if (source->kind != NULL) {
        return inspect_kind(found, source->kind);
    }
    if (source->dump == DUMP_WHOLE
        && (inspect_put(found, "facts", dump_facts_dict(&source->trailer)) < 0
            || inspect_put(found, "buffers", inspect_buffers(&source->trailer)) < 0)) {
        return -1;
    }
    return inspect_scan(found, source);
}

PyObject *
inspect_door(PyObject *module, PyObject *args, PyObject *named)
{
    static char path_keyword[] = "path", verify_keyword[] = "verify";
    static char *keywords[] = {path_keyword, verify_keyword, NULL};
    PyObject *path, *found = NULL;
    LoadSource source;
    int verify = 1;
    if (!PyArg_ParseTupleAndKeywords(args, named, "O|$p:inspect_dump", keywords, &path, &verify)) {
        return NULL;
    }
    if (load_source_open(state_of_module(module), &source, path, verify) == 0) {
        found = Py_BuildValue("{sn}", "size", (Py_ssize_t)source.size);
        if (found != NULL && inspect_source(found, &source) < 0) {
            Py_CLEAR(found);
        }
    }
    load_source_close(&source);
    return found;
}
