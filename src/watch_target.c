/* What a text means that says what to watch: `NAME`, `global NAME`, `OBJ.attr`, `D[key]`, `L[i]`. */
#include "watch.h"

#include "await.h"
#include "compat.h"
#include "frame.h"
#include "names.h"
#include "node.h"
#include "opcodes.h"
#include "peek.h"
#include "source.h"

#include <string.h>

/* The value of an expression: a new reference. What it binds stays in the scope. */
static PyObject *
target_eval(Watch *watch, Namespace *ns, PyObject *text)
{
    PyObject *runner = NULL;
    PyObject *value = source_eval(watch->state, ns, text, &runner);
    await_close(&runner);
    return value;
}

/* The same of a part of the parsed text. */
static PyObject *
target_eval_node(Watch *watch, Namespace *ns, PyObject *node)
{
    PyObject *ast = compat_import("ast");
    PyObject *text = ast == NULL ? NULL : PyObject_CallMethod(ast, "unparse", "O", node);
    PyObject *value = text == NULL ? NULL : target_eval(watch, ns, text);
    Py_XDECREF(text);
    Py_XDECREF(ast);
    return value;
}

static int
target_take_global(Watch *watch, PyObject *globals, PyObject *name)
{
    watch->kind = WATCH_KEY;
    watch->name = Py_NewRef(name);
    watch->object = Py_NewRef(globals);
    return 0;
}

/* ---- names ---- */

/* Where the place of a variable is lent to an inlined comprehension: from the instruction that clears it to the one
 * that puts back what was there, which is the first store to it behind the comprehension's outermost loop. */
static Py_ssize_t
target_end_of_loan(const unsigned char *bytes, Py_ssize_t size, Py_ssize_t at, unsigned variable)
{
    Py_ssize_t behind = -1; /* the outermost loop, once it is known */
    while (at < size) {
        Instruction i = opcodes_at(bytes, size, at);
        if (behind < 0 && i.opcode == OPCODE_FOR_ITER) {
            behind = i.next + 2 * (Py_ssize_t)i.argument;
        }
        else if (behind < 0 && i.opcode == OPCODE_END_ASYNC_FOR) {
            behind = i.start;
        }
        if (behind >= 0 && at >= behind && opcodes_stores(&i, variable)) {
            return i.next;
        }
        at = i.next;
    }
    return size;
}

static int
target_find_loans(Watch *watch, unsigned variable)
{
    int ret = -1;
    char *bytes;
    Py_ssize_t size;
    PyObject *code = PyObject_GetAttrString(watch->code, "co_code");
    if (code == NULL || PyBytes_AsStringAndSize(code, &bytes, &size) < 0) {
        goto done;
    }
    for (Py_ssize_t at = 0; at < size;) {
        Instruction i = opcodes_at((unsigned char *)bytes, size, at);
        at = i.next;
        if (i.opcode != OPCODE_LOAD_FAST_AND_CLEAR || i.argument != variable) {
            continue;
        }
        WatchSpan *more = PyMem_Realloc(watch->hidden, (watch->hidden_count + 1) * sizeof *more);
        if (more == NULL) {
            PyErr_NoMemory();
            goto done;
        }
        watch->hidden = more;
        at = target_end_of_loan((unsigned char *)bytes, size, at, variable);
        watch->hidden[watch->hidden_count++] = (WatchSpan){i.start, at};
    }
    ret = 0;
done:
    Py_XDECREF(code);
    return ret;
}

/* The number of a variable in its function; -1: it has none, or (with an exception) failed. */
static Py_ssize_t
target_variable(PyObject *code, const char *group, PyObject *name)
{
    PyObject *names = PyObject_GetAttrString(code, group);
    Py_ssize_t at = names == NULL ? -1 : PySequence_Contains(names, name);
    at = at <= 0 ? -1 : PySequence_Index(names, name);
    Py_XDECREF(names);
    return at;
}

