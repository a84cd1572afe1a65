/* From the root to where the pickler stopped, see dump_way.h. A level that is a container names its part by itself. A
 * reduction is a temporary thing, whose parts are named after what they are of the object: most are its attributes,
 * and are found there by their identity. */
#include "dump_way.h"

#include "dump_kind.h"
#include "peek.h"

enum {
    LONGEST_KEY = 60,  /* letters */
    DEEPEST_STATE = 3, /* (dict, slots) holds a dict that holds the value */
};

#define ELLIPSIS "\xe2\x80\xa6"

typedef struct Way {
    const Trace *trace;
    size_t at;        /* the level that the next step starts from */
    PyObject *pieces; /* owned: a list of str */
} Way;

/* Append a piece, which is stolen, and go on so many levels below. */
static int
dump_way_add(Way *way, PyObject *piece, size_t levels)
{
    int ret = piece == NULL ? -1 : PyList_Append(way->pieces, piece);
    Py_XDECREF(piece);
    way->at += levels;
    return ret;
}

/* So many levels below the present one: NULL when the way ends before. */
static const TraceLevel *
dump_way_below(const Way *way, size_t levels)
{
    return way->at + levels < way->trace->depth ? &way->trace->levels[way->at + levels] : NULL;
}

/* Is there a list or tuple so many levels below, and something in it? */
static const TraceLevel *
dump_way_sequence(const Way *way, size_t levels)
{
    const TraceLevel *level = dump_way_below(way, levels);
    bool is = level != NULL && level->kind == TRACE_SEQUENCE && dump_way_below(way, levels + 1) != NULL;
    return is ? level : NULL;
}

/* ---- containers ---- */

/* "['key']"; of what is not plain only the type. */
static PyObject *
dump_way_key(PyObject *key)
{
    PyObject *text = peek_is_plain(key, 3) ? PyObject_Repr(key) : NULL, *piece = NULL;
    if (text == NULL) { /* an int may be too long to be written */
        PyErr_Clear();
        PyObject *type = dump_kind_of_type((PyObject *)Py_TYPE(key));
        piece = type == NULL ? NULL : PyUnicode_FromFormat("[<key of type %U>]", type);
        Py_XDECREF(type);
        return piece;
    }
    if (PyUnicode_GetLength(text) > LONGEST_KEY) {
        PyObject *begin = PyUnicode_Substring(text, 0, LONGEST_KEY);
        piece = begin == NULL ? NULL : PyUnicode_FromFormat("[%U%s]", begin, ELLIPSIS);
        Py_XDECREF(begin);
    }
    else {
        piece = PyUnicode_FromFormat("[%U]", text);
    }
    Py_DECREF(text);
    return piece;
}

static PyObject *
dump_way_index(const TraceLevel *level, PyObject *item)
{
    Py_ssize_t index = level->given - 1;
    PyObject *sequence = level->object;
    bool list = PyList_Check(sequence);
    if (index < (list ? PyList_Size(sequence) : PyTuple_Size(sequence))
        && (list ? PyList_GetItem(sequence, index) : PyTuple_GetItem(sequence, index)) == item) {
        return PyUnicode_FromFormat("[%zd]", index);
    }
    return PyUnicode_FromString(" (an item of it)"); /* it was changed meanwhile */
}

/* ---- attributes ---- */

/* Is that the value of the attribute? */
static bool
dump_way_is_attribute(PyObject *object, PyObject *name, PyObject *value)
{
    PeekValue of = peek_value(Py_NewRef(object));
    PeekValue found = peek_attribute(&of, name);
    bool is = found.object == value;
    peek_clear(&found);
    peek_clear(&of);
    return is;
}

static PyObject *
dump_way_find_in_dict(PyObject *dict, PyObject *value)
{
    PyObject *key, *one;
    Py_ssize_t at = 0;
    while (PyDict_Next(dict, &at, &key, &one)) {
        if (one == value && PyUnicode_CheckExact(key)) {
            return Py_NewRef(key);
        }
    }
    return NULL;
}

