/* What a snapshot takes, see snapshot.h. The program waits meanwhile, so nothing is pickled here, and nothing of the
 * program runs but __sizeof__(). */
#include "snapshot.h"

#include "dump_kind.h"
#include "frame.h"
#include "names.h"
#include "snapshot_size.h"

/* ---- where the program is ---- */

static PyObject *
snapshot_main(void)
{
    PyObject *modules = PySys_GetObject("modules"); /* borrowed */
    PyObject *main = modules == NULL ? NULL : PyObject_CallMethod(modules, "get", "s", "__main__");
    PyObject *globals = main == NULL || main == Py_None ? NULL : PyObject_GetAttrString(main, "__dict__");
    Py_XDECREF(main);
    if (globals == NULL || !PyDict_Check(globals)) {
        Py_CLEAR(globals);
        PyErr_SetString(PyExc_RuntimeError, "there is no module __main__ to take a snapshot of");
    }
    return globals;
}

PyObject *
snapshot_globals(PyObject *frame)
{
    PyObject *outermost = Py_XNewRef(frame);
    for (PyObject *back = outermost; back != NULL;) {
        back = frame_back(outermost);
        if (back != NULL) {
            Py_SETREF(outermost, back);
        }
    }
    PyObject *globals = outermost == NULL ? NULL : frame_globals(outermost);
    PyObject *name = globals == NULL ? NULL : PyDict_GetItemString(globals, "__name__"); /* borrowed */
    if (name == NULL || !PyUnicode_Check(name) || PyUnicode_CompareWithASCIIString(name, "__main__") != 0) {
        PyErr_Clear();
        Py_XDECREF(globals);
        globals = snapshot_main();
    }
    Py_XDECREF(outermost);
    return globals;
}

PyObject *
snapshot_place(PyObject *frame, PyObject *globals)
{
    PyObject *place = Py_XNewRef(frame);
    while (place != NULL) {
        PyObject *own = frame_globals(place);
        bool found = own == globals;
        Py_XDECREF(own);
        if (found) {
            break;
        }
        Py_SETREF(place, frame_back(place));
    }
    PyErr_Clear();
    return place;
}

/* ---- which objects ---- */

static bool
snapshot_is_tracked(const SnapshotWish *wish, PyObject *object)
{
    for (Py_ssize_t i = 0; i < PyList_Size(wish->tracked) && object != (PyObject *)wish->never; i++) {
        if (PyList_GetItem(wish->tracked, i) == object) {
            return true;
        }
    }
    return false;
}

/* Is it of a type that one of the libraries has? 1, 0, -1. */
static int
snapshot_is_of_library(const SnapshotWish *wish, PyObject *object)
{
    int is = 0;
    PyObject *module = PyObject_GetAttrString((PyObject *)Py_TYPE(object), "__module__");
    PyObject *whole = module == NULL || !PyUnicode_Check(module) ? NULL : PyUnicode_FromFormat("%U.", module);
    if (whole == NULL) {
        PyErr_Clear(); /* a class may have anything there */
    }
    for (Py_ssize_t i = 0; whole != NULL && is == 0 && i < PyList_Size(wish->libraries); i++) {
        PyObject *begin = PyUnicode_FromFormat("%U.", PyList_GetItem(wish->libraries, i));
        is = begin == NULL ? -1 : (int)PyUnicode_Tailmatch(whole, begin, 0, PY_SSIZE_T_MAX, -1);
        Py_XDECREF(begin);
    }
    Py_XDECREF(whole);
    Py_XDECREF(module);
    return is;
}

/* 1, 0, -1. */
static int
snapshot_wants(const SnapshotWish *wish, PyObject *object, const SizeBudget *budget)
{
    if (snapshot_is_tracked(wish, object)) {
        return 1;
    }
    if (dump_kind_is_code(object) || Py_TYPE(object) == wish->never) {
        return 0;
    }
    int wants = wish->least == 0 ? 1 : snapshot_is_of_library(wish, object);
    if (wants == 0 && wish->least > 0) {
        uint64_t least = (uint64_t)wish->least;
        wants = snapshot_size(object, least, budget) >= least;
    }
    return wants;
}

/* Is it one of the interpreter's own, as __name__? */
static bool
snapshot_is_special(PyObject *name)
{
    Py_ssize_t length = PyUnicode_Check(name) ? PyUnicode_GetLength(name) : 0;
    return length > 4 && PyUnicode_ReadChar(name, 0) == '_' && PyUnicode_ReadChar(name, 1) == '_'
           && PyUnicode_ReadChar(name, length - 1) == '_' && PyUnicode_ReadChar(name, length - 2) == '_';
}

/* ---- gathering ---- */

/* `prefix`: str, what stands before the name, or NULL. */
static int
snapshot_add(PyObject *objects, PyObject *prefix, PyObject *name, PyObject *value)
{
    PyObject *whole = prefix == NULL ? Py_NewRef(name) : PyUnicode_FromFormat("%U%U", prefix, name);
    int ret = whole == NULL ? -1 : PyDict_SetItem(objects, whole, value);
    Py_XDECREF(whole);
    return ret;
}