/* Is the frame one that still runs, or may go on as a generator? */
static int
target_is_alive(PyObject *frame)
{
    enum { GENERATORS = 0x20 | 0x80 | 0x200 }; /* inspect.CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR */
    PyObject *running = frame_current();
    int alive = running == NULL ? 0 : frame_is_under(frame, running);
    PyObject *code = alive == 0 ? frame_code(frame) : NULL;
    PyObject *flags = code == NULL ? NULL : PyObject_GetAttrString(code, "co_flags");
    if (flags != NULL) {
        alive = (PyLong_AsLong(flags) & GENERATORS) != 0;
    }
    Py_XDECREF(flags);
    Py_XDECREF(code);
    Py_XDECREF(running);
    return PyErr_Occurred() ? -1 : alive;
}

static int
target_take_variable(Watch *watch, PyObject *frame, PyObject *name)
{
    int alive = target_is_alive(frame);
    if (alive <= 0) {
        if (alive == 0) {
            PyErr_Format(PyExc_ValueError, "%U changes no more: its function has ended", name);
        }
        return -1;
    }
    watch->kind = WATCH_VARIABLE;
    watch->name = Py_NewRef(name);
    watch->frame = Py_NewRef(frame);
    watch->code = frame_code(frame);
    Py_ssize_t cell = target_variable(watch->code, "co_cellvars", name);
    if (cell < 0 && !PyErr_Occurred()) {
        cell = target_variable(watch->code, "co_freevars", name);
    }
    watch->after = cell >= 0 ? AFTER_CELL : AFTER_LOCAL;
    Py_ssize_t variable = PyErr_Occurred() ? -1 : target_variable(watch->code, "co_varnames", name);
    if (variable >= 0 && target_find_loans(watch, (unsigned)variable) < 0) {
        return -1;
    }
    return PyErr_Occurred() ? -1 : 0;
}

static int
target_no_name(Namespace *ns, PyObject *name)
{
    PyObject *value;
    int found = scope_get(ns, name, &value);
    if (found > 0) {
        Py_DECREF(value);
        PyErr_Format(PyExc_NameError, "'%U' is a name of the prompt alone: no code of the program binds it", name);
    }
    else if (found == 0) {
        PyErr_Format(PyExc_NameError, "name '%U' is not defined here (`watch global %U` waits for a global)", name,
                     name);
    }
    return -1;
}

static int
target_take_name(Watch *watch, Namespace *ns, PyObject *name)
{
    Names names = {0};
    int ret = -1;
    PyObject *frame = scope_frame(ns);
    if (names_open(&names, frame) < 0) {
        goto done;
    }
    int slot = names.kind == NAMES_FUNCTION ? names_has_slot(&names, name) : 0;
    if (slot != 0) {
        ret = slot < 0 ? -1 : target_take_variable(watch, frame, name);
        goto done;
    }
    PyObject *mapping = names.mapping != NULL && PyDict_Check(names.mapping) ? names.mapping : names.globals;
    int in_mapping = PyDict_Contains(mapping, name);
    if (in_mapping < 0) {
        goto done;
    }
    int in_globals = in_mapping ? 1 : PyDict_Contains(names.globals, name);
    ret = in_globals < 0    ? -1
          : in_globals == 0 ? target_no_name(ns, name)
                            : target_take_global(watch, in_mapping ? mapping : names.globals, name);
done:
    names_clear(&names);
    return ret;
}

/* ---- attributes ---- */

static int
target_refuse_attribute(PyObject *object, PyObject *name, const char *why)
{
    PyObject *type = PyType_GetName(Py_TYPE(object));
    if (type != NULL) {
        PyErr_Format(PyExc_TypeError, "the attribute %U of this object (%U) cannot be watched: %s", name, type, why);
    }
    Py_XDECREF(type);
    return -1;
}

/* What its class has under the name decides where the attribute is kept. */
static int
target_take_slot(Watch *watch, PyObject *object, PyObject *name, PyObject *found)
{
    if (!peek_is((PyObject *)Py_TYPE(found), "builtins", "member_descriptor")) {
        return target_refuse_attribute(object, name, "it is computed when it is read. Watch what it is made of");
    }
    watch->kind = WATCH_SLOT;
    watch->after = AFTER_ATTRIBUTE;
    watch->name = Py_NewRef(name);
    watch->slot = Py_NewRef(found);
    watch->object = Py_NewRef(object);
    return 0;
}