/* The first slot or field of a type that holds the value. */
static PyObject *
dump_way_find_in_slots(PyObject *object, PyObject *type, PyObject *value)
{
    PyObject *dict = peek_type_dict(type), *key, *one, *name = NULL;
    Py_ssize_t at = 0;
    while (dict != NULL && name == NULL && PyDict_Next(dict, &at, &key, &one)) {
        if ((PyObject *)Py_TYPE(one) == (PyObject *)&PyMemberDescr_Type && PyUnicode_CheckExact(key)
            && PyUnicode_CompareWithASCIIString(key, "__dict__") != 0
            && dump_way_is_attribute(object, key, value)) {
            name = Py_NewRef(key);
        }
    }
    Py_XDECREF(dict);
    return name;
}

/* The name of the attribute that holds the value, `hint` being the likely one or NULL: a new reference, or NULL. */
static PyObject *
dump_way_attribute(PyObject *object, PyObject *value, PyObject *hint)
{
    if (hint != NULL && PyUnicode_CheckExact(hint) && PyUnicode_IsIdentifier(hint) == 1
        && dump_way_is_attribute(object, hint, value)) {
        return Py_NewRef(hint);
    }
    if (PyCFunction_CheckExact(object) && PyCFunction_GetSelf(object) == value) {
        return PyUnicode_FromString("__self__");
    }
    PyObject *dict = peek_dict(object);
    PyObject *name = dict == NULL ? NULL : dump_way_find_in_dict(dict, value);
    PyObject *mro = name == NULL ? peek_mro((PyObject *)Py_TYPE(object)) : NULL;
    for (Py_ssize_t i = 0; mro != NULL && name == NULL && i < PyTuple_Size(mro); i++) {
        name = dump_way_find_in_slots(object, PyTuple_GetItem(mro, i), value);
    }
    if (name != NULL && PyUnicode_IsIdentifier(name) != 1) {
        Py_CLEAR(name);
    }
    Py_XDECREF(mro);
    Py_XDECREF(dict);
    return name;
}

/* ---- reductions: types that are known ---- */

static bool
dump_way_is(const TraceLevel *level, const char *module, const char *name)
{
    PyObject *base = peek_base((PyObject *)Py_TYPE(level->object), module, name);
    Py_XDECREF(base);
    return base != NULL;
}

/* The field of a named tuple, or the index. */
static PyObject *
dump_way_field(PyObject *tuple, Py_ssize_t index)
{
    PyObject *fields = peek_in_mro((PyObject *)Py_TYPE(tuple), "_fields"), *piece = NULL;
    if (fields != NULL && PyTuple_CheckExact(fields) && index < PyTuple_Size(fields)
        && PyUnicode_CheckExact(PyTuple_GetItem(fields, index))) {
        piece = PyUnicode_FromFormat(".%U", PyTuple_GetItem(fields, index));
    }
    else {
        piece = PyUnicode_FromFormat("[%zd]", index);
    }
    Py_XDECREF(fields);
    return piece;
}

/* A subclass of tuple is made from its items, or from a tuple of them. 1 when there was a step, 0, or -1. */
static int
dump_way_tuple(Way *way, const TraceLevel *level)
{
    for (size_t depth = 1; depth <= 2 && dump_way_sequence(way, depth) != NULL; depth++) {
        Py_ssize_t index = dump_way_sequence(way, depth)->given - 1;
        if (index < PyTuple_Size(level->object)
            && PyTuple_GetItem(level->object, index) == dump_way_below(way, depth + 1)->object) {
            return dump_way_add(way, dump_way_field(level->object, index), depth + 1) < 0 ? -1 : 1;
        }
    }
    return 0;
}

/* An array of objects: its state is (version, shape, type, order, items), those row by row. */
static int
dump_way_array(Way *way)
{
    const TraceLevel *state = dump_way_sequence(way, 1), *items = dump_way_sequence(way, 2);
    PyObject *shape = state == NULL ? NULL : PyTuple_GetItem(state->object, 1); /* borrowed */
    if (shape == NULL || items == NULL || !PyTuple_CheckExact(shape)) {
        PyErr_Clear();
        return 0;
    }
    Py_ssize_t rest = items->given - 1, dimensions = PyTuple_Size(shape);
    PyObject *piece = PyUnicode_FromString(dimensions == 0 ? "()" : "");
    for (Py_ssize_t i = dimensions - 1; piece != NULL && i >= 0; i--) {
        Py_ssize_t size = PyLong_AsSsize_t(PyTuple_GetItem(shape, i));
        if (size <= 0) {
            PyErr_Clear();
            Py_DECREF(piece);
            return 0;
        }
        Py_SETREF(piece, PyUnicode_FromFormat(i + 1 < dimensions ? "%zd, %U" : "%zd%U", rest % size, piece));
        rest /= size;
    }
    PyObject *step = piece == NULL ? NULL : PyUnicode_FromFormat("[%U]", piece);
    Py_XDECREF(piece);
    return dump_way_add(way, step, 3) < 0 ? -1 : 1;
}

