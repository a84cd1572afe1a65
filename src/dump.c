/* Saving objects, see dump.h. */
#include "dump.h"

#include <string.h>

#include "dump_culprit.h"
#include "dump_facts.h"
#include "frame.h"
#include "methods.h"

/* ---- picklers ---- */

/* pickle.Pickler, or what cloudpickle has for it: that is NULL without an exception if it is not installed. */
static PyObject *
dump_pickler(const char *name)
{
    PyObject *module = compat_import(name);
    if (module == NULL && strcmp(name, "pickle") != 0 && PyErr_ExceptionMatches(PyExc_ImportError)) {
        PyErr_Clear();
        return NULL;
    }
    PyObject *pickler = module == NULL ? NULL : PyObject_GetAttrString(module, "Pickler");
    Py_XDECREF(module);
    return pickler;
}

/* Is the exception about something that cannot be pickled, rather than about the file, or the user's Ctrl-C? */
static bool
dump_is_about_pickling(void)
{
    return PyErr_ExceptionMatches(PyExc_Exception) && !PyErr_ExceptionMatches(PyExc_OSError)
           && !PyErr_ExceptionMatches(PyExc_MemoryError);
}

static PyObject *
dump_drop(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(bytes))
{
    Py_RETURN_FALSE; /* as a buffer_callback: it is not to be in the stream */
}

static PyMethodDef dump_drop_def = {"drop", dump_drop, METH_O, NULL};

/* partial(pickler, protocol=5, buffer_callback=drop): for a pass that writes nothing. */
static PyObject *
dump_maker(PyObject *pickler)
{
    PyObject *functools = compat_import("functools");
    PyObject *partial = functools == NULL ? NULL : PyObject_GetAttrString(functools, "partial");
    PyObject *drop = partial == NULL ? NULL : PyCFunction_New(&dump_drop_def, NULL);
    PyObject *args = drop == NULL ? NULL : PyTuple_Pack(1, pickler);
    PyObject *named = args == NULL ? NULL : Py_BuildValue("{sisO}", "protocol", 5, "buffer_callback", drop);
    PyObject *maker = named == NULL ? NULL : PyObject_Call(partial, args, named);
    Py_XDECREF(named);
    Py_XDECREF(args);
    Py_XDECREF(drop);
    Py_XDECREF(partial);
    Py_XDECREF(functools);
    return maker;
}

/* The exception that is set says which part was to blame. Always -1. */
static int
dump_explain(PyObject *object, PyObject *name, PyObject *pickler)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *maker = dump_maker(pickler);
    if (maker == NULL) {
        PyErr_Clear();
    }
    PyErr_Restore(type, value, traceback);
    if (maker != NULL) {
        dump_culprit_explain(object, name, maker);
        Py_DECREF(maker);
    }
    return -1;
}

/* `attempt` with pickle, and if the object cannot be pickled so, with cloudpickle where it is installed. -1 with an
 * exception that says what is to blame. */
static int
dump_attempt(int (*attempt)(void *context, PyObject *pickler, bool cloud), void *context, PyObject *object,
             PyObject *name)
{
    PyObject *pickler = dump_pickler("pickle");
    int ret = pickler == NULL ? -1 : attempt(context, pickler, false);
    if (ret < 0 && pickler != NULL && dump_is_about_pickling()) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        PyObject *cloud = dump_pickler("cloudpickle");
        bool interrupted = cloud == NULL && PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt);
        if (cloud == NULL && !interrupted) {
            PyErr_Clear(); /* broken */
            PyErr_Restore(type, value, traceback);
        }
        else {
            Py_XDECREF(type);
            Py_XDECREF(value);
            Py_XDECREF(traceback);
        }
        if (cloud != NULL) {
            Py_SETREF(pickler, cloud);
            ret = attempt(context, pickler, true);
        }
        if (ret < 0 && dump_is_about_pickling()) {
            dump_explain(object, name, pickler);
        }
    }
    Py_XDECREF(pickler);
    return ret;
}

/* ---- saving ---- */

static int
dump_add_facts(DumpTrailer *trailer, const DumpRequest *request, bool cloud)
{
    if (cloud) {
        dump_trailer_add_fact(trailer, "needs", "cloudpickle");
    }
    if (request->all) {
        dump_trailer_add_fact(trailer, "all", "1");
        if (dump_facts_add_names(trailer, request->object) < 0) {
            return -1;
        }
    }
    if (dump_facts_add_notes(trailer, request->notes) < 0
        || dump_facts_add_text(trailer, "name", request->name) < 0
        || dump_facts_add_text(trailer, "expression", request->expression) < 0) {
        return -1;
    }
    return dump_facts_add(trailer, request->object, request->frame);
}

static int
dump_save_with(void *context, PyObject *pickler, bool cloud)
{
    const DumpRequest *request = context;
    DumpTrailer trailer = {0};
    int ret = dump_add_facts(&trailer, request, cloud);
    ret = ret < 0 ? ret : dump_write(request->object, pickler, request->path, request->share, &trailer,
                                       request->progress);
    dump_trailer_clear(&trailer);
    return ret;
}

int
dump_save(const DumpRequest *request)
{
    return dump_attempt(dump_save_with, (void *)request, request->object,
                        request->expression != NULL ? request->expression : request->name);
}

/* ---- trying ---- */

static int
dump_try_with(void *object, PyObject *pickler, bool Py_UNUSED(cloud))
{
    static PyMethodDef methods[] = {{"write", dump_drop, METH_O, NULL}};
    PyObject *nowhere = methods_object(methods, 1, object);
    PyObject *maker = nowhere == NULL ? NULL : dump_maker(pickler);
    PyObject *made = maker == NULL ? NULL : PyObject_CallFunctionObjArgs(maker, nowhere, NULL);
    PyObject *none = made == NULL ? NULL : PyObject_CallMethod(made, "dump", "(O)", (PyObject *)object);
    int ret = none == NULL ? -1 : 0;
    Py_XDECREF(none);
    Py_XDECREF(made);
    Py_XDECREF(maker);
    Py_XDECREF(nowhere);
    return ret;
}

int
dump_try(PyObject *object, PyObject *name, PyObject **why)
{
    PyObject *type, *value, *traceback;
    *why = NULL;
    if (dump_attempt(dump_try_with, object, object, name) == 0) {
        return 1;
    }
    if (!dump_is_about_pickling()) {
        return -1;
    }
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    *why = PyObject_Str(value);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return *why == NULL ? -1 : 0;
}

/* ---- the door ---- */

PyObject *
dump_door(PyObject *Py_UNUSED(module), PyObject *args, PyObject *named)
{
    static char *keywords[] = {(char *)"obj", (char *)"path", (char *)"name", NULL};
    DumpRequest request = {0};
    PyObject *path = NULL, *name = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, named, "OO&|$O:dump", keywords, &request.object, PyUnicode_FSDecoder, &path,
                                     &name)) {
        return NULL;
    }
    if (name != Py_None && !PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "dump() argument 'name' must be str or None, not %R", Py_TYPE(name));
        Py_DECREF(path);
        return NULL;
    }
    request.path = path;
    request.name = name == Py_None ? NULL : name;
    request.frame = frame_current();
    int failed = dump_save(&request);
    Py_XDECREF(request.frame);
    Py_DECREF(path);
    if (failed < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}