/* `__x` is another name to the code of a class, which the text does not say. */
static int
target_refuse_private(PyObject *object, PyObject *name)
{
    PyObject *type = PyType_GetName(PyType_Check(object) ? (PyTypeObject *)object : Py_TYPE(object));
    PyObject *bare = type == NULL ? NULL : PyObject_CallMethod(type, "lstrip", "s", "_");
    if (bare != NULL) {
        PyErr_Format(PyExc_ValueError,
                     "%U is private: code of a class means another name by it, in %U _%U%U. Watch that", name, type,
                     bare, name);
    }
    Py_XDECREF(bare);
    Py_XDECREF(type);
    return -1;
}

static bool
target_is_private(const char *name)
{
    size_t length = strlen(name);
    return length > 2 && name[0] == '_' && name[1] == '_' && !(name[length - 1] == '_' && name[length - 2] == '_');
}

static int
target_take_attribute(Watch *watch, PyObject *object, PyObject *name)
{
    PyObject *letters = PyUnicode_AsUTF8String(name);
    PyObject *found = letters == NULL ? NULL : peek_in_mro((PyObject *)Py_TYPE(object), PyBytes_AsString(letters));
    int ret = -1;
    PyObject *dict = NULL;
    if (letters == NULL) {
        goto done;
    }
    if (found != NULL && PyType_GetSlot(Py_TYPE(found), Py_tp_descr_set) != NULL) {
        ret = target_take_slot(watch, object, name, found);
        goto done;
    }
    if (PyType_Check(object) && !PyType_HasFeature((PyTypeObject *)object, Py_TPFLAGS_HEAPTYPE)) {
        ret = target_refuse_attribute(object, name, "a built-in class does not change");
        goto done;
    }
    dict = peek_dict(object);
    if (found == NULL && target_is_private(PyBytes_AsString(letters))
        && (dict == NULL || PyDict_Contains(dict, name) == 0)) {
        ret = target_refuse_private(object, name);
        goto done;
    }
    if (dict == NULL) {
        ret = target_refuse_attribute(object, name, "it has no dictionary to keep attributes in");
        goto done;
    }
    watch->kind = WATCH_KEY;
    watch->after = AFTER_ATTRIBUTE;
    watch->untold = !compat_attributes_are_told() && !PyType_Check(object) && !PyModule_Check(object);
    watch->name = Py_NewRef(name);
    watch->object = Py_NewRef(dict);
    ret = 0;
done:
    Py_XDECREF(dict);
    Py_XDECREF(found);
    Py_XDECREF(letters);
    return ret;
}

/* ---- items ---- */

static int
target_take_item(Watch *watch, PyObject *object, PyObject *key)
{
    if (PyDict_Check(object)) {
        Py_hash_t hash = PyObject_Hash(key);
        watch->kind = WATCH_KEY;
        watch->name = Py_NewRef(key);
        watch->after = AFTER_ITEM;
        watch->object = Py_NewRef(object);
        return hash == -1 ? -1 : 0;
    }
    PyObject *type = PyType_GetName(Py_TYPE(object));
    int ret = -1;
    if (PyList_Check(object) && PyIndex_Check(key)) {
        watch->kind = WATCH_INDEX;
        watch->name = PyNumber_Index(key);
        watch->after = AFTER_ITEM;
        watch->object = Py_NewRef(object);
        ret = watch->name == NULL || (PyLong_AsSsize_t(watch->name) == -1 && PyErr_Occurred()) ? -1 : 0;
    }
    else if (type != NULL && PyList_Check(object)) {
        PyErr_Format(PyExc_TypeError, "one item of a list can be watched, by its number, not %R", key);
    }
    else if (type != NULL) {
        PyErr_Format(PyExc_TypeError, "items of dicts and lists can be watched, not of this object (%U)", type);
    }
    Py_XDECREF(type);
    return ret;
}

/* ---- both ---- */