/* The name of a variable that the function closes over. */
static PyObject *
dump_way_variable(PyObject *function, Py_ssize_t index)
{
    PyObject *code = PyObject_GetAttrString(function, "__code__"); /* its type is the interpreter's own */
    PyObject *names = code == NULL ? NULL : PyObject_GetAttrString(code, "co_freevars");
    PyObject *name = names == NULL ? NULL : PyTuple_GetItem(names, index); /* borrowed */
    PyObject *piece = NULL;
    if (name != NULL) {
        piece = PyUnicode_FromFormat(" (its variable %U)", name);
    }
    Py_XDECREF(names);
    Py_XDECREF(code);
    return piece;
}

/* What cloudpickle keeps of a function: its attributes in a dict, in which those of its globals that it uses are a dict
 * of their own. */
static int
dump_way_function(Way *way, const TraceLevel *level)
{
    const TraceLevel *part = dump_way_below(way, 2), *value = dump_way_below(way, 3);
    if (part == NULL || part->kind != TRACE_DICT || value == NULL || !PyUnicode_CheckExact(part->key)) {
        return 0;
    }
    if (PyUnicode_CompareWithASCIIString(part->key, "__globals__") == 0) {
        return dump_way_add(way, PyUnicode_FromString(".__globals__"), 3) < 0 ? -1 : 1;
    }
    if (PyUnicode_CompareWithASCIIString(part->key, "__closure__") == 0 && dump_way_sequence(way, 3) != NULL) {
        return dump_way_add(way, dump_way_variable(level->object, value->given - 1), 4) < 0 ? -1 : 1;
    }
    return 0;
}

/* The step if the type is one of those: 1, 0, or -1 with an exception. */
static int
dump_way_known(Way *way, const TraceLevel *level, TraceRole role)
{
    PyObject *object = level->object;
    bool arguments = role == TRACE_ARGUMENTS && dump_way_sequence(way, 1) != NULL;
    if (role == TRACE_STATE && dump_way_is(level, "numpy", "ndarray")) {
        return dump_way_array(way);
    }
    if (role == TRACE_STATE && dump_way_is(level, "builtins", "function")) {
        return dump_way_function(way, level);
    }
    if (!arguments) {
        return 0;
    }
    if (PyTuple_Check(object)) {
        return dump_way_tuple(way, level);
    }
    if (PyAnySet_Check(object) && dump_way_sequence(way, 2) != NULL) {
        return dump_way_add(way, PyUnicode_FromString(" (a member of it)"), 3) < 0 ? -1 : 1;
    }
    if (dump_way_is(level, "builtins", "cell")) {
        return dump_way_add(way, PyUnicode_FromString(""), 2) < 0 ? -1 : 1;
    }
    if (dump_way_is(level, "builtins", "BaseExceptionGroup") && dump_way_sequence(way, 1)->given == 2
        && dump_way_sequence(way, 2) != NULL) {
        Py_ssize_t index = dump_way_sequence(way, 2)->given - 1;
        return dump_way_add(way, PyUnicode_FromFormat(".exceptions[%zd]", index), 3) < 0 ? -1 : 1;
    }
    return 0;
}

/* ---- reductions: all others ---- */