/* One that is not taken: for its size? */
static int
snapshot_pass(const SnapshotWish *wish, PyObject *prefix, PyObject *name, PyObject *value)
{
    if (wish->least <= 0 || dump_kind_is_code(value) || Py_TYPE(value) == wish->never) {
        return 0;
    }
    PyObject *whole = prefix == NULL ? Py_NewRef(name) : PyUnicode_FromFormat("%U%U", prefix, name);
    int ret = whole == NULL ? -1 : PyList_Append(wish->small, whole);
    Py_XDECREF(whole);
    return ret;
}

/* Of a copy: __sizeof__() may change what it is asked about. */
static int
snapshot_add_globals(PyObject *objects, const SnapshotWish *wish, PyObject *globals, const SizeBudget *budget)
{
    PyObject *copy = PyDict_Copy(globals), *name, *value;
    Py_ssize_t at = 0;
    int ret = copy == NULL ? -1 : 0;
    while (ret == 0 && PyDict_Next(copy, &at, &name, &value)) {
        if (!PyUnicode_Check(name) || snapshot_is_special(name)) {
            continue;
        }
        int wants = snapshot_wants(wish, value, budget);
        ret = wants < 0    ? -1
              : wants == 0 ? snapshot_pass(wish, NULL, name, value)
                           : snapshot_add(objects, NULL, name, value);
    }
    Py_XDECREF(copy);
    return ret;
}

/* The local variables of a frame of a function. */
static int
snapshot_add_locals(PyObject *objects, const SnapshotWish *wish, PyObject *frame, const SizeBudget *budget)
{
    Names names = {0};
    PyObject *set = PySet_New(NULL), *list = NULL, *function = NULL, *prefix = NULL;
    int ret = names_open(&names, frame) < 0 || set == NULL || names_add_to(&names, set) < 0 ? -1 : 0;
    if (ret == 0 && names.kind == NAMES_FUNCTION) {
        list = PySequence_List(set);
        function = list == NULL || PyList_Sort(list) < 0 ? NULL : frame_function(frame);
        prefix = function == NULL ? NULL : PyUnicode_FromFormat("%U().", function);
        ret = prefix == NULL ? -1 : 0;
    }
    for (Py_ssize_t i = 0; ret == 0 && list != NULL && i < PyList_Size(list); i++) {
        PyObject *name = PyList_GetItem(list, i), *value;
        int found = names_get(&names, name, &value);
        ret = found < 0 ? -1 : 0;
        if (found > 0) {
            int wants = snapshot_wants(wish, value, budget);
            ret = wants < 0    ? -1
                  : wants == 0 ? snapshot_pass(wish, prefix, name, value)
                               : snapshot_add(objects, prefix, name, value);
            Py_DECREF(value);
        }
    }
    names_clear(&names);
    Py_XDECREF(prefix);
    Py_XDECREF(function);
    Py_XDECREF(list);
    Py_XDECREF(set);
    return ret;
}

/* Of the frames that run in the program's globals. A function that calls itself is there once: its innermost call. */
static int
snapshot_add_frames(PyObject *objects, const SnapshotWish *wish, PyObject *globals, PyObject *frame,
                    const SizeBudget *budget)
{
    int ret = 0;
    PyObject *codes = PySet_New(NULL);
    PyObject *at = codes == NULL ? NULL : snapshot_place(frame, globals);
    while (ret == 0 && at != NULL) {
        PyObject *code = frame_code(at), *back = frame_back(at);
        int known = code == NULL ? -1 : PySet_Contains(codes, code);
        ret = known < 0 || PySet_Add(codes, code) < 0 ? -1 : known ? 0 : snapshot_add_locals(objects, wish, at, budget);
        Py_XDECREF(code);
        Py_SETREF(at, back == NULL ? NULL : snapshot_place(back, globals));
        Py_XDECREF(back);
    }
    Py_XDECREF(at);
    Py_XDECREF(codes);
    return codes == NULL ? -1 : ret;
}

/* Tracked objects that have no name of their own: "tracked[0]". */
static int
snapshot_add_tracked(PyObject *objects, const SnapshotWish *wish)
{
    int ret = 0;
    PyObject *values = PyDict_Values(objects);
    for (Py_ssize_t i = 0; values != NULL && ret == 0 && i < PyList_Size(wish->tracked); i++) {
        PyObject *object = PyList_GetItem(wish->tracked, i);
        bool named = object == (PyObject *)wish->never; /* the place is free */
        for (Py_ssize_t k = 0; !named && k < PyList_Size(values); k++) {
            named = PyList_GetItem(values, k) == object;
        }
        PyObject *name = named ? NULL : PyUnicode_FromFormat("tracked[%zd]", i);
        ret = named ? 0 : name == NULL ? -1 : PyDict_SetItem(objects, name, object);
        Py_XDECREF(name);
    }
    Py_XDECREF(values);
    return values == NULL ? -1 : ret;
}

PyObject *
snapshot_gather(const SnapshotWish *wish, PyObject *globals, PyObject *frame)
{
    static const double looking = 0.005; /* seconds for all sizes: half of what a snapshot may keep the program */
    SizeBudget budget;
    PyObject *objects = PyDict_New();
    snapshot_size_begin(&budget, looking);
    if (objects != NULL
        && (snapshot_add_globals(objects, wish, globals, &budget) < 0
            || (wish->frames && snapshot_add_frames(objects, wish, globals, frame, &budget) < 0)
            || snapshot_add_tracked(objects, wish) < 0)) {
        Py_CLEAR(objects);
    }
    return objects;
}