static int
target_take_node(Watch *watch, Namespace *ns, PyObject *node)
{
    int ret = -1;
    PyObject *value = NULL, *object = NULL, *part = NULL;
    if (node_is(node, "Name")) {
        part = PyObject_GetAttrString(node, "id");
        ret = part == NULL ? -1 : target_take_name(watch, ns, part);
        goto done;
    }
    bool attribute = node_is(node, "Attribute") != 0;
    if (!attribute && !node_is(node, "Subscript")) {
        PyErr_Format(PyExc_ValueError,
                     "%U is nothing that changes: watch a NAME, OBJ.attr, D[key], L[i] or global NAME", watch->text);
        goto done;
    }
    value = PyObject_GetAttrString(node, "value");
    object = value == NULL ? NULL : target_eval_node(watch, ns, value);
    part = object == NULL ? NULL : PyObject_GetAttrString(node, attribute ? "attr" : "slice");
    if (part != NULL && !attribute && node_is(part, "Slice")) {
        PyErr_Format(PyExc_TypeError, "%U are several items: one can be watched, by its number", watch->text);
        goto done;
    }
    if (part != NULL && !attribute) {
        Py_SETREF(part, target_eval_node(watch, ns, part));
    }
    if (part != NULL) {
        ret = attribute ? target_take_attribute(watch, object, part) : target_take_item(watch, object, part);
    }
done:
    Py_XDECREF(part);
    Py_XDECREF(object);
    Py_XDECREF(value);
    return ret;
}

/* A name as the compiler has it, which writes one character for several that look alike. Takes the reference. */
static PyObject *
target_normalized(PyObject *name)
{
    Py_ssize_t size;
    if (PyUnicode_AsUTF8AndSize(name, &size) == NULL) {
        Py_CLEAR(name);
    }
    else if (size != PyUnicode_GetLength(name)) {
        PyObject *unicodedata = compat_import("unicodedata");
        Py_SETREF(name, unicodedata == NULL ? NULL
                                            : PyObject_CallMethod(unicodedata, "normalize", "sO", "NFKC", name));
        Py_XDECREF(unicodedata);
    }
    if (name != NULL) {
        PyUnicode_InternInPlace(&name);
    }
    return name;
}

/* `global NAME`: the name; NULL without an exception if it is something else. */
static PyObject *
target_global(PyObject *text)
{
    PyObject *words = PyUnicode_Split(text, NULL, -1), *name = NULL;
    if (words != NULL && PyList_Size(words) == 2
        && PyUnicode_CompareWithASCIIString(PyList_GetItem(words, 0), "global") == 0
        && PyUnicode_IsIdentifier(PyList_GetItem(words, 1))) {
        name = target_normalized(Py_NewRef(PyList_GetItem(words, 1)));
    }
    Py_XDECREF(words);
    return name;
}

/* The text, parsed: a new reference. What is wrong with it is told without a traceback through the parser. */
static PyObject *
target_parse(PyObject *text)
{
    PyObject *words = PyUnicode_Split(text, NULL, -1), *ast = words == NULL ? NULL : compat_import("ast");
    PyObject *tree = NULL;
    if (ast != NULL && PyList_Size(words) == 0) {
        PyErr_SetString(PyExc_SyntaxError, "no target: watch a NAME, OBJ.attr, D[key], L[i] or global NAME");
    }
    else if (ast != NULL) {
        tree = PyObject_CallMethod(ast, "parse", "Oss", text, "<hook: watch>", "eval");
    }
    if (tree == NULL && PyErr_ExceptionMatches(PyExc_SyntaxError)) {
        PyObject *type, *error, *traceback;
        PyErr_Fetch(&type, &error, &traceback);
        PyErr_NormalizeException(&type, &error, &traceback);
        PyException_SetTraceback(error, Py_None);
        Py_XDECREF(traceback);
        PyErr_Restore(type, error, NULL);
    }
    Py_XDECREF(ast);
    Py_XDECREF(words);
    return tree;
}

int
watch_target(Watch *watch, Namespace *ns, PyObject *text)
{
    int ret = -1;
    PyObject *name = target_global(text);
    if (name != NULL || PyErr_Occurred()) {
        ret = name == NULL ? -1 : target_take_global(watch, scope_globals(ns), name);
        Py_XDECREF(name);
        return ret;
    }
    PyObject *tree = target_parse(text);
    PyObject *node = tree == NULL ? NULL : PyObject_GetAttrString(tree, "body");
    ret = node == NULL ? -1 : target_take_node(watch, ns, node);
    Py_XDECREF(node);
    Py_XDECREF(tree);
    return ret;
}