/* A part that is an attribute of the object, or that holds one: 1 when it is, 0, or -1. */
static int
dump_way_part(Way *way, const TraceLevel *level)
{
    const TraceLevel *holder = level, *part;
    PyObject *args = PyExceptionInstance_Check(level->object) ? PyUnicode_InternFromString("args") : NULL;
    PyErr_Clear();
    PyObject *name = NULL, *hint = args;
    size_t depth = 0;
    while (name == NULL && depth < DEEPEST_STATE && (part = dump_way_below(way, depth + 1)) != NULL) {
        name = dump_way_attribute(level->object, part->object, hint);
        if (name == NULL && part->kind != TRACE_SEQUENCE && part->kind != TRACE_DICT) {
            break;
        }
        holder = part;
        hint = holder->kind == TRACE_DICT ? holder->key : NULL;
        depth++;
    }
    Py_XDECREF(args);
    if (name == NULL) {
        return 0;
    }
    PyObject *piece = PyUnicode_FromFormat(".%U", name);
    Py_DECREF(name);
    return dump_way_add(way, piece, depth) < 0 ? -1 : 1;
}

/* " (state of T)" */
static int
dump_way_say(Way *way, const TraceLevel *level, const char *format, size_t levels)
{
    PyObject *type = dump_kind_of_type((PyObject *)Py_TYPE(level->object));
    PyObject *piece = type == NULL ? NULL : PyUnicode_FromFormat(format, type);
    Py_XDECREF(type);
    return dump_way_add(way, piece, levels);
}

static int
dump_way_reduced(Way *way, const TraceLevel *level)
{
    Py_ssize_t number;
    TraceRole role = dump_trace_role(level, &number);
    PyObject *part = dump_way_below(way, 1)->object;
    switch (role) {
    case TRACE_CALLABLE:
        if (part == (PyObject *)Py_TYPE(level->object)) {
            return dump_way_add(way, PyUnicode_FromString(" (its class)"), 1);
        }
        return dump_way_say(way, level, " (the callable of %U's reduction)", 1);
    case TRACE_ITEM:
        return dump_way_add(way, PyUnicode_FromFormat("[%zd]", number), 1);
    case TRACE_KEY:
        return dump_way_add(way, PyUnicode_FromString(" (a key of it)"), 1);
    case TRACE_VALUE:
        return dump_way_add(way, dump_way_key(level->key), 1);
    case TRACE_SETTER:
        return dump_way_say(way, level, " (what sets the state of %U)", 1);
    case TRACE_ITSELF:
        return dump_way_add(way, PyUnicode_FromString(""), 1);
    default:
        break;
    }
    int known = dump_way_known(way, level, role);
    if (known == 0) {
        known = dump_way_part(way, level);
    }
    if (known != 0) {
        return known < 0 ? -1 : 0;
    }
    if (role == TRACE_STATE) {
        return dump_way_say(way, level, " (state of %U)", 1);
    }
    return dump_way_say(way, level, " (an argument of %U's reduction)", dump_way_below(way, 2) != NULL ? 2 : 1);
}

static int
dump_way_step(Way *way)
{
    const TraceLevel *level = dump_way_below(way, 0);
    switch (level->kind) {
    case TRACE_SEQUENCE:
        return dump_way_add(way, dump_way_index(level, dump_way_below(way, 1)->object), 1);
    case TRACE_SET:
        return dump_way_add(way, PyUnicode_FromString(" (a member of it)"), 1);
    case TRACE_DICT:
        if (level->given % 2 == 1) {
            return dump_way_add(way, PyUnicode_FromString(" (a key of it)"), 1);
        }
        return dump_way_add(way, dump_way_key(level->key), 1);
    case TRACE_REDUCED:
        return dump_way_reduced(way, level);
    default:
        return dump_way_add(way, PyUnicode_FromString(""), 1);
    }
}

PyObject *
dump_way(const Trace *trace, PyObject *name, size_t steps)
{
    Way way = {trace, 0, PyList_New(0)};
    PyObject *text = NULL, *nothing = PyUnicode_FromString("");
    int status = way.pieces == NULL || nothing == NULL ? -1 : dump_way_add(&way, Py_NewRef(name), 0);
    for (; status == 0 && way.at + 1 < trace->depth; steps--) {
        if (steps == 0) {
            status = dump_way_add(&way, PyUnicode_FromString(ELLIPSIS), 0);
            break;
        }
        status = dump_way_step(&way);
    }
    if (status == 0) {
        text = PyUnicode_Join(nothing, way.pieces);
    }
    Py_XDECREF(nothing);
    Py_XDECREF(way.pieces);
    return text;
}
